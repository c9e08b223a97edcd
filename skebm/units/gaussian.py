"""Gaussian units, whose statistics are rows in which the noise has unit variance."""

__all__ = ["GaussianUnits", "whiten_covariance"]

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skebm.units import observed_gaussian
from skebm.units.base import Frozen, Units
from skebm.units.triangular import lower_product

# Wider noise of any covariance learns by steps made of rows, see `step_of_rows`:
# products of whole matrices would take longer than all else of an update.
_MOST_WHOLE_COLUMNS = 512

# Rows drawn for the ridge in a step made of rows, whose covariance it is on average.
_RIDGE_ROWS = 50


def whiten_covariance(covariance):
    """Give the lower triangular matrix that makes noise of this covariance white."""
    return np.tril(np.linalg.inv(np.linalg.cholesky(covariance)))


@dataclass(frozen=True, eq=False)
class GaussianUnits(Frozen, Units):
    """Real columns v whose noise is white in y = B v; y are their statistics.

    B is what is known at the start, `base`, and what learning makes of it: a stretch of
    every column of y, and for noise of any covariance a shear,

        B = diag(exp(log_stretch)) (1 + shear) base.

    Whatever values these two take, B can be inverted, and they can be averaged and
    added to. Learning is the same in whatever units v is, since the base has them.

    Triangular systems are solved by NumPy, which does not know them for such: the
    threads of SciPy would compete with those of NumPy's products.

    Parameters
    ----------
    base : ndarray of shape (n_columns,) or (n_columns, n_columns)
        Factors of columns, or a lower triangular matrix with positive diagonal.
    log_stretch : ndarray of shape (n_columns,)
        Zero at the start.
    shear : ndarray of shape (n_columns, n_columns), default=None
        Zero on and above the diagonal, and at the start. None if `base` is factors.
    shared : bool, default=False
        Whether all columns stretch alike.
    fixed : bool, default=False
        Whether the noise does not learn.
    """

    base: np.ndarray
    log_stretch: np.ndarray
    shear: np.ndarray | None = None
    shared: bool = False
    fixed: bool = False

    @classmethod
    def of_base(cls, base, *, shared=False, fixed=False):
        """Make units from where they start."""
        shear = np.zeros_like(base) if base.ndim == 2 else None
        return cls(
            base,
            np.zeros(len(base), base.dtype),
            shear,
            shared,
            fixed,
        )

    @property
    def n_columns(self):
        """Number of columns."""
        return len(self.base)

    @property
    def is_full(self):
        """Whether the noise can have any covariance."""
        return self.shear is not None

    @property
    def is_wide(self):
        """Whether products of whole matrices are to be avoided while learning."""
        return self.is_full and self.n_columns > _MOST_WHOLE_COLUMNS

    @cached_property
    def whitening(self):
        """B: factors of columns, or a matrix."""
        if not self.is_full:
            return self._factors * self.base
        sheared = self.base + np.dot(self.shear, self.base)
        return self._factors[:, np.newaxis] * sheared

    @cached_property
    def _factors(self):
        return np.exp(self.log_stretch)

    @cached_property
    def _turn(self):
        """What B is to the base: a matrix."""
        turn = self.shear * self._factors[:, np.newaxis]
        np.fill_diagonal(turn, self._factors)
        return turn

    @property
    def _own_factors(self):
        """Factors of columns, or the diagonal of the matrix."""
        return self._factors * (np.diag(self.base) if self.is_full else self.base)

    @property
    def log_det(self):
        """Logarithm of the volume that a unit of volume of v becomes."""
        return float(np.log(self._own_factors.astype(np.float64)).sum())

    def is_regular(self):
        """Say whether no column is lost, and all numbers are finite."""
        if self.is_full and not np.isfinite(self.shear).all():
            return False
        return bool((self._own_factors > 0).all() and np.isfinite(self.whitening).all())

    def astype(self, dtype):
        """Return the same units with parameters of another dtype."""
        return self.replaced(
            base=self.base.astype(dtype),
            log_stretch=self.log_stretch.astype(dtype),
            shear=self.shear.astype(dtype) if self.is_full else None,
        )

    def stretched(self, factor):
        """Give the units of rows that are multiplied by a factor."""
        base = self.whitening / factor
        return type(self).of_base(base, shared=self.shared, fixed=self.fixed)

    def followed(self, units):
        """Give the units that take y of these for v of others."""
        base = units.whitening * self.whitening
        if self.is_full:
            base = np.dot(units.whitening, self.whitening)
        return type(self).of_base(base, shared=self.shared, fixed=self.fixed)

    # ---- states ----

    def statistics(self, states):
        """Give the statistics of rows v: y, in units of the noise."""
        if not self.is_full:
            return states * self.whitening
        if self.is_wide and len(states) < self.n_columns:
            # The matrix of few rows is not worth making.
            return np.dot(np.dot(states, self.base.T), self._turn.T)
        return np.dot(states, self.whitening.T)

    def states(self, statistics):
        """Give the rows v that have statistics y."""
        if not self.is_full:
            return statistics / self.whitening
        return np.linalg.solve(self.whitening, statistics.T).T

    def draw(self, field, noise, beta=1.0):
        """Draw rows v: y is normal, with the field as its mean."""
        scale = np.reshape(1 / np.sqrt(beta), (-1, 1)).astype(field.dtype)
        white = noise.rng.standard_normal(field.shape, field.dtype)
        white *= scale
        white += field
        return self.states(white)

    def mean(self, field):
        """Give the mean of y, which is the field."""
        return field

    def natural(self, mean):
        """Give the field in which y has this mean, which is the mean."""
        return mean

    def variance(self, mean):
        """Give the variance of each column of y: 1."""
        return np.ones_like(mean)

    def log_normaliser(self, field):
        """Integrate exp(field . y - |y|^2 / 2) over v; its logarithm, in nats."""
        constant = self.n_columns * np.log(2 * np.pi) / 2 - self.log_det
        return np.einsum("ij,ij->i", field, field) / 2 + constant

    def log_base(self, statistics):
        """Give -|y|^2 / 2 of each row."""
        return np.einsum("ij,ij->i", statistics, statistics) / -2

    # ---- rows of which some columns are missing ----

    def observed_score(self, field, states, observed):
        """Compute log p(what is observed of each row | each field); see `Units`."""
        if self.is_full:
            return observed_gaussian.observed_densities(self, field, states, observed)
        white = np.where(observed, self.statistics(states), 0.0)
        constant = observed @ (np.log(self.whitening) - np.log(2 * np.pi) / 2)
        own = (constant - (white**2).sum(axis=1) / 2)[:, np.newaxis]
        return own + white @ field.T - observed @ (field**2 / 2).T

    def observed_statistics(self, field, states, observed, posterior):
        """Sum the expected statistics of rows by fields; see `Units`."""
        if self.is_full:
            return observed_gaussian.conditional_sums(
                self, field, states, observed, posterior
            )
        return super().observed_statistics(field, states, observed, posterior)

    def observed_slope(self, field, states, observed, posterior, ridge=0.0):
        """Sum the derivatives of -E by stretch and shear, given what is observed.

        Parameters
        ----------
        field, states, observed, posterior : ndarray
            As of `Units.observed_statistics`.
        ridge : float, default=0.0
            As of `slope`.

        Returns
        -------
        slope : GaussianUnits
            With the derivatives in place of the parameters.
        """
        mass = posterior.sum() * ridge
        products = self.observed_products(field, states, observed, posterior)
        if self.is_full:
            by_map = -products @ self.states(np.eye(self.n_columns))
            return self.slope_of_map(by_map - mass * self.whitening)
        return self._slope(-np.diag(products) - mass * self.whitening**2)

    def observed_products(self, field, states, observed, posterior):
        """Sum what is expected of (y - field) y', (n_columns, n_columns).

        Of independent columns only the diagonal is looked at, the rest is 0.
        """
        if self.is_full:
            return observed_gaussian.conditional_products(
                self, field, states, observed, posterior
            )
        white = np.where(observed, self.statistics(states), 0.0)
        rows = posterior.sum(axis=1)
        known = rows @ white**2 - ((posterior.T @ white) * field).sum(axis=0)
        return np.diag(known + rows @ ~observed)

    def log_missing(self, field, states, observed):
        """Integrate over what is missing of each row; see `Units`."""
        if self.is_full:
            score = observed_gaussian.paired_densities(self, field, states, observed)
            return score + self.log_normaliser(field)
        white = self.statistics(states)
        known = field * white - white**2 / 2
        missing = field**2 / 2 + np.log(2 * np.pi) / 2 - np.log(self.whitening)
        return np.where(observed, known, missing).sum(axis=1, dtype=np.float64)

    def draw_missing(self, field, states, observed, noise):
        """Draw what is missing of rows; see `Units`."""
        if not self.is_full:
            return super().draw_missing(field, states, observed, noise)
        white = field + noise.rng.standard_normal(field.shape, field.dtype)
        return observed_gaussian.conditioned(self, white, states, observed)

    def mean_of_fields(self, field, states, observed, law):
        """Put for what is missing of rows its mean; see `Units`."""
        if not self.is_full:
            return super().mean_of_fields(field, states, observed, law)
        return observed_gaussian.conditioned(self, law @ field, states, observed)

    # ---- the noise ----

    def covariance(self):
        """Compute the covariance of the noise of v."""
        root = self.states(np.eye(self.n_columns))
        return root.T @ root

    def variances(self):
        """Compute the variance of the noise of each column of v."""
        if not self.is_full:
            return 1 / self.whitening**2
        return np.diag(self.covariance()).copy()

    def axes(self):
        """List what each unit vector of v is mapped to, a row for each."""
        return self.whitening.T if self.is_full else np.diag(self.whitening)

    @cached_property
    def precisions(self):
        """1 / variance of the noise of each column of v given the others."""
        squares = self.whitening**2
        return squares.sum(axis=0) if self.is_full else squares

    def slope_by_states(self, slope):
        """Turn derivatives by y into those by v."""
        if not self.is_full:
            return slope * self.whitening
        return np.dot(slope, self.whitening)

    def slope_by_statistics(self, slope):
        """Turn derivatives by v into those by y."""
        if not self.is_full:
            return slope / self.whitening
        return np.linalg.solve(self.whitening.T, slope.T).T

    # ---- learning ----

    def slope(self, deviation, values, row_weights=None, ridge=0.0):
        """Average the derivatives of -E by stretch and shear over rows.

        Parameters
        ----------
        deviation : ndarray of shape (n_rows, n_columns)
            y less its mean given the other layer.
        values : ndarray of shape (n_rows, n_columns)
            The rows v.
        row_weights : ndarray of shape (n_rows,), default=None
            What each row counts. None counts each 1 / n_rows.
        ridge : float, default=0.0
            What is added to the variance of every column of v.

        Returns
        -------
        slope : GaussianUnits
            With the derivatives in place of the parameters.
        """
        mass = 1.0
        if row_weights is not None:
            deviation, mass = deviation * row_weights[:, np.newaxis], row_weights.sum()
        scale = -1 if row_weights is not None else -1 / len(values)
        if not self.is_full:
            stretch = np.einsum("ij,ij->j", deviation, self.statistics(values))
            stretch *= scale
            return self._slope(stretch - mass * ridge * self.whitening**2)
        by_map = np.dot(deviation.T, values)
        by_map *= scale
        if ridge > 0:
            by_map -= (mass * ridge) * self.whitening
        return self.slope_of_map(by_map)

    def slope_of_map(self, by_map):
        """Give derivatives by stretch and shear, of those by the matrix B."""
        if not self.is_full:
            return self._slope(np.diag(by_map) * self.whitening)
        stretch = np.einsum("ij,ij->i", by_map, self.whitening)
        shear = np.dot(by_map, self.base.T)
        shear *= self._factors[:, np.newaxis]
        return self._slope(stretch, np.tril(shear, -1))

    def model_slope(self):
        """Give `slope` of the model: -1 for each stretch, since y is white."""
        shear = np.zeros_like(self.shear) if self.is_full else None
        return self._slope(np.full_like(self.log_stretch, -1), shear)

    def natural_step(self, gradient):
        """Turn a gradient into a natural one.

        In units of the noise, a unit of noise has 2 of information on the logarithm of
        its own scale, and 1 on its correlation with another.
        """
        stretch = gradient.log_stretch / 2
        if not self.is_full:
            return gradient.replaced(log_stretch=stretch)
        # A step is to B what B becomes of itself: its map is the shear turned by this.
        step = np.tril(np.dot(gradient.shear, self._turn.T), -1)
        shear = np.dot(step, self._turn)
        shear /= self._factors[:, np.newaxis] ** 2
        return gradient.replaced(log_stretch=stretch, shear=np.tril(shear, -1))

    def ridge_rows(self, ridge, noise):
        """Draw rows of random signs whose sum of products is that ridge on average."""
        shape = (_RIDGE_ROWS if ridge > 0 else 0, self.n_columns)
        size = np.sqrt(ridge / _RIDGE_ROWS).astype(self.base.dtype)
        return np.where(noise.rng.random(shape, np.float32) < 0.5, size, -size)

    def step_of_rows(self, left, right):
        """Give the `natural_step` along a gradient, which is a sum over few rows.

        In units of the noise the gradient by a shear is the strict lower triangle of
        -(y - mean)' y, averaged over rows, and the natural step has the same form. So
        no product of two wide matrices is left.

        Parameters
        ----------
        left, right : ndarray of shape (n_rows, n_columns)
            y less its mean given the other layer, times minus what the row counts, and
            y.

        Returns
        -------
        step : GaussianUnits
            As of `natural_step`, the model's slope taken off.
        squared_length : float
            Its product with the gradient.
        """
        stretch = np.einsum("ij,ij->j", left, right) + 1
        shear, squared_length = lower_product(left, right, self._turn)
        shear /= self._factors[:, np.newaxis]
        squared_length += float(np.vdot(stretch, stretch)) / 2
        return self._slope(stretch / 2, shear), squared_length

    def _slope(self, stretch, shear=None):
        """Give a slope, of which only what this noise can follow."""
        if self.fixed:
            stretch = np.zeros_like(stretch)
            shear = None if shear is None else np.zeros_like(shear)
        elif self.shared:
            stretch = np.full_like(stretch, stretch.mean())
        return self.replaced(log_stretch=stretch, shear=shear)
