"""Gaussian units, and rows of which some of their columns are missing."""

__all__ = ["IncompleteGaussian"]

from functools import cached_property

import numpy as np

from skebm.units import observed_gaussian
from skebm.units.base import Units
from skebm.units.white import WhiteUnits


class IncompleteGaussian(WhiteUnits):
    """What `GaussianUnits` say of columns that are missing.

    Columns of independent noise are missing one by one, as other units are. Where they
    are correlated, each pattern of what is observed has matrices of its own.
    """

    @cached_property
    def _root(self):
        """The inverse of B, of correlated columns."""
        return self.states(np.eye(self.n_columns)).T

    def pattern(self, rows, columns):
        """Give what follows from these columns alone being observed of these rows."""
        return observed_gaussian.Pattern(rows, columns, self._root)

    def observed_score(self, field, states, observed):
        """Compute log p(what is observed of each row | each field); see `Units`."""
        if self.is_full:
            return super().observed_score(field, states, observed)
        white = np.where(observed, self.statistics(states), 0.0)
        constant = observed @ (np.log(self.whitening) - np.log(2 * np.pi) / 2)
        own = (constant - (white**2).sum(axis=1) / 2)[:, np.newaxis]
        return own + white @ field.T - observed @ (field**2 / 2).T

    def observed_statistics(self, field, states, observed, posterior):
        """Sum the expected statistics of rows by fields; see `Units`."""
        if self.is_full:
            return super().observed_statistics(field, states, observed, posterior)
        return Units.observed_statistics(self, field, states, observed, posterior)

    def observed_slope(self, field, states, observed, posterior, ridge=0.0):
        """Sum the derivatives of -E by stretch and shear; see `WhiteUnits`."""
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
            return super().log_missing(field, states, observed)
        white = self.statistics(states)
        known = field * white - white**2 / 2
        missing = field**2 / 2 + np.log(2 * np.pi) / 2 - np.log(self.whitening)
        return np.where(observed, known, missing).sum(axis=1, dtype=np.float64)

    def draw_missing(self, field, states, observed, noise):
        """Draw what is missing of rows; see `Units`."""
        if self.is_full:
            return super().draw_missing(field, states, observed, noise)
        return Units.draw_missing(self, field, states, observed, noise)

    def mean_of_fields(self, field, states, observed, law):
        """Put for what is missing of rows its mean; see `Units`."""
        if self.is_full:
            return super().mean_of_fields(field, states, observed, law)
        return Units.mean_of_fields(self, field, states, observed, law)
