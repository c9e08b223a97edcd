"""Binary units, whose field is their log-odds of being on."""

__all__ = [
    "BinaryUnits",
    "all_configurations",
    "draw_binary",
    "logistic",
    "softplus",
    "softplus_sum",
    "tanh_and_log_cosh",
]

from dataclasses import dataclass

import numpy as np
from scipy.special import logit

from skebm.kernels import kernels_of
from skebm.units.base import Units

# Products of so many factors between 1 and 2 stay within float64.
_MOST_FACTORS = 1000


@dataclass(frozen=True)
class BinaryUnits(Units):
    """Units that are on, 1, or off, 0; states are booleans where they are drawn.

    Parameters
    ----------
    n_units : int
        Number of units, each of them a column.
    """

    n_units: int

    @property
    def n_columns(self):
        """Number of columns: one a unit."""
        return self.n_units

    @property
    def n_configurations(self):
        """Number of configurations of all units together."""
        return 2**self.n_units

    @property
    def switches(self):
        """Number the units: each has a column of its own."""
        return np.arange(self.n_units)

    def draw(self, field, noise, beta=1.0):
        """Draw units; see `draw_binary`."""
        return draw_binary(field, noise, beta)

    def mean(self, field):
        """Compute the probability of each unit to be on; overwrites `field`."""
        return logistic(field)

    def natural(self, mean):
        """Give the log-odds of units that are on with these probabilities."""
        return logit(mean)

    def variance(self, mean):
        """Compute the variance of units that are on with these probabilities."""
        return mean * (1 - mean)

    def log_normaliser(self, field):
        """Sum log(1 + exp(field)) over the units of each row, in nats."""
        return softplus_sum(field)

    def rise(self, field, beta, other):
        """Sum softplus(other * field) - softplus(beta * field) over each row.

        The difference is formed before it is rounded, so that float32 fields lose
        nothing that thousands of temperatures could add up to.
        """
        lower = _vector(np.minimum(beta, other), field)
        step = _vector(np.abs(np.subtract(other, beta)), field)
        rise = _layer_kernels(field.dtype).sum_rises(field, lower, step)
        return np.where(np.less(other, beta), -rise, rise)

    def observed_score(self, field, states, observed):
        """Compute log p(what is observed of each row | each field); see `Units`."""
        known = np.where(observed, states, 0.0)
        return known @ field.T - observed @ softplus(field).T

    def log_missing(self, field, states, observed):
        """Sum over what is missing of each row; see `Units`."""
        known, missing = (states * field).astype(np.float64), softplus(field)
        return np.where(observed, known, missing).sum(axis=1, dtype=np.float64)

    def configurations(self, numbers):
        """List configurations by their numbers, of which the first unit is bit 0."""
        bits = np.asarray(numbers)[:, np.newaxis] >> np.arange(self.n_units) & 1
        return bits.astype(np.float64)


def all_configurations(n_units):
    """List the 2**n_units configurations of units, the first unit changing fastest."""
    return BinaryUnits(n_units).configurations(np.arange(2**n_units))


def draw_binary(field, noise, beta=1.0):
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
    kernels = _layer_kernels(field.dtype)
    return kernels.draw_units(field, _vector(beta, field), variates)


def softplus_sum(field):
    """Sum log(1 + exp(field)) over each row: `kernels.numpy_layers.softplus_sum`."""
    return _layer_kernels(field.dtype).softplus_sum(field)


def _layer_kernels(dtype):
    """Choose between NumPy and what is compiled, which is for float32."""
    return kernels_of("layers", compiled=dtype == np.float32)


def _vector(beta, field):
    """Make a vector of the field's dtype: a wider one would widen every product."""
    return np.atleast_1d(beta).astype(field.dtype)


def logistic(field):
    """Compute the probability of being on; overwrites `field`.

    In float32 the hyperbolic tangent is exact to float32 in absolute terms. In
    float64, where users see the result, small probabilities keep their relative
    precision; `scipy.special.expit` is slower where exponentials are vectorised.
    """
    if field.dtype == np.float64:
        # In place, `np.negative` of NumPy 2.4 is wrong for one column of eight.
        field *= -1
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
