"""Time of annealing, tempering and Gibbs sampling beside their matrix products.

An RBM of 784 x 500 units and 100 chains, or rows on ladders; one step of each has
two matrix products, in float32, which are the floor. Each with NumPy alone and, where
numba is installed, with it. Times are of 20 steps.

    python benchmarks/annealing_speed.py [--threads N] [--repeats N]
"""

__all__ = ["measure"]

from unittest import mock

import numpy as np
from script import run_script
from timing import time_group

from skebm import kernels
from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.partition.annealing import anneal
from skebm.sampling.path import IndependentStart, Path
from skebm.sampling.random import UniformNoise
from skebm.sampling.tempering import start_replicas, temper

N_VISIBLE, N_HIDDEN, N_CHAINS, N_RUNGS = 784, 500, 100, 10
N_STEPS = 20


def products(energy):
    rng = np.random.default_rng(0)
    V = (rng.random((N_CHAINS, N_VISIBLE)) < 0.2).astype(np.float32)
    H = (rng.random((N_CHAINS, N_HIDDEN)) < 0.2).astype(np.float32)

    def run():
        for _ in range(N_STEPS):
            np.dot(V, energy.weights.T)
            np.dot(H, energy.weights)

    return run


def with_numpy_alone(run):
    def run_so():
        with mock.patch.object(kernels, "numba_compiles", return_value=False):
            run()

    return run_so


def measure(repeats):
    rng = np.random.Generator(np.random.SFC64(0))
    energy = BinaryRBMEnergy.of(
        rng.normal(0, 0.1, (N_HIDDEN, N_VISIBLE)),
        rng.normal(-2, 1, N_VISIBLE),
        rng.normal(0, 1, N_HIDDEN),
    ).astype(np.float32)
    mean = np.full(N_VISIBLE, 0.13)
    noise = UniformNoise(rng, np.float32)
    path = Path(IndependentStart(energy.units, mean), energy)
    rows = path.draw(N_CHAINS, noise)
    # As far apart as 1000 temperatures are.
    betas = 0.5 + np.arange(N_STEPS + 1) / 1000
    ladders = rows[: N_CHAINS // N_RUNGS]
    replicas = start_replicas(np.linspace(0, 1, N_RUNGS), ladders)
    tasks = {
        "annealing": lambda: anneal(path, rows, betas, noise),
        "tempering": lambda: temper(path, replicas, noise, n_steps=N_STEPS),
        "Gibbs sampling": lambda: energy.gibbs(rows, noise, N_STEPS),
    }
    timings = []
    for name, run in tasks.items():
        contenders = {"two products": products(energy), "NumPy": with_numpy_alone(run)}
        if kernels.numba_compiles():
            contenders["numba"] = run
        timings += time_group(f"{name}, 784 x 500", contenders, repeats)
    return timings


if __name__ == "__main__":
    run_script(__doc__, measure, repeats=15)
