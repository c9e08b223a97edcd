"""Chains of the negative phase that parallel tempering keeps from getting stuck."""

__all__ = ["advance_replicas"]

import numpy as np

from skebm.sampling.chains import start_visible
from skebm.sampling.tempering import Replicas, respace, start_replicas, temper

# Rungs at the start, before anything is known of the exchanges between them.
_FIRST_RUNGS = 8

# Steps between settings of the rungs: as the machine changes, what was measured
# before tells less and less.
_STEPS_BETWEEN_SETTINGS = 200


def advance_replicas(replicas, model, noise, *, visible_mean, n_ladders, n_steps):
    """Temper the replicas of a machine that learns.

    Parameters
    ----------
    replicas : Replicas or None
        As the last call gave them. Anything else, or another number of ladders,
        starts anew from independent units.
    model : object
        The machine in the coordinates in which it learns.
    noise : UniformNoise
        Source of the draws.
    visible_mean : ndarray of shape (n_visible,)
        Means of the independent units at inverse temperature 0.
    n_ladders : int
        Number of ladders, each with one row of the machine itself.
    n_steps : int
        Exchanges and sweeps to make.

    Returns
    -------
    replicas : Replicas
        After the steps; its `coldest` rows are those of the machine itself.
    """
    if not isinstance(replicas, Replicas) or replicas.rows.shape[1] != n_ladders:
        visible = start_visible(visible_mean, n_ladders, noise.rng)
        replicas = start_replicas(np.linspace(0, 1, _FIRST_RUNGS), visible)
    elif replicas.n_steps >= _STEPS_BETWEEN_SETTINGS:
        replicas = respace(replicas)
    return temper(model.tempered(visible_mean), replicas, noise, n_steps=n_steps)
