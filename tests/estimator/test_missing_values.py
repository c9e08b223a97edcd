"""Tables of which values are missing: scores, features and learning."""

from itertools import product

import numpy as np
import pandas as pd
import polars as pl
import pytest
from gaussian_oracle import GaussianRBMOracle, random_gaussian_rbm
from incomplete import each_part
from models import (
    BINARY,
    MODELS,
    annealed_rbm,
    assert_same_parameters,
    attribute_of,
    contents,
    every_row,
    model_of,
    random_model,
    random_parameters,
    rows_for,
)
from oracle import all_states, random_rbm
from scipy import sparse
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skebm import BinaryRBM, BoltzmannMachine, GaussianRBM
from skebm import log_partition_bounds as bounds_of
from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.estimator import likelihood

GAUSSIAN = [name for name in MODELS if name not in BINARY]
HIDDEN = [name for name in MODELS if hasattr(MODELS[name], "n_components")]
every_model = pytest.mark.parametrize("name", MODELS)
every_binary_model = pytest.mark.parametrize("name", BINARY)
every_gaussian_model = pytest.mark.parametrize("name", GAUSSIAN)

# Whether each of four columns is known: none of them to all.
PATTERNS = all_states(4) > 0


def every_incomplete_row(name):
    """List all rows of a binary model with all patterns of what is missing."""
    lower, upper = rows_for(name, np.array([0.0, 1.0]))
    return np.array(list(product([lower, upper, np.nan], repeat=4)))


def agreeing(complete, row):
    """Say which complete rows agree with what is known of a row."""
    known = ~np.isnan(row)
    return (complete[:, known] == row[known]).all(axis=1)


def real_rows(model, n_rows=16):
    """Draw rows of a Gaussian model, a pattern each of what is missing."""
    rows = model.sample(n_rows, random_state=5)
    return np.where(PATTERNS[np.arange(n_rows) % 16], rows, np.nan)


def incomplete_rows(name, model, n_rows=16):
    if name in GAUSSIAN:
        return real_rows(model, n_rows)
    rows = every_incomplete_row(name)
    return rows[np.random.default_rng(0).permutation(len(rows))[:n_rows]]


def with_gaps(X, share=0.3, seed=0):
    """Take values away at random."""
    gone = np.random.default_rng(seed).random(X.shape) < share
    return np.where(gone, np.nan, X)


def patterns(n_samples=60, n_features=6, seed=0):
    """Draw rows near one of two opposite patterns."""
    rng = np.random.default_rng(seed)
    which = rng.integers(2, size=(n_samples, 1)) == np.arange(n_features) % 2
    return (which ^ (rng.random((n_samples, n_features)) < 0.1)).astype(float)


# ---- scores ----


@every_binary_model
def test_scores_sum_over_completions(name):
    model, complete = random_model(name), every_row(name)
    log_law = model.score_samples(complete)
    X = every_incomplete_row(name)
    exact = [logsumexp(log_law[agreeing(complete, row)]) for row in X]
    score, std = model.score_samples(X, return_std=True)
    np.testing.assert_allclose(score, exact, rtol=0, atol=1e-10)
    assert not std.any()
    assert model.score(X) == pytest.approx(np.mean(exact), abs=1e-10)
    free_energy = -model.log_partition() - np.array(exact)
    np.testing.assert_allclose(model.free_energy(X), free_energy, rtol=0, atol=1e-10)
    empty = np.isnan(X).all(axis=1)
    np.testing.assert_allclose(score[empty], 0, rtol=0, atol=1e-12)


@every_gaussian_model
def test_scores_are_marginal_densities(name):
    model, parameters = random_model(name), random_parameters(name)
    oracle, X = GaussianRBMOracle(*parameters.values()), real_rows(random_model(name))
    exact = [
        logsumexp(oracle.joint_log_density(row[np.newaxis], np.flatnonzero(known)))
        if known.any()
        else 0.0
        for row, known in zip(X, PATTERNS, strict=True)
    ]
    score, std = model.score_samples(X, return_std=True)
    np.testing.assert_allclose(score, exact, rtol=0, atol=1e-10)
    assert not std.any()


