import numpy as np
import pytest
from scipy import stats

from skebm.sampling.noise import UniformNoise


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


def test_large_draws_leave_no_bits_unused():
    rng, same = (np.random.default_rng(0) for _ in range(2))
    noise = UniformNoise(rng, np.float32)
    drawn = np.concatenate([noise.draw((40_000,)) for _ in range(3)])
    assert len(np.unique(drawn)) > 119_000
    same.integers(-(2**63), 2**63, 60_000)
    assert rng.bit_generator.state == same.bit_generator.state


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("extreme", [-(2**63), 2**63 - 1])
def test_rounding_reaches_neither_end(dtype, extreme):
    class Extreme:
        def integers(self, low, high, size, dtype):
            assert low <= extreme < high
            return np.full(size, extreme, dtype=dtype)

    drawn = UniformNoise(Extreme(), dtype).draw((5,))
    assert np.all(np.abs(drawn) < 1)
