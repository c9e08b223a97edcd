"""Manners of an estimator: copies, names, containers, searches, callbacks."""

import pickle

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from containers import CONTAINERS
from mixture_oracle import MixtureOracle, two_sources
from sklearn.base import clone
from sklearn.callback import ProgressBar
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

from skebm import GaussianRBM

SETTINGS = {
    "exact": {"tol": 0.1},
    "diag": {"tol": 0.1, "covariance_type": "diag"},
    "known noise": {"tol": 0.1, "noise_variance": 0.5},
    "pcd": {"algorithm": "pcd", "max_iter": 20},
    "early stopping": {"early_stopping": True, "max_iter": 20},
}


@pytest.fixture(name="X", scope="module")
def make_rows():
    return np.column_stack([two_sources(150), two_sources(150, seed=1)])


@pytest.fixture(params=SETTINGS)
def fitted(request, X):
    return GaussianRBM(3, random_state=0, **SETTINGS[request.param]).fit(X)


def contents(estimator):
    """Hash all that an estimator holds, its generator and chains included."""
    return joblib.hash(vars(estimator))


# ---- copies ----


def test_clone_keeps_the_parameters_and_forgets_the_fit(fitted, X):
    copy = clone(fitted)
    assert vars(copy).keys() == copy.get_params().keys()
    assert contents(copy.fit(X)) == contents(fitted)


def test_pickles_keep_scores_and_learn_on_alike(fitted, X):
    copy = pickle.loads(pickle.dumps(fitted))  # noqa: S301
    np.testing.assert_array_equal(copy.score_samples(X), fitted.score_samples(X))
    for rbm in (copy, fitted):
        rbm.set_params(algorithm="pcd").partial_fit(X)
    assert contents(copy) == contents(fitted)


def test_fits_depend_on_their_seed_alone(fitted, X):
    before = contents(fitted)
    fitted.partial_fit(X)
    fitted.score(X)
    assert contents(fitted.fit(X)) == before
    assert contents(clone(fitted).set_params(random_state=1).fit(X)) != before


def test_queries_change_nothing(fitted, X):
    before, rows = contents(fitted), X.copy()
    hidden = fitted.transform(X)
    fitted.inverse_transform(hidden)
    fitted.energy(X, np.round(hidden))
    fitted.free_energy(X)
    fitted.conditional_score_samples(X)
    fitted.sample(3, n_steps=2)
    fitted.gibbs(X, random_state=0)
    fitted.get_feature_names_out()
    dir(fitted)
    assert "log_partition_std_" not in fitted._repr_html_()
    assert contents(fitted) == before
    fitted.fit(X)
    np.testing.assert_array_equal(X, rows)


def test_scores_of_rows_are_independent(fitted, X):
    for method in (
        fitted.score_samples,
        fitted.free_energy,
        fitted.conditional_score_samples,
        fitted.transform,
    ):
        together = method(X)
        order = np.random.default_rng(2).permutation(len(X))
        # Products of other shapes may round differently in float64.
        np.testing.assert_allclose(method(X[order]), together[order], rtol=1e-9)
        np.testing.assert_allclose(method(X[:37]), together[:37], rtol=1e-9)
        np.testing.assert_allclose(method(X[[5]]), together[[5]], rtol=1e-9)


# ---- names and containers ----


def test_names(X):
    table = pd.DataFrame(X).add_prefix("column")
    rbm = GaussianRBM(2, tol=0.1, random_state=0).fit(table)
    assert list(rbm.feature_names_in_) == list(table.columns)
    assert list(rbm.get_feature_names_out()) == ["gaussianrbm0", "gaussianrbm1"]
    renamed = table.rename(columns={"column0": "other"})
    for method in (
        rbm.transform,
        rbm.score_samples,
        rbm.conditional_score_samples,
        rbm.gibbs,
        rbm.partial_fit,
        lambda table: rbm.sample(init=table),
        lambda table: rbm.energy(table, np.zeros((150, 2))),
    ):
        with pytest.raises(ValueError, match="feature names should match"):
            method(renamed)
    given = GaussianRBM.from_parameters(
        np.zeros((2, 4)), np.zeros(4), np.zeros(2), np.ones(4), X=table
    )
    assert list(given.feature_names_in_) == list(table.columns)


