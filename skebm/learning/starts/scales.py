"""Where the learning of scales starts: one covariance, and rows stretched by scales."""

__all__ = ["ScaleMixture", "fit_scales"]

from typing import NamedTuple

import numpy as np
from scipy.special import softmax

# Steps of EM, which come within hundredths of a nat of where many lead.
_ITERATIONS = 40

# Pseudo-rows of each scale, so that none is lost.
_PSEUDO_ROWS = 1.0


class ScaleMixture(NamedTuple):
    """Normal distributions of one mean, and of one covariance times a few scales.

    Parameters
    ----------
    log_scales, log_weights : ndarray of shape (n_scales,)
        Rising, with a mean scale of 1; logarithms of the shares.
    centre : ndarray of shape (n_columns,)
        The mean.
    covariance : ndarray of shape (n_columns, n_columns)
        At scale 1.
    law : ndarray of shape (n_rows, n_scales)
        Probabilities of the scales given each row.
    """

    log_scales: np.ndarray
    log_weights: np.ndarray
    centre: np.ndarray
    covariance: np.ndarray
    law: np.ndarray

    def unscaled(self, rows, rng):
        """Give the rows of the fit at scale 1, theirs drawn given each."""
        points = rng.random((len(rows), 1))
        scale = (self.law.cumsum(axis=1)[:, :-1] < points).sum(axis=1)
        return (rows - self.centre) / np.exp(self.log_scales[scale, np.newaxis] / 2)


def fit_scales(rows, n_scales, ridge, restricted):
    """Fit a scale mixture of normal distributions to rows by EM [1]_.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns)
        Float64.
    n_scales : int
        Number of scales.
    ridge : float
        Positive; added to the variance of every column of the rows, so that scales and
        covariance stay positive.
    restricted : callable
        Of a covariance, gives the nearest of the kind that is wanted.

    Returns
    -------
    mixture : ScaleMixture
        Of these rows.

    References
    ----------
    .. [1] Andrews, D. F. and Mallows, C. L. (1974). Scale mixtures of normal
       distributions. Journal of the Royal Statistical Society B 36(1), 99-102.
    """
    n_rows, n_columns = rows.shape
    centre = rows.mean(axis=0)
    added = ridge * np.eye(n_columns)
    covariance = restricted(np.cov(rows.T, bias=True).reshape(added.shape) + added)
    squares, cost = _squares(rows - centre, covariance, ridge)
    places = (np.arange(n_scales) + 0.5) / n_scales
    # Not below the ridge alone, and no two alike.
    scales = np.quantile((squares + cost) / n_columns, places)
    scales *= np.geomspace(0.9, 1.1, n_scales)
    log_weights = np.full(n_scales, -np.log(n_scales))
    for _ in range(_ITERATIONS):
        law = _law(squares + cost, scales, log_weights, n_columns)
        precisions = law @ (1 / scales)
        centre = precisions @ rows / precisions.sum()
        deviations = rows - centre
        covariance = (precisions * deviations.T) @ deviations
        covariance += precisions.sum() * added
        covariance = restricted(covariance / n_rows)
        squares, cost = _squares(deviations, covariance, ridge)
        law = _law(squares + cost, scales, log_weights, n_columns)
        counts = law.sum(axis=0)
        spread = law.T @ (squares + cost) + _PSEUDO_ROWS * n_columns * scales
        scales = spread / (n_columns * (counts + _PSEUDO_ROWS))
        weights = (counts + _PSEUDO_ROWS) / (n_rows + n_scales * _PSEUDO_ROWS)
        log_weights = np.log(weights)
    mean = weights @ scales
    order = np.argsort(scales)
    law = _law(squares + cost, scales, log_weights, n_columns)
    return ScaleMixture(
        np.log(scales / mean)[order],
        log_weights[order],
        centre,
        covariance * mean,
        law[:, order],
    )


def _squares(deviations, covariance, ridge):
    """Compute squared distances in units of a covariance, and what the ridge adds."""
    inverse = np.linalg.inv(covariance)
    squares = np.einsum("ij,ij->i", deviations @ inverse, deviations)
    return np.maximum(squares, 0), ridge * np.trace(inverse)


def _law(squares, scales, log_weights, n_columns):
    """Give the probabilities of scales given each row."""
    score = log_weights - n_columns / 2 * np.log(scales)
    return softmax(score - squares[:, np.newaxis] / (2 * scales), axis=1)
