import numpy as np
import pytest
from oracle import RBMOracle, random_rbm
from statistical import assert_mean_is

from skebm.partition.weights import (
    average_weights,
    bridge,
    chains_needed,
    error_on_the_way_back,
)


def test_average_of_known_weights():
    weights = np.array([[1.0], [2.0], [6.0]])
    mean = average_weights(np.log(weights) - 2000)
    assert mean.log_mean == pytest.approx(np.log(3) - 2000)
    # Variance 7 over a mean of 3, of three draws.
    assert mean.std == pytest.approx(np.sqrt(np.log1p(7 / 9 / 3)))
    assert mean.effective_sample_size == pytest.approx(81 / 41)


def test_members_of_a_group_are_averaged_before_their_spread_is_taken():
    groups = average_weights(np.log([[1.0, 3.0], [2.0, 6.0]]))
    assert groups.log_mean == pytest.approx(np.log(3))
    assert groups.std == pytest.approx(np.sqrt(np.log1p(2 / 9 / 2)))
    assert groups.effective_sample_size == pytest.approx(144 / 50)


def test_equal_weights_have_no_error():
    mean = average_weights(np.full((4, 5), 1000.0))
    assert mean.log_mean == pytest.approx(1000)
    assert mean.std == pytest.approx(0, abs=1e-12)
    assert mean.effective_sample_size == pytest.approx(20)
    assert error_on_the_way_back(np.full((4, 5), 1000.0), 3) < 1e-6


@pytest.mark.parametrize("spread", [0.1, 1.0])
def test_the_error_is_that_of_repeated_averages(spread):
    rng = np.random.default_rng(0)
    means = [
        average_weights(spread * rng.standard_normal((400, 1))) for _ in range(400)
    ]
    scatter = np.std([mean.log_mean for mean in means], ddof=1)
    # The scatter of 400 averages is itself known to 1 / sqrt(800) = 3.5 %.
    stated = np.sqrt(np.mean([mean.std**2 for mean in means]))
    assert stated == pytest.approx(scatter, rel=4 * 0.035)


def test_weights_back_foretell_the_error_there():
    """Normal log weights of variance s have the means -s / 2 there and s / 2 back."""
    rng = np.random.default_rng(0)
    back = -0.5 * (0.5 + rng.standard_normal((1_000_000, 1)))
    error = error_on_the_way_back(back, 50)
    assert error == pytest.approx(np.sqrt(np.log1p(np.expm1(0.25) / 50)), rel=0.01)


def test_weights_back_know_of_a_mode_that_no_chain_there_has_found():
    """Half of Z lies where one chain in a thousand goes, and weighs 500 there."""
    there = np.zeros((100, 1))
    back = np.log(np.repeat([1 / 500, 2.0], 50)).reshape(20, 5)
    assert average_weights(there).std == pytest.approx(0, abs=1e-9)
    # Second moment 250 of a mean of 1, over 100 chains.
    error = error_on_the_way_back(back, 100)
    assert error == pytest.approx(np.sqrt(np.log1p(2.5)), rel=0.01)


def test_weights_beyond_the_range_of_floats():
    back = np.array([[0.0], [3000.0]])
    assert error_on_the_way_back(back, 100) == pytest.approx(np.sqrt(3000), rel=0.01)
    assert average_weights(back).std == pytest.approx(np.sqrt(np.log1p(2 / 2)))


@pytest.mark.parametrize("std", [0.01, 0.3, 2.0])
@pytest.mark.parametrize("spread", [0.1, 1.0, 10.0])
def test_so_many_chains_as_needed_leave_the_wanted_error(spread, std):
    back = spread * np.random.default_rng(0).standard_normal((50, 4))
    n_chains = chains_needed(back, std)
    assert error_on_the_way_back(back, n_chains) == pytest.approx(std, rel=1e-9)


# ---- bridges ----

BEFORE, AFTER = (RBMOracle(*random_rbm(3, 4, seed=seed)) for seed in (0, 1))
ODDS = np.log(AFTER.law * AFTER.partition) - np.log(BEFORE.law * BEFORE.partition)
EXACT = np.log(AFTER.partition / BEFORE.partition)


