"""The coordinates in which optimisers find a Boltzmann machine well scaled."""

__all__ = ["StandardisedBoltzmann"]

from dataclasses import replace

import numpy as np


class StandardisedBoltzmann:
    """Vectors that stand for Boltzmann machines, weighing standardised units.

    With units x replaced by (x - mean) / deviation in the energy, every parameter
    acts on a quantity of variance about one, and the curvature of the
    log-likelihood is about the same along all of them. Each coupling that exists
    is one coordinate, so that penalties and bounds of couplings are those of
    coordinates.

    Parameters
    ----------
    template : BoltzmannEnergy
        Says which couplings exist; its parameters are not used.
    visible_mean : ndarray of shape (n_visible,)
        Means of the units, strictly between 0 and 1.
    """

    def __init__(self, template, visible_mean):
        self.template = template
        self.offset = visible_mean
        self.scale = np.sqrt(visible_mean * (1 - visible_mean))
        self.edges = template.edges()
        first, second = self.edges
        self.weight_scale = self.scale[first] * self.scale[second]

    @property
    def n_weights(self):
        """Number of couplings; they are the first coordinates of a vector."""
        return len(self.weight_scale)

    def vector(self, energy):
        """Give the coordinates of an energy, shape (n_parameters,)."""
        weights = energy.couplings[self.edges] * self.weight_scale
        bias = energy.bias + energy.couplings @ self.offset
        return np.concatenate([weights, bias * self.scale])

    def energy(self, vector):
        """Give the energy that a vector stands for."""
        weights, bias = np.split(vector, [self.n_weights])
        couplings = np.zeros((len(bias), len(bias)))
        couplings[self.edges] = weights / self.weight_scale
        couplings += couplings.T
        bias = bias / self.scale - couplings @ self.offset
        return replace(self.template, couplings=couplings, bias=bias)

    def derivative(self, moments, energy=None):
        """Turn derivatives by plain parameters into those by coordinates.

        Parameters
        ----------
        moments : BoltzmannMoments
            Derivatives by couplings and biases: moments, or a difference of them.
        energy : object, default=None
            Not looked at: these coordinates are linear in the parameters.

        Returns
        -------
        derivative : ndarray of shape (n_parameters,)
            Of products of standardised units, then of the units.
        """
        first, second = self.edges
        products = moments.products[self.edges] - (
            self.offset[first] * moments.mean[second]
            + self.offset[second] * moments.mean[first]
        )
        return np.concatenate([products / self.weight_scale, moments.mean / self.scale])
