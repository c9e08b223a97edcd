from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
from models import contents
from oracle import all_states, random_rbm
from scipy import sparse
from scipy.special import expit, logsumexp
from scipy.stats import norm
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from statistical import assert_draws_from, assert_mean_is

from skebm import (
    BinaryRBM,
    DeepBeliefNetwork,
    EnergyOutlierDetector,
    GaussianRBM,
    MixedRBM,
)

QUICK = BinaryRBM(max_iter=20, n_chains=20, batch_size=20)
BITS = np.random.default_rng(3).integers(2, size=(30, 5))
SIZES = {"two layers": (5, 4, 3), "three layers": (4, 3, 3, 2), "one layer": (4, 3)}
every_stack = pytest.mark.parametrize("name", SIZES)


def machine(n_hidden, n_visible, seed):
    return BinaryRBM.from_parameters(*random_rbm(n_hidden, n_visible, seed=seed))


def stack_of(name, **params):
    sizes = SIZES[name]
    pairs = zip(sizes[1:], sizes, strict=False)
    machines = [machine(*pair, seed) for seed, pair in enumerate(pairs)]
    return DeepBeliefNetwork.from_estimators(machines, **params)


def log_bernoulli(bits, log_odds):
    """Compute log p of each row of bits in each row of log-odds."""
    return bits @ log_odds.T - np.logaddexp(0, log_odds).sum(axis=1)


def by_definition(machines, rows, drawing_down=None):
    """Compute log p of rows of a stack, and its bound, by enumeration.

    Machines infer, and draw what is below as well unless other weights do: a pair of a
    matrix and biases for each machine below the top.
    """
    first, *others = machines
    a, b, W = (
        first.intercept_visible_,
        first.intercept_hidden_,
        first.components_,
    )
    G, g = drawing_down[0] if drawing_down else (W, a)
    if not others:
        every = all_states(len(a))
        score = every @ a + np.logaddexp(0, every @ W.T + b).sum(axis=1)
        own = rows @ a + np.logaddexp(0, rows @ W.T + b).sum(axis=1)
        return own - logsumexp(score), own - logsumexp(score)
    hidden = all_states(len(b))
    exact, bound = by_definition(others, hidden, drawing_down and drawing_down[1:])
    log_p = log_bernoulli(rows, hidden @ G + g)
    log_q = log_bernoulli(hidden, rows @ W.T + b).T
    mean = np.exp(log_q) * (log_p + bound - log_q)
    return logsumexp(log_p + exact, axis=1), mean.sum(axis=1)


def drawing(stack, monkeypatch):
    """Have a small stack draw what it could list."""
    monkeypatch.setattr("skebm.energy.directed_stack.MOST_LISTED_UNITS", 0)
    return stack


# ---- against enumeration ----


@every_stack
def test_bound_and_gap_are_those_of_the_definition(name):
    stack, rows = stack_of(name), all_states(SIZES[name][0])
    exact, bound = by_definition(stack.estimators_, rows)
    assert logsumexp(exact) == pytest.approx(0, abs=1e-12)
    scores, std = stack.score_samples(rows, return_std=True)
    np.testing.assert_allclose(scores, bound, atol=1e-10)
    assert (scores < exact + 1e-10).all()
    gap, gap_std = stack.bound_gap(rows)
    np.testing.assert_allclose(scores + gap, exact, atol=1e-10)
    assert not std.any()
    assert not gap_std.any()
    assert (gap > 1e-3).all() == (name != "one layer")


@pytest.mark.parametrize("name", ["two layers", "three layers"])
def test_draws_give_bound_and_gap_within_their_errors(name, monkeypatch):
    stack, rows = stack_of(name, n_draws=4000), all_states(SIZES[name][0])
    exact, bound = by_definition(stack.estimators_, rows)
    drawing(stack, monkeypatch)
    scores, std = stack.score_samples(rows, return_std=True)
    gap, gap_std = stack.bound_gap(rows, n_draws=4000)
    # Five errors are exceeded by one of 32 rows in 50000 seeds.
    assert (np.abs(scores - bound) < 5 * std).all()
    assert (np.abs(scores + gap - exact) < 5 * np.hypot(std, gap_std)).all()
    assert (np.abs(gap - (exact - bound)) < 5 * gap_std).all()
    # Errors are what they say: squared deviations in units of them average 1.
    for deviation in (scores - bound) / std, (gap - exact + bound) / gap_std:
        assert np.square(deviation).mean() == pytest.approx(1, abs=5 * np.sqrt(2 / 16))


