"""Area under the ROC curve of outlier detectors on tables with known outliers.

    python benchmarks/adbench.py FOLDER [--sets 6_cardio 43_WDBC] [--seeds 3]
        [--detectors energy forest] [--clean] [--settings]

The folder holds the sets of ADBench as FOLDER/NAME.npz, with keys X and y, where y is
1 for outliers. Each detector is fitted to 70 % of the rows, with the outliers among
them and without labels, and scores the others. With ``--clean`` it is fitted to half of
the usual rows, and scores the other half and the outliers. Columns are scaled to [0, 1]
by the training rows, and of large sets 10000 rows are drawn.

Detectors have their defaults, but for "novelty", which is the ensemble with the
settings for clean rows, "mixture", which is five Gaussians, and "neighbors", the
distance to the fifth neighbour. A detector that fails on a set is said to have failed
there, and counts as a guess, 0.5. With hundreds of columns EllipticEnvelope
("envelope") takes many minutes: leave it out there.

With ``--settings`` the detectors are settings of the ensemble, "5/512" for 5
components and 512 rows. The last lines compare the mean of the default with that of a
choice: for each set, the setting that is best on the mean of all others.
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
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import OneClassSVM

from skebm import DensityEnsemble, EnergyOutlierDetector


class Neighbors:
    """How near the fifth neighbour is among the training rows."""

    def fit(self, X):
        """Keep the rows."""
        self.neighbors = NearestNeighbors(n_neighbors=5).fit(X)
        return self

    def score_samples(self, X):
        """Give minus the distance to the fifth neighbour."""
        distances, _ = self.neighbors.kneighbors(X)
        return -distances[:, -1]


def novelty(seed):
    """Give the detector for clean training rows."""
    ensemble = DensityEnsemble(n_components=20, max_samples=1024, random_state=seed)
    return EnergyOutlierDetector(ensemble)


DETECTORS = {
    "energy": lambda seed: EnergyOutlierDetector(random_state=seed),
    "novelty": novelty,
    "forest": lambda seed: IsolationForest(random_state=seed),
    "local": lambda seed: LocalOutlierFactor(novelty=True),
    "neighbors": lambda seed: Neighbors(),
    "svm": lambda seed: OneClassSVM(),
    "gaussian": lambda seed: GaussianMixture(random_state=seed),
    "mixture": lambda seed: GaussianMixture(5, reg_covar=0.1, random_state=seed),
    "envelope": lambda seed: EllipticEnvelope(random_state=seed),
}

DEFAULT_SETTING = "5/512"
SETTINGS = {
    f"{n_components}/{max_samples}": lambda seed, c=n_components, m=max_samples: (
        DensityEnsemble(n_components=c, max_samples=m, random_state=seed)
    )
    for n_components in (3, 5, 10)
    for max_samples in (256, 512, 1024)
}

MOST_ROWS = 10_000
GUESS = 0.5


def split(X, y, seed, clean):
    """Cut a set into scaled rows to fit, scaled rows to score and their labels."""
    if len(X) > MOST_ROWS:
        drawn = np.random.default_rng(seed).choice(len(X), MOST_ROWS, replace=False)
        X, y = X[drawn], y[drawn]
    if clean:
        train, usual = train_test_split(X[y == 0], test_size=0.5, random_state=seed)
        test = np.concatenate([usual, X[y == 1]])
        labels = np.arange(len(test)) >= len(usual)
    else:
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


def measure_set(X, y, detectors, n_seeds, clean):
    """Give the areas, of shape (n_seeds, n_detectors), seconds and failures."""
    areas = np.empty((n_seeds, len(detectors)))
    seconds = np.empty_like(areas)
    failures = {}
    for seed in range(n_seeds):
        parts = split(X, y, seed, clean)
        for i, (name, make) in enumerate(detectors.items()):
            start = time.perf_counter()
            areas[seed, i], failure = measure(make(seed), *parts)
            seconds[seed, i] = time.perf_counter() - start
            if failure is not None:
                failures[name] = failure
    return areas, seconds, failures


def chosen_by_others(areas):
    """Give each set's area by the detector that is best on the mean of the others.

    Parameters
    ----------
    areas : ndarray of shape (n_sets, n_detectors)

    Returns
    -------
    chosen : ndarray of shape (n_sets,)
    """
    best = (areas.sum(axis=0) - areas).argmax(axis=1)
    return areas[np.arange(len(areas)), best]


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
    parser.add_argument("--clean", action="store_true")
    parser.add_argument("--settings", action="store_true")
    arguments = parser.parse_args()
    detectors = {name: DETECTORS[name] for name in arguments.detectors}
    if arguments.settings:
        detectors = SETTINGS
    names = arguments.sets or sorted(
        file.stem for file in arguments.folder.glob("*.npz")
    )
    files = [arguments.folder / f"{name}.npz" for name in names]
    for file in files or [arguments.folder / "*.npz"]:
        if not file.exists():
            parser.exit(1, f"{file} is absent: this benchmark needs it.\n")
    # Covariances that are not of full rank, fits that have not converged.
    warnings.simplefilter("ignore")
    print(f"area under the ROC curve, mean of {arguments.seeds} seeds", end=", ")
    print("clean training rows" if arguments.clean else "outliers among training rows")
    print_line("", detectors)
    all_areas, all_seconds, all_failures = [], [], {}
    for name, file in zip(names, files, strict=True):
        table = np.load(file)
        areas, seconds, failures = measure_set(
            table["X"], table["y"], detectors, arguments.seeds, arguments.clean
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
    if arguments.settings:
        default = np.array(all_areas)[:, list(detectors).index(DEFAULT_SETTING)]
        chosen = chosen_by_others(np.array(all_areas))
        print(f"default {default.mean():.4f}, chosen by others {chosen.mean():.4f}")
    for name, failures in all_failures.items():
        for detector, failure in failures.items():
            print(f"{detector} failed on {name}: {failure}")


if __name__ == "__main__":
    main()
