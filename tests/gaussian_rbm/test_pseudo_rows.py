"""Groups whose covariances are alike: the start, its choice and learning after it."""

import numpy as np
import pytest
from gaussian_machines import gaussian_machine, rows_of
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from statistical import assert_mean_is

from skebm import GaussianRBM
from skebm.energy.gaussian_rbm import GaussianRBMEnergy
from skebm.energy.grouped import GroupedEnergy
from skebm.energy.pseudo_rows import PseudoRows
from skebm.learning.starts.groups import fit_groups
from skebm.learning.starts.number_of_groups import choose_groups
from skebm.sampling.random import UniformNoise
from skebm.units.binary import BinaryUnits
from skebm.units.gaussian import GaussianUnits, whiten_covariance

SHAPE = np.array([[1.0, 0.6, 0.0], [0.6, 1.0, -0.5], [0.0, -0.5, 0.8]])


def given(seed=0):
    rng = np.random.default_rng(seed)
    return {"ridge": 1e-3, "restricted": lambda covariance: covariance, "rng": rng}


def rows_of_one_shape(n_rows, seed=0, n_scales=1):
    rng = np.random.default_rng(seed)
    group = rng.choice(3, n_rows, p=[0.5, 0.3, 0.2])
    rows = rng.multivariate_normal(np.zeros(3), SHAPE, n_rows)
    rows *= np.array([0.3, 1.0, 0.5])[group, np.newaxis]
    if n_scales > 1:
        rows *= rng.choice([0.5, 1.5], size=(n_rows, 1))
    return rows + 3 * np.eye(3)[group]


def mixture(n_scales=1, pseudo_rows=10.0):
    rows = rows_of_one_shape(200, n_scales=n_scales)
    settings = given() | {"pseudo_rows": pseudo_rows, "least_rise": 1e-9}
    return rows, fit_groups(rows, 3, n_scales, **settings)


def grouped(found, share, dtype=np.float64):
    """Make the energy of a mixture, of hidden units that say nothing yet."""
    noises = [GaussianUnits.of_base(whiten_covariance(own)) for own in found[3]]
    zeros = np.zeros((1, 3)), np.zeros(3), np.zeros(1)
    machine = GaussianRBMEnergy.of(*zeros, noises[0], BinaryUnits(1))
    energy = GroupedEnergy.of(machine.replaced(ridge=1e-3), noises, *found[:3])
    drawn = PseudoRows.of(found, share, np.random.default_rng(1))
    return energy.replaced(pseudo_rows=drawn).astype(dtype)


def learned(n_scales=1, kind="full"):
    """Make an energy with pseudo-rows that has learned since."""
    machine, rng = gaussian_machine(kind, 2, 3, ridge=0.05), np.random.default_rng(1)
    _, found = mixture(n_scales)
    noises = [machine.noise.stretched(factor) for factor in (1.0, 1.4, 0.7)]
    energy = GroupedEnergy.of(machine, noises, *found[:3])
    drawn = PseudoRows.of(found, 0.2, np.random.default_rng(2))
    energy = energy.replaced(pseudo_rows=drawn)
    vector = energy.ravel()
    return energy.unravel(vector + 0.1 * rng.normal(size=len(vector)))


# ---- the start ----


@pytest.mark.parametrize("n_scales", [1, 2])
def test_many_pseudo_rows_give_groups_one_shape(n_scales):
    _, found = mixture(n_scales, 1e9)
    for covariance, factor in zip(found.covariances, found.factors, strict=True):
        np.testing.assert_allclose(covariance, factor * found.common, rtol=1e-5)
    if n_scales == 1:
        # Which is that of the rows; 200 of them know a correlation within 0.1.
        shape = found.common / np.trace(found.common) * np.trace(SHAPE)
        np.testing.assert_allclose(shape, SHAPE, atol=0.25)


def test_without_pseudo_rows_groups_are_of_their_rows_alone():
    rows, found = mixture(pseudo_rows=0.0)
    joint = np.column_stack(
        [
            log_weight + multivariate_normal(centre, covariance).logpdf(rows)
            for (log_weight,), centre, covariance in zip(*found[1:4], strict=True)
        ]
    )
    law = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
    for own, centre, covariance in zip(law.T, *found[2:4], strict=True):
        exact = np.cov((rows - centre).T, aweights=own, ddof=0) + 1e-3 * np.eye(3)
        np.testing.assert_allclose(covariance, exact, atol=1e-3)


@pytest.mark.parametrize("n_scales", [1, 2])
def test_learning_stays_where_em_ends(n_scales):
    """The gradient of the noise is 0 there, as it is not without the pseudo-rows."""
    rows, found = mixture(n_scales)
    energy = grouped(found, 10 / len(rows))
    weights = np.full(len(rows), 1 / len(rows))

    def steepest(energy):
        slope = energy.positive_phase(rows, weights)[1] - energy.negative_phase()[1]
        return max(
            np.abs(array).max() for noise in slope.noises for array in noise.arrays()
        )

    # With scales EM has a pseudo-row of each scale, which learning does not.
    assert steepest(energy) < (1e-5 if n_scales == 1 else 4e-3)
    assert steepest(energy.replaced(pseudo_rows=None)) > 8e-3