def test_errors_of_few_draws_are_right(monkeypatch):
    rows = all_states(5)
    _, bound = by_definition(stack_of("two layers").estimators_, rows)
    drawing(None, monkeypatch)
    runs = [
        stack_of("two layers", n_draws=8, random_state=seed).score_samples(
            rows, return_std=True
        )
        for seed in range(200)
    ]
    scores, stds = (np.array(column) for column in zip(*runs, strict=True))
    assert_mean_is(bound, scores)
    assert_mean_is(np.zeros(len(rows)), (scores - bound) ** 2 - stds**2)


@every_stack
def test_draws_have_the_law_of_the_stack(name):
    stack, rows = stack_of(name), all_states(SIZES[name][0])
    exact, _ = by_definition(stack.estimators_, rows)
    drawn = stack.sample(20_000, random_state=0)
    numbers = drawn.astype(int) @ 2 ** np.arange(rows.shape[1])[::-1]
    assert_draws_from(np.exp(exact), numbers)
    np.testing.assert_array_equal(drawn[:50], stack.sample(20_000, random_state=0)[:50])


@pytest.mark.parametrize("n_hidden", [3, 12])
def test_a_machine_turned_upside_down_is_tight(n_hidden):
    """In every draw, so that drawing 12 units has no error either."""
    lower = machine(n_hidden, 5, 0)
    upper = BinaryRBM.from_parameters(
        lower.components_.T, lower.intercept_hidden_, lower.intercept_visible_
    )
    stack, rows = DeepBeliefNetwork.from_estimators([lower, upper]), all_states(5)
    scores, std = stack.score_samples(rows, return_std=True)
    np.testing.assert_allclose(scores, lower.score_samples(rows), atol=1e-10)
    np.testing.assert_allclose(stack.bound_gap(rows)[0], 0, atol=1e-10)
    np.testing.assert_allclose(std, 0, atol=1e-10)


def real_stack(kind):
    X = np.random.default_rng(0).normal(3, [2.0, 0.5], (40, 2)) + 1
    X[:20] -= 2
    if kind == "mixed":
        lower = MixedRBM(3, n_groups=1, spike_share=1, random_state=0)
    else:
        lower = GaussianRBM(3, covariance_type=kind, max_iter=200, random_state=0)
    lower.fit(X)
    upper = machine(2, 3, 1)
    return DeepBeliefNetwork.from_estimators([lower, upper]), X


@pytest.mark.parametrize("kind", ["full", "diag", "mixed"])
def test_densities_of_real_rows_are_in_their_units(kind):
    """A tight stack scores as the first machine does; of the other the integral is 1.

    That is estimated with draws of the first machine, which have its density.
    """
    stack, X = real_stack(kind)
    lower, upper = stack.estimators_
    drawn = lower.sample(20_000, random_state=0)
    weights = np.exp(
        stack.score_samples(drawn)
        + stack.bound_gap(drawn)[0]
        - lower.score_samples(drawn)
    )
    assert weights.std() > 0.1
    assert_mean_is(np.ones(1), weights[:, np.newaxis])
    # The law of hidden units of the first, as the only top that makes it tight.
    hidden = all_states(3)
    free = -lower._energy().hidden_free_energy(hidden)
    law = np.exp(free - logsumexp(free))
    of_upper = np.exp(upper.score_samples(hidden))
    ratio = of_upper / law
    posterior = lower.transform(X)[:, np.newaxis]
    q = np.where(hidden, posterior, 1 - posterior).prod(axis=2)
    expected = lower.score_samples(X) + np.log(q @ ratio)
    scores = stack.score_samples(X) + stack.bound_gap(X)[0]
    np.testing.assert_allclose(scores, expected, atol=1e-9)


