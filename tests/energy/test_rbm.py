"""What machines of two layers of any kind have beside what every energy has."""

import numpy as np
import pytest
from oracle import random_rbm
from scipy import stats
from scipy.special import logsumexp

from skebm.energy.rbm import RBMEnergy
from skebm.sampling.random import UniformNoise
from skebm.units.binary import BinaryUnits
from skebm.units.categorical import CategoricalUnits
from skebm.units.gaussian import GaussianUnits
from skebm.units.mixed import MixedUnits


def test_the_smaller_layer_is_enumerated():
    """A mixture of four products of forty units: of these there are 2**40 rows."""
    weights, visible_bias, hidden_bias = random_rbm(4, 40, scale=0.3)
    hidden = CategoricalUnits((4,))
    energy = RBMEnergy.of(weights, visible_bias, hidden_bias, BinaryUnits(40), hidden)
    log_partition, statistics = energy.negative_phase()
    field = visible_bias + weights
    log_weight = hidden_bias + np.logaddexp(0, field).sum(axis=1)
    assert log_partition == pytest.approx(logsumexp(log_weight), abs=1e-10)
    share = np.exp(log_weight - log_partition)
    products = share[:, np.newaxis] / (1 + np.exp(-field))
    np.testing.assert_allclose(statistics.weights, products, atol=1e-12)


def gaussian_mixture():
    """Two normal laws of one column and a category each."""
    visible = MixedUnits((GaussianUnits.of_base(np.ones(1)), CategoricalUnits((2,))))
    weights = np.array([[1.0, 0.5, -0.5], [-2.0, 0.0, 1.0]])
    hidden = CategoricalUnits((2,))
    return RBMEnergy.of(weights, np.zeros(3), np.array([0.3, 0]), visible, hidden)


def test_a_layer_may_be_real_in_part():
    energy = gaussian_mixture()
    (_, free_energy, _), _ = energy.enumerable_layers()
    log_partition = logsumexp(-free_energy(np.eye(2)))
    points = np.linspace(-12, 12, 4001)
    total = 0.0
    for level in np.eye(2):
        rows = np.column_stack([points, np.tile(level, (len(points), 1))])
        density = np.exp(-energy.free_energy(rows) - log_partition)
        total += np.trapezoid(density, points)
    assert total == pytest.approx(1, abs=1e-10)
    noise = UniformNoise(np.random.default_rng(0), np.float64)
    rows = np.zeros((20_000, 3))
    rows[:, 1] = 1
    rows = energy.gibbs(rows, noise, 30)
    share = np.exp(energy.hidden_bias + (energy.weights[:, 0] ** 2) / 2)
    share *= np.exp(energy.weights[:, 1:]).sum(axis=1)
    share /= share.sum()

    def law(x):
        return share @ stats.norm.cdf(x - energy.weights[:, :1])

    assert stats.kstest(rows[:, 0], law).pvalue > 1e-4


@pytest.mark.parametrize("settings", [{"beta": 0.5}, {"beta": np.array([0.5])}])
def test_what_real_units_cannot_do_is_refused(settings):
    energy, noise = gaussian_mixture(), None
    context = energy.context(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="Integrate them out"):
        energy.sweep(context, noise, **settings)
    turned = energy.transposed()
    with pytest.raises(ValueError, match="Integrate them out"):
        turned.score(turned.context(np.eye(2)), 0.5)
    with pytest.raises(ValueError, match="not binary"):
        energy.conditional_log_likelihood(np.zeros((1, 3)))


def test_sides_read_no_memory_that_was_not_written(monkeypatch):
    """What is left there may be a number that signals, which warns of nothing."""
    signalling = np.array(0x7FF0000000000001, np.uint64).view(np.float64)

    def empty(shape, dtype):
        left = np.empty(shape, np.uint64)
        left[...] = signalling.view(np.uint64)
        return left.view(dtype)

    energy = gaussian_mixture().shifted(hidden=np.array([0.3, 0.7]))
    with monkeypatch.context() as patch, np.errstate(invalid="raise"):
        patch.setattr("skebm.energy.rbm.np", Numpy(empty))
        hidden, _ = energy.sides(np.array([[0.5, 1, 0]]))
    np.testing.assert_array_equal(hidden[:, -1], 1)


class Numpy:
    """NumPy with another `empty`."""

    def __init__(self, empty):
        self.empty = empty

    def __getattr__(self, name):
        return getattr(np, name)
