import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import logistic

from skebm.detection.tail import Tail


def test_chances_are_those_of_the_logistic_law_with_the_same_quartiles():
    scores = logistic(3, 2).ppf([0.05, 0.25, 0.5, 0.75, 0.95])
    tail = Tail(scores)
    new = np.array([-50.0, 1, 3, 5, 40])
    assert_allclose(tail.log_chances(new), logistic(3, 2).logcdf(new), rtol=1e-12)
    quartiles = np.exp(tail.log_chances(scores[1:4]))
    assert_allclose(quartiles, [0.25, 0.5, 0.75], rtol=1e-12)


def test_far_out_it_is_linear():
    tail = Tail(np.random.default_rng(0).normal(size=1000))
    chances = tail.log_chances(np.array([-100.0, -200.0, -300.0]))
    assert_allclose(np.diff(chances), -100 / tail.scale, rtol=1e-12)
    assert np.isfinite(tail.log_chances(np.array([-1e300]))).all()


def test_a_quarter_of_the_scores_may_be_as_low_as_can_be():
    scores = np.sort(np.random.default_rng(0).normal(size=1001))
    spoilt = scores.copy()
    spoilt[:240] -= 1e9
    tail, other = Tail(scores), Tail(spoilt)
    assert (tail.median, tail.scale) == (other.median, other.scale)


@pytest.mark.parametrize("spread", [0.0, 0.1])
def test_scores_that_are_all_alike_are_not_told_apart(spread):
    tail = Tail(spread * np.random.default_rng(0).normal(size=1000))
    assert tail.scale == pytest.approx(0.6 / (2 * np.log(3)))
