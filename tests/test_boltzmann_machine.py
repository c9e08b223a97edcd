import warnings

import numpy as np
import pytest
from oracle import BoltzmannOracle, all_states, random_boltzmann, random_lattice
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning
from sklearn.model_selection import GridSearchCV
from sklearn.utils import get_tags

from skebm import BoltzmannMachine

SPINS = (-1, 1)
ALGORITHMS = ("exact", "pcd", "pseudolikelihood")


def draw(n_rows=500, n_units=5, *, scale=1.0, seed=0):
    oracle = BoltzmannOracle(*random_boltzmann(n_units, scale=scale, seed=seed))
    return oracle.draw(n_rows, np.random.default_rng(seed))


def oracle_of(machine):
    """The exact law of a fitted machine of zeros and ones."""
    return BoltzmannOracle(machine.couplings_, machine.intercept_)


# ---- learning ----


def test_the_default_finds_the_optimum_of_few_features():
    X = draw()
    machine = BoltzmannMachine().fit(X)
    assert list(machine.history_) == ["n_iter", "train_log_likelihood"]
    products, mean = oracle_of(machine).moments()
    # At the optimum all means and correlations are those of the data.
    np.testing.assert_allclose(mean, X.mean(axis=0), rtol=0, atol=1e-5)
    np.testing.assert_allclose(products, X.T @ X / len(X), rtol=0, atol=1e-5)
    assert machine.history_["train_log_likelihood"][-1] == pytest.approx(
        machine.score(X), abs=1e-12
    )


@pytest.mark.parametrize(
    ("n_features", "settings", "chosen"),
    [
        (20, {}, "exact"),
        (21, {}, "pcd"),
        (3, {"early_stopping": True}, "pcd"),
        (21, {"algorithm": "pseudolikelihood"}, "pseudolikelihood"),
    ],
)
def test_the_algorithm_is_chosen_by_the_number_of_features(
    n_features, settings, chosen
):
    machine = BoltzmannMachine(max_iter=1, tol=1e6, random_state=0, **settings)
    machine.fit(np.random.default_rng(0).integers(2, size=(30, n_features)))
    measured = {
        "exact": {"n_iter", "train_log_likelihood"},
        "pseudolikelihood": {"n_iter", "train_pseudo_log_likelihood"},
    }
    for algorithm, names in measured.items():
        assert (set(machine.history_) == names) == (chosen == algorithm)
    assert ("log_partition" in machine.history_) == (chosen == "pcd")


def test_exact_learning_of_many_features_is_refused():
    X = np.eye(3, 21)
    with pytest.raises(ValueError, match="the model has more than 20 units"):
        BoltzmannMachine(algorithm="exact").fit(X)


def test_pcd_comes_close_to_the_optimum():
    X = draw(2000)
    optimum = BoltzmannMachine().fit(X).score(X)
    machine = BoltzmannMachine(algorithm="pcd", random_state=0).fit(X)
    # 15 parameters of an error each: of draws of 500 chains over 500 updates.
    assert 0 <= optimum - machine.score(X) < 1e-3


def test_pseudolikelihood_finds_the_machine_of_many_rows():
    couplings, bias = random_boltzmann(4)
    law = BoltzmannOracle(couplings, bias).law
    rows = np.repeat(all_states(4), np.rint(law * 1e6).astype(int), axis=0)
    machine = BoltzmannMachine(algorithm="pseudolikelihood").fit(rows)
    # Counts are rounded to a millionth, of states of a probability above a thousandth.
    np.testing.assert_allclose(machine.couplings_, couplings, rtol=0, atol=5e-3)
    np.testing.assert_allclose(machine.intercept_, bias, rtol=0, atol=5e-3)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_couplings_are_symmetric_without_diagonal(algorithm):
    machine = BoltzmannMachine(algorithm=algorithm, random_state=0).fit(draw(100))
    couplings = machine.couplings_
    np.testing.assert_array_equal(couplings, couplings.T)
    assert not np.diag(couplings).any()
    assert couplings.dtype == machine.intercept_.dtype == np.float64


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_l1_penalty_gives_zeros(algorithm):
    X = np.random.default_rng(0).integers(2, size=(400, 5))
    X[:, 1] = X[:, 0] ^ (np.random.default_rng(1).random(400) < 0.1)
    machine = BoltzmannMachine(
        algorithm=algorithm, alpha=0.05, l1_ratio=1, random_state=0
    ).fit(X)
    assert machine.couplings_[0, 1] > 1
    assert np.count_nonzero(machine.couplings_) == 2


