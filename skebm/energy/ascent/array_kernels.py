"""Updates one after the other in NumPy: the reference, always there."""

__all__ = ["ascend_in_place"]

import numpy as np

from skebm.energy.layers.array_kernels import centre, draw_below, weigh_and_draw


def ascend_in_place(machine, batches, rates, chains, variates):
    """Make one update of a machine for each batch.

    Parameters
    ----------
    machine : CentredBinaryRBM
        In float32; its matrix is changed in place.
    batches, rates, chains
        As of `skebm.energy.ascent.ascend`.
    variates : ndarray of shape (n_variates,)
        Between -1 and 1: for each update those of the visible, then of the hidden
        units of the chains.

    Returns
    -------
    chains : ndarray of shape (n_chains, n_hidden + 1)
        The chains after the updates.
    """
    matrix, offsets = machine.matrix, machine.offsets
    n_chains, drawn = len(chains), 0
    most_rows = n_chains + max(map(len, batches))
    hidden = _repeated(offsets.hidden, n_chains)
    visible = _repeated(offsets.visible, n_chains)
    twice_centred = _repeated(offsets.twice_centred, most_rows)
    for batch, rate in zip(batches, rates, strict=True):
        n_rows = len(batch) + n_chains
        field = np.dot(centre(chains, hidden), matrix)
        uniform = variates[drawn : drawn + field.size].reshape(field.shape)
        drawn += field.size
        rows = draw_below(batch, field, uniform, visible)
        field = np.dot(rows, matrix.T)
        uniform = variates[drawn : drawn + chains.size].reshape(chains.shape)
        drawn += chains.size
        weights = rate / len(batch), -rate / n_chains
        chains = weigh_and_draw(field, uniform, twice_centred[:n_rows], *weights)
        matrix += np.dot(field.T, rows)
    return chains


def _repeated(offset, n_rows):
    """Give an offset to each row: one for all is slower where there are few."""
    rows = np.empty((n_rows, len(offset)), offset.dtype)
    rows[:] = offset
    return rows
