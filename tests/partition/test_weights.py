import numpy as np
import pytest

from skebm.partition.weights import average_weights, error_on_the_way_back


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
