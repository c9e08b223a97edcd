"""log Z: known once computed, of parameters and settings as they are; estimated."""

from contextlib import nullcontext
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from models import (
    BINARY,
    MODELS,
    annealed_rbm,
    attribute_of,
    contents,
    every_row,
    model_of,
    random_model,
    random_parameters,
    rows_for,
)
from scipy.special import gammaln, logsumexp
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from skebm import BinaryRBM, BoltzmannMachine
from skebm.partition.effort import Effort
from skebm.partition.estimate import PartitionEstimate
from skebm.partition.log_partition import compute_log_partition

NAMES = (
    "log_partition_",
    "log_partition_std_",
    "log_partition_effective_sample_size_",
)
EDITS = [(name, part) for name in MODELS for part in random_parameters(name)]

every_model = pytest.mark.parametrize("name", MODELS)
every_edit = pytest.mark.parametrize(("name", "part"), EDITS)


def edit_in_place(array):
    array *= 1.5
    return array


def put_another(array):
    return array * 1.5


def rows_of(name, n_features=4, n_rows=20):
    rng = np.random.default_rng(1)
    return rows_for(name, rng.integers(2, size=(n_rows, n_features)).astype(float))


def computing(**behaviour):
    """Let something else stand for the computation of log Z."""
    where = "skebm.estimator.likelihood.compute_log_partition"
    return mock.patch(where, **behaviour)


def forbidding():
    return computing(side_effect=AssertionError("log Z is computed here"))


def large_model(name):
    """A model of whose layers none is summed over in `fit`."""
    return random_model(name, n_features=12, n_hidden=3 if "Latent" in name else 11)


# ---- parameters that users change ----


@every_edit
@pytest.mark.parametrize("edit", [edit_in_place, put_another])
def test_scores_are_those_of_parameters_as_they_are(name, part, edit):
    parameters = random_parameters(name)
    model, X = model_of(name, parameters), rows_of(name)
    before = model.score_samples(X)
    attribute = attribute_of(model, part)
    setattr(model, attribute, edit(getattr(model, attribute)))
    changed = model_of(name, parameters | {part: 1.5 * parameters[part]})
    after = model.score_samples(X)
    assert np.abs(after - before).max() > 0.01
    np.testing.assert_allclose(after, changed.score_samples(X), atol=1e-12)
    assert model.log_partition_ == pytest.approx(changed.log_partition_, abs=1e-12)
    if name in BINARY:
        total = np.exp(model.score_samples(every_row(name))).sum()
        assert total == pytest.approx(1, abs=1e-12)


@every_edit
def test_an_estimate_is_not_that_of_other_parameters(name, part):
    model = large_model(name)
    before = model.log_partition()
    array = getattr(model, attribute_of(model, part))
    array *= 1.01
    for attribute in NAMES:
        assert not hasattr(model, attribute)
    with pytest.raises(AttributeError, match=r"not known yet. Call log_partition\(\)"):
        model.log_partition_  # noqa: B018
    assert model.log_partition() != before


@pytest.mark.parametrize("name", [name for name in BINARY if name != "BinaryRBM"])
def test_a_single_coupling_counts(name):
    model = random_model(name)
    couplings = getattr(model, "visible_couplings_", getattr(model, "couplings_", None))
    model.score(every_row(name))
    couplings[0, 1] += 1e-3
    couplings[1, 0] += 1e-3
    total = np.exp(model.score_samples(every_row(name))).sum()
    assert total == pytest.approx(1, abs=1e-12)


@every_model
def test_what_chains_learn_from_does_not_change_with_attributes(name):
    """Learning goes on from where it stands, not from what attributes were made."""
    models = [random_model(name) for _ in range(2)]
    for attribute in models[0]._parameter_names:
        value = getattr(models[0], attribute)
        setattr(models[0], attribute, 0.5 + 0 * value)
    learned = [model.partial_fit(rows_of(name)) for model in models]
    for attribute in learned[0]._parameter_names:
        np.testing.assert_array_equal(*(getattr(model, attribute) for model in learned))


# ---- when it is known ----


@every_model
def test_a_small_layer_is_summed_over_at_once(name):
    X = rows_of(name, 12)
    fitted = clone(MODELS[name]).fit(X[:, :4])
    for model in random_model(name), fitted:
        with forbidding():
            assert model.log_partition_ == model.log_partition()
            assert model.log_partition_std_ == 0
            assert model.log_partition_effective_sample_size_ == np.inf


