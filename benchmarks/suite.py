"""The speed benchmarks in one table, beside peers and what cannot be done without.

    python benchmarks/suite.py [--threads 1 2] [--quick] [--only update fit ...]
        [--peers PYTHON ...] [--processor-time] [--save results.json]

Times are medians of repeats that take turns, with quartiles; ratios are to the first
contender of a group, which for learning is the floor: the five matrix products of an
update, in float32. Contenders wait for their turns in processes of their own. Peers
that are not installed here, rbms and torch and learnergy, are looked for in the other
interpreters given. What is found nowhere is left out, and said so.
"""

import argparse
import importlib
import json
import os
from contextlib import ExitStack
from datetime import date
from importlib import metadata
from pathlib import Path
from unittest import mock

import numpy as np
from threadpoolctl import threadpool_limits
from timing import Timing, print_timings, time_group
from worker import Absent, Worker, limits

import skebm

CONTENDERS = Path(__file__).with_name("contenders.py")
SIZES = [(784, 500, 100), (784, 500, 500), (64, 100, 10), (64, 100, 64)]

# Contenders of each kind: with numba, without it, and from elsewhere.
SOLVERS = ["sgd", "natural"]
HERE = ["floor", *SOLVERS, "BernoulliRBM float64", "BernoulliRBM float32"]
ELSEWHERE = {
    "update": ["torch compiled", "torch eager", "rbms", "learnergy"],
    "fit": [],
}
LABELS = {"update": "update", "fit": "update within a fit of 2000"}

# A fit of this size takes minutes.
NO_FIT = (784, 500, 500)

# Scripts whose `measure(repeats)` is part of the suite, where they are present.
COLLECTED = [
    "monitoring",
    "scoring_peers",
    "scoring_speed",
    "annealing_speed",
    "sparse_rows",
]


def learning(kind, size, threads, repeats, pythons):
    """Time the contenders of learning; give their times, and who is absent."""
    with ExitStack() as stack:

        def start(**options):
            return stack.enter_context(Worker(CONTENDERS, threads, **options))

        here, without_numba = start(), start(without_numba=True)
        functions, absent = {}, []
        for name in HERE:
            label = f"skebm {name}" if name in SOLVERS else name
            functions[label] = here.contender(kind, name, *size)
            if name in SOLVERS:
                turn = without_numba.contender(kind, name, *size)
                functions[f"{label}, no numba"] = turn
        others = [start(python=python) for python in pythons] if ELSEWHERE[kind] else []
        for name in ELSEWHERE[kind]:
            reasons = []
            for worker in [here, *others]:
                try:
                    functions[name] = worker.contender(kind, name, *size)
                    break
                except Absent as reason:
                    reasons.append(str(reason))
            else:
                absent.append(f"{name}: {reasons[-1]}")
        n_visible, n_hidden, batch_size = size
        label = f"{LABELS[kind]}, {n_visible} x {n_hidden}, batch {batch_size}"
        return time_group(f"{label}, {threads} threads", functions, repeats), absent


def collected(name, threads, repeats):
    """Run a script of its own; give its times, or say that it has none."""
    try:
        script = importlib.import_module(name)
        measure = script.measure
    except (ImportError, AttributeError) as error:
        return [], [f"{name}: {error}"]
    # The first for this process, the other for those that the script starts.
    with threadpool_limits(threads), mock.patch.dict(os.environ, limits(threads)):
        timings = measure(repeats)
    return [
        Timing(f"{timing.group}, {threads} threads", *timing[1:]) for timing in timings
    ], []


def processor():
    """Name the processor, where the system says."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return "unknown"
    models = [line.split(": ")[1] for line in lines if line.startswith("model name")]
    return f"{len(models)} x {models[0]}" if models else "unknown"


def circumstances():
    """Say when and on what the times were taken."""
    versions = {"skebm": skebm.__version__}
    for package in ("numpy", "scipy", "scikit-learn", "numba"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "absent"
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    versions[blas["name"]] = blas["version"]
    return {
        "date": date.today().isoformat(),
        "processor": processor(),
        "versions": versions,
        "load": os.getloadavg()[0],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--fit-repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="3 repeats, and no fits")
    parser.add_argument("--only", nargs="+", help="update, fit, or names of scripts")
    parser.add_argument("--peers", nargs="+", default=[], metavar="PYTHON")
    parser.add_argument("--save", type=Path)
    parser.add_argument(
        "--processor-time",
        action="store_true",
        help="for a machine that has other work, with one thread only",
    )
    arguments = parser.parse_args()
    if arguments.processor_time:
        if arguments.threads != [1]:
            parser.error("--processor-time adds up threads: it needs --threads 1.")
        os.environ["BENCHMARK_CLOCK"] = "processor"
    repeats = 3 if arguments.quick else arguments.repeats

    def wanted(part):
        if arguments.only:
            return part in arguments.only
        return not (arguments.quick and part == "fit")

    clock = "processor" if arguments.processor_time else "wall"
    results = {**circumstances(), "clock": clock, "timings": [], "absent": []}

    def report(timings, absent):
        print_timings(timings)
        for line in absent:
            print(f"absent: {line}", flush=True)
        results["timings"] += timings
        results["absent"] += absent
        if arguments.save:
            arguments.save.write_text(json.dumps(results, indent=1))

    for threads in arguments.threads:
        for kind, n_repeats in (("update", repeats), ("fit", arguments.fit_repeats)):
            for size in SIZES:
                if wanted(kind) and not (kind == "fit" and size == NO_FIT):
                    report(*learning(kind, size, threads, n_repeats, arguments.peers))
        for name in COLLECTED:
            if wanted(name):
                report(*collected(name, threads, repeats))


if __name__ == "__main__":
    main()
