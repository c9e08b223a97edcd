"""Missing cells restored: EnergyImputer beside others, where known cells are hidden.

A fifth of the cells of both parts of a table are hidden at random. Categories count by
the share that is restored, numbers by the root of the mean squared error in standard
deviations of their column. The folder holds CSV files with a header, empty cells
missing, or packed binary tables.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.impute import KNNImputer, SimpleImputer
from tables import read_packed

from skebm import EnergyImputer

HIDDEN = 0.2
MOST_ROWS = 6000


def read(path):
    """Read a table; strings and two-valued whole numbers are categories."""
    if path.suffix == ".npz":
        rows = np.vstack(read_packed(path))
        return pd.DataFrame(rows.astype(int).astype(str), dtype="category")
    table = pd.read_csv(path)
    for name in table:
        values = table[name].dropna()
        is_string = table[name].dtype.kind not in "iuf"
        if is_string or (values.nunique() == 2 and (values % 1 == 0).all()):
            table[name] = table[name].map(str, na_action="ignore").astype("category")
        else:
            table[name] = table[name].astype(float)
    return table


def split(table, seed):
    """Split rows, and hide cells of both parts: give both, complete and with gaps."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(table))[:MOST_ROWS]
    n_train = int(0.7 * len(order))
    parts = [table.iloc[order[:n_train]], table.iloc[order[n_train:]]]
    hidden = [rng.random(part.shape) < HIDDEN for part in parts]
    return (
        parts,
        hidden,
        [part.mask(mask) for part, mask in zip(parts, hidden, strict=True)],
    )


class Numbers:
    """A table as one-hot categories and standardised numbers, and back."""

    def __init__(self, train):
        self.names = list(train)
        self.is_category = [train[name].dtype == "category" for name in train]
        self.levels = [
            list(train[name].cat.categories) if own else None
            for name, own in zip(train, self.is_category, strict=True)
        ]
        self.mean, self.std = (
            train.mean(numeric_only=True),
            train.std(numeric_only=True),
        )

    def encode(self, table):
        """Give the columns of numbers."""
        parts = []
        for name, levels in zip(self.names, self.levels, strict=True):
            if levels is None:
                parts.append(
                    ((table[name] - self.mean[name]) / self.std[name]).to_numpy()[
                        :, None
                    ]
                )
            else:
                part = np.array(
                    [[value == level for level in levels] for value in table[name]],
                    float,
                )
                part[table[name].isna().to_numpy()] = np.nan
                parts.append(part)
        return np.hstack(parts)

    def decode(self, values, index):
        """Give a table again, of the likeliest levels."""
        columns, stop = {}, 0
        for name, levels in zip(self.names, self.levels, strict=True):
            start, stop = stop, stop + (1 if levels is None else len(levels))
            part = values[:, start:stop]
            if levels is None:
                columns[name] = part[:, 0] * self.std[name] + self.mean[name]
            else:
                columns[name] = np.array(levels, dtype=object)[part.argmax(axis=1)]
        return pd.DataFrame(columns, index=index)


def by_numbers(imputer):
    def impute(train, test):
        numbers = Numbers(train)
        fitted = imputer.fit(numbers.encode(train))
        return numbers.decode(fitted.transform(numbers.encode(test)), test.index)

    return impute


def boosted(train, test):
    """Predict each column from the others by gradient boosting."""
    result = {}
    for name in train:
        others = [other for other in train if other != name]
        known = train[name].notna()
        is_category = train[name].dtype == "category"
        model = (
            HistGradientBoostingClassifier
            if is_category
            else HistGradientBoostingRegressor
        )
        X = train.loc[known, others]
        model = model(random_state=0, categorical_features="from_dtype")
        y = train.loc[known, name]
        if y.nunique() == 1:
            result[name] = [y.iloc[0]] * len(test)
            continue
        model.fit(X, y.astype(object) if is_category else y)
        result[name] = model.predict(test[others])
    return pd.DataFrame(result, index=test.index)


def energy(train, test):
    return EnergyImputer(random_state=0).fit(train).transform(test)


METHODS = {
    "mode and mean": by_numbers(SimpleImputer()),
    "KNNImputer": by_numbers(KNNImputer()),
    "boosted": boosted,
    "EnergyImputer": energy,
}


def judge(filled, truth, hidden, train):
    """Give the share of categories restored and the error of numbers."""
    right, errors = [], []
    for name, own in zip(truth, hidden.T, strict=True):
        mask = own & truth[name].notna().to_numpy()
        if truth[name].dtype == "category":
            right.append(
                np.asarray(filled[name])[mask] == np.asarray(truth[name])[mask]
            )
        else:
            error = np.asarray(filled[name], float)[mask] - truth[name].to_numpy()[mask]
            errors.append((error / truth[name].std()) ** 2)
    right = np.concatenate(right).mean() if right else np.nan
    error = np.sqrt(np.concatenate(errors).mean()) if errors else np.nan
    return right, error


def coverage(train, test, truth, hidden):
    """Give the share of numbers within 90 % intervals of ten draws."""
    imputer = EnergyImputer(strategy="sample", n_imputations=10, random_state=0)
    draws = imputer.fit(train).transform(test)
    inside = []
    for name, own in zip(truth, hidden.T, strict=True):
        if truth[name].dtype == "category":
            continue
        mask = own & truth[name].notna().to_numpy()
        values = np.array([draw[name].to_numpy()[mask] for draw in draws])
        low, high = np.quantile(values, [0.05, 0.95], axis=0)
        hit = truth[name].to_numpy()[mask]
        inside.append((low <= hit) & (hit <= high))
    return np.concatenate(inside).mean() if inside else np.nan


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default=None)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    paths = sorted([*arguments.folder.glob("*.csv"), *arguments.folder.glob("*.npz")])
    for path in paths:
        name = path.stem
        if arguments.names and name not in arguments.names:
            continue
        table = read(path)
        parts, hidden, (train, test) = split(table, arguments.seed)
        for method, impute in METHODS.items():
            if arguments.only and method != arguments.only:
                continue
            start = time.perf_counter()
            filled = impute(train, test)
            duration = time.perf_counter() - start
            right, error = judge(filled, parts[1], hidden[1], train)
            print(
                f"{name:12} {method:14} {right:.3f} {error:.3f} {duration:6.2f} s",
                flush=True,
            )
        share = coverage(train, test, parts[1], hidden[1])
        print(f"{name:12} 90 % intervals cover {share:.3f}", flush=True)


if __name__ == "__main__":
    main()
