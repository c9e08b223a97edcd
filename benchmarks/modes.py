"""Models with modes: is log Z right, are draws, and does learning find the modes?

    python benchmarks/modes.py [SECTION ...] [--folder DATA] [--seed 0]
        [--n-cases 100] [--cases 0:25]

Sections are examples, generated, fits, tables and gaussian. A line is what one call
gave, beside the truth: by enumeration, binomial sums, or annealing in float64 from the
law that made the rows (modes_cases.py). It passes within three errors, those of the
truth included, or where a limit is printed if it is not beyond that. Generated cases
must be within two errors. Seconds are those of the call, or of the fit in "fits".
Warnings are those of the same call. DATA holds debd/mushrooms.npz and
adbench/17_InternetAds.npz, for tables alone.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from modes_cases import (
    Clusters,
    Mixture,
    anneal,
    block_sums,
    blocks,
    estimate,
    fit_mixture,
    machine_of,
    make_case,
    make_law,
)
from tables import read_packed

from skebm import BinaryRBM, BoltzmannMachine, GaussianRBM, log_partition_bounds
from skebm.datasets import make_ising_lattice

N_DRAWS = 500
TABLES = ["mushrooms", "17_InternetAds"]


class Table:
    """Prints lines of the case at hand, and counts what is right and what warns."""

    def __init__(self):
        self.case, self.right, self.warned = "", [], []
        print(
            f"{'case':<42} {'measured':<23} {'truth':>10} {'got':>10} {'error':>7} "
            f"{'ours':>6} {'right':>5} {'s':>6} warning"
        )

    def add(self, what, numbers, right, call=((), 0.0)):
        """Print a value beside the truth; `call` is what `called` says of it."""
        truth, got, error, ours = [*numbers, 0.0][:4]
        caught, seconds = call
        warning = ""
        if caught:
            warning = f"{caught[0].category.__name__}: {str(caught[0].message)[:60]}"
        self.right.append(bool(right))
        self.warned.append(bool(caught))
        print(
            f"{self.case:<42} {what:<23} {truth:>10.4f} {got:>10.4f} {error:>7.4f} "
            f"{ours:>6.3f} {'yes' if right else 'NO':>5} {seconds:>6.1f} {warning}",
            flush=True,
        )

    def near(self, what, numbers, call=((), 0.0), n=3):
        """Add a line that is right within so many errors, of which the last is ours."""
        truth, got, *errors = numbers
        right = abs(got - truth) <= n * np.hypot(*errors) + 1e-6
        self.add(what, numbers, right, call)

    def summarise(self):
        """Count the lines, and how many of the wrong ones came with a warning."""
        lines = list(zip(self.right, self.warned, strict=True))
        print(
            f"{len(lines)} lines, {sum(self.right)} right; wrong with a warning "
            f"{lines.count((False, True))}, without {lines.count((False, False))}; "
            f"right with a warning {lines.count((True, True))}\n"
        )


def called(function, *args, **options):
    """Call a function; give its value, and its warnings and seconds."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        start = time.perf_counter()
        value = function(*args, **options)
    return value, (caught, time.perf_counter() - start)


def up(X):
    """Tell in which rows most units are up, in one column."""
    return ((X > 0).mean(axis=1, keepdims=True) > 0.5).astype(float)


def exact(model, rng):
    """Give what `estimate` gives, by enumeration."""
    log_z, rows = machine_of(model).exact(100_000, rng)
    return log_z, 0.0, rows, np.full(len(rows), 1 / len(rows))


def judge_partition(table, model, truth, n=3):
    log_z, call = called(model.log_partition)
    numbers = truth[0], log_z, model.log_partition_std_, truth[1]
    table.near("log Z", numbers, call, n)


def judge_shares(table, model, truth, label, **options):
    """Compare means of the columns of `label`, and print the worst."""
    drawn, call = called(model.sample, N_DRAWS, random_state=0, **options)
    _, _, rows, weights = truth
    share, got = weights @ label(rows), label(drawn).mean(axis=0)
    std = np.sqrt((share * (1 - share)).clip(1 / N_DRAWS))
    error, own_error = std / np.sqrt(N_DRAWS), std * np.sqrt((weights**2).sum())
    worst = np.argmax(np.abs(share - got) / np.hypot(error, own_error))
    numbers = [x[worst] for x in (share, got, error, own_error)]
    table.near(f"share, {'tempered' if options else 'default'} sample", numbers, call)


def judge_model(table, model, X, truth, label):
    """Judge log Z, the claim of equilibrium, the likeliest row, and draws."""
    judge_partition(table, model, truth)
    bounds, call = called(log_partition_bounds, model, X=X, random_state=0)
    numbers = truth[0], bounds.lower, bounds.lower_std
    gap = abs(bounds.lower - truth[0])
    right = gap <= 3 * np.hypot(bounds.lower_std, truth[1]) + 1e-6
    claim = "equilibrium" if bounds.in_equilibrium else "none claimed"
    table.add(f"bounds, {claim}", numbers, right or not bounds.in_equilibrium, call)
    highest, call = called(lambda: model.score_samples(X).max())
    table.add("highest log-prob <=", (0, highest, 0), highest <= 0, call)
    judge_shares(table, model, truth, label)


