"""The bound of a deep belief network on MNIST beside its first machine alone.

    python benchmarks/deep_mnist.py FOLDER --layers 500 500

The folder holds mnist.npz with x_train and x_test, uint8 images. Pixels above half of
the scale are on. Scores are of test digits, in nats; the bound of the stack lies above
the log-likelihood of its first machine by at least the errors, or it does not.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from tables import read_images

from skebm import BinaryRBM, DeepBeliefNetwork


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--layers", type=int, nargs="+", default=[500, 500])
    parser.add_argument("--algorithm", default="pcd", help="of the first layer")
    parser.add_argument("--max-iter", type=int, default=20_000)
    parser.add_argument("--train-rows", type=int, default=60_000)
    parser.add_argument("--test-rows", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    file = arguments.folder / "mnist.npz"
    if not file.exists():
        parser.exit(1, f"{file} is absent: this benchmark needs MNIST.\n")
    train, test = read_images(file)
    train, test = train[: arguments.train_rows], test[: arguments.test_rows]
    settings = {"max_iter": arguments.max_iter, "log_partition_tol": 0.1}
    first = BinaryRBM(arguments.layers[0], algorithm=arguments.algorithm, **settings)
    start = time.perf_counter()
    stack = DeepBeliefNetwork(
        (first, *arguments.layers[1:]),
        estimator=BinaryRBM(**settings),
        n_draws=8,
        random_state=arguments.seed,
    ).fit(train)
    print(f"layers {arguments.layers}, first by {arguments.algorithm}")
    print(f"learned in {time.perf_counter() - start:.0f} s")
    first = stack.estimators_[0]
    alone = first.score_samples(test)
    bound, std = stack.score_samples(test, return_std=True)
    difference = bound - alone
    errors = (
        difference.std() / np.sqrt(len(test)),
        first.log_partition_std_,
        stack.log_partition_std_,
        np.sqrt(np.square(std).sum()) / len(test),
    )
    print(f"first machine, log-likelihood: {alone.mean():8.2f}")
    print(f"stack, lower bound:            {bound.mean():8.2f}")
    print(f"    difference:                {difference.mean():8.2f}")
    print(
        "    errors, of rows, of both log Z, of draws: "
        + ", ".join(f"{error:.2f}" for error in errors)
    )
    few = test[:100]
    gap, gap_std = stack.bound_gap(few)
    error = np.sqrt(np.square(gap_std).sum()) / len(few)
    print(f"    gap of 100 digits:         {gap.mean():8.2f} ({error:.2f})")
    print(f"all in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
