"""Scaling laws: how time grows with each size, beside what the mathematics asks for.

    python benchmarks/scaling.py [--repeats 7] [--save scaling.json]

Each size is doubled four times from a base, all others held, on one thread and by the
clock of the processor. The exponent is the slope
of log time against log size, fitted to each repeat; the table has its median and
quartiles, and the slope of the last doubling, where what does not grow weighs least. An
exponent whose lower quartile is a tenth above what is asked for is flagged.
"""

import argparse
import json
import os
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits
from timing import interleaved_times, readable

from skebm import BinaryRBM
from skebm.learning.schedule import Schedule
from skebm.partition.annealing import anneal
from skebm.sampling.path import IndependentStart
from skebm.sampling.path import Path as AnnealingPath
from skebm.sampling.random import UniformNoise

N_DOUBLINGS = 4
BASE = {"rows": 2000, "columns": 128, "hidden": 128, "chains": 128, "batch": 128}

# Wider layers than 1024 have a metric that is diagonal.
BASES = {
    "update, natural": {**BASE, "columns": 64, "hidden": 64},
    "free_energy": {**BASE, "rows": 8000},
    "annealing": {**BASE, "temperatures": 50},
}

# Over what is asked for by as much, an exponent is worse than it.
TOLERANCE = 0.1


class Law(NamedTuple):
    """How time grows with a size.

    Parameters
    ----------
    work, size : str
        What is timed, and what is doubled.
    asked : float
        Exponent that the number of operations has.
    exponent, low, high : float
        Median and quartiles of the slopes of the repeats.
    last : float
        Median slope of the last doubling.
    first_size, first_time, last_time : float
        The base and its median time in seconds, and that of the largest size.
    """

    work: str
    size: str
    asked: float
    exponent: float
    low: float
    high: float
    last: float
    first_size: int
    first_time: float
    last_time: float

    @property
    def is_worse(self):
        """Whether time grows faster than the number of operations."""
        return self.low > self.asked + TOLERANCE


def make_rbm(rows, columns, hidden, chains, batch, **settings):
    rbm = BinaryRBM(
        hidden, n_chains=chains, batch_size=batch, random_state=0, **settings
    )
    return rbm, np.random.default_rng(0).random((rows, columns)) < 0.3


def fits(**sizes):
    """Fit as a whole, which reads all rows once or twice beside the updates."""
    rbm, X = make_rbm(**sizes, solver="sgd", max_iter=300)
    return lambda: rbm.fit(X)


def updates(solver, n_updates, **sizes):
    """Make updates, without start and measuring."""
    rbm, X = make_rbm(**sizes, solver=solver, max_iter=1)
    rbm.fit(X)
    state, rows = rbm._resume(), rbm._rows(X)
    learner = rbm._learner("pcd", state.model)

    def endless():
        while True:
            yield from learner.batches(state, rows)

    batches, schedule = endless(), Schedule(0.01)
    return lambda: learner.run(state, islice(batches, n_updates), schedule)


def known_rbm(columns, hidden):
    weights = np.random.default_rng(0).normal(0, 0.05, (hidden, columns))
    return BinaryRBM.from_parameters(weights, np.zeros(columns), np.zeros(hidden))


def scores(**sizes):
    """Compute free energies: what `score_samples` does once log Z is known."""
    rbm = known_rbm(sizes["columns"], sizes["hidden"])
    _, X = make_rbm(**sizes)
    return lambda: rbm.free_energy(X)


def annealing(**sizes):
    """Anneal forwards."""
    rbm = known_rbm(sizes["columns"], sizes["hidden"])
    noise = UniformNoise(np.random.default_rng(0), np.float32)
    energy = rbm._energy().astype(np.float32)
    start = IndependentStart(energy.units, rbm._visible_mean)
    path = AnnealingPath(start, energy)
    rows = path.draw(sizes["chains"], noise)
    betas = np.linspace(0, 1, sizes["temperatures"] + 1)
    return lambda: anneal(path, rows, betas, noise)


def sgd_updates(**sizes):
    return updates("sgd", 50, **sizes)


def natural_updates(**sizes):
    # A whole period of the metric of the hidden units.
    return updates("natural", 50, **sizes)


# What is timed, and the power of each size that the number of operations has. The
# products with the factors of the metric have as many operations as one layer squared
# times the other.
LAWS = [
    ("fit of 300 updates", fits, {"rows": 0}),
    (
        "update, sgd",
        sgd_updates,
        {"columns": 1, "hidden": 1, "chains": 1, "batch": 1},
    ),
    (
        "update, natural",
        natural_updates,
        {"columns": 2, "hidden": 2, "chains": 1, "batch": 1},
    ),
    ("free_energy", scores, {"rows": 1, "columns": 1, "hidden": 1}),
    (
        "annealing",
        annealing,
        {"temperatures": 1, "columns": 1, "hidden": 1, "chains": 1},
    ),
]


def fit_law(work, make, size, asked, repeats):
    """Time one kind of work at each size in turn, and fit the exponent."""
    base = BASES.get(work, BASE)
    values = base[size] * 2 ** np.arange(N_DOUBLINGS + 1)
    functions = {n: make(**{**base, size: int(n)}) for n in values}
    times = np.array(list(interleaved_times(functions, repeats).values()))
    slopes = np.polyfit(np.log(values), np.log(times), 1)[0]
    last = np.median(np.log2(times[-1] / times[-2]))
    exponents = np.percentile(slopes, [50, 25, 75])
    first_time, *_, last_time = np.median(times, axis=1)
    numbers = (*exponents, last)
    return Law(
        work,
        size,
        asked,
        *map(float, numbers),
        int(base[size]),
        float(first_time),
        float(last_time),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--save", type=Path)
    arguments = parser.parse_args()
    os.environ["BENCHMARK_CLOCK"] = "processor"
    laws = []
    print("exponent (quartiles), last doubling, asked for; time from base to largest")
    with threadpool_limits(1):
        for work, make, sizes in LAWS:
            for size, asked in sizes.items():
                law = fit_law(work, make, size, asked, arguments.repeats)
                laws.append(law)
                print(
                    f"{work:>20} {size:>12} {law.exponent:6.2f} ({law.low:.2f} to "
                    f"{law.high:.2f}) {law.last:6.2f} {asked}  "
                    f"{readable(law.first_time)} to {readable(law.last_time)}"
                    f"{'  WORSE' if law.is_worse else ''}",
                    flush=True,
                )
    if arguments.save:
        arguments.save.write_text(json.dumps(laws, indent=1))


if __name__ == "__main__":
    main()
