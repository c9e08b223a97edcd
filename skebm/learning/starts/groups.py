"""Where the learning of groups starts: normal distributions, each of several scales."""

__all__ = ["GroupMixture", "fit_groups"]

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp, softmax

from skebm.sampling.mixture import cluster

# Steps of EM, which come within hundredths of a nat of where many lead; and of each of
# the partitions that it begins from, the best of which goes on.
_ITERATIONS = 60
_FIRST_ITERATIONS = 10

_LEAST_RISE = 1e-4

# Pseudo-rows of each scale of each group, so that none is lost.
_PSEUDO_ROWS = 1.0

# Rows for each column of which the covariance of a group is, where it is of rows at
# random.
_ROWS_A_COLUMN = 3

# Share of a row that keeps groups without rows where all rows are.
_LEAST_ROWS = 1e-6


class GroupMixture(NamedTuple):
    """Normal distributions, each of one mean, and of one covariance times a few scales.

    Parameters
    ----------
    log_scales, log_weights : ndarray of shape (n_groups, n_scales)
        Rising, with a mean scale of 1 in each group; logarithms of the shares.
    centres : ndarray of shape (n_groups, n_columns)
        The means.
    covariances : ndarray of shape (n_groups, n_columns, n_columns)
        At scale 1.
    common : ndarray of shape (n_columns, n_columns)
        The covariance of all groups, if they had one but for a factor of each.
    factors : ndarray of shape (n_groups,)
        By which groups are wider than that.
    """

    log_scales: np.ndarray
    log_weights: np.ndarray
    centres: np.ndarray
    covariances: np.ndarray
    common: np.ndarray
    factors: np.ndarray

    def white(self, rows, rng):
        """Give rows in units of the deviations of their group and scale, drawn."""
        law = softmax(_joint(self, _squares(self, rows, 0.0)), axis=1)
        points = rng.random((len(rows), 1))
        image = (law.cumsum(axis=1)[:, :-1] < points).sum(axis=1)
        group, white = image // self.log_scales.shape[1], np.empty_like(rows)
        for number, centre in enumerate(self.centres):
            own = group == number
            white[own] = _whitened(rows[own] - centre, self.covariances[number])
        return white / np.exp(self.log_scales.ravel()[image, np.newaxis] / 2)

    def scores(self, rows, ridge=0.0):
        """Give the log-density of each row, less what a ridge costs."""
        return logsumexp(_joint(self, _squares(self, rows, ridge)), axis=1)


def fit_groups(
    rows,
    n_groups,
    n_scales,
    *,
    ridge,
    restricted,
    rng,
    pseudo_rows=0.0,
    least_rise=_LEAST_RISE,
    start=None,
):
    """Fit a mixture of normal distributions of several scales to rows by EM [1]_.

    With pseudo-rows it is the posterior that EM climbs [2]_. Covariances of groups are
    as in a mixture of one shape, but for a factor of each group [3]_, where rows do not
    say otherwise. That shape is of the rows as well, and moves with the groups.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns)
        Float64.
    n_groups, n_scales : int
        Number of groups, and of scales of each.
    ridge : float
        Positive; added to the variance of every column of the rows, in the way of
        `energy.group_learning`, so that scales and covariances stay positive.
    restricted : callable
        Of a covariance, gives the nearest of the kind that is wanted.
    rng : numpy.random.Generator
        Source of the partitions from which groups begin.
    pseudo_rows : float, default=0.0
        How many rows say that the covariance of a group has the common shape.
    least_rise : float, default=1e-4
        Nats, below which a step of EM is the last.
    start : GroupMixture, default=None
        Where EM begins instead of in partitions.

    Returns
    -------
    mixture : GroupMixture
        Of these rows.

    References
    ----------
    .. [1] Andrews, D. F. and Mallows, C. L. (1974). Scale mixtures of normal
       distributions. Journal of the Royal Statistical Society B 36(1), 99-102.
    .. [2] Fraley, C. and Raftery, A. E. (2007). Bayesian regularization for normal
       mixture estimation and model-based clustering. Journal of Classification 24(2),
       155-181. :doi:`10.1007/s00357-007-0004-5`
    .. [3] Banfield, J. D. and Raftery, A. E. (1993). Model-based Gaussian and
       non-Gaussian clustering. Biometrics 49(3), 803-821. :doi:`10.2307/2532201`
    """
    given = {"ridge": ridge, "restricted": restricted}
    starts = [start]
    if start is None:
        starts = [
            _of_partition(law, rows, n_scales, **given)
            for law in _partitions(rows, n_groups, n_scales, rng)
        ]
    given["pseudo_rows"] = pseudo_rows
    if len(starts) > 1:
        starts = [
            _improved(start, rows, _FIRST_ITERATIONS, least_rise, **given)
            for start in starts
        ]
        starts.sort(key=lambda start: start.scores(rows, ridge).mean())
    mixture = _improved(starts[-1], rows, _ITERATIONS, least_rise, **given)
    scales, weights = np.exp(mixture.log_scales), np.exp(mixture.log_weights)
    means = (weights * scales).sum(axis=1) / weights.sum(axis=1)
    order = np.argsort(scales, axis=1)
    log_scales = mixture.log_scales - np.log(means)[:, np.newaxis]
    return GroupMixture(
        np.take_along_axis(log_scales, order, axis=1),
        np.take_along_axis(mixture.log_weights, order, axis=1),
        mixture.centres,
        mixture.covariances * means[:, np.newaxis, np.newaxis],
        mixture.common,
        mixture.factors * means,
    )


