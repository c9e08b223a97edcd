"""Scoring and learning from a table on disk: memory, and time an update.

    python benchmarks/out_of_core.py [--rows 1000000] [--repeats 3]

A memory map of zeros and ones in bytes, 784 columns. Each task runs in a process of its
own. Memory is the most that a process held, of which the table's pages are a part where
it reads the whole map; what the task took is what is left without them, without what
the process held before, and without the result.
"""

import argparse
import resource
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from skebm import BinaryRBM

N_FEATURES, N_UPDATES, BATCH_SIZE = 784, 1000, 200
SCORES = [
    "free_energy",
    "score_samples",
    "transform",
    "pseudo_log_likelihood",
    "conditional_score_samples",
]


def make_table(path, n_rows):
    """Write rows of zeros and ones, each a noisy copy of one of 20 patterns."""
    rng = np.random.default_rng(0)
    patterns = rng.random((20, N_FEATURES)) < 0.3
    table = np.memmap(path, np.uint8, "w+", shape=(n_rows, N_FEATURES))
    for start in range(0, n_rows, 10_000):
        part = table[start : start + 10_000]
        noise = rng.random(part.shape, dtype=np.float32) < 0.1
        part[:] = patterns[rng.integers(20, size=len(part))] ^ noise


def read_table(path, n_rows, start=0):
    offset = start * N_FEATURES
    return np.memmap(path, np.uint8, "r", offset, (n_rows, N_FEATURES))


def peak():
    """Give the most memory that the process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def held():
    """Give the memory that the process holds now, in MiB; Linux only."""
    n_pages = int(Path("/proc/self/statm").read_text().split()[1])
    return n_pages * resource.getpagesize() / 2**20


def score(name, path, n_rows):
    """Score all rows; give seconds and MiB beyond table and result."""
    # Few hidden units, for pseudo-likelihood takes 784 times as long as free energy.
    rng = np.random.default_rng(0)
    weights = rng.normal(0, 0.1, (16, N_FEATURES))
    rbm = BinaryRBM.from_parameters(weights, np.zeros(N_FEATURES), np.zeros(16))
    method = getattr(rbm, name)
    method(np.zeros((1, N_FEATURES)))
    before = held()
    start = perf_counter()
    result = method(read_table(path, n_rows))
    seconds = perf_counter() - start
    n_bytes = result.nbytes + n_rows * N_FEATURES
    return seconds, peak() - before - n_bytes / 2**20


def learn(name, path, n_rows):
    """Make updates by one call of `fit`, or chunk by chunk; give ms each, and MiB."""
    rbm = BinaryRBM(batch_size=BATCH_SIZE, max_iter=N_UPDATES, random_state=0)
    if name == "fit":
        table = read_table(path, n_rows)
        start = perf_counter()
        rbm.fit(table)
    else:
        n_chunk = N_UPDATES * BATCH_SIZE // 4
        rbm.partial_fit(read_table(path, BATCH_SIZE))
        start = perf_counter()
        for first in range(0, 4 * n_chunk, n_chunk):
            rbm.partial_fit(read_table(path, n_chunk, first % n_rows))
    return 1000 * (perf_counter() - start) / N_UPDATES, peak()


def run_alone(task, *arguments):
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(task, arguments)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    n_rows = arguments.rows

    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows"
        # In a process of its own too: children inherit the most that parents held.
        run_alone(make_table, path, n_rows)
        print(f"{n_rows} rows, a table of {n_rows * N_FEATURES / 2**20:.0f} MiB")
        for name in SCORES:
            # The slow ones of fewer rows: memory by blocks does not depend on them.
            n_scored = n_rows // 10 if name.startswith(("pseudo", "cond")) else n_rows
            seconds, memory = run_alone(score, name, path, n_scored)
            print(f"{name:>26} of {n_scored}: {seconds:6.1f} s, {memory:5.0f} MiB")
        runs = {"fit": [], "partial_fit": []}
        for _ in range(arguments.repeats):
            for name, results in runs.items():
                results.append(run_alone(learn, name, path, n_rows))
    reference = np.median([time for time, _ in runs["fit"]])
    for name, results in runs.items():
        times, memory = np.array(results).T
        low, median, high = np.percentile(times, [25, 50, 75])
        print(
            f"{name:>26}: {median:.2f} ms an update ({low:.2f} to {high:.2f}), "
            f"{median / reference:.2f} of fit; whole process {memory.max():.0f} MiB"
        )


if __name__ == "__main__":
    main()
