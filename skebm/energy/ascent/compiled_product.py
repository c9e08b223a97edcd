"""Matrix products within loops that numba compiles, by the BLAS that SciPy has.

numba's own `dot` calls the same one, but cannot add to an array: a gradient would be
written and read once more, which at this size takes as long as half the product.
"""

__all__ = ["add_product", "product"]

import numpy as np
from llvmlite.binding import add_symbol
from numba import types
from numba.extending import get_cython_function_address

from skebm._compilation import compile_loop

# By name, which unlike an address is the same in all processes that keep the code.
add_symbol(
    "skebm_sgemm", get_cython_function_address("scipy.linalg.cython_blas", "sgemm")
)
_sgemm = types.ExternalFunction("skebm_sgemm", types.void(*[types.voidptr] * 13))

# Whether a matrix is transposed, as BLAS is told.
_FLAGS = np.array([ord("N"), ord("T")], dtype=np.uint8)


@compile_loop
def product(rows, matrix, transposed):
    """Multiply rows by a matrix, or by its transpose.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, k)
        In float32 and contiguous, as all arrays here.
    matrix : ndarray of shape (k, n_columns), or if transposed (n_columns, k)
        What they are multiplied by.
    transposed : bool
        Whether its transpose is meant.

    Returns
    -------
    product : ndarray of shape (n_rows, n_columns)
        New.
    """
    n_columns = matrix.shape[0 if transposed else 1]
    result = np.empty((len(rows), n_columns), np.float32)
    if 2 * len(rows) > min(matrix.shape):
        add_product(rows, matrix, result, (False, transposed), 0)
        return result
    # Few rows are faster as columns, though they are then copied.
    columns = np.empty((n_columns, len(rows)), np.float32)
    add_product(matrix, rows, columns, (not transposed, True), 0)
    for i in range(len(rows)):
        for j in range(n_columns):
            result[i, j] = columns[j, i]
    return result


@compile_loop
def add_product(a, b, total, transposed, kept):
    """Set `total` to `kept` times itself plus a product.

    Parameters
    ----------
    a, b : ndarray of shape (n, k) and (k, m)
        Factors.
    total : ndarray of shape (n, m)
        Changed in place.
    transposed : tuple of bool
        Whether the transpose of each factor is meant, whose shape is then (k, n) or
        (m, k).
    kept : float
        0 or 1.
    """
    n, m = total.shape
    a_transposed, b_transposed = transposed
    k = a.shape[0 if a_transposed else 1]
    # BLAS takes rows for columns: it is asked for the transpose, factors exchanged.
    sizes = np.array([m, n, k, b.shape[1], a.shape[1]], np.int32)
    scales = np.array([1, kept], np.float32)
    _sgemm(
        _FLAGS[int(b_transposed) :].ctypes,
        _FLAGS[int(a_transposed) :].ctypes,
        sizes.ctypes,
        sizes[1:].ctypes,
        sizes[2:].ctypes,
        scales.ctypes,
        b.ctypes,
        sizes[3:].ctypes,
        a.ctypes,
        sizes[4:].ctypes,
        scales[1:].ctypes,
        total.ctypes,
        sizes.ctypes,
    )
