"""The estimator with hidden units against brute force, and against its relatives."""

import numpy as np
import pytest
from oracle import BoltzmannOracle, all_states, random_boltzmann, random_rbm
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV

from skebm import BinaryRBM, BoltzmannMachine, LatentBM, log_partition_bounds
from skebm.energy import latent
from skebm.partition import log_partition

N_FEATURES, N_COMPONENTS = 4, 3


def parts_of(couplings, bias):
    return {
        "components": couplings[N_FEATURES:, :N_FEATURES],
        "intercept_visible": bias[:N_FEATURES],
        "intercept_hidden": bias[N_FEATURES:],
        "visible_couplings": couplings[:N_FEATURES, :N_FEATURES],
        "hidden_couplings": couplings[N_FEATURES:, N_FEATURES:],
    }


@pytest.fixture
def parameters():
    return random_boltzmann(N_FEATURES + N_COMPONENTS)


@pytest.fixture
def machine(parameters):
    return LatentBM.from_parameters(**parts_of(*parameters), random_state=0)


@pytest.fixture
def oracle(parameters):
    return BoltzmannOracle(*parameters)


def law_of(oracle):
    return oracle.law.reshape(2**N_FEATURES, -1).sum(axis=1)


# ---- probabilities ----


def test_inverse_transform_takes_what_transform_gives(machine, parameters):
    couplings, bias = parameters
    hidden = machine.transform(all_states(N_FEATURES))
    field = hidden @ couplings[N_FEATURES:, :N_FEATURES] + bias[:N_FEATURES]
    for row, biases in zip(machine.inverse_transform(hidden), field, strict=True):
        given = BoltzmannOracle(couplings[:N_FEATURES, :N_FEATURES], biases)
        np.testing.assert_allclose(row, given.moments()[1], atol=1e-12)


def test_where_hidden_units_are_too_many_scores_are_bounds(
    machine, oracle, monkeypatch
):
    exact = machine.score_samples(all_states(N_FEATURES))
    mean = machine.transform(all_states(N_FEATURES))
    monkeypatch.setattr(latent, "MAX_SUMMED_UNITS", 1)
    assert not machine.score_is_exact_
    bounded = machine.score_samples(all_states(N_FEATURES))
    assert (exact - bounded).min() > 0
    assert (exact - bounded).max() < 0.2
    assert 1e-3 < np.abs(machine.transform(all_states(4)) - mean).max() < 0.2


def test_without_couplings_it_is_the_binary_rbm():
    parameters = random_rbm(N_COMPONENTS, N_FEATURES)
    ours = LatentBM.from_parameters(*parameters)
    theirs = BinaryRBM.from_parameters(*parameters)
    visible = all_states(N_FEATURES)
    hidden = all_states(N_COMPONENTS)[np.arange(16) % 8]
    assert ours.log_partition_ == pytest.approx(theirs.log_partition_, abs=1e-10)
    assert ours.score_is_exact_
    np.testing.assert_allclose(
        ours.inverse_transform(hidden), theirs.inverse_transform(hidden), atol=1e-10
    )
    for name in "free_energy", "score_samples", "pseudo_log_likelihood", "transform":
        result = getattr(ours, name)(visible)
        np.testing.assert_allclose(result, getattr(theirs, name)(visible), atol=1e-10)
    np.testing.assert_allclose(
        ours.energy(visible, hidden), theirs.energy(visible, hidden), atol=1e-10
    )


def test_without_weights_it_is_the_fully_visible_machine():
    couplings, bias = random_boltzmann(N_FEATURES)
    components = np.zeros((N_COMPONENTS, N_FEATURES))
    hidden_bias = np.arange(3.0)
    ours = LatentBM.from_parameters(
        components, bias, hidden_bias, visible_couplings=couplings
    )
    theirs = BoltzmannMachine.from_parameters(couplings, bias)
    visible = all_states(N_FEATURES)
    np.testing.assert_allclose(
        ours.score_samples(visible), theirs.score_samples(visible), atol=1e-10
    )


