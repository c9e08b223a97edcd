"""Outliers planted in tables of categories and numbers, with and without gaps.

    python benchmarks/mixed_outliers.py [FOLDER] [--seeds 3]

Tables are generated, and read from the CSV files of a folder, if one is given: with a
header, empty cells missing. Detectors are fitted to 60 % of the rows. They score the
others, and copies of these in which one category is changed: to a *contradiction*, a
level that never occurs beside a level of another column, although four rows or more of
the table would be expected to have both; or to a *rare* level, which less than one row
in a hundred has, or none. With gaps, a fifth of all cells are hidden, those that were
changed among them, so that not all changes can be found.

Areas under the ROC curve, means over seeds. The forest sees one-hot categories, of
which a gap is one more, and medians in the gaps of numbers.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from imputing import read
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import IsolationForest
from sklearn.impute import SimpleImputer
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skebm import EnergyOutlierDetector

MOST_ROWS = 6000
MOST_PLANTED = 200
RARE = 0.01
LEAST_EXPECTED = 4, 0.004  # rows, share of the rows


def forest(seed):
    """Give IsolationForest behind the preparation that it needs."""
    return make_pipeline(
        make_column_transformer(
            (
                OneHotEncoder(handle_unknown="ignore"),
                make_column_selector(dtype_exclude="number"),
            ),
            (
                SimpleImputer(strategy="median"),
                make_column_selector(dtype_include="number"),
            ),
        ),
        IsolationForest(random_state=seed),
    )


DETECTORS = {
    "energy": lambda seed: EnergyOutlierDetector(random_state=seed),
    "forest": forest,
}


def generated(seed, n_rows=2000):
    """Make rows of four groups, which most columns tell of, and two that go together.

    Returns a DataFrame of nine columns of categories and three of numbers.
    """
    rng = np.random.default_rng(seed)
    group = rng.integers(4, size=n_rows)
    table = {}
    for i in range(6):
        law = rng.dirichlet(np.full(5, 0.5), size=4).cumsum(axis=1)
        level = (rng.random((n_rows, 1)) > law[group]).sum(axis=1).clip(max=4)
        table[f"level {i}"] = np.array(list("abcde"))[level]
    first = rng.integers(3, size=n_rows)
    second = (first + (rng.random(n_rows) < 0.1)) % 3
    table["first"] = np.array(["red", "green", "blue"])[first]
    table["second"] = np.array(["round", "square", "long"])[second]
    table["odd"] = np.where((group % 2 == 1) ^ (rng.random(n_rows) < 0.1), "yes", "no")
    means = 2 * rng.normal(size=(4, 3))
    for i in range(3):
        table[f"number {i}"] = means[group, i] + rng.normal(size=n_rows)
    return pd.DataFrame(table)


def plain(table, seed):
    """Give rows of a table in random order, with columns of objects and floats."""
    table = table.sample(min(len(table), MOST_ROWS), random_state=seed)
    table = table.reset_index(drop=True)
    return table.astype(dict.fromkeys(categorical(table), object))


def categorical(table):
    return list(table.select_dtypes(exclude="number"))


def contradictions(table):
    """List the cells that never meet: (column, level, other column, other level)."""
    found = []
    names = categorical(table)
    least = max(LEAST_EXPECTED[0], LEAST_EXPECTED[1] * len(table))
    for one in names:
        for other in names:
            if one == other:
                continue
            counts = pd.crosstab(table[one], table[other])
            expected = np.outer(counts.sum(axis=1), counts.sum(axis=0))
            expected = expected / counts.to_numpy().sum()
            never = (counts.to_numpy() == 0) & (expected >= least)
            for row, column in np.argwhere(never):
                found.append((one, counts.index[row], other, counts.columns[column]))
    return found


def plant_contradictions(table, rows, n_planted, rng):
    """Change a category so that it contradicts another; None where none can."""
    pairs = contradictions(table)
    pairs = [pair for pair in pairs if (rows[pair[0]] == pair[1]).any()]
    if not pairs:
        return None
    planted = []
    for pair in rng.integers(len(pairs), size=n_planted):
        one, level, other, changed = pairs[pair]
        row = rows[rows[one] == level].sample(1, random_state=int(rng.integers(2**31)))
        planted.append(row.assign(**{other: changed}))
    return pd.concat(planted, ignore_index=True)


def plant_rare(table, rows, n_planted, rng):
    """Change a category to a rare level, or to one that does not exist."""
    planted = rows.iloc[rng.integers(len(rows), size=n_planted)].copy()
    planted = planted.reset_index(drop=True)
    names = categorical(table)
    for place, name in enumerate(rng.choice(names, size=n_planted)):
        shares = table[name].value_counts(normalize=True)
        rare = shares.index[shares < RARE]
        is_new = not len(rare) or rng.random() < 0.3
        planted.loc[place, name] = "never seen" if is_new else rng.choice(rare)
    return planted


PLANTS = {"contradiction": plant_contradictions, "rare": plant_rare}


def measure(table, plant, missing, seed):
    """Give the area of each detector, or None where nothing can be planted."""
    table = plain(table, seed)
    rng = np.random.default_rng(seed)
    n_train = int(0.6 * len(table))
    train, usual = table[:n_train], table[n_train:]
    n_planted = min(MOST_PLANTED, max(30, len(usual) // 10))
    planted = plant(table, usual, n_planted, rng)
    if planted is None:
        return None
    test = pd.concat([usual, planted], ignore_index=True)
    labels = np.arange(len(test)) >= len(usual)
    if missing:
        train = train.mask(rng.random(train.shape) < missing)
        test = test.mask(rng.random(test.shape) < missing)
    return [
        roc_auc_score(labels, -make(seed).fit(train).score_samples(test))
        for make in DETECTORS.values()
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    tables = {f"generated {seed}": generated(seed) for seed in range(3)}
    if arguments.folder:
        files = sorted(arguments.folder.glob("*.csv"))
        if not files:
            parser.exit(1, f"{arguments.folder} holds no CSV files.\n")
        tables |= {file.stem: read(file) for file in files}
    warnings.simplefilter("ignore")
    print(f"{'table':15}{'planted':15}{'missing':>8}", *(f"{n:>8}" for n in DETECTORS))
    means = {}
    for name, table in tables.items():
        for kind, plant in PLANTS.items():
            for missing in (0, 0.2):
                areas = [
                    measure(table, plant, missing, seed)
                    for seed in range(arguments.seeds)
                ]
                areas = [each for each in areas if each is not None]
                if areas:
                    print_line(name, kind, missing, np.mean(areas, axis=0))
                    means.setdefault((kind, missing), []).append(np.mean(areas, axis=0))
    for (kind, missing), areas in means.items():
        print_line("mean", kind, missing, np.mean(areas, axis=0))


def print_line(name, kind, missing, areas):
    cells = (f"{area:8.3f}" for area in areas)
    print(f"{name:15}{kind:15}{missing:8.0%}", *cells, flush=True)


if __name__ == "__main__":
    main()
