"""Test log-likelihood of natural image patches, beside factor models and mixtures.

    python benchmarks/gaussian_patches.py PATCHES.npz [--seed 0] [--long]

The file holds the keys train and test, 8 x 8 grey patches in uint8. Uniform noise in
[0, 1) makes them continuous; columns are left in their raw scale. The components of
the mixture are chosen on the last tenth of the training rows. ``--long`` adds fits of
20000 updates.
"""

__all__ = ["read_patches", "report"]

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA, FactorAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from skebm import GaussianRBM

# Patches of 64 pixels have 63 principal components beside noise.
MOST_FACTORS = 63


def read_patches(parser, file, rng):
    """Read the two parts, dequantised, a patch a row."""
    if not file.exists():
        parser.exit(1, f"{file} is absent: this benchmark needs natural patches.\n")
    patches = np.load(file)
    parts = [patches[part].reshape(-1, 64) for part in ("train", "test")]
    return [part + rng.random(part.shape) for part in parts]


def report(label, model, test, seconds):
    """Print the mean score, its standard error and the time of the fit."""
    start = time.perf_counter()
    scores = model.score_samples(test)
    scoring = time.perf_counter() - start
    error = scores.std(ddof=1) / np.sqrt(len(test))
    log_partition_std = getattr(model, "log_partition_std_", 0)
    print(
        f"{label:>44} {scores.mean():9.2f} ({error:.2f})  log Z error "
        f"{log_partition_std:.3f}  fit {seconds:6.1f} s  scores {scoring:5.1f} s",
        flush=True,
    )


def fit_and_report(label, model, train, test):
    start = time.perf_counter()
    model.fit(train)
    report(label, model, test, time.perf_counter() - start)


def best_mixture(train, seed):
    """Choose the number of components by held-out likelihood."""
    n_held_out = len(train) // 10
    candidates = [
        GaussianMixture(n_components, random_state=seed)
        for n_components in (1, 2, 4, 8, 16)
    ]
    return max(
        candidates,
        key=lambda mixture: mixture.fit(train[:-n_held_out]).score(train[-n_held_out:]),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--long", action="store_true")
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    train, test = read_patches(parser, arguments.file, rng)
    # The errors are printed.
    warnings.simplefilter("ignore", ConvergenceWarning)

    print("test nats a patch (standard error of the test rows)")
    fit_and_report("normal distribution", GaussianMixture(), train, test)
    for n_components in (16, 32, MOST_FACTORS):
        for factors in (FactorAnalysis(n_components), PCA(n_components)):
            fit_and_report(str(factors), factors, train, test)
    settings = [{"max_iter": 20_000}] if arguments.long else []
    settings += [{}, {"learning_rate": 0.01}, {"learning_rate": 1.0}]
    for covariance_type in ("full", "diag"):
        for n_components in (16, 32, 64, 128):
            for setting in settings if n_components == 64 else [{}]:
                rbm = GaussianRBM(
                    n_components,
                    covariance_type=covariance_type,
                    random_state=arguments.seed,
                    **setting,
                )
                label = f"{n_components} hidden, {covariance_type} {setting or ''!s}"
                fit_and_report(label, rbm, train, test)
    mixture = best_mixture(train, arguments.seed)
    fit_and_report(f"mixture of {mixture.n_components} chosen", mixture, train, test)


if __name__ == "__main__":
    main()