def test_annealing_agrees_with_enumeration(machine, oracle, monkeypatch):
    monkeypatch.setattr(log_partition, "can_enumerate", lambda _: False)
    machine.set_params(log_partition_tol=0.02)  # or else what is known is used
    error = machine.log_partition() - np.log(oracle.partition)
    assert 0 < machine.log_partition_std_ < 0.02
    assert abs(error) < 4 * machine.log_partition_std_


def test_many_hidden_units_are_learned_and_scored_by_bounds(monkeypatch):
    X = clusters()
    machine = LatentBM(14, max_iter=200, random_state=0).fit(X)
    assert not machine.score_is_exact_
    bound = machine.score_samples(X[:200])
    monkeypatch.setattr(latent, "MAX_SUMMED_UNITS", 13)
    assert machine.score_is_exact_
    excess = machine.score_samples(X[:200]) - bound
    assert excess.min() > 0
    assert excess.max() < 0.2


# ---- drawing ----


# ---- learning ----


def parity(n_copies=50):
    """Three bits of which an even number are on, and one at random."""
    even = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]])
    rows = np.repeat(np.vstack([even, even]), n_copies, axis=0)
    return np.column_stack([rows, np.repeat([0, 1], 4 * n_copies)])


@pytest.fixture(params=["summed", "mean_field", "gibbs"])
def posterior(request, monkeypatch):
    """What stands for the hidden units of the data in turn."""
    if request.param == "summed":
        return "mean_field"  # not looked at where sums are short
    monkeypatch.setattr(latent, "_MOST_FIELDS", 0)
    return request.param


@pytest.mark.parametrize("hidden_couplings", [True, False])
def test_learns_what_pairs_cannot_say(posterior, hidden_couplings):
    X = parity()
    pairs = BoltzmannMachine(algorithm="exact").fit(X).score(X)
    assert pairs == pytest.approx(np.log(1 / 16), abs=1e-3)
    machine = LatentBM(
        4,
        posterior=posterior,
        hidden_couplings=hidden_couplings,
        n_chains=200,
        max_iter=1500,
        random_state=0,
    ).fit(X)
    assert machine.score_is_exact_
    assert machine.score(X) > np.log(1 / 8) - 0.15


def test_exact_learning_ends_where_the_gradient_vanishes(oracle):
    rng = np.random.default_rng(0)
    X = oracle.draw(3000, rng)[:, :N_FEATURES]
    machine = LatentBM(2, algorithm="exact", alpha=0.01, tol=1e-7, random_state=0)
    machine.fit(X)
    names = ("components_", "visible_couplings_", "hidden_couplings_")
    parameters = {
        name.rstrip("_"): getattr(machine, name)
        for name in (*names, "intercept_visible_", "intercept_hidden_")
    }

    def objective(name, index, change):
        moved = {key: value.copy() for key, value in parameters.items()}
        moved[name][index] += change
        if name.endswith("couplings"):
            moved[name][index[::-1]] += change
        size = sum(
            (moved[key.rstrip("_")] ** 2).sum() / (1 if key == "components_" else 2)
            for key in names
        )
        return LatentBM.from_parameters(**moved).score(X) - 0.01 / 2 * size

    for name, value in parameters.items():
        for index in np.ndindex(value.shape):
            if name.endswith("couplings") and index[0] >= index[1]:
                continue
            rise = objective(name, index, 1e-4) - objective(name, index, -1e-4)
            assert abs(rise / 2e-4) < 1e-6
    assert machine.history_["train_log_likelihood"][-1] == pytest.approx(
        machine.score(X), abs=1e-10
    )


def test_exact_learning_says_when_there_are_too_many_units():
    with pytest.raises(ValueError, match="more than 20 units"):
        LatentBM(16, algorithm="exact").fit(np.eye(10))


def deep(first, second, n_features):
    """Give the parameters of a machine with two layers of hidden units."""
    layers = np.repeat([0, 1], [first, second])
    return {
        "n_components": first + second,
        "visible_couplings": False,
        "hidden_couplings": layers[:, np.newaxis] != layers,
        "component_mask": np.outer(layers == 0, np.ones(n_features)),
    }


