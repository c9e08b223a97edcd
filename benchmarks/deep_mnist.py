"""The bound of a deep belief network on MNIST beside its first machine alone.

    python benchmarks/deep_mnist.py FOLDER --layers 500 500

The folder holds mnist.npz with x_train and x_test, uint8 images. Pixels above half of
the scale are on. Scores are of test digits, in nats; the bound of the stack lies above
the log-likelihood of its first machine by at least the errors, or it does not.

The bound less the log-likelihood of the first machine is the mean of log p(h) of the
second less that of the first, for hidden units h drawn given digits. It is printed of
digits learned from as well: where these gain, and others do not, the second machine
has learned its rows by heart.

Log Z of machines of this size is not well known by annealing. With ``--draws N`` the
ratio of both is found from N draws of each, by Bennett's method, and so the difference
without either. It is right where both are drawn from alike: the estimates from draws of
either alone, which err to different sides, are printed beside it.

With ``--first FILE`` the first machine is learned once, and read by further runs.
"""

import argparse
import time
from pathlib import Path

import joblib
import numpy as np
from scipy.special import logsumexp
from tables import read_images

from skebm import BinaryRBM, DeepBeliefNetwork
from skebm.partition.weights import bridge

N_DRAWS = 8


class LearnedRBM(BinaryRBM):
    """A fitted machine that a stack takes as it is."""

    def __sklearn_clone__(self):
        return self

    def fit(self, X, y=None, sample_weight=None):
        """Leave the machine as it was."""
        return self


def learn_first(arguments, train):
    """Learn the first machine, or read it if it has been learned before."""
    file = arguments.first
    if file is not None and file.exists():
        return joblib.load(file)
    start = time.process_time()
    first = BinaryRBM(
        arguments.layers[0],
        algorithm=arguments.algorithm,
        max_iter=arguments.max_iter,
        log_partition_tol=arguments.tol,
        random_state=arguments.seed,
    ).fit(train)
    print(f"first machine learned in {time.process_time() - start:.0f} s", flush=True)
    if file is not None:
        first.log_partition()  # known from then on
        joblib.dump(first, file)
    return first


def fixed(first):
    """Make a machine that is not learned again of one that is fitted."""
    machine = LearnedRBM(**first.get_params())
    vars(machine).update(vars(first))
    return machine


def differences(stack, hidden):
    """Give log p(h) of the second machine less that of the first, but for log Z."""
    first, second = stack.estimators_
    turned = BinaryRBM.from_parameters(
        first.components_.T, first.intercept_hidden_, first.intercept_visible_
    )
    return turned.free_energy(hidden) - second.free_energy(hidden)


def draw_hidden(first, rows, rng):
    """Draw hidden units given rows."""
    mean = first.transform(rows)
    return rng.random(mean.shape) < mean


def compare_by_draws(stack, rows, n_samples, n_steps, seed):
    """Print the difference of the bound and the first machine, by draws of both."""
    rng = np.random.default_rng(seed)
    first, second = stack.estimators_
    settings = {"n_steps": n_steps, "random_state": seed}
    of_first = differences(
        stack, draw_hidden(first, first.sample(n_samples, **settings), rng)
    )
    of_second = differences(stack, second.sample(n_samples, **settings))
    equal = np.full(n_samples, 1 / n_samples)
    log_ratio, variance = bridge(of_first, of_second, equal)
    from_first = logsumexp(of_first) - np.log(n_samples)
    from_second = np.log(n_samples) - logsumexp(-of_second)
    print(f"by {n_samples} draws of {n_steps} sweeps, log Z of the top is above by")
    print(f"    {log_ratio:.2f} ({np.sqrt(variance):.2f}), ", end="")
    print(f"of draws of either {from_first:.2f}, {from_second:.2f}")
    for name, part in rows.items():
        gain = differences(stack, draw_hidden(first, part, rng)) - log_ratio
        error = np.sqrt(gain.var() / len(part) + variance)
        print(f"    bound raised, {name}: {gain.mean():.2f} ({error:.2f})", flush=True)