def test_the_penalty_is_that_of_pairs():
    """Along the optimum the likelihood falls as fast as the penalty rises."""
    X, alpha = draw(), 0.02
    machine = BoltzmannMachine(alpha=alpha, tol=1e-7).fit(X)
    gradient, _ = oracle_of(machine).gradient(X)
    np.testing.assert_allclose(
        gradient, np.triu(alpha * machine.couplings_, 1), rtol=0, atol=1e-7
    )


def test_early_stopping_keeps_the_best():
    X = draw(60, 8)
    machine = BoltzmannMachine(early_stopping=True, random_state=0).fit(X)
    validation = machine.history_["validation_log_likelihood"]
    assert len(validation) > 3
    assert np.isfinite(validation).all()


def test_constant_and_equal_features_do_not_diverge():
    X = draw(100)
    X[:, 0], X[:, 1], X[:, 2] = 1, 0, X[:, 3]
    for algorithm in ALGORITHMS:
        machine = BoltzmannMachine(algorithm=algorithm, random_state=0)
        if algorithm == "pseudolikelihood":  # which cannot tell how often they are on
            with pytest.warns(ConvergenceWarning, match=r"Columns \[2, 3\] follow"):
                machine.fit(X)
        else:
            machine.fit(X)
        assert np.isfinite(machine.score(X))
        assert machine.score(X) > np.log(1 / 8)


def test_one_feature():
    X = np.repeat([[0], [1]], [30, 70], axis=0)
    machine = BoltzmannMachine().fit(X)
    # Optimum to a derivative of 1e-5 by the standardised bias.
    assert machine.transform([[0]]) == pytest.approx(0.7, abs=1e-5)


# ---- learning from chunks ----


def test_partial_fit_learns_from_chunks():
    X = draw(4000)
    machine = BoltzmannMachine(random_state=0)
    for _ in range(20):
        for start in range(0, len(X), 1000):
            machine.partial_fit(X[start : start + 1000])
    assert machine.n_iter_ == 20 * 20
    before = BoltzmannMachine.from_parameters(np.zeros((5, 5)), np.zeros(5)).score(X)
    optimum = BoltzmannMachine().fit(X).score(X)
    assert before < machine.score(X) - 0.1
    assert 0 < optimum - machine.score(X) < 0.01


def test_partial_fit_goes_on_after_fit():
    X = draw()
    machine = BoltzmannMachine(max_iter=1, tol=1e6).fit(X)
    before, n_before = machine.score(X), machine.n_iter_
    for _ in range(50):
        machine.partial_fit(X)
    assert machine.score(X) > before + 0.01
    assert machine.n_iter_ == n_before + 50 * 3


def test_partial_fit_keeps_the_states_it_began_with():
    machine = BoltzmannMachine().partial_fit(draw())
    machine.set_params(states=SPINS)
    with pytest.raises(ValueError, match=r"states was \(0, 1\) when learning began"):
        machine.partial_fit(2 * draw() - 1)


def test_partial_fit_under_a_penalty_has_a_diagonal_metric():
    machine = BoltzmannMachine(random_state=0).partial_fit(draw())
    machine.set_params(alpha=0.01).partial_fit(draw())
    assert np.isfinite(machine.couplings_).all()


# ---- probabilities ----


def test_log_partition_of_many_features_is_estimated():
    """Pairs of units: log Z is a sum over the pairs."""
    couplings = np.kron(np.eye(11), [[0, 1.5], [1.5, 0]])
    machine = BoltzmannMachine.from_parameters(
        couplings, np.full(22, -0.5), random_state=0
    )
    exact = 11 * np.log(1 + 2 * np.exp(-0.5) + np.exp(0.5))
    error = machine.log_partition() - exact
    assert 0 < machine.log_partition_std_ <= 0.03
    assert abs(error) < 3 * machine.log_partition_std_


# ---- spins ----


def test_spins_are_the_same_machine():
    X = draw()
    bits = BoltzmannMachine(tol=1e-8).fit(X)
    spins = BoltzmannMachine(states=SPINS, tol=1e-8).fit(2 * X - 1)
    every = all_states(5)
    np.testing.assert_allclose(
        spins.score_samples(2 * every - 1), bits.score_samples(every), atol=1e-12
    )
    np.testing.assert_allclose(spins.couplings_, bits.couplings_ / 4, atol=1e-12)
    transformed = spins.transform(2 * every - 1)
    np.testing.assert_allclose(transformed, bits.transform(every), atol=1e-14)


