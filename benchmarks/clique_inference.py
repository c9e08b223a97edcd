"""Exact inference in random models of cliques, beside pgmpy.

    python benchmarks/clique_inference.py [--models 30]

Of each model log Z and the marginals of all columns and cliques: their largest
difference from those of pgmpy's junction tree, and both times. Then chains and trees of
a thousand columns, which are timed here alone. It needs pgmpy beside skebm.
"""

import argparse
import sys
import time
from itertools import pairwise

import numpy as np

from skebm import MarkovRandomField

WANTED_DIFFERENCE = 1e-12
WANTED_SECONDS = 1.0

# The shortest of so many runs counts.
REPEATS = 3


def random_potentials(seed):
    """Draw tables of two or three columns each, of two to four levels."""
    rng = np.random.default_rng(seed)
    n_columns = int(rng.integers(6, 15))
    n_levels = rng.integers(2, 5, n_columns)
    scopes = {(i,): (i,) for i in range(n_columns)}
    # A path through all columns, and what closes loops of it.
    order = rng.permutation(n_columns).tolist()
    for scope in pairwise(order):
        scopes[tuple(sorted(scope))] = scope
    for _ in range(n_columns // 2):
        scope = rng.choice(n_columns, rng.integers(2, 4), replace=False).tolist()
        scopes[tuple(sorted(scope))] = tuple(scope)
    return {
        tuple(f"c{i:02d}" for i in scope): np.exp(
            rng.normal(size=n_levels[list(scope)])
        )
        for scope in scopes.values()
    }


def by_skebm(potentials):
    """Give log Z and marginals."""
    model = MarkovRandomField.from_potentials(potentials)
    return model.log_partition(), model.marginals()


def by_pgmpy(potentials):
    """Give the same by belief propagation in a junction tree."""
    from pgmpy.factors.discrete import DiscreteFactor  # noqa: PLC0415
    from pgmpy.inference import BeliefPropagation  # noqa: PLC0415
    from pgmpy.models import DiscreteMarkovNetwork  # noqa: PLC0415

    model = DiscreteMarkovNetwork()
    for scope, table in potentials.items():
        model.add_nodes_from(scope)
        model.add_edges_from(
            (a, b) for i, a in enumerate(scope) for b in scope[i + 1 :]
        )
        model.add_factors(DiscreteFactor(list(scope), table.shape, table))
    inference = BeliefPropagation(model)
    inference.calibrate()
    beliefs = inference.get_clique_beliefs()
    marginals = {}
    for scope in potentials:
        clique = min((c for c in beliefs if set(scope) <= set(c)), key=len)
        factor = beliefs[clique]
        others = [column for column in factor.variables if column not in scope]
        factor = factor.marginalize(others, inplace=False) if others else factor.copy()
        axes = [factor.variables.index(column) for column in scope]
        values = np.asarray(factor.values, dtype=float).transpose(axes)
        marginals[scope] = values / values.sum()
    total = np.asarray(next(iter(beliefs.values())).values, dtype=float).sum()
    return float(np.log(total)), marginals


def compare(n_models):
    """Print differences and times of random models."""
    differences, ratios = [], []
    print("model  columns      log Z  difference   skebm ms   pgmpy ms   ratio")
    for seed in range(n_models):
        potentials = random_potentials(seed)
        times, results = [], []
        for way in (by_skebm, by_pgmpy):
            runs = []
            for _ in range(REPEATS):
                start = time.perf_counter()
                result = way(potentials)
                runs.append(1000 * (time.perf_counter() - start))
            results.append(result)
            times.append(min(runs))
        (log_partition, own), (other, others) = results
        difference = abs(log_partition - other)
        for scope, table in others.items():
            difference = max(difference, np.abs(own[scope] - table).max())
        differences.append(difference)
        ratios.append(times[1] / times[0])
        n_columns = len({column for scope in potentials for column in scope})
        print(
            f"{seed:5} {n_columns:8} {log_partition:10.4f} {difference:11.1e} "
            f"{times[0]:10.2f} {times[1]:10.2f} {ratios[-1]:7.1f}",
            flush=True,
        )
    met = max(differences) <= WANTED_DIFFERENCE and min(ratios) > 1
    print(
        f"largest difference {max(differences):.1e}, median ratio of times "
        f"{np.median(ratios):.0f}, least {min(ratios):.1f}: "
        f"{'met' if met else 'MISSED'}"
    )


def long_models():
    """Print times of chains and trees of a thousand columns."""
    rng = np.random.default_rng(0)
    kinds = {
        "chain": [(i, i + 1) for i in range(999)],
        "tree": [(int(rng.integers(0, i)), i) for i in range(1, 1000)],
        "star": [(0, i) for i in range(1, 1000)],
    }
    for name, pairs in kinds.items():
        for n_levels in (2, 5):
            potentials = {
                pair: np.exp(rng.normal(size=(n_levels, n_levels))) for pair in pairs
            }
            start = time.perf_counter()
            by_skebm(potentials)
            seconds = time.perf_counter() - start
            met = "met" if seconds < WANTED_SECONDS else "MISSED"
            print(f"{name}, 1000 columns of {n_levels}: {seconds:.2f} s, {met}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=30)
    arguments = parser.parse_args()
    long_models()
    try:
        import pgmpy  # noqa: F401, PLC0415
    except ImportError:
        sys.exit("pgmpy is absent: run this where it is installed beside skebm.")
    by_pgmpy(random_potentials(0))  # loads what it needs
    compare(arguments.models)


if __name__ == "__main__":
    main()
