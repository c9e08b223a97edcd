"""What the likelihood along the way says about how to go on."""

__all__ = ["Backtracking"]

from dataclasses import replace

import numpy as np

# A likelihood lower by this, in nats, than the best one so far, beyond the error
# of measurement, is a fall, and not a step on a noisy way.
_FALL = 0.3
_ERRORS = 3

# As long as a stage gains so much, in nats, learning has a long way to go, and goes
# faster from stage to stage: large machines need this, whose steps are kept short by
# the noise of their many parameters.
_CLEAR_GAIN = 0.1
_AFTER_GAIN = 1.1
_LARGEST_SCALE = 10.0

# What the step size is multiplied by after a fall, after a stretch without
# improvement, and after divergence.
_AFTER_FALL = 0.5
_AFTER_PLATEAU = 0.3
_AFTER_DIVERGENCE = 0.1

# Where rows held out stop rising while those learned from gain on them, learning
# overfits. Else it is only that steps are noisy, beyond which learning still gains:
# smaller steps would show that at once, and then be slow. So there is more patience
# before the first of these.
_PATIENCE_WITH_NOISE = 3

# Steps of so small a share of the step size that was asked for lead nowhere.
_NEGLIGIBLE_SCALE = 0.01

# Divergence at so small a share of the step size that was asked for is given up on.
_LEAST_SCALE = 3e-5


class Backtracking:
    """Keeps the best machine so far, goes back to it, and says when to stop.

    Parameters
    ----------
    patience : int or None
        Measurements without improvement after which the step size is lowered,
        and after a few such stretches learning stops. The first is three times as long
        where nothing is overfitted, or a penalty follows. None: it does not stop.
    tol : float
        Least improvement that counts, in nats.
    max_plateaus : int, default=3
        Stretches without improvement, each at a smaller step size, that end learning.
    overfitting : float, default=0.01
        By how much, in nats, rows learned from have to gain on those held out for
        learning to overfit.

    Attributes
    ----------
    rate_scale : float
        What the step size is to be multiplied by.
    improved, went_back : bool
        Whether the state last reviewed was the best so far, and whether it was set
        back to an earlier one.
    best_lead : float
        By how much, in nats, rows learned from are likelier than rows held out under
        the best machine.
    """

    def __init__(self, patience, tol, max_plateaus=3, overfitting=0.01):
        self._patience = patience
        self._tol = tol
        self._max_plateaus, self._overfitting = max_plateaus, overfitting
        self._best = None
        self._best_score = -np.inf
        self._n_since_best = 0
        self._n_plateaus = 0
        self.rate_scale = 1.0
        self.improved = self.went_back = False

    @property
    def n_updates_of_best(self):
        """Number of updates made until the best machine."""
        return self._best.n_updates

    def review(self, state, measurement):
        """Judge the state that learning has come to.

        Parameters
        ----------
        state : LearningState
            Set back in place to the best state, but for its counts, where the
            likelihood has fallen or stopped rising.
        measurement : Measurement
            Of its machine.

        Returns
        -------
        enough : bool
            Whether to stop.
        """
        score = measurement.score
        if self._best is None or score > self._best_score + self._tol:
            gain = score - self._best_score
            if _CLEAR_GAIN < gain < np.inf:
                self.rate_scale = min(_AFTER_GAIN * self.rate_scale, _LARGEST_SCALE)
            self._best = replace(state)
            self._best_score = -np.inf if np.isnan(score) else score
            self._n_since_best = self._n_plateaus = 0
            self._best_error, self.best_lead = measurement.std, _lead(measurement)
            self._best_training = measurement.training
            self.improved, self.went_back = True, False
            return False
        self.improved = self.went_back = False
        self._n_since_best += 1
        error = np.hypot(measurement.std, self._best_error)
        if not score >= self._best_score - _FALL - _ERRORS * error:
            self._step_back(state, _AFTER_FALL)
        elif self._is_plateau(state, measurement):
            self._n_plateaus += 1
            self._n_since_best = 0
            self._step_back(state, _AFTER_PLATEAU)
        slow = self._patience is not None and self.rate_scale < _NEGLIGIBLE_SCALE
        return slow or self._n_plateaus == self._max_plateaus

    def _is_plateau(self, state, measurement):
        if self._patience is None:
            return False
        patience = self._patience
        overfits = _lead(measurement) > self.best_lead + self._overfitting
        # A penalty that is found while learning goes on takes time to mend that.
        if self._n_plateaus == 0 and (state.shrinkage > 0 or not overfits):
            patience *= _PATIENCE_WITH_NOISE
        return self._n_since_best >= patience

    def forget(self):
        """Take the next machine as the best, whatever was reached before."""
        self._best_score = -np.inf

    def recover(self, state):
        """Go back from divergence; say whether there is hope."""
        self._step_back(state, _AFTER_DIVERGENCE)
        return self.rate_scale >= _LEAST_SCALE

    def finish(self, state, measurement):
        """Set the state to the best one, unless the last is as good.

        Where rows are held out the best one is that of highest likelihood. Rows
        learned from rise to the end, and their highest values are those of luckiest
        measurement: there the last one is kept unless it has fallen. Where rows held
        out have been learned from since, they are bound to have risen, and the last one
        is kept unless the other rows have fallen.

        Returns
        -------
        went_back : bool
            Whether it was set back.
        """
        errors = _ERRORS * np.hypot(measurement.std, self._best_error)
        is_held_out = not np.isnan(measurement.validation)
        margin = 0.0 if is_held_out else errors
        fallen = not measurement.score >= self._best_score - margin
        if is_held_out:
            fallen |= measurement.training < self._best_training - _FALL - errors
        if fallen:
            self._restore(state)
        return fallen

    def _step_back(self, state, factor):
        self._restore(state)
        self.rate_scale *= factor

    def _restore(self, state):
        self.went_back = True
        n_updates = state.n_updates
        vars(state).update(vars(self._best))
        state.n_updates = n_updates
        # What was measured is the average; the last iterate may be far worse.
        state.model = state.averaged


def _lead(measurement):
    """By how much rows learned from are likelier than rows held out."""
    return measurement.training - measurement.validation
