"""Time of `transform` and `free_energy` beside that of their matrix product alone.

    python benchmarks/scoring_speed.py [--rows 60000] [--threads 1 2] [--repeats 5]

784 features, 500 hidden units, tables of zeros and ones of several dtypes. The product
is one call of np.dot on float64 arrays that exist already.
"""

import argparse

import numpy as np
from threadpoolctl import threadpool_limits
from timing import interleaved_medians

from skebm import BinaryRBM


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()

    rng = np.random.default_rng(0)
    weights = rng.normal(0, 0.1, (500, 784))
    rbm = BinaryRBM.from_parameters(weights, np.zeros(784), np.zeros(500))
    bits = rng.random((arguments.rows, 784), dtype=np.float32) < 0.3
    rows = bits.astype(np.float64)

    functions = {"product": lambda: np.dot(rows, weights.T)}
    for table in rows, bits.astype(np.float32), bits.astype(np.uint8), bits:
        for method in rbm.transform, rbm.free_energy:
            name = f"{method.__name__} {table.dtype}"
            functions[name] = lambda method=method, table=table: method(table)

    for threads in arguments.threads:
        with threadpool_limits(threads):
            times = interleaved_medians(functions, arguments.repeats)
        print(f"\n{threads} threads: median s (quartiles), and times the product")
        for name, (median, low, high) in times.items():
            ratio = median / times["product"][0]
            print(f"{name:>22} {median:6.3f} ({low:.3f} to {high:.3f}) {ratio:5.2f}")


if __name__ == "__main__":
    main()
