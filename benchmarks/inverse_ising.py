"""Errors of couplings found from samples of random machines of 50 spins.

    python benchmarks/inverse_ising.py [--n-samples 1000 10000] [--seed 0]

Sherrington-Kirkpatrick: all couplings, normal of variance 1/50. Sparse: couplings of 1
or -1 between a pair with a chance of 4/49. Both divided by the temperature, as are
fields, normal of deviation 0.1. Each row is the end of a Gibbs chain of its own, cooled
from infinite temperature over the first half of 2000 sweeps.

The error is the root mean square error of the couplings of all pairs, relative to their
root mean square. The penalties are those of 0/1 units: L2 is that of C=1 in
LogisticRegression, L1 falls with the number of samples as its noise does.

coniii is measured where it is installed.
"""

import argparse
import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from skebm import BoltzmannMachine
from skebm.energy.pairwise import PairwiseEnergy
from skebm.energy.spins import binary_from_spins, spins_from_binary
from skebm.sampling.random import UniformNoise

try:
    from coniii.solvers import Pseudo
    from coniii.utils import vec2mat
except ImportError:
    Pseudo = None

N_SPINS = 50
N_SWEEPS = 2000
MACHINES = [
    *(("SK", temperature) for temperature in (2.0, 1.0, 0.5)),
    *(("sparse", temperature) for temperature in (3.0, 1.5, 0.75)),
]
PAIRS = np.triu_indices(N_SPINS, 1)


def random_machine(kind, temperature, rng):
    """Draw couplings and fields of spins."""
    shape = (N_SPINS, N_SPINS)
    if kind == "SK":
        couplings = rng.normal(0, 1 / np.sqrt(N_SPINS), shape)
    else:
        present = rng.random(shape) < 4 / (N_SPINS - 1)
        couplings = present * rng.choice([-1.0, 1.0], shape)
    couplings = np.triu(couplings, 1)
    fields = rng.normal(0, 0.1, N_SPINS)
    return (couplings + couplings.T) / temperature, fields / temperature


def draw_rows(couplings, fields, n_rows, rng):
    """Draw boolean rows, each by a chain of its own."""
    weights, bias, _ = binary_from_spins(couplings, fields)
    energy = PairwiseEnergy.of(weights, bias).astype(np.float32)
    noise = UniformNoise(rng, np.float32)
    rows = rng.random((n_rows, N_SPINS)) < 0.5
    for sweep in range(N_SWEEPS):
        rows = energy.gibbs(rows, noise, beta=min(1.0, 2 * (sweep + 1) / N_SWEEPS))
    return rows


def by_machine(**settings):
    """Give a solver that fits a BoltzmannMachine."""

    def solve(rows):
        machine = BoltzmannMachine(states=(-1, 1), random_state=0, **settings)
        return machine.fit(np.where(rows, 1, -1)).couplings_

    return solve


def by_logistic_regression(C):
    """Give a solver that regresses each unit on the others, and takes the mean."""

    def solve(rows):
        weights = np.zeros((N_SPINS, N_SPINS))
        for unit in range(N_SPINS):
            others = np.arange(N_SPINS) != unit
            regression = LogisticRegression(C=C, max_iter=1000)
            regression.fit(rows[:, others], rows[:, unit])
            weights[unit, others] = regression.coef_[0]
        couplings, _, _ = spins_from_binary((weights + weights.T) / 2, np.zeros(50))
        return couplings

    return solve


def by_coniii(rows):
    """Find couplings by coniii's pseudolikelihood."""
    solver = Pseudo(np.where(rows, 1, -1), iprint=False)
    return vec2mat(solver.solve(), separate_fields=True)[1]


def solvers(n_rows):
    """List the solvers, with the penalties for so many rows."""
    pseudo = {"algorithm": "pseudolikelihood", "max_iter": 2000}
    lasso = 0.1 * np.sqrt(np.log(N_SPINS) / n_rows)
    listed = {
        "pseudolikelihood": by_machine(**pseudo),
        "pseudolikelihood, L2": by_machine(**pseudo, alpha=2 / n_rows),
        "pseudolikelihood, L1": by_machine(**pseudo, alpha=lasso, l1_ratio=1.0),
        "pcd": by_machine(algorithm="pcd"),
        "LogisticRegression": by_logistic_regression(np.inf),
        "LogisticRegression, L2": by_logistic_regression(1.0),
    }
    if Pseudo is not None:
        listed["coniii"] = by_coniii
    return listed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-samples", type=int, nargs="+", default=[1000, 10000])
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    print("machine     T      rows  solver                    error       s")
    for kind, temperature in MACHINES:
        rng = np.random.default_rng(arguments.seed)
        couplings, fields = random_machine(kind, temperature, rng)
        rows = draw_rows(couplings, fields, max(arguments.n_samples), rng)
        size = np.sqrt(np.mean(couplings[PAIRS] ** 2))
        for n_rows in arguments.n_samples:
            for name, solve in solvers(n_rows).items():
                start = time.perf_counter()
                found = solve(rows[:n_rows])
                seconds = time.perf_counter() - start
                error = np.sqrt(np.mean((found - couplings)[PAIRS] ** 2)) / size
                print(
                    f"{kind:>7} {temperature:5} {n_rows:9}  {name:23} {error:7.3f} "
                    f"{seconds:7.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
