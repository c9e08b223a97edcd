"""Sweeps over binary units that are coupled in pairs, each drawn given the others."""

__all__ = ["gibbs_sweeps", "metropolis_sweeps"]

import numpy as np

from skebm.kernels import kernels_of, numpy_sweeps
from skebm.kernels.chains import Chains, transposed


def gibbs_sweeps(rows, weights, bias, noise, **settings):
    """Draw every unit in turn given all others; repeatedly.

    Leaves the distribution proportional to exp(beta (x'Wx / 2 + b.x) + tilt.x) as it
    is. Which kernels do the work depends on whether numba is installed; the result does
    not, but for draws closer to their odds than rounding.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_units)
        Boolean, left as they are.
    weights : ndarray or sparse array of shape (n_units, n_units)
        W, symmetric with zero diagonal, float32 or float64; in CSR format if
        `colours` are given, else dense.
    bias : ndarray of shape (n_units,) or (n_rows, n_units)
        b of every row, or of each.
    noise : UniformNoise
        Source of the draws.
    n_sweeps : int, default=1
        How often each unit is drawn.
    beta : float or ndarray of shape (n_rows,), default=1.0
        Inverse temperature.
    tilt : ndarray of shape (n_units,) or (n_rows, n_units), default=None
        A field of its own for each unit.
    fixed : ndarray of bool, (n_units,) or (n_rows, n_units), default=None
        Where units are held as they are.
    colours : list of ndarray, default=None
        The units in classes of which no two members are coupled, updated class
        after class, the members of one at once. None updates the units one after
        another in the order of their indices.

    Returns
    -------
    rows : ndarray of shape (n_rows, n_units)
        Boolean, after the last sweep.
    """
    return _run(_kernels().gibbs_thresholds, rows, weights, bias, noise, **settings)


def metropolis_sweeps(rows, weights, bias, noise, **settings):
    """Propose to flip every unit in turn, by Metropolis' rule; repeatedly.

    A flip that raises the energy is accepted with probability exp(-beta rise), any
    other surely. All else is as of `gibbs_sweeps`.
    """
    thresholds = numpy_sweeps.metropolis_thresholds
    return _run(thresholds, rows, weights, bias, noise, **settings)


def _kernels():
    return kernels_of("sweeps")


def _run(
    thresholds,
    rows,
    weights,
    bias,
    noise,
    *,
    n_sweeps=1,
    beta=1.0,
    tilt=None,
    fixed=None,
    colours=None,
):
    dtype = weights.dtype
    beta = np.asarray(beta, dtype=dtype)
    bias = _by_unit(np.asarray(bias, dtype=dtype)) * beta
    if tilt is not None:
        bias = bias + _by_unit(np.asarray(tilt, dtype=dtype))
    every_beta = np.array(np.broadcast_to(beta, len(rows)))
    chains = Chains(transposed(rows), every_beta)
    if fixed is not None:
        fixed = np.broadcast_to(_by_unit(np.asarray(fixed)), chains.on.shape)

    def draw(members):
        own = bias[members]
        uniform = noise.draw((len(own), len(rows)))
        drawn = thresholds(uniform, own, chains, members)
        if fixed is not None:
            stay = np.where(chains.on[members], -np.inf, np.inf).astype(dtype)
            drawn = np.where(fixed[members], stay, drawn)
        return drawn

    if colours is None:
        _kernels().sweep_in_order(chains, weights, n_sweeps, draw)
    else:
        _kernels().sweep_classes(chains, weights, colours, n_sweeps, draw)
    return transposed(chains.on)


def _by_unit(table):
    """Give a table of rows, or one row for all, as one row a unit."""
    return table.T if table.ndim == 2 else table[:, np.newaxis]
