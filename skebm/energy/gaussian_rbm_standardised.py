"""The coordinates in which deterministic optimisers find a Gaussian RBM well scaled."""

__all__ = ["StandardisedGaussianRBM"]

from dataclasses import replace

import numpy as np

# Hidden units begin close to a mean of 1/2, and their deviation there.
_HIDDEN_OFFSET = 0.5
_HIDDEN_SCALE = 0.5


class StandardisedGaussianRBM:
    """Vectors that stand for Gaussian RBMs.

    Weights and biases are in units of the noise, and act on centred hidden units.
    The whitening is that of the machine where learning starts, and a step from there.

    Parameters
    ----------
    energy : GaussianRBMEnergy
        Where learning starts.
    """

    def __init__(self, energy):
        self._start = energy

    @property
    def n_weights(self):
        """Number of weights; they are the first coordinates of a vector."""
        return self._start.weights.size

    @property
    def weight_scale(self):
        """Factors that make coordinates of weights of them, shape (n_weights,)."""
        return np.full(self.n_weights, _HIDDEN_SCALE)

    def vector(self, energy):
        """Give the coordinates of an energy."""
        visible_bias = energy.visible_bias + _HIDDEN_OFFSET * energy.weights.sum(axis=0)
        return np.concatenate(
            [
                energy.weights.ravel() * _HIDDEN_SCALE,
                visible_bias,
                energy.hidden_bias * _HIDDEN_SCALE,
                energy.whitening.coordinates(self._start.whitening),
            ]
        )

    def energy(self, vector):
        """Give the energy that a vector stands for."""
        n_hidden, n_visible = self._start.weights.shape
        ends = np.cumsum([self.n_weights, n_visible, n_hidden])
        weights, visible_bias, hidden_bias, step = np.split(vector, ends)
        weights = weights.reshape(n_hidden, n_visible) / _HIDDEN_SCALE
        return replace(
            self._start,
            weights=weights,
            visible_bias=visible_bias - _HIDDEN_OFFSET * weights.sum(axis=0),
            hidden_bias=hidden_bias / _HIDDEN_SCALE,
            whitening=self._start.whitening.from_coordinates(step),
        )

    def derivative(self, moments, energy):
        """Turn derivatives by plain parameters into those by coordinates.

        Parameters
        ----------
        moments : GaussianRBMMoments
            Of rows or of the machine.
        energy : GaussianRBMEnergy
            The machine.

        Returns
        -------
        derivative : ndarray of shape (n_parameters,)
            By weights, visible and hidden biases, and the step of the whitening.
        """
        centred = moments.products - _HIDDEN_OFFSET * moments.visible
        return np.concatenate(
            [
                centred.ravel() / _HIDDEN_SCALE,
                moments.visible,
                moments.hidden / _HIDDEN_SCALE,
                energy.whitening.by_coordinates(moments.step, self._start.whitening),
            ]
        )
