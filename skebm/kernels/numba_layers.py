"""What is done to binary units between products, in loops that numba compiles."""

__all__ = [
    "centre",
    "draw_below",
    "draw_units",
    "softplus_sum",
    "sum_rises",
    "weigh_and_draw",
]

from math import factorial

import numpy as np

from skebm.kernels import compile_loop
from skebm.kernels.numba_functions import exp

_ZERO, _ONE, _TWO = np.float32([0, 1, 2])

# (exp(x) - 1) / x for x between -1/2 and 0, and (artanh(w) / w - 1) / w**2 for w
# between -1/3 and 1/3, both to rounding.
_NEAR_ZERO = np.float32(-0.5)
_EXPM1_SERIES = tuple(np.float32([1 / factorial(n) for n in range(8, 0, -1)]))
_ARTANH_SERIES = tuple(np.float32([1 / n for n in range(15, 1, -2)]))


@compile_loop
def draw_units(field, beta, variates):
    """Switch on units; as in `numpy_layers`, but that `field` is left as it is."""
    on = np.empty(field.shape, np.bool_)
    for row in range(len(field)):
        own, own_variates, own_on = field[row], variates[row], on[row]
        scale = -beta[row % len(beta)]
        for i in range(len(own)):
            odds_against = exp(scale * own[i])
            # tanh(beta * field / 2) > variate, without the division
            own_on[i] = _ONE - odds_against > own_variates[i] * (_ONE + odds_against)
    return on


@compile_loop
def softplus_sum(field):
    """Sum softplus; as in `numpy_layers`."""
    n_rows, n_units = field.shape
    values = np.empty(n_units, np.float32)
    result = np.empty(n_rows, np.float32)
    for row in range(n_rows):
        own = field[row]
        # Two loops, since functions too long to be inlined are not vectorised.
        for i in range(n_units):
            tail = exp(-abs(own[i]))
            values[i] = tail / (_TWO + tail)
        for i in range(n_units):
            values[i] = max(own[i], _ZERO) + _TWO * _artanh(values[i])
        result[row] = _sum(values)
    return result


@compile_loop
def sum_rises(field, lower, step):
    """Sum rises of softplus; as in `numpy_layers`."""
    n_rows, n_units = field.shape
    rises = np.empty(n_units, np.float32)
    result = np.empty(n_rows, np.float64)
    for row in range(n_rows):
        own = field[row]
        own_lower, own_step = lower[row % len(lower)], step[row % len(step)]
        # Two loops, since functions too long to be inlined are not vectorised.
        for i in range(n_units):
            rises[i] = _half_tanh(abs(own[i]), own_lower, own_step)
        for i in range(n_units):
            rises[i] = own_step * max(own[i], _ZERO) + _TWO * _artanh(rises[i])
        result[row] = _sum(rises)
    return result


@compile_loop
def _half_tanh(size, lower, step):
    """Compute w = r / (2 + r) for r as in `numpy_layers`: log(1 + r) = 2 artanh(w)."""
    tail = exp(-lower * size)
    lost = tail * _expm1(-step * size)
    return lost / (_TWO + _TWO * tail + lost)


@compile_loop
def _expm1(x):
    """Compute exp(x) - 1 for x of at most 0, to rounding beside the result."""
    series = _EXPM1_SERIES[0]
    for coefficient in _EXPM1_SERIES[1:]:
        series = series * x + coefficient
    near, far = x * series, exp(x) - _ONE  # both, since branches do not vectorise
    return near if x > _NEAR_ZERO else far


@compile_loop
def _artanh(w):
    """Compute artanh(w) for w between -1/3 and 1/3, to rounding beside the result."""
    square = w * w
    series = _ARTANH_SERIES[0]
    for coefficient in _ARTANH_SERIES[1:]:
        series = series * square + coefficient
    return w + w * square * series


@compile_loop
def _sum(values):
    """Sum by adding halves to each other, which is vectorised; overwrites them."""
    n_left = len(values)
    while n_left > 1:
        n_pairs = n_left // 2
        n_left -= n_pairs
        for i in range(n_pairs):
            values[i] += values[n_left + i]
    return values[0]


def centre(units, offset):
    """Centre units; as in `numpy_layers`."""
    return _centre(_quick(units), offset)


def draw_below(batch, field, uniform, offset):
    """Draw the visible units of the chains; as in `numpy_layers`."""
    return _draw_below(_quick(batch), field, uniform, offset)


def _quick(units):
    """View booleans as bytes, which are quicker to convert."""
    return units.view(np.uint8) if units.dtype == bool else units


@compile_loop
def _centre(units, offset):
    n_units = len(offset) - 1
    centred = np.empty((len(units), len(offset)), np.float32)
    for i in range(len(units)):
        own, row = units[i], centred[i]
        for j in range(n_units):
            row[j] = np.float32(own[j]) - offset[j]
        row[-1] = _ONE
    return centred


@compile_loop
def _draw_below(batch, field, uniform, offset):
    n_batch, n_columns = len(batch), len(offset)
    rows = np.empty((n_batch + len(field), n_columns), np.float32)
    for i in range(n_batch):
        source, row = batch[i], rows[i]
        for j in range(n_columns - 1):
            row[j] = np.float32(source[j]) - offset[j]
        row[-1] = _ONE
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
def weigh_and_draw(field, uniform, offset, batch_weight, chain_weight):
    """Draw the hidden units of the chains; as in `numpy_layers`."""
    n_chains, n_columns = uniform.shape
    n_batch = len(field) - n_chains
    chains = np.empty((n_chains, n_columns), np.bool_)
    # Rows end between vectors: what can be, is done to all as one.
    means = field.reshape(field.size)
    for i in range(len(means)):
        means[i] = _TWO / (_ONE + exp(-means[i])) - _ONE
    drawn, variates = chains.reshape(chains.size), uniform.reshape(uniform.size)
    own_means = means[n_batch * n_columns :]
    for i in range(len(drawn)):
        drawn[i] = own_means[i] > variates[i]
    # What tanh(field / 2) lacks to be twice the mean less the offset.
    lacking = _ONE - _TWO * offset
    for i in range(len(field)):
        own = field[i]
        weight = np.float32(0.5 * (batch_weight if i < n_batch else chain_weight))
        for j in range(n_columns):
            own[j] = (own[j] + lacking[j]) * weight
        own[-1] = _TWO * weight
    return chains
