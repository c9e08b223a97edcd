import numpy as np
import pytest

from skebm.learning.schedule import Schedule


def rates(decay_fraction, n_updates=8):
    schedule = Schedule(0.4, n_updates, decay_fraction)
    return [schedule.rate(n_done) for n_done in range(n_updates)]


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


def test_without_a_plan_the_rate_is_held():
    assert {Schedule(0.4).rate(n_done) for n_done in (0, 10, 10**9)} == {0.4}


@pytest.mark.parametrize(
    ("n_updates", "onset"), [(None, 1000), (50, 5), (10**5, 10**4)]
)
def test_the_penalty_sets_in(n_updates, onset):
    schedule = Schedule(0.4, n_updates)
    scales = [schedule.penalty_scale(share * onset) for share in (0, 0.5, 1, 7)]
    np.testing.assert_allclose(scales, [0, 0.5, 1, 1])


def test_scaled_step_sizes_keep_their_shape():
    schedule = Schedule(0.4, 8, 0.5)
    halved = schedule.scaled(0.5)
    np.testing.assert_allclose(
        [halved.rate(n_done) for n_done in range(8)], np.array(rates(0.5)) / 2
    )
    assert halved.penalty_scale(0.4) == schedule.penalty_scale(0.4) == 0.5
    assert schedule.learning_rate == 0.4