@every_gaussian_model
@pytest.mark.parametrize("column", range(4))
def test_scores_are_integrals_over_a_missing_column(name, column):
    """By the trapezoidal rule, which is exact to rounding for normal densities."""
    model = random_model(name)
    row = model.sample(random_state=1)
    deviation = np.sqrt(model.noise_variance_[column])
    middle = model.intercept_visible_[column]
    ends = np.abs(model.components_[:, column]).sum() + 12 * deviation
    axis = np.linspace(middle - ends, middle + ends, 6001)
    grid = np.repeat(row, len(axis), axis=0)
    grid[:, column] = axis
    exact = logsumexp(model.score_samples(grid)) + np.log(axis[1] - axis[0])
    row[:, column] = np.nan
    assert model.score_samples(row)[0] == pytest.approx(exact, abs=1e-10)


@every_model
def test_complete_rows_score_the_same_beside_others(name):
    model = random_model(name)
    X = incomplete_rows(name, model)
    complete = model.sample(5, random_state=0)
    beside = model.score_samples(np.vstack([complete, X]))
    np.testing.assert_allclose(
        beside[:5], model.score_samples(complete), rtol=0, atol=1e-12
    )
    alone = [model.score_samples(row[np.newaxis])[0] for row in X]
    np.testing.assert_allclose(beside[5:], alone, rtol=0, atol=1e-12)


def parts_of(annealed):
    """Cut a large RBM into the seven that it consists of."""
    scale = 1.0 if annealed is None else annealed
    return [
        BinaryRBMEnergy.of(*random_rbm(3, 3, scale=scale, seed=seed))
        for seed in range(7)
    ]


@pytest.fixture
def large():
    """An RBM too large to be summed over, and rows of which most is missing."""
    rbm, _ = annealed_rbm(1.0)
    rows = (np.random.default_rng(1).random((30, 21)) < 0.5).astype(float)
    X = with_gaps(rows, 0.8, seed=2)
    X[0] = np.nan
    return rbm, X


def test_annealed_scores(large):
    rbm, X = large
    score, std = rbm.score_samples(X, return_std=True)
    known, parts = ~np.isnan(X), parts_of(1.0)
    tables = np.nan_to_num(X), known
    exact = sum(each_part(parts, lambda e, *own: e.observed_score(*own), *tables))
    exact -= sum(part.negative_phase()[0] for part in parts)
    many = (~known).sum(axis=1) > 12
    assert not std[~many].any()
    assert (std[many][1:] > 0).all()
    assert (score[0], std[0]) == (0, 0)
    shared = rbm.log_partition_std_
    # Five of both errors together.
    assert (np.abs(score - exact)[1:] < 5 * np.hypot(std[1:], shared)).all()
    np.testing.assert_array_equal(rbm.score_samples(X), score)
    np.testing.assert_array_equal(rbm.score_samples(X[::-1]), score[::-1])
    assert rbm.score_samples(X[[3]])[0] == pytest.approx(score[3], abs=1e-12)


def test_large_errors_come_with_a_warning(large, monkeypatch):
    rbm, X = large
    monkeypatch.setattr(likelihood, "_LARGEST_GAP", 0.01)
    with pytest.warns(ConvergenceWarning, match="rows with missing values is above"):
        rbm.score_samples(X)


