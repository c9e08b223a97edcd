"""Wide tables of bits from a tree: likelihood of rows held out, and time by width.

    python benchmarks/wide_trees.py [--widths 500 1000 1500] [--n-hidden 256] [--seed 0]

Each column but the first is a copy of an earlier one, drawn at random, in which 5 to
20 % of the bits are flipped. The likelihood of the tree is the product of those of its
edges, so it is known, and so is that of independent columns with the means of the data.
What is left of the gap between these two is what a model has not found.

There are 2500 rows to learn from, and 2500 more to score. Early stopping holds out a
tenth of the former. A fully visible Boltzmann machine contains the tree, among the
couplings of all pairs, and a Markov random field of the likeliest tree little else. The
error of log Z is that of 2000 temperatures at most.
"""

import argparse
import time

import numpy as np
from scipy.sparse.csgraph import minimum_spanning_tree

from skebm import BinaryRBM, BoltzmannMachine, MarkovRandomField

N_ROWS = 2500


def random_tree(n_columns, rng):
    """Draw parents of columns but the first, and how often each flips their bits."""
    parents = np.array([rng.integers(column) for column in range(1, n_columns)])
    return parents, rng.uniform(0.05, 0.2, n_columns - 1)


def draw_rows(parents, flips, n_rows, rng):
    """Draw rows of a tree whose first column is on half of the time."""
    rows = np.empty((n_rows, len(parents) + 1), bool)
    rows[:, 0] = rng.random(n_rows) < 0.5
    for column, (parent, flip) in enumerate(zip(parents, flips, strict=True), 1):
        rows[:, column] = rows[:, parent] ^ (rng.random(n_rows) < flip)
    return rows


def tree_score(parents, flips, rows):
    """Compute the mean log-likelihood of rows under their tree, in nats."""
    flipped = (rows[:, 1:] ^ rows[:, parents]).mean(axis=0)
    edges = flipped * np.log(flips) + (1 - flipped) * np.log1p(-flips)
    return edges.sum() - np.log(2)


def independent_score(learned, rows):
    """Compute the mean log-likelihood of rows under independent columns."""
    mean = (learned.sum(axis=0) + 0.5) / (len(learned) + 1)
    share = rows.mean(axis=0)
    return float(share @ np.log(mean) + (1 - share) @ np.log1p(-mean))


def likeliest_tree(rows):
    """List the edges of the tree of highest likelihood, by Chow and Liu (1968).

    Columns are on about half of the time, so that those that share most information are
    those of largest correlation.
    """
    weights = 1.001 - np.abs(np.corrcoef(rows, rowvar=False))
    edges = minimum_spanning_tree(weights).nonzero()
    return [tuple(map(int, edge)) for edge in np.transpose(edges)]


def models(arguments, learned):
    """List the models to fit."""
    settings = {
        "early_stopping": True,
        "max_iter": arguments.max_iter,
        "max_ais_temperatures": 2000,
        "random_state": arguments.seed,
    }
    listed = [(f"BinaryRBM {n}", BinaryRBM(n, **settings)) for n in arguments.n_hidden]
    if arguments.pairs:
        listed.append(("BoltzmannMachine", BoltzmannMachine(**settings)))
    if arguments.tree:
        field = MarkovRandomField(likeliest_tree(learned))
        listed.append(("MarkovRandomField", field))
    return listed


def main():
    """Print a line for each width and model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--widths", type=int, nargs="+", default=[500, 1000, 1500])
    parser.add_argument("--n-hidden", type=int, nargs="+", default=[256])
    parser.add_argument("--pairs", action="store_true", help="BoltzmannMachine as well")
    parser.add_argument("--tree", action="store_true", help="and the tree it finds")
    parser.add_argument("--max-iter", type=int, help="updates at most")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print(
        f"{'columns':>7} {'model':17} {'tree':>9} {'indep.':>9} {'held out':>9} "
        f"{'below':>8} {'log Z +-':>8} {'updates':>7} {'seconds':>8} {'ms/update':>9}"
    )
    for width in arguments.widths:
        rng = np.random.default_rng(arguments.seed)
        tree = random_tree(width, rng)
        rows = draw_rows(*tree, 2 * N_ROWS, rng)
        learned, held_out = rows[:N_ROWS], rows[N_ROWS:]
        best = tree_score(*tree, held_out)
        independent = independent_score(learned, held_out)
        for name, model in models(arguments, learned):
            start = time.perf_counter()
            model.fit(learned)
            seconds = time.perf_counter() - start
            score = model.score(held_out)
            n_updates, error = model.n_iter_, model.log_partition_std_
            print(
                f"{width:7} {name:17} {best:9.1f} {independent:9.1f} {score:9.1f} "
                f"{best - score:8.1f} {error:8.2f} {n_updates:7} {seconds:8.1f} "
                f"{1000 * seconds / n_updates:9.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