@pytest.mark.parametrize(
    ("kind", "make"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)]
)
def test_set_output(X, kind, make):
    rbm = GaussianRBM(2, tol=0.1, random_state=0).set_output(transform=kind)
    table = make(X, **({} if kind == "pandas" else {"schema": list("abcd")}))
    with_names = table.add_prefix("c") if kind == "pandas" else table
    H = rbm.fit_transform(with_names)
    assert isinstance(H, make)
    assert list(H.columns) == ["gaussianrbm0", "gaussianrbm1"]
    rbm.set_output(transform="default")
    np.testing.assert_array_equal(H, rbm.transform(with_names))
    assert type(rbm.score_samples(with_names)) is np.ndarray


def test_tags():
    tags = get_tags(GaussianRBM())
    assert tags.input_tags.sparse
    assert not tags.input_tags.allow_nan
    assert not tags.target_tags.required
    assert tags.transformer_tags.preserves_dtype == ["float64", "float32"]
    assert tags.estimator_type is None


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("settings", ["exact", "pcd"])
def test_containers_of_the_same_values(container, settings):
    bits = np.random.default_rng(0).integers(2, size=(60, 6)).astype(float)
    X = CONTAINERS[container](bits)
    plain, rbm = (
        GaussianRBM(3, random_state=0, **SETTINGS[settings]) for _ in range(2)
    )
    plain.fit(bits)
    rbm.fit(X)
    for method in ("score_samples", "free_energy", "conditional_score_samples"):
        # The layout of a table may change the order in which terms are summed, and
        # so the way of the optimiser by as little.
        np.testing.assert_allclose(
            getattr(rbm, method)(X), getattr(plain, method)(bits), rtol=1e-6, atol=1e-6
        )
    np.testing.assert_allclose(rbm.transform(X), plain.transform(bits), atol=1e-6)
    H = np.ones((60, 3))
    np.testing.assert_allclose(rbm.energy(X, H), plain.energy(bits, H), rtol=1e-6)
    assert rbm.gibbs(X, random_state=0).shape == (60, 6)
    assert rbm.sample(5, n_steps=1, init=X).shape == (5, 6)


# ---- searches and pipelines ----


def test_grid_search_ranks_by_held_out_likelihood(X):
    cv = KFold(3)
    rbm = GaussianRBM(1, covariance_type="diag", random_state=0)
    search = GridSearchCV(rbm, {"n_components": [1, 4, 8]}, cv=cv).fit(X)
    by_hand = []
    for params in search.cv_results_["params"]:
        folds = [
            MixtureOracle.of(clone(rbm).set_params(**params).fit(X[train]))
            .log_density(X[test])
            .mean()
            for train, test in cv.split(X)
        ]
        by_hand.append(np.mean(folds))
    np.testing.assert_allclose(
        search.cv_results_["mean_test_score"], by_hand, rtol=1e-9
    )
    assert np.ptp(by_hand) > 0.05
    assert search.best_index_ == np.argmax(by_hand)
    assert search.score(X) == search.best_estimator_.score(X)


def test_pipelines(X):
    pipeline = make_pipeline(StandardScaler(), PCA(2), GaussianRBM(2, random_state=0))
    H = pipeline.fit_transform(X)
    assert H.shape == (150, 2)
    assert pipeline.inverse_transform(H).shape == X.shape
    assert isinstance(pipeline.score(X), float)


# ---- callbacks ----


class Recorder:
    """Callback that keeps the models it is shown, and asks for an end."""

    def __init__(self, stop_at=None):
        self.stop_at = stop_at
        self.models = []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        if context.task_name == "stage":
            self.models.append(fitted_estimator)
        return len(self.models) == self.stop_at


@pytest.mark.parametrize("covariance_type", ["full", "diag"])
def test_callbacks_see_models_and_stop_learning(X, covariance_type):
    settings = {"covariance_type": covariance_type, "random_state": 0}
    for algorithm, n_updates in ("pcd", 200), ("exact", 2):
        recorder = Recorder(stop_at=2)
        rbm = GaussianRBM(2, algorithm=algorithm, **settings).fit(X)
        rbm.set_params(max_iter=1000)  # refitted, a model must not show what it was
        rbm.set_callbacks(recorder, ProgressBar()).fit(X)
        assert rbm.n_iter_ == n_updates
        assert len(recorder.models) == 2
        for model in recorder.models:
            assert np.isfinite(model.score(X))
        assert recorder.models[-1].score(X) == rbm.score(X)
        assert recorder.models[0].score(X) != rbm.score(X)


def test_callbacks_do_not_change_what_is_learned(X):
    settings = {"algorithm": "pcd", "max_iter": 250, "random_state": 0}
    watched = GaussianRBM(2, **settings).set_callbacks(Recorder()).fit(X)
    plain = GaussianRBM(2, **settings).fit(X)
    np.testing.assert_array_equal(watched.components_, plain.components_)
    assert watched.score(X) == plain.score(X)
