"""Seconds of processor until a default fit, and until its first score.

    OPENBLAS_NUM_THREADS=1 python benchmarks/first_minutes.py
        [--page doc/performance/first_minutes.inc] [--most-seconds 120]

Each estimator is fitted by its defaults to generated tables of its kind, once each,
after a small fit that loads what is compiled. Bits are draws of thresholded factors,
numbers are draws of four skewed factors, sparse words are draws of topics. Beside
bits stands `BernoulliRBM` by its defaults. A fit that took more than `--most-seconds`
keeps its estimator from larger tables.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from performance_page import table
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.neural_network import BernoulliRBM

from skebm import (
    BinaryRBM,
    BoltzmannMachine,
    EnergyOutlierDetector,
    GaussianRBM,
    LatentBM,
    MixedRBM,
    NeuralEnergyModel,
)

SIZES = [(500, 20), (2000, 60), (10_000, 100), (2000, 500)]


def factors(n_rows, n_columns):
    """Draw numbers whose columns share four skewed factors."""
    rng = np.random.default_rng(0)
    hidden = rng.gamma(2.0, size=(n_rows, 4))
    loadings = rng.normal(scale=0.4, size=(4, n_columns))
    return hidden @ loadings + rng.normal(size=(n_rows, n_columns))


def bits(n_rows, n_columns):
    """Draw zeros and ones: factors above their medians."""
    numbers = factors(n_rows, n_columns)
    return (numbers > np.median(numbers, axis=0)).astype(float)


def mixed(n_rows, n_columns):
    """Draw numbers, and as many columns of three levels."""
    numbers = factors(n_rows, n_columns)
    half = n_columns // 2
    levels = np.digitize(numbers[:, half:], [-1.0, 1.0])
    return np.hstack([numbers[:, :half], levels])


def words(n_rows=475, n_columns=841):
    """Draw which words of eight topics documents have."""
    rng = np.random.default_rng(0)
    topics = rng.dirichlet(np.full(n_columns, 0.3), size=8)
    topics *= rng.zipf(1.5, n_columns).clip(1, 200)
    shares = rng.dirichlet(np.full(8, 0.2), size=n_rows) @ topics
    shares /= shares.sum(axis=1, keepdims=True)
    return (rng.poisson(60 * shares) > 0).astype(float)


def digits():
    """Give the digits of scikit-learn as zeros and ones."""
    return (load_digits().data > 7).astype(float)


def contenders():
    """List estimators, what makes tables for each, and whether it has a score."""
    return [
        (BernoulliRBM(random_state=0), bits, False),
        (BinaryRBM(random_state=0), bits, True),
        (BoltzmannMachine(random_state=0), bits, True),
        (LatentBM(random_state=0), bits, True),
        (GaussianRBM(random_state=0), factors, True),
        (MixedRBM(random_state=0), mixed, True),
        (NeuralEnergyModel(random_state=0), factors, True),
        (EnergyOutlierDetector(random_state=0), factors, True),
    ]


def seconds(estimator, X, has_score):
    """Time a fit and a first score."""
    estimator = clone(estimator)
    start = time.process_time()
    estimator.fit(X)
    fitted = time.process_time()
    if has_score:
        estimator.score_samples(X)
    return fitted - start, time.process_time() - fitted


def cell(fit, score, has_score):
    """Write times for a table."""
    fit, score = (f"{time:.2g}" if time >= 0.01 else "0" for time in (fit, score))
    return f"{fit} + {score}" if has_score else fit


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--page", type=Path)
    parser.add_argument("--most-seconds", type=float, default=120.0)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    for estimator, draw, has_score in contenders():
        name, cells, is_quick = type(estimator).__name__, [], True
        seconds(estimator, draw(50, 8), has_score)
        tables = [(draw, size) for size in SIZES]
        if draw is bits:
            tables += [(digits, ()), (words, ())]
        for make, size in tables:
            if not is_quick and make is draw:
                cells.append("")
                continue
            times = seconds(estimator, make(*size), has_score)
            is_quick = sum(times) < arguments.most_seconds
            cells.append(cell(*times, has_score))
            print(f"{name:22} {make.__name__:8} {size} {cells[-1]}", flush=True)
        cells += [""] * (len(SIZES) + 2 - len(cells))
        rows.append([f":class:`~skebm.{name}`" if has_score else name, *cells])
        if arguments.page is not None:
            sizes = [f"{n} x {d}" for n, d in SIZES]
            header = ["", *sizes, "digits", "words"]
            arguments.page.write_text(table(header, rows))


if __name__ == "__main__":
    main()
