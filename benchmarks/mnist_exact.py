"""Exact log-likelihood of 16 hidden units on thresholded MNIST and its negative.

    python benchmarks/mnist_exact.py MNIST.npz [--max-iter N]

The file holds x_train and x_test, uint8 images. The partition function is summed
over all 65536 states of the hidden units.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from skebm import BinaryRBM


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--max-iter", type=int, default=50)
    arguments = parser.parse_args()
    if not arguments.file.exists():
        parser.exit(1, f"{arguments.file} is absent: this benchmark needs MNIST.\n")
    images = np.load(arguments.file)
    train, test = (
        images[name].reshape(-1, 784) >= 128 for name in ("x_train", "x_test")
    )
    print("exact mean log-likelihood, nats an image")
    for label, flip in (("images", False), ("negatives", True)):
        start = time.perf_counter()
        rbm = BinaryRBM(
            16,
            learning_rate=0.2,
            decay_fraction=1.0,
            batch_size=100,
            n_chains=500,
            max_iter=arguments.max_iter,
            random_state=0,
        ).fit(train ^ flip)
        seconds = time.perf_counter() - start
        print(
            f"{label:>10}: train {rbm.score(train ^ flip):.3f}  "
            f"test {rbm.score(test ^ flip):.3f}  fit {seconds:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
