"""Contrastive learning: data pull their energy down, the model's draws push up."""

__all__ = [
    "AVERAGING_PERIOD",
    "HIDDEN_METRIC_PERIOD",
    "OFFSET_FRACTION",
    "OFFSET_PERIOD",
    "ContrastiveLearning",
    "LearningState",
]

from dataclasses import dataclass
from functools import partial
from itertools import islice, pairwise

import numpy as np

from skebm.learning.penalty import elastic_net, shrink_elastic_net
from skebm.learning.tempered_chains import advance_replicas

# Minibatches are gathered from the table this many elements at a time.
_GATHERED_ELEMENTS = 65536

# The hidden offset follows the mean of the hidden units by a hundredth of the
# way an update (Melchior et al. 2016), taken twenty updates at a time.
OFFSET_PERIOD = 20
OFFSET_FRACTION = 0.2

# Inverting the metric takes as long as several updates. That of the visible units
# follows the data, which change in `partial_fit` alone.
HIDDEN_METRIC_PERIOD = 50
_VISIBLE_METRIC_PERIOD = 500

# The average of the iterates reaches back over the last 500 updates, or the
# last ninth of fewer. Iterates are much like their neighbours: one in ten will do.
_AVERAGED_UPDATES = 500
_AVERAGED_SHARE = 9
AVERAGING_PERIOD = 10


@dataclass
class LearningState:
    """All that changes while learning.

    Parameters
    ----------
    model : object
        The machine in the coordinates in which it learns.
    averaged : object
        Average of its last iterates, which varies less: what learning gives.
    chains : object or None
        States of the persistent chains. None where there are none to go on with:
        they then start from rows of the next batch.
    noise : UniformNoise
        Source of the draws.
    structure : dict
        Parameters of the estimator that learning cannot go on without.
    metric : KroneckerMetric or None, default=None
        What makes gradients natural; None leaves them as they are.
    n_updates : int, default=0
        Updates made so far.
    """

    model: object
    averaged: object
    chains: object
    noise: object
    structure: dict
    metric: object = None
    n_updates: int = 0


