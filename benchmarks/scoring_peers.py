"""Time to score rows: this package beside scikit-learn's mixtures and detectors.

    python benchmarks/scoring_peers.py [--repeats 9] [--threads 1]

All are fitted to scikit-learn's digits, 1797 rows of 64 columns, and score ten copies
of them; settings are the defaults but for the number of hidden units or components. The
floor is the one matrix product that 64 hidden units cannot do without, in float64.
"""

import warnings

import numpy as np
from script import run_script
from sklearn.datasets import load_digits
from sklearn.ensemble import IsolationForest
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import LocalOutlierFactor
from sklearn.svm import OneClassSVM
from timing import time_group

from skebm import BinaryRBM, EnergyOutlierDetector, GaussianRBM

N_COPIES = 10


def measure(repeats):
    """Time each scorer; give a list of `Timing`."""
    X = load_digits().data
    rows = np.tile(X, (N_COPIES, 1))
    bits = rows > 7
    weights = np.random.default_rng(0).normal(size=(64, 64))
    scorers = {
        "skebm BinaryRBM": BinaryRBM(64, random_state=0),
        "skebm GaussianRBM": GaussianRBM(64, random_state=0),
        "skebm EnergyOutlierDetector": EnergyOutlierDetector(),
        "GaussianMixture, 10": GaussianMixture(10, random_state=0),
        "IsolationForest": IsolationForest(random_state=0),
        "LocalOutlierFactor": LocalOutlierFactor(novelty=True),
        "OneClassSVM": OneClassSVM(),
    }
    functions = {"floor": lambda: np.dot(rows, weights)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, scorer in scorers.items():
            is_binary = isinstance(scorer, BinaryRBM)
            scorer.fit(X > 7 if is_binary else X)
            table = bits if is_binary else rows
            functions[name] = lambda s=scorer, t=table: s.score_samples(t)
        group = f"scores of {len(rows)} x {rows.shape[1]}"
        return time_group(group, functions, repeats)


if __name__ == "__main__":
    run_script(__doc__, measure, repeats=9)
