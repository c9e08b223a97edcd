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
    n_chains = len(chains)
    kernels = layer_kernels(matrix.dtype)
    hidden = kernels.for_rows(offsets.hidden, n_chains)
    visible = kernels.for_rows(offsets.visible, n_chains)
    twice_centred = {
        size: kernels.for_rows(offsets.twice_centred, size + n_chains)
        for size in set(map(len, batches))
    }
    below, above = _of_layers(variates, len(batches), n_chains, matrix.shape)
    for batch, rate, uniform, next_uniform in zip(
        batches, rates, below, above, strict=True
    ):
        size = len(batch)
        field = np.dot(kernels.centre(chains, hidden), matrix)
        rows = kernels.draw_below(batch, field, uniform, visible)
        field = np.dot(rows, matrix.T)
        weights = rate / size, -rate / n_chains
        chains = kernels.weigh_and_draw(
            field, next_uniform, twice_centred[size], *weights
        )
        matrix += np.dot(field.T, rows)
    return chains


def _of_layers(variates, n_updates, n_chains, shape):
    """View the variates of the visible, and those of the hidden units, by update."""
    n_above, n_below = shape
    by_update = variates.reshape(n_updates, -1)
    below = by_update[:, : n_chains * n_below]
    above = by_update[:, n_chains * n_below :]
    return (
        below.reshape(n_updates, n_chains, n_below),
        above.reshape(n_updates, n_chains, n_above),
    )
