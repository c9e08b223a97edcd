"""The likelihood along the way."""

__all__ = ["Measurement", "Measuring"]

from copy import copy
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from skebm.partition.starts import with_peaks
from skebm.partition.trajectory import PartitionTrajectory

# More would tell smaller differences apart than learning can make use of.
_MAX_TRAINING_ROWS = 1000

# Chains that follow the machine, and the rows of an update beside which these and
# the training rows cost little; beside fewer there are fewer, down to a tenth.
_MOST_CHAINS = 400
_ROWS_FOR_ALL = 700
_LEAST_SHARE = 0.1

# The way to the first machine may take one step for so many updates planned.
_UPDATES_A_STEP = 50


class Measurement(NamedTuple):
    """What is known of a machine on its way.

    Parameters
    ----------
    training, validation : float
        Mean log-likelihood in nats of rows learned from and of rows held out;
        NaN where there are none of these.
    log_partition : float
        log Z in nats.
    std : float
        Error in nats that both likelihoods share.
    penalty : float, default=0.0
        What learning takes off the likelihood of the rows learned from.
    """

    training: float
    validation: float
    log_partition: float
    std: float
    penalty: float = 0.0

    @property
    def score(self):
        """What is to be raised: of rows held out where there are any."""
        if np.isnan(self.validation):
            return self.training - self.penalty
        return self.validation


class Measuring:
    """Measures machines in the order in which learning makes them.

    Parameters
    ----------
    rows : Rows
        Rows learned from; at most 1000 of them are scored. Of more those with weights
        are drawn in proportion to these.
    held_out : Rows or None
        Rows held out; all are scored.
    groups : Groups
        Of the rows learned from, none of which log Z must miss.
    mean : ndarray of shape (n_columns,)
        Means of the independent units from which the way of log Z starts.
    noise : UniformNoise
        Source of the draws; not that of learning, which goes on as if nobody
        watched.
    n_updates, update_rows : int
        Updates planned, and rows of data and chains in each: measuring takes a small
        part of their time.
    """

    def __init__(
        self, rows, held_out, *, groups, mean, noise, n_updates, update_rows=700
    ):
        share = min(1.0, max(_LEAST_SHARE, update_rows / _ROWS_FOR_ALL))
        most_rows = int(share * _MAX_TRAINING_ROWS)
        if rows.n_rows > most_rows:
            rows = rows.drawn(most_rows, noise.rng)
        self._rows, self._n_training = rows.take(slice(None)), rows.n_rows
        self._weights, self._held_out_weights = rows.weights, None
        if held_out is not None:
            self._held_out_weights = held_out.weights
            held_out = held_out.take(slice(None))
            self._rows = np.concatenate([self._rows, held_out])
        # Distinct binary rows: together they are no likelier than 1.
        known = groups.rows[: int(share * len(groups.rows))]
        self._known = known if known.dtype == bool else None
        self._groups = groups
        self._noise = noise
        most_steps = min(200, max(10, n_updates // _UPDATES_A_STEP))
        self._trajectory = PartitionTrajectory(
            mean, noise, most_steps, n_chains=int(share * _MOST_CHAINS)
        )
        self.mark()

    def mark(self):
        """Remember the machine measured last."""
        self._marked = copy(self._trajectory)

    def go_back(self):
        """Go on from the machine remembered, as learning does."""
        self._trajectory = copy(self._marked)

    def measure(self, energy):
        """Measure a machine that lies close to the one measured last.

        Parameters
        ----------
        energy : Energy
            In float64.

        Returns
        -------
        measurement : Measurement
            Of this machine.
        """
        way, fast = self._trajectory, energy.astype(np.float32)
        machine, log_summed = energy.marginal()
        mixture = self._groups.mixture(fast, self._noise)
        way.advance(machine, mixture)
        log_partition, std = way.log_partition + log_summed, way.std
        if self._known is not None and std > 0:  # 0 where log Z is exact
            floor = logsumexp(_score(fast, self._known))
            if floor > log_partition:
                known = fast.complete(self._known, self._noise)
                way.start_over(machine, with_peaks(mixture, machine, known))
                found = way.log_partition + log_summed
                log_partition = max(found, floor)
                std = np.hypot(way.std, log_partition - found)
        score = _score(fast, self._rows) - log_partition
        training, validation = np.split(score, [self._n_training])
        return Measurement(
            _mean(training, self._weights),
            _mean(validation, self._held_out_weights) if len(validation) else np.nan,
            log_partition,
            std,
        )


def _mean(scores, weights):
    return scores.mean() if weights is None else np.average(scores, weights=weights)


def _score(energy, rows):
    return -energy.free_energy(rows.astype(np.float32)).astype(np.float64)
