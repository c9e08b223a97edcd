"""Densities of each visible unit of a Gaussian RBM given all others."""

__all__ = ["conditional_log_density"]

import numpy as np
from scipy.special import logsumexp

from skebm.units.binary import softplus

# Nodes of the trapezoidal rule, in standard deviations of the noise. The density
# is a mixture of normal ones of this width, of which the rule at this spacing
# leaves an error of 2 exp(-2 (pi / 0.75)^2), and less lies beyond the ends.
_SPACING = 0.75
_BEYOND = 8.5

# Products stay within float64 of so many factors at a time, each at most twice its
# share of exp(340), and at least its share of exp(-340).
_MOST_FACTORS = 400
_LARGEST_EXPONENT = 340.0

# Nodes taken at a time, at most, so that the memory is bounded.
_MOST_NODES = 64

# Fields worked on at a time: a few arrays of 128 KiB, within the processor's cache.
_BLOCK_ELEMENTS = 2**14


def conditional_log_density(energy, visible):
    """Compute log p(v_i | the other visible units) for every unit i.

    Given the others, a unit is a mixture of normal densities, one for each
    configuration of the hidden units. Its integral is taken by the trapezoidal
    rule, which is exact to rounding for such functions.

    Parameters
    ----------
    energy : GaussianRBMEnergy
        In float64.
    visible : ndarray of shape (n_samples, n_visible)
        The rows.

    Returns
    -------
    log_density : ndarray of shape (n_samples, n_visible)
        In nats.
    """
    result = np.empty(visible.shape)
    size = max(1, _BLOCK_ELEMENTS // energy.n_hidden)
    for start in range(0, len(visible), size):
        block = slice(start, start + size)
        result[block] = _log_density_of_block(energy, visible[block])
    return result


def _log_density_of_block(energy, visible):
    white = energy.visible.statistics(visible)
    deviations = 1 / np.sqrt(energy.visible.precisions)
    slope_of = energy.visible.slope_by_states
    # How far each unit lies from its mean where no hidden unit is on, and what it
    # does to the hidden fields to move, both in standard deviations of the unit.
    places = deviations * slope_of(white - energy.visible_bias)
    slopes = (deviations * slope_of(energy.weights)).T
    # A column for each row: sums over hidden units are then those of long arrays.
    field = np.dot(energy.weights, white.T) + energy.hidden_bias[:, np.newaxis]
    log_weight = softplus(field).sum(axis=0)

    result = np.empty(white.shape)
    for unit, (place, slope) in enumerate(zip(places.T, slopes, strict=True)):
        first = np.minimum(slope, 0).sum() - _BEYOND
        last = np.maximum(slope, 0).sum() + _BEYOND
        n_nodes = 1 + int(np.ceil((last - first) / _SPACING))
        nodes, spacing = np.linspace(first, last, n_nodes, retstep=True)
        field_at_zero = field - np.outer(slope, place)
        exponent = max(spacing * np.abs(slope).sum(), 1.0)
        size = min(_MOST_NODES, 1 + int(2 * _LARGEST_EXPONENT / exponent))
        log_integral = np.full(len(visible), -np.inf)
        for start in range(0, n_nodes, size):
            some = nodes[start : start + size]
            log_density = _log_sums(field_at_zero, slope, some, spacing)
            log_density -= some[:, np.newaxis] ** 2 / 2
            log_integral = np.logaddexp(log_integral, logsumexp(log_density, axis=0))
        log_integral += np.log(spacing * deviations[unit])
        result[:, unit] = log_weight - place**2 / 2 - log_integral
    return result


def _log_sums(field, slope, nodes, spacing):
    """Sum log(1 + exp(field + node * slope)) over the units, at each node.

    In the middle of the nodes the field is x, and y more at each of them. There
    1 + exp(x + y) is 1 + exp(x) exp(y), or exp(x) times exp(-x) + exp(y), whichever
    does not overflow. From each node to the next exp(y) changes by a constant factor,
    so that no other exponentials are taken.

    Parameters
    ----------
    field : ndarray of shape (n_hidden, n_samples)
        Log-odds of the hidden units at 0.
    slope : ndarray of shape (n_hidden,)
        By how much they rise from there to 1.
    nodes : ndarray of shape (n_nodes,)
        Rising.
    spacing : float
        From each node to the next.

    Returns
    -------
    log_sums : ndarray of shape (n_nodes, n_samples)
        In nats.
    """
    slope = slope[:, np.newaxis]
    middle = (nodes[0] + nodes[-1]) / 2
    there = field + middle * slope
    least = np.maximum(there, 0)
    log_sums = np.tile(least.sum(axis=0), (len(nodes), 1))
    off, on = np.exp(-least), np.exp(there - least)
    on *= np.exp((nodes[0] - middle) * slope)
    # Of the full shape, which is several times faster to multiply by. Where it would
    # overflow there is one node only.
    ratio = np.exp(np.minimum(spacing * slope, 2 * _LARGEST_EXPONENT))
    ratio = np.broadcast_to(ratio, field.shape).copy()
    factors = np.empty_like(field)
    for node, log_sum in enumerate(log_sums):
        if node > 0:
            on *= ratio
        np.add(on, off, out=factors)
        for start in range(0, len(factors), _MOST_FACTORS):
            part = factors[start : start + _MOST_FACTORS]
            log_sum[:] += np.log(np.multiply.reduce(part, axis=0))
    return log_sums
