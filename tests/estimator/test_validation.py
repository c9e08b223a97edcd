"""Bad tables, bad parameters and fits that end early leave estimators as they were."""

import numpy as np
import pandas as pd
import pytest
from models import EVERY, contents
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skebm import BinaryRBM, BoltzmannMachine, GaussianRBM, LatentBM
from skebm.learning.contrastive import ContrastiveLearning

BITS = np.random.default_rng(0).integers(2, size=(60, 6))
OTHER_BITS = np.random.default_rng(1).integers(2, size=(40, 6))


def make_rbm(**params):
    settings = {"n_components": 3, "max_iter": 6, "batch_size": 20, "random_state": 0}
    return BinaryRBM(**settings | params)


NAMES = ["BinaryRBM", "GaussianRBM"]
every_model = pytest.mark.parametrize("name", NAMES)


@pytest.fixture
def fitted():
    return make_rbm().fit(BITS)


@pytest.fixture(params=NAMES)
def fitted_either(request):
    return clone(EVERY[request.param]).fit(BITS)


@pytest.fixture(params=["BinaryRBM", "LatentBM", "GaussianRBM"])
def fitted_hidden(request):
    return clone(EVERY[request.param]).fit(BITS)


def with_value(value, *, dtype=float):
    X = BITS.astype(dtype)
    X[3, 2] = value
    return X


# ---- bad tables ----

BAD_TABLES = {
    "infinity": (with_value(np.inf), "contains infinity"),
    "minus infinity": (with_value(-np.inf), "contains infinity"),
    "sparse infinity": (sparse.csc_array(with_value(np.inf)), "contains infinity"),
    "digits": (BITS.astype(str), r"written out: pass X.astype\(float\)"),
    "words": ([["on", "off"] * 3] * 4, "Column 0 holds the text 'on'"),
    "object words": (with_value("on", dtype=object), "Column 2 holds the text 'on'"),
    "complex": (BITS * 1j, "Complex data not supported"),
    "sparse complex": (sparse.csr_array(BITS * 1j), "Complex data not supported"),
    "a row": (BITS[0], "Expected 2D array, got 1D array"),
    "three dimensions": (BITS[np.newaxis], r"dim 3.*X\.reshape\(len\(X\), -1\)"),
    "a number": (1.0, "Expected 2D array, got scalar array"),
    "no rows": (BITS[:0], r"Found array with 0 sample\(s\)"),
    "no columns": (BITS[:, :0], r"Found array with 0 feature\(s\)"),
    "an empty list": ([], "Expected 2D array, got 1D array"),
    "sparse, no rows": (sparse.csr_array((0, 6)), r"0 sample\(s\)"),
    "ragged": ([[0, 1], [0]], "inhomogeneous"),
}

# Tables with missing values, which some methods have no use for.
INCOMPLETE = {
    "NaN": with_value(np.nan),
    "float32 NaN": with_value(np.nan, dtype=np.float32),
    "sparse NaN": sparse.csr_array(with_value(np.nan)),
    "None": with_value(None, dtype=object),
}


def call(name):
    """Make a function that calls the method of this name with rows."""
    return lambda rbm, X: getattr(rbm, name)(X)


METHODS_OF_ROWS = {
    "fit": call("fit"),
    "fit_transform": call("fit_transform"),
    "partial_fit": call("partial_fit"),
    "transform": call("transform"),
    "free_energy": call("free_energy"),
    "score_samples": call("score_samples"),
    "score": call("score"),
    "pseudo_log_likelihood": call("pseudo_log_likelihood"),
    "conditional_score_samples": call("conditional_score_samples"),
    "energy": lambda rbm, X: rbm.energy(X, np.zeros((60, 3))),
    "gibbs": call("gibbs"),
    "sample": lambda rbm, X: rbm.sample(init=X),
}


@pytest.mark.parametrize("table", BAD_TABLES)
@pytest.mark.parametrize("learn", ["fit", "partial_fit", "fit_transform"])
@every_model
def test_bad_tables_leave_a_new_estimator_unfitted(table, learn, name):
    X, match = BAD_TABLES[table]
    model = clone(EVERY[name])
    with pytest.raises((ValueError, TypeError), match=match):
        getattr(model, learn)(X)
    assert vars(model) == vars(clone(EVERY[name]))