def test_draws_of_real_rows_follow_those_above():
    stack, _ = real_stack("diag")
    lower, upper = stack.estimators_
    drawn = stack.sample(4000, random_state=0)
    hidden = all_states(3)
    shares = np.exp(upper.score_samples(hidden))
    means = lower.inverse_transform(hidden)
    widths = np.sqrt(lower.noise_variance_)
    for column in range(2):
        own = drawn[:, column]
        grid = np.quantile(own, [0.1, 0.5, 0.9])
        exact = [
            shares @ norm.cdf((x - means[:, column]) / widths[column]) for x in grid
        ]
        # Five errors of a share of 4000 rows.
        np.testing.assert_allclose(exact, [0.1, 0.5, 0.9], atol=5 * 0.5 / np.sqrt(4000))


# ---- scores of rows alone ----


def test_scores_do_not_depend_on_other_rows(monkeypatch):
    stack = drawing(stack_of("two layers"), monkeypatch)
    rows = all_states(5)
    scores = stack.score_samples(rows)
    np.testing.assert_allclose(stack.score_samples(rows[::-1])[::-1], scores, atol=1e-9)
    alone = np.concatenate([stack.score_samples(row[np.newaxis]) for row in rows])
    np.testing.assert_allclose(alone, scores, atol=1e-9)
    np.testing.assert_array_equal(stack.score_samples(sparse.csr_array(rows)), scores)
    assert stack.score(rows) == pytest.approx(scores.mean())
    weights = np.arange(32)
    assert stack.score(rows, sample_weight=weights) == pytest.approx(
        np.average(scores, weights=weights)
    )


def test_weights_that_few_draws_dominate_are_said_so(monkeypatch):
    drawing(None, monkeypatch)
    lower = BinaryRBM.from_parameters(np.zeros((12, 2)), [0, 0], np.zeros(12))
    upper = BinaryRBM.from_parameters(np.zeros((1, 12)), np.full(12, 3.0), [0])
    stack = DeepBeliefNetwork.from_estimators([lower, upper])
    with pytest.warns(ConvergenceWarning, match=r"worth .* of 100 draws"):
        stack.bound_gap([[0, 1]], n_draws=100)
    with pytest.raises(ValueError, match="n_draws is 1"):
        stack.bound_gap([[0, 1]], n_draws=1)


# ---- passing up and down ----


def test_means_pass_through_all_layers():
    stack = stack_of("three layers")
    rows = up = all_states(4)
    for rbm in stack.estimators_:
        up = expit(up @ rbm.components_.T + rbm.intercept_hidden_)
    np.testing.assert_allclose(stack.transform(rows), up, atol=1e-12)
    assert stack.transform(rows.astype(np.float32)).dtype == np.float32
    down = all_states(2)
    means = stack.inverse_transform(down)
    for rbm in stack.estimators_[::-1]:
        down = expit(down @ rbm.components_ + rbm.intercept_visible_)
    np.testing.assert_allclose(means, down, atol=1e-12)
    assert list(stack.get_feature_names_out()) == [
        "deepbeliefnetwork0",
        "deepbeliefnetwork1",
    ]


def test_frames_keep_names_and_index():
    X = pd.DataFrame(BITS, columns=list("abcde"), index=range(5, 35))
    stack = DeepBeliefNetwork((3, 2), estimator=QUICK, random_state=0)
    stack.set_output(transform="pandas").fit(X)
    assert list(stack.transform(X).index) == list(range(5, 35))
    assert list(stack.sample(2, random_state=0).columns) == list("abcde")
    means = stack.inverse_transform(stack.transform(X))
    assert list(means.columns) == list("abcde")
    assert list(means.index) == list(range(5, 35))
    stack.set_output(transform="default")
    assert isinstance(stack.sample(2, random_state=0), np.ndarray)
    with pytest.raises(ValueError, match="feature names"):
        stack.transform(X.rename(columns={"a": "z"}))


