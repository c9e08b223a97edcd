import numpy as np
import pytest

from skebm.learning.schedule import hold_then_decay


def rates(decay_fraction, n_updates=8):
    return [
        hold_then_decay(n, rate=0.4, n_updates=n_updates, decay_fraction=decay_fraction)
        for n in range(n_updates)
    ]


def test_constant():
    assert rates(0.0) == [0.4] * 8


def test_linear():
    np.testing.assert_allclose(rates(1.0), 0.4 * np.arange(8, 0, -1) / 8)


def test_hold_then_decay():
    expected = 0.4 * np.array([1, 1, 1, 1, 1, 0.75, 0.5, 0.25])
    np.testing.assert_allclose(rates(0.5), expected)


@pytest.mark.parametrize("decay_fraction", [0.0, 0.01, 0.5, 1.0])
@pytest.mark.parametrize("n_updates", [1, 3, 100])
def test_every_planned_step_moves(decay_fraction, n_updates):
    assert min(rates(decay_fraction, n_updates)) > 0
