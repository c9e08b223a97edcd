import numpy as np
import pytest
from gaussian_machines import (
    KINDS,
    dense,
    gaussian_energy,
    gaussian_machine,
    oracle_of,
    units_of,
)

from skebm.learning.starts.directions import start_parameters
from skebm.units.gaussian import GaussianUnits

LEARNED = ["full", "diag", "shared"]
EXPLAINED, ON = 0.5, 0.1


def start(whitening, n_hidden, noise=None, seed=0):
    rng = np.random.default_rng(seed)
    return gaussian_energy(*start_parameters(whitening, n_hidden, rng, noise))


def whitened(kind, n_visible):
    return gaussian_machine(kind, 1, n_visible).visible


def directions(energy, whitening):
    """Give the weights in units of the data."""
    return whitening.statistics(energy.visible.states(energy.weights))


def white_moments(energy, whitening):
    """Mean and covariance of the visible units, in units of the data."""
    matrix = dense(whitening)
    mean, covariance = oracle_of(energy).moments()
    return matrix @ mean, matrix @ covariance @ matrix.T


@pytest.mark.parametrize("n_hidden", [1, 3, 4])
def test_with_orthogonal_directions_the_start_has_the_moments_of_the_data(n_hidden):
    """Exactly: the hidden units are independent."""
    whitening = whitened("full", 4)
    energy = start(whitening, n_hidden)
    oracle = oracle_of(energy)
    np.testing.assert_allclose(oracle.law @ oracle.hidden, ON, rtol=1e-10)
    mean, covariance = white_moments(energy, whitening)
    np.testing.assert_allclose(mean, np.zeros(4), rtol=0, atol=1e-11)
    np.testing.assert_allclose(covariance, np.eye(4), rtol=0, atol=1e-11)


def test_with_opposite_directions_the_start_has_about_the_moments_of_the_data():
    whitening = whitened("full", 3)
    energy = start(whitening, 6)
    oracle = oracle_of(energy)
    # Of two opposite units one at most is on.
    np.testing.assert_allclose(oracle.law @ oracle.hidden, 0.14, rtol=0, atol=0.002)
    mean, covariance = white_moments(energy, whitening)
    np.testing.assert_allclose(mean, np.zeros(3), rtol=0, atol=1e-11)
    np.testing.assert_allclose(covariance, 1.28 * np.eye(3), rtol=0, atol=0.01)


@pytest.mark.parametrize("kind", LEARNED)
def test_directions_are_orthogonal_and_then_opposite(kind):
    whitening = whitened(kind, 4)
    weights = directions(start(whitening, 6), whitening)
    squared = EXPLAINED / (ON * (1 - ON)) / 2  # two units share a direction
    np.testing.assert_allclose(
        weights[:4] @ weights[:4].T, squared * np.eye(4), rtol=0, atol=1e-12
    )
    np.testing.assert_array_equal(weights[4:6], -weights[:2])


