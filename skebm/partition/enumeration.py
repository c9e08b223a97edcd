"""log Z by summing over every configuration of the smallest layer."""

__all__ = [
    "MAX_ENUMERATED_UNITS",
    "count_enumerated_units",
    "enumerate_log_partition",
]

import numpy as np
from scipy.special import logsumexp

from skebm._rows import BLOCK_ELEMENTS
from skebm.energy.units import all_configurations
from skebm.partition.estimate import PartitionEstimate

# 2**20 configurations of a layer beside 784 units take a few seconds.
MAX_ENUMERATED_UNITS = 20


def count_enumerated_units(energy):
    """Count the units that have to be enumerated: those of the smallest layer."""
    return min(n_units for n_units, _ in energy.enumerable_layers())


def enumerate_log_partition(energy):
    """Compute log Z exactly, to rounding.

    Parameters
    ----------
    energy : energy object
        With `enumerable_layers`; should be of dtype float64.

    Returns
    -------
    estimate : PartitionEstimate
        With no error.
    """
    n_units, free_energy = min(energy.enumerable_layers(), key=lambda layer: layer[0])
    n_block = max(1, BLOCK_ELEMENTS // energy.n_units)
    n_low = min(n_units, n_block.bit_length() - 1)
    low = all_configurations(n_low)
    block = np.zeros((len(low), n_units))
    block[:, :n_low] = low
    log_sums = []
    for high in all_configurations(n_units - n_low):
        block[:, n_low:] = high
        log_sums.append(logsumexp(-free_energy(block)))
    return PartitionEstimate.from_exact(float(logsumexp(log_sums)))
