"""Digits recalled from flipped pixels by each kind of Hopfield network.

    python benchmarks/hopfield_digits.py FOLDER

The folder holds mnist.npz with x_train, uint8 images. Pixels above half of the scale
are on. The first digits are stored, and each is recalled from itself with some of its
784 pixels flipped at random. No memory can be right more often, on average, than one
that names the nearest stored row: that is the last kind.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from tables import read_images

from skebm import HopfieldNetwork

KINDS = {
    "hebbian": {},
    "storkey": {"rule": "storkey"},
    "pseudoinverse": {"rule": "pseudoinverse"},
    "polynomial, degree 3": {"interaction": "polynomial"},
    "polynomial, degree 20": {"interaction": "polynomial", "degree": 20},
    "exponential": {"interaction": "exponential"},
}


def name_nearest(X, cues):
    distances = X.sum(axis=1) + cues.astype(float) @ (1.0 - 2 * X.T)
    return np.mean(distances.argmin(axis=1) == np.arange(len(X)))


def measure(X, flips, rng, params):
    cues = X ^ (rng.random(X.shape) < flips)
    start = time.perf_counter()
    memory = HopfieldNetwork(**params).fit(X)
    fitted = time.perf_counter()
    recalled = memory.transform(cues)
    seconds = time.perf_counter() - fitted
    right = np.mean(memory.predict(cues) == np.arange(len(X)))
    exact = np.mean((recalled == X).all(axis=1))
    return right, exact, fitted - start, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--flips", type=float, default=0.3)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    file = arguments.folder / "mnist.npz"
    if not file.exists():
        parser.exit(1, f"{file} is absent: this benchmark needs MNIST.\n")
    train, _ = read_images(file)
    print(f"digits recalled from {arguments.flips:.0%} of flipped pixels")
    print(f"{'':22}{'stored':>8}{'named':>8}{'exact':>8}{'store s':>9}{'recall s':>9}")
    for kind, params in KINDS.items():
        for n_stored in (10, 100, 1000):
            rng = np.random.default_rng(arguments.seed)
            right, exact, *seconds = measure(
                train[:n_stored], arguments.flips, rng, params
            )
            print(
                f"{kind:22}{n_stored:8}{right:8.3f}{exact:8.3f}"
                f"{seconds[0]:9.2f}{seconds[1]:9.2f}",
                flush=True,
            )
    for n_stored in (10, 100, 1000):
        X, rng = train[:n_stored], np.random.default_rng(arguments.seed)
        right = name_nearest(X, X ^ (rng.random(X.shape) < arguments.flips))
        print(f"{'nearest stored row':22}{n_stored:8}{right:8.3f}")


if __name__ == "__main__":
    main()