def draw_odds(law, n_draws, rng):
    """Log of the second law less that of the first, of draws of a law."""
    return ODDS[rng.choice(16, n_draws, p=law)]


def test_bridges_find_the_ratio_and_state_their_errors():
    rng, n_draws = np.random.default_rng(0), 2000
    weights = np.full(n_draws, 1 / n_draws)
    found = [
        bridge(
            draw_odds(BEFORE.law, n_draws, rng),
            draw_odds(AFTER.law, n_draws, rng),
            weights,
        )
        for _ in range(400)
    ]
    ratios, variances = np.transpose(found)
    assert_mean_is(EXACT, ratios)
    assert abs(ratios[0] - EXACT) < 5 * np.sqrt(variances[0])
    # The variance of 400 is itself known to a share of sqrt(2 / 400).
    np.testing.assert_allclose(
        variances.mean(), ratios.var(ddof=1), rtol=4 * np.sqrt(2 / 400)
    )
    # Weights of the draws of one law alone have a larger error.
    there = np.exp(ODDS - EXACT)
    assert ratios.var() < (BEFORE.law @ there**2 - 1) / n_draws


def test_bridges_of_all_rows_of_either_law_are_exact():
    """In proportion to their probabilities, which are multiples of a thousandth."""
    law = np.round(1000 * BEFORE.law).astype(int)
    odds = np.log(AFTER.law) - np.log(law / law.sum())
    before = np.repeat(odds, law) + 7.0
    ratio, _ = bridge(before, odds + 7.0, AFTER.law)
    assert ratio == pytest.approx(7.0, abs=1e-9)


def test_weights_of_draws_count_in_bridges():
    """As repeats do, and so that draws of another law do as well."""
    rng = np.random.default_rng(0)
    before, after = draw_odds(BEFORE.law, 6, rng), draw_odds(AFTER.law, 3, rng)
    found = bridge(before, after, np.array([3, 1, 2]) / 6)
    repeated = bridge(before, np.repeat(after, [3, 1, 2]), np.full(6, 1 / 6))
    np.testing.assert_allclose(found, repeated, rtol=1e-9)
    other, ratios = np.full(16, 1 / 16), []
    for _ in range(400):
        rows = rng.choice(16, 2000, p=other)
        weights = AFTER.law[rows] / AFTER.law[rows].sum()
        before = draw_odds(BEFORE.law, 2000, rng)
        ratios.append(bridge(before, ODDS[rows], weights)[0])
    assert_mean_is(EXACT, np.array(ratios))


@pytest.mark.parametrize("spread", [0.0, 1.0])
@pytest.mark.parametrize("far", [30.0, 3000.0])
def test_bridges_between_laws_that_do_not_overlap_are_worthless_and_say_so(far, spread):
    """The ratio may be anything between: draws say nothing of how far they reach."""
    before, after = spread * np.random.default_rng(0).standard_normal((2, 50))
    ratio, variance = bridge(before - far, after + far, np.full(50, 0.02))
    assert -far - 5 <= ratio <= far + 5
    assert variance > 1


@pytest.mark.parametrize("distance", [0.5, 5.0, 20.0, 80.0])
def test_bridges_between_normal_laws_are_within_their_errors(distance):
    """With log ratios of this variance, half of which is their mean there and back."""
    rng, weights, ratios = np.random.default_rng(0), np.full(200, 1 / 200), []
    for _ in range(100):
        before, after = np.sqrt(distance) * rng.standard_normal((2, 200))
        ratio, variance = bridge(before - distance / 2, after + distance / 2, weights)
        ratios.append(ratio / np.sqrt(variance))
    # A mean square of 1 +- 0.14.
    assert np.mean(np.square(ratios)) < 1.6


def test_weights_that_differ_by_all_a_float_holds_ask_for_endless_chains():
    with np.errstate(over="raise"):
        assert chains_needed(np.array([0.0, 800.0]), 0.1) == np.inf
