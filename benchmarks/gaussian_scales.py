"""Held-out log-likelihood of GaussianRBM by number of groups, scales and its floor.

    python benchmarks/gaussian_scales.py PATCHES.npz [--tables FOLDER] [--seed 0]
        [--only patches tables groups floors]

On natural patches (the file of ``gaussian_patches.py``), beside mixtures of normal
distributions, with the time of each fit as a ratio to that of the mixture of 16. On
tables: those of scikit-learn, and every npz file of the folder that holds a key X, the
columns divided by their standard deviation, at most 6000 rows, three tenths of them
held out. Of files with labels y, those of label 0. Groups are beside a mixture of
normal distributions, whose number of components, from 1 to 20, is chosen on the
training rows by cross-validation.
"""

__all__ = ["main"]

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from gaussian_patches import read_patches
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_iris,
    load_wine,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV

from skebm import GaussianRBM

MOST_ROWS = 6000
MOST_COLUMNS = 100
SCALES = (1, 2, 4, 8)
GROUPS = (1, "auto", 2, 4, 8)
MOST_COMPONENTS = 20
FLOORS = (1e-3, 1e-4, 1e-5, 1e-6)
LONG = {"batch_size": 2000, "n_chains": 1000, "learning_rate": 0.2, "max_iter": 6000}


def fit(model, train, test):
    """Give the mean score of rows held out, and the seconds of the fit."""
    start = time.perf_counter()
    model.fit(train)
    seconds = time.perf_counter() - start
    return model.score(test), seconds


def report_patches(train, test, seed):
    mixtures = {
        n_components: fit(GaussianMixture(n_components, random_state=seed), train, test)
        for n_components in (16, 4, 1)
    }
    unit = mixtures[16][1]
    print("patches: test nats, and time of the fit beside that of the mixture of 16")
    for n_components, (score, seconds) in mixtures.items():
        print(f"mixture of {n_components:2d}{score:37.2f}{seconds / unit:8.3f}")
    cases = [
        {"n_components": n_components, "n_scales": n_scales, "reg_covar": floor}
        for n_components in (1, 16, 64)
        for n_scales in (1, 4, 16)
        for floor in (1e-3, 1e-6)
    ]
    cases.append({"n_components": 64, "n_scales": 16, "reg_covar": 1e-6} | LONG)
    cases += [
        {"n_components": n_components, "n_groups": n_groups, "n_scales": 8}
        | {"reg_covar": floor}
        for n_groups in (4, 8)
        for n_components in (1, 16, 64)
        for floor in (1e-3, 1e-6)
    ]
    for settings in cases:
        model = GaussianRBM(random_state=seed, **settings)
        score, seconds = fit(model, train, test)
        print(f"{score:9.2f}{seconds / unit:8.3f}  {settings}", flush=True)


def read_tables(folder):
    """List tables of real numbers by name."""
    for loader in (load_breast_cancer, load_diabetes, load_iris, load_wine):
        yield loader.__name__.removeprefix("load_"), loader().data
    for file in sorted(folder.glob("*.npz")) if folder else []:
        stored = np.load(file)
        table = stored["X"]
        if "y" in stored:
            table = table[stored["y"] == 0]
        if table.shape[1] <= MOST_COLUMNS:
            yield file.stem, table.astype(np.float64)


def split(table, seed):
    """Split rows, and scale the columns that vary."""
    rows = np.random.default_rng(seed).permutation(table)[:MOST_ROWS]
    n_train = int(0.7 * len(rows))
    scale = rows[:n_train].std(axis=0)
    rows = rows[:, scale > 0] / scale[scale > 0]
    return rows[:n_train], rows[n_train:]


def best_mixture(train, seed):
    """Make the search for the number of components, of which all have rows enough."""
    n_components = range(1, min(MOST_COMPONENTS, len(train) // 4) + 1)
    return GridSearchCV(
        GaussianMixture(random_state=seed), {"n_components": n_components}, cv=3
    )


def report_tables(folder, seed, label, settings, *, with_mixture=False):
    first = "a mixture, and " if with_mixture else ""
    print(f"tables: held-out nats (and seconds) of {first}by {label}: {settings}")
    for name, table in read_tables(folder):
        train, test = split(table, seed)
        models = [best_mixture(train, seed)] if with_mixture else []
        models += [GaussianRBM(random_state=seed, **each) for each in settings]
        cells = [
            "{:9.2f} ({:4.1f})".format(*fit(model, train, test)) for model in models
        ]
        print(f"{name:16}{train.shape!s:12}", *cells, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--tables", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parts = ["patches", "tables", "groups", "floors"]
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    if "tables" in arguments.only:
        settings = [{"n_scales": n_scales} for n_scales in SCALES]
        report_tables(arguments.tables, arguments.seed, "n_scales", settings)
    if "groups" in arguments.only:
        settings = [{"n_groups": n_groups} for n_groups in GROUPS]
        given = arguments.tables, arguments.seed, "n_groups", settings
        report_tables(*given, with_mixture=True)
    if "floors" in arguments.only:
        settings = [
            {"n_scales": n_scales, "reg_covar": floor}
            for n_scales in (1, 4)
            for floor in FLOORS
        ]
        report_tables(arguments.tables, arguments.seed, "reg_covar", settings)
    if "patches" in arguments.only:
        rng = np.random.default_rng(arguments.seed)
        parts = read_patches(parser, arguments.file, rng)
        report_patches(*parts, arguments.seed)


if __name__ == "__main__":
    main()
