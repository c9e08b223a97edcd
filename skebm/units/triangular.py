"""Products with lower triangular matrices that are wide, in blocks of columns.

NumPy multiplies by the zeros above the diagonal too. These products leave them out, and
never make a triangular matrix that is one of few rows and columns.
"""

__all__ = ["lower_product", "rows_times_lower"]

import numpy as np

# Columns multiplied at once: so many that products are quick, and few beside those
# of a matrix that is worth the trouble.
_BLOCK = 256


def _blocks(n_columns):
    return [slice(start, start + _BLOCK) for start in range(0, n_columns, _BLOCK)]


def rows_times_lower(rows, lower):
    """Compute ``rows @ lower.T``.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns)
        Rows to multiply.
    lower : ndarray of shape (n_columns, n_columns)
        What is above the diagonal is not looked at, blocks on the diagonal apart,
        where it must be zero.

    Returns
    -------
    product : ndarray of shape (n_rows, n_columns)
        In the dtype of the two.
    """
    if len(lower) <= _BLOCK:
        return np.dot(rows, lower.T)
    product = np.empty(rows.shape, np.result_type(rows, lower))
    for block in _blocks(len(lower)):
        own = slice(0, block.stop)
        product[:, block] = np.dot(rows[:, own], lower[block, own].T)
    return product


def lower_product(left, right, lower):
    """Compute ``L @ lower`` for L = ``tril(left.T @ right, -1)``, and the norm of L.

    In time quadratic in the number of columns, as L is never made whole.

    Parameters
    ----------
    left, right : ndarray of shape (n_rows, n_columns)
        Of which L is a sum over rows.
    lower : ndarray of shape (n_columns, n_columns)
        Lower triangular.

    Returns
    -------
    product : ndarray of shape (n_columns, n_columns)
        Zero on and above the diagonal.
    squared_norm : float
        Sum of the squares of L.
    """
    n_rows, n_columns = left.shape
    product = np.zeros_like(lower)
    # Of all columns left of the block: right @ lower, and right @ right'.
    sums = np.zeros((n_rows, n_columns), lower.dtype)
    alike = np.zeros((n_rows, n_rows), lower.dtype)
    squared_norm = 0.0
    for block in _blocks(n_columns):
        done, known = slice(0, block.start), slice(0, block.stop)
        own_left, own_right, own_lower = left[:, block], right[:, block], lower[block]
        corner = np.tril(np.dot(own_left.T, own_right), -1)
        product[block, known] = np.dot(corner, own_lower[:, known])
        squared_norm += float(np.vdot(corner, corner))
        if block.start > 0:
            product[block, done] += np.dot(own_left.T, sums[:, done])
            squared_norm += float(np.vdot(own_left, np.dot(alike, own_left)))
        sums[:, known] += np.dot(own_right, own_lower[:, known])
        alike += np.dot(own_right, own_right.T)
    return product, squared_norm
