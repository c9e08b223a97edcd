"""Sweeps in NumPy and SciPy: the reference, always there."""

__all__ = ["gibbs_thresholds", "sweep_classes", "sweep_in_order"]

import numpy as np

from skebm.energy.sweeps.chains import stretches
from skebm.energy.sweeps.thresholds import gibbs_thresholds

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
