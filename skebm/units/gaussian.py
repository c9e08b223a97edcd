"""Gaussian units, whose statistics are rows in which the noise has unit variance."""

__all__ = ["GaussianUnits", "whiten_covariance"]

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from skebm.units.incomplete_gaussian import IncompleteGaussian


def whiten_covariance(covariance):
    """Give the lower triangular matrix that makes noise of this covariance white."""
    return np.tril(np.linalg.inv(np.linalg.cholesky(covariance)))


@dataclass(frozen=True, eq=False)
class GaussianUnits(IncompleteGaussian):
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

    # ---- as a vector ----

    def arrays(self):
        """List what learns: the stretch, and the shear if there is one."""
        return [self.log_stretch, *([self.shear] if self.is_full else [])]

    def with_arrays(self, arrays):
        """Return the same kind of units with other parameters."""
        log_stretch, *shear = arrays
        return self.replaced(log_stretch=log_stretch, shear=shear[0] if shear else None)

    def ravel(self):
        """Give what learns as one vector."""
        parts = []
        if self.shared:
            # One coordinate, by which values and derivatives are both right.
            root = np.sqrt(self.n_columns)
            parts.append(self.log_stretch.sum(keepdims=True) / root)
        elif not self.fixed:
            parts.append(self.log_stretch)
        if self.is_full:
            parts.append(self.shear[_below_diagonal(self.n_columns)])
        return np.concatenate([np.zeros(0), *parts])

    def unravel(self, vector):
        """Return the units with the parameters that a vector has."""
        n_stretches = self.n_columns
        if self.fixed or self.shared:
            n_stretches = int(self.shared and not self.fixed)
        stretch, shear = np.split(vector, [n_stretches])
        log_stretch = np.zeros_like(self.log_stretch)
        if n_stretches:
            log_stretch[:] = stretch / np.sqrt(len(log_stretch) // n_stretches)
        lower = None
        if self.is_full:
            lower = np.zeros_like(self.shear)
            lower[_below_diagonal(self.n_columns)] = shear
        return self.replaced(log_stretch=log_stretch, shear=lower)

    def deviations(self):
        """Give what coordinates count, as `Energy.deviations` does: each 1."""
        shear = np.ones_like(self.shear) if self.is_full else None
        one = 1 / np.sqrt(self.n_columns) if self.shared else 1.0
        stretch = np.full_like(self.log_stretch, one)
        return self.replaced(log_stretch=stretch, shear=shear)

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
        return np.dot(states, self.whitening.T)

    def states(self, statistics):
        """Give the rows v that have statistics y."""
        if not self.is_full:
            return statistics / self.whitening
        return np.linalg.solve(self.whitening, statistics.T).T

    # ---- the noise ----

    def stretched(self, factor):
        """Give the units of rows v that are multiplied by a factor."""
        base = self.whitening / factor
        return self.of_base(base, shared=self.shared, fixed=self.fixed)

    def explained(self, weights, variance):
        """Give the noise that is left where hidden units explain some of it.

        Parameters
        ----------
        weights : ndarray of shape (n_hidden, n_columns)
            What they add to y.
        variance : float
            Of each of them. Correlations that they make are left out where columns have
            independent noise.
        """
        covariance = variance * weights.T @ weights
        if self.is_full:
            left = whiten_covariance(np.eye(len(covariance)) - covariance)
            return self.of_base(np.dot(left, self.whitening))
        left = 1 - np.diag(covariance)
        if self.shared:
            left = left.mean()
        return self.stretched(np.sqrt(left))

    def nearest(self, white, states, moves):
        """Give the values of some columns with which y is nearest; see `WhiteUnits`."""
        if moves.all() or not self.is_full:
            return self.states(white)[:, moves]
        axes = self.axes()
        return (white - states[:, ~moves] @ axes[~moves]) @ np.linalg.pinv(axes[moves])

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

    @property
    def total_precision(self):
        """Sum of `precisions`, which is the squared norm of B."""
        return np.vdot(self.whitening, self.whitening)

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
        """Average the derivatives of -E by stretch and shear; see `WhiteUnits`."""
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

    def _slope(self, stretch, shear=None):
        """Give a slope, of which only what this noise can follow."""
        if self.fixed:
            stretch = np.zeros_like(stretch)
            shear = None if shear is None else np.zeros_like(shear)
        elif self.shared:
            stretch = np.full_like(stretch, stretch.mean())
        return self.replaced(log_stretch=stretch, shear=shear)


@lru_cache(maxsize=8)
def _below_diagonal(n_columns):
    """List the places below the diagonal; each step of L-BFGS asks for them."""
    return np.tril_indices(n_columns, -1)
