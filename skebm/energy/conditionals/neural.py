"""Densities of single values given the others, by sums over a grid."""

__all__ = ["conditional_log_density"]

import numpy as np
from scipy.special import logsumexp

from skebm.units.data import row_blocks

# Points of the first grid and the last, and how far it reaches at first, in standard
# deviations of the base. A density at whose ends there is less than this share of the
# highest, in nats, has all its mass between them.
_POINTS, _MOST_POINTS = 129, 8193
_REACH, _MOST_REACH = 8.0, 1000.0
_NOTHING = -35.0

# The sum over every other point differs by no more, in nats, where a grid is fine
# enough: the trapezoidal rule then has a far smaller error.
_FINE = 1e-6


def conditional_log_density(energy, rows):
    """Compute log p(v_i | the other columns) of every column i of each row.

    Parameters
    ----------
    energy : NeuralEnergy
        Float64.
    rows : ndarray of shape (n_rows, n_columns)
        Rows v.

    Returns
    -------
    log_density : ndarray of shape (n_rows, n_columns)
        In nats.
    """
    rows = rows.astype(np.float64)
    axes = energy.visible.axes()
    precision = axes @ axes.T
    own = np.diag(precision)
    centres = rows - rows @ precision / own
    score = -energy.free_energy(rows)
    result = np.empty(rows.shape)
    for column in range(rows.shape[1]):
        spread = np.full(len(rows), _REACH / np.sqrt(own[column]))
        # The value itself is within.
        spread += np.abs(rows[:, column] - centres[:, column])
        integral = _integrals(energy, rows, column, centres[:, column], spread)
        result[:, column] = score - integral
    return result


def _integrals(energy, rows, column, centres, spread):
    """Integrate exp(-E) over a column; its logarithm, (n_rows,)."""
    result, left, n_points = np.empty(len(rows)), np.arange(len(rows)), _POINTS
    widest = _MOST_REACH / _REACH * spread
    while len(left):
        scores = _on_grid(energy, rows[left], column, centres[left], spread[left])(
            n_points
        )
        highest = scores.max(axis=1)
        spacing = np.log(2 * spread[left] / (n_points - 1))
        fine, coarse = logsumexp(scores, axis=1), logsumexp(scores[:, ::2], axis=1)
        result[left] = fine + spacing
        ends = np.maximum(scores[:, 0], scores[:, -1]) - highest
        cut = (ends > _NOTHING) & (spread[left] < widest[left])
        rough = np.abs(fine - coarse - np.log(2)) > _FINE
        spread[left[cut]] *= 2
        left = left[cut | rough]
        n_points = 2 * n_points - 1
        if n_points > _MOST_POINTS:
            break
    return result


def _on_grid(energy, rows, column, centres, spread):
    def scores(n_points):
        places = np.linspace(-1, 1, n_points)
        result = np.empty((len(rows), n_points))
        for block in row_blocks(len(rows), n_points * energy.n_units):
            part = np.repeat(rows[block], n_points, axis=0)
            grid = centres[block, np.newaxis] + spread[block, np.newaxis] * places
            part[:, column] = grid.ravel()
            result[block] = -energy.free_energy(part).reshape(-1, n_points)
        return result

    return scores
