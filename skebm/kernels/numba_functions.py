"""Elementary functions in float32, without branches, so that loops of them vectorise.

Only for where numba is installed. Both follow Moshier [1]_.

References
----------
.. [1] Moshier, S. L. (1989). Methods and Programs for Mathematical Functions.
   Ellis Horwood.
"""

__all__ = ["exp", "log"]

import numpy as np

from skebm.kernels import compile_loop

_ONE = np.float32(1)

# log(1 + z) / z**2 - 1 / z, for 1 + z between the square roots of 1/2 and 2.
_LOG_2 = np.float32(np.log(2))
_BITS_OF_ROOT_HALF = np.sqrt(np.float32(0.5)).view(np.int32)
_LOG_SERIES = tuple(
    np.float32(
        [
            0.070376836,
            -0.11514610,
            0.11676999,
            -0.12420141,
            0.14249323,
            -0.16668058,
            0.20000715,
            -0.24999994,
            0.33333331,
            -0.5,
        ]
    )
)

# (exp(x) - 1 - x) / x**2, for x between -log(2) / 2 and log(2) / 2.
_EXP_SERIES = tuple(
    np.float32(
        [
            1.9875691500e-4,
            1.3981999507e-3,
            8.3334519073e-3,
            4.1665795894e-2,
            1.6666665459e-1,
            5.0000001201e-1,
        ]
    )
)
_LOG2_E = np.float32(1 / np.log(2))
_LOWEST, _HIGHEST = np.float32(-87), np.float32(88)
# log(2) in two parts, of which the first times a small integer is exact.
_LOG_2_HIGH, _LOG_2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
# Adding this to a small number leaves its nearest integer in the lowest bits.
_ROUNDING = np.float32(1.5 * 2**23)


@compile_loop
def log(x):
    """Compute the natural logarithm of a positive normal number."""
    # x = 2 ** power * (1 + z), whose bits are those of 1 + z with `power` added to
    # the exponent.
    bits = np.float32(x).view(np.int32)
    power = np.int32(np.int32(bits - _BITS_OF_ROOT_HALF) >> np.int32(23))
    z = np.int32(bits - np.int32(power << np.int32(23))).view(np.float32) - _ONE
    series = _LOG_SERIES[0]
    for coefficient in _LOG_SERIES[1:]:
        series = series * z + coefficient
    return np.float32(power) * _LOG_2 + (z + z * z * series)


@compile_loop
def exp(x):
    """Compute the exponential, of arguments outside [-87, 88] that of the nearest."""
    x = min(max(np.float32(x), _LOWEST), _HIGHEST)
    rounded = np.float32(x * _LOG2_E + _ROUNDING)
    power = np.float32(rounded - _ROUNDING)
    rest = x - power * _LOG_2_HIGH - power * _LOG_2_LOW
    series = _EXP_SERIES[0]
    for coefficient in _EXP_SERIES[1:]:
        series = series * rest + coefficient
    result = np.float32(series * rest * rest + rest + _ONE)
    raised = np.int32(rounded.view(np.int32) << np.int32(23))
    return np.int32(result.view(np.int32) + raised).view(np.float32)
