import numpy as np
import pytest
from oracle import BoltzmannOracle, all_states, random_boltzmann, random_lattice

from skebm.energy import boltzmann_conditionals
from skebm.energy.boltzmann import BoltzmannEnergy
from skebm.energy.boltzmann_conditionals import moments_of_conditionals
from skebm.energy.connectivity import Connectivity


def dense():
    return BoltzmannEnergy(*random_boltzmann(5))


def masked():
    couplings, bias, mask, _ = random_lattice()
    return BoltzmannEnergy(couplings, bias, Connectivity(mask))


def coloured():
    couplings, bias, mask, colours = random_lattice()
    return BoltzmannEnergy(couplings, bias, Connectivity(mask, colours))


@pytest.fixture(params=[dense, masked, coloured])
def energy(request):
    return request.param()


def definition(energy, visible, row_weights):
    """Sum the conditionals that the exact law has, configuration by configuration."""
    oracle = BoltzmannOracle(energy.couplings, energy.bias)
    index = oracle.index(visible)
    total = 0.0
    for unit, values in enumerate(visible.T):
        on = oracle.conditional(unit)[index]
        total += row_weights @ np.log(np.where(values == 1, on, 1 - on))
    return total


def shifted(energy, unit, other, step):
    couplings, bias = energy.couplings.copy(), energy.bias.copy()
    if unit == other:
        bias[unit] += step
    else:
        couplings[unit, other] += step
        couplings[other, unit] += step
    return BoltzmannEnergy(couplings, bias)


def test_value_is_the_sum_of_all_conditionals(energy):
    visible = all_states(energy.n_units)
    row_weights = np.random.default_rng(0).random(len(visible))
    value, _ = moments_of_conditionals(energy, visible, row_weights)
    assert isinstance(value, float)
    assert value == pytest.approx(definition(energy, visible, row_weights), rel=1e-13)


def test_values_between_zero_and_one(energy):
    rng = np.random.default_rng(0)
    visible, row_weights = rng.random((9, energy.n_units)), rng.random(9)
    value, _ = moments_of_conditionals(energy, visible, row_weights)
    exact = row_weights @ energy.conditional_log_likelihood(visible).sum(axis=1)
    assert value == pytest.approx(exact, rel=1e-13)


def test_moments_are_derivatives(energy):
    rng = np.random.default_rng(0)
    visible, row_weights = rng.random((9, energy.n_units)), rng.random(9)
    _, moments = moments_of_conditionals(energy, visible, row_weights)
    step = 1e-5

    def derivative(unit, other):
        ahead, behind = (
            moments_of_conditionals(
                shifted(energy, unit, other, sign * step), visible, row_weights
            )[0]
            for sign in (1, -1)
        )
        return (ahead - behind) / (2 * step)

    # The difference of values of rounding 1e-14 over 2e-5, and step**2.
    for unit, other in zip(*energy.edges(), strict=True):
        expected = pytest.approx(derivative(unit, other), abs=2e-9)
        assert moments.products[unit, other] == expected
        assert moments.products[other, unit] == moments.products[unit, other]
    for unit, slope in enumerate(moments.mean):
        assert slope == pytest.approx(derivative(unit, unit), abs=2e-9)


def test_few_couplings_are_as_many(energy):
    """A sparse product gives what a dense one does."""
    rng = np.random.default_rng(0)
    visible, row_weights = rng.random((9, energy.n_units)), rng.random(9)
    plain = BoltzmannEnergy(energy.couplings, energy.bias)
    value, moments = moments_of_conditionals(energy, visible, row_weights)
    plain_value, plain_moments = moments_of_conditionals(plain, visible, row_weights)
    assert value == pytest.approx(plain_value, rel=1e-14)
    np.testing.assert_allclose(moments.mean, plain_moments.mean, atol=1e-14)
    np.testing.assert_allclose(
        moments.products[energy.edges()],
        plain_moments.products[energy.edges()],
        rtol=0,
        atol=1e-14,
    )


def test_blocks_change_nothing(monkeypatch, energy):
    rng = np.random.default_rng(0)
    visible, row_weights = rng.random((9, energy.n_units)), rng.random(9)
    value, moments = moments_of_conditionals(energy, visible, row_weights)
    sizes = []
    inner = boltzmann_conditionals.tanh_and_log_cosh

    def watched(half_field):
        sizes.append(half_field.shape[1])
        return inner(half_field)

    monkeypatch.setattr(boltzmann_conditionals, "tanh_and_log_cosh", watched)
    monkeypatch.setattr(boltzmann_conditionals, "_BLOCK_ELEMENTS", 2 * energy.n_units)
    cut_value, cut_moments = moments_of_conditionals(energy, visible, row_weights)
    assert sizes == [2, 2, 2, 2, 1]
    assert cut_value == pytest.approx(value, rel=1e-14)
    np.testing.assert_allclose(cut_moments.mean, moments.mean, atol=1e-14)
    np.testing.assert_allclose(cut_moments.products, moments.products, atol=1e-14)


def test_large_fields_neither_overflow_nor_lose_the_value():
    couplings = np.array([[0.0, -2000.0], [-2000.0, 0.0]])
    energy = BoltzmannEnergy(couplings, np.array([1000.0, 1000.0]))
    rows, row_weights = np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([1.0, 0.5])
    # Fields of 1000 and -1000, of units that are on and off; then -1000 for both on.
    value, moments = moments_of_conditionals(energy, rows, row_weights)
    assert value == -1000
    np.testing.assert_array_equal(moments.mean, [0.5, 0.5])
    np.testing.assert_array_equal(moments.products[0, 1], 1.0)
