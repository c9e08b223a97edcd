"""500 hidden units on thresholded MNIST: likelihood by annealing in both directions.

    python benchmarks/mnist_bounds.py MNIST.npz [--max-iter 20000]
        [--learning-rate 0.1] [--n-steps 10000]

The file holds x_train and x_test, uint8 images. Prints the wall time of the fit,
and the test log-likelihood by log Z from below (which makes it too high) and from
above (too low), the latter from tempered draws that start half from held-out
images and half from annealed rows.
"""

import argparse
import time
from pathlib import Path

from tables import read_images

from skebm import BinaryRBM, log_partition_bounds


def judge(rbm, test, n_steps):
    """Print the mean test log-likelihood by annealing in both directions."""
    start = time.perf_counter()
    bounds = log_partition_bounds(rbm, X=test[:1000], n_steps=n_steps, random_state=0)
    print(f"bounds: {time.perf_counter() - start:.0f} s\n{bounds}")
    free_energy = rbm.free_energy(test).mean()
    for label, log_partition, std in (
        ("forwards", bounds.lower, bounds.lower_std),
        ("backwards", bounds.upper, bounds.upper_std),
    ):
        print(
            f"test by annealing {label}: {-free_energy - log_partition:.2f} ({std:.2f})"
        )
    print(f"gap {bounds.gap:.2f} ({bounds.gap_std:.2f}), {bounds.in_equilibrium=}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--max-iter", type=int, default=20_000)
    parser.add_argument("--learning-rate", type=float, default=0.1)
    parser.add_argument("--n-steps", type=int, default=10_000)
    arguments = parser.parse_args()
    if not arguments.file.exists():
        parser.exit(1, f"{arguments.file} is absent: this benchmark needs MNIST.\n")
    train, test = read_images(arguments.file)
    rbm = BinaryRBM(
        500,
        max_iter=arguments.max_iter,
        learning_rate=arguments.learning_rate,
        random_state=0,
    )
    start = time.perf_counter()
    rbm.fit(train)
    print(f"fit: {time.perf_counter() - start:.0f} s, {rbm.n_iter_} updates")
    judge(rbm, test, arguments.n_steps)


if __name__ == "__main__":
    main()
