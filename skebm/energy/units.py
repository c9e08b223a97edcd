"""Binary units, whose log-odds of being on are called their field."""

__all__ = [
    "all_configurations",
    "draw_units",
    "logistic",
    "softplus",
    "tanh_and_log_cosh",
]

import numpy as np
from scipy.special import expit

# Products of so many factors between 1 and 2 stay within float64.
_MOST_FACTORS = 1000


def logistic(field):
    """Compute the probability of being on; overwrites `field`.

    In float32 the hyperbolic tangent is several times faster than
    `scipy.special.expit`, and exact to float32 in absolute terms. In float64,
    where users see the result, small probabilities keep their relative precision.
    """
    if field.dtype == np.float64:
        return expit(field, out=field)
    field *= 0.5
    np.tanh(field, out=field)
    field *= 0.5
    field += 0.5
    return field


def softplus(field):
    """Compute log(1 + exp(field)), the log normaliser of a unit.

    The same as ``np.logaddexp(0, field)`` at a sixth of its time; it is the
    inner loop of every free energy.
    """
    result = np.abs(field)
    np.negative(result, out=result)
    np.exp(result, out=result)
    np.log1p(result, out=result)
    result += np.maximum(field, 0)
    return result


def tanh_and_log_cosh(half_field):
    """Compute tanh(x) and the sum over units of log(2 cosh(x)); overwrites x.

    log(2 cosh(x)) is |x| + log(2) - log(1 + |tanh(x)|), with one hyperbolic
    tangent for both and one logarithm for all the units of a configuration.

    Parameters
    ----------
    half_field : ndarray of shape (n_units, n_configurations)
        Half the log-odds of each unit.

    Returns
    -------
    tanh : ndarray of shape (n_units, n_configurations)
        In the memory of `half_field`.
    log_cosh : ndarray of shape (n_configurations,)
        In nats.
    """
    magnitude = np.abs(half_field)
    log_cosh = magnitude.sum(axis=0)
    log_cosh += len(half_field) * np.log(2)
    tanh = np.tanh(half_field, out=half_field)
    factors = np.abs(tanh, out=magnitude)
    factors += 1
    for start in range(0, len(factors), _MOST_FACTORS):
        part = factors[start : start + _MOST_FACTORS]
        log_cosh -= np.log(np.multiply.reduce(part, axis=0))
    return tanh, log_cosh


def all_configurations(n_units):
    """List the 2**n_units configurations of units, the first unit changing fastest.

    Returns
    -------
    configurations : ndarray of shape (2**n_units, n_units)
        Zeros and ones, float64.
    """
    numbers = np.arange(2**n_units)[:, np.newaxis]
    return (numbers >> np.arange(n_units) & 1).astype(np.float64)


def draw_units(field, noise, beta=1.0):
    """Draw units at inverse temperature `beta`, as booleans; overwrites `field`."""
    field *= 0.5 * beta
    return np.tanh(field, out=field) > noise.draw(field.shape)
