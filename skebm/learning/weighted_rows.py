"""Rows of data that count differently, equal ones merged where that is cheap."""

__all__ = ["WeightedRows", "merge_rows"]

import numpy as np

from skebm.energy.completions import MOST_SUMMED
from skebm.partition.enumeration import MAX_ENUMERATED_UNITS
from skebm.units.data import BLOCK_ELEMENTS, Rows


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
        observed : ndarray of bool of shape (n_block, n_columns) or None
            Which values are not missing. None: all of them.
        weights : ndarray of shape (n_block,)
            What they count.
        """
        for block in self._rows.blocks(row_elements):
            part = self._rows.take(block).astype(np.float64, copy=False)
            has_missing = self._rows.has_missing
            observed = self._rows.observed(block) if has_missing else None
            yield part, observed, self._weights[block]

    def check(self, energy):
        """Refuse rows of which an energy cannot sum over all that is missing."""
        if not self._rows.has_missing:
            return
        for block in self._rows.blocks(self._rows.n_columns):
            if not energy.is_summable(self._rows.observed(block)).all():
                raise ValueError(
                    "Exact learning sums over what is missing of each row: X has rows "
                    f"of which more than {MOST_SUMMED} values are NaN, and the model "
                    f"more than {MOST_SUMMED} hidden units. Set algorithm='pcd', or "
                    "drop these rows."
                )


def merge_rows(rows):
    """Merge equal rows where that is cheap.

    Parameters
    ----------
    rows : Rows
        The data.

    Returns
    -------
    rows : Rows
        Each row once, with the sum of what equal rows count: binary ones whose columns
        could be enumerated, and others that fit a block, where that leaves half of
        them. Else the same as before.
    """
    n_columns = rows.n_columns
    if rows.has_missing:
        return rows
    if not rows.is_binary:
        return _merge_values(rows)
    if n_columns > MAX_ENUMERATED_UNITS:
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


def _merge_values(rows):
    """Merge equal rows of a table that fits a block, where half of them are."""
    if rows.n_rows * rows.n_columns > BLOCK_ELEMENTS:
        return rows
    table = rows.take(slice(None)).astype(np.float64, copy=False)
    # Sorting numbers is quicker than sorting rows. Different rows can have the same.
    factors = np.random.default_rng(0).random(rows.n_columns)
    keys = np.einsum("ij,j->i", table, factors)
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    if 2 * len(first) > len(table) or (table[first][which] != table).any():
        return rows
    return Rows(table[first], None).weighted(np.bincount(which, _weights(rows)))


def _weights(rows):
    return np.ones(rows.n_rows) if rows.weights is None else rows.weights
