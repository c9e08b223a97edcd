"""Exact moments of a Boltzmann machine: what its likelihood is made of."""

__all__ = ["BoltzmannMoments", "moments_of_model", "moments_of_rows"]

from typing import NamedTuple

import numpy as np

from skebm.energy.units import all_configurations

# Configurations weighed at a time: 256 KiB, within the processor's cache, and long
# enough that the interpreter does not count.
_BLOCK_ELEMENTS = 2**15


class BoltzmannMoments(NamedTuple):
    """Means of what the energy weighs: of x x' and of x.

    They are the derivatives of -E by each coupling, taken once, and by the biases,
    averaged over a distribution.

    Parameters
    ----------
    products : ndarray of shape (n_units, n_units)
        Mean of x_i x_j. The diagonal, on which there are no couplings, is that of
        squares.
    mean : ndarray of shape (n_units,)
        Mean of x.
    """

    products: np.ndarray
    mean: np.ndarray


def moments_of_rows(energy, visible, row_weights):
    """Sum -E and the moments over rows of data.

    Parameters
    ----------
    energy : BoltzmannEnergy
        In float64.
    visible : ndarray of shape (n_rows, n_visible)
        Zeros and ones, or values in between, used as they are.
    row_weights : ndarray of shape (n_rows,)
        What each row weighs in the sums.

    Returns
    -------
    negative_energy : float
        Weighted sum of -E(x), in nats.
    moments : BoltzmannMoments
        Weighted sums.
    """
    products = np.dot((visible * row_weights[:, np.newaxis]).T, visible)
    mean = row_weights @ visible
    negative_energy = np.vdot(energy.couplings, products) / 2 + energy.bias @ mean
    return negative_energy, BoltzmannMoments(products, mean)


def moments_of_model(energy):
    """Compute log Z and the model's moments, summing over all configurations.

    A configuration is one of the first half of the units beside one of the second.
    Its energy is the sum of theirs and of one entry of a product of matrices, and
    so are the moments sums over rows, over columns, and products of matrices.

    Parameters
    ----------
    energy : BoltzmannEnergy
        In float64, of few units.

    Returns
    -------
    log_partition : float
        log Z in nats, exact to rounding.
    moments : BoltzmannMoments
        Means under the model.
    """
    n_first = len(energy.bias) // 2
    first = all_configurations(n_first)
    second = all_configurations(len(energy.bias) - n_first)
    first_score = _negative_energy(energy, first, slice(n_first))
    second_score = _negative_energy(energy, second, slice(n_first, None))
    tilt = first @ energy.couplings[:n_first, n_first:]

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
    across = between @ second
    products = np.block(
        [
            [(first_mass * first.T) @ first, across],
            [across.T, (second_mass * second.T) @ second],
        ]
    )
    moments = BoltzmannMoments(products / partition, mean)
    return float(reference + np.log(partition)), moments


def _negative_energy(energy, configurations, units):
    """Compute -E of configurations of some units, all others being off."""
    products = configurations @ energy.couplings[units, units]
    quadratic = np.einsum("ij,ij->i", configurations, products) / 2
    return quadratic + configurations @ energy.bias[units]
