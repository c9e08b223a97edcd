"""Columns that share factors, of which some are missing: conditional distributions.

In columns x of unit own noise, the covariance of what is observed is
1 + Q_O (2 + Q'Q) Q_O', which is inverted by a matrix as small as there are factors.
"""

__all__ = ["FactorPattern", "observed_slopes"]

import numpy as np

from skebm.units.observed_gaussian import patterns_of

_LOG_ROOT = np.log(2 * np.pi) / 2


class FactorPattern:
    """Rows in which the same columns are observed; as `observed_gaussian.Pattern`.

    Parameters
    ----------
    rows : ndarray of int
        Which rows.
    columns : ndarray of int
        Which columns are observed.
    units : FactorUnits
        Of the columns.
    """

    def __init__(self, rows, columns, units):
        self.rows, self.columns, self.units = rows, columns, units
        self.turned = units.turned[columns].astype(np.float64)
        self.scale = units.scale[columns].astype(np.float64)
        across = 2 * np.eye(units.n_factors) + units.moment
        root = np.linalg.cholesky(across)
        factors = self.turned @ root
        values, vectors = np.linalg.eigh(factors.T @ factors)
        values = np.maximum(values, 0)
        self._log_det = np.log1p(values).sum() / 2
        # (1 + F F')^power = 1 + F V diag(((1 + g)^power - 1) / g) V' F', for the
        # eigenvalues g of F'F; the middle part is smooth at 0.
        self._sides = factors @ vectors
        one = 1 + values
        self._inverse = -1 / one
        self._half = -1 / (one + np.sqrt(one))

    @property
    def log_volume(self):
        """What the log-density has beside half a squared distance."""
        own = len(self.columns) * _LOG_ROOT - np.log(self.scale).sum()
        return own + self._log_det

    def of(self, states):
        """Take the observed values of the rows."""
        return states[np.ix_(self.rows, self.columns)]

    def white(self, values):
        """Make observed values white."""
        return self._times(values * self.scale, self._half)

    def solved(self, values):
        """Multiply observed values of x by the inverse of their covariance."""
        return self._times(values, self._inverse)

    def _times(self, values, middle):
        return values + (values @ self._sides * middle) @ self._sides.T

    def means(self, field):
        """Give the means of what is observed in fields."""
        return self.means_of_scaled(field) / self.scale

    def means_of_scaled(self, field):
        """Give the means of what is observed of x in fields."""
        return field[:, self.columns] + (field @ self.units.turned) @ self.turned.T

    def pull(self, values):
        """Give what surprising values, the means taken off, add to the mean of y."""
        return self.embedded(self.solved(values * self.scale))

    def embedded(self, values):
        """Multiply values of the observed columns, 0 elsewhere, by 1 + Q Q'."""
        result = (values @ self.turned) @ self.units.turned.T
        result[:, self.columns] += values
        return result

    def spread_of(self, field):
        """Multiply fields by the covariance of y given what is observed."""
        return field - self.pull(self.means(field))


def observed_slopes(units, field, states, observed, posterior):
    """Sum the derivatives of -E given what is observed, over rows and fields.

    They are means of z x' and of z y' and y z', for y less its mean, times
    (1 + Q Q')^-1, in z. Given what is observed z is 0 in all other columns on average,
    and it is what x is less its mean, times the inverse of the covariance.

    Parameters
    ----------
    units : FactorUnits
        Of the columns.
    field, states, observed, posterior : ndarray
        As of `Units.observed_statistics`.

    Returns
    -------
    by_scale : ndarray of shape (n_columns,)
        By log S.
    by_turned : ndarray of shape (n_columns, n_factors)
        By Q.
    """
    turned, moment = units.turned, units.moment
    along = field @ turned
    mass = posterior.sum()
    by_scale = -(posterior.sum(axis=1) @ ~observed)
    # Of the spread: both products of it and z, as if nothing were observed.
    by_turned = 2 * mass * units.shrunk(turned.T).T
    for pattern in patterns_of(units, observed):
        counts, own, columns = posterior[pattern.rows], pattern.turned, pattern.columns
        of_rows, of_fields = counts.sum(axis=1), counts.sum(axis=0)
        values = pattern.of(states) * pattern.scale
        known = pattern.solved(values)
        expected = pattern.means_of_scaled(field)
        given = pattern.solved(expected)
        # z is known less given, for each pair of a row and a field.
        total = counts.T @ known - of_fields[:, np.newaxis] * given
        products = (known * of_rows[:, np.newaxis]).T @ (known @ own)
        products += (given * of_fields[:, np.newaxis]).T @ (given @ own)
        products -= known.T @ (counts @ (given @ own))
        products -= given.T @ (counts.T @ (known @ own))
        # y is the field and (1 + Q Q') z.
        by_turned[columns] += total.T @ along
        by_turned[columns] += products @ (np.eye(len(moment)) + moment)
        by_turned += field.T @ (total @ own)
        by_turned += pattern.embedded(products.T).T
        # z x', where x is observed.
        own_squares = (known * of_rows[:, np.newaxis] * values).sum(axis=0)
        own_squares -= ((counts.T @ values) * given).sum(axis=0)
        by_scale[columns] -= own_squares
        # What is known is taken off the spread.
        solved = pattern.solved(own.T)
        by_turned -= of_rows.sum() * pattern.embedded(solved).T
        grown = own + own @ moment
        by_turned[columns] -= of_rows.sum() * pattern.solved(grown.T).T
    return by_scale, by_turned
