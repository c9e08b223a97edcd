import re

import numpy as np
import pytest
from models import EVERY, TABLES, annealed_rbm, contents, rows_for
from sklearn.base import clone
from sklearn.ensemble import IsolationForest
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline

from skebm import (
    BinaryRBM,
    BoltzmannMachine,
    DeepBeliefNetwork,
    DensityEnsemble,
    EnergyImputer,
    EnergyOutlierDetector,
    GaussianRBM,
    MixedRBM,
    log_partition_bounds,
)
from skebm.conditional.clamped_chains import ClampedChains
from skebm.estimator import verbosity
from skebm.estimator.verbosity import Lines, passing_verbose
from skebm.sampling.watching import watched
from skebm.units import data

X = np.random.default_rng(0).integers(2, size=(60, 6))


@pytest.fixture
def printed(capsys):
    """Give the lines printed since the last call, times left out."""

    def lines():
        out, err = capsys.readouterr()
        assert not err
        return [
            re.sub(r"\d+\.\d s|\d+ min|\d+\.\d h", "TIME", line)
            for line in out.splitlines()
        ]

    return lines


# ---- a fit ----


def test_the_lines_of_a_fit(printed):
    rbm = BinaryRBM(3, max_iter=250, n_chains=20, verbose=1, random_state=0).fit(X)
    training = [f"{value:.2f}" for value in rbm.history_["train_log_likelihood"]]
    rates = [f"{value:.2g}" for value in rbm.history_["learning_rate"]]
    assert printed() == [
        "[BinaryRBM] learning from 60 rows of 6 columns",
        *(
            f"[BinaryRBM] {n} of at most 250 updates, log-likelihood {training[i]}, "
            f"step size {rates[i]}, TIME passed{left}"
            for i, n, left in (
                (1, 100, ", up to about TIME left"),
                (2, 200, ", up to about TIME left"),
                (3, 250, ""),
            )
        ),
        "[BinaryRBM] ended after 250 updates, TIME",
    ]


def test_the_lines_of_a_fit_that_holds_rows_out(printed):
    rbm = BinaryRBM(
        3, early_stopping=True, max_iter=200, n_chains=20, verbose=True, random_state=0
    ).fit(X)
    held_out = rbm.history_["validation_log_likelihood"]
    best = np.argmax(held_out)
    first, line, *_, last = printed()
    assert first == "[BinaryRBM] learning from 54 rows of 6 columns, 6 held out"
    assert f", held out {held_out[1]:.2f}, step size" in line
    assert last == (
        f"[BinaryRBM] ended after {rbm.n_iter_} updates, highest held out "
        f"{held_out[best]:.2f} after {rbm.history_['n_iter'][best]}, TIME"
    )


@pytest.mark.parametrize(
    ("verbose", "most", "least"), [(0, 0, 0), (1, 17, 12), (2, 52, 52)]
)
def test_about_ten_lines_or_one_for_each_stage(printed, verbose, most, least):
    rbm = BinaryRBM(1, n_chains=2, batch_size=5, max_iter=5000, random_state=0)
    rbm.set_params(verbose=verbose).fit(X)
    assert least <= len(printed()) <= most


def test_a_fit_with_a_plan_of_many_iterations_shows_its_beginning(printed):
    machine = BoltzmannMachine(algorithm="exact", verbose=1).fit(X)
    lines = printed()
    assert lines[1].startswith(
        "[BoltzmannMachine] 1 of at most 20000 iterations, log-likelihood -"
    )
    assert lines[2].startswith("[BoltzmannMachine] 2 of at most 20000 iterations")
    assert lines[-1] == (
        f"[BoltzmannMachine] ended after {machine.n_iter_} iterations, TIME"
    )


def test_pseudolikelihoods_are_called_so(printed):
    BoltzmannMachine(algorithm="pseudolikelihood", verbose=1).fit(X)
    assert "iterations, pseudo-log-likelihood -" in printed()[1]


EVERY_LEARNER = {
    **{
        name: clone(model).set_params(max_iter=250)
        for name, model in (EVERY | TABLES).items()
    },
    "BinaryRBM, exact": BinaryRBM(2, algorithm="exact", alpha=0.01, random_state=0),
    "GaussianRBM, exact": GaussianRBM(2, algorithm="exact", tol=0.01, random_state=0),
    "MixedRBM, em": MixedRBM(2, algorithm="em", random_state=0),
    "DeepBeliefNetwork": DeepBeliefNetwork(
        (3, 2),
        estimator=BinaryRBM(max_iter=100, n_chains=20),
        fine_tune_iter=100,
        random_state=0,
    ),
    "DensityEnsemble": DensityEnsemble(random_state=0),
    "EnergyOutlierDetector": EnergyOutlierDetector(random_state=0),
    "EnergyImputer": EnergyImputer(random_state=0),
}


