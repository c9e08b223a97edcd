"""The phases as loops that numba compiles; only for where it is installed."""

__all__ = ["draw_below", "weigh_and_draw"]

import numpy as np

from skebm.energy.compilation import compile_loop
from skebm.energy.compiled_functions import exp

_ONE = np.float32(1)


@compile_loop
def draw_below(batch, field, uniform, offset):
    """Draw the visible units of the chains; as in `array_kernels`."""
    n_batch, n_columns = batch.shape
    rows = np.empty((n_batch + len(field), n_columns), np.float32)
    for i in range(n_batch):
        source, row = batch[i], rows[i]
        for j in range(n_columns):
            row[j] = source[j]
    for i in range(len(field)):
        own, variates, row = field[i], uniform[i], rows[n_batch + i]
        for j in range(n_columns):
            odds_against = exp(-own[j])
            # tanh(field / 2) > variate, without the division
            on = (_ONE - odds_against) > variates[j] * (_ONE + odds_against)
            row[j] = np.float32(on) - offset[j]
        row[-1] = _ONE
    return rows


@compile_loop
def weigh_and_draw(field, uniform, twice_centred, batch_weight, chain_weight):
    """Draw the hidden units of the chains; as in `array_kernels`."""
    n_chains, n_columns = uniform.shape
    n_batch = len(field) - n_chains
    chains = np.empty((n_chains, n_columns), np.bool_)
    for i in range(len(field)):
        own = field[i]
        for j in range(n_columns):
            own[j] = np.float32(2) / (_ONE + exp(-own[j])) - _ONE
        if i >= n_batch:
            variates, drawn = uniform[i - n_batch], chains[i - n_batch]
            for j in range(n_columns):
                drawn[j] = own[j] > variates[j]
        weight = np.float32(0.5 * (batch_weight if i < n_batch else chain_weight))
        for j in range(n_columns):
            own[j] = (own[j] + twice_centred[j]) * weight
        own[-1] = np.float32(2) * weight
    return chains