@pytest.mark.parametrize("table", BAD_TABLES)
@pytest.mark.parametrize("method", METHODS_OF_ROWS)
def test_bad_tables_leave_a_fitted_estimator_as_it_was(fitted_either, table, method):
    X, match = BAD_TABLES[table]
    # Where a number is not a table, the parameter's own check speaks first.
    match = f"{match}|The '(X|init)' parameter of .* must be"
    before = contents(fitted_either)
    with pytest.raises((ValueError, TypeError), match=match):
        METHODS_OF_ROWS[method](fitted_either, X)
    assert contents(fitted_either) == before


@pytest.mark.parametrize("table", INCOMPLETE)
@pytest.mark.parametrize("method", ["energy", "gibbs", "sample"])
def test_missing_values_where_rows_must_be_complete(fitted_either, table, method):
    before = contents(fitted_either)
    with pytest.raises(ValueError, match="X contains NaN, but"):
        METHODS_OF_ROWS[method](fitted_either, INCOMPLETE[table])
    assert contents(fitted_either) == before


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array, pd.DataFrame])
@pytest.mark.parametrize("n_columns", [5, 7])
@pytest.mark.parametrize(
    "method", sorted(METHODS_OF_ROWS.keys() - {"fit", "fit_transform"})
)
def test_wrong_widths(fitted_either, make, n_columns, method):
    X = make(np.ones((60, n_columns)))
    if make is pd.DataFrame:
        X = X.add_prefix("unit")
        fitted_either.fit(pd.DataFrame(BITS).add_prefix("unit"))
        match = "feature names should match those that were passed during fit"
    else:
        name = type(fitted_either).__name__
        match = f"X has {n_columns} features, but {name} is expecting 6 features"
    before = contents(fitted_either)
    with pytest.raises(ValueError, match=match):
        METHODS_OF_ROWS[method](fitted_either, X)
    assert contents(fitted_either) == before


@pytest.mark.parametrize("value", [-0.001, 1.001, 255])
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("method", METHODS_OF_ROWS)
def test_values_that_are_no_probabilities(make, value, method):
    rbm = make_rbm(binarize=None).fit(BITS)
    with pytest.raises(ValueError, match=r"outside \[0, 1\].*set binarize"):
        METHODS_OF_ROWS[method](rbm, make(with_value(value)))


# ---- bad parameters ----


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_components", 0),
        ("n_components", 2.0),
        ("n_components", None),
        ("algorithm", "x"),
        ("algorithm", None),
        ("solver", "adam"),
        ("solver", None),
        ("tempering", "yes"),
        ("n_gibbs_steps", 0),
        ("n_chains", 0),
        ("learning_rate", 0),
        ("learning_rate", -0.1),
        ("learning_rate", np.inf),
        ("learning_rate", np.nan),
        ("learning_rate", "small"),
        ("decay_fraction", -0.1),
        ("decay_fraction", 1.1),
        ("batch_size", 0),
        ("batch_size", 10.0),
        ("max_iter", 0),
        ("max_iter", -1),
        ("max_iter", 1.5),
        ("early_stopping", "yes"),
        ("validation_fraction", 0.0),
        ("validation_fraction", 1.0),
        ("validation_fraction", 10),
        ("n_iter_no_change", 0),
        ("n_iter_no_change", 1.5),
        ("tol", -1e-9),
        ("tol", np.nan),
        ("centering", "yes"),
        ("alpha", -1e-9),
        ("alpha", np.inf),
        ("l1_ratio", -0.1),
        ("l1_ratio", 1.1),
        ("binarize", np.nan),
        ("binarize", np.inf),
        ("binarize", "mean"),
        ("log_partition_tol", 0.0),
        ("log_partition_tol", np.nan),
        ("max_ais_temperatures", 0),
        ("n_ais_chains", 1),
        ("n_ais_chains", 0),
        ("random_state", -1),
        ("random_state", "seed"),
    ],
)
@pytest.mark.parametrize("learn", ["fit", "partial_fit"])
def test_bad_constructor_parameters(name, value, learn):
    rbm = make_rbm(**{name: value})
    with pytest.raises(
        ValueError, match=f"The '{name}' parameter of BinaryRBM must be .* Got .*"
    ):
        getattr(rbm, learn)(BITS)
    assert vars(rbm).keys() == rbm.get_params().keys()


