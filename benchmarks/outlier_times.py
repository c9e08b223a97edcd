"""Time of the default outlier detector, beside IsolationForest.

    python benchmarks/outlier_times.py [--repeats 3] [--threads 1]

10000 rows of 30 columns of numbers, complete and with a fifth of the cells missing,
are fitted and scored; wide tables of 10000 columns of zeros and ones are fitted, of 40
and of 2000 rows. IsolationForest, the first of each group, has its defaults, and takes
missing values as they are.
"""

__all__ = ["measure"]

import numpy as np
from script import run_script
from sklearn.ensemble import IsolationForest
from timing import time_group

from skebm import EnergyOutlierDetector

MISSING = 0.2


def numbers(rng):
    """Draw correlated rows of numbers."""
    return rng.normal(size=(10_000, 30)) @ rng.normal(size=(30, 30))


def bits(rng, n_rows):
    """Draw rows of two kinds, whose bits are on with different frequencies."""
    frequencies = rng.random((2, 10_000))
    return (
        rng.random((n_rows, 10_000)) < frequencies[rng.integers(2, size=n_rows)]
    ) * 1.0


def contenders():
    return {
        "IsolationForest": IsolationForest(random_state=0),
        "skebm EnergyOutlierDetector": EnergyOutlierDetector(random_state=0),
    }


def fits(X):
    """Give functions that fit each contender."""
    return {name: lambda m=model: m.fit(X) for name, model in contenders().items()}


def scorings(X):
    """Give functions by which each contender, fitted, scores the rows."""
    fitted = {name: model.fit(X) for name, model in contenders().items()}
    return {name: lambda m=model: m.score_samples(X) for name, model in fitted.items()}


def measure(repeats):
    """Time fits and scorings; give a list of `Timing`."""
    rng = np.random.default_rng(0)
    complete = numbers(rng)
    gaps = np.where(rng.random(complete.shape) < MISSING, np.nan, complete)
    timings = []
    for kind, X in {"complete": complete, "a fifth missing": gaps}.items():
        size = f"of {X.shape[0]} x {X.shape[1]}, {kind}"
        timings += time_group(f"fit {size}", fits(X), repeats)
        timings += time_group(f"scores {size}", scorings(X), repeats)
    for n_rows in (40, 2000):
        X = bits(rng, n_rows)
        size = f"of {X.shape[0]} x {X.shape[1]}, zeros and ones"
        timings += time_group(f"fit {size}", fits(X), repeats)
    return timings


if __name__ == "__main__":
    run_script(__doc__, measure, repeats=3)
