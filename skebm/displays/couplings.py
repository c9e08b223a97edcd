"""Couplings between units as a matrix."""

__all__ = ["CouplingsDisplay"]

import numpy as np

from skebm.displays.drawing import (
    axes_for,
    fitted_attribute,
    require_matplotlib,
    signed_image,
)

# More names than these would overlap.
_MOST_NAMES = 30


class CouplingsDisplay:
    """Couplings of a Boltzmann machine, a row and a column for each unit.

    Units that would rather be in the same state are red, those that would rather not
    are blue. `from_estimator` makes such a display.

    Parameters
    ----------
    couplings : ndarray of shape (n_units, n_units)
        Couplings, symmetric.
    n_features : int or None, default=None
        How many of the units are features. The others, after them, are hidden. None
        is all of them.
    unit_names : array-like of str of shape (n_units,), default=None
        Names of the units, shown where there are at most 30. None numbers them.

    Attributes
    ----------
    image_ : matplotlib AxesImage
        The matrix.
    colorbar_ : matplotlib Colorbar or None
        Scale of the colours.
    lines_ : list of matplotlib Line2D
        Boundaries of the features, if there are hidden units.
    ax_ : matplotlib Axes
        Axes drawn on.
    figure_ : matplotlib Figure
        Figure of these.

    See Also
    --------
    WeightsDisplay : Weights of hidden units as images.
    skebm.BoltzmannMachine, skebm.LatentBM : Models with couplings.

    Examples
    --------
    >>> from skebm import BoltzmannMachine
    >>> from skebm.datasets import make_ising_lattice
    >>> from skebm.displays import CouplingsDisplay
    >>> lattice = make_ising_lattice(500, n_side=4, random_state=0)
    >>> machine = BoltzmannMachine(states=(-1, 1)).fit(lattice.data)
    >>> CouplingsDisplay.from_estimator(machine).couplings.shape
    (16, 16)
    """

    def __init__(self, *, couplings, n_features=None, unit_names=None):
        self.couplings = couplings
        self.n_features = len(couplings) if n_features is None else n_features
        self.unit_names = unit_names

    @classmethod
    def from_estimator(cls, estimator, *, ax=None, colorbar=True, **kwargs):
        """Show the couplings of a fitted machine.

        Parameters
        ----------
        estimator : BoltzmannMachine or LatentBM
            Fitted.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        colorbar : bool, default=True
            Whether to draw the scale of the colours.
        **kwargs : dict
            Passed on to `imshow`, such as `cmap`, or `vmax`, the end of the scale.

        Returns
        -------
        display : CouplingsDisplay
            What was drawn. Of a `LatentBM` the hidden units come after the features,
            so that its weights are to the right of the couplings of the features, and
            below.

        Raises
        ------
        AttributeError
            If the estimator has no couplings.

        Examples
        --------
        >>> from skebm import LatentBM
        >>> from skebm.displays import CouplingsDisplay
        >>> machine = LatentBM.from_parameters([[2.0, -2.0]], [0.0, 0.0], [0.0])
        >>> CouplingsDisplay.from_estimator(machine).couplings
        array([[ 0.,  0.,  2.],
               [ 0.,  0., -2.],
               [ 2., -2.,  0.]])
        """
        require_matplotlib("CouplingsDisplay.from_estimator")
        n_features, names = None, getattr(estimator, "feature_names_in_", None)
        if hasattr(estimator, "components_"):
            visible = fitted_attribute(
                estimator,
                "visible_couplings_",
                "nor other couplings within layers. WeightsDisplay shows its weights.",
            )
            weights, hidden = estimator.components_, estimator.hidden_couplings_
            couplings = np.block([[visible, weights.T], [weights, hidden]])
            n_features = len(visible)
            if names is not None:
                names = [*names, *(f"hidden {unit}" for unit in range(len(hidden)))]
        else:
            couplings = fitted_attribute(
                estimator, "couplings_", "the couplings of a Boltzmann machine."
            )
        display = cls(couplings=couplings, n_features=n_features, unit_names=names)
        return display.plot(ax, colorbar=colorbar, **kwargs)

    def plot(self, ax=None, *, colorbar=True, **kwargs):
        """Draw the matrix.

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
        display : CouplingsDisplay
            This one.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> import numpy as np
        >>> from skebm.displays import CouplingsDisplay
        >>> display = CouplingsDisplay(couplings=np.array([[0, 2], [2, 0]])).plot()
        >>> display.image_.get_clim()
        (-2.0, 2.0)
        """
        ax = axes_for(self, ax)
        self.image_, self.colorbar_ = signed_image(
            ax, self.couplings, label="coupling (nats)", colorbar=colorbar, **kwargs
        )
        self.lines_, n_units = [], len(self.couplings)
        if self.n_features < n_units:
            boundary = self.n_features - 0.5
            style = {"color": "black", "linewidth": 0.8}
            self.lines_ = [ax.axhline(boundary, **style), ax.axvline(boundary, **style)]
        if self.unit_names is not None and n_units <= _MOST_NAMES:
            ax.set_xticks(range(n_units), self.unit_names, rotation="vertical")
            ax.set_yticks(range(n_units), self.unit_names)
        else:
            label = "feature" if not self.lines_ else "features, then hidden units"
            ax.set(xlabel=label, ylabel=label)
        return self
