"""The real tables that benchmarks read; none of them is part of this package."""

__all__ = ["SETS", "parse_sets", "read_images", "read_packed", "read_set"]

import argparse
from pathlib import Path

import numpy as np

SETS = ("nltcs", "msnbc", "plants", "jester", "accidents", "tretail", "dna")


def read_packed(file):
    """Read the parts of a table whose bits were packed with `numpy.packbits`."""
    table = np.load(file)
    n_features = int(table["n_features"])
    return [
        np.unpackbits(table[part], axis=1)[:, :n_features].astype(bool)
        for part in ("train", "valid", "test")
    ]


def read_images(file):
    """Read thresholded images of training and test, one a row."""
    images = np.load(file)
    return [images[part].reshape(-1, 784) >= 128 for part in ("x_train", "x_test")]


def parse_sets(description, *, max_iter):
    """Read the arguments of a comparison on the sets; give its parser as well."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--max-iter", type=int, default=max_iter)
    return parser, parser.parse_args()


def read_set(parser, folder, name):
    """Read a standard set from a folder, or say that it is absent."""
    file = folder / f"{name}.npz"
    if not file.exists():
        parser.exit(1, f"{file} is absent: this benchmark needs it.\n")
    return read_packed(file)
