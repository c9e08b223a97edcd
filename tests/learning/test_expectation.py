"""Expectation maximisation, against the likelihood that it is to climb."""

from functools import partial

import numpy as np
import pytest
from mixed_tables import KINDS, random_energy, random_rows
from scipy.special import softmax
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skebm import MixedRBM
from skebm.learning.contrastive import LearningState
from skebm.learning.expectation import ExpectationMaximisation
from skebm.learning.lbfgs import LBFGS
from skebm.learning.penalty import elastic_net
from skebm.sampling.random import UniformNoise
from skebm.units.data import Rows

MEASURED = "train_log_likelihood"


class Report:
    """Keeps the machine after each iteration; asks for the end after so many."""

    def __init__(self, n_iterations=None):
        self.n_iterations, self.n_begun = n_iterations, 0
        self.energies = []

    def begin(self):
        self.n_begun += 1

    def end(self, history):
        assert history["n_iter"] == list(range(1, self.n_begun + 1))
        assert self.state.n_updates == self.n_begun
        assert self.state.averaged is self.state.model
        self.energies.append(self.state.model)
        return self.n_begun == self.n_iterations


class Table:
    """Rows with gaps, as learning reads them, and as tests do."""

    def __init__(self, energy, n_rows=60, *, missing=0.3):
        _, self.observed, self.weights = random_rows(energy, n_rows, missing=missing)
        other = energy.unravel(2 * energy.ravel()[::-1]).with_noise(energy.noise)
        hidden, rng = other.every_hidden(), np.random.default_rng(1)
        law = softmax(-other.hidden_free_energy(hidden))
        drawn = hidden[rng.choice(len(hidden), n_rows, p=law)]
        noise = UniformNoise(rng, np.float64)
        self.values = other.visible_of(drawn, noise).astype(float)
        table = np.where(self.observed, self.values, np.nan)
        rows = Rows(table, None, has_missing=bool((~self.observed).any()))
        self.rows = rows.weighted(self.weights)

    def likelihood(self, energy):
        """Mean log-likelihood less what the ridge costs, and its derivatives."""
        value, positive = energy.observed_phase(
            self.values, self.observed, self.weights
        )
        log_partition, negative = energy.negative_phase()
        return value - log_partition, positive - negative


def learn(
    energy,
    table,
    *,
    learner=ExpectationMaximisation,
    max_iter=5000,
    alpha=0.0,
    l1_ratio=0.0,
    tol=1e-12,
    n_stop=None,
):
    """Learn from a table, to the optimum unless told otherwise: else this warns."""
    mean = np.full(energy.n_visible, 0.4)
    mean[energy.real_columns] = 0
    energy = energy.centred(mean)
    state, report = LearningState(energy, energy, None, None, {}), Report(n_stop)
    report.state = state
    made = learner(max_iter, alpha, l1_ratio, tol)
    history = made.run(state, table.rows, report)
    return made.result(state), report, history


def penalised(energy, table, alpha, l1_ratio=0.0):
    cost = elastic_net(energy.weights, alpha=alpha, l1_ratio=l1_ratio)
    return table.likelihood(energy)[0] - cost


@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize(("alpha", "l1_ratio"), [(0.0, 0.0), (0.05, 0.0), (0.05, 0.5)])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore:Learning has not converged")
def test_no_iteration_goes_down(kind, alpha, l1_ratio, missing):
    energy = random_energy(**KINDS[kind])
    table = Table(energy, missing=missing)
    _, report, _ = learn(energy, table, alpha=alpha, l1_ratio=l1_ratio, max_iter=15)
    values = [
        penalised(own, table, alpha, l1_ratio) for own in [energy, *report.energies]
    ]
    assert (np.diff(values) > -1e-10).all()
    assert values[-1] > values[0] + 0.02


@pytest.mark.slow
@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize("kind", ["full", "diag", "no groups"])
def test_it_ends_where_the_likelihood_is_flat(kind, missing):
    energy = random_energy(**KINDS[kind])
    table, alpha = Table(energy, missing=missing), 0.05
    found, _, _ = learn(energy, table, alpha=alpha, tol=1e-10)
    _, slope = table.likelihood(found)
    slope = slope.ravel()
    slope[: found.weights.size] -= alpha * found.weights.ravel()
    assert np.abs(slope).max() < 3e-3
    _, start = table.likelihood(energy)
    assert np.abs(start.ravel()).max() > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize("kind", KINDS)
def test_lbfgs_gains_nothing_from_there(kind, missing):
    """And of the two from the same start, neither is far above the other."""
    energy = random_energy(**KINDS[kind])
    table, alpha = Table(energy, missing=missing), 0.05
    found, _, _ = learn(energy, table, alpha=alpha, tol=1e-9)
    value = penalised(found, table, alpha)
    assert value > penalised(energy, table, alpha) + 0.1
    for start, most in ((found, 1e-3), (energy, 0.2)):
        other, _, _ = learn(start, table, alpha=alpha, tol=1e-4, learner=LBFGS)
        assert abs(penalised(other, table, alpha) - value) < most


def test_l1_makes_weights_zero():
    energy = random_energy()
    found, _, _ = learn(energy, Table(energy), alpha=0.03, l1_ratio=0.9, tol=1e-6)
    assert 0.2 < np.mean(found.weights == 0) < 1


def test_history_is_the_likelihood_before_each_update():
    energy = random_energy()
    table = Table(energy)
    _, report, history = learn(energy, table, alpha=0.1, tol=1e-6)
    assert set(history) == {"n_iter", MEASURED}
    exact = [table.likelihood(own)[0] for own in [energy, *report.energies]]
    ridges = [own.ridge / 2 * (own.noise.whitening**2).sum() for own in report.energies]
    # What is measured is without the ridge, which the maximum heeds.
    start = energy.ridge / 2 * (energy.noise.whitening**2).sum()
    expected = np.array(exact[:-1]) + np.array([start, *ridges[:-1]])
    np.testing.assert_allclose(history[MEASURED], expected, rtol=0, atol=1e-10)


