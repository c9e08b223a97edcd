"""What models say of some columns given others: probabilities, draws, held values."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from gaussian_oracle import GaussianRBMOracle
from incomplete import each_part
from models import (
    BINARY,
    MODELS,
    annealed_rbm,
    contents,
    every_row,
    random_model,
    random_parameters,
    rows_for,
)
from oracle import all_states, random_rbm
from scipy import sparse
from scipy.special import logsumexp
from statistical import assert_draws_from, assert_mean_is

from skebm import BinaryRBM, BoltzmannMachine, GaussianRBM, MixedRBM
from skebm.energy.binary_rbm import BinaryRBMEnergy

GAUSSIAN = [name for name in MODELS if name not in BINARY]
every_model = pytest.mark.parametrize("name", MODELS)
every_binary_model = pytest.mark.parametrize("name", BINARY)
every_gaussian_model = pytest.mark.parametrize("name", GAUSSIAN)
every_temperature = pytest.mark.parametrize("temperature", [0.6, 1.0, 3.0])
NAN = np.nan


def law_of(name, temperature=1.0):
    """Probabilities of all rows of a binary model, at a temperature."""
    model, rows = random_model(name), every_row(name)
    if not hasattr(model, "n_components"):
        log_law = model.score_samples(rows) / temperature
    else:
        hidden = all_states(3)
        pairs = [np.tile(rows, (8, 1)), np.repeat(hidden, 16, axis=0)]
        energies = model.energy(*pairs).reshape(8, 16)
        log_law = logsumexp(-energies / temperature, axis=0)
    return np.exp(log_law - logsumexp(log_law))


def agreeing(complete, row):
    known = ~np.isnan(row)
    return (complete[:, known] == row[known]).all(axis=1)


def number(rows):
    """Number binary rows as `every_row` lists them."""
    return (rows > 0) @ (2 ** np.arange(4)[::-1])


# ---- probabilities of one column ----


@every_binary_model
def test_probabilities_of_a_column(name):
    model, complete, law = random_model(name), every_row(name), law_of(name)
    lower, upper = rows_for(name, np.array([0.0, 1.0]))
    X = np.array(list(product([lower, upper, NAN], repeat=4)))
    for column in range(4):
        exact = np.empty((len(X), 2))
        for i, row in enumerate(X):
            for j, value in enumerate((lower, upper)):
                given = row.copy()
                given[column] = value
                exact[i, j] = law @ agreeing(complete, given)
        exact /= exact.sum(axis=1, keepdims=True)
        result = model.conditional_proba(X, column)
        np.testing.assert_allclose(result, exact, rtol=0, atol=1e-10)
        np.testing.assert_allclose(result.sum(axis=1), 1, rtol=0, atol=1e-12)
        again = model.conditional_proba(sparse.csr_array(X), column - 4)
        np.testing.assert_array_equal(again, result)
    before = contents(model)
    model.conditional_proba(X, 1)
    assert contents(model) == before


@every_binary_model
def test_columns_are_named(name):
    table = pd.DataFrame(every_row(name), columns=list("abcd"))
    model = random_model(name, X=table)
    for column, letter in enumerate("abcd"):
        by_name = model.conditional_proba(table, letter)
        np.testing.assert_array_equal(by_name, model.conditional_proba(table, column))
    with pytest.raises(ValueError, match=r"column='e' is no feature .*'a', 'b'"):
        model.conditional_proba(table, "e")


@pytest.mark.parametrize(
    ("column", "match"),
    [
        ("a", "column='a' is no feature seen in fit, which are without names"),
        (4, "column=4 is out of range: the model has 4 features"),
        (-5, "column=-5 is out of range"),
        (1.5, "The 'column' parameter of conditional_proba must be"),
        (None, "The 'column' parameter of conditional_proba must be"),
    ],
)
def test_columns_that_are_none(column, match):
    model, X = random_model("BinaryRBM"), every_row("BinaryRBM")
    with pytest.raises(ValueError, match=match):
        model.conditional_proba(X, column)


def test_real_columns_have_no_values_to_list():
    assert not hasattr(GaussianRBM(), "conditional_proba")


def parts_of_annealed():
    return [BinaryRBMEnergy.of(*random_rbm(3, 3, seed=seed)) for seed in range(7)]


def test_probabilities_of_a_model_that_is_annealed():
    rbm, _ = annealed_rbm(1.0)
    X = np.full((20, 21), NAN)
    rng = np.random.default_rng(0)
    known = rng.random(X.shape) < 0.3
    X[known] = rng.integers(2, size=known.sum())
    given = known & (np.arange(21) != 4)
    means = each_part(
        parts_of_annealed(),
        lambda e, *own: e.mean_missing(*own),
        np.nan_to_num(X),
        given,
    )
    exact = np.hstack(means)[:, 4]
    proba = rbm.conditional_proba(X, 4)[:, 1]
    # Scores have errors of about 0.05 nats, and odds those of two of them.
    assert np.abs(proba - exact).max() < 0.1
    assert np.abs(proba - exact).mean() < 0.03


# ---- draws of what is missing ----


def given_rows(name):
    """List rows of a binary model: some known, all, and nothing."""
    lower, upper = rows_for(name, np.array([0.0, 1.0]))
    return np.array(
        [
            [upper, NAN, NAN, lower],
            [NAN, lower, NAN, NAN],
            [lower, upper, upper, lower],
            [NAN, NAN, NAN, NAN],
        ]
    )


@every_binary_model
@every_temperature
def test_draws_have_the_conditional_law(name, temperature):
    model, complete, law = (
        random_model(name),
        every_row(name),
        law_of(name, temperature),
    )
    for row in given_rows(name):
        drawn = model.sample(
            5000, given=row[np.newaxis], temperature=temperature, random_state=1
        )
        assert drawn.dtype == np.float64
        known = ~np.isnan(row)
        np.testing.assert_array_equal(drawn[:, known], np.tile(row[known], (5000, 1)))
        exact = law * agreeing(complete, row)
        assert_draws_from(exact / exact.sum(), number(drawn))


@every_gaussian_model
@every_temperature
def test_real_draws_have_the_conditional_moments(name, temperature):
    model = random_model(name)
    oracle = GaussianRBMOracle(*random_parameters(name).values(), 1 / temperature)
    rows, n_draws = model.sample(4, random_state=2), 10_000
    patterns = [[0, 3], [2], [0, 1, 2, 3], []]
    noise = oracle.noise / oracle.beta
    for row, known in zip(rows, patterns, strict=True):
        missing = np.setdiff1d(np.arange(4), known)
        given = row[np.newaxis].copy()
        given[:, missing] = NAN
        drawn = model.sample(
            n_draws, given=given, temperature=temperature, random_state=1
        )
        np.testing.assert_array_equal(
            drawn[:, known], np.tile(row[known], (n_draws, 1))
        )
        if len(missing) == 0:
            continue
        joint = oracle.log_law[np.newaxis]
        if known:
            joint = oracle.joint_log_density(row[np.newaxis], known)
        law = np.exp(joint - logsumexp(joint))[0]
        slope = noise[np.ix_(missing, known)] @ np.linalg.pinv(
            noise[np.ix_(known, known)]
        )
        means = oracle.means[:, missing]
        means = means + (row[known] - oracle.means[:, known]) @ slope.T
        spread = noise[np.ix_(missing, missing)] - slope @ noise[np.ix_(known, missing)]
        assert_mean_is(law @ means, drawn[:, missing])
        squares = np.einsum("h,hi,hj->ij", law, means, means) + spread
        products = np.einsum("ni,nj->nij", drawn[:, missing], drawn[:, missing])
        assert_mean_is(squares, products)


@every_model
def test_as_many_rows_as_are_given(name):
    model = random_model(name)
    rows = model.sample(7, random_state=0)
    given = np.where(np.random.default_rng(0).random(rows.shape) < 0.5, rows, NAN)
    drawn = model.sample(given=given, random_state=3)
    known = ~np.isnan(given)
    np.testing.assert_array_equal(drawn[known], given[known])
    assert drawn.shape == (7, 4)
    np.testing.assert_array_equal(model.sample(7, given=given, random_state=3), drawn)
    np.testing.assert_array_equal(
        model.sample(given=sparse.csr_array(given), random_state=3), drawn
    )
    assert (model.sample(given=given, random_state=4) != drawn).any()
    assert model.sample(given=given[:1]).shape == (1, 4)
    assert model.sample(5, given=given[:1]).shape == (5, 4)
    np.testing.assert_array_equal(model.sample(given=rows), rows)
    narrow = model.sample(given=rows.astype(np.float32))
    np.testing.assert_array_equal(narrow, rows.astype(np.float32).astype(float))
    before = contents(model)
    model.sample(given=given)
    assert contents(model) == before


@every_model
def test_settings_that_do_not_go_with_rows_that_are_given(name):
    model = random_model(name)
    X = model.sample(3, random_state=0)
    for settings in {"init": X}, {"tempering": True}:
        with pytest.raises(ValueError, match="given takes no init and no tempering"):
            model.sample(given=X, **settings)
    for n_samples in 2, 4:
        with pytest.raises(
            ValueError, match=f"given has 3 rows, n_samples={n_samples}"
        ):
            model.sample(n_samples, given=X)
    with pytest.raises(ValueError, match="features"):
        model.sample(given=X[:, :3])


@every_model
def test_without_a_number_there_is_one_row(name):
    model = random_model(name)
    assert model.sample().shape == (1, 4)
    np.testing.assert_array_equal(
        model.sample(random_state=0), model.sample(1, random_state=0)
    )


def test_draws_of_a_model_that_needs_chains():
    rbm, _ = annealed_rbm(1.0)
    row = np.full((1, 21), NAN)
    row[0, ::3] = 1
    known = ~np.isnan(row)
    tables = np.nan_to_num(row), known
    exact = np.hstack(
        each_part(parts_of_annealed(), lambda e, *own: e.mean_missing(*own), *tables)
    )
    drawn = rbm.sample(4000, given=row, n_steps=60, random_state=0)
    assert (drawn[:, known[0]] == 1).all()
    assert_mean_is(exact[~known], drawn[:, ~known[0]])
    # Without a sweep the means of columns are those of independent units.
    start = rbm.sample(4000, given=row, n_steps=0, random_state=0)
    assert np.abs(start[:, ~known[0]].mean(axis=0) - 0.5).max() < 0.04
    empty = rbm.sample(given=np.full((50, 21), NAN), n_steps=50, random_state=0)
    assert empty.shape == (50, 21)
    assert set(np.unique(empty)) == {0, 1}


@every_binary_model
def test_probabilities_are_drawn_before_the_rest(name):
    """Of two columns that go together, whatever one of them becomes."""
    lower, upper = rows_for(name, np.array([0.0, 1.0]))
    strong = {"BinaryRBM": ([[8.0, 8.0]], [-4.0, -4.0], [-8.0])}
    if name == "LatentBM":
        model = type(MODELS[name]).from_parameters(*strong["BinaryRBM"], binarize=None)
    elif name == "BinaryRBM":
        model = BinaryRBM.from_parameters(*strong[name], binarize=None)
    elif name.endswith("spins"):
        model = BoltzmannMachine.from_parameters(
            [[0, 4], [4, 0]], [0, 0], states=(-1, 1), binarize=None
        )
    else:
        model = BoltzmannMachine.from_parameters(
            [[0, 16], [16, 0]], [-8, -8], binarize=None
        )
    middle = 0.75 * upper + 0.25 * lower
    drawn = model.sample(2000, given=[[middle, NAN]], random_state=0)
    assert (drawn[:, 0] == drawn[:, 1]).mean() > 0.95
    # Three quarters of 2000, within five standard deviations.
    assert abs((drawn[:, 0] == upper).sum() - 1500) < 5 * np.sqrt(2000 * 0.1875)
    held = model.gibbs(
        np.full((2000, 2), middle), fixed=[True, False], n_steps=9, random_state=0
    )
    assert (held[:, 0] == held[:, 1]).mean() > 0.95
    assert abs((held[:, 0] == upper).sum() - 1500) < 5 * np.sqrt(2000 * 0.1875)


# ---- sweeps that hold values ----


@every_binary_model
@every_temperature
@pytest.mark.parametrize("each_row", [False, True])
def test_sweeps_hold_values_and_leave_the_law(name, temperature, each_row):
    model, law = random_model(name), law_of(name, temperature)
    rng, rows = np.random.default_rng(0), every_row(name)
    X = rows[rng.choice(16, 20_000, p=law)]
    fixed = np.array([True, False, False, True])
    if each_row:
        fixed = rng.random(X.shape) < 0.5
    moved = model.gibbs(
        X, fixed=fixed, n_steps=2, temperature=temperature, random_state=1
    )
    held = np.broadcast_to(fixed, X.shape)
    np.testing.assert_array_equal(moved[held], X[held])
    assert (moved != X).mean() > 0.005
    assert_draws_from(law, number(moved))


@every_gaussian_model
@every_temperature
def test_sweeps_of_real_rows(name, temperature):
    model = random_model(name)
    oracle = GaussianRBMOracle(*random_parameters(name).values(), 1 / temperature)
    X, _ = oracle.draw(20_000, np.random.default_rng(3))
    fixed = np.random.default_rng(4).random(X.shape) < 0.5
    moved = model.gibbs(
        X, fixed=fixed, n_steps=3, temperature=temperature, random_state=1
    )
    np.testing.assert_array_equal(moved[fixed], X[fixed])
    assert (moved[~fixed] != X[~fixed]).all()
    mean, covariance = oracle.moments()
    assert_mean_is(mean, moved)
    products = np.einsum("ni,nj->nij", moved - mean, moved - mean)
    assert_mean_is(covariance, products)


@every_model
def test_all_values_held_or_no_sweep(name):
    model = random_model(name)
    X = model.sample(9, random_state=0)
    np.testing.assert_array_equal(model.gibbs(X, fixed=[True] * 4, n_steps=5), X)
    still = model.gibbs(X, fixed=[True, False] * 2, n_steps=0)
    np.testing.assert_allclose(still, X, rtol=0, atol=1e-12)
    settings = {"fixed": [True, False] * 2, "random_state": 0}
    once = model.gibbs(X, **settings)
    np.testing.assert_array_equal(model.gibbs(X, **settings), once)
    before = contents(model)
    model.gibbs(X, fixed=[True, False] * 2)
    assert contents(model) == before


@pytest.mark.parametrize(
    "fixed",
    [
        [1, 0, 0, 1],
        [0.0, 1.0, 1.0, 1.0],
        [True, False],
        [[True] * 4] * 2,
        [[[True] * 4]],
        ["x0"],
        np.array(True),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["BinaryRBM", "GaussianRBM"])
def test_what_is_no_mask(name, fixed):
    model = random_model(name)
    X = model.sample(3, random_state=0)
    match = r"fixed must be booleans of shape \(4,\), or \(3, 4\)|The 'fixed' parameter"
    with pytest.raises(ValueError, match=match):
        model.gibbs(X, fixed=fixed)


@every_model
def test_names_of_columns(name):
    """Which the package's own reading of its own rows does not have."""
    table = pd.DataFrame(random_model(name).sample(6, random_state=0))
    table = table.add_prefix("unit")
    model = random_model(name, X=table)
    model.gibbs(table, fixed=[True, False] * 2)
    model.sample(given=table)