def test_unknown_constructor_parameters():
    with pytest.raises(TypeError, match="n_hidden"):
        BinaryRBM(n_hidden=3)
    with pytest.raises(TypeError, match="positional argument"):
        BinaryRBM(3, "pcd")


# ---- hidden units ----


def inverse_transform(rbm, H):
    return rbm.inverse_transform(H)


def energy_of_hidden(rbm, H):
    return rbm.energy(BITS, H)


@pytest.mark.parametrize("method", [inverse_transform, energy_of_hidden])
@pytest.mark.parametrize(
    ("H", "match"),
    [
        (np.zeros((60, 2)), "H has 2 columns, .* n_components=3 hidden units"),
        (np.zeros((60, 6)), "H has 6 columns, .* n_components=3 hidden units"),
        (np.zeros(3), "Expected 2D array, got 1D array"),
        (np.zeros((0, 3)), r"0 sample\(s\)"),
        (np.full((60, 3), np.nan), "Input H contains NaN"),
        (np.full((60, 3), np.inf), "Input H contains infinity"),
        (np.zeros((60, 3)) * 1j, "Complex data not supported"),
        ([["on", "off", "on"]] * 60, "could not convert string to float"),
    ],
)
def test_bad_hidden_units(fitted_hidden, method, H, match):
    with pytest.raises(ValueError, match=match):
        method(fitted_hidden, H)


@pytest.mark.parametrize("method", [inverse_transform, energy_of_hidden])
def test_sparse_hidden_units(fitted_hidden, method):
    with pytest.raises(TypeError, match="Sparse data was passed for H"):
        method(fitted_hidden, sparse.csr_array((60, 3)))


@pytest.mark.parametrize("n_rows", [1, 59, 61])
def test_energy_of_rows_that_do_not_pair_up(fitted_hidden, n_rows):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        fitted_hidden.energy(BITS, np.zeros((n_rows, 3)))


# ---- before fit ----


@pytest.mark.parametrize(
    "method",
    [
        *sorted(METHODS_OF_ROWS.keys() - {"fit", "fit_transform", "partial_fit"}),
        "draws",
        "get_feature_names_out",
        "log_partition",
        "log_partition_",
    ],
)
@every_model
def test_queries_before_fit(method, name):
    model = clone(EVERY[name])
    match = f"{type(model).__name__} instance is not fitted yet"
    others = {
        "draws": lambda model, _: model.sample(),
        "get_feature_names_out": lambda model, _: model.get_feature_names_out(),
        "log_partition": lambda model, _: model.log_partition(),
        "log_partition_": lambda model, _: model.log_partition_,
    }
    with pytest.raises(NotFittedError, match=match):
        (METHODS_OF_ROWS | others)[method](model, BITS)


def test_nothing_looks_fitted_before_fit(fitted_either):
    names = {name for name in dir(fitted_either) if name.endswith("_")}
    names = {name for name in names if not name.startswith("_")}
    assert {"n_features_in_", "n_iter_", "history_", "log_partition_std_"} < names
    for name in names:
        assert hasattr(fitted_either, name)
        assert not hasattr(clone(fitted_either), name)


def test_hidden_units_before_fit(fitted_hidden):
    with pytest.raises(NotFittedError):
        clone(fitted_hidden).inverse_transform(np.zeros((1, 3)))


# ---- fits that end early ----

DIVERGED = r"diverged after \d+ updates.*Lower learning_rate"


class Interruption:
    """Learning that Ctrl-C ends in the course of some update."""

    def __init__(self, monkeypatch, n_updates):
        self.left = n_updates
        update = ContrastiveLearning._update

        def interrupted_update(*args):
            update(*args)
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt

        monkeypatch.setattr(ContrastiveLearning, "_update", interrupted_update)