def test_it_stops_when_asked_to():
    energy = random_energy()
    found, report, history = learn(energy, Table(energy), n_stop=3)
    assert found is report.energies[-1]
    assert history["n_iter"] == [1, 2, 3]


def test_too_few_iterations_are_told_of():
    energy = random_energy()
    with pytest.warns(
        ConvergenceWarning, match="not converged after 3 iterations"
    ) as w:
        learn(energy, Table(energy), max_iter=3)
    assert len(w) == 1
    with pytest.warns(
        ConvergenceWarning, match=r"above tol=1\.0e-12\. Increase max_it"
    ):
        learn(energy, Table(energy), max_iter=1)


def test_rows_of_which_nothing_is_known_say_nothing():
    """But for what penalty and ridge count beside the others."""
    energy = random_energy()
    table = Table(energy)
    found, _, _ = learn(energy, table, alpha=0.1, tol=1e-8)
    seen = table.observed.any(axis=1)
    share = table.weights[seen].sum()
    assert share < 0.99
    table.rows = table.rows.subset(np.flatnonzero(seen))
    energy = energy.replaced(ridge=energy.ridge / share)
    other, _, _ = learn(energy, table, alpha=0.1 / share, tol=1e-8)
    values = [table.likelihood(own)[0] for own in (found, other)]
    assert values[0] == pytest.approx(values[1], abs=2e-3)


# ---- through the estimator ----


def small_table(n_rows=120):
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, n_rows)
    table = np.empty((n_rows, 3), dtype=object)
    table[:, 0] = np.where(rng.random(n_rows) < 0.9, kind, 1 - kind).astype(str)
    table[:, 1] = 3 * kind + rng.normal(size=n_rows)
    table[:, 2] = rng.normal(size=n_rows) - kind
    table[rng.random(table.shape) < 0.15] = None
    return table


make = partial(
    MixedRBM, 1, n_groups=2, straighten=False, spike_share=1.0, random_state=0
)


def test_the_estimator_is_as_likely_as_by_lbfgs():
    X = small_table()
    scores = {
        algorithm: make(algorithm=algorithm, tol=tol, max_iter=1000).fit(X).score(X)
        for algorithm, tol in {"em": 1e-6, "exact": 1e-4}.items()
    }
    # What the penalty leaves open, and that much of the way.
    assert scores["em"] == pytest.approx(scores["exact"], abs=0.02)


@pytest.mark.parametrize("with_gaps", [False, True])
def test_history_of_the_estimator(with_gaps):
    X = small_table()
    X = X if with_gaps else X[[all(value is not None for value in row) for row in X]]
    model = make(tol=1e-5, max_iter=500).fit(X)
    assert set(model.history_) == {"n_iter", MEASURED}
    assert model.n_iter_ == model.history_["n_iter"][-1]
    measured, gaps = model.history_[MEASURED], []
    for n_iter in (1, 3):
        with pytest.warns(ConvergenceWarning):
            early = clone(model).set_params(max_iter=n_iter, tol=1e-9).fit(X)
        np.testing.assert_allclose(
            early.history_[MEASURED], measured[:n_iter], rtol=0, atol=1e-3
        )
        gaps.append(early.score(X) - measured[n_iter])
    # Missing numbers count as if they were missing of standard columns: a constant.
    assert gaps[0] == pytest.approx(gaps[1], abs=1e-6)
    assert (np.abs(gaps).max() < 1e-6) == (not with_gaps)


def test_the_estimator_warns_of_too_few_iterations():
    with pytest.warns(ConvergenceWarning, match="not converged after 2 iterations"):
        model = make(max_iter=2, tol=1e-9).fit(small_table())
    assert model.n_iter_ == 2


def test_callbacks_are_told_of_every_iteration():
    calls = []

    class Listener:
        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context, *, fitted_estimator):
            calls.append(fitted_estimator.n_iter_)

    model = make(tol=1e-5, max_iter=500).set_callbacks(Listener()).fit(small_table())
    assert calls == [*range(1, model.n_iter_ + 1), model.n_iter_]


def test_a_fit_that_fails_leaves_what_was():
    X = small_table()
    model = make().fit(X)
    before = {name: id(value) for name, value in vars(model).items()}
    bad = X.copy()
    bad[0, 1] = np.inf
    for fit in (model.fit, make().fit):
        with pytest.raises(ValueError, match="infinity"):
            fit(bad)
    assert {name: id(value) for name, value in vars(model).items()} == before
    unfitted = make()
    with pytest.raises(ValueError, match="infinity"):
        unfitted.fit(bad)
    assert not [name for name in vars(unfitted) if name.endswith("_")]


def test_interrupts_before_the_first_iteration_leave_what_was():
    X = small_table()
    model = make().fit(X)
    before = model.score_samples(X)

    class Interrupt:
        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            raise KeyboardInterrupt

        def on_fit_task_end(self, estimator, context):
            pass

    model.set_callbacks(Interrupt())
    with pytest.raises(KeyboardInterrupt):
        model.fit(X[:50])
    np.testing.assert_array_equal(model.score_samples(X), before)


@pytest.mark.parametrize("early_stopping", [True])
def test_nothing_is_held_out_from_it(early_stopping):
    model = make(algorithm="em", early_stopping=early_stopping)
    with pytest.raises(ValueError, match="early_stopping needs a stochastic algorithm"):
        model.fit(small_table())