def test_thresholds_beyond_the_states():
    """What is above it is on, once and for all."""
    machine = BoltzmannMachine.from_parameters(
        [[0, 4], [4, 0]], [0, 0], states=(-1, 1), binarize=127, random_state=0
    )
    X = np.array([[255, 0]] * 50 + [[0, 255]] * 50)
    with pytest.warns(match="by binarize=127, 255 is taken as 1"):
        moved = machine.gibbs(X, fixed=[True, False], n_steps=20, random_state=0)
    first = np.repeat([1.0, -1.0], 50)
    np.testing.assert_array_equal(moved[:, 0], first)
    # They agree but for a chance of exp(-8).
    assert (moved[:, 1] == first).sum() >= 98


def test_probabilities_are_frames_where_output_is():
    X = pd.DataFrame({"a": [0, 1, 1] * 10, "b": [1, 1, 0] * 10})
    rbm = BinaryRBM(2, max_iter=5, random_state=0).fit(X)
    plain = rbm.conditional_proba(X, "b")
    framed = rbm.set_output(transform="pandas").conditional_proba(X[3:5], "b")
    assert list(framed) == ["b_0", "b_1"]
    assert framed.index.tolist() == [3, 4]
    np.testing.assert_array_equal(framed, plain[3:5])
    levels = pd.DataFrame({"kind": ["x", "y"] * 15, "size": np.arange(30.0)})
    model = MixedRBM(random_state=0).set_output(transform="polars").fit(levels)
    assert model.conditional_proba(levels, "kind").columns == ["kind_x", "kind_y"]
