"""Binary units that move one after the other, where fields follow cheaply.

An energy that takes part has, besides those of `Energy`, two methods. `walk(rows)`
gives a `Walk`; and `slope(rows)` the derivatives of -E by all units, for values between
0 and 1 too. Both put 0 for what is nothing but rounding.
"""

__all__ = ["Walk", "move_in_order", "without_rounding"]

from typing import Protocol

import numpy as np


class Walk(Protocol):
    """What an energy keeps of rows whose units move one after the other."""

    def odds(self, unit, on):
        """Compute the log-odds of a unit given all others, (n_rows,).

        Parameters
        ----------
        unit : int
            Its number.
        on : ndarray of bool of shape (n_rows,)
            What it is now.
        """

    def move(self, moved, unit, change):
        """Follow a unit that has moved.

        Parameters
        ----------
        moved : ndarray of int of shape (n_moved,)
            In which rows.
        unit : int
            Its number.
        change : ndarray of shape (n_moved,)
            1 where it went on, -1 where it went off.
        """


def move_in_order(energy, rows, choose, *, reverse=False):
    """Visit the units of rows in the order of their numbers.

    Parameters
    ----------
    energy : Energy
        With `walk`.
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
    walk = energy.walk(rows)
    for unit in range(rows.shape[1])[:: -1 if reverse else 1]:
        on = rows[:, unit].copy()
        chosen = choose(unit, walk.odds(unit, on), on)
        moved = np.flatnonzero(chosen != on)
        if len(moved):
            change = chosen[moved].astype(energy.dtype) - on[moved]
            walk.move(moved, unit, change)
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
