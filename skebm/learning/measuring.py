"""The likelihood along the way."""

__all__ = ["Measurement", "Measuring"]

from copy import copy
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from skebm.conditional.incomplete_rows import score_incomplete
from skebm.partition.starts import with_peaks
from skebm.partition.trajectory import PartitionTrajectory

# More would tell smaller differences apart than learning can make use of.
_MAX_TRAINING_ROWS = 1000

# Chains that follow the machine, and the rows of an update beside which these and
# the training rows cost little; beside fewer there are fewer, down to a tenth.
_MOST_CHAINS = 400
_ROWS_FOR_ALL = 700
_LEAST_SHARE = 0.1

# Rows with gaps, which take as long as hundreds of others each, and the seed of the
# annealing that scores them: always the same, so that differences are of machines.
_MOST_WITH_GAPS = 100
_SEED = 0

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
    mean_of_rows : ndarray of shape (n_visible,), default=None
        Means of visible columns. Only for rows of which some values are missing.
    trajectory : PartitionTrajectory, default=None
        Of machines measured before, on which this goes on; left as it is. None: of
        none.
    """

    def __init__(
        self,
        rows,
        held_out,
        *,
        groups,
        mean,
        noise,
        n_updates,
        update_rows=700,
        mean_of_rows=None,
        trajectory=None,
    ):
        share = min(1.0, max(_LEAST_SHARE, update_rows / _ROWS_FOR_ALL))
        most_rows = int(share * _MAX_TRAINING_ROWS)
        if rows.n_rows > most_rows:
            rows = rows.drawn(most_rows, noise.rng)
        parts = [rows]
        self._n_training = rows.n_rows
        self._weights, self._held_out_weights = rows.weights, None
        if held_out is not None:
            self._held_out_weights = held_out.weights
            parts.append(held_out)
        self._rows = np.concatenate([part.take(slice(None)) for part in parts])
        self._observed, self._mean_of_rows = None, mean_of_rows
        if any(part.has_missing for part in parts):
            self._leave_out(parts)
        # Distinct binary rows: together they are no likelier than 1.
        known = groups.rows[: int(share * len(groups.rows))]
        self._known = known if known.dtype == bool else None
        self._groups = groups
        self._noise = noise
        most_steps = min(200, max(10, n_updates // _UPDATES_A_STEP))
        if trajectory is None:
            trajectory = PartitionTrajectory(
                mean, noise, most_steps, n_chains=int(share * _MOST_CHAINS)
            )
        self.trajectory = trajectory
        self.mark()

    def mark(self):
        """Remember the machine measured last."""
        self._marked = self.trajectory

    def go_back(self):
        """Go on from the machine remembered, as learning does."""
        self.trajectory = self._marked

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
        # A copy: an interrupt leaves the one before as it is, and learning may go back.
        way, fast = copy(self.trajectory), energy.astype(np.float32)
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
        self.trajectory = way
        score = self._scores(energy, fast) - log_partition
        training, validation = np.split(score, [self._n_training])
        return Measurement(
            _mean(training, self._weights),
            _mean(validation, self._held_out_weights) if len(validation) else np.nan,
            log_partition,
            std,
        )

    def _leave_out(self, parts):
        """Keep what is observed of rows to measure, and few of those with gaps."""
        observed = np.concatenate([part.observed(slice(None)) for part in parts])
        gaps = ~observed.all(axis=1)
        ends = [0, self._n_training, len(gaps)]
        kept = [_some(gaps[a:b]) + a for a, b in pairwise(ends)]
        self._n_training = len(kept[0])
        if self._weights is not None:
            self._weights = self._weights[kept[0]]
        if self._held_out_weights is not None:
            held_out = kept[1] - ends[1]
            self._held_out_weights = self._held_out_weights[held_out]
        kept = np.concatenate(kept)
        self._rows, self._observed = self._rows[kept], observed[kept]

    def _scores(self, energy, fast):
        if self._observed is None:
            return _score(fast, self._rows)
        rows = self._rows.astype(np.float64)
        known = self._observed, self._mean_of_rows, _SEED
        return score_incomplete(energy, rows, *known)[0]


def _some(gaps):
    """Choose rows to measure: some that are complete, or of those with gaps a few."""
    complete = np.flatnonzero(~gaps)
    if len(complete) > _MOST_WITH_GAPS:
        return complete
    return np.sort(
        np.concatenate([complete, np.flatnonzero(gaps)[:_MOST_WITH_GAPS]])
    ).astype(int)


def _mean(scores, weights):
    return scores.mean() if weights is None else np.average(scores, weights=weights)


def _score(energy, rows):
    return -energy.free_energy(rows.astype(np.float32)).astype(np.float64)
