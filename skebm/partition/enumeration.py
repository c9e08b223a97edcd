"""log Z by summing over all configurations of the smallest layer, or elimination."""

__all__ = [
    "MAX_ENUMERATED_UNITS",
    "can_enumerate",
    "draw_enumerated",
    "enumerate_log_partition",
]

import numpy as np
from scipy.special import logsumexp, softmax

from skebm.partition.estimate import PartitionEstimate
from skebm.units.data import row_blocks

# 2**20 configurations of a layer beside 784 units take a few seconds.
MAX_ENUMERATED_UNITS = 20


def can_enumerate(energy, n_units=None):
    """Say whether the sum over all configurations is short enough.

    That is if it has no more terms than so many binary units have configurations, or
    than the energy itself allows.
    """
    return energy.n_terms <= (energy.most_terms if n_units is None else 2**n_units)


def enumerate_log_partition(energy):
    """Compute log Z exactly, to rounding.

    Parameters
    ----------
    energy : Energy
        With `enumerable_layers`; should be of dtype float64.

    Returns
    -------
    estimate : PartitionEstimate
        With no error.
    """
    if energy.elimination is not None:
        return PartitionEstimate.from_exact(energy.elimination.log_partition)
    if hasattr(energy, "enumerated_log_partition"):
        return PartitionEstimate.from_exact(energy.enumerated_log_partition())
    log_partition = logsumexp([logsumexp(scores) for scores in _scores(energy)])
    return PartitionEstimate.from_exact(float(log_partition))


def draw_enumerated(energy, n_rows, noise):
    """Draw rows that chains move from exp(-E) / Z itself, independent of each other.

    Parameters
    ----------
    energy : Energy
        That `can_enumerate` allows; should be of dtype float64.
    n_rows : int
        How many.
    noise : UniformNoise
        Source of the draws.

    Returns
    -------
    rows : ndarray of shape (n_rows, n_columns)
        Configurations of ``energy.units``.
    """
    if energy.elimination is not None:
        return energy.elimination.draw(n_rows, noise)
    units, _, rows_of = _smallest_layer(energy)
    law = softmax(np.concatenate(list(_scores(energy))))
    drawn = noise.rng.choice(len(law), n_rows, p=law)
    return rows_of(units.configurations(drawn), noise)


def _scores(energy):
    """Give -F of all configurations of the smallest layer, a block at a time."""
    units, free_energy, _ = _smallest_layer(energy)
    for block in row_blocks(units.n_configurations, energy.n_units):
        yield -free_energy(units.configurations(np.arange(block.start, block.stop)))


def _smallest_layer(energy):
    return min(energy.enumerable_layers(), key=lambda layer: layer[0].n_configurations)
