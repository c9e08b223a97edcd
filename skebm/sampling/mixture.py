"""Mixtures of products: groups of rows, within which units are independent.

A mixture of products is a restricted machine with one categorical hidden unit, the
component. So its log Z is known and its draws are exact, also where rows form groups
that no chain travels between: what starts from it knows of all of them.
"""

__all__ = [
    "GROUPED_ROWS",
    "MOST_GROUPS",
    "Groups",
    "Mixture",
    "cluster",
    "fit_mixture",
    "kernel_mixture",
]

import warnings

import numpy as np
from scipy.special import logsumexp, softmax
from sklearn.exceptions import ConvergenceWarning

from skebm.units.categorical import draw_levels
from skebm.units.data import distinct_rows

# Of a table, or of what a machine draws, at most: groups that are looked for, and rows
# in which they are. More would say little more.
MOST_GROUPS = 50
GROUPED_ROWS = 2000

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
        highest = context.max(axis=1, keepdims=True)
        below = context - highest
        rise = np.log(_sums(below, other) / _sums(below, beta))
        step = np.subtract(other, beta, dtype=np.float64)
        return rise + (highest[:, 0] + np.log(self.n_components)) * step

    def field(self, context, beta, noise):
        """Draw components of rows at an inverse temperature; give what they add."""
        beta = np.reshape(np.asarray(beta, self.fields.dtype), (-1, 1))
        component = draw_levels(beta * context, noise)
        return beta * self.fields[component]


class Groups:
    """Groups of rows of data, and what mixture these make of rows that chains move.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_visible)
        Visible rows.
    n_groups : int
        Most groups.
    rng : numpy.random.Generator
        Source of the first centres.

    Attributes
    ----------
    rows : ndarray of shape (n_distinct, n_visible)
        The distinct ones.
    """

    def __init__(self, rows, n_groups, rng):
        self.rows, counts = distinct_rows(rows)
        self._shares = cluster(self.rows, counts, n_groups, rng)
        # The mixture where chains move visible rows: then it is always the same.
        self._of_visible = None

    def mixture(self, energy, noise):
        """Make a mixture of rows that chains move, one component a group.

        Hidden units among these are drawn given the rows of data.
        """
        rows = energy.complete(self.rows, noise)
        if rows is self.rows and self._of_visible is not None:
            return self._of_visible
        units = energy.marginal()[0].units
        mixture = _of_shares(units, rows.astype(np.float32), self._shares)
        if rows is self.rows:
            self._of_visible = mixture
        return mixture


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
    rows, counts = distinct_rows(rows, row_weights)
    shares, counts = cluster(rows, counts, n_components, rng), counts[:, np.newaxis]
    rows = rows.astype(np.float32)
    mixture = _of_shares(units, rows, shares)
    for _ in range(_ITERATIONS - 1):
        shares = softmax(mixture.context(rows), axis=1) * counts
        mixture = _of_shares(units, rows, shares.astype(np.float32))
    return mixture


def _sums(scores, beta):
    """Sum exp(beta * score) over components, adding up in float64."""
    if np.ndim(beta) == 0 and beta == 0:
        return float(scores.shape[1])
    beta = np.reshape(np.asarray(beta, scores.dtype), (-1, 1))
    return np.exp(beta * scores).sum(axis=1, dtype=np.float64)


def cluster(rows, counts, n_groups, rng):
    """Group distinct rows by k-means; give what each counts in each group."""
    from sklearn.cluster import KMeans  # noqa: PLC0415  (a tenth of a second)

    n_groups = min(n_groups, len(rows))
    means = KMeans(
        n_groups, n_init=1, max_iter=10, random_state=int(rng.integers(2**31))
    )
    with warnings.catch_warnings():
        # Rows that differ may be alike in float32, so that there are fewer groups.
        warnings.simplefilter("ignore", ConvergenceWarning)
        clusters = means.fit(rows.astype(np.float32), sample_weight=counts)
    shares = np.zeros((len(rows), n_groups), np.float32)
    shares[np.arange(len(rows)), clusters.labels_] = counts
    return shares


def _of_shares(units, rows, shares):
    """Make a mixture of what each row counts in each component."""
    sizes = shares.sum(axis=0)
    mean = (shares.sum(axis=1) @ rows + units.free_mean()) / (sizes.sum() + 1)
    means = shares.T @ rows + _PSEUDO_ROWS * mean
    means /= (sizes + _PSEUDO_ROWS)[:, np.newaxis]
    return Mixture.of_means(units, sizes + _LEAST_SIZE, means)


def kernel_mixture(units, rows, spread, weights):
    """Make a mixture of one component a row, whose columns are this likely redrawn."""
    means = (1 - spread) * rows + spread * units.free_mean()
    return Mixture.of_means(units, weights, means)
