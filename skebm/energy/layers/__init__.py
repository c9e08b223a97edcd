"""What is done to the units of a layer between products: draws, means and weights.

In NumPy and, where numba is installed, compiled: with few units and short batches
most of the time is the calls of NumPy, and with many the passes over memory.
"""

__all__ = [
    "draw_layer",
    "layer_kernels",
    "softplus_difference",
    "softplus_of_layer",
    "softplus_rise",
]

import numpy as np

from skebm._compilation import kernels_of


def draw_layer(field, noise, beta=1.0):
    """Draw units that are independent of each other.

    Parameters
    ----------
    field : ndarray of shape (n_rows, n_units)
        Log-odds of the units at inverse temperature 1; overwritten.
    noise : UniformNoise
        Source of the draws.
    beta : float or ndarray of shape (n_rows,), default=1.0
        Inverse temperature.

    Returns
    -------
    on : ndarray of shape (n_rows, n_units)
        Boolean. Whether numba is installed does not change it, but for draws
        closer to their odds than rounding.
    """
    variates = noise.draw(field.shape)
    return layer_kernels(field.dtype).draw_units(field, _vector(beta, field), variates)


def softplus_of_layer(field):
    """Sum log(1 + exp(field)) over each row: the log normaliser of a layer.

    Parameters
    ----------
    field : ndarray of shape (n_rows, n_units)
        Log-odds of the units; overwritten.

    Returns
    -------
    log_normaliser : ndarray of shape (n_rows,)
        In nats, of the dtype of `field`.
    """
    return layer_kernels(field.dtype).softplus_sum(field)


def softplus_difference(before, after):
    """Sum softplus(after) - softplus(before) over each row.

    Parameters
    ----------
    before, after : ndarray of shape (n_rows, n_units)
        Log-odds of the units, of one dtype.

    Returns
    -------
    difference : ndarray of shape (n_rows,)
        In nats, float64.
    """
    return layer_kernels(after.dtype).sum_differences(before, after)


def softplus_rise(field, beta, next_beta):
    """Sum softplus(next_beta * field) - softplus(beta * field) over each row.

    The difference is formed before it is rounded, so that float32 fields lose
    nothing that thousands of temperatures could add up to.

    Parameters
    ----------
    field : ndarray of shape (n_rows, n_units)
        Log-odds of the units at inverse temperature 1.
    beta, next_beta : float or ndarray of shape (n_rows,)
        Inverse temperatures, either may be the lower one.

    Returns
    -------
    rise : ndarray of shape (n_rows,)
        In nats, float64.
    """
    lower = _vector(np.minimum(beta, next_beta), field)
    step = _vector(np.abs(np.subtract(next_beta, beta)), field)
    rise = layer_kernels(field.dtype).sum_rises(field, lower, step)
    return np.where(np.less(next_beta, beta), -rise, rise)


def layer_kernels(dtype):
    """Choose between NumPy and what is compiled, which is for float32.

    Parameters
    ----------
    dtype : numpy.dtype
        Of the fields.

    Returns
    -------
    kernels : module
        With the functions of `skebm.energy.layers.array_kernels`.
    """
    return kernels_of(__name__, compiled=dtype == np.float32)


def _vector(beta, field):
    """Make a vector of the field's dtype: a wider one would widen every product."""
    return np.atleast_1d(beta).astype(field.dtype)