@dataclass(frozen=True)
class ContrastiveLearning:
    """Stochastic ascent of the log-likelihood along sampled gradients.

    Parameters
    ----------
    persistent : bool
        Whether the negative phase continues its chains (PCD) or starts them
        from the batch each time (CD).
    n_chains : int
        Number of persistent chains.
    n_gibbs_steps : int
        Sweeps of the chains an update.
    batch_size : int
        Largest number of rows an update.
    tempered_from : ndarray of shape (n_visible,) or None
        Means of the independent units at the other end of the ladders on which
        persistent chains are tempered. None: they are not.
    drifting_offset : bool
        Whether the hidden offset follows the hidden units.
    alpha, l1_ratio : float
        Elastic-net penalty of the weights.
    """

    persistent: bool
    n_chains: int
    n_gibbs_steps: int
    batch_size: int
    tempered_from: object
    drifting_offset: bool
    alpha: float
    l1_ratio: float

    def run(self, state, batches, schedule):
        """Make one update for each batch, changing `state` in place.

        Parameters
        ----------
        state : LearningState
            Changed in place.
        batches : iterable of ndarray of shape (n_batch, n_visible + 1)
            Prepared rows, see `batches`.
        schedule : Schedule
            Step sizes.

        Raises
        ------
        FloatingPointError
            If learning has diverged.
        """
        batches = iter(batches)
        # Overflow shows in the parameters, which are checked.
        with np.errstate(over="ignore", invalid="ignore"):
            while n_new := self._advance(state, batches, schedule):
                self._average(state, n_new)
        if state.model.has_diverged():
            raise FloatingPointError(
                f"Learning has diverged after {state.n_updates} updates: the "
                "parameters are out of all bounds. Lower learning_rate."
            )

    def batches(self, state, rows):
        """Prepare minibatches of one pass over the rows, in random order.

        They are of nearly equal size, and gathered many at a time.
        """
        order = state.noise.rng.permutation(rows.n_rows)
        n_batches = -(-rows.n_rows // self.batch_size)
        bounds = [rows.n_rows * i // n_batches for i in range(n_batches + 1)]
        size = max(1, _GATHERED_ELEMENTS // (self.batch_size * rows.n_columns))
        for first in range(0, n_batches, size):
            group = bounds[first : first + size + 1]
            gathered = rows.take(order[group[0] : group[-1]])
            prepared = state.model.prepare(gathered)
            for start, stop in pairwise([bound - group[0] for bound in group]):
                yield prepared[start:stop]

    def _advance(self, state, batches, schedule):
        """Make a few updates, such that the average may take in the last for all.

        Returns
        -------
        n_new : int
            Updates made; 0 when there are no batches left.
        """
        n_before = state.n_updates
        for batch in islice(batches, AVERAGING_PERIOD):
            self._update(state, batch, schedule)
        return state.n_updates - n_before

    def _update(self, state, batch, schedule):
        model, metric = self._drifted(state, batch), state.metric
        if metric is not None and state.n_updates % HIDDEN_METRIC_PERIOD == 0:
            metric = metric.updated(hidden_rows=model.hidden_rows(batch))
        if metric is not None and (state.n_updates + 1) % _VISIBLE_METRIC_PERIOD == 0:
            metric = metric.updated(visible_rows=batch)
        chains, replicas, n_sweeps = self._chains(state, batch)
        phases = (batch, chains, state.noise, n_sweeps)
        rate = schedule.rate(state.n_updates)
        alpha = self.alpha * schedule.penalty_scale(state.n_updates)
        if metric is None:
            direction, chains = model.contrast(*phases, rate)
        elif metric.favours_rows(len(batch) + len(chains)):
            hidden, visible, chains = model.phases(*phases)
            direction, rate = metric.step_of_rows(hidden, visible, rate)
        else:
            gradient, chains = model.contrast(*phases)
            direction, rate = metric.step(gradient, rate)
        shrink_rate = rate
        if metric is not None and alpha != 0:
            shrink_rate = rate * metric.scales()
        state.model = model.step(direction, self._shrink(shrink_rate, alpha))
        state.metric = metric
        state.chains = self._kept(chains, replicas)
        state.n_updates += 1

    def _drifted(self, state, batch):
        """Give the machine of the next update, with its offset where it should be."""
        if self.drifting_offset and state.n_updates % OFFSET_PERIOD == 0:
            return state.model.with_drifted_offset(batch, OFFSET_FRACTION)
        return state.model

    def _average(self, state, n_new):
        """Let the average take in the last of so many new iterates, for all."""
        share = max(1 / _AVERAGED_UPDATES, _AVERAGED_SHARE / (9 + state.n_updates))
        share = 1 - (1 - share) ** n_new
        state.averaged = state.averaged.towards(state.model, share)

    def result(self, state):
        """Give the machine learned, with zeros where a penalty has put them."""
        if self.alpha * self.l1_ratio == 0:
            return state.averaged
        return state.averaged.without_weights(state.model)

    def penalty(self, energy):
        """Compute the penalty of a plain energy's weights, in nats."""
        return elastic_net(energy.weights, alpha=self.alpha, l1_ratio=self.l1_ratio)

    def _chains(self, state, batch):
        """Give the hidden units to sweep from, replicas, and the number of sweeps."""
        model, noise, kept = state.model, state.noise, state.chains
        if not self.persistent:
            return model.start_chains(batch, noise), None, self.n_gibbs_steps
        if self.tempered_from is not None:
            replicas = advance_replicas(
                kept,
                model,
                noise,
                visible_mean=self.tempered_from,
                n_ladders=self.n_chains,
                n_steps=self.n_gibbs_steps,
            )
            return model.chains_of(replicas.coldest, noise), replicas, 1
        if not isinstance(kept, np.ndarray) or len(kept) != self.n_chains:
            chosen = noise.rng.integers(len(batch), size=self.n_chains)
            kept = model.start_chains(batch[chosen], noise)
        return kept, None, self.n_gibbs_steps

    def _kept(self, chains, replicas):
        """Give what the next update goes on with."""
        if not self.persistent:
            return None
        return chains if replicas is None else replicas

    def _shrink(self, rate, alpha):
        if alpha == 0:
            return None
        return partial(
            shrink_elastic_net, rate=rate, alpha=alpha, l1_ratio=self.l1_ratio
        )
