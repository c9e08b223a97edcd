"""Where the learning of Gaussian RBMs starts: rare excursions in all directions."""

__all__ = ["start_parameters"]

import numpy as np
from scipy.special import logit

# Hidden units begin rarely on, so that they stand for the tails of the data. Units
# that are on half of the time make distributions flatter than the normal one, and
# where the data are peaked these are driven back to having no weights at all.
_RARELY_ON = 0.1

# Share of the variance, along their directions, that the hidden units begin with.
_EXPLAINED = 0.5


def start_parameters(whitening, n_hidden, rng, noise=None, covariance=None):
    """Give orthogonal random directions to hidden units, and then the opposite ones.

    The rows keep about the covariance that they have, if there are no more units
    than directions and their opposites: what hidden units explain of it is taken
    from the noise. Directions in which the rows hardly vary are left out, where a
    covariance says which. Of ten starts with two heavy-tailed sources and four
    units, all ten come to the best optimum, where directions that are drawn
    independently, or those of single rows, come to it in two of three or fewer.

    Parameters
    ----------
    whitening : DiagonalWhitening or TriangularWhitening
        Gives the data unit variance.
    n_hidden : int
        Number of hidden units.
    rng : numpy.random.Generator
        Source of the directions.
    noise : DiagonalWhitening, default=None
        The noise, if it is known.
    covariance : ndarray of shape (n_visible, n_visible), default=None
        That of the data, where `whitening` does not give them unit variance in all
        directions.

    Returns
    -------
    weights : ndarray of shape (n_hidden, n_visible)
        In units of the noise, as the biases are.
    visible_bias : ndarray of shape (n_visible,)
        With which means are zero.
    hidden_bias : ndarray of shape (n_hidden,)
        With which hidden units are rarely on.
    noise : DiagonalWhitening or TriangularWhitening
        What gives the noise unit variance.
    """
    variance = _RARELY_ON * (1 - _RARELY_ON)
    axes = np.eye(whitening.n_columns)
    if covariance is not None:
        axes = _wide_axes(whitening.apply(whitening.apply(covariance).T))
    weights = _directions(n_hidden, len(axes), rng) @ axes
    weights *= np.sqrt(_EXPLAINED / variance) / np.linalg.norm(weights, 2)
    if noise is None:
        noise = whitening.unexplained(variance * weights.T @ weights)
    weights = noise.apply(whitening.undo(weights))

    visible_bias = -_RARELY_ON * weights.sum(axis=0)
    couplings = weights @ weights.T
    own = np.diag(couplings)
    others = couplings.sum(axis=1) - own
    field = weights @ visible_bias + own / 2 + _RARELY_ON * others
    return weights, visible_bias, logit(_RARELY_ON) - field, noise


def _wide_axes(covariance):
    """List principal axes along which units can explain as much as they begin with."""
    values, vectors = np.linalg.eigh(covariance)
    return vectors[:, values >= min(_EXPLAINED, values[-1])].T


def _directions(n_hidden, n_visible, rng):
    """Draw orthogonal directions and their opposites, as many bases as it takes."""
    rows = np.empty((0, n_visible))
    while len(rows) < n_hidden:
        n_axes = min(n_visible, n_hidden - len(rows))
        axes, _ = np.linalg.qr(rng.standard_normal((n_visible, n_axes)))
        rows = np.concatenate([rows, axes.T, -axes.T])
    return rows[:n_hidden]
