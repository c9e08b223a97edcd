"""log Z along the way that a machine takes while it learns."""

__all__ = ["PartitionTrajectory"]

import math

import numpy as np

from skebm.partition.enumeration import can_enumerate, enumerate_log_partition
from skebm.partition.weights import bridge
from skebm.sampling.path import IndependentStart, Line, Path

# Enumerating so few units takes less than the chains do. Energies may say that more
# are worth it: errors of hundredths of a nat, as chains leave, hide what learning gains
# towards its end, and with msnbc's 17 columns it stopped 0.07 nats too early.
_MAX_ENUMERATED_UNITS = 10

# Wanted variance of the log weights over a step, and the least number of steps,
# however small it is: with 0.05 and five, log Z was off by as much, after up to two
# and a half times as many steps. And the most, but from independent units: where
# machines lay so far apart that more were wanted, ten times as many left the same
# error, and took as long as learning itself.
_STEP_VARIANCE = 0.03
_FEWEST_STEPS = 2
_MOST_STEPS = 20

# Weights do not know of groups without a chain: their variance is taken for so many
# times what it is.
_UNDERSTATED = 4.0

# A bridge that says it is worse than this is worse than it says: on plants, with 0.004,
# log Z was 0.2 nats too low throughout, where steps alone leave half of that.
_LARGEST_VARIANCE = 0.002

# Shares of the chains that the weights must be worth: below the first the
# chains are drawn anew by weight, below the second the way starts over.
_RESAMPLED_BELOW = 0.5
_RESTARTED_BELOW = 0.1


