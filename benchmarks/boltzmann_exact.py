"""Fits of fully visible machines to real tables, beside their exact optimum.

    python benchmarks/boltzmann_exact.py FOLDER [--algorithms exact pcd]

The folder holds debd/nltcs.npz and debd/msnbc.npz, bits packed, with keys train, valid,
test and n_features; physics/neural_example15.npz likewise with key X, of which the
first 20000 rows are learned from; and debd/exact_boltzmann_machine.json, their
likelihoods at the optimum. All else is as by default.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from tables import read_packed

from skebm import BoltzmannMachine

ALGORITHMS = ("exact", "pseudolikelihood", "pcd")
# How far below the optimum each algorithm may stay, in nats. That of the spikes lies
# at infinity.
WANTED = {"exact": 1e-4, "pseudolikelihood": 0.05, "pcd": 0.01}
SPIKES = "neural_example15_first20000train"
WANTED_EXACT_SPIKES = 1e-3
WANTED_SECONDS = 60


def read_spikes(file):
    """Read the rows of words of spiking cells that are learned from."""
    table = np.load(file)
    n_features = int(table["n_features"])
    return np.unpackbits(table["X"][:20000], axis=1)[:, :n_features].astype(bool)


def read_tables(parser, folder):
    """Read the training parts and their optima, or say that they are absent."""
    files = {
        "nltcs": folder / "debd" / "nltcs.npz",
        "msnbc": folder / "debd" / "msnbc.npz",
        SPIKES: folder / "physics" / "neural_example15.npz",
    }
    optima = folder / "debd" / "exact_boltzmann_machine.json"
    for file in (*files.values(), optima):
        if not file.exists():
            parser.exit(1, f"{file} is absent: this benchmark needs it.\n")
    tables = {name: read_packed(files[name])[0] for name in ("nltcs", "msnbc")}
    tables[SPIKES] = read_spikes(files[SPIKES])
    return tables, json.loads(optima.read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--algorithms", nargs="+", default=ALGORITHMS)
    arguments = parser.parse_args()
    tables, optima = read_tables(parser, arguments.folder)
    print("table  algorithm         train nats   below optimum  wanted       s")
    for name, table in tables.items():
        optimum = optima[name]["train"]
        for algorithm in arguments.algorithms:
            start = time.perf_counter()
            machine = BoltzmannMachine(algorithm=algorithm, random_state=0).fit(table)
            seconds = time.perf_counter() - start
            score = machine.score(table)
            wanted = WANTED[algorithm]
            if algorithm == "exact" and name == SPIKES:
                wanted = WANTED_EXACT_SPIKES
            met = optimum - score <= wanted and seconds < WANTED_SECONDS
            print(
                f"{name[:6]:6} {algorithm:16} {score:11.6f} {optimum - score:15.2e} "
                f"{wanted:7.0e} {seconds:7.2f}  {'met' if met else 'MISSED'}",
                flush=True,
            )


if __name__ == "__main__":
    main()
