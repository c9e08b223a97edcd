"""Several fits at once: threads of the workers, and the same results from any."""

from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, KFold

from skebm import BinaryRBM, BoltzmannMachine, GaussianRBM, LatentBM

CV = KFold(3)
N_CORES = joblib.cpu_count()
# More threads than two workers have each, if nothing else is asked for.
MORE_THREADS = N_CORES // 2 + 1
X = load_digits().data[:300, 8:40] > 7

# Of 21 units log Z is estimated, as roughly as it goes; of fewer it is summed.
ROUGHLY = {"max_ais_temperatures": 20, "n_ais_chains": 4, "log_partition_tol": 9.0}
QUICK = {"max_iter": 10, "random_state": 0}
SEARCHES = {
    "BinaryRBM": (
        BinaryRBM(**QUICK | ROUGHLY),
        {"n_components": [2, 21]},
        X,
    ),
    "GaussianRBM": (
        GaussianRBM(algorithm="pcd", **QUICK),
        {"n_components": [2, 8]},
        X,
    ),
    "BoltzmannMachine": (
        BoltzmannMachine(algorithm="pcd", **QUICK),
        {"alpha": [0, 0.01]},
        X[:, :10],
    ),
    "LatentBM": (LatentBM(**QUICK), {"n_components": [2, 3]}, X[:, :10]),
}


@pytest.fixture
def unset(monkeypatch):
    """Unset what limits the workers' threads, whatever the tests run under."""
    for name in ("OMP", "OPENBLAS", "MKL", "BLIS"):
        monkeypatch.delenv(f"{name}_NUM_THREADS", raising=False)


def search(name, **settings):
    model, grid, _ = SEARCHES[name]
    return GridSearchCV(clone(model), grid, cv=CV, **settings)


def scores(searched):
    """Give the scores of all candidates in all folds."""
    names = [f"split{fold}_test_score" for fold in range(CV.n_splits)]
    return np.array([searched.cv_results_[name] for name in names])


# ---- threads ----


def most_threads_in_workers():
    """Search with two workers; give the largest number of threads of any BLAS."""

    def count(model, X, y=None):
        from threadpoolctl import threadpool_info  # noqa: PLC0415

        pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
        return {"n_threads": max(pool["num_threads"] for pool in pools)}

    model, grid = BinaryRBM(2, max_iter=1), {"n_chains": [1, 2]}
    searched = GridSearchCV(model, grid, cv=CV, scoring=count, refit=False, n_jobs=2)
    found = searched.fit(X).cv_results_
    return {
        n_threads
        for fold in range(CV.n_splits)
        for n_threads in found[f"split{fold}_test_n_threads"]
    }


@pytest.mark.skipif(N_CORES == 1, reason="one core has one thread in any case")
def test_workers_share_the_cores(unset):
    assert most_threads_in_workers() == {N_CORES // 2}


@pytest.mark.skipif(N_CORES == 1, reason="one core has one thread in any case")
def test_variables_of_the_environment_hold_in_each_worker(unset, monkeypatch):
    for name in ("OMP", "OPENBLAS", "MKL"):
        monkeypatch.setenv(f"{name}_NUM_THREADS", str(MORE_THREADS))
    assert most_threads_in_workers() == {MORE_THREADS}


@pytest.mark.skipif(N_CORES == 1, reason="one core has one thread in any case")
def test_a_limit_on_workers_comes_before_the_environment(unset, monkeypatch):
    for name in ("OMP", "OPENBLAS", "MKL"):
        monkeypatch.setenv(f"{name}_NUM_THREADS", str(MORE_THREADS))
    with joblib.parallel_config("loky", inner_max_num_threads=1):
        assert most_threads_in_workers() == {1}


# ---- results ----


@pytest.mark.filterwarnings("ignore:The log partition function may be wrong")
@pytest.mark.parametrize("backend", ["loky", "threading"])
@pytest.mark.parametrize("name", SEARCHES)
def test_scores_do_not_depend_on_the_number_of_workers(name, backend):
    # Rounding depends on the number of BLAS threads, so there is one everywhere.
    limits = {"inner_max_num_threads": 1} if backend == "loky" else {}
    rows = SEARCHES[name][-1]
    one = search(name, n_jobs=1).fit(rows)
    with joblib.parallel_config(backend, **limits):
        two = search(name, n_jobs=2).fit(rows)
    np.testing.assert_array_equal(scores(two), scores(one))
    assert two.best_params_ == one.best_params_
    assert len(np.unique(scores(one))) == scores(one).size


@pytest.mark.parametrize("name", ["GaussianRBM", "BoltzmannMachine"])
def test_rows_on_disk_are_searched_alike(name, tmp_path):
    rows = SEARCHES[name][-1]
    np.save(tmp_path / "rows.npy", rows)
    on_disk = np.load(tmp_path / "rows.npy", mmap_mode="r")
    with joblib.parallel_config("loky", inner_max_num_threads=1):
        in_memory = search(name, refit=False, n_jobs=1).fit(rows)
        mapped = search(name, refit=False, n_jobs=2).fit(on_disk)
    np.testing.assert_array_equal(scores(mapped), scores(in_memory))


@pytest.mark.filterwarnings("ignore:The log partition function may be wrong")
@pytest.mark.parametrize("name", SEARCHES)
def test_a_model_may_be_scored_in_several_threads(name):
    model, grid, rows = SEARCHES[name]
    model = clone(model).set_params(**{key: max(grid[key]) for key in grid})
    expected = clone(model).fit(rows).score_samples(rows)
    shared = model.fit(rows)  # log Z is computed by whoever is first
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(shared.score_samples, [rows] * 4):
            np.testing.assert_array_equal(found, expected)
