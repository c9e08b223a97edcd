"""Noise of visible units among the parameters of an energy."""

__all__ = ["NoiseParameters"]

import numpy as np


class NoiseParameters:
    """What an energy adds to `RBMEnergy` whose visible units have noise to learn.

    It has `noise`, `GaussianUnits` among the visible units, `with_noise`, which puts
    other ones there, and `ridge`, what learning adds to the variance of each of their
    columns.
    """

    # Data that are not 10^6 standard deviations of the noise apart need no larger ones.
    largest_weight = 1e6

    def arrays(self):
        """List the parameters: the matrix, and those of the noise."""
        units = self.noise
        shear = [units.shear] if units.is_full else []
        return [self.matrix, units.log_stretch, *shear]

    def with_arrays(self, arrays):
        """Return this energy with other parameters."""
        matrix, log_stretch, *shear = arrays
        shear = shear[0] if shear else None
        noise = self.noise.replaced(log_stretch=log_stretch, shear=shear)
        return self.with_noise(noise).replaced(matrix=matrix)

    def changed(self):
        """Forget what was computed, also of the units, from arrays changed in place."""
        self.noise.changed()
        return super().changed()

    def ravel(self):
        """Give weights, biases and what the noise learns as one vector."""
        units, parts = self.noise, [super().ravel()]
        if units.shared:
            # One coordinate, by which values and derivatives are both right.
            root = np.sqrt(units.n_columns)
            parts.append(units.log_stretch.sum(keepdims=True) / root)
        elif not units.fixed:
            parts.append(units.log_stretch)
        if units.is_full:
            parts.append(units.shear[np.tril_indices_from(units.shear, -1)])
        return np.concatenate(parts)

    def unravel(self, vector):
        """Return the energy with the parameters that a vector has."""
        units = self.noise
        n_stretches = units.n_columns
        if units.fixed or units.shared:
            n_stretches = int(units.shared and not units.fixed)
        n_linear = self.weights.size + self.n_visible + self.n_hidden
        linear, stretch, shear = np.split(vector, [n_linear, n_linear + n_stretches])
        log_stretch = np.zeros_like(units.log_stretch)
        if n_stretches:
            log_stretch[:] = stretch / np.sqrt(len(log_stretch) // n_stretches)
        lower = None
        if units.is_full:
            lower = np.zeros_like(units.shear)
            lower[np.tril_indices_from(lower, -1)] = shear
        units = units.replaced(log_stretch=log_stretch, shear=lower)
        return super().unravel(linear).with_noise(units)

    def deviations(self):
        """Give the deviations of statistics; coordinates of the noise count as 1."""
        units = self.noise
        shear = np.ones_like(units.shear) if units.is_full else None
        one = 1 / np.sqrt(units.n_columns) if units.shared else 1.0
        stretch = np.full_like(units.log_stretch, one)
        ones = units.replaced(log_stretch=stretch, shear=shear)
        return super().deviations().with_noise(ones)

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
        return self.ridge / 2 * np.vdot(self.noise.whitening, self.noise.whitening)

    def _gradient(self, matrix, slope):
        return self.with_noise(slope).replaced(matrix=matrix)
