"""Energies of data, of samples and of noise."""

__all__ = ["EnergyHistogramDisplay"]

import warnings
from numbers import Integral

import numpy as np
from scipy import sparse
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import indexable, resample
from sklearn.utils.validation import check_is_fitted

from skebm.displays.drawing import BLUE, GREY, RED, axes_for, require_matplotlib
from skebm.estimator.validation import (
    Interval,
    StrOptions,
    make_generator,
    validate_params,
)

_QUANTITIES = {
    "free_energy": "free energy (nats)",
    "score_samples": "log-likelihood (nats)",
}


class EnergyHistogramDisplay:
    """How energies are spread over data, rows that the model draws, and noise.

    A model that fits gives its own rows the energies of the data, and noise higher
    ones. Noise is the data with each column in an order of its own: the same values,
    and nothing that ties them together. `from_estimator` makes such a display.

    Parameters
    ----------
    data : ndarray of shape (n_data,)
        Energies of data.
    samples : ndarray of shape (n_samples,)
        Energies of rows drawn from the model.
    noise : ndarray of shape (n_noise,)
        Energies of rows without structure.
    quantity : str, default="free energy (nats)"
        What they are.

    Attributes
    ----------
    histograms_ : dict of str to matplotlib StepPatch
        The histograms of "data", "samples" and "noise".
    ax_ : matplotlib Axes
        Axes drawn on.
    figure_ : matplotlib Figure
        Figure of these.

    See Also
    --------
    skebm.EnergyOutlierDetector : Finds rows of high energy.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skebm import BinaryRBM
    >>> from skebm.displays import EnergyHistogramDisplay
    >>> X = load_digits().data > 7
    >>> rbm = BinaryRBM(16, random_state=0).fit(X)
    >>> display = EnergyHistogramDisplay.from_estimator(rbm, X, random_state=0)
    >>> bool(display.data.mean() < display.noise.mean())
    True
    """

    def __init__(self, *, data, samples, noise, quantity="free energy (nats)"):
        self.data = data
        self.samples = samples
        self.noise = noise
        self.quantity = quantity

    @classmethod
    @validate_params(
        {
            "n_samples": [Interval(Integral, 1, None, closed="left")],
            "samples": ["array-like", None],
            "response_method": [StrOptions(set(_QUANTITIES))],
            "random_state": ["random_state"],
        },
        prefer_skip_nested_validation=True,
    )
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        n_samples=500,
        samples=None,
        response_method="free_energy",
        random_state=None,
        ax=None,
        **kwargs,
    ):
        """Show energies under a fitted model.

        Parameters
        ----------
        estimator : BinaryRBM, GaussianRBM, BoltzmannMachine or LatentBM
            Fitted.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data, best of all held out.
        n_samples : int, default=500
            Rows of each kind: at most so many of `X`, chosen at random, and of noise,
            and as many drawn from the model.
        samples : array-like of shape (n_rows, n_features), default=None
            Rows drawn from the model before. None draws them by `sample`.
        response_method : {"free_energy", "score_samples"}, default="free_energy"
            Free energies, or log-likelihoods, which need log Z. That shifts all alike.
        random_state : int, RandomState instance or None, default=None
            Determines the rows. Pass an int for the same ones at each call.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        **kwargs : dict
            Passed on to `plot`, such as `bins`.

        Returns
        -------
        display : EnergyHistogramDisplay
            What was drawn.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If `X` is not a numeric table of the width seen in `fit`, finite where it is
            not missing.

        Examples
        --------
        >>> from skebm import BinaryRBM
        >>> from skebm.datasets import make_bars_and_stripes
        >>> from skebm.displays import EnergyHistogramDisplay
        >>> X = make_bars_and_stripes().data
        >>> rbm = BinaryRBM(16, algorithm="exact", random_state=0).fit(X)
        >>> display = EnergyHistogramDisplay.from_estimator(
        ...     rbm, X, response_method="score_samples", random_state=0
        ... )
        >>> display.ax_.get_xlabel()
        'log-likelihood (nats)'
        """
        require_matplotlib("EnergyHistogramDisplay.from_estimator")
        check_is_fitted(estimator)
        rng = make_generator(random_state)
        response = getattr(estimator, response_method)
        [X] = indexable(X)
        n_data = min(n_samples, np.shape(X)[0])
        rows = resample(X, replace=False, n_samples=n_data, random_state=_seed(rng))
        data = response(rows)
        noise = rows.toarray() if sparse.issparse(rows) else np.array(rows)
        noise = rng.permuted(noise, axis=0)
        if samples is None:
            samples = estimator.sample(n_samples, random_state=_seed(rng))
        with warnings.catch_warnings():
            # Of these rows the user has not to be told what was said of the data.
            warnings.simplefilter("ignore", DataConversionWarning)
            warnings.filterwarnings("ignore", "X does not have valid feature names")
            samples, noise = response(samples), response(noise)
        quantity = _QUANTITIES[response_method]
        display = cls(data=data, samples=samples, noise=noise, quantity=quantity)
        return display.plot(ax, **kwargs)

    def plot(self, ax=None, *, bins=40, **kwargs):
        """Draw the histograms.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        bins : int, str or array-like, default=40
            Bins of all three, as for `numpy.histogram_bin_edges`.
        **kwargs : dict
            Passed on to `stairs` of the axes for all three, such as `linewidth`.

        Returns
        -------
        display : EnergyHistogramDisplay
            This one.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> import numpy as np
        >>> from skebm.displays import EnergyHistogramDisplay
        >>> display = EnergyHistogramDisplay(
        ...     data=np.array([1.0, 2.0]),
        ...     samples=np.array([1.0, 1.5]),
        ...     noise=np.array([4.0, 5.0]),
        ... )
        >>> sorted(display.plot(bins=4).histograms_)
        ['data', 'noise', 'samples']
        """
        ax = axes_for(self, ax)
        values = {"data": self.data, "samples": self.samples, "noise": self.noise}
        styles = {
            "data": {"color": BLUE, "fill": True, "alpha": 0.4},
            "samples": {"color": RED, "linewidth": 2},
            "noise": {"color": GREY, "linewidth": 2, "linestyle": "--"},
        }
        edges = np.histogram_bin_edges(np.concatenate(list(values.values())), bins)
        self.histograms_ = {}
        for name, style in styles.items():
            density, _ = np.histogram(values[name], edges, density=True)
            settings = {"label": name, **style, **kwargs}
            self.histograms_[name] = ax.stairs(density, edges, **settings)
        ax.set(xlabel=self.quantity, ylabel="share of rows per nat")
        ax.legend()
        return self


def _seed(rng):
    return int(rng.integers(2**32))