@pytest.mark.parametrize("name", EVERY_LEARNER)
def test_printing_changes_nothing(printed, name):
    rows = rows_for(name, X)
    silent = clone(EVERY_LEARNER[name]).fit(rows)
    assert not printed()
    loud = clone(silent).set_params(verbose=2).fit(rows)
    assert f"[{type(loud).__name__}]" in printed()[-1]
    for model in (silent, loud):
        for part in (model, *getattr(model, "estimators_", [])):
            part.set_params(verbose=0)
        for part in "estimator_", "_state":
            if hasattr(getattr(model, part, None), "verbose"):
                getattr(model, part).set_params(verbose=0)
    assert contents(loud) == contents(silent)


@pytest.mark.parametrize("name", EVERY_LEARNER)
@pytest.mark.parametrize("verbose", [-1, 0.5, "loud", None])
def test_other_values_are_refused(name, verbose):
    model = clone(EVERY_LEARNER[name]).set_params(verbose=verbose)
    with pytest.raises(ValueError, match=r"The 'verbose' parameter of .* must be"):
        model.fit(rows_for(name, X))


def test_the_lines_of_partial_fit(printed):
    rbm = BinaryRBM(3, n_chains=20, batch_size=10, verbose=1, random_state=0)
    rbm.partial_fit(X)
    assert not printed()  # six updates
    rbm.partial_fit(np.tile(X, (35, 1)))
    history = rbm.history_["train_log_likelihood"]
    assert printed() == [
        f"[BinaryRBM] {n} updates, log-likelihood {history[i]:.2f}, step size 0.1, "
        f"TIME passed{left}"
        for i, n, left in ((1, 100, ", up to about TIME left"), (2, 200, ""))
    ]


# ---- estimators of other estimators ----


def test_stacks_tell_of_their_layers_and_of_fine_tuning(printed):
    DeepBeliefNetwork(
        (3, 2),
        estimator=BinaryRBM(max_iter=100, n_chains=20),
        fine_tune_iter=200,
        verbose=1,
        random_state=0,
    ).fit(X)
    lines = [line for line in printed() if "log-likelihood" not in line]
    assert lines == [
        "[DeepBeliefNetwork] layer 1 of 2",
        "[BinaryRBM] learning from 60 rows of 6 columns",
        "[BinaryRBM] ended after 100 updates, TIME",
        "[DeepBeliefNetwork] layer 2 of 2",
        "[BinaryRBM] learning from 6000 rows of 3 columns",
        "[BinaryRBM] ended after 100 updates, TIME",
        "[DeepBeliefNetwork] fine tuning, 100 of 200 updates, TIME passed, "
        "up to about TIME left",
        "[DeepBeliefNetwork] fine tuning, 200 of 200 updates, TIME passed",
        "[DeepBeliefNetwork] ended, TIME",
    ]


def test_ensembles_tell_how_likely_rows_held_out_are(printed):
    x = np.random.default_rng(0).normal(size=(500, 1))
    detector = EnergyOutlierDetector(verbose=1, random_state=0).fit(x)
    lines = printed()
    held_out = [
        re.fullmatch(
            rf"\[DensityEnsemble\] {i} of 10 mixtures, held out (-\d\.\d\d), "
            "TIME passed(, up to about TIME left)?",
            line,
        )
        for i, line in enumerate(lines[1:11], start=1)
    ]
    # Normal rows have -1.42, with an error of 0.7 / sqrt(500), and the squeeze of far
    # ones about 0.05 more.
    assert np.mean([float(own[1]) for own in held_out]) == pytest.approx(-1.38, abs=0.1)
    usual = np.median(detector.estimator_.oob_scores_)
    assert lines[0] == "[DensityEnsemble] learning from 500 rows of 1 column"
    assert lines[11:] == [
        f"[DensityEnsemble] ended, half of the rows score above {usual:.2f}, TIME",
        "[EnergyOutlierDetector] DensityEnsemble learned, TIME",
        f"[EnergyOutlierDetector] outliers score below {detector.offset_:.2f}, TIME",
    ]


def test_ensembles_of_rows_that_are_all_equal_hold_none_out(printed):
    DensityEnsemble(n_mixtures=2, verbose=1, random_state=0).fit(np.zeros((1, 1)))
    assert printed()[:2] == [
        "[DensityEnsemble] learning from 1 row of 1 column",
        "[DensityEnsemble] 1 of 2 mixtures, TIME passed, up to about TIME left",
    ]


def test_imputers_tell_of_their_estimator(printed):
    EnergyImputer(verbose=1, random_state=0).fit(X.astype(float))
    lines = printed()
    assert lines[0] == "[MixedRBM] learning from 60 rows of 6 columns"
    assert lines[-1] == "[EnergyImputer] MixedRBM learned, TIME"


@pytest.mark.parametrize(
    ("estimator", "verbose"),
    [
        (BinaryRBM(), 1),
        (BinaryRBM(verbose=2), 2),
        (GaussianMixture(), 1),
        (IsolationForest(verbose=0), 1),
        (make_pipeline(BinaryRBM()), False),
    ],
)
def test_what_prints_less_is_made_to_print_as_much(estimator, verbose):
    assert passing_verbose(clone(estimator), 1).get_params()["verbose"] is verbose
    assert (
        passing_verbose(clone(estimator), 0).get_params()["verbose"]
        is (estimator.get_params()["verbose"])
    )


