"""Independent sources with heavy tails, mixed linearly."""

__all__ = ["make_laplace_sources"]

from numbers import Integral

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils.validation import check_array

from skebm.estimator.validation import (
    Interval,
    make_generator,
    validate_params,
)

_MIXING = ((1.0, 0.5), (0.3, 1.0))


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "mixing": ["array-like"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_laplace_sources(n_samples=100, *, mixing=_MIXING, random_state=None):
    """Draw mixtures of independent Laplace variables, one a feature.

    Of a normal distribution only the covariance could be found. The heavy tails show
    the directions of the sources too, which makes this the toy data of Gaussian RBMs
    and of independent component analysis [1]_.

    Parameters
    ----------
    n_samples : int, default=100
        Number of rows, drawn independently.
    mixing : array-like of shape (n_features, n_features), \
            default=((1, 0.5), (0.3, 1))
        What each source, a row, adds to the features. It must be invertible. The
        sources have mean 0, scale 1 and variance 2.
    random_state : int, RandomState instance or None, default=None
        Determines the rows. Pass an int for the same rows at each call.

    Returns
    -------
    dataset : Bunch
        With the attributes

        data : ndarray of shape (n_samples, n_features)
            The sources times `mixing`.
        sources : ndarray of shape (n_samples, n_features)
            The sources.
        log_likelihood : ndarray of shape (n_samples,)
            True log-density of each row, in nats.
        entropy : float
            Differential entropy of a row, in nats.

    Raises
    ------
    ValueError
        If `mixing` is not a finite square matrix that can be inverted.

    See Also
    --------
    skebm.GaussianRBM : A model of their density.
    sklearn.decomposition.FastICA : Finds the sources.

    Notes
    -----
    A source has the entropy 1 + log(2), and the mixing adds the logarithm of its
    absolute determinant.

    References
    ----------
    .. [1] Melchior, J., Wang, N. and Wiskott, L. (2017). Gaussian-binary restricted
       Boltzmann machines for modeling natural image statistics. PLoS ONE 12(2),
       e0171015. :doi:`10.1371/journal.pone.0171015`

    Examples
    --------
    >>> from skebm import GaussianRBM
    >>> from skebm.datasets import make_laplace_sources
    >>> dataset = make_laplace_sources(2000, random_state=0)
    >>> round(dataset.entropy, 4)
    3.2238
    >>> rbm = GaussianRBM(4, random_state=0).fit(dataset.data)
    >>> bool(rbm.score(dataset.data) < dataset.log_likelihood.mean())
    True
    """
    mixing = check_array(mixing, dtype=np.float64, input_name="mixing")
    if mixing.shape[0] != mixing.shape[1]:
        raise ValueError(
            f"mixing has shape {mixing.shape}, but needs as many sources, its rows, as "
            "features, its columns."
        )
    if np.linalg.matrix_rank(mixing) < len(mixing):
        raise ValueError(
            "mixing cannot be inverted, so that its mixtures have no density. Pass a "
            "matrix of full rank."
        )
    volume = np.linalg.slogdet(mixing).logabsdet
    sources = make_generator(random_state).laplace(size=(n_samples, len(mixing)))
    return Bunch(
        data=sources @ mixing,
        sources=sources,
        log_likelihood=-np.abs(sources).sum(axis=1) - len(mixing) * np.log(2) - volume,
        entropy=float(len(mixing) * (1 + np.log(2)) + volume),
    )
