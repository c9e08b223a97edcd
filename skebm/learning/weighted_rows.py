"""Rows of data that count differently, equal ones merged where that is cheap."""

__all__ = ["WeightedRows", "merge_rows"]

import numpy as np

from skebm.partition.enumeration import MAX_ENUMERATED_UNITS
from skebm.units.data import Rows


class WeightedRows:
    """Rows with weights that sum to one, as deterministic objectives read them.

    Parameters
    ----------
    rows : Rows
        The data.
    """

    def __init__(self, rows):
        self._rows = merge_rows(rows)
        weights = _weights(self._rows)
        self._weights = weights / weights.sum()

    def blocks(self, row_elements):
        """Read the rows in float64, a block at a time.

        Parameters
        ----------
        row_elements : int
            Array elements that work on one row needs.

        Yields
        ------
        part : ndarray of shape (n_block, n_columns)
            Consecutive rows.
        weights : ndarray of shape (n_block,)
            What they count.
        """
        for block in self._rows.blocks(row_elements):
            part = self._rows.take(block).astype(np.float64, copy=False)
            yield part, self._weights[block]


def merge_rows(rows):
    """Merge equal rows where there are so few columns that they can be counted.

    Parameters
    ----------
    rows : Rows
        The data.

    Returns
    -------
    rows : Rows
        Each binary row once where its columns could be enumerated, with the sum of
        what equal rows count, else the same as before.
    """
    n_columns = rows.n_columns
    if n_columns > MAX_ENUMERATED_UNITS or not rows.is_binary:
        return rows
    weights = _weights(rows)
    totals = np.zeros(2**n_columns)
    bits = np.arange(n_columns)
    for block in rows.blocks(n_columns):
        numbers = rows.take(block) @ (1 << bits)
        totals += np.bincount(numbers, weights[block], len(totals))
    present = np.flatnonzero(totals)
    table = (present[:, np.newaxis] >> bits & 1).astype(bool)
    return Rows(table, None).weighted(totals[present])


def _weights(rows):
    return np.ones(rows.n_rows) if rows.weights is None else rows.weights
