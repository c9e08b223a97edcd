from contextlib import nullcontext

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from skebm import BinaryRBM
from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.estimator.threads import ThreadLimit, threads_for


def n_threads():
    return {pool["num_threads"] for pool in threadpool_info() if is_blas(pool)}


def is_blas(pool):
    return pool["user_api"] == "blas"


@pytest.fixture
def two_threads():
    with threadpool_limits(limits=2, user_api="blas"):
        if n_threads() != {2}:
            pytest.skip("Threads of this linear algebra cannot be set.")
        yield


def energy_of(n_visible, n_hidden):
    shapes = (n_hidden, n_visible), n_visible, n_hidden
    return BinaryRBMEnergy.of(*(np.zeros(shape) for shape in shapes))


@pytest.mark.usefixtures("two_threads")
def test_small_machines_take_one_thread_and_large_ones_all():
    with threads_for(energy_of(64, 256)):
        assert n_threads() == {1}
    assert n_threads() == {2}
    assert isinstance(threads_for(energy_of(784, 500)), nullcontext)


@pytest.mark.usefixtures("two_threads")
def test_the_last_to_leave_gives_threads_back():
    limit = ThreadLimit()
    first, second = limit.__enter__(), limit.__enter__()
    first.__exit__(None, None, None)
    assert n_threads() == {1}
    second.__exit__(None, None, None)
    assert n_threads() == {2}


@pytest.mark.usefixtures("two_threads")
def test_fits_and_scores_run_on_one_thread_and_give_the_others_back(monkeypatch):
    seen = []
    contrast = BinaryRBMEnergy.contrast

    def watched(*args, **settings):
        seen.append(n_threads())
        return contrast(*args, **settings)

    monkeypatch.setattr(BinaryRBMEnergy, "contrast", watched)
    X = np.random.default_rng(0).random((50, 30)) < 0.4
    rbm = BinaryRBM(21, max_iter=3, random_state=0).fit(X)
    assert seen == [{1}] * 3
    assert n_threads() == {2}
    rbm.score(X)
    assert n_threads() == {2}


@pytest.mark.usefixtures("two_threads")
def test_a_fit_that_fails_gives_threads_back():
    X = np.random.default_rng(0).random((50, 30)) < 0.4
    with pytest.raises(FloatingPointError):
        BinaryRBM(21, learning_rate=1e39, max_iter=3).fit(X)
    assert n_threads() == {2}
