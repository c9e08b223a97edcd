"""Time to a held-out log-likelihood: 500 hidden units on thresholded MNIST, one thread.

    python benchmarks/mnist_clock.py MNIST.npz LEARNER [--seconds 60] [--target -90]
        [--settings '{"solver": "sgd"}'] [--save clock.json]

LEARNER is BinaryRBM, BernoulliRBM or rbms, and the settings go to it; run the last
with an interpreter that has rbms 0.6. The file holds x_train and x_test, uint8 images.

Each learner is stopped after so many seconds of processor time, which on one thread is
wall time but for other work on the machine. Its parameters are copied along the way and
judged afterwards, all by annealing of this package in both directions, of which the one
counts that says less: the first copy that reaches the target is found by halving, and
judged again with more steps. A learner that is below the target at the end is judged at
a few times along the way, and the best of these counts as its end.
"""

import argparse
import json
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

from mnist_bounds import judge
from sklearn.neural_network import BernoulliRBM
from tables import read_images
from threadpoolctl import threadpool_limits

from skebm import BinaryRBM, log_partition_bounds

N_HIDDEN = 500
N_COPIES = 60
N_TRIED = 6

# Of the annealing that looks for the copy; the one found is judged with more.
SEARCH = {"tol": 0.1, "max_temperatures": 1000, "n_chains": 50, "n_steps": 500}


class Enough(Exception):  # noqa: N818
    """The time is over."""


