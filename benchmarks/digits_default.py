"""Held-out log-likelihood of the default fit on digits, beside BernoulliRBM.

BernoulliRBM's parameters are loaded into BinaryRBM, so that one method computes
every log Z. Its settings are its default, other learning rates, and ten times
its default passes.

    python benchmarks/digits_default.py
"""

import time

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import BernoulliRBM

from skebm import BinaryRBM


def report(label, seconds, rbm, test):
    scores = rbm.score_samples(test)
    print(
        f"{label:>40} {scores.mean():8.2f} ({scores.std() / np.sqrt(len(test)):.2f})"
        f"  log Z error {rbm.log_partition_std_:.3f}  fit {seconds:5.2f} s",
        flush=True,
    )


def main():
    X = (load_digits().data > 7).astype(np.float64)
    train, test = train_test_split(X, random_state=0)
    print("held-out nats a digit (standard error of the test rows), 256 hidden units")
    start = time.perf_counter()
    rbm = BinaryRBM(random_state=0).fit(train)
    report("BinaryRBM()", time.perf_counter() - start, rbm, test)
    for n_iter in (10, 100):
        for learning_rate in (0.1, 0.05, 0.01):
            start = time.perf_counter()
            theirs = BernoulliRBM(
                learning_rate=learning_rate, n_iter=n_iter, random_state=0
            ).fit(train)
            seconds = time.perf_counter() - start
            loaded = BinaryRBM.from_parameters(
                theirs.components_,
                theirs.intercept_visible_,
                theirs.intercept_hidden_,
                X=train,
                random_state=0,
            )
            label = f"BernoulliRBM({learning_rate=}, {n_iter=})"
            report(label, seconds, loaded, test)

    start = time.perf_counter()
    BinaryRBM(random_state=0).fit(X)
    seconds = time.perf_counter() - start
    print(f"BinaryRBM(random_state=0).fit of all {len(X)} digits: {seconds:.2f} s")


if __name__ == "__main__":
    main()
