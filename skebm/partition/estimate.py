"""What is known of a partition function."""

__all__ = ["PartitionEstimate"]

from dataclasses import dataclass, replace

import numpy as np

# Trained models with modes that annealing finds once in hundred chains had upper
# estimates off by more than their errors with 20, and as they should be with 50.
_ENOUGH_RESTARTS = 50


@dataclass(frozen=True)
class PartitionEstimate:
    """Estimates of log Z from below and from above, with their errors.

    `lower` is the logarithm of an unbiased estimate of Z, and `upper` less the
    logarithm of an unbiased estimate of 1 / Z, so that on average log Z lies
    between them. Where log Z is exact both are equal to it.

    Parameters
    ----------
    lower : float
        log Z by annealing forwards, from a mixture of products to the model, in nats.
    lower_std : float
        Standard error of `lower` in nats, 0 when exact: the larger of what the
        weights forwards say, and of what those backwards say about them.
    lower_effective_sample_size : float
        How many equally weighted chains those of `lower` are worth, or draws where
        none were annealed; infinite when exact.
    upper : float
        log Z by annealing backwards, from draws of the model, in nats. It bounds
        log Z on average if these are in equilibrium.
    upper_std : float
        Standard error of `upper` in nats, 0 when exact, likewise.
    upper_effective_sample_size : float
        How many equally weighted chains those of `upper` are worth, infinite when
        exact.
    exact : bool
        Whether log Z was summed over all configurations of a layer.
    n_temperatures : int
        Steps of the annealing each way, 0 when exact.
    n_chains : int
        Chains of the annealing forwards, 0 when exact.
    halves : tuple of two floats
        `upper` from the half of its chains whose tempering started from annealed
        rows, and from the half that started elsewhere, in nats. Draws in
        equilibrium have forgotten where they started.
    halves_std : float
        Standard error of the difference of `halves`, in nats, 0 when exact.
    n_restarts : float
        How many rows have on average come to the top of a ladder of tempered
        chains from fresh draws of that mixture, before or while the chains
        of `upper` were drawn; infinite when exact. Below some 50, the shares of
        the modes among these need not be those of the model.
    raised : float, default=0.0
        By how much `lower` was raised to a floor that log Z cannot be below, in nats,
        beyond three of its standard errors. Above 0 the estimate is wrong.

    Examples
    --------
    >>> from skebm import BinaryRBM, log_partition_bounds
    >>> rbm = BinaryRBM.from_parameters([[2.0, -2.0]], [0.0, 0.0], [0.0])
    >>> bounds = log_partition_bounds(rbm)
    >>> bounds.exact, bounds.gap
    (True, 0.0)
    """

    lower: float
    lower_std: float
    lower_effective_sample_size: float
    upper: float
    upper_std: float
    upper_effective_sample_size: float
    exact: bool
    n_temperatures: int
    n_chains: int
    halves: tuple
    halves_std: float
    n_restarts: float
    raised: float = 0.0

    @classmethod
    def from_exact(cls, log_partition):
        """Make the estimate of a log Z that is known."""
        return cls(
            lower=log_partition,
            lower_std=0.0,
            lower_effective_sample_size=np.inf,
            upper=log_partition,
            upper_std=0.0,
            upper_effective_sample_size=np.inf,
            exact=True,
            n_temperatures=0,
            n_chains=0,
            halves=(log_partition, log_partition),
            halves_std=0.0,
            n_restarts=np.inf,
        )

    def shifted(self, constant):
        """Give the estimates for an energy that is lower by a constant, in nats."""
        return replace(
            self,
            lower=self.lower + constant,
            upper=self.upper + constant,
            halves=tuple(half + constant for half in self.halves),
        )

    def above(self, floor):
        """Give the estimate that is not below what log Z cannot be below, in nats."""
        lack = floor - self.lower
        if lack <= 0:
            return self
        raised = lack if lack > 3 * self.lower_std else 0.0
        return replace(self, lower=floor, raised=raised)

    @property
    def log_partition(self):
        """The estimate of log Z that scores use: `lower`, in nats."""
        return self.lower

    @property
    def gap(self):
        """How far `upper` lies above `lower`, in nats.

        Far below zero, the draws from which `upper` started were not in
        equilibrium; far above zero, annealing was too hasty for one of the two.
        """
        return self.upper - self.lower

    @property
    def gap_std(self):
        """Standard error of `gap`, in nats."""
        return float(np.hypot(self.lower_std, self.upper_std))

    @property
    def in_equilibrium(self):
        """Whether nothing speaks against the equilibrium of the draws of the model.

        True if `halves` agree within three standard errors, `gap` is not below
        zero by more than three, nor by more than half a nat, and there were 50
        restarts or more. What modes no chain has found, it cannot know.
        """
        difference = abs(self.halves[1] - self.halves[0])
        return bool(
            difference <= 3 * self.halves_std
            and self.gap >= -min(3 * self.gap_std, 0.5)
            and self.n_restarts >= _ENOUGH_RESTARTS
            and self.raised == 0
        )
