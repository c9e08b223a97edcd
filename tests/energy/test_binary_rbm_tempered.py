import numpy as np
import pytest
from oracle import RBMOracle, all_states, random_rbm
from statistical import assert_draws_from

from skebm.energy.binary_rbm_tempered import TemperedBinaryRBM
from skebm.sampling.noise import UniformNoise

MEAN = np.array([0.2, 0.5, 0.7, 0.9])
BETAS = [0.0, 0.3, 0.8, 1.0]


def law_at(parameters, beta):
    """The machine on the path, written out as parameters of its own."""
    weights, visible_bias, hidden_bias = parameters
    start = np.log(MEAN / (1 - MEAN))
    visible_bias = (1 - beta) * start + beta * visible_bias
    return RBMOracle(beta * weights, visible_bias, beta * hidden_bias)


def tempered(parameters, dtype):
    return TemperedBinaryRBM(*(array.astype(dtype) for array in parameters), MEAN)


@pytest.mark.parametrize(
    ("dtype", "precision"), [(np.float32, 2e-5), (np.float64, 1e-12)]
)
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_log_ratio_of_each_row(dtype, precision, scale):
    parameters = random_rbm(3, 4, scale=scale)
    model = tempered(parameters, dtype)
    context = model.context(all_states(4).astype(bool))
    unnormalised = {}
    for beta in BETAS:
        oracle = law_at(parameters, beta)
        unnormalised[beta] = np.log(oracle.law * oracle.partition)
    rng = np.random.default_rng(0)
    beta, other_beta = rng.choice(BETAS, (2, 16))
    exact = [
        unnormalised[after][row] - unnormalised[before][row]
        for row, (before, after) in enumerate(zip(beta, other_beta, strict=True))
    ]
    log_ratio = model.log_ratio(context, beta, other_beta)
    assert log_ratio.dtype == np.float64
    np.testing.assert_allclose(log_ratio, exact, atol=precision * scale)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sweep_leaves_the_law_of_each_row_invariant(dtype):
    parameters = random_rbm(3, 4, scale=2.0)
    rng = np.random.default_rng(1)
    oracles = [law_at(parameters, beta) for beta in BETAS]
    visible = np.concatenate([oracle.draw(50_000, rng)[0] for oracle in oracles])
    model = tempered(parameters, dtype)
    context = model.context(visible.astype(bool))
    assert context.field.dtype == context.tilt.dtype == dtype
    noise = UniformNoise(rng, dtype)
    moved = model.sweep(context, np.repeat(BETAS, 50_000), noise)
    assert moved.dtype == bool
    for oracle, rows in zip(oracles, np.split(moved, len(BETAS)), strict=True):
        assert_draws_from(oracle.law, oracle.index(rows))


def test_a_sweep_at_beta_0_forgets_where_it_started():
    parameters = random_rbm(3, 4, scale=5.0)
    noise = UniformNoise(np.random.default_rng(0), np.float64)
    model = tempered(parameters, np.float64)
    context = model.context(np.ones((100_000, 4), dtype=bool))
    oracle = law_at(parameters, 0.0)
    rows = model.sweep(context, np.zeros(100_000), noise)
    assert_draws_from(oracle.law, oracle.index(rows))
