"""Test log-likelihood of binary density-estimation sets, one fit of defaults each.

    python benchmarks/density_estimation.py FOLDER [--sets nltcs dna] [--flipped]
        [--search] [--n-components 128] [--seed 0] [--no-penalty] [--with-validation]

The folder holds the sets as FOLDER/NAME.npz, bits packed, with keys train, valid,
test and n_features. The fit sees the training part alone, or the validation part as
well, of both of which it holds rows out itself. ``--search`` ranks a few candidates by
the likelihood of the validation part.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from tables import SETS, read_set

from skebm import BinaryRBM

CANDIDATES = [
    {"n_components": [64, 128, 256]},
    {"n_components": [128], "alpha": [0.0003, 0.001, 0.003], "l1_ratio": [1.0]},
]


def score(rbm, *parts):
    """Score with more temperatures than the default allows."""
    rbm.set_params(max_ais_temperatures=40_000, log_partition_tol=0.04)
    return [rbm.score(part) for part in parts]


def default_fit(train, valid, test, settings):
    start = time.perf_counter()
    rbm = BinaryRBM(early_stopping=True, **settings).fit(train)
    seconds = time.perf_counter() - start
    scores = score(rbm, train, valid, test)
    best = np.nanmax(rbm.history_["validation_log_likelihood"])
    last = rbm.history_["validation_log_likelihood"][-1]
    remark = f"best {best:.3f} last {last:.3f}  alpha {rbm.alpha_:.1e}"
    return rbm, scores, seconds, remark


def search(train, valid, test, settings):
    rows = np.concatenate([train, valid])
    fold = np.r_[np.full(len(train), -1), np.zeros(len(valid), int)]
    rbm = BinaryRBM(early_stopping=True, **settings)
    start = time.perf_counter()
    found = GridSearchCV(rbm, CANDIDATES, cv=PredefinedSplit(fold), refit=False)
    found.fit(rows)
    rbm.set_params(**found.best_params_).fit(train)
    seconds = time.perf_counter() - start
    scores = score(rbm, train, valid, test)
    return rbm, scores, seconds, str(found.best_params_)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--n-components", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--flipped", action="store_true")
    parser.add_argument("--search", action="store_true")
    parser.add_argument("--no-penalty", action="store_true")
    parser.add_argument("--with-validation", action="store_true")
    arguments = parser.parse_args()
    print("mean log-likelihood, nats a row; (error of log Z)")
    for name in arguments.sets:
        parts = list(read_set(parser, arguments.folder, name))
        if arguments.flipped:
            parts = [~part for part in parts]
        if arguments.with_validation:
            parts[0] = np.concatenate(parts[:2])
        settings = {
            "n_components": arguments.n_components,
            "random_state": arguments.seed,
        }
        if arguments.no_penalty:
            settings["alpha"] = 0.0
        run = search if arguments.search else default_fit
        rbm, (train, valid, test), seconds, remark = run(*parts, settings)
        print(
            f"{name:>10} {parts[0].shape!s:>14}: train {train:8.3f}  valid {valid:8.3f}"
            f"  test {test:8.3f} ({rbm.log_partition_std_:.3f})  {rbm.n_iter_:6d} "
            f"updates  {seconds:5.0f} s  {remark}",
            flush=True,
        )


if __name__ == "__main__":
    main()
