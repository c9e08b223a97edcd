"""Binary units that move one after the other, where fields follow cheaply.

An energy that takes part has, besides those of `Energy`, four methods. `projection`
gives what the fields of units follow from and is linear in rows, (n_rows, n_projected);
`direction(unit)` is by how much it rises when the unit goes from 0 to 1;
`odds(projection, unit, on)` gives the log-odds of the unit given all others, `on`
saying what it is now; and `slope(rows)` the derivatives of -E by all units. The last
two are 0 where they are nothing but rounding.
"""

__all__ = ["move_in_order", "without_rounding"]

import numpy as np


def move_in_order(energy, rows, choose, *, reverse=False):
    """Visit the units of rows in the order of their numbers.

    Parameters
    ----------
    energy : Energy
        With the methods above.
    rows : ndarray of bool of shape (n_rows, n_units)
        Left as they are.
    choose : callable
        Of the number of a unit, its log-odds given all others, and what it is, both of
        shape (n_rows,); says what it becomes.
    reverse : bool, default=False
        Whether the last unit is visited first.

    Returns
    -------
    rows : ndarray of bool of shape (n_rows, n_units)
        After the sweep.
    """
    rows = np.array(rows, dtype=bool)
    projection = energy.projection(rows)
    for unit in range(rows.shape[1])[:: -1 if reverse else 1]:
        on = rows[:, unit].copy()
        chosen = choose(unit, energy.odds(projection, unit, on), on)
        moved = np.flatnonzero(chosen != on)
        if len(moved):
            change = chosen[moved].astype(energy.dtype) - on[moved]
            projection[moved] += np.multiply.outer(change, energy.direction(unit))
            rows[moved, unit] = chosen[moved]
    return rows


def without_rounding(sums, sizes):
    """Put 0 for sums that are nothing but rounding.

    Units whose field is zero stay as they are: rounding must not move them.

    Parameters
    ----------
    sums : ndarray
        Of many terms; overwritten.
    sizes : ndarray
        Sums of the magnitudes of the same terms, or more.
    """
    sums[np.abs(sums) <= 100 * np.finfo(sums.dtype).eps * sizes] = 0
    return sums
