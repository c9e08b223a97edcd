"""All conditionals of a fully visible Boltzmann machine at once, and their slope."""

__all__ = ["sum_conditionals"]

import numpy as np

from skebm.units.binary import tanh_and_log_cosh

# Rows worked on at a time hold 512 KiB: within the processor's cache, where all that
# is not a product of matrices takes half the time.
_BLOCK_ELEMENTS = 2**16


def sum_conditionals(energy, visible, row_weights):
    """Sum log p(x_i | the other units) over units and rows, with its derivatives.

    Parameters
    ----------
    energy : PairwiseEnergy
        In float64.
    visible : ndarray of shape (n_rows, n_visible)
        Zeros and ones, or values in between: these weigh the log-probabilities of
        on and off, and enter the fields of others as they are.
    row_weights : ndarray of shape (n_rows,)
        What each row weighs in the sums.

    Returns
    -------
    log_likelihood : float
        Weighted sum, in nats.
    moments : ndarray of shape (n_units + 1, n_units + 1)
        Its derivatives by each coupling, taken once, and in the last row and column by
        the biases. Those by couplings that cannot exist may be left at zero.
    """
    half_couplings = energy.swept_couplings / 2
    half_bias = energy.bias[:, np.newaxis] / 2
    edges = None if energy.colours is None else energy.edges
    n_units = len(energy.bias)
    log_likelihood, slope = 0.0, np.zeros(n_units)
    coupling_slope = np.zeros((n_units, n_units) if edges is None else len(edges[0]))
    n_block = max(1, _BLOCK_ELEMENTS // n_units)
    for start in range(0, len(visible), n_block):
        block = slice(start, start + n_block)
        units = np.ascontiguousarray(visible[block].T)
        weights = row_weights[block]
        half_field = half_couplings @ units
        half_field += half_bias
        # x f - log(1 + exp(f)) is (2 x - 1) f / 2 - log(2 cosh(f / 2)), and its
        # derivative by f is x - (1 + tanh(f / 2)) / 2.
        score = 2 * np.einsum("ij,ij->j", units, half_field) - half_field.sum(axis=0)
        tanh, log_cosh = tanh_and_log_cosh(half_field)
        score -= log_cosh
        log_likelihood += score @ weights
        residual = np.multiply(tanh, -0.5, out=tanh)
        residual += units
        residual -= 0.5
        residual *= weights
        slope += residual.sum(axis=1)
        coupling_slope += _coupling_slope(residual, units, edges)
    moments = np.zeros((n_units + 1, n_units + 1))
    moments[:-1, :-1] = _symmetric(coupling_slope, edges, n_units)
    moments[-1, :-1] = moments[:-1, -1] = slope
    return float(log_likelihood), moments


def _coupling_slope(residual, units, edges):
    """Sum residual times unit over rows: by first and second unit, or by edge."""
    if edges is None:
        return np.dot(residual, units.T)
    first, second = edges
    forwards = np.einsum("ij,ij->i", residual[first], units[second])
    return forwards + np.einsum("ij,ij->i", residual[second], units[first])


def _symmetric(coupling_slope, edges, n_units):
    """Give the derivatives by couplings, which act on both of their units."""
    if edges is None:
        return coupling_slope + coupling_slope.T
    products = np.zeros((n_units, n_units))
    products[edges] = products[edges[::-1]] = coupling_slope
    return products