def clusters():
    """Six bits around four patterns."""
    rng = np.random.default_rng(0)
    patterns = np.array(
        [[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1], [1, 0, 1, 0, 1, 0], [0, 1, 0, 1, 0, 1]]
    )
    return patterns[rng.integers(4, size=1000)] ^ (rng.random((1000, 6)) < 0.05)


def test_a_deep_machine_learns_by_its_masks(posterior):
    X = clusters()
    params = deep(4, 2, 6)
    machine = LatentBM(**params, posterior=posterior, max_iter=600, random_state=0)
    machine.fit(X)
    assert not machine.visible_couplings_.any()
    assert not machine.components_[4:].any()
    learned = machine.hidden_couplings_ != 0
    np.testing.assert_array_equal(learned, params["hidden_couplings"])
    mean = X.mean(axis=0)
    independent = np.sum(mean * np.log(mean) + (1 - mean) * np.log(1 - mean))
    _, counts = np.unique(X, axis=0, return_counts=True)
    best = counts @ np.log(counts / len(X)) / len(X)
    assert best - independent > 1.6
    assert machine.score(X) > best - 0.03


def test_a_penalty_makes_couplings_zero():
    X = parity()
    machine = LatentBM(4, alpha=0.05, l1_ratio=1.0, max_iter=300, random_state=0).fit(X)
    assert (machine.visible_couplings_ == 0).sum() > N_FEATURES


def test_tempered_chains_learn_as_well():
    X = clusters()
    machine = LatentBM(4, tempering=True, n_chains=50, max_iter=300, random_state=0)
    assert machine.fit(X).score(X) > BoltzmannMachine().fit(X).score(X) - 0.05


def test_partial_fit_goes_on_from_a_fit_and_from_parameters(machine):
    X = parity()
    for start in LatentBM(3, max_iter=20, random_state=0).fit(X), machine:
        before = start.components_.copy()
        n_iter = start.n_iter_
        start.partial_fit(X)
        assert start.n_iter_ == n_iter + 2
        assert 0 < np.abs(start.components_ - before).max() < 0.5
    machine.set_params(alpha=0.1).partial_fit(X)
    offset = machine._state.model.offset[:N_FEATURES]
    np.testing.assert_allclose(offset, X.mean(axis=0), atol=1e-6)
    assert machine.n_iter_ == 4


def test_partial_fit_keeps_the_number_of_components(machine):
    with pytest.raises(ValueError, match="n_components was 3"):
        machine.set_params(n_components=2).partial_fit(parity())


# ---- what users pass in ----


def test_adjacencies_may_be_sparse():
    X = clusters()[:, :4]
    ring = np.roll(np.eye(4), 1, axis=0) + np.roll(np.eye(4), -1, axis=0)
    fits = [
        LatentBM(3, visible_couplings=adjacency, max_iter=20, random_state=0).fit(X)
        for adjacency in (ring, sparse.csr_array(ring))
    ]
    couplings = fits[0].visible_couplings_
    np.testing.assert_array_equal(couplings != 0, ring != 0)
    np.testing.assert_array_equal(fits[1].visible_couplings_, couplings)
    assert clone(fits[0]).visible_couplings is not ring


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"visible_couplings": np.eye(3)}, "visible_couplings has shape"),
        ({"hidden_couplings": np.eye(3)}, "hidden_couplings has shape"),
        ({"hidden_couplings": [[0, 1], [0, 0]]}, "hidden_couplings must be symmetric"),
        ({"component_mask": np.ones((4, 2))}, "component_mask has shape"),
    ],
)
def test_masks_have_to_fit(params, message):
    with pytest.raises(ValueError, match=message):
        LatentBM(2, **params).fit(parity())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"intercept_visible": np.zeros(3)}, r"intercept_visible has shape \(3,\)"),
        ({"intercept_hidden": np.zeros(4)}, r"intercept_hidden has shape \(4,\)"),
        ({"visible_couplings": np.zeros((3, 3))}, "visible_couplings has shape"),
        ({"hidden_couplings": np.eye(3)}, "zero diagonal"),
        ({"hidden_couplings": np.eye(3, k=1)}, "must be symmetric"),
        ({"component_mask": np.eye(3, 4)}, "component_mask"),
    ],
)
def test_parameters_have_to_fit(parameters, changes, message):
    with pytest.raises(ValueError, match=message):
        LatentBM.from_parameters(**{**parts_of(*parameters), **changes})


