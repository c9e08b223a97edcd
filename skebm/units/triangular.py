"""Products of lower triangles of sums over few rows, in blocks of columns."""

__all__ = ["lower_product"]

import numpy as np

# Columns multiplied at once: so many that products are quick, and few beside those
# of a matrix that is worth the trouble. At 1555 columns 128 to 256 take as long.
_BLOCK = 192


def _blocks(n_columns):
    return [slice(start, start + _BLOCK) for start in range(0, n_columns, _BLOCK)]


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
