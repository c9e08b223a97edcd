"""Gaussian units whose noise has a few common factors: low rank plus a diagonal."""

__all__ = ["FactorUnits"]

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skebm.units.observed_factors import FactorPattern, observed_slopes
from skebm.units.white import WhiteUnits

# Added to the squared strengths of factors in the metric of their loadings, without
# which factors that have none would have no direction to grow in.
_DAMPING = 0.25

# Squared strengths of factors beside the strongest that are rounding.
_ROUNDING = 1e-14


@dataclass(frozen=True, eq=False)
class FactorUnits(WhiteUnits):
    """Real columns v that share a few factors, beside noise of their own each.

    In columns x = S v, with S = diag(exp(log_stretch) * base), the own noise has unit
    variance, and the covariance is that of factor analysis [1]_, 1 + L L'. It is
    written as the square of 1 + Q Q', so that

        y = B v,  B = (1 + Q Q')^-1 S,  Q = diag(exp(log_stretch)) loadings.

    So B can be inverted whatever values the parameters take, and is inverted by one
    matrix of as many rows and columns as there are factors: everything takes time
    linear in the number of columns. Loadings are in units of the base, so that they
    mean the same whatever the own noise is.

    Parameters
    ----------
    base : ndarray of shape (n_columns,)
        Factors of columns at the start: 1 / standard deviation of their own noise.
    log_stretch : ndarray of shape (n_columns,)
        Zero at the start.
    loadings : ndarray of shape (n_columns, n_factors)
        Turned among each other, they are the same noise.

    References
    ----------
    .. [1] Rubin, D. B. and Thayer, D. T. (1982). EM algorithms for ML factor analysis.
       Psychometrika 47(1), 69-76. :doi:`10.1007/BF02293851`
    """

    base: np.ndarray
    log_stretch: np.ndarray
    loadings: np.ndarray

    @classmethod
    def of_factors(cls, own_variances, factors):
        """Make units whose noise has the covariance diag(own) + factors' factors.

        Parameters
        ----------
        own_variances : ndarray of shape (n_columns,)
            Positive.
        factors : ndarray of shape (n_factors, n_columns)
            What each factor, of unit variance, adds to columns.
        """
        base = 1 / np.sqrt(own_variances)
        axes, sizes, _ = np.linalg.svd((factors * base).T, full_matrices=False)
        loadings = np.zeros(factors.shape[::-1])
        # Of more factors than columns the last ones are none.
        loadings[:, : len(sizes)] = axes * _root_of(sizes**2)
        return cls(base, np.zeros(len(base)), loadings)

    @property
    def n_columns(self):
        """Number of columns."""
        return len(self.base)

    @property
    def n_factors(self):
        """Number of factors."""
        return self.loadings.shape[1]

    def arrays(self):
        """List what learns: the stretch and the loadings."""
        return [self.log_stretch, self.loadings]

    def with_arrays(self, arrays):
        """Return the same kind of units with other parameters."""
        log_stretch, loadings = arrays
        return self.replaced(log_stretch=log_stretch, loadings=loadings)

    def astype(self, dtype):
        """Return the same units with parameters of another dtype."""
        base = self.base.astype(dtype)
        converted = self.with_arrays([array.astype(dtype) for array in self.arrays()])
        return converted.replaced(base=base)

    @cached_property
    def _factors(self):
        return np.exp(self.log_stretch)[:, np.newaxis]

    @cached_property
    def scale(self):
        """Diagonal of S."""
        return self._factors[:, 0] * self.base

    @cached_property
    def turned(self):
        """Q, shape (n_columns, n_factors)."""
        return self._factors * self.loadings

    @cached_property
    def moment(self):
        """Q' Q, in float64."""
        turned = self.turned.astype(np.float64)
        return turned.T @ turned

    @cached_property
    def _inner(self):
        """(1 + Q' Q)^-1."""
        inner = np.linalg.inv(np.eye(self.n_factors) + self.moment)
        return ((inner + inner.T) / 2).astype(self.base.dtype)

    @cached_property
    def _twice(self):
        """K, with (1 + Q Q')^-2 = 1 - Q K Q'."""
        inner = self._inner.astype(np.float64)
        return (2 * inner - inner @ self.moment @ inner).astype(self.base.dtype)

    def shrunk(self, rows):
        """Multiply rows by (1 + Q Q')^-1."""
        along = np.dot(np.dot(rows, self.turned), self._inner)
        result = np.dot(along, self._rows)
        return np.subtract(rows, result, out=result)

    def grown(self, rows):
        """Multiply rows by 1 + Q Q'."""
        result = np.dot(np.dot(rows, self.turned), self._rows)
        result += rows
        return result

    @cached_property
    def _rows(self):
        return np.ascontiguousarray(self.turned.T)

    @property
    def log_det(self):
        """Logarithm of the volume that a unit of volume of v becomes."""
        own = np.log(self.scale.astype(np.float64)).sum()
        return float(own - np.log1p(np.linalg.eigvalsh(self.moment)).sum())

    def is_regular(self):
        """Say whether no column is lost, and all numbers are finite."""
        finite = np.isfinite(self.scale).all() and np.isfinite(self.moment).all()
        return bool(finite and (self.scale > 0).all())

    # ---- states ----

    def statistics(self, states):
        """Give the statistics of rows v: y, in units of the noise."""
        return self.shrunk(states * self.scale)

    def states(self, statistics):
        """Give the rows v that have statistics y."""
        return self.grown(statistics) / self.scale

    def slope_by_states(self, slope):
        """Turn derivatives by y into those by v."""
        return self.shrunk(slope) * self.scale

    def slope_by_statistics(self, slope):
        """Turn derivatives by v into those by y."""
        return self.grown(slope / self.scale)

    # ---- rows of which some columns are missing ----

    def pattern(self, rows, columns):
        """Give what follows from these columns alone being observed of these rows."""
        return FactorPattern(rows, columns, self)

    def observed_slope(self, field, states, observed, posterior, ridge=0.0):
        """Sum the derivatives of -E by what learns; see `WhiteUnits`."""
        by_scale, by_turned = observed_slopes(self, field, states, observed, posterior)
        return self._slope(by_scale, by_turned, posterior.sum() * ridge)

    # ---- the noise ----

    def stretched(self, factor):
        """Give the units of rows v that are multiplied by a factor."""
        return self.replaced(base=self.base / factor)

    @cached_property
    def _axes(self):
        """Orthonormal axes of the factors, their strengths, and what turns Q there.

        Q = axes * strengths @ turn', strongest first.
        """
        squares, turn = np.linalg.eigh(self.moment)
        squares = squares[::-1].copy()
        turn = turn[:, ::-1].astype(self.base.dtype)
        # Of what is rounded to zero there is no axis: here it is 0 as well.
        squares[squares <= _ROUNDING * squares.max(initial=0)] = 0
        strengths = np.sqrt(squares)
        inverse = 1 / np.where(strengths > 0, strengths, np.inf)
        axes = np.dot(self.turned, turn) * inverse.astype(turn.dtype)
        return axes, strengths, turn

    def axes(self):
        """Give orthonormal axes of y along which columns vary together, in columns."""
        axes, strengths, _ = self._axes
        return axes[:, strengths > 0]

    def own_variances(self):
        """Give the variance of each column of v beside the factors."""
        return 1 / self.scale**2

    def factors(self):
        """Give what factors add to columns of v, strongest first; see `of_factors`.

        Each is of unit variance, and its largest entry is positive.
        """
        axes, strengths, _ = self._axes
        sizes = strengths * np.sqrt(2 + strengths**2)
        factors = (axes * sizes / self.scale[:, np.newaxis]).T
        largest = np.abs(factors).argmax(axis=1)[:, np.newaxis]
        return factors * np.where(np.take_along_axis(factors, largest, 1) < 0, -1, 1)

    def covariance(self):
        """Compute the covariance of the noise of v, of all pairs of columns."""
        factors = self.factors()
        return factors.T @ factors + np.diag(self.own_variances())

    def variances(self):
        """Compute the variance of the noise of each column of v."""
        return self.own_variances() + (self.factors() ** 2).sum(axis=0)

    @cached_property
    def precisions(self):
        """1 / variance of the noise of each column of v given the others."""
        turned = self.turned
        shared = np.einsum("ij,ij->i", np.dot(turned, self._twice), turned)
        return self.scale**2 * (1 - shared)

    @property
    def total_precision(self):
        """Sum of `precisions`."""
        return self.precisions.sum()

    def explained(self, weights, variance):
        """Give the noise that is left where hidden units explain some of it.

        Only what columns share of that is taken from the noise, which keeps its form.

        Parameters
        ----------
        weights : ndarray of shape (n_hidden, n_columns)
            What they add to y.
        variance : float
            Of each of them.
        """
        axes, strengths, _ = self._axes
        along = weights @ axes
        size = 1 + strengths**2
        left = np.eye(self.n_factors) - variance * along.T @ along
        values, vectors = np.linalg.eigh(size[:, np.newaxis] * left * size)
        loadings = (axes @ vectors) * _root_of(np.maximum(values - 1, 0))
        return self.replaced(loadings=loadings / self._factors)

    def nearest(self, white, states, moves):
        """Give the values of some columns with which y is nearest; see `WhiteUnits`."""
        observed = np.broadcast_to(~moves, states.shape)
        one = np.eye(len(white))
        return self.mean_of_fields(white, states, observed, one)[:, moves]

    # ---- learning ----

    def slope(self, deviation, values, row_weights=None, ridge=0.0):
        """Average the derivatives of -E by what learns; see `WhiteUnits`."""
        mass, states = 1.0, values * self.scale
        if row_weights is None:
            deviation = deviation / len(values)
        else:
            mass = row_weights.sum()
            deviation = deviation * row_weights[:, np.newaxis]
        # With J = (1 + Q' Q)^-1, B S^-1 is 1 - Q J Q': of products with Q all follows.
        turned, inner = self.turned, self._inner
        along, of_states = np.dot(deviation, turned), np.dot(states, turned)
        first = np.dot(np.dot(states.T, along), inner)
        by_turned = np.dot(np.dot(deviation.T, of_states), inner)
        by_turned += first
        across = np.dot(along.T, of_states)
        across = np.dot(np.dot(inner, across + across.T), inner)
        by_turned -= np.dot(turned, across)
        by_scale = np.einsum("ij,ij->i", first, turned)
        by_scale -= np.einsum("ij,ij->j", deviation, states)
        return self._slope(by_scale, by_turned, mass * ridge)

    def model_slope(self):
        """Give `slope` of the model, for which y less its mean is white."""
        by_turned = 2 * np.dot(self.turned, self._inner)
        return self._slope(np.full_like(self.log_stretch, -1), by_turned)

    def natural_step(self, gradient):
        """Turn a gradient into a natural one.

        A unit of own noise has about 2 of information on the logarithm of its scale.
        Along the axes of factors 1 + Q Q' is diagonal, h, and so is the information on
        loadings there: (1 / h_k + 1 / h_l)^2 (h_k - 1 + h_l - 1) between axis k and l,
        where h is 1 on all axes of no factor.
        """
        axes, strengths, turn = self._axes
        size, squares = 1 + strengths**2, strengths**2 + _DAMPING
        outer = 1 / ((1 + 1 / size) ** 2 * squares)
        within = (1 / size + 1 / size[:, np.newaxis]) ** 2
        within = 1 / (within * (squares + strengths[:, np.newaxis] ** 2))
        outer, within = (part.astype(turn.dtype) for part in (outer, within - outer))
        slope = np.dot(gradient.loadings / self._factors, turn)
        step = np.dot(axes, np.dot(axes.T, slope) * within)
        slope *= outer
        step += slope
        loadings = np.dot(step, turn.T) / self._factors
        return gradient.with_arrays([gradient.log_stretch / 2, loadings])

    def _slope(self, by_scale, by_turned, ridge=0.0):
        """Give a slope by what learns, of those by log S and by Q, less a ridge."""
        if ridge > 0:
            by_scale = by_scale - ridge * self.precisions
            # Of the trace of S (1 - Q J Q')^2 S.
            turned, inner = self.turned, self._inner
            scaled = turned * self.scale[:, np.newaxis] ** 2
            across = np.dot(np.dot(turned.T, scaled), inner)
            total = np.dot(scaled, inner + np.dot(inner, inner))
            both = np.dot(self._twice, across) + np.dot(inner, np.dot(across, inner))
            total -= np.dot(turned, both)
            by_turned = by_turned + self.base.dtype.type(ridge) * total
        by_scale = by_scale + np.einsum("ij,ij->i", self.turned, by_turned)
        loadings = by_turned * self._factors
        dtype = self.base.dtype
        return self.replaced(
            log_stretch=by_scale.astype(dtype, copy=False),
            loadings=loadings.astype(dtype, copy=False),
        )


def _root_of(squares):
    """Give q with (1 + q^2)^2 = 1 + squares, to all digits of small ones."""
    return np.sqrt(squares / (1 + np.sqrt(1 + squares)))
