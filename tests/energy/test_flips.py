import numpy as np
import pytest
from oracle import RBMOracle, random_rbm
from statistical import assert_draws_from

from skebm.energy.flips import flip_hidden
from skebm.sampling.random import UniformNoise


def flip(parameters, hidden, dtype, rng, beta=1.0):
    """Flip units of rows; check that the field follows."""
    weights, visible_bias, hidden_bias = (array.astype(dtype) for array in parameters)

    def field_of(hidden):
        factor = np.reshape(beta, (-1, 1)).astype(dtype)
        return factor * (hidden.astype(dtype) @ weights) + visible_bias

    flipped, field = hidden.copy(), field_of(hidden)
    noise = UniformNoise(rng, dtype)
    flip_hidden(flipped, field, weights, hidden_bias, noise, beta=beta)
    assert field.dtype == dtype
    precision = 1e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(field, field_of(flipped), atol=precision)
    return flipped


def law_of_hidden(parameters, beta):
    """The oracle of a machine at beta, save for its visible biases, as RBM of h."""
    weights, visible_bias, hidden_bias = parameters
    return RBMOracle(beta * weights.T, beta * hidden_bias, visible_bias)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_marginal_law_of_each_row_is_left_invariant(dtype):
    parameters = random_rbm(3, 5, scale=2.0)
    rng = np.random.default_rng(0)
    betas = (0.0, 0.4, 1.0)
    oracles = [law_of_hidden(parameters, beta) for beta in betas]
    hidden = np.concatenate([oracle.draw(50_000, rng)[0] for oracle in oracles])
    beta = np.repeat(betas, 50_000)
    flipped = flip(parameters, hidden.astype(bool), dtype, rng, beta)
    for oracle, rows in zip(oracles, np.split(flipped, len(betas)), strict=True):
        assert_draws_from(oracle.law, oracle.index(rows))


def test_flips_reach_the_marginal_law_that_visible_units_hide():
    """Strong weights hold a hidden unit in place; its marginal law does not."""
    weights = np.array([[30.0] * 6, [0.0] * 6])
    bias = np.array([-180.0, 1.0])
    parameters = weights, np.zeros(6), bias
    # Off, the visible units have the weight 2**6; on, exp(30) each and this bias.
    bias[0] += 6 * np.log(2) + np.log(3 / 7)
    oracle = law_of_hidden(parameters, 1.0)
    rng = np.random.default_rng(0)
    rows = np.zeros((20_000, 2), dtype=bool)
    for _ in range(30):
        rows = flip(parameters, rows, np.float64, rng)
    assert oracle.law.reshape(2, 2).sum(axis=1) == pytest.approx([0.7, 0.3])
    assert_draws_from(oracle.law, oracle.index(rows))


def test_units_are_drawn_anew_for_each_flip():
    parameters = np.zeros((3, 2)), np.zeros(2), np.zeros(3)
    rng = np.random.default_rng(0)
    flips = np.zeros(3)
    for _ in range(400):
        rows = np.zeros((1, 3), dtype=bool)
        flips += flip(parameters, rows, np.float64, rng)[0]
    # Each flip is accepted: a unit is on after 4 with probability 40 / 81.
    error = np.sqrt(400 * 40 / 81 * 41 / 81)
    np.testing.assert_allclose(flips, 400 * 40 / 81, atol=4 * error)


def test_rows_of_many_units_are_left_alone():
    rows, field = np.zeros((3, 41), dtype=bool), np.zeros((3, 2))
    noise = None  # nothing is drawn
    flip_hidden(rows, field, np.zeros((41, 2)), np.zeros(41), noise)
    assert not rows.any()
    assert not field.any()