def test_tables_of_categories_come_out_as_they_went_in():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.choice(list("xy"), 60), "b": rng.normal(size=60)})
    lower = MixedRBM(3, n_groups=1, spike_share=1)
    stack = DeepBeliefNetwork((lower, 4), estimator=QUICK, random_state=0).fit(table)
    drawn = stack.set_output(transform="pandas").sample(10, random_state=0)
    assert set(drawn["a"]) <= {"x", "y"}
    assert np.isfinite(stack.score(table))


# ---- learning ----


def test_a_turned_start_is_where_the_first_machine_ends():
    """Without a single step to speak of, whatever more hidden units the top has."""
    X = np.repeat(BITS, 3, axis=0)
    still = BinaryRBM(7, max_iter=1, learning_rate=1e-9)
    first = BinaryRBM(4, max_iter=300)
    stack = DeepBeliefNetwork((first, still), random_state=0).fit(X)
    lower, upper = stack.estimators_
    assert not np.allclose(lower.components_, 0, atol=0.1)
    np.testing.assert_allclose(upper.components_[:5], lower.components_.T, atol=1e-5)
    np.testing.assert_allclose(stack.score(X), lower.score(X), atol=1e-3)
    elsewhere = clone(stack).set_params(turned=False).fit(X)
    assert elsewhere.score(X) < lower.score(X) - 0.02


def test_a_second_layer_learns_what_the_first_cannot():
    """Four units with weak weights leave something of eight patterns to be said."""
    rng = np.random.default_rng(0)
    patterns = rng.integers(2, size=(8, 6))
    X = patterns[rng.integers(8, size=600)]
    lower = BinaryRBM(4, algorithm="exact", alpha=0.01)
    upper = BinaryRBM(8, algorithm="exact", alpha=1e-4)
    stack = DeepBeliefNetwork((lower, upper), random_state=0).fit(X)
    assert stack.score(X) > stack.estimators_[0].score(X) + 0.03
    assert logsumexp(by_definition(stack.estimators_, all_states(6))[0]) < 1e-9


def test_upper_layers_learn_draws_of_hidden_units():
    """The mean of the second machine is that of the posterior, not of its threshold."""
    X = np.repeat([[0, 0], [1, 1]], 50, axis=0)
    lower = BinaryRBM(2, max_iter=1, learning_rate=1e-6)
    upper = BinaryRBM(1, algorithm="exact", alpha=0.01)
    stack = DeepBeliefNetwork((lower, upper), turned=False, random_state=0).fit(X)
    posterior = stack.estimators_[0].transform(X).mean(axis=0)
    drawn = stack.estimators_[1].sample(20_000, random_state=0).mean(axis=0)
    np.testing.assert_allclose(drawn, posterior, atol=0.03)


def test_weights_are_passed_up():
    rows = np.array([[0, 0, 1], [1, 1, 0]])
    stack = DeepBeliefNetwork(
        (BinaryRBM(2, algorithm="exact", alpha=0.01),) * 2, random_state=0
    )
    stack.fit(rows, sample_weight=[9, 1])
    assert np.diff(stack.score_samples(rows))[0] < -1
    assert stack.sample(1000, random_state=0)[:, 2].mean() > 0.8


def test_a_search_finds_sizes_by_the_bound():
    X = np.random.default_rng(0).integers(2, size=(60, 1)) * np.ones(6, dtype=int)
    stack = DeepBeliefNetwork(estimator=QUICK, random_state=0)
    grid = {"layers": [(1,), (3, 6)], "estimator__max_iter": [1, 100]}
    search = GridSearchCV(stack, grid, cv=2).fit(X)
    assert search.best_params_["estimator__max_iter"] == 100
    best = search.best_estimator_
    assert len(best.estimators_) == len(search.best_params_["layers"])
    assert search.best_score_ == pytest.approx(
        np.nanmax(search.cv_results_["mean_test_score"])
    )


def test_fits_are_reproducible_and_copies_alike():
    stack = DeepBeliefNetwork((3, 2), estimator=QUICK, random_state=0)
    again = clone(stack).fit(BITS)
    stack.fit(BITS)
    assert contents(again) == contents(stack)
    other = clone(stack).set_params(random_state=1).fit(BITS)
    assert other.score(BITS) != stack.score(BITS)
    assert stack.estimators_[0].random_state != stack.estimators_[1].random_state
    own = DeepBeliefNetwork((clone(QUICK).set_params(random_state=7), 2)).fit(BITS)
    assert own.estimators_[0].random_state == 7