def examples(table, arguments):
    """Judge the examples of numbers that were wrong."""
    rng, known = np.random.default_rng(arguments.seed), {"random_state": arguments.seed}
    table.case = "95/5, 25 columns, BoltzmannMachine"
    X = np.repeat([[0] * 25, [1] * 25], [950, 50], axis=0)
    model = BoltzmannMachine(**known).fit(X)
    judge_model(table, model, X, exact(model, rng), up)
    score, limit = model.score(X), 0.95 * np.log(0.95) + 0.05 * np.log(0.05)
    table.add("score <=", (limit, score, 0), score <= limit)

    table.case, n, w, h = "Curie-Weiss, 30 spins", 30, 0.1, 0.05
    known_rows = {"X": -np.ones((10, n)), "states": (-1, 1), **known}
    W = w * (1 - np.eye(n))
    model = BoltzmannMachine.from_parameters(W, np.full(n, h), **known_rows)
    sums, spins = block_sums([n], np.array([[w]]), np.array([h]))
    log_z = np.logaddexp.reduce(sums)
    ups = (rng.choice(spins[:, 0], 100_000, p=np.exp(sums - log_z)) + n) / 2
    truth = log_z, 0.0, np.arange(n) < ups[:, None], np.full(len(ups), 1 / len(ups))
    judge_model(table, model, np.ones((1, n)), truth, up)
    got, right = np.exp([model.score(np.ones((1, n))), sums[-1] - log_z])
    table.near("P(all up)", (right, got, got * model.log_partition_std_, 0))

    table.case = "90/10, 10 columns, BoltzmannMachine"
    model = BoltzmannMachine(**known).fit(
        np.repeat([[0] * 10, [1] * 10], [900, 100], 0)
    )
    truth = exact(model, rng)
    judge_shares(table, model, truth, up)
    judge_shares(table, model, truth, up, tempering=True)

    lattice = make_ising_lattice(1, n_side=4, coupling=0.7)
    machines = {"4x4 lattice, K=0.7": (lattice.couplings, lattice.intercept, up)}
    for i in range(5):
        W, h = np.triu(rng.normal(size=(8, 8)), 1), rng.normal(0, 0.3, 8)
        machines[f"8 spins, couplings N(0, 1), {i}"] = W + W.T, h, lambda X: X > 0
    for table.case, (W, h, label) in machines.items():
        model = BoltzmannMachine.from_parameters(W, h, states=(-1, 1), **known)
        judge_shares(table, model, exact(model, rng), label)

    four, default = BinaryRBM(4, **known), BinaryRBM(**known)
    twenty = make_law(rng, 100, 20, 0.01)
    for index, (table.case, model, law) in enumerate(
        (
            ("30 %, 30 columns, BinaryRBM(4)", four, blocks(30, 0.3)),
            ("50 copies of a bit, BinaryRBM()", default, blocks(50, 0.5)),
            ("20 prototypes, BinaryRBM()", default, twenty),
        )
    ):
        rng = np.random.default_rng([arguments.seed, index])
        X = law.draw(2000, rng)
        model.fit(X)
        truth = estimate(machine_of(model), law, rng, n_chains=1000)
        judge_model(table, model, X, truth, law.nearest)


def generated(table, arguments):
    """Judge log Z of generated cases, within two errors."""
    for index in range(*arguments.cases or (0, arguments.n_cases)):
        table.case, model, law, log_z = make_case(index, arguments.seed)
        rng = np.random.default_rng([arguments.seed, index, 1])
        known = log_z is not None
        truth = (log_z, 0.0) if known else estimate(machine_of(model), law, rng)
        judge_partition(table, model, truth, n=2)


def fits(table, arguments):
    """Judge held-out scores of default fits, by log Z of the package and by ours."""
    rng, known = np.random.default_rng(arguments.seed), {"random_state": arguments.seed}
    cases = (
        ("two blocks, 30 %, BinaryRBM(4)", 4, blocks(30, 0.3), 0.1),
        ("two blocks, 30 %, BinaryRBM()", 256, blocks(30, 0.3), 0.1),
        ("50 copies of a bit, BinaryRBM()", 256, blocks(50, 0.5), 0.15),
        ("100 copies of a bit, BinaryRBM()", 256, blocks(100, 0.5), 0.15),
        ("20 prototypes, BinaryRBM()", 256, make_law(rng, 100, 20, 0.01), 1.5),
    )
    for index, (table.case, n_components, law, limit) in enumerate(cases):
        rng = np.random.default_rng([arguments.seed, index])
        model, held_out = BinaryRBM(n_components, **known), law.draw(10_000, rng)
        _, (caught, seconds) = called(model.fit, law.draw(2000, rng))
        score, (more, _) = called(model.score, held_out)
        truth, error = law.log_prob(held_out).mean(), model.log_partition_std_
        call = (caught + more, seconds)
        log_z, std, *_ = estimate(machine_of(model), law, rng)
        ours = score + model.log_partition_ - log_z
        # On average no model is ahead of the truth: else its log Z is too low.
        for what, value, err in (("held out", score, error), ("ours", ours, std)):
            right = -3 * err - 0.05 <= truth - value <= limit
            table.add(f"{what}, by {limit}", (truth, value, err), right, call)
    rows = make_ising_lattice(12_000, n_side=4, coupling=0.7, **known).data
    best = None
    for algorithm in ("exact", "pcd"):
        table.case = f"4x4 lattice, K=0.7, {algorithm}"
        model = BoltzmannMachine(algorithm=algorithm, states=(-1, 1), **known)
        call = called(model.fit, rows[:2000])[1]
        score = model.score(rows[2000:])
        best = best or score
        table.add("held out, by 0.1", (best, score, 0), best - score <= 0.1, call)


