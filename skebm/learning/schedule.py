"""Step sizes and penalties over the course of learning."""

__all__ = ["Schedule"]

from dataclasses import dataclass, replace

# No weight survives a full L1 penalty before it has grown: without weights the
# gradient of the weights is zero. So the penalty sets in over this share of a
# plan, or over so many updates where there is no plan.
_ONSET_FRACTION = 0.1
_ONSET_UPDATES = 1000


@dataclass(frozen=True)
class Schedule:
    """What the number of updates made says about the next one.

    Parameters
    ----------
    learning_rate : float
        The step size that is held, before it falls linearly to zero.
    n_updates : int or None, default=None
        Updates planned. None when the end is not known: the step size is held.
    decay_fraction : float, default=0.0
        Share of the plan, at its end, over which the step size falls.
    """

    learning_rate: float
    n_updates: int | None = None
    decay_fraction: float = 0.0

    def scaled(self, factor):
        """Return the schedule whose step sizes are this many times as large."""
        return replace(self, learning_rate=factor * self.learning_rate)

    def rate(self, n_done):
        """Give the step size of the next update; positive within the plan."""
        if self.n_updates is None:
            return self.learning_rate
        left, falling = self.n_updates - n_done, self.decay_fraction * self.n_updates
        return self.learning_rate * (1.0 if left >= falling else left / falling)

    def penalty_scale(self, n_done):
        """Give the share of the penalty that the next update applies."""
        if self.n_updates is None:
            return min(1.0, n_done / _ONSET_UPDATES)
        return min(1.0, n_done / (_ONSET_FRACTION * self.n_updates))
