"""Time of a grid search of digits, by number of jobs, backend and BLAS threads.

    python benchmarks/parallel_search.py [--repeats 3] [--updates 500]

Two numbers of hidden units in two folds: four fits and eight scores, with log Z
summed, and no final fit. The two jobs are joblib's processes or threads.
"""

__all__ = ["measure"]

import argparse
from contextlib import nullcontext
from functools import partial

import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_limits
from timing import print_timings, time_group

from skebm import BinaryRBM

# Name to the number of jobs, the backend, and BLAS threads in each job. One
# arrangement has processes: another limit of threads would start all of them anew.
ARRANGEMENTS = {
    "1 job, 1 BLAS thread": (1, None, 1),
    "1 job, 2 BLAS threads": (1, None, 2),
    "2 processes, 1 BLAS thread each": (2, "loky", 1),
    "2 threads, 1 BLAS thread each": (2, "threading", 1),
    "2 threads, 2 BLAS threads each": (2, "threading", 2),
}


def search(X, n_updates, arrangement):
    """Search under one arrangement; give the mean scores."""
    n_jobs, backend, n_threads = arrangement
    configured = nullcontext()
    if backend == "loky":
        configured = joblib.parallel_config("loky", inner_max_num_threads=n_threads)
    elif backend is not None:
        configured = joblib.parallel_config(backend)
    rbm = BinaryRBM(max_iter=n_updates, random_state=0)
    grid = {"n_components": [8, 16]}
    with threadpool_limits(n_threads, user_api="blas"), configured:
        searched = GridSearchCV(rbm, grid, cv=2, refit=False, n_jobs=n_jobs).fit(X)
    return searched.cv_results_["mean_test_score"]


def searches(n_updates):
    """Give the searches to compare, by name."""
    X = load_digits().data > 7
    return {
        name: partial(search, X, n_updates, arrangement)
        for name, arrangement in ARRANGEMENTS.items()
    }


def measure(repeats, n_updates=500):
    """Time the searches; give a list of `Timing`."""
    return time_group("grid search of digits", searches(n_updates), repeats)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--updates", type=int, default=500)
    arguments = parser.parse_args()
    print_timings(measure(arguments.repeats, arguments.updates))
    scores = {name: found() for name, found in searches(arguments.updates).items()}
    first = next(iter(scores.values()))
    print("\nlargest difference of a score from the first, nats")
    for name, found in scores.items():
        print(f"{name:>32} {np.abs(found - first).max():9.1e}")


if __name__ == "__main__":
    main()