@pytest.mark.filterwarnings("ignore:No column of X varies")
def test_outliers_are_found_by_the_bound():
    X = np.repeat([[0, 0, 0, 1, 1, 1]], 50, axis=0)
    stack = DeepBeliefNetwork((3, 6), estimator=QUICK, random_state=0)
    detector = EnergyOutlierDetector(stack, contamination=0.01).fit(X)
    assert detector.predict([[1, 1, 1, 0, 0, 0]])[0] == -1


def test_held_out_rows_have_no_copies_among_those_learned_from():
    stopping = BinaryRBM(6, max_iter=20, early_stopping=True)
    stack = DeepBeliefNetwork((3, stopping), estimator=QUICK, random_state=0).fit(BITS)
    assert stack.estimators_[1]._n_rows_seen == 27
    many = DeepBeliefNetwork((3, 6), estimator=QUICK, random_state=0).fit(BITS)
    assert many.estimators_[1]._n_rows_seen == 3000


# ---- fine tuning ----


def untied(name, **params):
    """Make a stack that draws what is below by weights of their own, and give these."""
    stack = stack_of(name, **params)
    below = [rbm._energy() for rbm in stack.estimators_[:-1]]
    others = [machine(*rbm.weights.shape, seed=9)._energy() for rbm in below]
    pairs = zip(below, others, strict=True)
    stack._tuned = [(infers.matrix, draws.matrix) for infers, draws in pairs]
    return stack, [(other.weights, other.visible_bias) for other in others]


several_layers = pytest.mark.parametrize("name", ["two layers", "three layers"])


@several_layers
def test_bound_and_gap_of_untied_weights_are_those_of_the_definition(name):
    (stack, down), rows = untied(name), all_states(SIZES[name][0])
    exact, bound = by_definition(stack.estimators_, rows, down)
    assert logsumexp(exact) == pytest.approx(0, abs=1e-12)
    assert np.abs(exact - by_definition(stack.estimators_, rows)[0]).max() > 0.1
    scores = stack.score_samples(rows)
    np.testing.assert_allclose(scores, bound, atol=1e-10)
    np.testing.assert_allclose(scores + stack.bound_gap(rows)[0], exact, atol=1e-10)


@several_layers
def test_draws_of_untied_weights_give_bound_and_gap(name, monkeypatch):
    (stack, down), rows = untied(name, n_draws=4000), all_states(SIZES[name][0])
    exact, bound = by_definition(stack.estimators_, rows, down)
    drawing(stack, monkeypatch)
    scores, std = stack.score_samples(rows, return_std=True)
    gap, gap_std = stack.bound_gap(rows, n_draws=4000)
    assert (np.abs(scores - bound) < 5 * std).all()
    assert (np.abs(gap - (exact - bound)) < 5 * gap_std).all()


@several_layers
def test_untied_weights_draw_and_infer_each_by_themselves(name):
    (stack, down), rows = untied(name), all_states(SIZES[name][0])
    exact, _ = by_definition(stack.estimators_, rows, down)
    drawn = stack.sample(20_000, random_state=0)
    numbers = drawn.astype(int) @ 2 ** np.arange(rows.shape[1])[::-1]
    assert_draws_from(np.exp(exact), numbers)
    np.testing.assert_array_equal(stack.transform(rows), stack_of(name).transform(rows))
    top = stack.estimators_[-1]
    hidden = all_states(len(top.intercept_hidden_))
    means = expit(hidden @ top.components_ + top.intercept_visible_)
    for weights, biases in down[::-1]:
        means = expit(means @ weights + biases)
    np.testing.assert_allclose(stack.inverse_transform(hidden), means, atol=1e-12)


def few_patterns():
    rng = np.random.default_rng(0)
    patterns = rng.integers(2, size=(8, 6))
    return patterns[rng.integers(8, size=600)]


