"""Updates one after the other, with products by NumPy: the reference, always there."""

__all__ = ["ascend_in_place"]

import numpy as np

from skebm.energy.layers import layer_kernels


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
    kernels = layer_kernels(matrix.dtype)
    hidden = kernels.for_rows(offsets.hidden, n_chains)
    visible = kernels.for_rows(offsets.visible, n_chains)
    twice_centred = {
        size: kernels.for_rows(offsets.twice_centred, size + n_chains)
        for size in set(map(len, batches))
    }
    for batch, rate in zip(batches, rates, strict=True):
        size = len(batch)
        field = np.dot(kernels.centre(chains, hidden), matrix)
        uniform = variates[drawn : drawn + field.size].reshape(field.shape)
        drawn += field.size
        rows = kernels.draw_below(batch, field, uniform, visible)
        field = np.dot(rows, matrix.T)
        uniform = variates[drawn : drawn + chains.size].reshape(chains.shape)
        drawn += chains.size
        weights = rate / size, -rate / n_chains
        chains = kernels.weigh_and_draw(field, uniform, twice_centred[size], *weights)
        matrix += np.dot(field.T, rows)
    return chains