def test_whether_scores_are_exact_is_known_once_fitted():
    with pytest.raises(NotFittedError):
        _ = LatentBM().score_is_exact_


def test_exact_learning_warns_where_it_is_cut_short():
    with pytest.warns(ConvergenceWarning, match="has not converged"):
        LatentBM(2, algorithm="exact", max_iter=2, random_state=0).fit(
            np.tile([[1, 1, 0], [0, 0, 1]], (50, 1))
        )


def test_bounds_are_of_all_units():
    """Rows that are given are completed by hidden units, and scores are the same."""
    couplings, bias = random_boltzmann(24, scale=0.3)
    parts = {
        "components": couplings[20:, :20],
        "intercept_visible": bias[:20],
        "intercept_hidden": bias[20:],
        "visible_couplings": couplings[:20, :20],
        "hidden_couplings": couplings[20:, 20:],
    }
    machine = LatentBM.from_parameters(**parts, random_state=0)
    X = np.random.default_rng(0).integers(2, size=(10, 20))
    bounds = log_partition_bounds(machine, X=X, n_steps=400, random_state=0)
    assert not bounds.exact
    joint = BoltzmannMachine.from_parameters(couplings, bias, random_state=0)
    difference = bounds.lower - joint.log_partition()
    assert abs(difference) < 4 * np.hypot(bounds.gap_std, joint.log_partition_std_)
    assert abs(bounds.gap) < 4 * bounds.gap_std


def test_a_search_ranks_machines_by_held_out_likelihood():
    """Pure triples: no couplings of pairs describe them, hidden units do."""
    rng = np.random.default_rng(0)
    coins = rng.random((600, 2)) < 0.3
    X = np.column_stack([coins, coins[:, 0] ^ coins[:, 1]])
    search = GridSearchCV(
        LatentBM(1, algorithm="exact", hidden_couplings=False, random_state=0),
        {"visible_couplings": [False, True]},
        cv=3,
    ).fit(X)
    assert search.best_params_ == {"visible_couplings": True}
    # The best there is: the negative entropy of two coins. A standard error of the
    # mean over 600 rows is 0.02.
    entropy = -2 * (0.3 * np.log(0.3) + 0.7 * np.log(0.7))
    assert search.best_score_ == pytest.approx(-entropy, abs=0.1)


def test_a_search_over_structures_in_parallel():
    """Rows of two patterns are learned alike, whichever couplings may be used."""
    rng = np.random.default_rng(1)
    rows = rng.integers(2, size=(300, 1)) ^ (rng.random((300, 4)) < 0.1)
    machine = LatentBM(2, max_iter=300, random_state=0)
    grid = {"visible_couplings": [True, False], "hidden_couplings": [True, False]}
    search = GridSearchCV(machine, grid, cv=3, n_jobs=2).fit(rows)
    n_on = np.arange(5)
    of_count = (0.9**n_on * 0.1 ** (4 - n_on) + 0.1**n_on * 0.9 ** (4 - n_on)) / 2
    best = np.log(of_count[rows.sum(axis=1)])
    # Four standard errors, and what folds lose to chance.
    atol = 4 * best.std() / len(rows) ** 0.5 + 0.1
    scores = search.cv_results_["mean_test_score"]
    np.testing.assert_allclose(scores, best.mean(), rtol=0, atol=atol)
    assert search.best_score_ == scores.max()
    assert search.best_estimator_.score(rows) > best.mean() - 0.1
