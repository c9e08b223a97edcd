"""Sweeps over the units of pairwise machines in NumPy and SciPy: the reference."""

__all__ = [
    "gibbs_thresholds",
    "metropolis_thresholds",
    "sweep_classes",
    "sweep_in_order",
]

import numpy as np

from skebm.kernels.chains import stretches

# From these sizes on, one product for the fields of a block outweighs what it
# takes to correct them within the block.
_BLOCK = 32
_MANY_ROWS = 400
_MANY_UNITS = 300


def sweep_in_order(chains, weights, n_sweeps, draw):
    """Update the units one after another, given all others; repeatedly.

    Parameters
    ----------
    chains : Chains
        Overwritten.
    weights : ndarray of shape (n_units, n_units)
        Symmetric, with zero diagonal.
    n_sweeps : int
        How often each unit is updated.
    draw : callable
        Gives, for a slice or an array of units, what beta times the weights of
        the others that are on must exceed, of shape (n_members, n_rows).
    """
    n_units, n_rows = chains.on.shape
    blocked = n_rows >= _MANY_ROWS and n_units >= _MANY_UNITS
    update = _update_blocks if blocked else _update_singly
    # What the others receive of a unit, but for the weight.
    signal = chains.on * chains.beta
    for _ in range(n_sweeps):
        for members in stretches(chains.on.shape):
            update(chains, signal, weights, members.start, draw(members))


def _update_singly(chains, signal, weights, start, thresholds):
    on, beta = chains
    for unit, threshold in enumerate(thresholds, start):
        np.greater(np.dot(weights[unit], signal), threshold, out=on[unit])
        np.multiply(on[unit], beta, out=signal[unit])


def _update_blocks(chains, signal, weights, start, thresholds):
    """Take the fields of a block from one product, and correct them as it changes."""
    on, beta = chains
    for first in range(0, len(thresholds), _BLOCK):
        begin = start + first
        members = slice(begin, begin + _BLOCK)
        fields = np.dot(weights[members], signal)
        change = np.empty_like(fields)
        for i, threshold in enumerate(thresholds[first : first + _BLOCK]):
            unit = begin + i
            fields[i] += np.dot(weights[unit, begin:unit], change[:i])
            np.greater(fields[i], threshold, out=on[unit])
            np.negative(signal[unit], out=change[i])
            np.multiply(on[unit], beta, out=signal[unit])
            change[i] += signal[unit]


def sweep_classes(chains, weights, colours, n_sweeps, draw):
    """Update all units of one colour at once, then those of the next; repeatedly.

    Parameters
    ----------
    chains, n_sweeps, draw
        As for `sweep_in_order`.
    weights : sparse array of shape (n_units, n_units)
        Symmetric, in CSR format.
    colours : list of ndarray
        Units of which no two are coupled.
    """
    on, beta = chains
    signal = on * beta
    couplings = [weights[members] for members in colours]
    for _ in range(n_sweeps):
        for members, rows in zip(colours, couplings, strict=True):
            updated = rows @ signal > draw(members)
            on[members] = updated
            signal[members] = updated * beta


def gibbs_thresholds(uniform, bias, chains, members):
    """Turn uniform variates into thresholds of Gibbs sampling.

    With the bias they follow the standard logistic law: a unit of log-odds x is on
    with probability 1 / (1 + exp(-x)), whatever it was.

    Parameters
    ----------
    uniform : ndarray of shape (n_members, n_rows)
        Variates between -1 and 1.
    bias : ndarray of shape (n_members, n_rows) or (n_members, 1)
        Log-odds of the units on their own, in each row or in all.
    chains : Chains
        Only looked at for the dtype.
    members : slice or ndarray of int
        Not looked at.

    Returns
    -------
    thresholds : ndarray of shape (n_members, n_rows)
        2 artanh(uniform) less the bias, of the dtype of the chains' beta.
    """
    # The logarithm is vectorised on more machines than the arcus tangent is.
    thresholds = 1 + uniform
    thresholds /= 1 - uniform
    np.log(thresholds, out=thresholds)
    return _less(bias, thresholds, chains)


def metropolis_thresholds(uniform, bias, chains, members):
    """Turn uniform variates into thresholds of Metropolis' rule.

    Each unit proposes to flip, and does so with probability min(1, exp(-rise))
    where `rise` is that of the energy: the field x for a unit that is on, and -x
    for one that is off. It is compared with the logarithm of a variate between 0
    and 1.

    Parameters and what is returned are as for `gibbs_thresholds`, the chains being
    those before the update.
    """
    thresholds = 1 + uniform
    thresholds *= 0.5
    np.log(thresholds, out=thresholds)
    np.negative(thresholds, out=thresholds, where=chains.on[members])
    return _less(bias, thresholds, chains)


def _less(bias, thresholds, chains):
    thresholds = thresholds.astype(chains.beta.dtype, copy=False)
    thresholds -= bias
    return thresholds