@pytest.mark.parametrize("n_hidden", [1, 4, 8, 11, 30])
def test_hidden_units_explain_half_of_the_variance_where_most(n_hidden):
    whitening = whitened("full", 4)
    energy = start(whitening, n_hidden)
    assert energy.n_hidden == n_hidden
    assert energy.visible.is_regular()
    matrix = dense(whitening)
    left = matrix @ energy.visible.covariance() @ matrix.T
    assert np.linalg.eigvalsh(left)[0] == pytest.approx(1 - EXPLAINED, abs=1e-12)
    weights = directions(energy, whitening)
    explained = ON * (1 - ON) * weights.T @ weights
    np.testing.assert_allclose(left + explained, np.eye(4), rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", ["diag", "shared"])
def test_columns_of_the_data_keep_their_variance(kind):
    """Each its own, or all of them together."""
    whitening = whitened(kind, 4)
    energy = start(whitening, 3)
    assert energy.visible.shared == (kind == "shared")
    left = energy.visible.variances() * whitening.whitening**2
    explained = ON * (1 - ON) * (directions(energy, whitening) ** 2).sum(axis=0)
    total = left + explained
    if kind == "shared":
        assert np.ptp(left) < 1e-15
        total = total.mean()
    np.testing.assert_allclose(total, 1, rtol=1e-14)


@pytest.mark.parametrize("kind", LEARNED)
def test_units_of_the_columns_do_not_matter(kind):
    units = np.array([1e-3, 2.0, 1e3, 5.0])
    whitening = whitened(kind, 4)
    other = GaussianUnits.of_base(whitening.base / units, shared=kind == "shared")
    energy, scaled = start(whitening, 6), start(other, 6)
    for name in ("weights", "visible_bias", "hidden_bias"):
        expected = getattr(energy, name)
        np.testing.assert_allclose(getattr(scaled, name), expected, atol=1e-11)
    variance = energy.visible.variances() * units**2
    np.testing.assert_allclose(scaled.visible.variances(), variance, rtol=1e-12)


def start_from(sample, n_hidden, kind="full", seed=0):
    """Give the start, and what gives the rows and a little more unit variance."""
    covariance = sample.T @ sample / len(sample) + 1e-3 * np.eye(sample.shape[1])
    whitening = units_of(covariance if kind == "full" else np.diag(covariance), kind)
    rng = np.random.default_rng(seed)
    parameters = start_parameters(whitening, n_hidden, rng, sample=sample)
    return gaussian_energy(*parameters), whitening


@pytest.mark.parametrize("kind", ["full", "diag"])
def test_no_unit_stands_for_directions_in_which_data_do_not_vary(kind):
    """A column that is there twice, and a constant one."""
    sample = np.random.default_rng(0).laplace(size=(500, 4))
    sample[:, 2], sample[:, 3] = sample[:, 0], 0
    energy, whitening = start_from(sample, 6, kind)
    # What they add to rows: the same to both copies, and nothing to the constant.
    added = energy.visible.states(energy.weights)
    np.testing.assert_allclose(added[:, 2], added[:, 0], rtol=0, atol=1e-2)
    np.testing.assert_allclose(added[:, 3], np.zeros(6), rtol=0, atol=1e-12)
    assert np.abs(added[:, :2]).max() > 0.5
    # In two directions and their opposites first, and then in two others.
    weights = directions(energy, whitening)
    for rows in (weights, weights[:2]):
        assert np.linalg.matrix_rank(rows, tol=1e-10) == 2
    np.testing.assert_allclose(weights[2:4], -weights[:2], rtol=0, atol=1e-12)
    assert np.abs(weights[4:] @ weights[:2].T).min() > 0.1


@pytest.mark.parametrize("kind", ["full", "diag"])
def test_where_data_vary_in_all_directions_there_is_nothing_to_leave_out(kind):
    sample = np.random.default_rng(0).laplace(size=(500, 4)) @ np.diag([1, 2, 3, 9])
    energy, whitening = start_from(sample, 6, kind)
    expected = start(whitening, 6)
    np.testing.assert_allclose(energy.weights, expected.weights, rtol=0, atol=1e-12)


def rows_like(shape, seed=0):
    """Draw correlated rows that are more peaked than normal ones, or flatter."""
    rng = np.random.default_rng(seed)
    sources = {
        "heavy tails": rng.laplace(size=(2000, 3)),
        "rare events": 1.0 * (rng.uniform(size=(2000, 3)) < 0.1),
        "even": rng.uniform(-1, 1, size=(2000, 3)),
        "clusters": rng.normal(size=(2000, 3)) + rng.choice([-3, 3], size=(2000, 3)),
    }[shape]
    mixing = np.array([[1, 0.9, 0.5], [0, 2.0, 0.3], [0.0, 0, 10]])
    return (sources - sources.mean(axis=0)) @ mixing


@pytest.mark.parametrize("kind", ["full", "diag"])
@pytest.mark.parametrize(
    ("shape", "on"),
    [("heavy tails", 0.1), ("rare events", 0.1), ("even", 0.4), ("clusters", 0.4)],
)
def test_the_kurtosis_of_the_data_says_how_often_units_begin_on(shape, on, kind):
    energy, whitening = start_from(rows_like(shape), 3, kind)
    mean = energy.visible_bias + on * energy.weights.sum(axis=0)
    np.testing.assert_allclose(mean, np.zeros(3), rtol=0, atol=1e-13)
    if kind == "full":
        oracle = oracle_of(energy)
        np.testing.assert_allclose(oracle.law @ oracle.hidden, on, rtol=1e-9)
        _, covariance = white_moments(energy, whitening)
        np.testing.assert_allclose(covariance, np.eye(3), rtol=0, atol=1e-10)


def test_kurtosis_is_that_of_rows_without_correlations():
    """Four columns that are nearly one, and even: of one axis it would be large."""
    rng = np.random.default_rng(0)
    sources = rng.uniform(-1, 1, size=(2000, 5))
    sample = sources[:, :1] + 0.3 * sources[:, 1:]
    energy, _ = start_from(sample, 3, "diag")
    mean = energy.visible_bias + 0.4 * energy.weights.sum(axis=0)
    np.testing.assert_allclose(mean, np.zeros(4), rtol=0, atol=1e-13)


def test_data_that_do_not_vary_at_all():
    energy, _ = start_from(np.zeros((1, 3)), 2)
    assert np.isfinite(energy.weights).all()
    assert energy.visible.is_regular()


def test_a_known_noise_is_left_as_it_is():
    whitening = whitened("diag", 4)
    noise = GaussianUnits.of_base(np.array([3.0, 1.0, 0.5, 2.0]), fixed=True)
    energy = start(whitening, 3, noise)
    assert energy.visible is noise
    weights = directions(energy, whitening)
    expected = EXPLAINED / (ON * (1 - ON)) * np.eye(3)
    np.testing.assert_allclose(weights @ weights.T, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_means_are_zero_at_the_rates_asked_for(kind):
    whitening = whitened(kind, 4)
    energy = start(whitening, 3, whitening if kind == "fixed" else None)
    mean = energy.visible_bias + ON * energy.weights.sum(axis=0)
    np.testing.assert_allclose(mean, np.zeros(4), rtol=0, atol=1e-14)


def test_the_seed_sets_the_directions():
    whitening = whitened("full", 4)
    first, same, other = (start(whitening, 6, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.weights, same.weights)
    assert (first.weights != other.weights).all()
