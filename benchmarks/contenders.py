"""Who takes part in the suite, each in one of its processes; see suite.py.

A unit of work is an update, by itself or within a whole fit.
"""

__all__ = ["build"]

import os
from functools import partial
from itertools import islice

import numpy as np
from worker import serve

N_FIT_UPDATES = 2000
N_BATCHES = 20


def make_bits(n_features, batch_size, n_batches=N_BATCHES):
    """Give a table of random bits: the time of an update depends on its size alone."""
    rng = np.random.default_rng(0)
    return rng.random((n_batches * batch_size, n_features)) < 0.3


def make_rows(n_features, batch_size):
    """Give what whole fits learn from: digits where they have the right size."""
    if n_features != 64:
        return make_bits(n_features, batch_size)
    from sklearn.datasets import load_digits  # noqa: PLC0415

    return load_digits().data > 7


def floor(n_features, n_hidden, batch_size):
    """Do the five products that an update cannot do without, in float32."""
    rng = np.random.default_rng(0)
    V = rng.random((batch_size, n_features), dtype=np.float32)
    H = rng.random((batch_size, n_hidden), dtype=np.float32)
    W = rng.random((n_hidden, n_features), dtype=np.float32)

    def run(n_updates):
        for _ in range(n_updates):
            np.dot(V, W.T)
            np.dot(H, W)
            np.dot(V, W.T)
            np.dot(H.T, V)
            np.dot(H.T, V)

    return run


def _make_ours(n_hidden, batch_size, solver, n_updates):
    from skebm import BinaryRBM  # noqa: PLC0415

    return BinaryRBM(
        n_hidden,
        solver=solver,
        batch_size=batch_size,
        n_chains=batch_size,
        max_iter=n_updates,
        random_state=0,
    )


def bare_ours(n_features, n_hidden, batch_size, *, solver):
    """Make updates by this package, without start and measuring."""
    from skebm.learning.schedule import Schedule  # noqa: PLC0415

    X = make_bits(n_features, batch_size)
    rbm = _make_ours(n_hidden, batch_size, solver, 1).fit(X)
    state, rows = rbm._resume(), rbm._rows(X)
    learner = rbm._learner("pcd", state.model)

    def endless():
        while True:
            yield from learner.batches(state, rows)

    batches, schedule = endless(), Schedule(0.01)
    return lambda n: learner.run(state, islice(batches, n), schedule)


def bare_bernoulli(n_features, n_hidden, batch_size, *, dtype):
    """Make updates by BernoulliRBM, without start and checks."""
    from sklearn.neural_network import BernoulliRBM  # noqa: PLC0415

    X = make_bits(n_features, batch_size).astype(dtype)
    rbm = BernoulliRBM(n_hidden, batch_size=batch_size, n_iter=1, random_state=0).fit(X)
    rng = np.random.RandomState(0)

    def run(n_updates):
        for update in range(n_updates):
            start = update % N_BATCHES * batch_size
            rbm._fit(X[start : start + batch_size], rng)

    return run


def whole_ours(n_features, n_hidden, batch_size, *, solver):
    """Fit by this package, as users do."""
    X = make_rows(n_features, batch_size)
    rbm = _make_ours(n_hidden, batch_size, solver, N_FIT_UPDATES)
    return lambda n_updates: rbm.fit(X)


def whole_bernoulli(n_features, n_hidden, batch_size, *, dtype):
    """Fit by BernoulliRBM, with about as many updates."""
    from sklearn.neural_network import BernoulliRBM  # noqa: PLC0415

    X = make_rows(n_features, batch_size).astype(dtype)
    n_iter = round(N_FIT_UPDATES * batch_size / len(X))
    rbm = BernoulliRBM(n_hidden, batch_size=batch_size, n_iter=n_iter, random_state=0)
    return lambda n_updates: rbm.fit(X)


def _limit_torch():
    import torch  # noqa: PLC0415

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))


def _consume(updates):
    return lambda n_updates: next(islice(updates, n_updates - 1, None))


def torch_loop(n_features, n_hidden, batch_size, *, compiled):
    """Make updates by a plain loop in torch."""
    _limit_torch()
    from torch_loop import learn  # noqa: PLC0415

    rows = make_bits(n_features, batch_size)
    return _consume(learn(rows, n_hidden, batch_size=batch_size, compiled=compiled))


def rbms_loop(n_features, n_hidden, batch_size):
    """Make updates by rbms, centred, as is its default."""
    _limit_torch()
    from rbms_loop import learn  # noqa: PLC0415

    rows = make_bits(n_features, batch_size)
    settings = {"batch_size": batch_size, "n_chains": batch_size}
    return _consume(learn(rows, n_hidden, **settings))


def learnergy(n_features, n_hidden, batch_size):
    """Make updates by learnergy, of contrastive divergence: one sweep as well."""
    _limit_torch()
    import torch  # noqa: PLC0415
    from learnergy.models.bernoulli import RBM  # noqa: PLC0415

    rbm = RBM(n_features, n_hidden, learning_rate=0.01)

    def run(n_updates):
        rows = make_bits(n_features, batch_size, n_updates)
        rows = torch.tensor(rows, dtype=torch.float32)
        dataset = torch.utils.data.TensorDataset(rows, torch.zeros(len(rows)))
        # The loops above wait for their turn with gradients turned off.
        with torch.enable_grad():
            rbm.fit(dataset, batch_size=batch_size, epochs=1)

    return run


BARE = {
    "floor": floor,
    "sgd": partial(bare_ours, solver="sgd"),
    "natural": partial(bare_ours, solver="natural"),
    "BernoulliRBM float64": partial(bare_bernoulli, dtype="float64"),
    "BernoulliRBM float32": partial(bare_bernoulli, dtype="float32"),
    "torch compiled": partial(torch_loop, compiled=True),
    "torch eager": partial(torch_loop, compiled=False),
    "rbms": rbms_loop,
    "learnergy": learnergy,
}
WHOLE = {
    "floor": floor,
    "sgd": partial(whole_ours, solver="sgd"),
    "natural": partial(whole_ours, solver="natural"),
    "BernoulliRBM float64": partial(whole_bernoulli, dtype="float64"),
    "BernoulliRBM float32": partial(whole_bernoulli, dtype="float32"),
}


def build(kind, name, *size):
    """Give the work of a contender, and its number of units; see `serve`."""
    if kind == "update":
        return BARE[name](*size), None
    return WHOLE[name](*size), N_FIT_UPDATES


if __name__ == "__main__":
    serve(build)
