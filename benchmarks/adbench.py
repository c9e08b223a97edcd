"""Area under the ROC curve of outlier detectors on tables with known outliers.

    python benchmarks/adbench.py FOLDER [--sets 6_cardio 43_WDBC] [--seeds 3]
        [--detectors energy forest]

The folder holds the sets of ADBench as FOLDER/NAME.npz, with keys X and y, where y is
1 for outliers. Each detector has its defaults, but "mixture", which is five Gaussians.
It is fitted to 70 % of the rows, with the outliers among them and without labels, and
scores the others. Columns are scaled to [0, 1] by the training rows, and of large sets
10000 rows are drawn. A detector that fails on a set is said to have failed there, and
counts as a guess, 0.5. With hundreds of columns EllipticEnvelope ("envelope") takes
many minutes: leave it out there.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import train_test_split
from sklearn.neighbors import LocalOutlierFactor
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import OneClassSVM

from skebm import EnergyOutlierDetector

DETECTORS = {
    "energy": lambda seed: EnergyOutlierDetector(random_state=seed),
    "forest": lambda seed: IsolationForest(random_state=seed),
    "local": lambda seed: LocalOutlierFactor(novelty=True),
    "svm": lambda seed: OneClassSVM(),
    "gaussian": lambda seed: GaussianMixture(random_state=seed),
    "mixture": lambda seed: GaussianMixture(5, reg_covar=0.1, random_state=seed),
    "envelope": lambda seed: EllipticEnvelope(random_state=seed),
}

MOST_ROWS = 10_000
GUESS = 0.5


def split(X, y, seed):
    """Cut a set into scaled rows to fit, scaled rows to score and their labels."""
    if len(X) > MOST_ROWS:
        drawn = np.random.default_rng(seed).choice(len(X), MOST_ROWS, replace=False)
        X, y = X[drawn], y[drawn]
    train, test, _, labels = train_test_split(
        X, y, test_size=0.3, stratify=y, random_state=seed
    )
    scaler = MinMaxScaler().fit(train)
    return scaler.transform(train), scaler.transform(test), labels


def measure(detector, train, test, labels):
    """Fit, score and judge; give NaN and the reason if the detector fails."""
    try:
        scores = detector.fit(train).score_samples(test)
        return roc_auc_score(labels, -scores), None
    except Exception as error:  # whatever it is, the other detectors go on
        return np.nan, f"{type(error).__name__}: {error}".splitlines()[0]


def measure_set(X, y, names, n_seeds):
    """Give the areas, of shape (n_seeds, n_detectors), seconds and failures."""
    areas = np.empty((n_seeds, len(names)))
    seconds = np.empty_like(areas)
    failures = {}
    for seed in range(n_seeds):
        parts = split(X, y, seed)
        for i, name in enumerate(names):
            start = time.perf_counter()
            areas[seed, i], failure = measure(DETECTORS[name](seed), *parts)
            seconds[seed, i] = time.perf_counter() - start
            if failure is not None:
                failures[name] = failure
    return areas, seconds, failures


def print_line(name, cells):
    print(f"{name:<20}", *(f"{cell:>9}" for cell in cells), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", nargs="+")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--detectors", nargs="+", choices=DETECTORS, default=list(DETECTORS)
    )
    arguments = parser.parse_args()
    names = arguments.sets or sorted(
        file.stem for file in arguments.folder.glob("*.npz")
    )
    files = [arguments.folder / f"{name}.npz" for name in names]
    for file in files or [arguments.folder / "*.npz"]:
        if not file.exists():
            parser.exit(1, f"{file} is absent: this benchmark needs it.\n")
    # Covariances that are not of full rank, fits that have not converged.
    warnings.simplefilter("ignore")
    print(f"area under the ROC curve, mean of {arguments.seeds} seeds")
    print_line("", arguments.detectors)
    all_areas, all_seconds, all_failures = [], [], {}
    for name, file in zip(names, files, strict=True):
        table = np.load(file)
        areas, seconds, failures = measure_set(
            table["X"], table["y"], arguments.detectors, arguments.seeds
        )
        failed = np.isnan(areas).any(axis=0)
        areas = np.nan_to_num(areas, nan=GUESS).mean(axis=0)
        print_line(
            name,
            ["failed" if f else f"{a:.3f}" for a, f in zip(areas, failed, strict=True)],
        )
        all_areas.append(areas)
        all_seconds.append(seconds.mean(axis=0))
        all_failures[name] = failures
    print_line("mean", [f"{area:.3f}" for area in np.mean(all_areas, axis=0)])
    print_line("seconds a set", [f"{s:.2f}" for s in np.mean(all_seconds, axis=0)])
    for name, failures in all_failures.items():
        for detector, failure in failures.items():
            print(f"{detector} failed on {name}: {failure}")


if __name__ == "__main__":
    main()
