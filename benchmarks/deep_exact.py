"""What a second layer can gain, and what it gains, where all is summed exactly.

    python benchmarks/deep_exact.py

The first machine has at most 10 hidden units, all configurations of which are listed.
Those of the digits learned from have a distribution, the mean of q(h | digit). Its
divergence from that of the first machine is the most by which a second machine can
raise the bound on these digits. Beside it: by how much the bound is raised, on digits
learned from and on others, and by how much the likelihood. All in nats.
"""

import argparse

import numpy as np
from scipy.special import xlogy
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skebm import BinaryRBM, DeepBeliefNetwork


def list_bits(n_bits):
    """List all configurations of some bits."""
    return (np.arange(2**n_bits)[:, None] >> np.arange(n_bits)) & 1


def find_room(first, rows):
    """Give the divergence of the hidden units of rows from those of the machine."""
    hidden = list_bits(first.n_components)
    share = np.zeros(len(hidden))
    for mean in first.transform(rows):
        share += np.where(hidden, mean, 1 - mean).prod(axis=1) / len(rows)
    turned = BinaryRBM.from_parameters(
        first.components_.T, first.intercept_hidden_, first.intercept_visible_
    )
    return xlogy(share, share).sum() - share @ turned.score_samples(hidden)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=10, help="hidden units, up to 10")
    parser.add_argument("--tops", type=int, nargs="+", default=[10, 32, 64])
    parser.add_argument("--algorithms", nargs="+", default=["cd", "pcd", "exact"])
    parser.add_argument("--updates", type=int, default=2000, help="of each layer")
    parser.add_argument("--splits", type=int, default=3)
    arguments = parser.parse_args()
    if arguments.first > 10:
        parser.error("more than 10 hidden units below are not listed")
    digits = load_digits().data > 7
    print("                        learned from                      held out")
    print("first  split  top   first   room  bound  likelihood  ", end="")
    print("first  bound  likelihood")
    for algorithm in arguments.algorithms:
        for split in range(arguments.splits):
            train, test = train_test_split(digits, random_state=split)
            first = BinaryRBM(
                arguments.first,
                algorithm=algorithm,
                max_iter=arguments.updates,
                random_state=split,
            )
            for n_top in arguments.tops:
                stack = DeepBeliefNetwork(
                    (first, n_top),
                    estimator=BinaryRBM(max_iter=arguments.updates),
                    random_state=split,
                ).fit(train)
                lowest = stack.estimators_[0]
                print(f"{algorithm:7}{split:5}{n_top:5}", end="")
                for rows in (train, test):
                    alone = lowest.score(rows)
                    gain = stack.score(rows) - alone
                    gap, _ = stack.bound_gap(rows)
                    print(f"{alone:8.2f}", end="")
                    if rows is train:
                        print(f"{find_room(lowest, rows):7.3f}", end="")
                    print(f"{gain:7.3f}{gain + gap.mean():11.3f}", end="")
                print(flush=True)


if __name__ == "__main__":
    main()