def test_spins_pass_without_a_warning_and_bits_do_not():
    X = draw()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        BoltzmannMachine(states=SPINS).fit(2 * X - 1)
    with pytest.warns(DataConversionWarning, match="values 0 and 1, not -1 and 1"):
        BoltzmannMachine(states=SPINS).fit(X)
    with pytest.warns(DataConversionWarning, match="X, which has only -1 and 1"):
        BoltzmannMachine(states=SPINS, binarize=-2).fit(2 * X - 1)


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array])
def test_means_of_spins(convert):
    """Two opposite spins are as good as one that is uncertain."""
    X = 2 * draw(100, 4) - 1
    both = np.concatenate([X, X])
    both[:100, 0], both[100:, 0] = -1, 1
    X[:, 0] = 0
    settings = {"states": SPINS, "binarize": None, "tol": 1e-7}
    means = BoltzmannMachine(**settings).fit(convert(X))
    apart = BoltzmannMachine(**settings).fit(both)
    # The means of a column are taken with half a row more on each side.
    np.testing.assert_allclose(means.couplings_, apart.couplings_, atol=1e-5)
    with pytest.raises(ValueError, match=r"outside \[-1, 1\], which cannot be means"):
        means.fit(3 * both)


# ---- connectivity ----


def ring(n_units=6):
    graph = np.roll(np.eye(n_units), 1, axis=1)
    return graph + graph.T


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_matrix, sparse.coo_array])
def test_only_couplings_along_edges_are_learned(algorithm, convert):
    couplings, bias, mask, _ = random_lattice()
    X = BoltzmannOracle(couplings, bias).draw(3000, np.random.default_rng(0))
    machine = BoltzmannMachine(
        algorithm=algorithm, connectivity=convert(ring() + np.eye(6)), random_state=0
    ).fit(X)
    np.testing.assert_array_equal(machine.couplings_ != 0, mask)
    np.testing.assert_array_equal(machine._graph.mask, mask)
    if algorithm == "exact":
        products, mean = oracle_of(machine).moments()
        np.testing.assert_allclose(mean, X.mean(axis=0), rtol=0, atol=1e-5)
        np.testing.assert_allclose(
            products[mask], (X.T @ X / len(X))[mask], rtol=0, atol=1e-5
        )
    else:
        optimum = clone(machine).set_params(algorithm="exact").fit(X).score(X)
        # Pseudolikelihood and 500 chains are off the optimum by less.
        assert 0 < optimum - machine.score(X) < 3e-3


def test_partial_fit_keeps_to_the_edges():
    machine = BoltzmannMachine(connectivity=ring(), random_state=0)
    machine.partial_fit(draw(200, 6)).partial_fit(draw(200, 6))
    np.testing.assert_array_equal(machine.couplings_ != 0, ring() == 1)


def test_a_large_ring_is_drawn_by_colours():
    """Ising's chain, closed: neighbours agree with a known probability."""
    n_units, coupling = 40, 0.8
    machine = BoltzmannMachine.from_parameters(
        coupling * ring(n_units),
        np.zeros(n_units),
        states=SPINS,
        connectivity=ring(n_units),
        random_state=0,
    )
    assert machine._energy().colours is not None
    X = machine.sample(2000, n_steps=200, random_state=0)
    products = (X * np.roll(X, 1, axis=1)).mean(axis=1)
    tanh = np.tanh(coupling)
    exact = (tanh + tanh ** (n_units - 1)) / (1 + tanh**n_units)
    error = products.std(ddof=1) / np.sqrt(len(X))
    assert abs(products.mean() - exact) < 4 * error
    log_partition = n_units * np.log(2 * np.cosh(coupling)) + np.log1p(tanh**n_units)
    deviation = machine.log_partition() - log_partition
    assert abs(deviation) < 3 * machine.log_partition_std_


@pytest.mark.parametrize(
    ("connectivity", "match"),
    [
        (np.ones((4, 4)), r"connectivity has shape \(4, 4\), but .* asks for \(5, 5\)"),
        (np.triu(np.ones((5, 5))), "connectivity must be symmetric"),
        (np.full((5, 5), np.nan), "connectivity contains NaN"),
    ],
)
def test_bad_connectivity(connectivity, match):
    machine = BoltzmannMachine(connectivity=connectivity)
    with pytest.raises(ValueError, match=match):
        machine.fit(draw())
    assert not hasattr(machine, "couplings_")


