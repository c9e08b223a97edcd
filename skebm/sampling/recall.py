"""Recall: rows that move downhill, to where no move lowers their energy."""

__all__ = ["attend", "fill_in", "recall", "step_in_order", "step_together"]

import numpy as np

from skebm.energy.unit_moves import move_in_order


def step_in_order(energy, rows):
    """Let binary units go, one after the other, to their likelier state.

    The energy falls with each that moves. One with log-odds of 0 stays as it is.

    Parameters
    ----------
    energy : Energy
        With the methods of `energy.unit_moves`.
    rows : ndarray of bool of shape (n_rows, n_units)
        Left as they are.

    Returns
    -------
    rows : ndarray of bool of shape (n_rows, n_units)
        After one sweep.
    """

    def choose(unit, odds, on):
        return _sign(odds, on)

    return move_in_order(energy, rows, choose)


def step_together(energy, rows):
    """Let all binary units go at once where the slope of -E points.

    Where -E is convex in the units, it never falls below its tangent, so that the
    energy falls as well. Elsewhere it can rise, and rows may alternate between two.

    Parameters and result are as of `step_in_order`.
    """
    return _sign(energy.slope(rows), rows)


def attend(energy, rows):
    """Put the mean of the memories, by how they attend to each row, in its place.

    Parameters
    ----------
    energy : MemoryMixture
        Of real values.
    rows : ndarray of shape (n_rows, n_columns)
        Left as they are.

    Returns
    -------
    rows : ndarray of shape (n_rows, n_columns)
        The softmax of the fields of the memories, times these.
    """
    return energy.visible_mean(energy.hidden_mean(rows))


def fill_in(energy, rows, observed):
    """Put the likelier state for binary units that are missing, given those observed.

    A unit that is missing counts neither way, as a spin of 0 would; each is told its
    state by those that are observed alone.

    Parameters
    ----------
    energy : Energy
        With the methods of `energy.unit_moves`.
    rows, observed : ndarray of bool of shape (n_rows, n_units)
        Values, and which are known.
    """
    if observed.all():
        return rows
    slope = energy.slope(np.where(observed, rows, 0.5))
    return np.where(observed, rows, slope > 0)


def recall(step, rows, max_sweeps, tolerance=0.0):
    """Repeat a step until rows stay as they are.

    Parameters
    ----------
    step : callable
        Of rows; gives as many.
    rows : ndarray of shape (n_rows, n_columns)
        Where they start; left as they are.
    max_sweeps : int
        Most steps.
    tolerance : float, default=0.0
        Rows in which no value moves farther have settled.

    Returns
    -------
    rows : ndarray of shape (n_rows, n_columns)
        After the last step.
    settled : ndarray of bool of shape (n_rows,)
        Which rows their last step has left as they were.
    """
    rows, moving = rows.copy(), np.arange(len(rows))
    for _ in range(max_sweeps):
        before = rows[moving]
        after = step(before)
        rows[moving] = after
        if rows.dtype == bool:
            moved = (after != before).any(axis=1)
        else:
            moved = (np.abs(after - before) > tolerance).any(axis=1)
        moving = moving[moved]
        if not len(moving):
            break
    settled = np.ones(len(rows), dtype=bool)
    settled[moving] = False
    return rows, settled


def _sign(odds, on):
    """Give the state that odds favour, or the one that there is where they do not."""
    return np.where(odds == 0, on, odds > 0)