def assert_unfitted(rbm):
    assert vars(rbm).keys() == rbm.get_params().keys()
    with pytest.raises(NotFittedError):
        rbm.transform(BITS)


@pytest.mark.parametrize("learn", ["fit", "partial_fit"])
@pytest.mark.parametrize("learning_rate", [1e3, 1e20, 1e300])
@pytest.mark.parametrize("algorithm", ["pcd", "cd"])
@pytest.mark.parametrize("solver", ["natural", "sgd"])
def test_divergence_leaves_a_new_estimator_unfitted(
    learn, learning_rate, algorithm, solver
):
    rbm = make_rbm(
        learning_rate=learning_rate,
        algorithm=algorithm,
        solver=solver,
        decay_fraction=0,
    )
    with pytest.raises(FloatingPointError, match=DIVERGED):
        getattr(rbm, learn)(BITS)
    assert_unfitted(rbm)


@pytest.mark.parametrize("early_stopping", [True, False])
@pytest.mark.parametrize("solver", ["natural", "sgd"])
def test_divergence_after_some_stages(fitted, solver, early_stopping):
    """At first learning goes on at a tenth of the step size, then it gives up."""
    fitted.set_params(
        learning_rate=1e12,
        max_iter=2000,
        solver=solver,
        early_stopping=early_stopping,
        n_chains=10,
    )
    before = contents(fitted)
    with pytest.raises(FloatingPointError, match="diverged after 500 updates"):
        fitted.fit(OTHER_BITS)
    assert contents(fitted) == before


@pytest.mark.parametrize("solver", ["natural", "sgd"])
def test_learning_recovers_from_divergence_at_smaller_steps(solver):
    rbm = make_rbm(learning_rate=300.0, max_iter=1000, solver=solver, n_chains=50)
    rbm.fit(BITS)
    assert rbm.n_iter_ == 1000
    rates = rbm.history_["learning_rate"]
    assert rates[0] == 300.0
    assert rates[-1] < 30.0
    # No better than independent bits that are about fair, and not much worse.
    assert rbm.score(BITS) > -6 * np.log(2) - 0.5


@pytest.mark.parametrize("scored", [True, False])
@pytest.mark.parametrize("learn", ["fit", "partial_fit"])
def test_divergence_leaves_an_earlier_model_as_it_was(fitted, learn, scored):
    if scored:
        fitted.score(BITS)
    fitted.set_params(learning_rate=1e39)
    before, score = contents(fitted), clone_of_state(fitted).score(BITS)
    with pytest.raises(FloatingPointError, match=DIVERGED):
        getattr(fitted, learn)(OTHER_BITS)
    assert contents(fitted) == before
    assert fitted.score(BITS) == score


def clone_of_state(rbm):
    """Copy an estimator, so that to score the copy leaves log Z of it unknown."""
    copy = clone(rbm)
    vars(copy).update(vars(rbm))
    return copy


@pytest.mark.parametrize("learn", ["fit", "partial_fit"])
def test_interrupts_leave_a_new_estimator_unfitted(monkeypatch, learn):
    rbm = make_rbm()
    Interruption(monkeypatch, 2)
    with pytest.raises(KeyboardInterrupt):
        getattr(rbm, learn)(BITS)
    assert_unfitted(rbm)


@pytest.mark.parametrize("algorithm", ["pcd", "cd"])
@pytest.mark.parametrize("learn", ["fit", "partial_fit"])
@pytest.mark.parametrize("n_updates", [1, 2])
def test_interrupts_leave_an_earlier_model_as_it_was(
    monkeypatch, learn, n_updates, algorithm
):
    rbm = make_rbm(algorithm=algorithm, max_iter=200).fit(BITS)
    before, score = contents(rbm), clone_of_state(rbm).score(BITS)
    interruption = Interruption(monkeypatch, n_updates)
    with pytest.raises(KeyboardInterrupt):
        getattr(rbm, learn)(OTHER_BITS)
    assert interruption.left == 0
    assert contents(rbm) == before
    assert rbm.score(BITS) == score


