"""Mixtures of products: groups of rows, within which units are independent.

A mixture of products is a restricted machine with one categorical hidden unit, the
component. So its log Z is known and its draws are exact, also where rows form groups
that no chain travels between: what starts from it knows of all of them.
"""

__all__ = ["Mixture", "fit_mixture", "kernel_mixture"]

import numpy as np
from scipy.special import logsumexp, softmax

from skebm.units.categorical import draw_levels
from skebm.units.data import distinct_rows

# Iterations of EM: the first few do most of it.
_ITERATIONS = 20

# Pseudo-rows that draw the means of a component to those of all rows.
_PSEUDO_ROWS = 1.0

# What components have that no row is in, in rows.
_LEAST_SIZE = 1e-3

# What a component keeps of its share when shares are set anew.
_KEPT_SHARE = 0.1


class Mixture:
    """A mixture of distributions in each of which units are independent.

    It can be where a path starts, see `Path`: there its exponent is that of rows and
    components together, so that at beta 0 of the start components are drawn uniformly.

    Parameters
    ----------
    units : Units
        Of the rows; their states must be their own statistics.
    log_weights : ndarray of shape (n_components,)
        Logarithms of the shares of components, which sum to 1.
    fields : ndarray of shape (n_components, n_columns)
        Fields of the units in each component.
    dtype : dtype, default=numpy.float32
        Of the fields.
    """

    # Its rows have probabilities that sum to 1.
    log_partition = 0.0

    def __init__(self, units, log_weights, fields, dtype=np.float32):
        self.units = units
        self.log_weights = log_weights - logsumexp(log_weights)
        self.fields = fields.astype(dtype)
        normalisers = units.log_normaliser(self.fields.astype(np.float64))
        self._bias = (self.log_weights - normalisers).astype(dtype)

    @classmethod
    def of_means(cls, units, weights, means):
        """Make a mixture of the shares of components and their means of columns."""
        return cls(units, np.log(weights), units.natural(means))

    def joined(self, other, share):
        """Give the mixture with another, which gets this share."""
        log_weights = np.concatenate(
            [self.log_weights + np.log1p(-share), other.log_weights + np.log(share)]
        )
        fields = np.concatenate([self.fields, other.fields])
        return Mixture(self.units, log_weights, fields, self.fields.dtype)

    def reweighted(self, rows, row_weights):
        """Give components the shares that they have of weighted rows, on average.

        Each keeps some of the share it has, in case the rows have missed it.
        """
        shares = row_weights @ softmax(self.context(rows), axis=1)
        shares = (1 - _KEPT_SHARE) * shares + _KEPT_SHARE * np.exp(self.log_weights)
        return Mixture(self.units, np.log(shares), self.fields, self.fields.dtype)

    @property
    def n_components(self):
        """Number of components."""
        return len(self.fields)

    def draw(self, n_rows, noise):
        """Draw rows, of each component as nearly its share of them as can be."""
        ends = np.cumsum(np.exp(self.log_weights))
        points = (np.arange(n_rows) + noise.rng.random(n_rows)) / n_rows * ends[-1]
        component = np.minimum(np.searchsorted(ends, points), self.n_components - 1)
        component = noise.rng.permutation(component)
        return self.units.draw(self.fields[component], noise)

    def context(self, rows):
        """Compute the log of the joint probability of rows and each component."""
        scores = np.dot(rows.astype(self.fields.dtype, copy=False), self.fields.T)
        scores += self._bias
        return scores

    def log_ratio(self, context, beta, other):
        """Compute by how much the start favours rows more at another beta.

        The part that is the number of components is left out, so that at beta 0 the
        start has no say.
        """
        context = context.astype(np.float64)
        after, before = (
            logsumexp(np.reshape(scale, (-1, 1)) * context, axis=1)
            for scale in (other, beta)
        )
        n_out = np.log(self.n_components) * np.subtract(other, beta)
        return after - before + n_out

    def field(self, context, beta, noise):
        """Draw components of rows at an inverse temperature; give what they add."""
        beta = np.reshape(np.asarray(beta, self.fields.dtype), (-1, 1))
        component = draw_levels(beta * context, noise)
        return beta * self.fields[component]


def fit_mixture(units, rows, n_components, rng, row_weights=None):
    """Fit a mixture of products to rows by k-means and expectation maximisation.

    Parameters
    ----------
    units : Units
        Of the rows.
    rows : ndarray of shape (n_rows, n_columns)
        What it is fitted to.
    n_components : int
        Most components; there are no more than distinct rows.
    rng : numpy.random.Generator
        Source of the first centres.
    row_weights : ndarray of shape (n_rows,), default=None
        What each row counts. None: one each.

    Returns
    -------
    mixture : Mixture
        Its components are smoothed towards the mean of all rows.
    """
    from sklearn.cluster import KMeans  # noqa: PLC0415  (a tenth of a second)

    rows, counts = distinct_rows(rows, row_weights)
    rows, counts = rows.astype(np.float32), counts.astype(np.float32)
    n_components = min(n_components, len(rows))
    clusters = KMeans(
        n_components, n_init=1, max_iter=10, random_state=int(rng.integers(2**31))
    ).fit(rows, sample_weight=counts)
    posterior = np.zeros((len(rows), n_components), np.float32)
    posterior[np.arange(len(rows)), clusters.labels_] = counts
    mean = (counts @ rows + units.free_mean()) / (counts.sum() + 1)
    for _ in range(_ITERATIONS):
        sizes = posterior.sum(axis=0)
        means = posterior.T @ rows + _PSEUDO_ROWS * mean
        means /= (sizes + _PSEUDO_ROWS)[:, np.newaxis]
        mixture = Mixture.of_means(units, sizes + _LEAST_SIZE, means)
        posterior = softmax(mixture.context(rows), axis=1) * counts[:, np.newaxis]
    return mixture


def kernel_mixture(units, rows, spread, weights):
    """Make a mixture of one component a row, whose columns are this likely redrawn."""
    means = (1 - spread) * rows + spread * units.free_mean()
    return Mixture.of_means(units, weights, means)
