"""Offsets of units, beside a constant unit that makes biases weights.

With a constant 1 appended to a layer, its biases are one more row or column of a matrix
of weights, and one product serves both. With offsets m that are subtracted from units,
the gradient of the weights does not pull at the means of the units, and learning is the
same whichever way bits are coded [1]_ [2]_. The energy is understood without the
constant that they leave in it, so that log Z does not depend on them.

References
----------
.. [1] Montavon, G. and Müller, K.-R. (2012). Deep Boltzmann machines and the centering
   trick. Neural Networks: Tricks of the Trade, 621-637.
.. [2] Melchior, J., Fischer, A. and Wiskott, L. (2016). How to center deep Boltzmann
   machines. JMLR 17(99), 1-61.
"""

__all__ = [
    "bordered",
    "centre",
    "centred_moments",
    "no_offset",
    "plain_bias",
    "shifted_offset",
]

import numpy as np

from skebm.kernels import kernels_of


def no_offset(n_columns, dtype):
    """Give the offset that changes nothing, and 0 for the constant."""
    return np.zeros(n_columns + 1, dtype)


def plain_bias(matrix, offset):
    """Give the biases in the last column without the offset of the other side."""
    bias = matrix[:-1, -1].copy()
    if offset.any():
        bias -= np.dot(matrix[:-1], offset)
    return bias


def shifted_offset(before, offset):
    """Give the offset, with the 0 for the constant, where one is given."""
    if offset is None:
        return before
    after = np.zeros_like(before)
    after[:-1] = offset
    return after


def centre(rows, offset):
    """Subtract the offset from rows, and append the constant.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns)
        Boolean or real.
    offset : ndarray of shape (n_columns + 1,)
        At the end 0.

    Returns
    -------
    centred : ndarray of shape (n_rows, n_columns + 1)
        Of the dtype of the offset.
    """
    # Booleans alone are worth a compiled loop.
    compiled = rows.dtype == bool and offset.dtype == np.float32
    return kernels_of("layers", compiled=compiled).centre(rows, offset)


def bordered(products, left, right, total):
    """Put beside sums of products of two sides those of each side with a constant.

    `np.block` takes longer than all sums over few rows.
    """
    n_left, n_right = products.shape
    moments = np.empty((n_left + 1, n_right + 1), products.dtype)
    moments[:-1, :-1], moments[-1, -1] = products, total
    moments[:-1, -1], moments[-1, :-1] = left, right
    return moments


def centred_moments(moments, left, right):
    """Turn sums of products of units and constants into those of centred units.

    Parameters
    ----------
    moments : ndarray of shape (n_left + 1, n_right + 1)
        Sums of products, of which the last row and column are with the constant.
    left, right : ndarray of shape (n_left + 1,) and (n_right + 1,)
        Offsets of the two sides, at the end 0.

    Returns
    -------
    centred : ndarray of shape (n_left + 1, n_right + 1)
        The same sums of products of units less their offsets.
    """
    centred = moments - np.outer(left, moments[-1]) - np.outer(moments[:, -1], right)
    return centred + moments[-1, -1] * np.outer(left, right)