def _partitions(rows, n_groups, n_scales, rng):
    """List partitions to begin from, (n_rows, n_groups): of places, and of shapes."""
    if n_groups == 1:
        return [np.ones((len(rows), 1))]
    tables = [rows]
    if n_scales > 1:
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        tables.append(rows / np.where(lengths > 0, lengths, 1))
    laws = []
    for table in tables:
        law = np.zeros((len(rows), n_groups))
        found = cluster(table, np.ones(len(rows)), n_groups, rng)
        law[:, : found.shape[1]] = found
        laws.append(law)
    # A few rows at random for each group, whose covariances differ by chance: groups of
    # one place, but not of one shape, are found from here.
    few = min(len(rows) // n_groups, _ROWS_A_COLUMN * rows.shape[1])
    chosen = rng.permutation(len(rows))[: n_groups * few]
    law = np.zeros((len(rows), n_groups))
    law[chosen, np.arange(len(chosen)) % n_groups] = 1
    return [*laws, law]


def _of_partition(law, rows, n_scales, *, ridge, restricted):
    """Make a mixture of groups, in which each scale has as many rows as another."""
    n_rows, n_columns = rows.shape
    mean = rows.mean(axis=0)
    sizes = law.sum(axis=0)
    centres = (law.T @ rows + _LEAST_ROWS * mean) / (sizes + _LEAST_ROWS)[:, np.newaxis]
    whole = np.cov(rows.T, bias=True).reshape(n_columns, n_columns)
    added = ridge * np.eye(n_columns)
    # Groups of few rows would not let others in if they were as narrow as these are.
    pseudo = n_columns if len(sizes) > 1 else 0.0
    covariances = []
    for own, centre in zip(law.T, centres, strict=True):
        deviations = rows - centre
        covariance = (own * deviations.T) @ deviations + pseudo * whole
        covariance /= own.sum() + pseudo
        covariances.append(restricted(covariance + added))
    log_weights = np.log((sizes + _PSEUDO_ROWS) / (n_rows + len(sizes) * _PSEUDO_ROWS))
    log_weights = np.tile(log_weights - np.log(n_scales), (n_scales, 1)).T
    zeros = np.zeros_like(log_weights)
    covariances = np.array(covariances)
    common = np.einsum("g,gij->ij", sizes / sizes.sum(), covariances)
    mixture = GroupMixture(
        zeros, log_weights, centres, covariances, common, np.ones(len(sizes))
    )
    if n_scales == 1:
        return mixture
    squares = _squares(mixture, rows, ridge)
    own = squares.min(axis=0) / n_columns
    # Not below the ridge alone, and no two alike.
    places = (np.arange(n_scales) + 0.5) / n_scales
    scales = np.quantile(own, places) * np.geomspace(0.9, 1.1, n_scales)
    return mixture._replace(log_scales=np.tile(np.log(scales), (len(sizes), 1)))


def _improved(
    mixture, rows, n_iterations, least_rise, *, ridge, restricted, pseudo_rows
):
    """Take steps of EM."""
    n_rows, n_columns = rows.shape
    n_groups, n_scales = mixture.log_scales.shape
    mean, before = rows.mean(axis=0), -np.inf
    whole = np.diag(rows.var(axis=0) + ridge)
    squares = _squares(mixture, rows, ridge)
    for _ in range(n_iterations):
        joint = _joint(mixture, squares)
        score = logsumexp(joint, axis=1).mean()
        # The likelihood alone can fall where covariances become more alike.
        rise = score - before
        if (abs(rise) if pseudo_rows else rise) < least_rise:
            break
        before = score
        law = softmax(joint, axis=1).reshape(n_rows, n_groups, n_scales)
        centres, scatters, sizes = np.empty((n_groups, n_columns)), [], []
        for number, log_scales in enumerate(mixture.log_scales):
            own = law[:, number]
            precisions, size = own @ np.exp(-log_scales), own.sum() + _LEAST_ROWS
            centre = precisions @ rows + _LEAST_ROWS * mean
            centres[number] = centre / (precisions.sum() + _LEAST_ROWS)
            deviations = rows - centres[number]
            scatter = (precisions * deviations.T) @ deviations + _LEAST_ROWS * whole
            added = precisions @ _ridges(deviations, ridge, n_scales)
            scatters.append(restricted(scatter + added * np.eye(n_columns)))
            sizes.append(size)
        mixture = _alike(
            mixture._replace(centres=centres), scatters, sizes, pseudo_rows
        )
        squares = _squares(mixture, rows, ridge)
        if n_scales > 1:
            joint = _joint(mixture, squares)
            law = softmax(joint, axis=1).reshape(n_rows, n_groups, n_scales)
        counts, scales = law.sum(axis=0), np.exp(mixture.log_scales)
        if n_scales > 1:
            spread = np.einsum("ngs,gn->gs", law, squares)
            spread += _PSEUDO_ROWS * n_columns * scales
            scales = spread / (n_columns * (counts + _PSEUDO_ROWS))
        weights = (counts + _PSEUDO_ROWS) / (n_rows + counts.size * _PSEUDO_ROWS)
        mixture = mixture._replace(
            log_scales=np.log(scales), log_weights=np.log(weights)
        )
    return mixture


def _alike(mixture, scatters, sizes, pseudo_rows):
    """Give the mixture with covariances of rows, and of pseudo-rows.

    Those of a group have the common covariance, times a factor under which rows of the
    group would be as far from its centre as they are. A pseudo-row says that it is 1.
    """
    scatters, n_columns = np.array(scatters), len(mixture.common)
    sizes = np.array(sizes)
    if pseudo_rows == 0:
        covariances = scatters / sizes[:, np.newaxis, np.newaxis]
        return mixture._replace(covariances=covariances)
    lengths = np.einsum("ij,gji->g", np.linalg.inv(mixture.common), scatters)
    factors = (lengths / n_columns + _PSEUDO_ROWS) / (sizes + _PSEUDO_ROWS)
    common = np.einsum("gij,g->ij", scatters, 1 / factors) / sizes.sum()
    pseudo = pseudo_rows * factors[:, np.newaxis, np.newaxis] * common
    covariances = (scatters + pseudo) / (sizes + pseudo_rows)[:, np.newaxis, np.newaxis]
    return mixture._replace(covariances=covariances, common=common, factors=factors)


def _ridges(deviations, ridge, n_scales):
    """Give what is added to the variance of columns; see `GroupLearning.ridges`."""
    if n_scales == 1:
        return np.full(len(deviations), ridge)
    squares = np.einsum("ij,ij->i", deviations, deviations)
    return ridge * (squares / deviations.shape[1] + ridge)


def _whitened(deviations, covariance):
    return np.linalg.solve(np.linalg.cholesky(covariance), deviations.T).T


def _squares(mixture, rows, ridge):
    """Give squared distances in units of covariances, with what a ridge adds to them.

    Shape (n_groups, n_rows).
    """
    squares, n_scales = [], mixture.log_scales.shape[1]
    laws = zip(mixture.centres, mixture.covariances, strict=True)
    for centre, covariance in laws:
        deviations = rows - centre
        white = _whitened(deviations, covariance)
        own = np.einsum("ij,ij->i", white, white)
        if ridge > 0:
            trace = np.trace(np.linalg.inv(covariance))
            own += trace * _ridges(deviations, ridge, n_scales)
        squares.append(own)
    return np.array(squares)


def _joint(mixture, squares):
    """Give log-densities of rows with each group and scale, (n_rows, n_images)."""
    log_scales, n_columns = mixture.log_scales, len(mixture.common)
    volumes = np.linalg.slogdet(2 * np.pi * mixture.covariances)[1][:, np.newaxis]
    own = mixture.log_weights - n_columns / 2 * log_scales - volumes / 2
    scores = own - squares.T[:, :, np.newaxis] / (2 * np.exp(log_scales))
    return scores.reshape(squares.shape[1], -1)