@every_model
def test_of_larger_layers_it_is_not_known_before_it_is_asked_for(name):
    model = large_model(name)
    before = contents(model)
    with forbidding():
        for attribute in NAMES:
            assert not hasattr(model, attribute)
            with pytest.raises(AttributeError, match="not known yet"):
                getattr(model, attribute)
        assert set(NAMES).isdisjoint(dir(model))
        assert "log_partition_std_" not in model._repr_html_()
        assert repr(model).startswith(type(model).__name__)
        assert contents(model) == before
        with pytest.raises(AssertionError, match="is computed here"):
            model.log_partition()
    assert contents(model) == before


@every_model
@pytest.mark.parametrize("method", ["score", "score_samples", "log_partition"])
def test_it_is_known_once_it_has_been_asked_for(name, method):
    model, X = large_model(name), rows_of(name, 12)
    getattr(model, method)(*([] if method == "log_partition" else [X]))
    with forbidding():
        assert model.log_partition() == model.log_partition_
        assert np.isfinite(model.score(X))
    assert model.log_partition_std_ == 0  # of 11 or 12 units it is still exact
    assert "log_partition_std_" in model._repr_html_()
    assert set(NAMES) <= set(dir(model))


@every_model
@pytest.mark.parametrize(
    ("setting", "value"),
    [("log_partition_tol", 0.01), ("max_ais_temperatures", 7), ("n_ais_chains", 33)],
)
def test_other_settings_ask_for_another_estimate(name, setting, value):
    model = large_model(name)
    model.log_partition()
    before = getattr(model, setting)
    assert not hasattr(model.set_params(**{setting: value}), "log_partition_")
    assert hasattr(model.set_params(**{setting: before}), "log_partition_")


@every_model
@pytest.mark.parametrize("learn", ["fit", "partial_fit"])
def test_learning_forgets_it(name, learn):
    X = rows_of(name)
    model = clone(MODELS[name]).fit(X)
    before = model.log_partition()
    getattr(model, learn)(rows_of(name)[::-1, ::-1])
    assert hasattr(model, "log_partition_") == (learn == "fit")
    assert model.log_partition() != before


@every_model
def test_before_a_fit_there_is_none(name):
    model = clone(MODELS[name])
    for attribute in NAMES:
        assert not hasattr(model, attribute)
    with pytest.raises(NotFittedError):
        model.log_partition()


# ---- estimates ----


@pytest.fixture
def annealed(monkeypatch):
    """Anneal also where weighing draws of the mixture takes less."""
    monkeypatch.setattr("skebm.partition.log_partition._MOST_DRAWS", 0)


@pytest.mark.usefixtures("annealed")
@pytest.mark.parametrize("scale", [0.1, 1.0, 2.0])
def test_annealing_takes_over_where_enumeration_ends(scale):
    estimates = set()
    for seed in range(4):
        rbm, exact = annealed_rbm(scale, random_state=seed)
        estimates.add(rbm.log_partition())
        assert 0 < rbm.log_partition_std_ <= 0.03
        assert abs(rbm.log_partition_ - exact) < 3.5 * rbm.log_partition_std_
        assert 50 < rbm.log_partition_effective_sample_size_ <= 100
    assert len(estimates) == 4


@pytest.mark.parametrize("scale", [0.1, 1.0, 2.0])
def test_draws_are_weighed_where_that_takes_less(scale):
    sizes = []
    for seed in range(4):
        rbm, exact = annealed_rbm(scale, random_state=seed)
        rbm.log_partition()
        assert 0 < rbm.log_partition_std_ <= 0.03
        assert abs(rbm.log_partition_ - exact) < 3.5 * rbm.log_partition_std_
        sizes.append(rbm.log_partition_effective_sample_size_)
    # More than there are chains.
    assert max(sizes) > 100


def test_annealing_starts_from_the_means_of_the_data():
    """Without weights that is where it ends as well: one step has little error."""
    X = (np.random.default_rng(0).random((500, 22)) < 0.05).astype(float)
    mean = (X.sum(axis=0) + 0.5) / (len(X) + 1)
    parameters = np.zeros((21, 22)), np.log(mean / (1 - mean)), np.zeros(21)
    settings = {"max_ais_temperatures": 1, "log_partition_tol": 0.1}
    rbm = BinaryRBM.from_parameters(*parameters, X=X, **settings, random_state=0)
    exact = 21 * np.log(2) - np.log(1 - mean).sum()
    assert abs(rbm.log_partition() - exact) < 3 * rbm.log_partition_std_
    assert rbm.log_partition_std_ < 0.06