@pytest.mark.parametrize("layers", [(4, 6), (4, 4, 4)])
def test_tuning_raises_the_bound_on_rows_learned_from(layers):
    """By 0.15 to 0.2 nats for three seeds, and it stays below the exact likelihood."""
    X, quick = few_patterns(), BinaryRBM(max_iter=200)
    greedy = DeepBeliefNetwork(layers, estimator=quick, random_state=0).fit(X)
    tuned = clone(greedy).set_params(fine_tune_iter=300).fit(X)
    assert tuned.score(X) > greedy.score(X) + 0.1
    # The wanted error of log Z is that of a mean over these, and not over a batch.
    assert tuned.estimators_[-1]._n_known >= len(X)
    machines = deepcopy(tuned.estimators_)
    for rbm, energy in zip(machines, tuned._stack().below, strict=False):
        rbm.components_ = energy.weights
        rbm.intercept_hidden_ = energy.hidden_bias
    down = [(rbm.weights, rbm.visible_bias) for rbm in tuned._stack().downward]
    rows = all_states(6)
    exact, bound = by_definition(machines, rows, down)
    assert logsumexp(exact) == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(tuned.score_samples(rows), bound, atol=1e-9)
    np.testing.assert_allclose(
        tuned.score_samples(rows) + tuned.bound_gap(rows)[0], exact, atol=1e-9
    )
    assert (bound < exact).all()
    # Machines below the top are as the greedy fit left them.
    for before, after in zip(greedy.estimators_, tuned.estimators_, strict=True):
        same = np.array_equal(before.components_, after.components_)
        assert same == (after is not tuned.estimators_[-1])
    assert tuned.estimators_[-1].learning_rate == quick.learning_rate


@pytest.mark.parametrize("kind", ["diag", "mixed"])
def test_densities_of_tuned_stacks_integrate_to_one(kind):
    """Estimated with draws of the first machine, which have a density near it."""
    stack, X = real_stack(kind)
    lower = stack.estimators_[0]
    quick = BinaryRBM(4, max_iter=50)
    stack = DeepBeliefNetwork((lower, quick), fine_tune_iter=100, random_state=0).fit(X)
    assert np.abs(np.subtract(*stack._tuned[0])).max() > 0.01
    drawn = stack.estimators_[0].sample(20_000, random_state=0)
    scores = stack.score_samples(drawn) + stack.bound_gap(drawn)[0]
    weights = np.exp(scores - stack.estimators_[0].score_samples(drawn))
    assert weights.std() > 0.01
    assert_mean_is(np.ones(1), weights[:, np.newaxis])


def test_tuned_stacks_of_categories_are_distributions():
    rng = np.random.default_rng(0)
    table = rng.choice(list("xyz"), (60, 2))
    table[:30, 1] = table[:30, 0]
    lower = MixedRBM(3, n_groups=1, spike_share=1, random_state=0)
    stack = DeepBeliefNetwork((lower, 3), estimator=QUICK, random_state=0)
    stack.set_params(fine_tune_iter=50).fit(table)
    every = np.array([(a, b) for a in "xyz" for b in "xyz"])
    exact = stack.score_samples(every) + stack.bound_gap(every)[0]
    assert logsumexp(exact) == pytest.approx(0, abs=1e-9)
    law = np.exp(exact)
    drawn = stack.sample(5000, random_state=0)
    numbers = np.searchsorted(list("xyz"), drawn.astype(str)) @ [3, 1]
    assert_draws_from(law, numbers)


def test_tuned_fits_are_reproducible_and_weighted():
    X, weights = np.array([[0, 0, 1], [1, 1, 0]]), [9, 1]
    stack = DeepBeliefNetwork((3, 2), estimator=QUICK, fine_tune_iter=50)
    stack.set_params(random_state=0).fit(X, sample_weight=weights)
    again = clone(stack).fit(X, sample_weight=weights)
    np.testing.assert_array_equal(again.score_samples(X), stack.score_samples(X))
    assert np.diff(stack.score_samples(X))[0] < -1
    alone = DeepBeliefNetwork((3,), estimator=QUICK, fine_tune_iter=50, random_state=0)
    without = clone(alone).set_params(fine_tune_iter=0).fit(X)
    assert alone.fit(X).score(X) == without.score(X)


