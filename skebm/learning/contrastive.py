"""Contrastive learning: data pull their energy down, the model's draws push up."""

__all__ = ["ContrastiveLearning", "LearningState", "contrast"]

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from skebm.learning.penalty import elastic_net, shrink_elastic_net
from skebm.learning.shrinking import SHRINKING_PERIOD, shrunk
from skebm.learning.tempered_chains import advance_replicas

# Minibatches are gathered from the table this many elements at a time.
_GATHERED_ELEMENTS = 65536

# Rows that a pass over weighted ones shows at least, if batches are as large: fewer
# would hardly tell their weights apart.
_LEAST_DRAWS = 1000

# The hidden offset follows the mean of the hidden units by a hundredth of the
# way an update (Melchior et al. 2016), taken twenty updates at a time.
_OFFSET_PERIOD = 20
_OFFSET_FRACTION = 0.2

# Inverting the metric takes as long as several updates. That of the visible units
# follows the data, which change in `partial_fit` alone.
_HIDDEN_METRIC_PERIOD = 50
_VISIBLE_METRIC_PERIOD = 500

# The average of the iterates reaches back over the last 500 updates, or the
# last ninth of fewer. Iterates are much like their neighbours: one in ten will do.
_AVERAGED_UPDATES = 500
_AVERAGED_SHARE = 9
_AVERAGING_PERIOD = 10


def contrast(energy, batch, chains, noise, n_sweeps=1, rate=1.0):  # noqa: PLR0917
    """Follow the gradient of the log-likelihood by chains of the model [1]_ [2]_.

    Data pull their energy down, and the model's own draws push theirs up. An energy may
    have a method `contrast` that does the same with fewer products.

    Parameters
    ----------
    energy : Energy
        That learns.
    batch : ndarray of shape (n_batch, n_visible)
        Rows of data.
    chains : ndarray
        As of `energy.start_chains`.
    noise : UniformNoise
        Source of the draws.
    n_sweeps : int, default=1
        Sweeps of the chains.
    rate : float, default=1.0
        Step size.

    Returns
    -------
    direction : Energy
        The rate times the gradient of the mean log-likelihood of the batch, the model
        seen by its chains.
    chains : ndarray
        After their sweeps.

    References
    ----------
    .. [1] Hinton, G. E. (2002). Training products of experts by minimizing contrastive
       divergence. Neural Computation 14, 1771-1800.
    .. [2] Tieleman, T. (2008). Training restricted Boltzmann machines using
       approximations to the likelihood gradient. ICML, 1064-1071.
    """
    direction = energy.statistics(batch, noise=noise)
    chains = energy.gibbs(chains, noise, n_sweeps)
    direction -= energy.chain_statistics(chains)
    direction *= rate
    return direction, chains