@pytest.mark.usefixtures("annealed")
def test_few_chains():
    rbm, _ = annealed_rbm(0.1, n_ais_chains=4)
    rbm.log_partition()
    assert 3 < rbm.log_partition_effective_sample_size_ <= 4


@pytest.mark.usefixtures("annealed")
def test_an_error_above_the_tolerance_is_named():
    rbm, _ = annealed_rbm(3.0, max_ais_temperatures=3)
    pattern = r"error is \S+ nats after 3 temperatures, above the wanted 0.03"
    with pytest.warns(ConvergenceWarning, match=pattern):
        rbm.score_samples(np.zeros((1, 21)))
    assert rbm.log_partition_std_ > 0.03


@pytest.mark.parametrize(
    ("upper", "warns"), [(9.4, True), (9.45, False), (10.55, False), (10.6, True)]
)
def test_directions_that_disagree_by_more_than_their_errors_are_warned_of(upper, warns):
    estimate = PartitionEstimate.from_exact(10.0)
    estimate = replace(estimate, lower_std=0.02, upper_std=0.02, upper=upper)
    (rbm, _), X = annealed_rbm(1.0), np.zeros((1, 21))
    with computing(return_value=estimate):
        if warns:
            with pytest.warns(ConvergenceWarning, match=r"10.00 forwards and .* backw"):
                rbm.score(X)
        rbm.score(X)  # once is enough: any other warning is an error
    assert rbm.log_partition_ == 10.0


def test_other_states_are_another_model():
    """Of which the same parameters are those of spins."""
    machine = model_of("BoltzmannMachine", random_parameters("BoltzmannMachine"))
    rows = every_row("BoltzmannMachine")
    machine.score(rows)
    machine.set_params(states=(-1, 1), binarize=0)
    total = np.exp(machine.score_samples(2 * rows - 1)).sum()
    assert total == pytest.approx(1, abs=1e-10)


def test_groups_that_chains_do_not_leave_are_counted():
    """Data of two rows, the rarer one in 50 of 1000."""
    X = np.repeat([[0] * 25, [1] * 25], [950, 50], axis=0)
    machine = BoltzmannMachine(random_state=0).fit(X)
    two = -machine.free_energy(np.array([[0] * 25, [1] * 25]))
    assert machine.log_partition() >= logsumexp(two)
    assert machine.score_samples(X).max() <= 0


@pytest.mark.filterwarnings("ignore:No column of X varies")
@pytest.mark.parametrize("told", [None, -np.ones((10, 30))], ids=["alone", "misled"])
def test_a_magnet_is_found_up_whatever_rows_it_is_given(told):
    n, coupling, field = 30, 0.1, 0.05
    up = np.arange(n + 1)
    magnetisation = 2 * up - n
    log_terms = gammaln(n + 1) - gammaln(up + 1) - gammaln(n - up + 1)
    log_terms += coupling * magnetisation**2 / 2 + field * magnetisation
    # Units do not couple to themselves.
    exact = logsumexp(log_terms) - coupling * n / 2
    machine = BoltzmannMachine.from_parameters(
        coupling * (1 - np.eye(n)),
        np.full(n, field),
        states=(-1, 1),
        X=told,
        random_state=0,
    )
    assert abs(machine.log_partition() - exact) < 3 * machine.log_partition_std_
    assert machine.log_partition_std_ <= 0.03


def test_rows_likelier_together_than_1_have_log_partition_estimated_anew():
    rbm, exact = annealed_rbm(0.1)
    rbm.log_partition()
    circumstances, estimate = rbm._partition_estimate
    low = estimate.shifted(-60.0)
    rbm._partition_estimate = circumstances, low
    X = np.random.default_rng(0).integers(2, size=(20, rbm.n_features_in_))
    scores = rbm.score_samples(X)
    assert abs(rbm.log_partition_ - exact) < 3 * rbm.log_partition_std_ + 1e-9
    assert np.allclose(scores, -rbm.free_energy(X) - rbm.log_partition_)


def test_a_floor_above_the_estimate_is_taken_and_said(monkeypatch):
    rbm, _ = annealed_rbm(0.1)
    rbm._known_rows = np.zeros((1, rbm.n_features_in_), dtype=bool)

    def too_low(*args, **settings):
        return compute_log_partition(*args, **settings).shifted(-80.0)

    monkeypatch.setattr("skebm.estimator.likelihood.compute_log_partition", too_low)
    with pytest.warns(
        ConvergenceWarning, match="annealing gave .* less than rows that are known"
    ):
        floor = rbm.log_partition()
    row = np.zeros((1, rbm.n_features_in_))
    assert floor == pytest.approx(-rbm.free_energy(row)[0], abs=1e-9)


