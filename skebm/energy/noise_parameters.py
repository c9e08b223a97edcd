"""Noise of visible units among the parameters of an energy."""

__all__ = ["NoiseParameters"]

import numpy as np


class NoiseParameters:
    """What an energy adds to `RBMEnergy` whose visible units have noise to learn.

    It has `noise`, `WhiteUnits` among the visible units, `with_noise`, which puts
    other ones there, and `ridge`, what learning adds to the variance of each of their
    columns.
    """

    # Data that are not 10^6 standard deviations of the noise apart need no larger ones.
    largest_weight = 1e6

    def arrays(self):
        """List the parameters: the matrix, and those of the noise."""
        return [self.matrix, *self.noise.arrays()]

    def with_arrays(self, arrays):
        """Return this energy with other parameters."""
        matrix, *of_noise = arrays
        noise = self.noise.with_arrays(of_noise)
        return self.with_noise(noise).replaced(matrix=matrix)

    def changed(self):
        """Forget what was computed, also of the units, from arrays changed in place."""
        self.noise.changed()
        return super().changed()

    def ravel(self):
        """Give weights, biases and what the noise learns as one vector."""
        return np.concatenate([super().ravel(), self.noise.ravel()])

    def unravel(self, vector):
        """Return the energy with the parameters that a vector has."""
        n_linear = self.weights.size + self.n_visible + self.n_hidden
        linear, of_noise = np.split(vector, [n_linear])
        return super().unravel(linear).with_noise(self.noise.unravel(of_noise))

    def deviations(self):
        """Give the deviations of statistics; coordinates of the noise count as 1."""
        return super().deviations().with_noise(self.noise.deviations())

    def has_diverged(self):
        """Say whether a parameter is beyond reason, or a column of the noise lost."""
        return super().has_diverged() or not self.noise.is_regular()

    def natural(self, gradient, turn):
        """Make a gradient natural, that of the noise in units of the noise."""
        noise = self.noise.natural_step(gradient.noise)
        return gradient.with_noise(noise).replaced(matrix=turn(gradient.matrix))

    @property
    def real_columns(self):
        """Visible columns that have this noise: the last ones."""
        return slice(self.n_visible - self.noise.n_columns, self.n_visible)

    def relaxed(self, rows, observed, free):
        """Move real columns to where the mean energy is lowest, as a step of EM does.

        It is the mean over hidden units and what is missing, given the rows as they
        are; so the free energy does not rise.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_visible)
            Float64.
        observed : ndarray of bool of shape (n_visible,)
            Which columns are known of all rows; others are integrated out.
        free : ndarray of bool of shape (n_visible,)
            Which columns move; real ones that are known.
        """
        if observed.all():
            hidden = self.hidden.mean(self.hidden_field(rows))
            completed = rows
        else:
            known = np.broadcast_to(observed, rows.shape)
            hidden = self.observed_hidden_mean(rows, known)
            completed = self.mean_missing(rows, known)
        noise, real = self.noise, self.real_columns
        white, moves = self.visible_field(hidden)[:, real], free[real]
        own = noise.nearest(white, completed[:, real], moves)
        result = rows.copy()
        result[:, free] = own
        return result

    def posterior_statistics(self, field, rows, observed, posterior):
        """Sum -dE/dtheta over rows and all hidden configurations, with weights."""
        known = field, rows, observed
        own = [table[:, self.real_columns] for table in known]
        slope = self.noise.observed_slope(*own, posterior, self.ridge)
        linear = super().posterior_statistics(*known, posterior)
        return self._gradient(linear.matrix, slope)

    def observed_phase(self, rows, observed, row_weights):
        """Do as `positive_phase` for rows of which some columns are missing."""
        value, statistics = super().observed_phase(rows, observed, row_weights)
        return value - row_weights.sum() * self._cost_of_ridge, statistics

    @property
    def _cost_of_ridge(self):
        """What the ridge takes off the score of a row, in nats."""
        return self.ridge / 2 * self.noise.total_precision

    def _gradient(self, matrix, slope):
        return self.with_noise(slope).replaced(matrix=matrix)
