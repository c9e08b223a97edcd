"""Energies of networks, and their laws by quadrature over a grid."""

from itertools import combinations_with_replacement

import numpy as np
from scipy.special import logsumexp

from skebm.energy.network import Network
from skebm.energy.neural import NeuralEnergy
from skebm.units.gaussian import GaussianUnits

UNITS = {
    "swish": lambda field: field / (1 + np.exp(-field)),
    "softplus": lambda field: np.log1p(np.exp(field)),
    "tanh": np.tanh,
}


def neural_energy(sizes=(2, 4, 3), *, seed=0, scale=1.0, **settings):
    """Draw a machine whose density has several modes."""
    rng = np.random.default_rng(seed)
    vector = rng.normal(0, 1, Network.n_parameters(sizes)[1])
    Network.of(vector, sizes, "swish").weights[-1][...] *= 2 * scale
    n_columns = sizes[0]
    base = np.tril(rng.normal(0, 0.4, (n_columns, n_columns)), -1)
    base += np.diag(rng.uniform(0.6, 1.5, n_columns))
    units = GaussianUnits.of_base(base)
    return NeuralEnergy(vector, sizes, "swish", units, 0.3, 0.7).replaced(**settings)


class Grid:
    """A grid of rows z in at most two columns, on which laws are sums.

    The trapezoidal rule is exact to far below 1e-10 for densities as smooth as these.
    """

    def __init__(self, energy, n_points=400, reach=14.0):
        self.energy, n_columns = energy, energy.n_visible
        axis = np.linspace(-reach, reach, n_points)
        axes = np.meshgrid(*[axis] * n_columns, indexing="ij")
        self.white = np.stack(axes, axis=-1).reshape(-1, n_columns)
        self.log_cell = n_columns * np.log(axis[1] - axis[0])
        self.output = definition(energy, self.white)

    def log_weight(self, beta=1.0, tilt=0.0):
        squares = (self.white**2).sum(axis=1) / 2
        tilt = tilt + np.zeros(self.white.shape[1])
        return -squares - beta * self.output + self.white @ tilt

    def log_partition(self, beta=1.0):
        """log Z of rows z."""
        return logsumexp(self.log_weight(beta)) + self.log_cell

    def moments(self, beta=1.0, tilt=0.0):
        """Means of what `features` gives of rows z."""
        weight = self.log_weight(beta, tilt)
        return np.exp(weight - logsumexp(weight)) @ self.features(self.white)

    def features(self, white):
        pairs = combinations_with_replacement(white.T, 2)
        products = [a * b for a, b in pairs]
        return np.column_stack([white, *products, definition(self.energy, white)])

    def draw(self, n_rows, beta=1.0, tilt=0.0, seed=0):
        """Draw rows z, each from somewhere in its cell."""
        weight = self.log_weight(beta, tilt)
        law, rng = np.exp(weight - logsumexp(weight)), np.random.default_rng(seed)
        return self.white[rng.choice(len(law), n_rows, p=law)]


def definition(energy, white):
    """Compute f by the textbook."""
    network, values = energy.network, white
    for weights, bias in zip(network.weights[:-1], network.biases, strict=True):
        field = values @ weights + bias
        values = UNITS[energy.activation](field)
    return values @ network.weights[-1]
