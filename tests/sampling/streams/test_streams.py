"""The streams of random bits, by each of their implementations."""

from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import numpy as np
import pytest
from implementations import IMPLEMENTATIONS, use
from scipy import stats

from skebm import _compilation
from skebm.sampling.streams import N_STREAMS, fill_uniform, seed_streams

COMPILED = "skebm.sampling.streams.compiled_kernels"


@pytest.fixture(params=IMPLEMENTATIONS)
def implementation(request, monkeypatch):
    use(request.param, monkeypatch, COMPILED)
    if request.param.endswith("Python"):  # with the compiled instructions all the same
        monkeypatch.setattr(import_module(COMPILED), "draw_words", compiled_words())


def compiled_words():
    """Compile the drawing of words by itself, and anew."""
    numba = pytest.importorskip("numba")
    draw_words = import_module("skebm.sampling.streams.compiled_words").draw_words

    @numba.njit
    def draw(states, words, n_words):
        draw_words(states, words, n_words)

    return draw


def words_of(states, n_words):
    """Draw words from NumPy's own generators, a row for each."""
    rows = []
    for state in states.T:
        generator = np.random.SFC64()
        generator.state = {
            "bit_generator": "SFC64",
            "state": {"state": state.copy()},
            "has_uint32": 0,
            "uinteger": 0,
        }
        own = np.random.Generator(generator).integers(0, 2**64, n_words, np.uint64)
        rows.append(own)
    return np.array(rows)


def from_the_definition(states, n_variates, dtype):
    """Scale the words of the generators in longdouble."""
    bits = 8 * np.dtype(dtype).itemsize
    integers = words_of(states, n_variates).view(f"i{bits // 8}")[:, :n_variates]
    return integers / np.longdouble(2) ** (bits - 1)


@pytest.mark.usefixtures("implementation")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_variates", [1, 2, 7, 1023, 1024, 1025, 3000])
def test_each_row_is_from_a_generator_of_its_own(n_variates, dtype):
    states = seed_streams(np.random.default_rng(0))
    exact = from_the_definition(states, n_variates, dtype)
    variates = np.empty((N_STREAMS, n_variates), dtype)
    fill_uniform(states, variates)
    np.testing.assert_allclose(variates, exact, rtol=3 * np.finfo(dtype).eps, atol=0)


@pytest.mark.usefixtures("implementation")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_streams_go_on_where_they_were(dtype):
    at_once, in_parts = (seed_streams(np.random.default_rng(0)) for _ in range(2))
    whole = np.empty((N_STREAMS, 5000), dtype)
    fill_uniform(at_once, whole)
    parts = [np.empty((N_STREAMS, n), dtype) for n in (2, 1998, 3000)]
    for part in parts:
        fill_uniform(in_parts, part)
    np.testing.assert_array_equal(np.hstack(parts), whole)
    np.testing.assert_array_equal(in_parts, at_once)


@pytest.mark.parametrize("n_words", [0, 1, 2, 100])
def test_compiled_words_are_those_of_the_generator(n_words):
    """And nothing is written beside them."""
    draw_words = compiled_words()
    states = seed_streams(np.random.default_rng(0))
    exact = words_of(states, 200)
    words = np.zeros((103, N_STREAMS), np.uint64)
    draw_words(states.ctypes.data, words.ctypes.data, n_words)
    np.testing.assert_array_equal(words[:n_words], exact[:, :n_words].T)
    np.testing.assert_array_equal(words[n_words:], 0)
    np.testing.assert_array_equal(words_of(states, 100), exact[:, n_words:][:, :100])


def test_all_implementations_draw_the_same(monkeypatch):
    pytest.importorskip("numba")
    results = []
    for installed in (True, False):
        monkeypatch.setattr(_compilation, "numba_is_installed", lambda it=installed: it)
        states = seed_streams(np.random.default_rng(0))
        variates = np.empty((N_STREAMS, 2501), np.float32)
        fill_uniform(states, variates)
        results.append((variates, states))
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.usefixtures("implementation")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("extreme", [0x8000000080000000, 0x7FFFFFFF7FFFFFFF])
def test_rounding_reaches_neither_end(dtype, extreme):
    """Integers of 32 bits or of 64 are all the lowest, or the highest, of them."""
    states = np.zeros((4, N_STREAMS), np.uint64)
    states[0] = extreme  # the next word is the sum of this and of zeros
    variates = np.empty((N_STREAMS, 8 // np.dtype(dtype).itemsize), dtype)
    fill_uniform(states, variates)
    assert np.all(np.abs(variates) < 1)
    assert np.all(np.abs(variates) > 1 - 1e-6)


def test_streams_are_unlike_each_other():
    """Pearson correlations of independent rows have a standard error of 1 / sqrt(n)."""
    states = seed_streams(np.random.default_rng(0))
    variates = np.empty((N_STREAMS, 100_000))
    fill_uniform(states, variates)
    shifted = np.vstack([variates[:, 1:], variates[:, :-1]])
    correlations = np.corrcoef(shifted) - np.eye(2 * N_STREAMS)
    assert np.abs(correlations).max() < 5 / np.sqrt(100_000)
    for row in variates:
        assert stats.kstest(row, stats.uniform(-1, 2).cdf).pvalue > 1e-3


def test_seeds_are_of_a_source_of_their_own():
    rng = np.random.default_rng(0)
    first, second = seed_streams(rng), seed_streams(rng)
    assert len(np.unique(np.stack([first, second])[:, :-1])) == 2 * 3 * N_STREAMS
    np.testing.assert_array_equal(first[-1], np.ones(N_STREAMS))
    assert first.dtype == np.uint64


@pytest.mark.usefixtures("implementation")
def test_threads_do_not_draw_from_each_others_streams():
    def draw(seed):
        states = seed_streams(np.random.default_rng(seed))
        variates = np.empty((N_STREAMS, 1000), np.float32)
        for _ in range(20):
            fill_uniform(states, variates)
        return variates

    alone = [draw(seed) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(draw, range(8)))
    np.testing.assert_array_equal(together, alone)