def read_table(name, folder, rng):
    """Read training rows and test rows."""
    if name == "mushrooms":
        train, _, test = read_packed(folder / "debd" / f"{name}.npz")
        return train.astype(float), test.astype(float)
    X = np.load(folder / "adbench" / f"{name}.npz")["X"]
    X = rng.permutation(X[:, np.isin(X, (0, 1)).all(axis=0)])
    return X[len(X) // 4 :], X[: len(X) // 4]


def tables(table, arguments):
    """Judge fits to real tables, where all truth is what annealing finds."""
    rng = np.random.default_rng(arguments.seed)
    for table.case in TABLES[slice(*arguments.cases or (None,))]:
        X, test = read_table(table.case, arguments.folder, rng)
        model = BinaryRBM(128, early_stopping=True, random_state=arguments.seed)
        fit = called(model.fit, X)[1]
        log_z, call = called(model.log_partition)
        error, rows = model.log_partition_std_, np.unique(X, axis=0)
        floor = np.logaddexp.reduce(-model.free_energy(rows))
        table.add("log Z >=, floor of rows", (floor, log_z, error), log_z > floor, call)
        right = error <= 0.1 or call[0]
        table.add("error <= 0.1, or warned", (0.1, error, 0), right, call)
        kernel = Mixture(np.full(len(X), 1 / len(X)), np.where(X > 0.5, 0.98, 0.02))
        laws = {
            "independent": Mixture(np.ones(1), X.mean(axis=0, keepdims=True)),
            "mixture of 50": fit_mixture(X, 50),
            "mixture of 200": fit_mixture(X, 200),
            "kernel density": kernel,
        }
        best = floor
        for name, law in laws.items():
            machine, start = machine_of(model), law.broadened()
            own, (_, seconds) = called(anneal, machine, start, 200, 200, rng)
            numbers = own[0], log_z, error, own[1]
            table.near(f"log Z, {name}", numbers, ((), seconds))
            best = max(best, own[0])
        score = model.score(test)
        numbers = score + log_z - best, score, error
        table.add("test, highest log Z", numbers, best - log_z < 0.1, fit)


def gaussian(table, arguments):
    """Judge fits to clusters of real rows, beside their explicit mixture."""
    for index, (d, K) in enumerate([(2, 3), (2, 8), (5, 5), (10, 8), (30, 6)]):
        rng = np.random.default_rng([arguments.seed, index])
        law = Clusters.drawn(K, d, rng)
        X, held_out = law.draw(2000, rng), law.draw(10_000, rng)
        for n_components in (8, 24):
            table.case = f"{K} clusters, d={d}, GaussianRBM({n_components})"
            model = GaussianRBM(n_components, random_state=arguments.seed)
            fit, score = called(model.fit, X)[1], model.score(held_out)
            truth = law.log_prob(held_out).mean()
            numbers = truth, score, model.log_partition_std_
            table.add("held out, by 0.15", numbers, truth - score <= 0.15, fit)
            log_z, std, hidden, weights = exact(model, rng)
            judge_partition(table, model, (log_z, std))
            noise = np.linalg.cholesky(model.noise_covariance_)
            rows = hidden @ model.components_ + model.intercept_visible_
            rows += rng.normal(size=rows.shape) @ noise.T
            judge_shares(table, model, (log_z, std, rows, weights), law.nearest)


SECTIONS = {f.__name__: f for f in (examples, generated, fits, tables, gaussian)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", metavar="SECTION")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--n-cases", type=int, default=100)
    parser.add_argument("--cases", help="such as 0:25, of generated cases or of tables")
    arguments = parser.parse_args()
    if arguments.cases:
        arguments.cases = [int(end) for end in arguments.cases.split(":")]
    if unknown := set(arguments.sections) - set(SECTIONS):
        parser.error(f"no section {unknown}: there are {', '.join(SECTIONS)}")
    table = Table()
    for name in arguments.sections or SECTIONS:
        if name == "tables" and arguments.folder is None:
            print("No folder: the tables are left out.")
        else:
            SECTIONS[name](table, arguments)
    table.summarise()


if __name__ == "__main__":
    main()
