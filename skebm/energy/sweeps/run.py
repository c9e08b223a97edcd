"""Runs sweeps by the fastest kernels that are installed."""

__all__ = ["gibbs_sweeps", "metropolis_sweeps"]

import numpy as np

from skebm._compilation import kernels_of
from skebm.energy.sweeps.chains import Chains, transposed
from skebm.energy.sweeps.thresholds import metropolis_thresholds


def gibbs_sweeps(visible, weights, bias, noise, *, n_sweeps=1, beta=1.0, colours=None):
    """Draw every unit in turn given all others; repeatedly.

    Leaves exp(-beta E) / Z invariant for E(x) = -x'Wx / 2 - b.x. Which kernels
    do the work depends on whether numba is installed; the result does not, but
    for draws closer to their odds than rounding.

    Parameters
    ----------
    visible : ndarray of shape (n_rows, n_units)
        Boolean rows, left as they are.
    weights : ndarray or sparse array of shape (n_units, n_units)
        W, symmetric with zero diagonal, float32 or float64; in CSR format if
        `colours` are given, else dense.
    bias : ndarray of shape (n_units,) or (n_rows, n_units)
        b; or beta * b of each row, which is not multiplied by `beta`.
    noise : UniformNoise
        Source of the draws.
    n_sweeps : int, default=1
        How often each unit is drawn.
    beta : float or ndarray of shape (n_rows,), default=1.0
        Inverse temperature.
    colours : list of ndarray, default=None
        The units in classes of which no two members are coupled, updated class
        after class, the members of one at once. None updates the units one after
        another in the order of their indices.

    Returns
    -------
    visible : ndarray of shape (n_rows, n_units)
        Boolean, after the last sweep.
    """
    return _run(
        _kernels().gibbs_thresholds,
        visible,
        weights,
        bias,
        noise,
        n_sweeps=n_sweeps,
        beta=beta,
        colours=colours,
    )


def metropolis_sweeps(
    visible, weights, bias, noise, *, n_sweeps=1, beta=1.0, colours=None
):
    """Propose to flip every unit in turn, by Metropolis' rule; repeatedly.

    A flip that raises the energy is accepted with probability exp(-beta rise),
    any other surely. Leaves the same law invariant as `gibbs_sweeps`, which has
    the same parameters.

    Returns
    -------
    visible : ndarray of shape (n_rows, n_units)
        Boolean, after the last sweep.
    """
    return _run(
        metropolis_thresholds,
        visible,
        weights,
        bias,
        noise,
        n_sweeps=n_sweeps,
        beta=beta,
        colours=colours,
    )


def _kernels():
    return kernels_of(__package__)


def _run(thresholds, visible, weights, bias, noise, *, n_sweeps, beta, colours):
    dtype = weights.dtype
    beta = np.asarray(beta, dtype=dtype)
    bias = np.asarray(bias, dtype=dtype)
    # One column for all rows, or one for each.
    bias = bias.T if bias.ndim == 2 else bias[:, np.newaxis] * beta
    every_beta = np.array(np.broadcast_to(beta, len(visible)))
    chains = Chains(transposed(visible), every_beta)

    def draw(members):
        own = bias[members]
        uniform = noise.draw((len(own), len(visible)))
        return thresholds(uniform, own, chains, members)

    if colours is None:
        _kernels().sweep_in_order(chains, weights, n_sweeps, draw)
    else:
        _kernels().sweep_classes(chains, weights, colours, n_sweeps, draw)
    return transposed(chains.on)
