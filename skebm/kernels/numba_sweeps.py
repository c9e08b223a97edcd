"""Sweeps over the units of pairwise machines as loops that numba compiles."""

__all__ = ["gibbs_thresholds", "sweep_classes", "sweep_in_order"]

import numpy as np

from skebm.kernels import compile_loop
from skebm.kernels import numpy_sweeps as reference
from skebm.kernels.chains import stretches
from skebm.kernels.numba_functions import log

# The weights of a block of units stay in the second cache, the fields of a block
# in a tile of rows in the first.
_BLOCK = 64
_TILE = 64

# How many rows of weights are added to fields at once.
_AT_ONCE = 8

# Fields are kept up to date by adding what changes; as often as this they are
# summed anew, so that rounding errors do not pile up.
_SWEEPS_BETWEEN_SUMS = 32

_ONE = np.float32(1)


def sweep_in_order(chains, weights, n_sweeps, draw):
    """Update the units one after another; as in `numpy_sweeps`."""
    weights = np.ascontiguousarray(weights)
    if n_sweeps == 1:
        _sweep_once(*chains, weights, draw)
    else:
        _sweep_repeatedly(*chains, weights, n_sweeps, draw)


def _sweep_once(on, beta, weights, draw):
    """Sum each field once, by one product for a block."""
    signal = on * beta
    for begin, thresholds in _draw_blocks(on.shape, draw):
        block = slice(begin, begin + len(thresholds))
        fields = np.dot(weights[block], signal)
        signal[block] += _update_block(fields, weights, thresholds, (on, beta), begin)


def _sweep_repeatedly(on, beta, weights, n_sweeps, draw):
    """Keep the fields of all units, which change only where units flip.

    The flips of a block of units are added to one row after another, so that the
    weights of the block stay in the cache.
    """
    for n_done in range(n_sweeps):
        if n_done % _SWEEPS_BETWEEN_SUMS == 0:
            fields = _sum_fields(on, beta, weights)
        is_last = n_done == n_sweeps - 1
        for begin, thresholds in _draw_blocks(on.shape, draw):
            end = begin + len(thresholds)
            own = np.ascontiguousarray(fields[:, begin:end].T)
            flips = _update_block(own, weights, thresholds, (on, beta), begin)
            # After the last sweep nobody asks for the fields of those before.
            _add_flips(fields, weights, flips, begin, end if is_last else 0)


def _draw_blocks(shape, draw):
    for members in stretches(shape):
        thresholds = draw(members)
        for first in range(0, len(thresholds), _BLOCK):
            yield members.start + first, thresholds[first : first + _BLOCK]


def _sum_fields(on, beta, weights):
    """Sum beta times the weights of the units that are on, a row of fields a chain.

    What is on in most rows is summed once, and each row's differences are added.
    """
    usual = 2 * np.count_nonzero(on, axis=1) > on.shape[1]
    fields = np.multiply.outer(beta, weights @ usual.astype(weights.dtype))
    for begin in range(0, len(on), _BLOCK):
        block = slice(begin, begin + _BLOCK)
        differences = on[block] * beta - usual[block, np.newaxis] * beta
        _add_flips(fields, weights, differences, begin, 0)
    return fields


@compile_loop
def _update_block(fields, weights, thresholds, chains, begin):
    """Update consecutive units and return by how much what they send has changed.

    Parameters
    ----------
    fields : ndarray of shape (n_block, n_rows)
        Of these units before the first of them is updated; overwritten.
    """
    on, beta = chains
    n_block, n_rows = fields.shape
    flips = np.empty_like(fields)
    for first in range(0, n_rows, _TILE):
        last = min(first + _TILE, n_rows)
        for i in range(n_block):
            field = fields[i, first:last]
            couplings = weights[begin + i, begin : begin + i]
            _correct_field(field, couplings, flips, first)
            _update_unit(
                field,
                thresholds[i, first:last],
                beta[first:last],
                on[begin + i, first:last],
                flips[i, first:last],
            )
    return flips


@compile_loop
def _correct_field(field, couplings, flips, first):
    """Add what earlier units of the block have changed, in rows from the first."""
    last = first + len(field)
    n_earlier = len(couplings)
    fours = n_earlier // 4 * 4
    for j in range(0, fours, 4):
        w0, w1 = couplings[j], couplings[j + 1]
        w2, w3 = couplings[j + 2], couplings[j + 3]
        x0, x1 = flips[j, first:last], flips[j + 1, first:last]
        x2, x3 = flips[j + 2, first:last], flips[j + 3, first:last]
        for r in range(len(field)):
            field[r] += (w0 * x0[r] + w1 * x1[r]) + (w2 * x2[r] + w3 * x3[r])
    for j in range(fours, n_earlier):
        w0, x0 = couplings[j], flips[j, first:last]
        for r in range(len(field)):
            field[r] += w0 * x0[r]


@compile_loop
def _update_unit(field, thresholds, beta, on, flips):
    # Three loops, since one of several types is not vectorised.
    for r in range(len(field)):
        flips[r] = beta[r] if on[r] else 0 * beta[r]
    for r in range(len(field)):
        on[r] = field[r] > thresholds[r]
    for r in range(len(field)):
        flips[r] = (beta[r] if on[r] else 0 * beta[r]) - flips[r]