def compare(stack, rows):
    """Print the bound beside the first machine on some rows."""
    alone = stack.estimators_[0].score_samples(rows)
    bound, std = stack.score_samples(rows, return_std=True)
    difference = bound - alone
    errors = (
        difference.std() / np.sqrt(len(rows)),
        np.sqrt(np.square(std).sum()) / len(rows),
    )
    print(f"first machine, log-likelihood: {alone.mean():8.2f}")
    print(f"stack, lower bound:            {bound.mean():8.2f}")
    print(f"    difference:                {difference.mean():8.2f}")
    print(
        "    errors, of rows and draws: "
        + ", ".join(f"{error:.3f}" for error in errors)
    )


def read_arguments():
    """Read the arguments; give their parser as well."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--layers", type=int, nargs="+", default=[500, 500])
    parser.add_argument("--algorithm", default="pcd", help="of the first layer")
    parser.add_argument("--max-iter", type=int, default=20_000, help="of the first")
    parser.add_argument("--top-iter", type=int, help="of others, if not as the first")
    parser.add_argument("--top-stops", action="store_true", help="others stop early")
    parser.add_argument("--not-turned", action="store_true")
    parser.add_argument("--fine-tune-iter", type=int, default=0)
    parser.add_argument("--first", type=Path, help="file of the first machine")
    parser.add_argument("--save", type=Path, help="file for the stack")
    parser.add_argument("--train-rows", type=int, default=60_000)
    parser.add_argument("--test-rows", type=int, default=10_000)
    parser.add_argument("--tol", type=float, default=0.1, help="error of log Z")
    parser.add_argument("--draws", type=int, default=0, help="of two layers")
    parser.add_argument("--n-steps", type=int, default=1000, help="sweeps for draws")
    parser.add_argument("--seed", type=int, default=0)
    return parser, parser.parse_args()


def main():
    parser, arguments = read_arguments()
    file = arguments.folder / "mnist.npz"
    if not file.exists():
        parser.exit(1, f"{file} is absent: this benchmark needs MNIST.\n")
    if arguments.draws and (len(arguments.layers) != 2 or arguments.fine_tune_iter):
        parser.error("--draws compares two layers that are not fine tuned")
    train, test = read_images(file)
    train, test = train[: arguments.train_rows], test[: arguments.test_rows]
    first = learn_first(arguments, train)
    start = time.process_time()
    stack = DeepBeliefNetwork(
        (fixed(first), *arguments.layers[1:]),
        estimator=BinaryRBM(
            max_iter=arguments.top_iter or arguments.max_iter,
            early_stopping=arguments.top_stops,
            log_partition_tol=arguments.tol,
        ),
        turned=not arguments.not_turned,
        fine_tune_iter=arguments.fine_tune_iter,
        n_draws=N_DRAWS,
        random_state=arguments.seed,
    ).fit(train)
    stack.estimators_[0] = first  # whose class other scripts know
    stack.set_params(layers=(first.n_components, *arguments.layers[1:]))
    print(f"layers {[first.n_components, *arguments.layers[1:]]}, ", end="")
    print(f"first by {first.algorithm}, {first.n_iter_} updates")
    print(f"others learned in {time.process_time() - start:.0f} s, ", end="")
    print(f"updates {[layer.n_iter_ for layer in stack.estimators_[1:]]}", flush=True)
    if arguments.save is not None:
        joblib.dump(stack, arguments.save)
    print("digits held out")
    compare(stack, test)
    print("digits learned from")
    compare(stack, train[: len(test)])
    print("log Z and its error, both shift all rows alike")
    layers = {"first machine": first, "top": stack.estimators_[-1]}
    for name, layer in layers.items():
        print(f"    {name:15}{layer.log_partition_:10.2f} ", end="")
        print(f"({layer.log_partition_std_:.2f})", flush=True)
    if arguments.draws:
        compare_by_draws(
            stack,
            {"held out": test, "learned from": train[: len(test)]},
            arguments.draws,
            arguments.n_steps,
            arguments.seed,
        )
    few = test[:100]
    gap, gap_std = stack.bound_gap(few)
    error = np.sqrt(np.square(gap_std).sum()) / len(few)
    print(f"gap of 100 digits: {gap.mean():.2f} ({error:.2f})")
    print(f"all in {time.process_time() - start:.0f} s of the processor")


if __name__ == "__main__":
    main()
