"""Weights of hidden units as images."""

__all__ = ["WeightsDisplay"]

from math import isqrt, prod
from numbers import Integral

import numpy as np
from sklearn.utils.validation import check_array

from skebm.displays.drawing import (
    axes_for,
    fitted_attribute,
    require_matplotlib,
    signed_image,
)
from skebm.estimator.validation import Interval, validate_params

# Width by height of the space beside the scale of a new figure.
_ASPECT = 1.2


class WeightsDisplay:
    """Weights of hidden units, each an image of the features.

    What a hidden unit says to the features, and they to it. All images share one scale
    of colours, symmetric about a white zero. `from_estimator` makes such a display.

    Parameters
    ----------
    weights : array-like of shape (n_units, n_features)
        Weights of the units to show, the first at the top left, the next to its right.
    image_shape : tuple of (int, int), default=None
        Height and width of the images. None takes them to be square.
    units : ndarray of shape (n_units,), default=None
        Numbers of the units in their model. None numbers them as they come.
    label : str, default="weight (nats)"
        What colours stand for.

    Attributes
    ----------
    image_ : matplotlib AxesImage
        All images, side by side.
    colorbar_ : matplotlib Colorbar or None
        Scale of the colours.
    ax_ : matplotlib Axes
        Axes drawn on.
    figure_ : matplotlib Figure
        Figure of these.

    Raises
    ------
    ValueError
        If the images have not as many pixels as there are features.

    See Also
    --------
    CouplingsDisplay : Couplings of a Boltzmann machine as a matrix.
    skebm.BinaryRBM, skebm.GaussianRBM : Models with hidden units.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skebm import BinaryRBM
    >>> from skebm.displays import WeightsDisplay
    >>> X = load_digits().data > 7
    >>> rbm = BinaryRBM(16, max_iter=100, random_state=0).fit(X)
    >>> display = WeightsDisplay.from_estimator(rbm, units=4)
    >>> display.weights.shape
    (4, 64)
    """

    def __init__(self, *, weights, image_shape=None, units=None, label="weight (nats)"):
        weights = check_array(weights, input_name="weights")
        n_units, n_features = weights.shape
        if image_shape is None:
            image_shape = (isqrt(n_features),) * 2
        n_pixels = prod(image_shape)
        if n_pixels != n_features:
            raise ValueError(
                f"Images of shape {tuple(image_shape)} have {n_pixels} pixels, and "
                f"there are {n_features} features. Pass image_shape, the height and "
                "width of the images."
            )
        self.weights = weights
        self.image_shape = image_shape
        self.units = np.arange(n_units) if units is None else units
        self.label = label

    @classmethod
    @validate_params(
        {
            "units": [Interval(Integral, 1, None, closed="left"), "array-like", None],
            "image_shape": [tuple, None],
        },
        prefer_skip_nested_validation=True,
    )
    def from_estimator(
        cls,
        estimator,
        *,
        image_shape=None,
        units=None,
        ax=None,
        colorbar=True,
        **kwargs,
    ):
        """Show the weights of a fitted machine with hidden units.

        Parameters
        ----------
        estimator : BinaryRBM, GaussianRBM or LatentBM
            Fitted. Whatever has `components_` will do.
        image_shape : tuple of (int, int), default=None
            Height and width of the images. None takes them to be square.
        units : int, array-like of int or None, default=None
            Which hidden units: the numbers of some, or how many, which are those with
            the largest sums of squared weights, largest first. None is all, as they
            are numbered.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        colorbar : bool, default=True
            Whether to draw the scale of the colours.
        **kwargs : dict
            Passed on to `imshow`, such as `cmap`, or `vmax`, the end of the scale.

        Returns
        -------
        display : WeightsDisplay
            What was drawn.

        Raises
        ------
        ValueError
            If the images have not as many pixels as there are features, or there is no
            such hidden unit.
        AttributeError
            If the estimator has no hidden units.

        Examples
        --------
        >>> from skebm import BinaryRBM
        >>> from skebm.displays import WeightsDisplay
        >>> rbm = BinaryRBM.from_parameters(
        ...     [[1, -1, 0, 2], [3, 0, 0, 1]], [0, 0, 0, 0], [0, 0]
        ... )
        >>> WeightsDisplay.from_estimator(rbm, units=1).units  # the larger weights
        array([1])
        """
        require_matplotlib("WeightsDisplay.from_estimator")
        weights = fitted_attribute(
            estimator, "components_", "the weights of hidden units."
        )
        chosen = _chosen_units(weights, units)
        # Of Gaussian machines they move the mean of the features.
        is_mean = hasattr(estimator, "noise_variance_")
        display = cls(
            weights=weights[chosen],
            image_shape=image_shape,
            units=chosen,
            label="shift of the mean" if is_mean else "weight (nats)",
        )
        return display.plot(ax, colorbar=colorbar, **kwargs)

    def plot(self, ax=None, *, colorbar=True, **kwargs):
        """Draw the images.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        colorbar : bool, default=True
            Whether to draw the scale of the colours.
        **kwargs : dict
            Passed on to `imshow`, such as `cmap`, or `vmax`, the end of the scale.

        Returns
        -------
        display : WeightsDisplay
            This one.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> import numpy as np
        >>> from skebm.displays import WeightsDisplay
        >>> display = WeightsDisplay(weights=np.eye(4)).plot()
        >>> display.ax_.get_xticks().size
        0
        """
        ax = axes_for(self, ax)
        self.image_, self.colorbar_ = signed_image(
            ax, self._mosaic(), label=self.label, colorbar=colorbar, **kwargs
        )
        ax.set(xticks=[], yticks=[], facecolor="0.4")
        ax.spines[:].set_visible(False)
        return self

    def _mosaic(self):
        """Lay the images out in rows, NaN between them."""
        n_units, (height, width) = len(self.weights), self.image_shape
        n_columns = np.arange(1, n_units + 1)
        n_rows = -(-n_units // n_columns)
        # By which images come out largest, and fewest places stay empty.
        fit = np.minimum(_ASPECT / (n_columns * width), 1 / (n_rows * height)).argmax()
        n_columns, n_rows = n_columns[fit], n_rows[fit]
        tiles = np.full((n_rows * n_columns, height + 1, width + 1), np.nan)
        tiles[:n_units, :-1, :-1] = np.reshape(self.weights, (-1, height, width))
        tiles = tiles.reshape(n_rows, n_columns, height + 1, width + 1)
        mosaic = tiles.transpose(0, 2, 1, 3).reshape(n_rows * (height + 1), -1)
        return mosaic[:-1, :-1]


def _chosen_units(weights, units):
    """Give the numbers of the hidden units to show."""
    n_units = len(weights)
    if units is None:
        return np.arange(n_units)
    if np.ndim(units) > 0:
        units = np.asarray(units)
        if units.dtype.kind not in "iu" or units.min() < 0 or units.max() >= n_units:
            raise ValueError(
                f"units must be integers from 0 to {n_units - 1}, the numbers of "
                f"hidden units. Got {units}."
            )
        return units
    if units > n_units:
        raise ValueError(f"units={units}, but there are only {n_units} hidden units.")
    return np.argsort(-(weights**2).sum(axis=1), kind="stable")[:units]