def test_pseudo_rows_are_chosen_by_rows_held_out():
    few = rows_of_one_shape(60)
    found = choose_groups(few, 3, 1, **given())
    assert found.n_groups == 3
    assert found.pseudo_rows > 0
    others = rows_of_one_shape(5000, seed=1)
    scores = [
        fit_groups(few, 3, 1, pseudo_rows=own, **given()).scores(others).mean()
        for own in (0.0, found.pseudo_rows)
    ]
    assert scores[1] > scores[0] + 0.05
    assert choose_groups(few[:5], 3, 1, **given()) == (3, 0.0, 1e-3)


# ---- rows that learning has beside those of data ----


@pytest.mark.parametrize("n_scales", [1, 2])
def test_pseudo_rows_are_of_the_common_shape(n_scales):
    _, found = mixture(n_scales)
    pseudo = PseudoRows.of(found, 0.1, np.random.default_rng(0))
    np.testing.assert_allclose(pseudo.rows.mean(axis=0), np.zeros(3), atol=1e-12)
    covariance = pseudo.rows.T @ pseudo.rows / len(pseudo.rows)
    np.testing.assert_allclose(covariance, found.common, atol=1e-12)
    for number, (roots, images) in enumerate(
        zip(pseudo.roots, pseudo.images, strict=True)
    ):
        assert (images // n_scales == number).all()
        scales = found.factors[number] * np.exp(found.log_scales.ravel()[images])
        np.testing.assert_allclose(roots**2, scales)
        density = [
            multivariate_normal(cov=scale * found.common).logpdf(root * row)
            for scale, root, row in zip(scales, roots, pseudo.rows, strict=True)
        ]
        assert pseudo.scores[number] == pytest.approx(np.mean(density))


@pytest.mark.parametrize("kind", ["full", "diag", "shared"])
@pytest.mark.parametrize("n_scales", [1, 2])
def test_gradients_with_pseudo_rows(kind, n_scales):
    energy = learned(n_scales, kind)
    pseudo = energy.pseudo_rows
    rows = rows_of(gaussian_machine(kind, 2, 3), 8, spread=2.0)
    weights = np.random.default_rng(0).dirichlet(np.ones(8))

    def objective(energy):
        plain = energy.replaced(pseudo_rows=None)
        log_partition = plain.negative_phase()[0]
        value = plain.positive_phase(rows, weights)[0] - log_partition
        shares = np.log(energy.shares)
        for number, centre in enumerate(energy.centres):
            own = centre + pseudo.roots[number, :, np.newaxis] * pseudo.rows
            image = pseudo.images[number]
            joint = (plain.joint(own) - shares)[np.arange(len(own)), image]
            mean = joint.mean() - log_partition
            value += pseudo.share * (mean - pseudo.scores[number])
        return value

    value, positive = energy.positive_phase(rows, weights)
    log_partition, negative = energy.negative_phase()
    # But for the unit of volume of the machine, which is 1 here.
    assert energy.machine.log_volume + energy.log_det == pytest.approx(0, abs=1e-12)
    assert value - log_partition == pytest.approx(objective(energy), abs=1e-10)
    vector, slope = energy.ravel(), []
    for step in 1e-5 * np.eye(len(vector)):
        up, down = energy.unravel(vector + step), energy.unravel(vector - step)
        slope.append((objective(up) - objective(down)) / 2e-5)
    np.testing.assert_allclose((positive - negative).ravel(), slope, atol=1e-7)
    observed = np.ones(rows.shape, dtype=bool)
    again_value, again = energy.observed_phase(rows, observed, weights)
    assert again_value == pytest.approx(value, abs=1e-12)
    np.testing.assert_allclose(again.ravel(), positive.ravel(), atol=1e-10)


def test_draws_of_pseudo_rows_average_to_the_gradient():
    energy = learned(2)
    rows = rows_of(gaussian_machine("full", 2, 3), 8, spread=2.0)
    noise = UniformNoise(np.random.default_rng(0), np.float64)
    draws = [energy.statistics(rows, noise=noise).ravel() for _ in range(2000)]
    exact = energy.statistics(rows).ravel()
    varying = np.std(draws, axis=0) > 1e-12
    np.testing.assert_allclose(draws[0][~varying], exact[~varying], atol=1e-9)
    assert_mean_is(exact[varying], np.array(draws)[:, varying])


@pytest.mark.parametrize("algorithm", ["exact", "pcd"])
def test_few_rows_of_many_groups_are_learned(algorithm):
    """Beside the density itself; with groups of their own shapes it is far behind."""
    X, rows = rows_of_one_shape(80), rows_of_one_shape(5000, seed=1)
    settings = {"algorithm": algorithm, "max_iter": 300, "random_state": 0}
    rbm = GaussianRBM(1, n_groups=3, **settings).fit(X)
    assert rbm._state.model.pseudo_rows is not None
    true = fit_groups(rows, 3, 1, **given()).scores(rows).mean()
    assert rbm.score(rows) > true - 0.35
    history = rbm.history_["train_log_likelihood"]
    assert history[-1] > history[0] - 0.05
