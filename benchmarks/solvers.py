"""Natural gradient, plain gradient and Adam, with the same draws and budget.

    python benchmarks/solvers.py FOLDER [--sets plants dna] [--max-iter 5000]

The folder holds the sets as FOLDER/NAME.npz, bits packed, with keys train, valid,
test and n_features. All else is as by default: centred gradients, correlated
start, averaged iterates, 500 chains, batches of 200, linear decay.
"""

import time

import numpy as np
from tables import parse_sets, read_set

from skebm import BinaryRBM
from skebm.learning.metric import KroneckerMetric, Metric

CANDIDATES = [
    *(("sgd", rate) for rate in (0.05, 0.1, 0.2, 0.4)),
    *(("adam", rate) for rate in (0.001, 0.003, 0.01)),
    ("diagonal", 0.05),
    ("natural", 0.05),
]


class Adam(Metric):
    """Adam in the place of a metric (Kingma and Ba 2015)."""

    def __init__(self):
        self.n_steps, self.mean, self.square = 0, 0.0, 0.0

    def follow_visible(self, energy, batch):
        """Take no notice of moments."""
        return self

    follow_hidden = follow_visible

    def step(self, energy, gradient, rate):
        """Scale each derivative by its running size."""
        (slope,) = gradient.arrays()
        self.n_steps += 1
        self.mean = 0.9 * self.mean + 0.1 * slope
        self.square = 0.999 * self.square + 0.001 * slope**2
        mean = self.mean / (1 - 0.9**self.n_steps)
        square = self.square / (1 - 0.999**self.n_steps)
        step = (rate * mean / (np.sqrt(square) + 1e-6)).astype(np.float32)
        return gradient.with_arrays([step]), rate


class WithAdam(BinaryRBM):
    """Learns by Adam."""

    def _metric(self, energy, sample):
        return Adam()


class WithDiagonal(BinaryRBM):
    """Learns by a natural gradient whose metric is diagonal."""

    def _metric(self, energy, sample):
        return KroneckerMetric.start(energy, sample, diagonal=True)


def fit(solver, settings, train):
    if solver == "adam":
        return WithAdam(**settings).fit(train)
    if solver == "diagonal":
        return WithDiagonal(**settings).fit(train)
    return BinaryRBM(solver=solver, **settings).fit(train)


def main():
    parser, arguments = parse_sets(__doc__, max_iter=5000)
    print(f"test nats a row after {arguments.max_iter} updates, 128 hidden units")
    for name in arguments.sets:
        train, _, test = read_set(parser, arguments.folder, name)
        for solver, rate in CANDIDATES:
            settings = {
                "n_components": 128,
                "learning_rate": rate,
                "max_iter": arguments.max_iter,
                "random_state": 0,
            }
            start = time.perf_counter()
            try:
                rbm = fit(solver, settings, train)
            except FloatingPointError:
                print(f"{name:>10} {solver:>8} {rate:5}: diverged", flush=True)
                continue
            seconds = time.perf_counter() - start
            print(
                f"{name:>10} {solver:>8} {rate:5}: test {rbm.score(test):9.3f} "
                f"({rbm.log_partition_std_:.3f})  {seconds:4.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