def test_a_top_that_learns_from_all_rows_at_once_cannot_be_tuned():
    stack = DeepBeliefNetwork((3, 2), estimator=QUICK, random_state=0).fit(BITS)
    stack.set_params(layers=(3, BinaryRBM(2, algorithm="exact")), fine_tune_iter=1)
    before = contents(stack)
    with pytest.raises(ValueError, match="algorithm='exact' learns from all rows"):
        stack.fit(BITS)
    assert contents(stack) == before


# ---- what cannot be done ----


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"layers": ()}, "at least one layer"),
        ({"layers": (3, "4")}, "layers has '4' at 1"),
        ({"layers": (3, True)}, "layers has True at 1"),
        ({"layers": (3, GaussianRBM(2))}, "Layer 1 is a GaussianRBM"),
        ({"layers": (MixedRBM(2, n_groups=1), 2)}, "spike_share=1"),
        ({"layers": (MixedRBM(2, spike_share=1), 2)}, "Set n_groups=1"),
        ({"layers": (0, 2)}, "'n_components' parameter"),
        ({"layers": 3}, "'layers' parameter"),
        ({"estimator": GaussianRBM()}, "'estimator' parameter"),
        ({"n_draws": 1}, "'n_draws' parameter"),
        ({"fine_tune_iter": -1}, "'fine_tune_iter' parameter"),
    ],
)
def test_bad_parameters_change_nothing(params, message):
    stack = DeepBeliefNetwork((3, 2), estimator=QUICK, random_state=0).fit(BITS)
    stack.set_params(**params)
    before = contents(stack)
    with pytest.raises(ValueError, match=message):
        stack.fit(BITS)
    assert contents(stack) == before


def test_bad_rows_change_nothing():
    stack = DeepBeliefNetwork((3, 2), estimator=QUICK, random_state=0).fit(BITS)
    before = contents(stack)
    gaps = BITS.astype(float)
    gaps[1, 2] = np.nan
    for X in gaps, np.full((2, 5), np.inf), [["on"] * 5], BITS[0], BITS[:0]:
        with pytest.raises(ValueError):  # noqa: PT011
            stack.fit(X)
        assert contents(stack) == before
    for method in "transform", "score_samples", "score", "bound_gap":
        with pytest.raises(ValueError, match="X contains NaN, but a stack"):
            getattr(stack, method)(gaps)
    for table in gaps, sparse.csr_array(gaps), gaps.tolist(), pd.DataFrame(gaps):
        with pytest.raises(ValueError, match="X contains NaN, but layers learn"):
            stack.fit(table)
    with pytest.raises(ValueError, match="non-zero"):
        stack.fit(BITS, sample_weight=np.zeros(30))
    with pytest.raises(ValueError, match="n_components=2"):
        stack.inverse_transform(BITS)


def test_machines_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"Layer 1 has 4 features, but .* 3 hidden"):
        DeepBeliefNetwork.from_estimators([machine(3, 5, 0), machine(2, 4, 0)])
    with pytest.raises(NotFittedError):
        DeepBeliefNetwork.from_estimators([BinaryRBM()])
    with pytest.raises(ValueError, match="Layer 1 is a GaussianRBM"):
        DeepBeliefNetwork.from_estimators([machine(3, 5, 0), GaussianRBM()])


def test_nothing_is_known_before_fit():
    stack = DeepBeliefNetwork()
    for method in "transform", "score", "score_samples", "bound_gap":
        with pytest.raises(NotFittedError):
            getattr(stack, method)(BITS)
    for method in "sample", "log_partition":
        with pytest.raises(NotFittedError):
            getattr(stack, method)()


def test_log_partition_is_that_of_the_top():
    stack = stack_of("two layers")
    top = stack.estimators_[-1]
    assert stack.log_partition() == stack.log_partition_ == top.log_partition_
    assert stack.log_partition_std_ == 0
