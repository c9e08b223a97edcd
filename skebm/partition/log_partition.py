"""log Z by the best method that an energy allows."""

__all__ = ["compute_log_partition"]

import numpy as np

from skebm.partition.annealing import anneal_log_partition
from skebm.partition.enumeration import (
    MAX_ENUMERATED_UNITS,
    enumerate_log_partition,
)
from skebm.sampling.noise import UniformNoise


def compute_log_partition(energy, visible_mean, *, n_temperatures, n_chains, rng):
    """Compute log Z exactly where that is feasible, by annealing elsewhere.

    Parameters
    ----------
    energy : energy object
        Of dtype float64.
    visible_mean : ndarray of shape (n_visible,)
        Means of the independent units from which annealing starts.
    n_temperatures, n_chains : int
        Length of the annealing and number of its chains.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    estimate : PartitionEstimate
        In nats.
    """
    n_units = min(n_units for n_units, _ in energy.enumerable_layers())
    if n_units <= MAX_ENUMERATED_UNITS:
        return enumerate_log_partition(energy)
    return anneal_log_partition(
        energy.astype(np.float32).annealing_path(visible_mean),
        n_temperatures=n_temperatures,
        n_chains=n_chains,
        noise=UniformNoise(rng, np.float32),
    )
