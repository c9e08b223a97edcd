"""Share of a default fit of digits that measuring the likelihood takes.

    python benchmarks/monitoring.py [--repeats 5]

The same fits with and without measurements, in turn. Without them nothing is ever
taken back, and the updates are the same as long as nothing was with them.
"""

import argparse
from unittest import mock

import numpy as np
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits
from timing import interleaved_medians

from skebm import BinaryRBM
from skebm.learning.monitor import Measurement


class Blind:
    """Sees every machine as good as the last."""

    def __init__(self, *args, **kwargs):
        self.n_seen = 0

    def mark(self):
        """Remember nothing."""

    def go_back(self):
        """Go nowhere."""

    def measure(self, energy):
        """Report a rise too small to change the step size."""
        self.n_seen += 1
        return Measurement(0.01 * self.n_seen, np.nan, 0.0, 0.0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    X = load_digits().data > 7
    rbm = BinaryRBM(random_state=0)

    def fit_blind():
        with mock.patch("skebm.base.fitting.LikelihoodMonitor", Blind):
            rbm.fit(X)

    for threads in (1, 2):
        with threadpool_limits(threads):
            times = interleaved_medians(
                {"watched": lambda: rbm.fit(X), "blind": fit_blind}, arguments.repeats
            )
        watched, blind = times["watched"][0], times["blind"][0]
        print(
            f"{threads} threads: default fit {watched:.2f} s, without measuring "
            f"{blind:.2f} s: measuring takes {100 * (watched / blind - 1):.0f} % more"
        )


if __name__ == "__main__":
    main()