@dataclass
class LearningState:
    """All that changes while learning.

    Parameters
    ----------
    model : Energy
        The machine, float32, with the offsets with which it learns.
    averaged : Energy
        Average of its last iterates, which varies less: what learning gives.
    chains : ndarray, Replicas or None
        The persistent chains. None where there are none to go on with:
        they then start from rows of the next batch.
    noise : UniformNoise
        Source of the draws.
    structure : dict
        Parameters of the estimator that learning cannot go on without.
    metric : Metric or None, default=None
        What makes gradients natural; None leaves them as they are.
    n_updates : int, default=0
        Updates made so far.
    jumping : Jumping or None, default=None
        What proposes jumps to the chains. None: they make none.
    shrinkage : float, default=0.0
        Strength of an L1 penalty that is found while learning goes on.
    trajectory : PartitionTrajectory or None, default=None
        log Z of machines that were measured.
    """

    model: object
    averaged: object
    chains: object
    noise: object
    structure: dict
    metric: object = None
    n_updates: int = 0
    jumping: object = None
    shrinkage: float = 0.0
    trajectory: object = None


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
    tempered_from : ndarray of shape (n_columns,) or None
        Means of the independent units, of the rows that chains move, at the other end
        of the ladders on which persistent chains are tempered. None: they are not.
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
        batches : iterable of ndarray of shape (n_batch, n_visible)
            Rows of each update, see `batches`.
        schedule : Schedule
            Step sizes.

        Raises
        ------
        FloatingPointError
            If learning has diverged.
        """
        n_new = 0
        # Overflow shows in the parameters, which are checked.
        with np.errstate(over="ignore", invalid="ignore"):
            for n_new, batch in enumerate(batches, 1):
                self._update(state, batch, schedule)
                if n_new % _AVERAGING_PERIOD == 0:
                    self._average(state, _AVERAGING_PERIOD)
            if n_left := n_new % _AVERAGING_PERIOD:
                self._average(state, n_left)
        if state.model.has_diverged():
            raise FloatingPointError(
                f"Learning has diverged after {state.n_updates} updates: the "
                "parameters are out of all bounds. Lower learning_rate."
            )

    def batches(self, state, rows):
        """Cut one pass over the rows into minibatches, in random order.

        They are of nearly equal size, and gathered many at a time. Of rows with weights
        each is in a pass as often as these say, on average.
        """
        least = min(self.batch_size, _LEAST_DRAWS)
        order = rows.shuffled(state.noise.rng, least)
        n_rows = len(order)
        n_batches = -(-n_rows // self.batch_size)
        bounds = [n_rows * i // n_batches for i in range(n_batches + 1)]
        size = max(1, _GATHERED_ELEMENTS // (self.batch_size * rows.n_columns))
        for first in range(0, n_batches, size):
            group = bounds[first : first + size + 1]
            chosen = order[group[0] : group[-1]]
            rows.refresh(chosen, state.model, state.noise)
            gathered = rows.take(chosen)
            if gathered.dtype != bool:
                gathered = gathered.astype(state.model.dtype, copy=False)
            for start, stop in pairwise([bound - group[0] for bound in group]):
                yield gathered[start:stop]

    def _update(self, state, batch, schedule):
        energy, metric, noise = state.model, state.metric, state.noise
        n_done = state.n_updates
        if self.drifting_offset and n_done % _OFFSET_PERIOD == 0:
            energy = energy.drifted(batch, _OFFSET_FRACTION)
        if metric is not None and n_done % _HIDDEN_METRIC_PERIOD == 0:
            metric = metric.follow_hidden(energy, batch)
        if metric is not None and (n_done + 1) % _VISIBLE_METRIC_PERIOD == 0:
            metric = metric.follow_visible(energy, batch)
        chains, replicas, n_sweeps = self._chains(state, energy, batch)
        given = (energy, batch, chains, noise, n_sweeps)
        rate = schedule.rate(n_done)
        alpha = self.alpha * schedule.penalty_scale(n_done)

        rule = getattr(type(energy), "contrast", contrast)
        if metric is None:
            direction, chains = rule(*given, rate)
        elif hasattr(energy, "phases") and metric.favours_rows(
            len(batch) + len(chains)
        ):
            hidden, visible, chains = type(energy).phases(*given)
            step, rate = metric.step_of_rows(hidden, visible, rate)
            direction = energy.with_arrays([step])
        else:
            gradient, chains = rule(*given)
            direction, rate = metric.step(energy, gradient, rate, (batch, chains))
        direction += energy
        state.model = direction
        if alpha != 0:
            rates = rate if metric is None else rate * metric.scales()
            shrink_elastic_net(
                state.model.penalised, rate=rates, alpha=alpha, l1_ratio=self.l1_ratio
            )
        if state.shrinkage > 0 and n_done % SHRINKING_PERIOD == 0:
            amount = SHRINKING_PERIOD * rate * state.shrinkage
            state.model = shrunk(state.model, metric, amount)
        state.metric = metric
        state.chains = self._kept(chains, replicas)
        state.n_updates += 1

    def _average(self, state, n_new):
        """Let the average take in the last of so many new iterates, for all."""
        share = max(1 / _AVERAGED_UPDATES, _AVERAGED_SHARE / (9 + state.n_updates))
        share = 1 - (1 - share) ** n_new
        state.averaged = state.averaged.blend(state.model, share)

    def result(self, state):
        """Give the machine learned, with zeros where a penalty has put them."""
        if self.alpha * self.l1_ratio == 0:
            return state.averaged
        averaged = state.averaged
        kept = averaged.with_arrays([array.copy() for array in averaged.arrays()])
        kept.penalised[state.model.penalised == 0] = 0
        return kept

    def n_sweeps(self, state):
        """Count the sweeps of single rows and chains that have led to a state."""
        n_of_chains = self.n_chains * self.n_gibbs_steps
        return state.n_updates * (self.batch_size + n_of_chains)

    def penalty(self, energy):
        """Compute the penalty of an energy's weights, in nats."""
        return elastic_net(energy.weights, alpha=self.alpha, l1_ratio=self.l1_ratio)

    def _chains(self, state, energy, batch):
        """Give the chains to sweep, replicas, and the number of sweeps."""
        noise, kept = state.noise, state.chains
        if not self.persistent:
            return energy.start_chains(batch, noise), None, self.n_gibbs_steps
        if self.tempered_from is not None:
            replicas = advance_replicas(
                kept,
                energy.marginal()[0],
                noise,
                mean=self.tempered_from,
                n_ladders=self.n_chains,
                n_steps=self.n_gibbs_steps,
            )
            return energy.chains_of(replicas.coldest, noise), replicas, 1
        if not isinstance(kept, np.ndarray) or len(kept) != self.n_chains:
            chosen = noise.rng.integers(len(batch), size=self.n_chains)
            kept = energy.start_chains(batch[chosen], noise)
        if state.jumping is not None:
            state.jumping, kept = state.jumping.move(
                energy, kept, noise, state.n_updates
            )
        return kept, None, self.n_gibbs_steps

    def _kept(self, chains, replicas):
        """Give what the next update goes on with."""
        if not self.persistent:
            return None
        return chains if replicas is None else replicas