@pytest.mark.parametrize("n_updates", [1, 50])
def test_interrupts_of_early_stopping_leave_an_earlier_model_as_it_was(
    monkeypatch, n_updates
):
    rbm = make_rbm(early_stopping=True, max_iter=200).fit(BITS)
    before = contents(rbm)
    interruption = Interruption(monkeypatch, n_updates)
    with pytest.raises(KeyboardInterrupt):
        rbm.fit(OTHER_BITS)
    assert interruption.left == 0
    assert contents(rbm) == before


def test_learning_after_an_interrupt_is_as_if_there_had_been_none(monkeypatch):
    rbm, undisturbed = make_rbm().fit(BITS), make_rbm().fit(BITS)
    with monkeypatch.context() as patch:
        Interruption(patch, 2)
        with pytest.raises(KeyboardInterrupt):
            rbm.partial_fit(OTHER_BITS)
    rbm.partial_fit(OTHER_BITS)
    undisturbed.partial_fit(OTHER_BITS)
    np.testing.assert_array_equal(rbm.components_, undisturbed.components_)


@pytest.mark.parametrize("learn", ["fit", "partial_fit"])
def test_bad_tables_leave_an_earlier_model_usable(learn):
    table = pd.DataFrame(BITS).add_prefix("unit")
    rbm = make_rbm().fit(table)
    before, score = contents(rbm), clone_of_state(rbm).score(table)
    renamed = pd.DataFrame(with_value(np.inf)[:, :4]).add_prefix("other")
    with pytest.raises(ValueError, match=r"infinity|feature names should match"):
        getattr(rbm, learn)(renamed)
    assert contents(rbm) == before
    assert rbm.n_features_in_ == 6
    assert list(rbm.feature_names_in_) == list(table.columns)
    assert rbm.score(table) == score
    assert contents(rbm.partial_fit(table)) == contents(
        make_rbm().fit(table).partial_fit(table)
    )


def test_bad_parameters_leave_an_earlier_model_usable(fitted):
    score = clone_of_state(fitted).score(BITS)
    fitted.set_params(n_chains=0)
    before = contents(fitted)
    with pytest.raises(ValueError, match="The 'n_chains' parameter"):
        fitted.fit(OTHER_BITS)
    assert contents(fitted) == before
    assert fitted.score(BITS) == score


def test_warnings_raised_as_errors_leave_an_earlier_model_as_it_was(fitted):
    # Warnings are errors in this test suite.
    before = contents(fitted)
    for learn in (fitted.fit, fitted.partial_fit):
        with pytest.raises(UserWarning, match="not 0 and 1"):
            learn(OTHER_BITS * 0.4)
        assert contents(fitted) == before


@pytest.mark.parametrize(
    "params",
    [
        {"n_gibbs_steps": 0},
        {"batch_size": 0},
        {"learning_rate": -1.0},
        {"alpha": -5.0},
        {"algorithm": "x"},
        {"binarize": "x"},
    ],
    ids=str,
)
def test_every_partial_fit_checks_the_constructor_parameters(params):
    rbm = make_rbm().partial_fit(BITS).set_params(**params)
    before = contents(rbm)
    with pytest.raises(ValueError, match=f"The '{next(iter(params))}' parameter"):
        rbm.partial_fit(BITS)
    assert contents(rbm) == before


@pytest.mark.parametrize(("name", "value"), [("n_components", 4), ("solver", "sgd")])
def test_partial_fit_cannot_change_the_structure(name, value):
    rbm = make_rbm().partial_fit(BITS).set_params(**{name: value})
    before = contents(rbm)
    with pytest.raises(ValueError, match=f"{name} was .* when learning began and is"):
        rbm.partial_fit(BITS)
    assert contents(rbm) == before
    assert rbm.fit(BITS).partial_fit(BITS).n_iter_ == rbm.max_iter + 3


# ---- settings that do not go together ----