def test_probabilities_beside_missing_values():
    """What is left open is summed over; energies of probabilities are means."""
    rbm = random_model("BinaryRBM", binarize=None)
    X = np.array([[0.3, np.nan, 1.0, 0.9], [np.nan, np.nan, 0.2, 0.0]])
    exact = []
    for row in X:
        gaps = np.isnan(row)
        complete = np.tile(row, (2 ** gaps.sum(), 1))
        complete[:, gaps] = all_states(gaps.sum())
        exact.append(logsumexp(rbm.score_samples(complete)))
    np.testing.assert_allclose(rbm.score_samples(X), exact, rtol=0, atol=1e-10)
    large, _ = annealed_rbm(1.0, binarize=None)
    row = np.full((1, 21), np.nan)
    row[0, :5] = 0.3
    with pytest.raises(ValueError, match="X has values between the two states"):
        large.score_samples(row)
    fitted = BinaryRBM(2, binarize=None, max_iter=20, random_state=0)
    table = with_gaps(np.random.default_rng(0).random((50, 4)))
    assert np.isfinite(fitted.fit(table).score(table))
    fitted.set_params(algorithm="exact", max_iter=None, tol=0.01).fit(table)
    assert np.isfinite(fitted.score(table))


# ---- conditionals and features ----


@every_model
def test_conditionals_are_differences_of_scores(name):
    model = random_model(name)
    X = incomplete_rows(name, model)
    result = model.conditional_score_samples(X)
    np.testing.assert_array_equal(np.isnan(result), np.isnan(X))
    for column in range(4):
        others = X.copy()
        others[:, column] = np.nan
        exact = model.score_samples(X) - model.score_samples(others)
        known = ~np.isnan(X[:, column])
        np.testing.assert_allclose(
            result[known, column], exact[known], rtol=0, atol=1e-10
        )
    total = model.pseudo_log_likelihood(X)
    np.testing.assert_allclose(total, np.nansum(result, axis=1), rtol=0, atol=1e-12)
    complete = model.sample(5, random_state=0)
    both = model.conditional_score_samples(np.vstack([complete, X]))
    expected = model.conditional_score_samples(complete)
    np.testing.assert_allclose(both[:5], expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("full", [False, True])
def test_real_rows_of_many_hidden_units(full):
    """Of which most do nothing, so that sums are known that are too long to be made."""
    parameters = random_gaussian_rbm(4, 6, full=full, scale=0.5, seed=1)
    components, visible_bias, hidden_bias, noise = parameters
    model = GaussianRBM.from_parameters(
        np.vstack([components, np.zeros((10, 6))]),
        visible_bias,
        np.append(hidden_bias, np.zeros(10)),
        noise,
        random_state=0,
    )
    oracle = GaussianRBMOracle(*parameters)
    rows, _ = oracle.draw(12, np.random.default_rng(0))
    X = with_gaps(rows, 0.4, seed=1)
    X[0], X[1] = np.nan, rows[1]
    columns = [np.flatnonzero(known) for known in ~np.isnan(X)]
    joint = [oracle.log_law] + [
        oracle.joint_log_density(row[np.newaxis], known)[0]
        for row, known in zip(X[1:], columns[1:], strict=True)
    ]
    exact = logsumexp(joint, axis=1)
    score, std = model.score_samples(X, return_std=True)
    np.testing.assert_allclose(score[:2], exact[:2], rtol=0, atol=1e-10)
    assert not std[:2].any()
    assert np.abs((score - exact)[2:] / std[2:]).max() < 5
    assert std.max() < 0.15
    features = np.exp(joint - exact[:, np.newaxis]) @ oracle.hidden
    assert np.abs(model.transform(X)[:, :4] - features).mean() < 0.02
    conditional = model.conditional_score_samples(X)
    np.testing.assert_allclose(
        conditional[1], oracle.conditional_log_density(rows[[1]])[0], atol=1e-10
    )
    np.testing.assert_allclose(
        model.score_samples(X[::-1])[::-1], score, rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("name", [name for name in BINARY if name in HIDDEN])
def test_features_are_means_over_completions(name):
    model, complete = random_model(name), every_row(name)
    law, features = np.exp(model.score_samples(complete)), model.transform(complete)
    X = every_incomplete_row(name)
    shares = np.array([law * agreeing(complete, row) for row in X])
    exact = shares @ features / shares.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.transform(X), exact, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", [name for name in BINARY if name not in HIDDEN])
def test_features_without_hidden_units_are_probabilities(name):
    model, complete = random_model(name), every_row(name)
    law, X = np.exp(model.score_samples(complete)), every_incomplete_row(name)
    exact = np.empty(X.shape)
    for column in range(4):
        others = X.copy()
        others[:, column] = np.nan
        shares = np.array([law * agreeing(complete, row) for row in others])
        exact[:, column] = shares @ (complete[:, column] > 0) / shares.sum(axis=1)
    np.testing.assert_allclose(model.transform(X), exact, rtol=0, atol=1e-10)


@every_gaussian_model
def test_features_of_real_rows(name):
    model, parameters = random_model(name), random_parameters(name)
    oracle, X = GaussianRBMOracle(*parameters.values()), real_rows(random_model(name))
    exact = []
    for row, known in zip(X, PATTERNS, strict=True):
        joint = oracle.log_law
        if known.any():
            columns = np.flatnonzero(known)
            joint = oracle.joint_log_density(row[np.newaxis], columns)[0]
        exact.append(np.exp(joint - logsumexp(joint)) @ oracle.hidden)
    np.testing.assert_allclose(model.transform(X), exact, rtol=0, atol=1e-10)


@every_model
def test_single_precision_and_output_of_features(name):
    model = random_model(name)
    X = incomplete_rows(name, model)
    narrow = model.transform(X.astype(np.float32))
    assert narrow.dtype == np.float32
    np.testing.assert_allclose(narrow, model.transform(X), rtol=1e-4, atol=1e-5)
    frame = model.set_output(transform="pandas").transform(X)
    assert list(frame.columns) == list(model.get_feature_names_out())


# ---- tables ----


def objects(missing):
    def convert(X):
        table = X.astype(object)
        table[np.isnan(X)] = missing
        return table

    return convert


CONTAINERS = {
    "None": objects(None),
    "NA": objects(pd.NA),
    "list": lambda X: X.tolist(),
    "list with None": lambda X: objects(None)(X).tolist(),
    "list with NA": lambda X: objects(pd.NA)(X).tolist(),
    "float32": lambda X: X.astype(np.float32),
    "float16": lambda X: X.astype(np.float16),
    "Fortran order": np.asfortranarray,
    "pandas": pd.DataFrame,
    "pandas, None": lambda X: pd.DataFrame(objects(None)(X)),
    "pandas, NA": lambda X: pd.DataFrame(objects(pd.NA)(X)),
    "pandas, Int64": lambda X: pd.DataFrame(X).astype("Int64"),
    "pandas, boolean": lambda X: pd.DataFrame(X).astype("boolean"),
    "pandas, Float32": lambda X: pd.DataFrame(X).astype("Float32"),
    "pandas, mixed": lambda X: pd.DataFrame(X).astype({0: "boolean", 1: "Int8"}),
    "polars": lambda X: pl.DataFrame(X).fill_nan(None),
    "polars, bool": lambda X: pl.DataFrame(X).fill_nan(None).cast(pl.Boolean),
    "CSR matrix": sparse.csr_matrix,
    "CSR array": sparse.csr_array,
    "CSC array": sparse.csc_array,
    "COO array, float32": lambda X: sparse.coo_array(X.astype(np.float32)),
}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize(
    "model",
    [
        BinaryRBM(3, max_iter=6, batch_size=20, random_state=0),
        BinaryRBM(3, max_iter=6, batch_size=20, random_state=0, binarize=None),
        GaussianRBM(3, algorithm="pcd", max_iter=6, batch_size=20, random_state=0),
    ],
    ids=str,
)
def test_containers_of_the_same_values(container, model):
    X = with_gaps(patterns())
    table = CONTAINERS[container](X)
    plain, other = clone(model).fit(X), clone(model).fit(table)
    close = {"rtol": 1e-9, "atol": 1e-9}
    for name in plain._parameter_names:
        np.testing.assert_allclose(getattr(other, name), getattr(plain, name), **close)
    np.testing.assert_allclose(
        other.score_samples(table), plain.score_samples(X), **close
    )
    assert_same_parameters(
        clone(model).fit(table).partial_fit(table), other.partial_fit(table)
    )
    drawn = other.sample(given=table, random_state=0)
    np.testing.assert_array_equal(drawn[~np.isnan(X)], X[~np.isnan(X)])


@pytest.mark.parametrize("make", [np.asarray, objects(None), pd.DataFrame])
@every_model
def test_infinity_is_refused_all_the_same(name, make):
    X = with_gaps(rows_for(name, patterns()))
    X[0, 0] = np.inf
    for call in (
        clone(MODELS[name]).fit,
        clone(MODELS[name]).partial_fit,
        random_model(name, n_features=6).score_samples,
    ):
        with pytest.raises(ValueError, match=r"infinity|outside"):
            call(make(X))
    with pytest.raises(ValueError, match="infinity"):
        random_model(name, n_features=6).score_samples([[None, np.inf, 0, 0, 0, 0]])


# ---- learning ----


@every_model
def test_learning_from_incomplete_rows(name):
    X = with_gaps(rows_for(name, patterns()))
    X[:3] = np.nan
    kept = X.copy()
    model = clone(MODELS[name]).fit(X)
    assert np.isfinite(model.score(X))
    assert contents(clone(model).fit(X)) == contents(model)
    before = contents(model)
    for method in (
        "score_samples",
        "transform",
        "free_energy",
        "conditional_score_samples",
    ):
        getattr(model, method)(X)
    model.sample(given=X)
    assert contents(model) == before
    assert model.partial_fit(X[:30]) is model
    assert np.isfinite(clone(MODELS[name]).partial_fit(X).score(X))
    np.testing.assert_array_equal(X, kept)


@every_model
@pytest.mark.filterwarnings("ignore:No column of X varies")
def test_a_column_of_which_nothing_is_known(name):
    X = with_gaps(rows_for(name, patterns()))
    X[:, 2] = np.nan
    model = clone(MODELS[name]).fit(X)
    assert np.isfinite(model.score(X))
    assert np.isfinite(model.sample(5)).all()
    model.partial_fit(X)
    learned = clone(MODELS[name]).fit(np.full((9, 3), np.nan))
    np.testing.assert_allclose(learned.score(np.full((1, 3), np.nan)), 0, atol=1e-10)


@every_model
@pytest.mark.parametrize("tempering", [False, True])
def test_early_stopping(name, tempering):
    X = with_gaps(rows_for(name, patterns(200)))
    model = clone(MODELS[name]).set_params(
        early_stopping=True, max_iter=40, tempering=tempering
    )
    model.fit(X)
    history = model.history_
    assert np.isfinite(history["validation_log_likelihood"]).all()
    assert np.isfinite(history["train_log_likelihood"]).all()
    assert model.n_iter_ <= 40


def exact_fit(name, X, **params):
    """Fit by all data at once, without a penalty."""
    settings = {"algorithm": "exact", "tol": 1e-7, "random_state": 0} | params
    if name in GAUSSIAN:
        settings |= {"reg_covar": 1e-9}
        if name.endswith("diag"):
            settings |= {"covariance_type": "diag"}
        if name.endswith("langevin"):
            settings |= {"sampler": "langevin"}
    model = type(MODELS[name])(**settings)
    if name in HIDDEN:
        model.set_params(n_components=2)
    if name.endswith("spins"):
        model.set_params(states=(-1, 1), binarize=0)
    return model.fit(X)


def drawn_rows(name, n_rows, seed=0):
    """Draw rows of four columns from a model at random, and take some values away."""
    rows = random_model(name, n_hidden=2, seed=seed).sample(n_rows, random_state=seed)
    return with_gaps(rows, 0.25, seed)


@every_model
def test_exact_learning_ends_where_the_likelihood_is_flat(name):
    """No parameter can be moved either way for a better score."""
    X = drawn_rows(name, 300)
    model = exact_fit(name, X)
    best = model.score(X)
    parameters = {
        part: getattr(model, attribute_of(model, part))
        for part in random_parameters(name)
    }
    assert best > random_model(name, n_hidden=2, seed=0).score(X)
    rng, step = np.random.default_rng(0), 1e-4
    for part, values in parameters.items():
        for _ in range(3):
            direction = rng.normal(size=values.shape)
            if part in {"couplings", "visible_couplings", "hidden_couplings"}:
                direction = np.triu(direction, 1) * (values != 0)
                direction += direction.T
            if part == "noise":
                full = values.ndim == 2
                direction = direction + direction.T if full else direction
                direction *= np.linalg.eigvalsh(values)[0] if full else values.min()
            scores = [
                model_of(
                    name, parameters | {part: values + sign * step * direction}
                ).score(X)
                - best
                for sign in (1, -1)
            ]
            slope = (scores[0] - scores[1]) / (2 * step)
            assert abs(slope) < 1e-3
            assert max(scores) < 1e-6


def expectation_maximisation(X, n_iter=2000):
    """Maximise the likelihood of the four probabilities of two binary columns."""
    law, cells = np.full(4, 0.25), all_states(2)
    fits = np.array([agreeing(cells, row) for row in X])
    for _ in range(n_iter):
        posterior = fits * law
        law = (posterior / posterior.sum(axis=1, keepdims=True)).mean(axis=0)
    return law


def test_exact_learning_finds_what_expectation_maximisation_does():
    """Two coupled units can have any law of two bits."""
    X = with_gaps(patterns(200, 2), 0.4)
    machine = BoltzmannMachine(algorithm="exact", tol=1e-8).fit(X)
    law = np.exp(machine.score_samples(all_states(2)))
    np.testing.assert_allclose(law, expectation_maximisation(X), rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ["BoltzmannMachine", "BoltzmannMachine of spins"])
def test_rows_of_which_nothing_is_known_teach_nothing(name):
    """To a machine with one optimum; of others they change where learning starts."""
    X = drawn_rows(name, 200)
    more = np.vstack([X, np.full((40, 4), np.nan)])
    one, other = exact_fit(name, X), exact_fit(name, more)
    for part in one._parameter_names:
        np.testing.assert_allclose(
            getattr(other, part), getattr(one, part), rtol=0, atol=1e-4
        )


@pytest.mark.parametrize("algorithm", ["pcd", "cd"])
@every_model
def test_stochastic_learning_comes_close_to_the_optimum(name, algorithm):
    """Of missing values too, which it draws anew as it goes."""
    if algorithm == "cd" and not name.endswith(("RBM", "diag")):
        return  # there is none
    # The same rows for both samplers: optima are found from the same start.
    X = drawn_rows(name.removesuffix(", langevin"), 600, seed=1)
    best = exact_fit(name, X)
    settings = {"algorithm": algorithm, "max_iter": 1000, "n_chains": 300}
    settings |= {"n_gibbs_steps": 5 if algorithm == "cd" else 1, "batch_size": 200}
    model = clone(best).set_params(**settings, tol=1e-4).fit(X)
    # Both are of the same rows; of many optima either may find a better one.
    assert model.score(X) > best.score(X) - 0.02
    if name.startswith("BoltzmannMachine"):
        assert model.score(X) < best.score(X) + 1e-6


@pytest.mark.parametrize("learn", ["fit", "partial_fit"])
def test_what_is_missing_at_random_is_no_zero(learn):
    complete, held_out = patterns(1000, 8), patterns(500, 8, seed=1)
    X = with_gaps(complete, 0.5)

    def learned(X):
        rbm = BinaryRBM(4, max_iter=400, random_state=0)
        if learn == "fit":
            return rbm.fit(X)
        for _ in range(60):
            rbm.partial_fit(X)
        return rbm

    reached = learned(X).score(held_out)
    zeros = learned(np.nan_to_num(X)).score(held_out)
    assert reached > zeros + 1
    # Of the same number of rows, half of it known: other halves differ by 0.02 nats.
    assert reached > learned(complete).score(held_out) - 0.06


@pytest.mark.parametrize("learn", ["fit", "partial_fit"])
def test_rows_that_are_remembered_are_as_the_model_completes_them(learn):
    """They say where its groups are, which independent draws do not."""
    X = with_gaps(patterns(500, 12), 0.5)
    rbm = BinaryRBM(4, max_iter=300, random_state=0)
    for _ in range(1 if learn == "fit" else 60):
        getattr(rbm, learn)(X)
    to_one = (rbm._known_rows != (np.arange(12) % 2)).sum(axis=1)
    nearest = np.minimum(to_one, 12 - to_one)
    # A tenth of 12 in the data; of six known and six at random about 3.4.
    assert nearest.mean() < 1.6


def test_means_of_columns_are_of_what_is_known():
    X = with_gaps(patterns(400, 4), 0.5)
    rbm = BinaryRBM(2, max_iter=2, random_state=0).fit(X)
    mean = np.nanmean(X, axis=0)
    # Half a row more on each side.
    np.testing.assert_allclose(rbm._visible_mean, mean, atol=1 / 150)
    by_rows = clone(rbm)
    for row in X:
        by_rows.partial_fit(row[np.newaxis])
    np.testing.assert_allclose(
        by_rows._visible_mean, rbm._visible_mean, rtol=0, atol=1e-12
    )
    real = GaussianRBM(2, algorithm="pcd", max_iter=2, random_state=0).fit(X)
    np.testing.assert_allclose(real._location, mean, rtol=0, atol=1e-12)
    np.testing.assert_allclose(real._scale, np.nanstd(X, axis=0), atol=1e-12)


@every_model
def test_known_parameters_with_incomplete_rows(name):
    X = incomplete_rows(name, random_model(name), 40)
    model = random_model(name, X=X)
    assert np.isfinite(model.score(X))
    assert np.isfinite(model.partial_fit(X).score(X))


# ---- what needs complete rows ----


@pytest.mark.parametrize(
    ("model", "match"),
    [
        (
            BoltzmannMachine(algorithm="pseudolikelihood"),
            "X contains NaN, but the pseudolikelihood needs complete rows",
        ),
        (BinaryRBM(13, algorithm="exact"), "more than 12 values are NaN"),
    ],
    ids=str,
)
def test_a_fit_that_is_refused_changes_nothing(model, match):
    X = with_gaps(patterns(50, 14), 0.2)
    X[3] = np.nan
    new = clone(model)
    before = contents(new)
    with pytest.raises(ValueError, match=match):
        new.fit(X)
    assert contents(new) == before
    fitted = clone(model).set_params(max_iter=2)
    fitted.set_params(algorithm="pcd").fit(patterns(50, 14))
    fitted.set_params(algorithm=model.algorithm)
    before = contents(fitted)
    with pytest.raises(ValueError, match=match):
        fitted.fit(X)
    assert contents(fitted) == before


@every_model
def test_bounds_and_moves_and_energies_are_of_complete_rows(name):
    model = random_model(name)
    X = incomplete_rows(name, model)
    hidden = (np.ones((len(X), 3)),) if name in HIDDEN else ()
    calls = [
        lambda: bounds_of(model, X=X),
        lambda: model.energy(X, *hidden),
        lambda: model.gibbs(X),
        lambda: model.gibbs(X, fixed=[True] * 4),
        lambda: model.sample(init=X),
    ]
    if hasattr(model, "metropolis"):
        calls.append(lambda: model.metropolis(X))
    for call in calls:
        with pytest.raises(ValueError, match="X contains NaN, but "):
            call()