def test_the_wanted_error_is_small_beside_that_of_a_mean_over_rows():
    X = np.random.default_rng(0).random((400, 30)) < 0.3
    rbm = BinaryRBM(21, max_iter=20, random_state=0).fit(X)
    error = rbm.free_energy(X).std() / np.sqrt(len(X))
    energy = rbm._energy()
    assert rbm._partition_tol(energy) == pytest.approx(error / 2)
    assert 0.03 < error / 2 < 0.05
    rbm.log_partition()
    assert rbm.log_partition_std_ <= error / 2
    # Of a hundred times as many rows it would be a tenth, which is rarely of use.
    rbm.fit(np.tile(X, (100, 1)))
    assert rbm._partition_tol(energy) == 0.03
    # Rows that came before a chunk count as well.
    assert rbm.partial_fit(X[:10])._n_known == 40_010
    assert BinaryRBM(21).partial_fit(X).partial_fit(X[:10])._n_known == 410
    # Of 25 rows it would be four times as much.
    rbm.fit(X[:25])
    assert rbm._partition_tol(energy) > 0.1
    assert rbm.set_params(early_stopping=True)._partition_tol(energy) == 0.05
    rbm.set_params(log_partition_tol=0.01)
    assert rbm._partition_tol(energy) == 0.01


def test_log_z_starts_from_draws_of_learning_while_parameters_are_theirs(monkeypatch):
    X = np.random.default_rng(0).random((400, 30)) < 0.3
    rbm = BinaryRBM(21, max_iter=20, random_state=0).fit(X)
    given = []

    def recorded(*args, draws, **settings):
        given.append(draws)
        return compute_log_partition(*args, draws=draws, **settings)

    where = "skebm.estimator.likelihood.compute_log_partition"
    monkeypatch.setattr(where, recorded)
    rbm.log_partition()
    assert given[0].shape[1] in {21, 30}
    rbm.intercept_hidden_ = rbm.intercept_hidden_ + 0.1
    rbm.log_partition()
    assert given[1] is None


def test_draws_of_learning_in_chunks_are_of_the_machine_as_it_was_measured():
    X = np.random.default_rng(0).random((400, 30)) < 0.3
    rbm = BinaryRBM(21, batch_size=4, random_state=0).partial_fit(X)
    assert rbm.n_iter_ == rbm.history_["n_iter"][-1] == 100
    assert len(rbm._draws_at_hand()) > 0
    rbm.partial_fit(X[:40])
    assert rbm.n_iter_ > rbm.history_["n_iter"][-1]
    assert rbm._draws_at_hand() is None


@pytest.mark.parametrize(
    ("tol", "excess", "is_said"),
    [("auto", 1.05, False), ("auto", 1.2, True), (0.1, 1.05, True)],
)
def test_a_tolerance_nobody_asked_for_may_be_missed_by_a_tenth(tol, excess, is_said):
    rbm, _ = annealed_rbm(0.5, log_partition_tol=0.1)
    estimate = rbm._estimate_partition()
    rbm.set_params(log_partition_tol=tol)
    expected = pytest.warns(ConvergenceWarning, match="its standard error is")
    with expected if is_said else nullcontext():
        rbm._warn_of(estimate, estimate.lower_std / excess)


def test_the_first_score_makes_fewer_sweeps_than_the_fit(monkeypatch):
    """By default; a number of temperatures that is given is not cut short."""
    X = (np.random.default_rng(0).normal(size=(400, 3)) @ np.ones((3, 30)) > 0) * 1.0
    rbm = BinaryRBM(21, batch_size=200, n_chains=200, max_iter=600, random_state=0)
    rbm.fit(X)
    limit = rbm._ais_limits()["most_sweeps"]
    assert limit == 600 * 400 // 2
    spent, spend = [], Effort.spend
    monkeypatch.setattr(
        Effort, "spend", lambda self, n: (spent.append(n), spend(self, n))
    )
    rbm.set_params(log_partition_tol=1e-4)
    with pytest.warns(ConvergenceWarning, match="above the wanted 0.0001"):
        first = rbm.log_partition()
    assert sum(spent) <= limit
    rbm._partition_estimate = None
    with pytest.warns(ConvergenceWarning):
        assert rbm.log_partition() == first
    rbm.set_params(max_ais_temperatures=300)
    assert rbm._ais_limits() == {"max_temperatures": 300}
