"""Chains of the negative phase that parallel tempering keeps from getting stuck."""

__all__ = ["advance_replicas"]

import numpy as np

from skebm.sampling.path import IndependentStart, Path
from skebm.sampling.tempering import Replicas, respace, start_replicas, temper

# Rungs at the start, before anything is known of the exchanges between them.
_FIRST_RUNGS = 8

# Steps between settings of the rungs: as the machine changes, what was measured
# before tells less and less.
_STEPS_BETWEEN_SETTINGS = 200


def advance_replicas(replicas, energy, noise, *, mean, n_ladders, n_steps):
    """Temper the replicas of a machine that learns, so many exchanges and sweeps.

    `replicas` are as the last call gave them; anything else, or another number of
    ladders, starts anew from independent units of this `mean`. The `coldest` rows of
    what is returned are those of the machine itself.
    """
    path = Path(IndependentStart(energy.units, mean), energy)
    if not isinstance(replicas, Replicas) or replicas.rows.shape[1] != n_ladders:
        rows = path.draw(n_ladders, noise)
        replicas = start_replicas(np.linspace(0, 1, _FIRST_RUNGS), rows)
    elif replicas.n_steps >= _STEPS_BETWEEN_SETTINGS:
        replicas = respace(replicas)
    return temper(path, replicas, noise, n_steps=n_steps)
