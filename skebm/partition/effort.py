"""How exactly log Z is wanted, and how much work that may take."""

__all__ = ["Effort"]

from dataclasses import dataclass

import numpy as np

# Runs that only look ahead take about this share of the work.
_SHARE_OF_PILOTS = 0.25
_LEAST_PILOT = 50


@dataclass
class Effort:
    """What an estimate of log Z aims at, and what is left to spend on it.

    Work is counted, and not timed, so that estimates are reproducible.

    Parameters
    ----------
    tol : float
        Wanted standard error, in nats.
    n_chains : int
        Chains of the annealing forwards.
    max_temperatures : int
        Most steps of the annealing.
    n_left : float, default=inf
        Most sweeps of single chains, all runs together. A few short runs are made
        even with none.
    """

    tol: float
    n_chains: int
    max_temperatures: int
    n_left: float = np.inf

    def spend(self, n_sweeps):
        """Count sweeps of single chains that were made."""
        self.n_left = max(0.0, self.n_left - n_sweeps)

    def pilot_temperatures(self, n_chains):
        """Say how many temperatures so many chains of pilot runs may pass at most."""
        return max(_LEAST_PILOT, self.n_left * _SHARE_OF_PILOTS / n_chains)

    def temperatures(self, n_chains_back):
        """Say at how many temperatures chains may be annealed both ways."""
        n_affordable = self.n_left // (self.n_chains + n_chains_back)
        return int(max(1, min(self.max_temperatures, n_affordable)))
