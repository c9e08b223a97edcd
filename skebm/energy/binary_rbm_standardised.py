"""The coordinates in which deterministic optimisers find a binary RBM well scaled."""

__all__ = ["StandardisedBinaryRBM"]

import numpy as np

# Hidden units begin close to a mean of 1/2, and their deviation there.
_HIDDEN_OFFSET = 0.5
_HIDDEN_SCALE = 0.5


class StandardisedBinaryRBM:
    """Vectors that stand for binary RBMs, weighing standardised units.

    With units x replaced by (x - mean) / deviation in the energy, every parameter
    acts on a quantity of variance about one, and the curvature of the
    log-likelihood is about the same along all of them. Each weight stays a
    coordinate of its own, so that penalties and bounds of weights are those of
    coordinates.

    Parameters
    ----------
    energy_class : type
        Makes an energy of weights, visible and hidden biases.
    visible_mean : ndarray of shape (n_visible,)
        Means of the visible units, strictly between 0 and 1.
    n_hidden : int
        Number of hidden units, which are taken to have mean 1/2.
    """

    def __init__(self, energy_class, visible_mean, n_hidden):
        self.energy_class = energy_class
        self.visible_offset = visible_mean
        self.visible_scale = np.sqrt(visible_mean * (1 - visible_mean))
        self.shape = n_hidden, len(visible_mean)

    @property
    def n_weights(self):
        """Number of weights; they are the first coordinates of a vector."""
        return self.shape[0] * self.shape[1]

    @property
    def weight_scale(self):
        """Factors that make coordinates of weights of them, shape (n_weights,)."""
        return np.tile(_HIDDEN_SCALE * self.visible_scale, self.shape[0])

    def vector(self, energy):
        """Give the coordinates of an energy, shape (n_parameters,)."""
        hidden_bias = energy.hidden_bias + energy.weights @ self.visible_offset
        visible_bias = energy.visible_bias + _HIDDEN_OFFSET * energy.weights.sum(axis=0)
        return np.concatenate(
            [
                energy.weights.ravel() * self.weight_scale,
                visible_bias * self.visible_scale,
                hidden_bias * _HIDDEN_SCALE,
            ]
        )

    def energy(self, vector):
        """Give the energy that a vector stands for."""
        n_hidden = self.shape[0]
        weights = vector[: self.n_weights].reshape(self.shape)
        biases = vector[self.n_weights :]
        visible_bias, hidden_bias = biases[:-n_hidden], biases[-n_hidden:]
        weights = weights / (_HIDDEN_SCALE * self.visible_scale)
        visible_bias = visible_bias / self.visible_scale
        visible_bias -= _HIDDEN_OFFSET * weights.sum(axis=0)
        hidden_bias = hidden_bias / _HIDDEN_SCALE - weights @ self.visible_offset
        return self.energy_class(weights, visible_bias, hidden_bias)

    def derivative(self, moments, energy=None):
        """Turn derivatives by plain parameters into those by coordinates.

        Parameters
        ----------
        moments : BinaryRBMMoments
            Derivatives by weights, visible and hidden biases: moments, or a
            difference of them.
        energy : object, default=None
            Not looked at: these coordinates are linear in the parameters.

        Returns
        -------
        derivative : ndarray of shape (n_parameters,)
            Of products of standardised units, then of each layer's.
        """
        products, visible, hidden = moments
        products = products - np.outer(hidden, self.visible_offset)
        products -= _HIDDEN_OFFSET * visible
        products /= _HIDDEN_SCALE * self.visible_scale
        return np.concatenate(
            [
                products.ravel(),
                visible / self.visible_scale,
                hidden / _HIDDEN_SCALE,
            ]
        )