# ---- known parameters ----


@pytest.mark.parametrize(
    ("couplings", "intercept", "params", "match"),
    [
        (
            np.zeros((2, 3)),
            np.zeros(2),
            {},
            r"couplings has shape \(2, 3\), but .* \(2, 2\)",
        ),
        ([[0, 1], [2, 0]], np.zeros(2), {}, "symmetric with zero diagonal"),
        ([[1, 0], [0, 0]], np.zeros(2), {}, "symmetric with zero diagonal"),
        (np.zeros((2, 2)), np.zeros(3), {}, r"intercept has shape \(3,\)"),
        ([[np.nan, 0], [0, 0]], np.zeros(2), {}, "contains NaN"),
        (np.zeros((2, 2)), np.zeros(2), {"X": np.zeros((4, 3))}, "X has 3 features"),
        (1 - np.eye(2), np.zeros(2), {"connectivity": np.eye(2)}, "has no edge"),
        (np.zeros((2, 2)), np.zeros(2), {"n_chains": 0}, "'n_chains' parameter"),
    ],
)
def test_bad_parameters(couplings, intercept, params, match):
    with pytest.raises(ValueError, match=match):
        BoltzmannMachine.from_parameters(couplings, intercept, **params)


def test_known_parameters_are_kept_and_learned_on():
    couplings, bias = random_boltzmann(5)
    X = draw(2000)
    machine = BoltzmannMachine.from_parameters(couplings, bias, X=X, random_state=0)
    np.testing.assert_array_equal(machine.couplings_, couplings)
    np.testing.assert_array_equal(machine.intercept_, bias)
    before = machine.score(X)
    machine.partial_fit(X)
    assert machine.n_iter_ == 10
    # From the machine that drew the rows there is little to gain or to lose.
    assert abs(machine.score(X) - before) < 0.02


# ---- scikit-learn ----


def test_a_search_ranks_penalties_by_held_out_likelihood():
    X = draw(60, 6)
    search = GridSearchCV(BoltzmannMachine(), {"alpha": [0, 0.03, 10]}, cv=3).fit(X)
    assert search.best_params_ == {"alpha": 0.03}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_sparse_rows_are_those_of_the_dense_table(algorithm):
    X = draw(100)
    machine = BoltzmannMachine(
        algorithm=algorithm, max_iter=30, tol=1e6, random_state=0
    )
    dense = machine.fit(X).couplings_
    np.testing.assert_array_equal(machine.fit(sparse.csr_array(X)).couplings_, dense)


def test_pseudolikelihood_says_which_columns_follow_from_others():
    """It has no maximum then, and where it ends is nats below the likelihood's."""
    rows = draw().astype(float)
    rows = np.column_stack([rows, 1 - rows[:, 1], np.ones(len(rows))])
    learner = BoltzmannMachine(algorithm="pseudolikelihood")
    message = r"Columns \[1, 5\] follow .* alpha=0.001, or algorithm='exact'"
    with pytest.warns(ConvergenceWarning, match=message):
        learner.fit(rows)
    best = BoltzmannMachine(algorithm="exact").fit(rows).score(rows)
    assert learner.score(rows) < best - 0.1
    # What it advises is right, and so without a word.
    for advised in (
        learner.set_params(alpha=1e-3).fit(rows).score(rows),
        learner.set_params(alpha=0.0).fit(rows[:, :5]).score(rows[:, :5]),
    ):
        assert abs(advised - best) < 0.05


@pytest.mark.parametrize("algorithm", ["auto", "exact", "pcd", "pseudolikelihood"])
def test_algorithms_that_take_missing_values(algorithm):
    machine = BoltzmannMachine(algorithm=algorithm, max_iter=5, tol=1.0)
    assert get_tags(machine).input_tags.allow_nan == (algorithm != "pseudolikelihood")
    X = np.random.default_rng(0).integers(2, size=(20, 3)).astype(float)
    missing = np.where(np.eye(20, 3) > 0, np.nan, X)
    if algorithm == "pseudolikelihood":
        with pytest.raises(ValueError, match="X contains NaN, but"):
            machine.fit(missing)
        machine.fit(X)
    else:
        machine.fit(missing)
    assert np.isfinite(machine.score(missing))
