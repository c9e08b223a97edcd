"""Searches, learning and scores on a cluster of two processes on this machine."""

import os
from unittest import mock

import joblib
import numpy as np
import pytest
from models import contents
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.utils import check_random_state

from skebm import BinaryRBM, BoltzmannMachine, GaussianRBM, LatentBM

da = pytest.importorskip("dask.array", reason="needs the extra dask")
distributed = pytest.importorskip("distributed", reason="needs the extra dask")
wrappers = pytest.importorskip("dask_ml.wrappers", reason="needs the extra dask")

CV = KFold(3)
# The last is shorter than the others.
CHUNK = 80
X = load_digits().data[:300, 8:40] > 7


@pytest.fixture(name="client", scope="module")
def start_cluster():
    """Start two processes of one thread, and leave nothing of them."""
    with pytest.MonkeyPatch.context() as patch, mock.patch.dict(os.environ):
        for name in ("OMP", "OPENBLAS", "MKL", "BLIS"):
            patch.delenv(f"{name}_NUM_THREADS", raising=False)
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, dashboard_address=None
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client


def chunked():
    return da.from_array(X, chunks=(CHUNK, -1))


def chunks():
    return [X[start : start + CHUNK] for start in range(0, len(X), CHUNK)]


def search(**settings):
    # Of 21 units log Z is estimated, of 2 it is summed.
    rbm = BinaryRBM(max_iter=10, log_partition_tol=0.3, random_state=0)
    return GridSearchCV(rbm, {"n_components": [2, 21]}, cv=CV, **settings)


# ---- many models ----


def test_a_search_finds_the_same(client):
    here = search().fit(X)
    with joblib.parallel_config(backend="dask"):
        there = search().fit(X)
    assert there.best_params_ == here.best_params_
    for name in ("params", "split0_test_score", "split1_test_score", "mean_test_score"):
        np.testing.assert_array_equal(there.cv_results_[name], here.cv_results_[name])
    assert contents(there.best_estimator_) == contents(here.best_estimator_)


def test_a_search_runs_on_the_workers_with_one_thread_each(client):
    def measure(estimator, X, y=None):
        import os  # noqa: PLC0415

        from threadpoolctl import threadpool_info  # noqa: PLC0415

        pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
        return {
            "process": os.getpid(),
            "most_threads": max(pool["num_threads"] for pool in pools),
        }

    with joblib.parallel_config(backend="dask"):
        found = search(scoring=measure, refit=False).fit(X).cv_results_
    processes = client.run(os.getpid).values()
    for fold in range(CV.n_splits):
        assert np.isin(found[f"split{fold}_test_process"], list(processes)).all()
        assert (found[f"split{fold}_test_most_threads"] == 1).all()
    assert os.getpid() not in processes


# ---- many rows ----


@pytest.mark.parametrize(
    "model",
    [
        BinaryRBM(3, random_state=0),
        GaussianRBM(3, random_state=0),
        BoltzmannMachine(algorithm="pcd", random_state=0),
        LatentBM(3, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_incremental_learns_as_a_loop_does(client, model):
    incremental = wrappers.Incremental(model, shuffle_blocks=False)
    incremental.fit(chunked())
    # A second pass, at another step size.
    incremental.estimator_.set_params(learning_rate=0.01)
    incremental.partial_fit(chunked())
    loop = clone(model)
    for learning_rate in (model.learning_rate, 0.01):
        loop.set_params(learning_rate=learning_rate)
        for rows in chunks():
            loop.partial_fit(rows)
    assert contents(incremental.estimator_) == contents(loop)
    assert incremental.n_iter_ == loop.n_iter_ == 2 * len(chunks())


def test_incremental_draws_the_order_of_the_chunks_by_default(client):
    rbm = BinaryRBM(3, random_state=0)
    incremental = wrappers.Incremental(rbm, random_state=1).fit(chunked())
    order = list(range(len(chunks())))
    check_random_state(1).shuffle(order)
    assert order != sorted(order)
    for index in order:
        rbm.partial_fit(chunks()[index])
    assert contents(incremental.estimator_) == contents(rbm)


def test_a_loop_over_blocks_needs_no_wrapper(client):
    rbm, loop = (BinaryRBM(3, random_state=0) for _ in range(2))
    for block in chunked().blocks:
        rbm.partial_fit(block.compute())
    for rows in chunks():
        loop.partial_fit(rows)
    assert contents(rbm) == contents(loop)


# ---- scores and features ----


@pytest.fixture
def rbm():
    """Fit a model of which log Z is estimated, and not computed yet."""
    return BinaryRBM(21, max_iter=10, log_partition_tol=0.3, random_state=0).fit(X)


def test_scores_by_blocks(client, rbm):
    rbm.log_partition()
    scores = chunked().map_blocks(rbm.score_samples, drop_axis=1, dtype=float)
    expected = np.concatenate([rbm.score_samples(rows) for rows in chunks()])
    np.testing.assert_array_equal(scores.compute(), expected)
    # Of sums of 300 scores in another order, each good to 16 digits.
    np.testing.assert_allclose(scores.mean().compute(), rbm.score(X), rtol=1e-13)


def test_features_by_blocks(client, rbm):
    X_dask = chunked()
    features = X_dask.map_blocks(
        rbm.transform, chunks=(X_dask.chunks[0], (21,)), dtype=float
    )
    assert features.shape == (300, 21)
    expected = np.concatenate([rbm.transform(rows) for rows in chunks()])
    np.testing.assert_array_equal(features.compute(), expected)
    wrapped = wrappers.ParallelPostFit(rbm).transform(X_dask)
    np.testing.assert_array_equal(wrapped.compute(), expected)


def score_without_computing_log_partition(rbm, rows):
    forbidden = mock.Mock(side_effect=AssertionError("log Z is computed here"))
    with mock.patch("skebm.estimator.likelihood.compute_log_partition", forbidden):
        return rbm.score_samples(rows)


def test_log_partition_goes_with_the_model(client, rbm):
    task = client.submit(score_without_computing_log_partition, rbm, X)
    with pytest.raises(AssertionError, match="computed here"):
        task.result()
    rbm.log_partition()
    task = client.submit(score_without_computing_log_partition, rbm, X)
    np.testing.assert_array_equal(task.result(), rbm.score_samples(X))
