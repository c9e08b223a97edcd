import numpy as np
import pytest
from implementations import IMPLEMENTATIONS, use
from scipy import stats

from skebm.sampling.random import (
    N_STREAMS,
    UniformNoise,
    fill_uniform,
    seed_streams,
    uniform_of_rows,
)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_variates_are_uniform(dtype):
    noise = UniformNoise(np.random.default_rng(0), dtype)
    drawn = np.concatenate([noise.draw((n, 3)).ravel() for n in (1, 7, 5000, 40000, 2)])
    assert drawn.dtype == dtype
    assert np.abs(drawn).max() <= 1
    assert stats.kstest(drawn, stats.uniform(-1, 2).cdf).pvalue > 1e-3


def test_no_variate_is_handed_out_twice():
    noise = UniformNoise(np.random.default_rng(0), np.float64)
    drawn = np.concatenate([noise.draw((n,)) for n in [3, 1, 4, 1, 5, 9, 2, 6] * 50])
    assert len(np.unique(drawn)) == len(drawn) == 31 * 50


def test_blocks_stay_bounded():
    noise = UniformNoise(np.random.default_rng(0), np.float32)
    for _ in range(300):
        noise.draw((1000,))
    assert noise._block.size <= 2**16
    assert noise.draw((2**17,)).size == 2**17


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_draws_of_any_size(dtype):
    noise = UniformNoise(np.random.default_rng(0), dtype)
    for size in [1, 1025, 4099, *range(40_001, 40_009)]:
        assert noise.draw((size,)).shape == (size,)


def test_large_draws_leave_no_bits_unused():
    noise = UniformNoise(np.random.default_rng(0), np.float32)
    drawn = np.concatenate([noise.draw((40_000,)) for _ in range(3)])
    assert len(np.unique(drawn)) > 119_000
    counters = noise._streams[-1] - 1
    assert counters.sum() == 60_000  # words, of two variates each


def test_blocks_are_of_whole_draws():
    noise = UniformNoise(np.random.default_rng(0), np.float32)
    for _ in range(9):  # the first block holds one of them, all others two
        noise.draw((24_000,))
    counters = noise._streams[-1] - 1
    assert counters.sum() == 9 * 12_000  # words, of two variates each


def test_noise_depends_on_its_generator_and_leaves_it_random():
    rng = np.random.default_rng(0)
    first, second = (UniformNoise(rng, np.float64).draw((50,)) for _ in range(2))
    assert len(np.intersect1d(first, second)) == 0
    again = UniformNoise(np.random.default_rng(0), np.float64).draw((50,))
    np.testing.assert_array_equal(again, first)


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("extreme", [0x8000000080000000, 0x7FFFFFFF7FFFFFFF])
def test_rounding_reaches_neither_end(monkeypatch, implementation, dtype, extreme):
    """Integers of 32 bits or of 64 are all the lowest, or the highest, of them."""
    use(implementation, monkeypatch, "random")
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


def test_variates_of_a_row_depend_on_it_alone():
    rows = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [-0.0, 1.0]])
    uniform = uniform_of_rows(rows, (500, 3), seed=7)
    assert uniform.shape == (4, 500, 3)
    np.testing.assert_array_equal(uniform[0], uniform[2])
    np.testing.assert_array_equal(uniform[0], uniform[3])
    alone = uniform_of_rows(rows[1:2] > 0, (500, 3), seed=7)
    np.testing.assert_array_equal(alone[0], uniform[1])
    correlation = np.corrcoef(uniform[0].ravel(), uniform[1].ravel())[0, 1]
    assert abs(correlation) < 5 / np.sqrt(1500)
    assert (uniform_of_rows(rows, (500, 3), seed=8) != uniform).all()
    for row in uniform[:2]:
        assert stats.kstest(row.ravel(), "uniform").pvalue > 1e-4
