"""What fine tuning of a deep belief network adds on digits held out.

    python benchmarks/deep_digits.py --layers 16 64

Beside it stand the greedy fit that it starts from, and a greedy fit of which each layer
makes as many updates more. Scores are lower bounds, in nats a digit; the log-likelihood
is above them by the gap, which importance sampling estimates.
"""

import argparse
import time

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skebm import BinaryRBM, DeepBeliefNetwork


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--updates", type=int, default=2000, help="of each layer")
    parser.add_argument("--fine-tune-iter", type=int, default=2000)
    parser.add_argument("--splits", type=int, default=3)
    arguments = parser.parse_args()
    digits = load_digits().data > 7
    more = arguments.updates + arguments.fine_tune_iter
    cases = {
        "greedy": (arguments.updates, 0),
        "longer": (more, 0),
        "tuned": (arguments.updates, arguments.fine_tune_iter),
    }
    print(f"layers {arguments.layers}")
    print("split  fit      learned  held out    gap  error of log Z  seconds")
    for split in range(arguments.splits):
        train, test = train_test_split(digits, random_state=split)
        for name, (max_iter, fine_tune_iter) in cases.items():
            start = time.perf_counter()
            stack = DeepBeliefNetwork(
                arguments.layers,
                estimator=BinaryRBM(max_iter=max_iter),
                fine_tune_iter=fine_tune_iter,
                random_state=split,
            ).fit(train)
            seconds = time.perf_counter() - start
            gap, _ = stack.bound_gap(test)
            print(
                f"{split:5}  {name:7}{stack.score(train):9.2f}{stack.score(test):10.2f}"
                f"{gap.mean():7.2f}{stack.log_partition_std_:16.3f}{seconds:9.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
