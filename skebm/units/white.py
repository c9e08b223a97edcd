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

    # ---- as a vector ----

    def arrays(self):
        """List what learns."""
        raise NotImplementedError

    def with_arrays(self, arrays):
        """Return the same kind of units with other parameters."""
        raise NotImplementedError
