"""Natural gradients of networks, by what the slopes of chains have in common."""

__all__ = ["NetworkMetric"]

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from skebm.energy.network import Network
from skebm.learning.metric import Metric

# Added to the covariance of slopes. Of 0.01 to 1 these ten thousand rows of spirals and
# of a checkerboard were learned best with 0.03 to 0.1. But never less than a share of
# the largest slopes that single precision can tell from nothing.
_DAMPING = 0.1
_LEAST_DAMPING = 1e-6

# Of all directions that rows might tell apart, the share that steps follow at most.
# Beyond it they would learn these very rows by heart, and the next ones unlearn them.
# Then the damping is raised by this factor, as often as need be.
_LARGEST_SHARE = 0.2
_RAISED, _PROBES = 3.0, 4

# Pairs of so many chains are looked at, which take as long as their steps.
_MOST_ROWS = 500

# The standard deviation over chains of what a step changes of f, in nats, at most.
_LARGEST_CHANGE = 0.3


class NetworkMetric(Metric):
    """Metric of all parameters of a network together, seen from the chains.

    The covariance F of df/dtheta over the model makes gradients natural [1]_: steps
    depend then on what they do to f, and not on how f is written. It is that of far
    fewer rows than there are parameters, so that (F + damping)^-1 takes a system of
    equations between rows alone, whose matrix is made of the products of their
    gradients [2]_. In variational Monte Carlo this is stochastic reconfiguration [3]_.

    Parameters
    ----------
    alpha : float
        Strength of the L2 penalty of the weights, whose gradient is made natural with
        the others.

    References
    ----------
    .. [1] Amari, S. (1998). Natural gradient works efficiently in learning.
       Neural Computation 10, 251-276.
    .. [2] Chen, A. and Heyl, M. (2024). Empowering deep neural quantum states through
       efficient optimization. Nature Physics 20, 1476-1481.
       :doi:`10.1038/s41567-024-02566-1`
    .. [3] Sorella, S. (1998). Green function Monte Carlo with stochastic
       reconfiguration. Physical Review Letters 80, 4558-4561.
       :doi:`10.1103/PhysRevLett.80.4558`
    """

    def __init__(self, alpha):
        self._alpha = alpha

    def step(self, energy, gradient, rate, seen):
        """Give a step along the natural gradient; see `Metric`."""
        network = energy.network
        vector = gradient.vector.copy()
        n_weights = energy.penalised.size
        vector[:n_weights] -= np.float32(self._alpha) * energy.penalised
        batch, chains = (part[: _MOST_ROWS // 2] for part in seen)
        rows = np.concatenate([energy.complete(batch, None), chains])
        layers = energy.context(rows).layers
        # Of f at each row: products of gradients, and the change along the vector.
        products = network.gradient_products(layers)
        along = Network.of(vector, energy.sizes, energy.activation)
        change = network.change(layers, along)
        damping, row_weights = _solved(products, change - change.mean())
        row_weights -= row_weights.mean()
        # The change of f at each row is n_rows times its weight.
        largest = len(rows) * float(row_weights.std())
        rate = min(rate, _LARGEST_CHANGE / max(largest, np.finfo(float).tiny))
        vector -= network.parameter_gradient(layers, row_weights)
        vector *= np.float32(rate / damping)
        return gradient.with_arrays([vector]), rate

    def scales(self):
        """Give 0: the penalty is in the steps."""
        return 0.0


def _solved(products, change):
    """Solve (P + n * damping) w = change for w, P the centred products of n rows.

    The damping is raised until the rows tell few directions apart.

    Returns
    -------
    damping : float
    row_weights : ndarray of shape (n_rows,)
        NaN where nothing is finite, which ends learning as divergence does.
    """
    n_rows = len(products)
    damping = max(_DAMPING, _LEAST_DAMPING * np.trace(products) / n_rows)
    products = products - products.mean(axis=0)
    products -= products.mean(axis=1, keepdims=True)
    # With them the trace of the inverse can be told, to a few of a hundred.
    signs = np.where(np.random.default_rng(0).random((n_rows, _PROBES)) < 0.5, -1, 1)
    sides = np.column_stack([change, signs.astype(change.dtype)])
    while True:
        damped = products.copy()
        damped.flat[:: n_rows + 1] += np.float32(n_rows * damping)
        try:
            factor = cho_factor(damped, overwrite_a=True, check_finite=False)
        except LinAlgError:
            return damping, np.full_like(change, np.nan)
        solved = cho_solve(factor, sides, check_finite=False)
        free = (signs * solved[:, 1:]).sum() / _PROBES * damping
        if not 1 - free > _LARGEST_SHARE:
            return damping, solved[:, 0]
        damping *= _RAISED
