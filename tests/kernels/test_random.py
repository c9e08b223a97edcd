"""The streams of random bits, by each of their implementations."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from implementations import IMPLEMENTATIONS, use

from skebm.kernels import kernels_of
from skebm.kernels.numpy_random import N_STREAMS
from skebm.sampling.random import seed_streams

CASES = [*((name, np.float32) for name in IMPLEMENTATIONS), ("arrays", np.float64)]


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]} {case[1].__name__}")
def kernel(request, monkeypatch):
    """What fills rows of so many variates, by the kernel of a dtype."""
    implementation, dtype = request.param
    fill_uniform = use(implementation, monkeypatch, "random").fill_uniform

    def filled(states, n_variates, scale=1):
        variates = np.empty((states.shape[1], n_variates), dtype)
        fill_uniform(states, variates, dtype(scale))
        return variates

    return filled


def integers_of(states, n_integers, dtype):
    """Draw words from NumPy's own generators, a row for each, as integers."""
    rows = []
    for state in states.T:
        generator = np.random.SFC64()
        generator.state = {
            "bit_generator": "SFC64",
            "state": {"state": state.copy()},
            "has_uint32": 0,
            "uinteger": 0,
        }
        words = np.random.Generator(generator).integers(0, 2**64, n_integers, np.uint64)
        rows.append(words.view(f"i{np.dtype(dtype).itemsize}")[:n_integers])
    return np.array(rows)


@pytest.mark.parametrize("n_variates", [1, 2, 7, 1023, 1024, 1025, 3000])
def test_each_row_is_from_a_generator_of_its_own(kernel, n_variates):
    states = seed_streams(np.random.default_rng(0))
    before = states.copy()
    variates = kernel(states, n_variates, 0.75)
    exact = integers_of(before, n_variates, variates.dtype) * np.longdouble(0.75)
    eps = np.finfo(variates.dtype).eps
    np.testing.assert_allclose(variates, exact, rtol=2 * eps, atol=0)


def test_streams_go_on_where_they_were(kernel):
    at_once, in_parts = (seed_streams(np.random.default_rng(0)) for _ in range(2))
    whole = kernel(at_once, 5000)
    parts = [kernel(in_parts, n) for n in (2, 1998, 3000)]
    np.testing.assert_array_equal(np.hstack(parts), whole)
    np.testing.assert_array_equal(in_parts, at_once)


def test_all_implementations_draw_the_same():
    pytest.importorskip("numba")
    results = []
    for compiled in (True, False):
        states = seed_streams(np.random.default_rng(0))
        variates = np.empty((N_STREAMS, 2501), np.float32)
        kernels_of("random", compiled=compiled).fill_uniform(
            states, variates, np.float32(0.7)
        )
        results.append((variates, states))
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


def test_threads_do_not_draw_from_each_others_streams(kernel):
    def draw(seed):
        states = seed_streams(np.random.default_rng(seed))
        return [kernel(states, 200) for _ in range(20)]

    alone = [draw(seed) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(draw, range(8)))
    np.testing.assert_array_equal(together, alone)
