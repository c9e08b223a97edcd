"""Temperatures for annealing, spaced by the variance that each step adds."""

__all__ = ["AnnealingLength", "measure_length"]

from dataclasses import dataclass

import numpy as np

# Steps as far apart as this share of the path no longer know of each other, or
# belong to modes that no spacing can join.
_WINDOW = 0.05

# This share of the steps is spread evenly, in case the pilot has missed something.
_EVEN_SHARE = 0.1


@dataclass(frozen=True, eq=False)
class AnnealingLength:
    """How far apart the machines of a path are, in units of the log weights.

    Parameters
    ----------
    betas : ndarray of shape (n_points,)
        Inverse temperatures from 0 to 1, rising.
    position : ndarray of shape (n_points,)
        Length of the path up to there. Annealing in n steps of equal length gives
        log weights of variance ``position[-1] ** 2 / n``.
    """

    betas: np.ndarray
    position: np.ndarray

    def space(self, n_temperatures):
        """Place temperatures evenly in length, and a few evenly in beta.

        Returns
        -------
        betas : ndarray of shape (n_temperatures + 1,)
            From exactly 0 to exactly 1, rising.
        """
        total = self.position[-1]
        length = self.position / total if total > 0 else self.betas
        position = (1 - _EVEN_SHARE) * length + _EVEN_SHARE * self.betas
        position[-1] = 1  # not a rounding error less
        even = np.linspace(0, 1, n_temperatures + 1)
        return np.interp(even, position, self.betas)

    def n_temperatures(self, variance):
        """Predict how many steps give log weights of the wanted variance."""
        return self.position[-1] ** 2 / variance


def measure_length(betas, falls):
    """Measure the length of a path from the steps of a pilot run.

    With few steps a chain has no time to forget, and the falls of neighbouring
    steps vary together: what a step adds to the variance of the log weights is
    the covariance of its fall with the sum of the falls around it. Its root is
    the length of the step: that of thermodynamics [1]_ where sweeps make
    independent rows, and longer, by the time that forgetting takes, where they
    do not [2]_. A sum of squares is least for steps of equal length.

    Parameters
    ----------
    betas : ndarray of shape (n_steps + 1,)
        Inverse temperatures of the pilot run, from 0 to 1, rising.
    falls : ndarray of shape (n_steps, n_chains)
        What each of its steps added to the log weight of each chain.

    Returns
    -------
    length : AnnealingLength
        Between these temperatures.

    References
    ----------
    .. [1] Crooks, G. E. (2007). Measuring thermodynamic length. Physical Review
       Letters 99, 100602.
    .. [2] Sivak, D. A. and Crooks, G. E. (2012). Thermodynamic metrics and optimal
       paths. Physical Review Letters 108, 190602.
    """
    n_steps, n_chains = falls.shape
    deviations = falls - falls.mean(axis=1, keepdims=True)
    sums = np.cumsum(np.vstack([np.zeros(n_chains), deviations]), axis=0)
    step, window = np.arange(n_steps), max(1, round(_WINDOW * n_steps))
    first = np.maximum(step - window, 0)
    last = np.minimum(step + window + 1, n_steps)
    # A negative covariance is noise: the own variance is the least there can be.
    added = np.maximum(
        (deviations * (sums[last] - sums[first])).mean(axis=1),
        (deviations**2).mean(axis=1),
    )
    return AnnealingLength(betas, np.append(0.0, np.cumsum(np.sqrt(added))))
