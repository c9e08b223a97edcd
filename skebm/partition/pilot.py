"""Short runs of annealing, which say how long a path is and what is at its end."""

__all__ = ["EXPLORERS", "PILOT_CHAINS", "PILOT_TEMPERATURES", "Pilot", "run_pilot"]

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp, softmax

from skebm.partition.annealing import steps
from skebm.partition.spacing import AnnealingLength, measure_length

PILOT_TEMPERATURES = 200
PILOT_CHAINS = 100

# Chains of a run that looks for what a start does not know.
EXPLORERS = 200


class Pilot(NamedTuple):
    """A short run of annealing.

    Parameters
    ----------
    length : AnnealingLength
        Of the path.
    rows : ndarray of shape (n_chains, n_columns)
        At its end.
    weights : ndarray of shape (n_chains,)
        Of the rows, which sum to 1.
    log_partition : float
        log Z at its end: the logarithm of an unbiased estimate.
    """

    length: AnnealingLength
    rows: np.ndarray
    weights: np.ndarray
    log_partition: float

    def draw(self, n_rows, rng, *, power=1.0):
        """Draw rows about as likely as at the end of the path.

        With a power of less than 1, by which weights are raised, also rows of groups
        whose weights are low because annealing was hasty.
        """
        weights = self.weights**power
        chosen = rng.choice(len(self.rows), size=n_rows, p=weights / weights.sum())
        return self.rows[chosen]


def run_pilot(
    path, noise, n_chains=PILOT_CHAINS, *, most_temperatures=np.inf, explores=False
):
    """Anneal so many chains at evenly spaced temperatures, at most at those given.

    Those that explore make no jumps: these would lead to what the start knows already.
    """
    n_temperatures = int(min(PILOT_TEMPERATURES, most_temperatures))
    betas = np.linspace(0, 1, n_temperatures + 1)
    rows = path.draw(n_chains, noise)
    falls = np.empty((n_temperatures, n_chains))
    for fall, (beta, next_beta, jumps) in zip(falls, steps(betas), strict=True):
        rows, fall[:] = path.move(
            rows, beta, next_beta, noise, jumps=jumps and not explores
        )
    log_weights = falls.sum(axis=0)
    log_partition = path.log_partition + logsumexp(log_weights) - np.log(n_chains)
    return Pilot(
        measure_length(betas, falls), rows, softmax(log_weights), log_partition
    )