def assert_refused(rbm, learn, match):
    """Hold a refusal to leaving an estimator as it was."""
    before = contents(rbm)
    with pytest.raises(ValueError, match=match):
        getattr(rbm, learn)(BITS)
    assert contents(rbm) == before


@pytest.mark.parametrize("fitted_before", [True, False])
def test_exact_learning_takes_all_data_at_once(fitted_before):
    rbm = make_rbm()
    if fitted_before:
        rbm.fit(BITS)
    rbm.set_params(algorithm="exact")
    before = contents(rbm)
    assert not hasattr(rbm, "partial_fit")
    with pytest.raises(AttributeError, match=r"^algorithm=.exact. learns from all"):
        rbm.partial_fit(BITS)
    assert contents(rbm) == before


@pytest.mark.parametrize("algorithm", ["exact", "pseudolikelihood"])
def test_learning_up_to_an_optimum_has_no_chunks(algorithm):
    assert not hasattr(BoltzmannMachine(algorithm=algorithm), "partial_fit")


@pytest.mark.parametrize("fitted_before", [True, False])
def test_exact_learning_needs_no_early_stopping(fitted_before):
    rbm = make_rbm()
    if fitted_before:
        rbm.fit(BITS)
    rbm.set_params(algorithm="exact", early_stopping=True)
    assert_refused(rbm, "fit", "early_stopping needs a stochastic algorithm.*alpha")


def test_exact_learning_of_large_layers():
    wide = np.random.default_rng(0).integers(2, size=(60, 21))
    rbm = make_rbm(algorithm="exact", n_components=21)
    with pytest.raises(ValueError, match=r"more than 20 units.*Use fewer"):
        rbm.fit(wide)
    assert_unfitted(rbm)


@pytest.mark.parametrize(
    ("n_rows", "validation_fraction", "n_held_out"), [(1, 0.1, 1), (2, 0.9, 2)]
)
def test_early_stopping_needs_rows_of_both_kinds(
    n_rows, validation_fraction, n_held_out
):
    rbm = make_rbm(early_stopping=True, validation_fraction=validation_fraction)
    with pytest.raises(
        ValueError,
        match=f"holds out {n_held_out} of n_samples={n_rows}.*Lower validation_fract",
    ):
        rbm.fit(BITS[:n_rows])
    assert_unfitted(rbm)


# ---- parameters beyond what floating point can sum ----

ZEROS = [0.0, 0.0]


@pytest.mark.parametrize("size", [1e16, 1e200, 1e308])
@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        (BinaryRBM, lambda size: ([[1, size]], ZEROS, [0.0])),
        (BinaryRBM, lambda size: ([[1, 1]], [size, 0], [0.0])),
        (BinaryRBM, lambda size: ([[1, 1]], ZEROS, [-size])),
        (BoltzmannMachine, lambda size: ([[0, size], [size, 0]], ZEROS)),
        (LatentBM, lambda size: ([[1, -size]], ZEROS, [0.0])),
        (GaussianRBM, lambda size: ([[1, 1]], ZEROS, [size], 1.0)),
        (GaussianRBM, lambda size: ([[1, 1]], [size, 0], [0.0], 1.0)),
        (GaussianRBM, lambda size: ([[1, size]], ZEROS, [0.0], 1.0)),
        (GaussianRBM, lambda size: ([[1, 1]], ZEROS, [0.0], 1 / size)),
    ],
)
def test_parameters_that_are_too_large(model, parameters, size):
    with pytest.raises(ValueError, match=r"parameter is .* Divide the parameters by"):
        model.from_parameters(*parameters(size))


def test_large_parameters_are_right():
    size = 1e14
    rbm = BinaryRBM.from_parameters([[0.0, 0.0]], [size, -size], [0.0])
    np.testing.assert_array_equal(
        rbm.score_samples([[1, 0], [0, 0], [1, 1]]), [0, -size, -size]
    )
    rbm = GaussianRBM.from_parameters([[0.0]], [0.0], [0.0], size)
    expected = -np.log(2 * np.pi * size) / 2
    np.testing.assert_allclose(rbm.score_samples([[0.0]]), expected, rtol=1e-14)
