"""Where the learning of wide noise starts: factor analysis, and of how many factors."""

__all__ = ["FactorAnalysis", "choose_n_factors", "fit_factors"]

from typing import NamedTuple

import numpy as np

from skebm.units.factors import FactorUnits

# Steps of a fit, which come within tenths of a nat of where they lead.
_N_STEPS = 30

# Axes that are followed beside those that are asked for, which come out sooner by it.
_N_BESIDE = 10

# Numbers of factors are tried from here on, each so many times the one before.
_FIRST = 8
_GROWTH = 1.5

# Share of the rows that are held out to choose by.
_HELD_OUT = 0.2


class FactorAnalysis(NamedTuple):
    """A normal distribution of mean 0 whose covariance is low rank plus a diagonal.

    Parameters
    ----------
    own : ndarray of shape (n_columns,)
        Variances of the own noise of columns.
    axes : ndarray of shape (n_columns, n_axes)
        Orthonormal, of columns divided by the deviations of their own noise.
    variances : ndarray of shape (n_axes,)
        Of such columns along the axes, falling; at least 1.
    """

    own: np.ndarray
    axes: np.ndarray
    variances: np.ndarray

    @classmethod
    def fit(cls, products, n_factors, ridge, rng, start=None):
        """Fit it by maximum likelihood.

        Axes of given own variances are found by subspace iteration, one step at a time,
        and these go on with what the factors leave of each column [1]_.

        Parameters
        ----------
        products : _Products
            Of rows of mean 0.
        n_factors : int
            Number of axes, at most that of columns.
        ridge : float
            Positive; what is added to the variance of every column.
        rng : numpy.random.Generator
            Source of axes where there is no start.
        start : FactorAnalysis, default=None
            Of fewer factors.

        References
        ----------
        .. [1] Joreskog, K. G. (1967). Some contributions to maximum likelihood factor
           analysis. Psychometrika 32(4), 443-482. :doi:`10.1007/BF02289658`
        """
        total = products.variances + ridge
        shape = len(total), min(n_factors + _N_BESIDE, len(total))
        axes, own = rng.standard_normal(shape), total
        if start is not None:
            axes[:, : start.axes.shape[1]], own = start.axes, start.own
        for _ in range(_N_STEPS):
            axes, _ = np.linalg.qr(axes)
            roots = np.sqrt(own)[:, np.newaxis]
            turned = products.times(axes / roots) / roots
            turned += axes * (ridge / roots**2)
            across = axes.T @ turned
            variances, turn = np.linalg.eigh((across + across.T) / 2)
            variances, turn = np.maximum(variances[::-1], 1), turn[:, ::-1]
            fitted = cls(
                own, (axes @ turn)[:, :n_factors], variances[:n_factors].copy()
            )
            own = np.maximum(total - fitted.shared(), ridge)
            axes = turned @ turn * (roots / np.sqrt(own)[:, np.newaxis])
        return fitted

    def shared(self):
        """Give the variance that columns have by the factors."""
        return self.own * (self.axes**2 @ (self.variances - 1))

    def scores(self, rows):
        """Give mean log-densities of rows by the first 0, 1, 2, ... of the factors."""
        white = rows / np.sqrt(self.own)
        squares = np.square(white).sum(axis=1).mean()
        constant = np.log(2 * np.pi * self.own).sum()
        along = np.square(white @ self.axes).mean(axis=0)
        gains = along * (1 - 1 / self.variances) - np.log(self.variances)
        return np.cumsum(np.append(-squares - constant, gains)) / 2

    def units(self):
        """Give the units that make it white."""
        sizes = np.sqrt(self.own) * np.sqrt(self.variances - 1)[:, np.newaxis]
        return FactorUnits.of_factors(self.own, self.axes.T * sizes)


class _Products:
    """What factor analysis asks of rows: variances of columns, and one product."""

    def __init__(self, rows):
        self._rows, self._moment = rows, None
        if rows.shape[1] <= len(rows):
            self._moment = rows.T @ rows / len(rows)

    @property
    def variances(self):
        """Of each column."""
        return np.square(self._rows).mean(axis=0)

    def times(self, axes):
        """Multiply columns by the second moments of the rows."""
        if self._moment is not None:
            return self._moment @ axes
        return self._rows.T @ (self._rows @ axes) / len(self._rows)


def fit_factors(rows, n_factors, ridge, rng):
    """Give units that make the noise of rows white, with so many factors."""
    return FactorAnalysis.fit(_Products(rows), n_factors, ridge, rng).units()


def choose_n_factors(rows, ridge, rng, *, or_full=False):
    """Choose the number of factors with which rows held out are likeliest.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns)
        Of mean 0.
    ridge : float
        Positive; what is added to the variance of every column.
    rng : numpy.random.Generator
        Says which rows are held out.
    or_full : bool, default=False
        Whether any covariance is a choice as well.

    Returns
    -------
    n_factors : int or None
        None where the rows held out are likelier by any covariance. 0 where rows are
        so few that none is held out.
    """
    learned, held_out = _split(rows, rng)
    if len(held_out) == 0:
        return 0
    most = min(rows.shape[1], len(learned)) // 2
    products, fitted, n_tried = _Products(learned), None, min(_FIRST, most)
    chosen, best = 0, -np.inf
    while True:
        fitted = FactorAnalysis.fit(products, n_tried, ridge, rng, fitted)
        scores = fitted.scores(held_out)
        n_wanted = int(scores.argmax())
        has_fallen = scores[n_wanted] < best
        if not has_fallen:
            chosen, best = n_wanted, scores[n_wanted]
        if has_fallen or n_wanted < n_tried or n_tried == most:
            break
        n_tried = min(int(_GROWTH * n_tried), most)
    if or_full and _normal_score(learned, held_out, ridge) > best:
        return None
    return chosen


def _split(rows, rng):
    """Hold out some rows, those that are equal together."""
    _, number = np.unique(rows, axis=0, return_inverse=True)
    n_distinct = number.max() + 1
    is_held_out = rng.permutation(n_distinct) < int(_HELD_OUT * n_distinct)
    is_held_out = is_held_out[number.ravel()]
    return rows[~is_held_out], rows[is_held_out]


def _normal_score(learned, held_out, ridge):
    """Give the mean log-density of rows by the covariance of others."""
    n_rows, n_columns = learned.shape
    if n_rows <= n_columns:
        return -np.inf  # in some directions they have none but the ridge
    covariance = learned.T @ learned / n_rows + ridge * np.eye(n_columns)
    root = np.linalg.cholesky(covariance)
    white = np.linalg.solve(root, held_out.T)
    squares = np.square(white).sum(axis=0).mean()
    return -(n_columns * np.log(2 * np.pi) + squares) / 2 - np.log(np.diag(root)).sum()
