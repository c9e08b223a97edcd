"""The phases in NumPy: the reference, always there."""

__all__ = ["draw_below", "weigh_and_draw"]

import numpy as np


def draw_below(batch, field, uniform, offset):
    """Draw the visible units of the chains and put them below rows of data.

    Parameters
    ----------
    batch : ndarray of shape (n_batch, n_visible + 1)
        Centred rows and the constant.
    field : ndarray of shape (n_chains, n_visible + 1)
        Log-odds of the visible units of the chains; overwritten.
    uniform : ndarray of shape (n_chains, n_visible + 1)
        Variates between -1 and 1. The last column of both means nothing.
    offset : ndarray of shape (n_visible + 1,)
        What is subtracted from the units.

    Returns
    -------
    rows : ndarray of shape (n_batch + n_chains, n_visible + 1)
        The batch, and below it the draws, centred, with the constant.
    """
    field *= 0.5
    on = np.tanh(field, out=field) > uniform
    n_batch = len(batch)
    rows = np.empty((n_batch + len(field), len(offset)), batch.dtype)
    rows[:n_batch] = batch
    drawn = rows[n_batch:]
    np.subtract(on, offset, out=drawn)
    drawn[:, -1] = 1
    return rows


def weigh_and_draw(field, uniform, twice_centred, batch_weight, chain_weight):
    """Draw the hidden units of the chains, and weigh the means of all rows.

    Parameters
    ----------
    field : ndarray of shape (n_batch + n_chains, n_hidden + 1)
        Log-odds of the hidden units; overwritten by what is to be multiplied by the
        visible units and summed: the mean of each unit less its offset, times the
        weight of its row.
    uniform : ndarray of shape (n_chains, n_hidden + 1)
        Variates between -1 and 1. The last column of both means nothing.
    twice_centred : ndarray of shape (n_hidden + 1,)
        What tanh(field / 2) lacks to be twice the mean less the offset.
    batch_weight, chain_weight : float
        Of each row of the batch, and of each row of the chains.

    Returns
    -------
    chains : ndarray of shape (n_chains, n_hidden + 1)
        Boolean.
    """
    n_batch = len(field) - len(uniform)
    field *= 0.5
    np.tanh(field, out=field)
    chains = field[n_batch:] > uniform
    field += twice_centred
    field[:, -1] = 2
    field[:n_batch] *= 0.5 * batch_weight
    field[n_batch:] *= 0.5 * chain_weight
    return chains
