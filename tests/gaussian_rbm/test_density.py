"""The density against the mixture of normal distributions, written out."""

import numpy as np
import pytest
from mixture_oracle import MixtureOracle, random_gaussian_rbm, two_sources
from oracle import all_states
from scipy.integrate import quad
from scipy.linalg import block_diag
from scipy.special import logit

from skebm import GaussianRBM, log_partition_bounds

KINDS = {
    "full": {},
    "diag": {"covariance_type": "diag"},
    "spherical": {"covariance_type": "spherical"},
    "known": {"noise_variance": [0.5, 1.0, 2.0]},
    "known, spherical": {"covariance_type": "spherical", "noise_variance": 0.7},
    "pcd": {"algorithm": "pcd", "max_iter": 200},
}


def wide_rows(n_samples=200, seed=0):
    """Draw three heavy-tailed columns, two of them mixed, far from the origin."""
    rng = np.random.default_rng(seed)
    first = two_sources(n_samples, seed) + np.array([5, -3])
    return np.column_stack([first, 100 + rng.laplace(size=n_samples)])


def from_noise(n_hidden, n_visible, kind):
    components, visible, hidden, covariance = random_gaussian_rbm(n_hidden, n_visible)
    noise = {
        "full": covariance,
        "diag": np.diag(covariance),
        "spherical": np.full(n_visible, 0.6),
    }[kind]
    return GaussianRBM.from_parameters(
        components, visible, hidden, noise, covariance_type=kind, random_state=0
    )


@pytest.fixture(scope="module", params=[*KINDS, "given full", "given diag", "given sp"])
def rbm(request):
    if request.param in KINDS:
        rbm = GaussianRBM(3, random_state=0, **KINDS[request.param])
        return rbm.fit(wide_rows())
    kind = {"full": "full", "diag": "diag", "sp": "spherical"}
    return from_noise(3, 3, kind[request.param.split()[1]])


@pytest.fixture(name="X")
def draw_rows(rbm):
    """Rows of the model, and some that are far from them."""
    rng = np.random.default_rng(1)
    rows = MixtureOracle.of(rbm).draw_rows(60, rng)
    return np.vstack([rows, rows[:10] + 20 * rng.standard_normal((10, 3))])


def test_score_samples_is_the_density_of_the_mixture(rbm, X):
    exact = MixtureOracle.of(rbm).log_density(X)
    # Rounding, where values are a hundred times their deviation.
    np.testing.assert_allclose(rbm.score_samples(X), exact, rtol=1e-9, atol=1e-9)
    assert type(rbm.score(X)) is float
    assert rbm.score(X) == pytest.approx(exact.mean(), rel=1e-9)


def test_the_attributes_have_their_shapes(rbm):
    assert rbm.components_.shape == (3, 3)
    assert rbm.intercept_visible_.shape == rbm.intercept_hidden_.shape == (3,)
    assert rbm.noise_variance_.shape == (3,)
    is_full = rbm.covariance_type in {"auto", "full"} and rbm.noise_variance is None
    assert hasattr(rbm, "noise_covariance_") == is_full
    if is_full:
        covariance = rbm.noise_covariance_
        np.testing.assert_array_equal(np.diag(covariance), rbm.noise_variance_)
        np.testing.assert_array_equal(covariance, covariance.T)
        assert np.abs(covariance - np.diag(np.diag(covariance))).max() > 0.01
    elif rbm.covariance_type == "spherical" or rbm.noise_variance is not None:
        given = rbm.noise_variance
        expected = rbm.noise_variance_[0] if given is None else given
        np.testing.assert_array_equal(rbm.noise_variance_, np.broadcast_to(expected, 3))


def test_log_partition_is_that_of_the_energy(rbm):
    assert rbm.log_partition_ == pytest.approx(
        MixtureOracle.of(rbm).log_partition, rel=1e-9
    )
    assert rbm.log_partition_std_ == 0
    assert rbm.log_partition_effective_sample_size_ == np.inf