@compile_loop
def _add_flips(fields, weights, flips, begin, keep):
    """Add flips of a block to the fields of the units from `keep` on."""
    n_block, n_rows = flips.shape
    chosen = np.empty(n_block + _AT_ONCE, np.int64)
    amounts = np.empty(n_block + _AT_ONCE, fields.dtype)
    for row in range(n_rows):
        n_chosen = 0
        # Without a branch: it would be mispredicted at every flip.
        for i in range(n_block):
            chosen[n_chosen] = begin + i
            amounts[n_chosen] = flips[i, row]
            n_chosen += flips[i, row] != 0
        n_filled = -(-n_chosen // 4) * 4
        chosen[n_chosen:n_filled] = begin
        amounts[n_chosen:n_filled] = 0
        _add_rows(fields[row, keep:], weights, chosen[:n_filled], amounts)


@compile_loop
def _add_rows(field, weights, chosen, amounts):
    """Add multiples of the chosen weights, four or more rows, to the last fields.

    Eight at a time, so that the fields are read and written less often.
    """
    n_units = len(field)
    keep = weights.shape[1] - n_units
    k = 0
    if len(chosen) % _AT_ONCE:
        a0, a1, a2, a3 = amounts[0], amounts[1], amounts[2], amounts[3]
        w0, w1 = weights[chosen[0], keep:], weights[chosen[1], keep:]
        w2, w3 = weights[chosen[2], keep:], weights[chosen[3], keep:]
        for i in range(n_units):
            field[i] += (a0 * w0[i] + a1 * w1[i]) + (a2 * w2[i] + a3 * w3[i])
        k = 4
    while k < len(chosen):
        a0, a1, a2, a3 = amounts[k], amounts[k + 1], amounts[k + 2], amounts[k + 3]
        a4, a5, a6, a7 = amounts[k + 4], amounts[k + 5], amounts[k + 6], amounts[k + 7]
        w0, w1 = weights[chosen[k], keep:], weights[chosen[k + 1], keep:]
        w2, w3 = weights[chosen[k + 2], keep:], weights[chosen[k + 3], keep:]
        w4, w5 = weights[chosen[k + 4], keep:], weights[chosen[k + 5], keep:]
        w6, w7 = weights[chosen[k + 6], keep:], weights[chosen[k + 7], keep:]
        for i in range(n_units):
            low = (a0 * w0[i] + a1 * w1[i]) + (a2 * w2[i] + a3 * w3[i])
            high = (a4 * w4[i] + a5 * w5[i]) + (a6 * w6[i] + a7 * w7[i])
            field[i] += low + high
        k += _AT_ONCE


def sweep_classes(chains, weights, colours, n_sweeps, draw):
    """Update all units of one colour at once; as in `numpy_sweeps`."""
    couplings = weights.indptr, weights.indices, weights.data
    for _ in range(n_sweeps):
        for members in colours:
            thresholds = draw(members)
            _update_members(tuple(chains), couplings, members, thresholds)


@compile_loop
def _update_members(chains, couplings, members, thresholds):
    on, beta = chains
    starts, others, weights = couplings
    zero = weights.dtype.type(0)
    field = np.empty(len(beta), weights.dtype)
    for i, unit in enumerate(members):
        field[:] = 0
        begin, end = starts[unit], starts[unit + 1]
        fours = begin + (end - begin) // 4 * 4
        for k in range(begin, fours, 4):
            w0, w1, w2, w3 = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
            x0, x1 = on[others[k]], on[others[k + 1]]
            x2, x3 = on[others[k + 2]], on[others[k + 3]]
            for r in range(len(field)):
                low = (w0 if x0[r] else zero) + (w1 if x1[r] else zero)
                high = (w2 if x2[r] else zero) + (w3 if x3[r] else zero)
                field[r] += low + high
        for k in range(fours, end):
            weight, other = weights[k], on[others[k]]
            for r in range(len(field)):
                field[r] += weight if other[r] else zero
        updated, threshold = on[unit], thresholds[i]
        for r in range(len(field)):
            updated[r] = beta[r] * field[r] > threshold[r]


def gibbs_thresholds(uniform, bias, chains, members):
    """Turn uniform variates into thresholds; as in `numpy_sweeps`, to rounding."""
    if not uniform.dtype == bias.dtype == np.float32:
        return reference.gibbs_thresholds(uniform, bias, chains, members)
    drawn = np.empty_like(uniform)
    _log_odds_less_bias(uniform, bias, drawn)
    return drawn


@compile_loop
def _log_odds_less_bias(uniform, bias, result):
    for i in range(len(uniform)):
        variates, own, row = uniform[i], bias[i], result[i]
        for r in range(len(row)):
            row[r] = log((_ONE + variates[r]) / (_ONE - variates[r]))
        if len(own) == 1:
            for r in range(len(row)):
                row[r] -= own[0]
        else:
            for r in range(len(row)):
                row[r] -= own[r]
