"""Binary units, whose log-odds of being on are called their field."""

__all__ = [
    "all_configurations",
    "logistic",
    "softplus",
    "softplus_sum",
    "tanh_and_log_cosh",
]

import numpy as np

# Products of so many factors between 1 and 2 stay within float64.
_MOST_FACTORS = 1000


def logistic(field):
    """Compute the probability of being on; overwrites `field`.

    In float32 the hyperbolic tangent is exact to float32 in absolute terms. In
    float64, where users see the result, small probabilities keep their relative
    precision; `scipy.special.expit` is slower where exponentials are vectorised.
    """
    if field.dtype == np.float64:
        np.negative(field, out=field)
        with np.errstate(over="ignore"):  # one over infinity is the right answer
            np.exp(field, out=field)
        field += 1
        return np.reciprocal(field, out=field)
    field *= 0.5
    np.tanh(field, out=field)
    field *= 0.5
    field += 0.5
    return field


def softplus(field):
    """Compute log(1 + exp(field)), the log normaliser of a unit.

    The same as ``np.logaddexp(0, field)`` at a sixth of its time.
    """
    result = np.abs(field)
    np.negative(result, out=result)
    np.exp(result, out=result)
    np.log1p(result, out=result)
    result += np.maximum(field, 0)
    return result


def softplus_sum(field):
    """Sum log(1 + exp(field)) over the last axis; overwrites `field`.

    With one logarithm for all the units of a configuration. The error is one of
    rounding beside the sum of the fields' sizes.

    Parameters
    ----------
    field : ndarray of shape (..., n_units)
        Log-odds of each unit.

    Returns
    -------
    log_normaliser : ndarray of shape (...)
        In nats.
    """
    # The sum of max(field, 0), which is what a factor 1 + exp(-|field|) lacks.
    result = field.sum(axis=-1)
    factors = np.abs(field, out=field)
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
