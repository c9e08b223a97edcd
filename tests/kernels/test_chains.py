import numpy as np
import pytest

from skebm.kernels.chains import stretches, transposed


@pytest.mark.parametrize("shape", [(3, 5), (256, 256), (1, 700), (0, 4), (4, 0)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_transposed_is_a_copy(shape, order):
    table = np.random.default_rng(0).random(shape) < 0.5
    table = np.asarray(table, order=order)
    result = transposed(table)
    np.testing.assert_array_equal(result, table.T)
    assert result.flags.c_contiguous
    assert not np.shares_memory(result, table)


@pytest.mark.parametrize("shape", [(1, 1), (64, 10**6), (700, 1000), (10**5, 3)])
def test_stretches_are_all_units_in_order(shape):
    n_units, n_rows = shape
    parts = stretches(shape)
    together = np.concatenate([np.arange(n_units)[part] for part in parts])
    np.testing.assert_array_equal(together, np.arange(n_units))
    for part in parts:
        assert part.stop - part.start <= max(64, 65536 // n_rows)
