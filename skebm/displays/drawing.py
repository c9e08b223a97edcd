"""What all displays draw with."""

__all__ = [
    "BLUE",
    "GREY",
    "RED",
    "axes_for",
    "fitted_attribute",
    "require_matplotlib",
    "signed_image",
]

import numpy as np
from sklearn.utils.validation import check_is_fitted

# Of Okabe and Ito, which look different to people who see red and green alike.
BLUE = "#0072B2"
RED = "#D55E00"
GREY = "#777777"


def require_matplotlib(caller):
    """Import matplotlib, before anything takes its time to compute.

    Returns
    -------
    pyplot : module
        Its functions to make figures.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    try:
        import matplotlib.pyplot as plt  # noqa: PLC0415
    except ImportError as error:
        raise ImportError(
            f"{caller} needs matplotlib, which is not installed. Install it by: "
            "pip install 'skebm[plot]'"
        ) from error
    return plt


def axes_for(display, ax):
    """Give the axes to draw on, new ones if there are none, and note them."""
    plt = require_matplotlib(f"{type(display).__name__}.plot")
    if ax is None:
        _, ax = plt.subplots(layout="constrained")
    display.ax_, display.figure_ = ax, ax.figure
    return ax


def fitted_attribute(estimator, name, needed_by):
    """Get an attribute that a fitted estimator has if it is of the right kind.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    AttributeError
        If it has no such attribute.
    """
    check_is_fitted(estimator)
    try:
        return getattr(estimator, name)
    except AttributeError as error:
        raise AttributeError(
            f"This {type(estimator).__name__} has no {name}, {needed_by}"
        ) from error


def signed_image(ax, values, *, label, colorbar, **kwargs):
    """Draw a matrix in colours that are symmetric about a white zero.

    Parameters
    ----------
    ax : matplotlib Axes
        Axes to draw on.
    values : ndarray of shape (n_rows, n_columns)
        The matrix. Entries that are NaN are left out.
    label : str
        What colours stand for.
    colorbar : bool
        Whether to draw their scale.
    **kwargs : dict
        Passed on to `imshow`. Where one end of the scale is given, the other is its
        opposite.

    Returns
    -------
    image : matplotlib AxesImage
        The matrix.
    colorbar : matplotlib Colorbar or None
        Its scale, None unless `colorbar`.
    """
    settings = {"cmap": "RdBu_r", "interpolation": "nearest", **kwargs}
    if "norm" not in settings:
        largest = float(np.nanmax(np.abs(values))) or 1.0
        limit = abs(settings.get("vmax", settings.get("vmin", largest)))
        settings = {"vmin": -limit, "vmax": limit, **settings}
    image = ax.imshow(values, **settings)
    scale = ax.figure.colorbar(image, ax=ax, label=label) if colorbar else None
    return image, scale
