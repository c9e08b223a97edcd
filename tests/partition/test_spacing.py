from itertools import pairwise

import numpy as np
import pytest

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.partition.annealing import anneal
from skebm.partition.spacing import AnnealingLength, measure_length
from skebm.sampling.path import IndependentStart, Path
from skebm.sampling.random import UniformNoise

EVEN = np.linspace(0, 1, 101)


def test_length_of_independent_steps():
    """Steps that know nothing of each other have their own deviation as length."""
    rng = np.random.default_rng(0)
    deviation = np.where(np.arange(100) < 30, 3.0, 1.0)
    falls = deviation[:, np.newaxis] * rng.standard_normal((100, 40_000))
    lengths = np.diff(measure_length(EVEN, falls).position)
    # The larger of the variance and a noisy estimate of it: too long, by little.
    np.testing.assert_allclose(lengths, deviation, rtol=0.03)


def test_length_of_steps_that_vary_together():
    """Each fall is the mean of three draws, so the sum around it triples."""
    rng = np.random.default_rng(0)
    draws = rng.standard_normal((102, 40_000))
    falls = (draws[:-2] + draws[1:-1] + draws[2:]) / 3
    lengths = np.diff(measure_length(EVEN, falls).position)
    np.testing.assert_allclose(lengths[2:-2], 1.0, rtol=0.03)
    assert measure_length(EVEN, falls).n_temperatures(0.5) == pytest.approx(
        100**2 / 0.5, rel=0.03
    )


def test_steps_that_oppose_each_other_are_as_long_as_their_deviation():
    rng = np.random.default_rng(0)
    draws = rng.standard_normal((101, 40_000))
    falls = draws[1:] - draws[:-1]
    lengths = np.diff(measure_length(EVEN, falls).position)
    np.testing.assert_allclose(lengths, np.sqrt(2), rtol=0.03)


def test_temperatures_are_even_in_length_but_for_a_tenth():
    betas = np.array([0.0, 0.5, 1.0])
    spaced = AnnealingLength(betas, np.array([0.0, 3.0, 4.0])).space(200)
    assert len(spaced) == 201
    assert spaced[0] == 0
    assert spaced[-1] == 1
    # Three quarters of the length, and half of the even tenth, are below 0.5.
    assert np.sum(spaced < 0.5) == pytest.approx(200 * (0.9 * 0.75 + 0.05), abs=1)
    lower = np.diff(spaced[spaced <= 0.5])
    np.testing.assert_allclose(lower, lower[0], rtol=1e-9)


@pytest.mark.parametrize("n_temperatures", [1, 2, 7, 1000])
def test_ends_are_exact_and_temperatures_rise(n_temperatures):
    position = np.append(0, np.cumsum(np.random.default_rng(0).random(100) ** 8))
    spaced = AnnealingLength(EVEN, position).space(n_temperatures)
    assert spaced[0] == 0
    assert spaced[-1] == 1
    assert np.all(np.diff(spaced) > 0)


def test_no_length_is_spaced_evenly():
    length = measure_length(EVEN, np.ones((100, 5)))
    assert length.n_temperatures(0.1) == 0
    np.testing.assert_allclose(length.space(4), [0, 0.25, 0.5, 0.75, 1])


def variance(path, betas, seed):
    noise = UniformNoise(np.random.default_rng(seed), np.float32)
    return anneal(path, path.draw(2000, noise), betas, noise).var()


def test_measured_spacing_beats_an_even_one_and_is_foretold():
    """Independent units with a log-odds of 10, whose length is known.

    The fall of one has the variance 100 s (1 - s) at s = logistic(10 beta), most
    of it near the start. The root of that has the integral atan(sinh(5)), of which
    a sweep, which makes independent rows, takes no longer.
    """
    energy = BinaryRBMEnergy.of(np.zeros((1, 30)), np.full(30, 10.0), np.zeros(1))
    energy = energy.astype(np.float32)
    path = Path(IndependentStart(energy.units, np.full(30, 0.5)), energy)
    noise = UniformNoise(np.random.default_rng(0), np.float32)
    visible, falls = path.draw(100, noise), []
    for beta, next_beta in pairwise(EVEN):
        visible, fall = path.move(visible, beta, next_beta, noise)
        falls.append(fall)
    length = measure_length(EVEN, np.array(falls))
    squared = 30 * np.arctan(np.sinh(5)) ** 2
    # What is by chance above the variance of a step makes it longer: with windows
    # of 11 steps and 100 chains by a tenth, and the prediction by twice that.
    assert 1.05 < length.n_temperatures(1.0) / squared < 1.35
    # Each variance of 2000 draws is known to sqrt(2 / 2000) = 3 %, and the even
    # tenth of the steps costs a ninth.
    measured = variance(path, length.space(500), 1)
    assert measured == pytest.approx(squared / 500, rel=0.15)
    even = variance(path, np.linspace(0, 1, 501), 2)
    assert even == pytest.approx(150 / 500, rel=0.1)
