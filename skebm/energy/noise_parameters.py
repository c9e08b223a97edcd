"""Noise of visible units among the parameters of an energy."""

__all__ = [
    "NoiseParameters",
    "noise_arrays",
    "noise_of_ones",
    "noise_of_vector",
    "noise_vector",
    "noise_with_arrays",
]

from functools import lru_cache

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
        return [self.matrix, *noise_arrays(self.noise)]

    def with_arrays(self, arrays):
        """Return this energy with other parameters."""
        matrix, *of_noise = arrays
        noise = noise_with_arrays(self.noise, of_noise)
        return self.with_noise(noise).replaced(matrix=matrix)

    def changed(self):
        """Forget what was computed, also of the units, from arrays changed in place."""
        self.noise.changed()
        return super().changed()

    def ravel(self):
        """Give weights, biases and what the noise learns as one vector."""
        return np.concatenate([super().ravel(), noise_vector(self.noise)])

    def unravel(self, vector):
        """Return the energy with the parameters that a vector has."""
        n_linear = self.weights.size + self.n_visible + self.n_hidden
        linear, of_noise = np.split(vector, [n_linear])
        noise = noise_of_vector(self.noise, of_noise)
        return super().unravel(linear).with_noise(noise)

    def deviations(self):
        """Give the deviations of statistics; coordinates of the noise count as 1."""
        return super().deviations().with_noise(noise_of_ones(self.noise))

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
        if moves.all() or not noise.is_full:
            own = noise.states(white)[:, moves]
        else:
            axes = noise.axes()
            white = white - completed[:, real][:, ~moves] @ axes[~moves]
            own = white @ np.linalg.pinv(axes[moves])
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
        return self.ridge / 2 * np.vdot(self.noise.whitening, self.noise.whitening)

    def _gradient(self, matrix, slope):
        return self.with_noise(slope).replaced(matrix=matrix)


def noise_arrays(noise):
    """List the parameters of Gaussian units."""
    return [noise.log_stretch, *([noise.shear] if noise.is_full else [])]


def noise_with_arrays(noise, arrays):
    """Give Gaussian units with other parameters."""
    log_stretch, *shear = arrays
    return noise.replaced(log_stretch=log_stretch, shear=shear[0] if shear else None)


def noise_vector(noise):
    """Give what Gaussian units learn, or derivatives in its place, as a vector."""
    parts = []
    if noise.shared:
        # One coordinate, by which values and derivatives are both right.
        root = np.sqrt(noise.n_columns)
        parts.append(noise.log_stretch.sum(keepdims=True) / root)
    elif not noise.fixed:
        parts.append(noise.log_stretch)
    if noise.is_full:
        parts.append(noise.shear[_below_diagonal(noise.n_columns)])
    return np.concatenate(parts) if parts else np.empty(0)


def noise_of_vector(noise, vector):
    """Give Gaussian units with the parameters that a vector has."""
    n_stretches = noise.n_columns
    if noise.fixed or noise.shared:
        n_stretches = int(noise.shared and not noise.fixed)
    stretch, shear = np.split(vector, [n_stretches])
    log_stretch = np.zeros_like(noise.log_stretch)
    if n_stretches:
        log_stretch[:] = stretch / np.sqrt(len(log_stretch) // n_stretches)
    lower = None
    if noise.is_full:
        lower = np.zeros_like(noise.shear)
        lower[_below_diagonal(noise.n_columns)] = shear
    return noise.replaced(log_stretch=log_stretch, shear=lower)


def noise_of_ones(noise):
    """Give Gaussian units whose `noise_vector` is of ones."""
    shear = np.ones_like(noise.shear) if noise.is_full else None
    one = 1 / np.sqrt(noise.n_columns) if noise.shared else 1.0
    return noise.replaced(log_stretch=np.full_like(noise.log_stretch, one), shear=shear)


@lru_cache(maxsize=8)
def _below_diagonal(n_columns):
    """List the places below the diagonal; each step of L-BFGS asks for them."""
    return np.tril_indices(n_columns, -1)
