"""Chains under way, and how their updates are cut into stretches."""

__all__ = ["Chains", "stretches", "transposed"]

from typing import NamedTuple

import numpy as np

# Thresholds are drawn for many units at once, but not for more than caches hold.
_DRAWN_AT_ONCE = 65536
_FEWEST_UNITS = 64

# Bytes by which rows are kept apart while they are read column by column.
_PADDING = 64


class Chains(NamedTuple):
    """Configurations, unit by unit: what belongs to one unit lies side by side.

    Parameters
    ----------
    on : ndarray of shape (n_units, n_rows)
        Boolean, which units are on in each row.
    beta : ndarray of shape (n_rows,)
        Inverse temperatures, of the dtype of the weights.
    """

    on: np.ndarray
    beta: np.ndarray


def transposed(table):
    """Copy a boolean table, columns as rows.

    Parameters
    ----------
    table : ndarray of shape (n_rows, n_columns)
        Boolean.

    Returns
    -------
    transposed : ndarray of shape (n_columns, n_rows)
        Each row contiguous.
    """
    n_rows, n_columns = table.shape
    # Rows a power of two apart evict each other from the processor's caches.
    apart = np.empty((n_rows, n_columns + _PADDING), dtype=bool)[:, :n_columns]
    apart[:] = table
    return np.ascontiguousarray(apart.T)


def stretches(shape):
    """Cut units into stretches for which thresholds are drawn together.

    Parameters
    ----------
    shape : tuple of (n_units, n_rows)
        How many there are.

    Returns
    -------
    stretches : list of slice
        Of consecutive units, in order.
    """
    n_units, n_rows = shape
    n_fewest = _DRAWN_AT_ONCE // (_FEWEST_UNITS * max(1, n_rows))
    length = _FEWEST_UNITS * max(1, n_fewest)
    starts = range(0, n_units, length)
    return [slice(start, min(start + length, n_units)) for start in starts]
