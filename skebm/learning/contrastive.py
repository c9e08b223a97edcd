"""Contrastive learning: data pull their energy down, the model's draws push up."""

__all__ = ["ContrastiveLearning", "LearningState"]

from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from skebm.learning.penalty import shrink_elastic_net

# Minibatches are gathered from the table this many elements at a time.
_GATHERED_ELEMENTS = 65536

# The hidden offset follows the mean of the hidden units by a hundredth of the
# way an update (Melchior et al. 2016), taken twenty updates at a time.
_OFFSET_PERIOD = 20
_OFFSET_FRACTION = 0.2


@dataclass
class LearningState:
    """All that changes while learning.

    Parameters
    ----------
    model : object
        The machine in the coordinates in which it learns.
    chains : object or None
        States of the persistent chains. None where there are none to go on with:
        they then start from rows of the next batch.
    noise : UniformNoise
        Source of the draws.
    structure : dict
        Parameters of the estimator that learning cannot go on without.
    n_updates, n_epochs : int, default=0
        Updates and passes over the data made so far.
    """

    model: object
    chains: object
    noise: object
    structure: dict
    n_updates: int = 0
    n_epochs: int = 0


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
    drifting_offset : bool
        Whether the hidden offset follows the hidden units.
    alpha, l1_ratio : float
        Elastic-net penalty of the weights.
    """

    persistent: bool
    n_chains: int
    n_gibbs_steps: int
    batch_size: int
    drifting_offset: bool
    alpha: float
    l1_ratio: float

    def n_batches(self, n_rows):
        """Count the updates that one pass over `n_rows` rows makes."""
        return -(-n_rows // self.batch_size)

    def run_epoch(self, state, rows, schedule):
        """Pass once over the rows in random order, updating `state`.

        Parameters
        ----------
        state : LearningState
            Changed in place.
        rows : Rows
            The data.
        schedule : Schedule
            Step sizes.

        Raises
        ------
        FloatingPointError
            If learning has diverged.
        """
        # Overflow shows in the parameters, which are checked.
        with np.errstate(over="ignore", invalid="ignore"):
            for batch in self._batches(state, rows):
                self._update(state, batch, schedule)
        if state.model.has_diverged():
            raise FloatingPointError(
                f"Learning has diverged after {state.n_updates} updates: the "
                "parameters are out of all bounds. Lower learning_rate."
            )
        state.n_epochs += 1

    def _batches(self, state, rows):
        """Prepare minibatches of nearly equal size, gathered many at a time."""
        order = state.noise.rng.permutation(rows.n_rows)
        n_batches = self.n_batches(rows.n_rows)
        bounds = np.linspace(0, rows.n_rows, n_batches + 1).astype(int)
        size = max(1, _GATHERED_ELEMENTS // (self.batch_size * rows.n_columns))
        for first in range(0, n_batches, size):
            group = bounds[first : first + size + 1]
            gathered = rows.take(order[group[0] : group[-1]])
            prepared = state.model.prepare(gathered)
            for start, stop in pairwise(group - group[0]):
                yield prepared[start:stop]

    def _update(self, state, batch, schedule):
        model = state.model
        rate = schedule.rate(state.n_updates)
        direction, chains = model.contrast(
            batch, self._chains(state, batch), state.noise, self.n_gibbs_steps, rate
        )
        alpha = self.alpha * schedule.penalty_scale(state.n_updates)
        model = model.step(direction, self._shrink(rate, alpha))
        if self.drifting_offset and state.n_updates % _OFFSET_PERIOD == 0:
            model = model.with_drifted_offset(batch, _OFFSET_FRACTION)
        state.model = model
        state.chains = chains if self.persistent else None
        state.n_updates += 1

    def _chains(self, state, batch):
        """Give the chains to go on with, or start them from rows of the batch."""
        if not self.persistent:
            return state.model.start_chains(batch, state.noise)
        if state.chains is None or len(state.chains) != self.n_chains:
            chosen = state.noise.rng.integers(len(batch), size=self.n_chains)
            return state.model.start_chains(batch[chosen], state.noise)
        return state.chains

    def _shrink(self, rate, alpha):
        if alpha == 0:
            return None
        return partial(
            shrink_elastic_net, rate=rate, alpha=alpha, l1_ratio=self.l1_ratio
        )
