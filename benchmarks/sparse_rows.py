"""A fit of sparse rows beside scikit-learn's, and the memory that it takes.

    python benchmarks/sparse_rows.py [--rows 20000] [--columns 10000] [--repeats 3]

One pass over a CSR table of float64, 5 % dense: 256 hidden units, batches of 100, as
many chains. Each fit runs in a process of its own, in turn; memory is the most that
the process held above what it held with the table loaded.
"""

__all__ = ["measure"]

import argparse
import resource
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from scipy import sparse
from sklearn.neural_network import BernoulliRBM
from timing import Timing, now

from skebm import BinaryRBM

N_HIDDEN, BATCH_SIZE, DENSITY = 256, 100, 0.05


def make_table(path, n_rows, n_columns):
    """Write zeros and ones, rows with the same number of ones."""
    rng = np.random.default_rng(0)
    n_ones = int(DENSITY * n_columns)
    columns = np.concatenate(
        [
            np.sort(rng.choice(n_columns, n_ones, replace=False)).astype(np.int32)
            for _ in range(n_rows)
        ]
    )
    starts = np.arange(0, n_ones * n_rows + 1, n_ones, dtype=np.int32)
    ones = np.ones(len(columns))
    table = sparse.csr_matrix((ones, columns, starts), shape=(n_rows, n_columns))
    sparse.save_npz(path, table, compressed=False)


def estimators(n_rows):
    """List what is fitted, with as many updates each."""
    rbms = {
        f"BinaryRBM {solver}": BinaryRBM(
            N_HIDDEN,
            solver=solver,
            batch_size=BATCH_SIZE,
            n_chains=BATCH_SIZE,
            max_iter=-(-n_rows // BATCH_SIZE),
            random_state=0,
        )
        for solver in ("sgd", "natural")
    }
    peer = BernoulliRBM(N_HIDDEN, batch_size=BATCH_SIZE, n_iter=1, random_state=0)
    return {"BernoulliRBM": peer, **rbms}


def peak():
    """Give the most memory that the process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def held():
    """Give the memory that the process holds now, in MiB; Linux only."""
    n_pages = int(Path("/proc/self/statm").read_text().split()[1])
    return n_pages * resource.getpagesize() / 2**20


def fit(name, path):
    """Give seconds and megabytes of one fit, and the size of its table."""
    table = sparse.load_npz(path)
    n_bytes = table.data.nbytes + table.indices.nbytes + table.indptr.nbytes
    estimator = estimators(table.shape[0])[name]
    before = held()
    start = now()
    estimator.fit(table)
    return now() - start, peak() - before, n_bytes / 2**20


def run_alone(task, *arguments):
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(task, arguments)


def run_in_turn(repeats, n_rows=20_000, n_columns=10_000):
    """Fit each estimator so often; give what `fit` gives, by name."""
    runs = {name: [] for name in estimators(n_rows)}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npz"
        run_alone(make_table, path, n_rows, n_columns)
        for _ in range(repeats):
            for name, results in runs.items():
                results.append(run_alone(fit, name, path))
    return runs


def measure(repeats):
    """Time the fits; give a list of `Timing`."""
    group = "fit of 20000 x 10000, 5 % of them ones, CSR"
    timings = []
    for name, results in run_in_turn(repeats).items():
        quartiles = np.percentile([seconds for seconds, *_ in results], [50, 25, 75])
        timings.append(Timing(group, name, *map(float, quartiles)))
    return timings


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--columns", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    runs = run_in_turn(arguments.repeats, arguments.rows, arguments.columns)
    print("median s (quartiles), beside BernoulliRBM; MiB above the table's process")
    reference = np.median([seconds for seconds, *_ in runs["BernoulliRBM"]])
    parameters = N_HIDDEN * arguments.columns * 8 / 2**20
    for name, results in runs.items():
        seconds, memory, table = np.array(results).T
        low, median, high = np.percentile(seconds, [25, 50, 75])
        print(
            f"{name:>18} {median:6.2f} ({low:.2f} to {high:.2f}) "
            f"{median / reference:5.2f}  {memory.max():5.0f} MiB, "
            f"of table {table[0]:.0f}, of parameters {parameters:.0f}"
        )


if __name__ == "__main__":
    main()