def test_log_partition_is_the_integral_of_exp_of_minus_the_energy():
    rbm = GaussianRBM.from_parameters([[2.0]], [1.0], [-0.5], [0.7])

    def unnormalised(v):
        return np.exp(-rbm.energy([[v], [v]], [[0], [1]])).sum()

    integral, error = quad(unnormalised, -15, 20, epsabs=0, epsrel=1e-11, limit=200)
    assert error < 1e-9 * integral
    assert rbm.log_partition_ == pytest.approx(np.log(integral), abs=1e-8)


def test_energy_is_what_it_is_defined_to_be(rbm, X):
    hidden = all_states(3)[np.arange(len(X)) % 8]
    deviation = X - rbm.intercept_visible_
    covariance = getattr(rbm, "noise_covariance_", np.diag(rbm.noise_variance_))
    precision = np.linalg.inv(covariance)
    expected = (
        np.einsum("ij,jk,ik->i", deviation, precision, deviation) / 2
        - hidden @ rbm.intercept_hidden_
        - np.einsum("ij,jk,ik->i", X, precision, hidden @ rbm.components_)
    )
    np.testing.assert_allclose(rbm.energy(X, hidden), expected, rtol=1e-9, atol=1e-8)


def test_free_energy_sums_the_hidden_units_out(rbm, X):
    energies = [rbm.energy(X, np.tile(h, (len(X), 1))) for h in all_states(3)]
    expected = -np.logaddexp.reduce(-np.array(energies), axis=0)
    np.testing.assert_allclose(rbm.free_energy(X), expected, rtol=1e-10, atol=1e-9)
    np.testing.assert_allclose(
        -rbm.free_energy(X) - rbm.log_partition_,
        rbm.score_samples(X),
        rtol=1e-9,
        atol=1e-9,
    )


