"""Scales of rows among the parameters of an energy."""

__all__ = ["ScaleParameters"]

from functools import cached_property

import numpy as np
from scipy.special import softmax

# Added to the shares of scales, as to the variances of units in `learning.metric`:
# those that hardly any row has, and noise in them, do not direct the step.
_DAMPING = 0.01


class ScaleParameters:
    """The vector that a `ScaledEnergy` is: its machine, and what scales it."""

    def arrays(self):
        """List the parameters: those of the machine, then those of the scales."""
        return [*self.machine.arrays(), *self.of_scales()]

    def of_scales(self):
        """List what scales the machine."""
        return [self.log_scales, self.log_weights, self.shift]

    def _with(self, machine, log_scales, log_weights, shift):
        """Return this energy with other parameters, or derivatives in their place."""
        return self.replaced(
            machine=machine,
            log_scales=log_scales,
            log_weights=log_weights,
            shift=shift,
        )

    def with_arrays(self, arrays):
        """Return this energy with other parameters."""
        *arrays, log_scales, log_weights, shift = arrays
        machine = self.machine.with_arrays(arrays)
        return self._with(machine, log_scales, log_weights, shift)

    def changed(self):
        """Forget what was computed, also by the machine."""
        self.machine.changed()
        return super().changed()

    def astype(self, dtype):
        """Return the same energy with parameters of another dtype."""
        own = [array.astype(dtype) for array in self.of_scales()]
        converted = self._with(self.machine.astype(dtype), *own)
        frame = self.frame.astype(dtype)
        return converted.replaced(origin=self.origin.astype(dtype), frame=frame)

    def ravel(self):
        """Give the vector of the machine, and then what the scales learn."""
        return np.concatenate([self.machine.ravel(), *self.of_scales()])

    def unravel(self, vector):
        """Return the energy with the parameters that a vector has."""
        sizes = [len(array) for array in self.of_scales()]
        ends = len(vector) - np.cumsum(sizes[::-1])[::-1]
        machine, *own = np.split(vector, ends)
        return self._with(self.machine.unravel(machine), *own)

    def deviations(self):
        """Give the deviations of statistics; coordinates of the scales count as 1."""
        own = map(np.ones_like, self.of_scales())
        return self._with(self.machine.deviations(), *own)

    @property
    def penalised(self):
        """What a penalty of the weights acts on, a view of it."""
        return self.machine.penalised

    @property
    def weights(self):
        """The weights that a penalty counts, each once."""
        return self.machine.weights

    def has_diverged(self):
        """Say whether a parameter is beyond reason."""
        finite = all(np.isfinite(array).all() for array in self.of_scales())
        return self.machine.has_diverged() or not finite

    def shifted(self, visible=None, hidden=None):
        """Describe the same distribution with another offset of hidden units."""
        return self.replaced(machine=self.machine.shifted(visible, hidden))

    def like(self, other):
        """Describe this distribution with the offsets of another energy."""
        return self.replaced(machine=self.machine.like(other.machine))

    def centred(self, mean):
        """Shift offsets of hidden units to their middle."""
        return self.replaced(machine=self.machine.centred(mean))

    def natural(self, gradient, turn):
        """Make a gradient natural, as if the scale of each row were known."""
        shares = self.shares + _DAMPING
        precision = self.shares @ np.exp(-self.log_scales)
        by_noise = self.machine.noise.slope_by_statistics(
            self.frame.slope_by_states(gradient.shift)
        )
        shift = self.frame.statistics(self.machine.noise.states(by_noise))
        return self._with(
            self.machine.natural(gradient.machine, turn),
            gradient.log_scales / (self.n_visible / 2 * shares),
            gradient.log_weights / shares,
            shift / precision,
        )

    @cached_property
    def centre(self):
        """c, from which rows are stretched."""
        return self.origin + self.frame.states(self.shift)

    @cached_property
    def shares(self):
        """Probability of each scale."""
        return softmax(self.log_weights)

    @cached_property
    def roots(self):
        """What y is multiplied by at each scale."""
        return np.exp(self.log_scales / 2)

    def log_shares(self, n_columns):
        """Give the log of shares, and of what scales do to so many columns.

        Parameters
        ----------
        n_columns : ndarray of shape (n_rows,)
            How many columns of each row are known.

        Returns
        -------
        log_shares : ndarray of shape (n_rows, n_scales)
            What is to be added to a log-density of y, to be that of v and the scale.
        """
        volumes = np.outer(n_columns, self.log_scales / 2)
        return (np.log(self.shares) - volumes).astype(self.dtype)

    def at_scales(self, rows):
        """Give y of rows at each scale, (n_scales, n_rows, n_visible)."""
        rows = rows.astype(self.dtype, copy=False)
        return (rows - self.centre) / self.roots[:, np.newaxis, np.newaxis]

    def stretched(self, rows, scale):
        """Give the rows that rows y are, at one scale or each at its own."""
        return self.centre + self.roots[scale, np.newaxis] * rows
