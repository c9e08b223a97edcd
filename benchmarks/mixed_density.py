"""Held-out log-likelihood of mixed tables: MixedRBM beside a mixture of products.

Both read columns alike, learn by expectation maximisation from complete rows or from
rows of which a fifth of the cells are hidden, and are chosen by the same search over as
many settings, on parts of the training rows. The folder holds CSV files with a header,
empty cells missing.
"""

import argparse
import time
import warnings
from pathlib import Path

from imputing import read, split
from sklearn.model_selection import GridSearchCV

from skebm import MixedRBM

CONTENDERS = {
    "mixture of products": (
        {"n_components": 0, "covariance_type": "diag"},
        {"n_groups": [2, 4, 8, 16, 32, 64]},
    ),
    "MixedRBM": ({}, {"n_components": [2, 4, 6], "covariance_type": ["diag", "full"]}),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for path in sorted(arguments.folder.glob("*.csv")):
        parts, _, gaps = split(read(path), arguments.seed)
        for kind, (train, test) in {"complete": parts, "20 % missing": gaps}.items():
            for name, (settings, grid) in CONTENDERS.items():
                model = MixedRBM(handle_unknown="missing", random_state=0, **settings)
                start = time.perf_counter()
                search = GridSearchCV(model, grid, cv=3).fit(train)
                duration = time.perf_counter() - start
                print(
                    f"{path.stem:12} {kind:13} {name:20} {search.score(test):8.3f} "
                    f"nats a row {search.best_params_} {duration:.0f} s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
