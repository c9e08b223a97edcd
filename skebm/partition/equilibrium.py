"""Rows in equilibrium at inverse temperature 1, by parallel tempering."""

__all__ = ["EquilibriumRows", "draw_in_equilibrium"]

from typing import NamedTuple

import numpy as np

from skebm.sampling.tempering import adapt_ladder, start_replicas, temper
from skebm.sampling.watching import watched

_ADAPTING_LADDERS = 8
_ADAPTING_STEPS = 120


class EquilibriumRows(NamedTuple):
    """Rows from the tops of ladders, (n_ladders, n_members, n_columns), and restarts.

    And how many sweeps of single chains they took.

    Ladders are independent, the members of one less so. Rows are in equilibrium when
    those that have come to the top from fresh draws, on average, are many.
    """

    states: np.ndarray
    n_restarts: float
    n_sweeps: float = 0.0

    @property
    def rows(self):
        """All of them, those of one ladder after those of another."""
        return np.concatenate(self.states)


def draw_in_equilibrium(path, starts, noise, *, n_members, n_steps, most_sweeps=np.inf):
    """Draw rows by parallel tempering.

    Parameters
    ----------
    path : Path
        To the machine from what is known.
    starts : ndarray of shape (n_ladders, n_columns)
        Row with which each ladder starts, on every rung.
    noise : UniformNoise
        Source of the draws.
    n_members : int
        Rows to take from each ladder.
    n_steps : int
        Steps of each ladder. Rows are taken at equal times from the second half.
    most_sweeps : float, default=inf
        Sweeps of single chains that may be made. There are fewer steps where these
        would take more, but no fewer than leave one for each row.

    Returns
    -------
    rows : EquilibriumRows
        What the ladders gave.
    """
    chosen = np.linspace(0, len(starts) - 1, _ADAPTING_LADDERS).round().astype(int)
    ladder = adapt_ladder(path, starts[chosen], noise, n_steps=_ADAPTING_STEPS)
    replicas = start_replicas(ladder.betas, starts)
    n_sweeps = _ADAPTING_LADDERS * _ADAPTING_STEPS * len(ladder.betas)
    n_rows = len(replicas.states)
    n_affordable = int(min(n_steps, max(0.0, most_sweeps - n_sweeps) // n_rows))
    n_steps = max(n_affordable, min(n_steps, 2 * n_members))
    times = np.linspace(n_steps / 2, n_steps, n_members + 1).round().astype(int)
    task = f"tempering {len(starts)} ladders in {n_steps} steps"
    members = []
    for n_more in watched(np.diff(times, prepend=0), len(times), task, 2):
        replicas = temper(path, replicas, noise, n_steps=n_more)
        members.append(replicas.coldest)
    states = np.stack(members[1:], axis=1)
    return EquilibriumRows(
        states, float(replicas.n_restarts.mean()), n_sweeps + n_steps * n_rows
    )
