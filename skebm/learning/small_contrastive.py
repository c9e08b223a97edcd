"""Contrastive learning of machines so small that calls take time beside the work."""

__all__ = ["SmallContrastive"]

from dataclasses import dataclass
from itertools import islice

from skebm.energy.ascent import ascend
from skebm.learning.contrastive import (
    AVERAGING_PERIOD,
    OFFSET_PERIOD,
    ContrastiveLearning,
)


@dataclass(frozen=True)
class SmallContrastive(ContrastiveLearning):
    """Stochastic ascent of a binary RBM's likelihood, many updates in one call.

    It is for persistent chains that make one sweep an update and are not tempered,
    and for plain gradients without a penalty.
    """

    def _advance(self, state, batches, schedule):
        # The offset may drift before the first of them, and then not until the next.
        n_done = state.n_updates
        n_next = min(AVERAGING_PERIOD, OFFSET_PERIOD - n_done % OFFSET_PERIOD)
        batches = list(islice(batches, n_next))
        if not batches:
            return 0
        chains, _, _ = self._chains(state, batches[0])
        model = self._drifted(state, batches[0])
        rates = [schedule.rate(n_done + i) for i in range(len(batches))]
        state.model, state.chains = ascend(model, batches, rates, chains, state.noise)
        state.n_updates += len(batches)
        return len(batches)
