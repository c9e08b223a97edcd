"""Sums over configurations of a pairwise machine, for its exact likelihood."""

__all__ = ["sum_over_configurations"]

import numpy as np

from skebm.energy.offsets import bordered
from skebm.units.binary import all_configurations

# Configurations weighed at a time: 256 KiB, within the processor's cache, and long
# enough that the interpreter does not count.
_BLOCK_ELEMENTS = 2**15


def sum_over_configurations(couplings, bias):
    """Compute log Z and the model's moments, summing over all configurations.

    A configuration is one of the first half of the units beside one of the second.
    Its energy is the sum of theirs and of one entry of a product of matrices, and
    so are the moments sums over rows, over columns, and products of matrices.

    Parameters
    ----------
    couplings : ndarray of shape (n_units, n_units)
        Symmetric with zero diagonal, float64.
    bias : ndarray of shape (n_units,)
        Of few units.

    Returns
    -------
    log_partition : float
        log Z in nats, exact to rounding.
    moments : ndarray of shape (n_units + 1, n_units + 1)
        Means under the model of products of units, and of units with a constant 1.
    """
    n_first = len(bias) // 2
    first = all_configurations(n_first)
    second = all_configurations(len(bias) - n_first)
    first_score = _negative_energy(couplings, bias, first, slice(n_first))
    second_score = _negative_energy(couplings, bias, second, slice(n_first, None))
    tilt = first @ couplings[:n_first, n_first:]

    # Sums of exp(score - reference) over the configurations of the other half, and
    # of the same times the first half's.
    reference = -np.inf
    first_mass, second_mass = np.zeros(len(first)), np.zeros(len(second))
    between = np.zeros((n_first, len(second)))
    size = max(1, _BLOCK_ELEMENTS // len(first))
    for start in range(0, len(second), size):
        block = slice(start, start + size)
        score = np.dot(tilt, second[block].T)
        score += first_score[:, np.newaxis]
        score += second_score[block]
        if (peak := score.max()) > reference:
            scale = np.exp(reference - peak)
            for total in (first_mass, second_mass, between):
                np.multiply(total, scale, out=total)
            reference = peak
        score -= reference
        mass = np.exp(score, out=score)
        first_mass += mass.sum(axis=1)
        second_mass[block] = mass.sum(axis=0)
        between[:, block] = np.dot(first.T, mass)

    partition = first_mass.sum()
    mean = np.concatenate([first_mass @ first, second_mass @ second]) / partition
    own, other = slice(n_first), slice(n_first, len(bias))
    products = np.empty((len(bias), len(bias)))
    products[own, own] = (first_mass * first.T) @ first
    products[other, other] = (second_mass * second.T) @ second
    products[own, other] = across = between @ second
    products[other, own] = across.T
    moments = bordered(products / partition, mean, mean, 1.0)
    return float(reference + np.log(partition)), moments


def _negative_energy(couplings, bias, configurations, units):
    """Compute -E of configurations of some units, all others being off."""
    products = configurations @ couplings[units, units]
    quadratic = np.einsum("ij,ij->i", configurations, products) / 2
    return quadratic + configurations @ bias[units]