# ---- log Z ----


def test_the_lines_of_log_partition(printed):
    rbm, _ = annealed_rbm(0.5, verbose=1, log_partition_tol=0.1)
    assert not printed()
    value = rbm.log_partition()
    lines = printed()
    assert re.fullmatch(
        r"\[BinaryRBM\] log Z: annealing 100 chains at \d+ temperatures", lines[0]
    )
    assert lines[-1] == (
        f"[BinaryRBM] log Z = {value:.2f}, standard error "
        f"{rbm.log_partition_std_:.2g}, TIME"
    )
    rbm.score(np.zeros((1, 21)))  # which knows it
    assert not printed()
    log_partition_bounds(rbm.set_params(verbose=2), random_state=0)
    lines = printed()
    assert lines[0] == "[BinaryRBM] bounds of log Z: tempering 20 ladders in 1500 steps"
    assert "annealing 100 chains back at" in lines[-1]
    silent, _ = annealed_rbm(0.5, log_partition_tol=0.1)
    assert silent.log_partition() == value
    assert not printed()


def test_exact_sums_are_not_worth_a_line(printed):
    rbm = BinaryRBM.from_parameters(np.zeros((12, 12)), [0] * 12, [0] * 12, verbose=2)
    rbm.log_partition()
    assert not printed()


def test_the_lines_of_rows_with_gaps(printed):
    rbm, _ = annealed_rbm(0.5, log_partition_tol=0.1)
    rbm.log_partition()
    rows = np.where(np.arange(42).reshape(2, 21) % 3 > 0, np.nan, 1.0)
    silent = rbm.score_samples(rows), rbm.conditional_score_samples(rows)
    assert not printed()
    rbm.set_params(verbose=2)
    np.testing.assert_array_equal(rbm.score_samples(rows), silent[0])
    assert printed() == [
        "[BinaryRBM] scores: annealing 2 rows with gaps at 20 temperatures"
    ]
    rbm.score_samples(rows[:1])
    assert "annealing 1 row with gaps" in printed()[0]
    np.testing.assert_array_equal(rbm.conditional_score_samples(rows), silent[1])
    assert printed() == ["[BinaryRBM] conditionals: leaving out each of 21 features"]


def test_rows_with_gaps_say_how_far_they_are(monkeypatch, capsys):
    """All rows together, though chains are of two at a time, 2 s for each two."""
    rbm, _ = annealed_rbm(0.5, log_partition_tol=0.1, verbose=1)
    rbm.log_partition()
    capsys.readouterr()
    clock = Clock()
    monkeypatch.setattr(verbosity, "perf_counter", clock)
    monkeypatch.setattr(data, "BLOCK_ELEMENTS", 40 * 42)
    restart = ClampedChains.restart

    def later(*args):
        clock.now += 1
        return restart(*args)

    monkeypatch.setattr(ClampedChains, "restart", later)
    rbm.score_samples(np.tile(np.where(np.arange(21) % 3 > 0, np.nan, 1.0), (40, 1)))
    start = "[BinaryRBM] scores: annealing 40 rows with gaps at 20 temperatures"
    assert capsys.readouterr().out.splitlines() == [
        start,
        f"{start}, 25% done, 10.0 s passed, about 30.0 s left",
        f"{start}, 50% done, 20.0 s passed, about 20.0 s left",
        f"{start}, 75% done, 30.0 s passed, about 10.0 s left",
    ]


class Clock:
    """Seconds that pass as a test has it."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize(("verbose", "seconds"), [(1, 10), (2, 1)])
def test_runs_that_take_long_say_how_far_they_are(
    monkeypatch, capsys, verbose, seconds
):
    clock = Clock()
    monkeypatch.setattr(verbosity, "perf_counter", clock)
    lines = Lines(BinaryRBM(verbose=verbose))
    with lines.hearing("log Z"):
        for _ in watched(range(8), 8, "walking"):
            clock.now += seconds * 0.51
    out = capsys.readouterr().out.splitlines()
    whole = seconds * 0.51
    assert out == [
        "[BinaryRBM] log Z: walking",
        *(
            f"[BinaryRBM] log Z: walking, {n / 8:.0%} done, {n * whole:.1f} s passed, "
            f"about {(8 - n) * whole:.1f} s left"
            for n in (2, 4, 6)
        ),
    ]


def test_long_times_are_told_in_minutes_and_hours(monkeypatch, capsys):
    clock = Clock()
    monkeypatch.setattr(verbosity, "perf_counter", clock)
    lines = Lines(BinaryRBM(verbose=1))
    clock.now = 600.0
    lines.say_at_stage("one of 21", 1, 21)
    assert capsys.readouterr().out == (
        "[BinaryRBM] one of 21, 10 min passed, up to about 3.3 h left\n"
    )
