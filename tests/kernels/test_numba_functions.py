import numpy as np
import pytest

pytest.importorskip("numba")

from skebm.kernels.numba_functions import exp, log

EPSILON = np.finfo(np.float32).eps


@pytest.fixture(params=["compiled", "as Python"])
def variant(request):
    if request.param == "compiled":
        return lambda function: function
    return lambda function: getattr(function, "py_func", function)


def evaluate(function, arguments):
    with np.errstate(over="ignore"):  # integers that wrap round, as they should
        return np.array([function(x) for x in arguments], dtype=np.float32)


def test_logarithms_to_rounding(variant):
    x = np.geomspace(1e-37, 1e38, 20_001, dtype=np.float32)
    exact = np.log(x.astype(np.float64))
    error = np.abs(evaluate(variant(log), x) - exact)
    np.testing.assert_array_less(error, 2 * EPSILON * np.maximum(1, np.abs(exact)))


def test_exponentials_to_rounding(variant):
    x = np.linspace(-86.9, 87.9, 20_001, dtype=np.float32)
    error = np.abs(evaluate(variant(exp), x) / np.exp(x.astype(np.float64)) - 1)
    np.testing.assert_array_less(error, 2 * EPSILON)


def test_exponentials_of_extreme_arguments_are_those_of_the_nearest_allowed(variant):
    far = evaluate(variant(exp), np.float32([-np.inf, -1e30, 1e30, np.inf]))
    near = evaluate(variant(exp), np.float32([-87, -87, 88, 88]))
    np.testing.assert_array_equal(far, near)