def test_conditional_densities_are_ratios_of_densities(rbm, X):
    exact = MixtureOracle.of(rbm).conditional_log_density(X)
    result = rbm.conditional_score_samples(X)
    assert result.shape == X.shape
    assert result.dtype == np.float64
    np.testing.assert_allclose(result, exact, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(
        rbm.pseudo_log_likelihood(X), exact.sum(axis=1), rtol=1e-8, atol=1e-8
    )


def test_transform_is_the_posterior_mean(rbm, X):
    exact = MixtureOracle.of(rbm).posterior_mean(X)
    np.testing.assert_allclose(rbm.transform(X), exact, rtol=1e-7, atol=1e-9)
    covariance = getattr(rbm, "noise_covariance_", np.diag(rbm.noise_variance_))
    log_odds = X @ np.linalg.inv(covariance) @ rbm.components_.T + rbm.intercept_hidden_
    inside = np.abs(log_odds) < 20
    np.testing.assert_allclose(
        logit(rbm.transform(X)[inside]), log_odds[inside], rtol=1e-6, atol=1e-6
    )


def test_inverse_transform_is_the_mean_given_the_hidden_units(rbm):
    np.testing.assert_allclose(
        rbm.inverse_transform(all_states(3)), MixtureOracle.of(rbm).means, rtol=1e-10
    )
    half = rbm.inverse_transform([[0.5, 0.5, 0.5]])
    mean = rbm.intercept_visible_ + rbm.components_.sum(axis=0) / 2
    np.testing.assert_allclose(half, [mean], rtol=1e-10)


def test_a_round_trip_through_the_parameters_keeps_the_density(rbm, X):
    params = rbm.get_params()
    again = GaussianRBM.from_parameters(
        rbm.components_,
        rbm.intercept_visible_,
        rbm.intercept_hidden_,
        getattr(rbm, "noise_covariance_", rbm.noise_variance_),
        X=wide_rows(),
        **{name: params[name] for name in params if name != "n_components"},
    )
    assert again.get_params() == rbm.get_params()
    np.testing.assert_allclose(
        again.score_samples(X), rbm.score_samples(X), rtol=1e-10, atol=1e-9
    )
    np.testing.assert_array_equal(again.noise_variance_, rbm.noise_variance_)


# ---- more hidden units than are summed over ----


def padded(n_more, **params):
    """Add hidden units without weights, each of which doubles Z."""
    components, visible, hidden, covariance = random_gaussian_rbm(3, 4, scale=1.5)
    few = GaussianRBM.from_parameters(components, visible, hidden, covariance)
    many = GaussianRBM.from_parameters(
        np.vstack([components, np.zeros((n_more, 4))]),
        visible,
        np.append(hidden, np.zeros(n_more)),
        covariance,
        **params,
    )
    return few, many, few.log_partition_ + n_more * np.log(2)


def test_annealing_agrees_with_the_sum():
    few, many, exact = padded(20, random_state=0)
    assert few.log_partition_std_ == 0
    error = many.log_partition() - exact
    assert 0 < many.log_partition_std_ < 0.03
    assert 0 < abs(error) < 4 * many.log_partition_std_
    X = MixtureOracle.of(few).draw_rows(20, np.random.default_rng(0))
    np.testing.assert_allclose(
        many.score_samples(X), few.score_samples(X) - error, atol=1e-9
    )
    assert many.log_partition_effective_sample_size_ > 2


def blocks(n_blocks=8):
    """Make a machine of independent ones of three hidden units and features."""
    parts = [random_gaussian_rbm(3, 3, seed=seed) for seed in range(n_blocks)]
    components, visible, hidden, covariance = zip(*parts, strict=True)
    rbm = GaussianRBM.from_parameters(
        block_diag(*components),
        np.concatenate(visible),
        np.concatenate(hidden),
        block_diag(*covariance),
        random_state=0,
    )
    return rbm, [MixtureOracle(*part) for part in parts]


def test_annealing_of_independent_machines_gives_their_product():
    rbm, oracles = blocks()
    exact = sum(oracle.log_partition for oracle in oracles)
    error = rbm.log_partition() - exact
    assert 0 < rbm.log_partition_std_ < 0.03
    assert abs(error) < 4 * rbm.log_partition_std_
    rng = np.random.default_rng(0)
    X = np.hstack([oracle.draw_rows(50, rng) for oracle in oracles])
    parts = np.split(X, len(oracles), axis=1)
    density = sum(
        oracle.log_density(rows) for oracle, rows in zip(oracles, parts, strict=True)
    )
    error = rbm.score_samples(X) - density
    assert np.abs(error).max() < 4 * rbm.log_partition_std_
    assert np.ptp(error) < 1e-9
    # Without a partition function, conditional densities are exact.
    conditional = np.hstack(
        [
            oracle.conditional_log_density(rows)
            for oracle, rows in zip(oracles, parts, strict=True)
        ]
    )
    np.testing.assert_allclose(
        rbm.conditional_score_samples(X), conditional, rtol=1e-8, atol=1e-8
    )


@pytest.mark.parametrize("with_rows", [True, False])
def test_bounds_enclose_the_exact_value(with_rows):
    rbm, oracles = blocks()
    exact = sum(oracle.log_partition for oracle in oracles)
    rng = np.random.default_rng(0)
    X = (
        np.hstack([oracle.draw_rows(50, rng) for oracle in oracles])
        if with_rows
        else None
    )
    bounds = log_partition_bounds(rbm, X=X, n_steps=400, random_state=0)
    assert not bounds.exact
    assert abs(bounds.lower - exact) < 4 * bounds.lower_std
    assert abs(bounds.upper - exact) < 4 * bounds.upper_std
    assert abs(bounds.gap) < 4 * bounds.gap_std


def test_bounds_of_few_hidden_units_are_exact():
    rbm = from_noise(3, 3, "full")
    bounds = log_partition_bounds(rbm)
    assert bounds.exact
    assert bounds.lower == bounds.upper == pytest.approx(rbm.log_partition_, rel=1e-12)


def test_the_estimate_does_not_depend_on_the_constructor_any_more():
    """Chains are of the units learned, whatever is asked for since."""
    _, many, exact = padded(20, random_state=0)
    many.set_params(n_components=5, covariance_type="diag", noise_variance=1.0)
    error = many.log_partition() - exact
    assert abs(error) < 4 * many.log_partition_std_
    assert many.sample(3, n_steps=5, random_state=0).shape == (3, 4)
