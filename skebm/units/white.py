"""Real columns whose noise is white in other coordinates: what all such units share."""

__all__ = ["WhiteUnits"]

import numpy as np

from skebm.units import observed_gaussian
from skebm.units.base import Frozen, Units, Vector


class WhiteUnits(Vector, Frozen, Units):
    """Real columns v whose noise is white in y = B v; y are their statistics.

    A kind of noise defines what B is, by `n_columns`, `log_det`, `statistics` and
    `states`; what follows where columns are missing, `pattern`; and how B learns. It is
    a vector, as an energy is: it has `arrays`, and slopes are units with derivatives in
    place of the parameters.
    """

    # Whether columns are correlated given the field.
    is_full = True

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

    def pattern(self, rows, columns):
        """Give what follows from these columns alone being observed of these rows."""
        raise NotImplementedError

    def observed_score(self, field, states, observed):
        """Compute log p(what is observed of each row | each field); see `Units`."""
        return observed_gaussian.observed_densities(self, field, states, observed)

    def observed_statistics(self, field, states, observed, posterior):
        """Sum the expected statistics of rows by fields; see `Units`."""
        given = field, states, observed, posterior
        return observed_gaussian.conditional_sums(self, *given)

    def log_missing(self, field, states, observed):
        """Integrate over what is missing of each row; see `Units`."""
        score = observed_gaussian.paired_densities(self, field, states, observed)
        return score + self.log_normaliser(field)

    def draw_missing(self, field, states, observed, noise):
        """Draw what is missing of rows; see `Units`."""
        white = field + noise.rng.standard_normal(field.shape, field.dtype)
        return observed_gaussian.conditioned(self, white, states, observed)

    def mean_of_fields(self, field, states, observed, law):
        """Put for what is missing of rows its mean; see `Units`."""
        return observed_gaussian.conditioned(self, law @ field, states, observed)

    # ---- the noise ----

    def nearest(self, white, states, moves):
        """Give the values of some columns of v with which y is nearest to a row each.

        Parameters
        ----------
        white : ndarray of shape (n_rows, n_columns)
            Of the statistics y.
        states : ndarray of shape (n_rows, n_columns)
            Rows v, of which the other columns stay as they are.
        moves : ndarray of bool of shape (n_columns,)
            Which columns move.
        """
        raise NotImplementedError

    # ---- learning ----

    def slope(self, deviation, values, row_weights=None, ridge=0.0):
        """Average the derivatives of -E by what learns over rows.

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
        slope : WhiteUnits
            With the derivatives in place of the parameters.
        """
        raise NotImplementedError

    def observed_slope(self, field, states, observed, posterior, ridge=0.0):
        """Sum the derivatives of -E by what learns, given what is observed.

        Parameters
        ----------
        field, states, observed, posterior : ndarray
            As of `Units.observed_statistics`.
        ridge : float, default=0.0
            As of `slope`.
        """
        raise NotImplementedError

    # ---- as a vector ----

    def arrays(self):
        """List what learns."""
        raise NotImplementedError

    def with_arrays(self, arrays):
        """Return the same kind of units with other parameters."""
        raise NotImplementedError
