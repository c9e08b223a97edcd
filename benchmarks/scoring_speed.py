"""Time of `transform` and `free_energy` beside that of their matrix product alone.

    python benchmarks/scoring_speed.py [--rows 60000] [--threads 1 2] [--repeats 5]

784 features, 500 hidden units, tables of zeros and ones of several dtypes. The product
is one call of np.dot on float64 arrays that exist already. Its result and those of the
methods lie in memory that the process has had before.
"""

__all__ = ["measure"]

import argparse

import numpy as np
from threadpoolctl import threadpool_limits
from timing import keep_memory, print_timings, time_group

from skebm import BinaryRBM


def measure(repeats, n_rows=60_000):
    """Time each method on each table; give a list of `Timing`."""
    keep_memory()
    rng = np.random.default_rng(0)
    weights = rng.normal(0, 0.1, (500, 784))
    rbm = BinaryRBM.from_parameters(weights, np.zeros(784), np.zeros(500))
    bits = rng.random((n_rows, 784), dtype=np.float32) < 0.3
    rows = bits.astype(np.float64)

    functions = {"product": lambda: np.dot(rows, weights.T)}
    for table in rows, bits.astype(np.float32), bits.astype(np.uint8), bits:
        for method in rbm.transform, rbm.free_energy:
            name = f"{method.__name__} {table.dtype}"
            functions[name] = lambda method=method, table=table: method(table)
    return time_group(f"{n_rows} x 784, 500 hidden units", functions, repeats)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    for threads in arguments.threads:
        print(f"\n{threads} threads")
        with threadpool_limits(threads):
            print_timings(measure(arguments.repeats, arguments.rows))


if __name__ == "__main__":
    main()
