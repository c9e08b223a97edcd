"""Exact log-likelihood of 16 hidden units on thresholded MNIST and its negative.

    python benchmarks/mnist_exact.py MNIST.npz [--max-iter N]

The file holds x_train and x_test, uint8 images. The partition function is summed
over all 65536 states of the hidden units.
"""

import argparse
import time
from pathlib import Path

from tables import read_images

from skebm import BinaryRBM


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--max-iter", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    if not arguments.file.exists():
        parser.exit(1, f"{arguments.file} is absent: this benchmark needs MNIST.\n")
    train, test = read_images(arguments.file)
    print("exact mean log-likelihood, nats an image")
    for seed in range(arguments.seeds):
        for label, flip in (("images", False), ("negatives", True)):
            start = time.perf_counter()
            rbm = BinaryRBM(16, max_iter=arguments.max_iter, random_state=seed)
            rbm.fit(train ^ flip)
            seconds = time.perf_counter() - start
            print(
                f"{label:>10}: train {rbm.score(train ^ flip):.3f}  "
                f"test {rbm.score(test ^ flip):.3f}  fit {seconds:.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