class Clock:
    """Copies parameters at even intervals of processor time, up to an end."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.copies = []
        self._wall = time.perf_counter()
        self._start = time.process_time()
        self._spent_copying = 0.0

    def tick(self, n_updates, parameters):
        """Call `parameters` where a copy is due; the copying is not counted."""
        now = time.process_time()
        passed = now - self._start - self._spent_copying
        if passed >= self.seconds * (len(self.copies) + 1) / N_COPIES:
            self.copies.append((passed, n_updates, parameters()))
            self._spent_copying += time.process_time() - now
        if passed >= self.seconds:
            raise Enough

    def wall(self):
        """Give the wall time since the start, copying included."""
        return time.perf_counter() - self._wall


class Copier:
    """Callback of scikit-learn that lets a clock tick after each stage of a fit."""

    def __init__(self, clock):
        self.clock = clock

    def setup(self, estimator, context):
        """Do nothing before a fit."""

    def teardown(self, estimator, context):
        """Do nothing after a fit."""

    def on_fit_task_begin(self, estimator, context):
        """Do nothing before a stage."""

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        """Copy what the estimator would be if it were fitted by now."""
        self.clock.tick(fitted_estimator.n_iter_, lambda: parameters(fitted_estimator))


def parameters(rbm):
    """Copy the parameters of an estimator."""
    names = ("components_", "intercept_visible_", "intercept_hidden_")
    return [getattr(rbm, name).copy() for name in names]


def fit_here(train, clock, settings):
    """Learn by BinaryRBM; `max_iter` says over how many updates the step size falls."""
    rbm = BinaryRBM(N_HIDDEN, **{"random_state": 0, **settings})
    rbm.set_callbacks(Copier(clock)).fit(train)


def fit_bernoulli(train, clock, settings):
    """Learn by BernoulliRBM, on float32 rows, with which it is faster."""

    class Watched(BernoulliRBM):
        n_updates = 0

        def _fit(self, batch, rng):
            super()._fit(batch, rng)
            self.n_updates += 1
            clock.tick(self.n_updates, lambda: parameters(self))

    settings = {"n_iter": 10**6, "random_state": 0, **settings}
    Watched(N_HIDDEN, **settings).fit(train.astype("float32"))


def fit_rbms(train, clock, settings):
    """Learn by rbms; batch and chains are those found best in mnist_peer.py."""
    import torch  # noqa: PLC0415
    from rbms_loop import learn  # noqa: PLC0415

    torch.set_num_threads(1)
    settings = {"batch_size": 200, "n_chains": 500, **settings}

    def copied(model):
        named = model.named_parameters()
        weights, *biases = (named[k] for k in ("weight_matrix", "vbias", "hbias"))
        return [part.copy() for part in (weights.T, *biases)]

    for n_updates, model in enumerate(learn(train, N_HIDDEN, **settings), start=1):
        clock.tick(n_updates, partial(copied, model))


LEARNERS = {"BinaryRBM": fit_here, "BernoulliRBM": fit_bernoulli, "rbms": fit_rbms}


class Judge:
    """Scores copies on test rows by annealing, each once."""

    def __init__(self, copies, train, test):
        self.copies = copies
        self._train, self._test = train, test
        self._scores = {}

    def machine(self, index):
        """Make an estimator of a copy."""
        _, _, copy = self.copies[index]
        return BinaryRBM.from_parameters(*copy, X=self._train, random_state=0)

    def score(self, index):
        """Give the mean test log-likelihood of a copy; print it when it is new."""
        index %= len(self.copies)
        if index not in self._scores:
            rbm = self.machine(index)
            bounds = log_partition_bounds(
                rbm, X=self._test[:1000], random_state=0, **SEARCH
            )
            # Of machines that have gone astray one direction sees but a part.
            log_partition = max(bounds.lower, bounds.upper)
            score = float(-rbm.free_energy(self._test).mean() - log_partition)
            seconds, n_updates, _ = self.copies[index]
            print(f"{seconds:8.1f} {n_updates:9d} {score:10.2f}", flush=True)
            self._scores[index] = score
        return self._scores[index]

    def first(self, target):
        """Find by halving the first copy that reaches the target, or None."""
        low, high = 0, len(self.copies) - 1
        if self.score(high) < target:
            high = self.best()
        if self.score(high) < target:
            return None
        while low < high:
            middle = (low + high) // 2
            if self.score(middle) >= target:
                high = middle
            else:
                low = middle + 1
        return high

    def best(self):
        """Find the best of copies spread over the whole time."""
        step = max(1, len(self.copies) // N_TRIED)
        return max(range(step - 1, len(self.copies), step), key=self.score)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("learner", choices=LEARNERS)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--target", type=float, default=-90)
    parser.add_argument("--settings", type=json.loads, default={})
    parser.add_argument(
        "--n-steps", type=int, default=3000, help="0: do not judge again"
    )
    parser.add_argument("--save", type=Path, help="adds to what is in the file")
    arguments = parser.parse_args()
    if not arguments.file.exists():
        parser.exit(1, f"{arguments.file} is absent: this benchmark needs MNIST.\n")
    train, test = read_images(arguments.file)
    print(f"{arguments.learner} {arguments.settings}")
    clock = Clock(arguments.seconds)
    with threadpool_limits(1), suppress(Enough):
        LEARNERS[arguments.learner](train, clock, arguments.settings)
    print(f"{arguments.seconds:.0f} s of processor time in {clock.wall():.0f} s")
    print(" seconds   updates  test nats")
    scored = Judge(clock.copies, train, test)
    found = scored.first(arguments.target)
    reached = found is not None
    if not reached:
        found = scored.best()
    print(
        f"first to reach {arguments.target}:"
        if reached
        else "not reached; at its best:"
    )
    seconds, n_updates, _ = clock.copies[found]
    score = scored.score(found)
    print(f"{seconds:.1f} s, {n_updates} updates, {score:.2f}")
    if arguments.save:
        arguments.save.touch()
        entries = json.loads(arguments.save.read_text() or "[]")
        entry = {
            "learner": arguments.learner,
            "settings": arguments.settings,
            "target": arguments.target,
            "limit": arguments.seconds,
            "reached": reached,
            "seconds": seconds,
            "n_updates": n_updates,
            "log_likelihood": score,
        }
        arguments.save.write_text(json.dumps([*entries, entry], indent=1))
    if arguments.n_steps:
        judge(scored.machine(found), test, arguments.n_steps)


if __name__ == "__main__":
    main()
