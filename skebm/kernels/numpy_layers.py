"""What is done to binary units between products, in NumPy: the reference."""

__all__ = [
    "centre",
    "draw_below",
    "draw_units",
    "softplus_sum",
    "sum_rises",
    "weigh_and_draw",
]

import numpy as np

# Products of 2**3 factors between 1/2 and 1 are at least 1/256.
_N_PAIRINGS = 3

# As an array, which small fields are multiplied by in half the time.
_HALF = np.array(0.5, dtype=np.float32)


def draw_units(field, beta, variates):
    """Switch on the units for which tanh(beta * field / 2) exceeds a variate.

    Parameters
    ----------
    field : ndarray of shape (n_rows, n_units)
        Log-odds at inverse temperature 1; overwritten.
    beta : ndarray of shape (n_rows,) or (1,)
        Inverse temperature of each row or of all.
    variates : ndarray of shape (n_rows, n_units)
        Between -1 and 1.

    Returns
    -------
    on : ndarray of shape (n_rows, n_units)
        Boolean.
    """
    field *= (0.5 * beta)[:, np.newaxis]
    return np.tanh(field, out=field) > variates


def softplus_sum(field):
    """Sum log(1 + exp(field)) over each row, with one logarithm for all units of it.

    The error is one of rounding beside the sum of the fields' sizes.

    Parameters
    ----------
    field : ndarray of shape (n_rows, n_units)
        Log-odds; left as they are.

    Returns
    -------
    log_normaliser : ndarray of shape (n_rows,)
        In nats, of the dtype of `field`.
    """
    factors = np.abs(field)
    # The sum of max(field, 0), which is what a factor 1 + exp(-|field|) lacks.
    result = field.sum(axis=-1)
    result += factors.sum(axis=-1)
    result *= 0.5
    np.negative(factors, out=factors)
    np.exp(factors, out=factors)
    factors += 1
    # No factor exceeds 2, so products of so many are finite.
    most = np.finfo(field.dtype).maxexp - 1
    for start in range(0, field.shape[-1], most):
        part = factors[..., start : start + most]
        result += np.log(np.multiply.reduce(part, axis=-1))
    return result


def sum_rises(field, lower, step):
    """Sum softplus((lower + step) * field) - softplus(lower * field) over each row.

    With x = abs(field) a unit's rise is step * max(field, 0) plus log(1 + r) for

        r = (exp(-step x) - 1) / (1 + exp(lower x)) = (1 - T) t / (1 - t),

    T = tanh(lower x / 2) and t = tanh(-step x / 2). It lies between -1/2 and 0, and
    nothing cancels for small steps.

    Parameters
    ----------
    field : ndarray of shape (n_rows, n_units)
        Log-odds at inverse temperature 1.
    lower, step : ndarray of shape (n_rows,) or (1,)
        Inverse temperature of each row or of all, and by how much it rises; not
        negative.

    Returns
    -------
    rise : ndarray of shape (n_rows,)
        In nats, float64.
    """
    rise = step * np.maximum(field, 0).sum(axis=1, dtype=np.float64)
    size = np.abs(field)
    ratio = size * (0.5 * lower)[:, np.newaxis]
    np.tanh(ratio, out=ratio)
    np.subtract(1, ratio, out=ratio)
    size *= (-0.5 * step)[:, np.newaxis]
    tanh = np.tanh(size, out=size)
    ratio *= tanh
    ratio /= np.subtract(1, tanh, out=tanh)
    return rise + _sum_log1p(ratio)


def _sum_log1p(ratio):
    """Sum log(1 + ratio) over each row, one logarithm for many; overwrites `ratio`.

    1 + a times 1 + b is 1 + (a + b + a b), of which what is in brackets is kept:
    small ratios would lose their last digits to the 1.
    """
    n_left = ratio.shape[1]
    for _ in range(_N_PAIRINGS):
        n_pairs = n_left // 2
        n_left -= n_pairs
        first, last = ratio[:, :n_pairs], ratio[:, n_left : n_left + n_pairs]
        product = first * last
        first += last
        first += product
    return np.log1p(ratio[:, :n_left]).sum(axis=1, dtype=np.float64)


def centre(units, offset):
    """Subtract offsets from units, and put the constant in the last column.

    Parameters
    ----------
    units : ndarray of shape (n_rows, n_units) or (n_rows, n_units + 1)
        Boolean or real. A last column too many means nothing.
    offset : ndarray of shape (n_units + 1,)
        What is subtracted; at the end 0.

    Returns
    -------
    centred : ndarray of shape (n_rows, n_units + 1)
        Of the dtype of the offsets.
    """
    centred = np.empty((len(units), offset.shape[-1]), offset.dtype)
    centred[:, : units.shape[1]] = units
    centred[:, -1] = 1
    centred -= offset
    return centred


def draw_below(batch, field, uniform, offset):
    """Draw the visible units of the chains and put them below rows of data.

    Parameters
    ----------
    batch : ndarray of shape (n_batch, n_visible)
        Rows of data, boolean or of the dtype of `field`.
    field : ndarray of shape (n_chains, n_visible + 1)
        Log-odds of the visible units of the chains; overwritten.
    uniform : ndarray of shape (n_chains, n_visible + 1)
        Variates between -1 and 1. The last column of both means nothing.
    offset : ndarray of shape (n_visible + 1,)
        What is subtracted from the units; at the end 0.

    Returns
    -------
    rows : ndarray of shape (n_batch + n_chains, n_visible + 1)
        The batch, and below it the draws, centred, with the constant.
    """
    field *= _HALF
    on = np.tanh(field, out=field) > uniform
    n_batch = len(batch)
    rows = np.empty((n_batch + len(field), field.shape[1]), field.dtype)
    rows[:n_batch, :-1] = batch
    rows[n_batch:] = on
    rows -= offset
    rows[:, -1] = 1
    return rows


def weigh_and_draw(field, uniform, offset, batch_weight, chain_weight):
    """Draw the hidden units of the chains, and weigh the means of all rows.

    Parameters
    ----------
    field : ndarray of shape (n_batch + n_chains, n_hidden + 1)
        Log-odds of the hidden units; overwritten by what is to be multiplied by the
        visible units and summed: the mean of each unit less its offset, times the
        weight of its row.
    uniform : ndarray of shape (n_chains, n_hidden + 1)
        Variates between -1 and 1. The last column of both means nothing.
    offset : ndarray of shape (n_hidden + 1,)
        What is subtracted from the means; at the end 0.
    batch_weight, chain_weight : float
        Of each row of the batch, and of each row of the chains.

    Returns
    -------
    chains : ndarray of shape (n_chains, n_hidden + 1)
        Boolean.
    """
    n_batch = len(field) - len(uniform)
    field *= _HALF
    np.tanh(field, out=field)
    above, below = field[:n_batch], field[n_batch:]
    chains = below > uniform
    # 1 + tanh(field / 2) is twice the mean.
    field += 1 - 2 * offset
    field[:, -1] = 2
    above *= 0.5 * batch_weight
    below *= 0.5 * chain_weight
    return chains