class PartitionTrajectory:
    """Chains that follow a machine as it changes, and their importance weights.

    Annealed importance sampling may take any path. Here the path is that of
    learning itself: where machines lie close to each other, as those of successive
    stages of learning do, a few steps between them suffice, and what was spent on
    the way to the last one is not spent again [1]_ [2]_. Chains of little weight
    are replaced by copies of others when the weights have become too unequal
    [3]_. They jump between the groups of a mixture, if there is one, so that none is
    without a chain when the machine comes to favour it; and when one advance is too far
    for the chains, they start over from the mixture.

    The chains are not those of the gradient: these follow the machine at the speed
    of single updates, and lag behind it.

    Parameters
    ----------
    mean : ndarray of shape (n_columns,)
        Means of the independent units from which the way starts.
    noise : UniformNoise
        Source of the draws.
    most_steps : int, default=200
        Most steps of the way from a start to a machine.
    n_chains : int, default=400
        Number of chains.

    Attributes
    ----------
    log_partition : float
        log Z of the last machine, in nats.
    std : float
        Standard error that the unequal weights of the last advance add to it;
        0 where log Z is exact.

    References
    ----------
    .. [1] Krause, O., Fischer, A. and Igel, C. (2020). Algorithms for estimating
       the partition function of restricted Boltzmann machines. Artificial
       Intelligence 278, 103195.
    .. [2] Béreux, N., Decelle, A., Furtlehner, C. and Seoane, B. (2025). Fast
       training and sampling of restricted Boltzmann machines. ICLR.
    .. [3] Del Moral, P., Doucet, A. and Jasra, A. (2006). Sequential Monte Carlo
       samplers. JRSS B 68(3), 411-436.
    """

    def __init__(self, mean, noise, most_steps=200, n_chains=400):
        self._mean = mean
        self._noise = noise
        self._most_steps = most_steps
        self._n_chains = n_chains
        self._energy = None
        self.log_partition = np.nan
        self.std = 0.0

    def advance(self, energy, mixture=None):
        """Follow the machine to new parameters and update `log_partition`.

        Parameters
        ----------
        energy : Energy
            In float64, of a machine that chains move through.
        mixture : Mixture, default=None
            Of such rows as it may favour. None: chains make no jumps, and start over
            from independent units.
        """
        if can_enumerate(energy, _MAX_ENUMERATED_UNITS) or energy.sums_quickly:
            self.log_partition = enumerate_log_partition(energy).log_partition
            return
        energy = energy.astype(np.float32)
        if self._energy is not None:
            least = self._move(Line(self._energy, energy), _MOST_STEPS)
        if self._energy is None or least < _RESTARTED_BELOW:
            first = self._energy is None or mixture is None
            independent = IndependentStart(energy.units, self._mean)
            self.start_over(energy, independent if first else mixture)
        if mixture is not None:
            path = Path(mixture, energy)
            offer = path.offer(self._rows, 1.0, self._noise)
            self._correct(path.log_partition, offer)
            self._rows, _ = offer.taken(self._rows, self._noise)
        self._energy = energy

    def start_over(self, energy, start):
        """Take new chains from a start to the machine, and update `log_partition`."""
        energy = energy.astype(np.float32)
        path = Path(start, energy)
        self._rows = path.draw(self._n_chains, self._noise)
        self._base = path.log_partition
        self._log_weights = np.zeros(self._n_chains)
        self._variance = 0.0
        self._move(path, self._most_steps)

    def draws(self):
        """Give the chains as draws of the last machine; None where it was summed."""
        if self._energy is None:
            return None
        return self._rows[self._chosen(0.5)]

    def _correct(self, log_start, offer):
        """Take account of what chains and draws of a mixture say together.

        Steps add up their errors, and miss groups that no chain has found. A bridge
        from the mixture to the machine has an error of its own. The two are weighed
        as a Kalman filter does.
        """
        weights = self._weights()
        log_ratio, variance = bridge(
            offer.odds_of_drawn, offer.odds, weights / weights.sum()
        )
        if variance > _LARGEST_VARIANCE:
            return
        gain = 1 / (1 + variance / max(self._variance, np.finfo(float).tiny))
        correction = gain * (log_start + log_ratio - self.log_partition)
        self._variance *= 1 - gain
        self._base += correction
        self.log_partition += correction

    def _move(self, path, most_steps):
        """Take the chains along a path in steps, short enough for their weights.

        Returns
        -------
        least : float
            The least share of the chains that the weights were worth on the way.
        """
        variance = np.var(path.log_ratio(path.context(self._rows), 0.0, 1.0))
        n_steps = math.ceil(min(variance / _STEP_VARIANCE, most_steps))
        n_steps = max(n_steps, _FEWEST_STEPS)
        least, lost = 1.0, 0.0
        for step in range(n_steps):
            self._rows, log_weights = path.move(
                self._rows, step / n_steps, (step + 1) / n_steps, self._noise
            )
            self._log_weights = self._log_weights + log_weights
            share = self._effective_share()
            least = min(least, share)
            if share < _RESAMPLED_BELOW:
                lost += 1 / share - 1
                self._resample()
        self.log_partition = float(self._base + self._log_mean_weight())
        lost += 1 / self._effective_share() - 1
        variance = max(lost, 0.0) / self._n_chains
        self.std = float(np.sqrt(variance))
        self._variance += _UNDERSTATED * variance
        return least

    def _weights(self):
        return np.exp(self._log_weights - self._log_weights.max())

    def _log_mean_weight(self):
        return np.log(self._weights().mean()) + self._log_weights.max()

    def _effective_share(self):
        weights = self._weights()
        return weights.sum() ** 2 / (len(weights) * np.dot(weights, weights))

    def _resample(self):
        """Copy chains in proportion to their weights, which become equal."""
        self._base += self._log_mean_weight()
        self._rows = self._rows[self._chosen(self._noise.rng.random())]
        self._log_weights = np.zeros(self._n_chains)

    def _chosen(self, offset):
        """List chains in proportion to their weights, evenly from an offset below 1."""
        weights = self._weights()
        ends = np.cumsum(weights) / weights.sum() * self._n_chains
        positions = np.arange(self._n_chains) + offset
        return np.minimum(np.searchsorted(ends, positions), self._n_chains - 1)
