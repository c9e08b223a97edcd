"""`lowest_energy` of every model, against energies of all rows that there are."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from models import BINARY, EVERY, contents, every_row, random_model, rows_for
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from skebm import BinaryRBM, BoltzmannMachine, LatentBM
from skebm.sampling import descent, landscape

NAN = float("nan")
NUMBERS = [name for name in EVERY if name not in BINARY]
every = pytest.mark.parametrize("name", EVERY)


def lowest_rows(model, rows, free):
    """List the rows that no change in a free column makes lower, the lowest first."""
    energies = dict(zip(map(tuple, rows), model.free_energy(rows), strict=True))
    low, high = np.unique(rows)
    result = []
    for row, energy in energies.items():
        around = [
            (*row[:i], low + high - row[i], *row[i + 1 :]) for i in np.flatnonzero(free)
        ]
        if all(energies[other] > energy for other in around):
            result.append(row)
    return np.array(sorted(result, key=energies.get))


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name])


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("settings", [{}, {"n_steps": 0}, {"n_steps": 20}])
@pytest.mark.parametrize("seed", range(3))
def test_minima_are_those_of_all_rows(name, settings, seed):
    model = random_model(name, n_features=6, seed=seed)
    rows = every_row(name, 6)
    minima = model.lowest_energy(random_state=0, **settings)
    expected = lowest_rows(model, rows, np.ones(6))
    np.testing.assert_array_equal(minima.states, expected)
    np.testing.assert_allclose(minima.energies, model.free_energy(expected), atol=1e-12)
    assert minima.basin_shares.sum() == pytest.approx(1)
    assert minima.plateau_sizes.tolist() == [1] * len(expected)
    assert minima.is_complete == (not settings)
    assert "labels" not in minima


@pytest.mark.parametrize("name", BINARY)
def test_shares_are_of_all_rows(name):
    """As the descent of each of them tells."""
    model = random_model(name, n_features=6, seed=1)
    minima, descents = (model.lowest_energy(X) for X in (None, every_row(name, 6)))
    np.testing.assert_array_equal(minima.states, descents.states)
    shares = np.bincount(descents.labels) / 64
    np.testing.assert_allclose(minima.basin_shares, shares)
    np.testing.assert_allclose(descents.basin_shares, shares)
    assert not descents.is_complete


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("settings", [{}, {"n_steps": 20}])
def test_minima_given_some_columns(name, settings):
    model = random_model(name, n_features=6, seed=2)
    rows = every_row(name, 6)
    low, high = np.unique(rows)
    given = np.array([[NAN, high, NAN, NAN, low, NAN]])
    minima = model.lowest_energy(given=given, random_state=0, **settings)
    fits = (rows[:, 1] == high) & (rows[:, 4] == low)
    expected = lowest_rows(model, rows[fits], np.isnan(given[0]))
    np.testing.assert_array_equal(minima.states, expected)
    # Whatever rows have in these columns.
    X = np.where(np.isnan(given), rows, NAN)
    descents = model.lowest_energy(X, given=given)
    np.testing.assert_array_equal(descents.states, expected)
    same = model.lowest_energy(np.where(np.isnan(given), rows, given), given=given)
    np.testing.assert_array_equal(descents.labels, same.labels)


@every
def test_rows_come_to_minima_and_these_stay(name):
    model = random_model(name, seed=3)
    X = np.random.default_rng(0).normal(size=(200, 4))
    if name in BINARY:
        X = rows_for(name, (X > 0).astype(float))
    minima = model.lowest_energy(X, random_state=0)
    assert minima.labels.shape == (200,)
    assert (np.diff(minima.energies) >= 0).all()
    np.testing.assert_allclose(
        minima.energies, model.free_energy(minima.states), rtol=0, atol=1e-10
    )
    assert (minima.energies[minima.labels] <= model.free_energy(X) + 1e-9).all()
    shares = np.bincount(minima.labels, minlength=len(minima.states)) / 200
    np.testing.assert_array_equal(minima.basin_shares, shares)
    again = model.lowest_energy(minima.states, random_state=1)
    assert again.labels.tolist() == list(range(len(minima.states)))
    np.testing.assert_allclose(again.states, minima.states, atol=1e-5)
    assert_same(minima, model.lowest_energy(X, random_state=0))


@every
def test_rows_of_one_minimum_and_wholly_held_rows(name):
    model = random_model(name)
    row = rows_for(name, np.array([[1.0, 0.0, 1.0, 1.0]]))
    for minima in (
        model.lowest_energy(given=row),
        model.lowest_energy(given=row, n_steps=2),
        model.lowest_energy([[NAN] * 4] * 3, given=row),
    ):
        np.testing.assert_array_equal(minima.states, row)
        np.testing.assert_allclose(minima.energies, model.free_energy(row))
        assert minima.basin_shares.tolist() == [1]
    nothing = model.lowest_energy(given=[[NAN] * 4], random_state=0)
    assert_same(nothing, model.lowest_energy(random_state=0))


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("seed", range(3))
def test_numbers_have_no_lower_rows_nearby(name, seed):
    """In any direction; and all minima of known rows are among those searched for."""
    model = random_model(name, seed=seed)
    minima = model.lowest_energy(random_state=0)
    rng = np.random.default_rng(0)
    for state, energy in zip(minima.states, minima.energies, strict=True):
        beside = state + 1e-3 * rng.normal(size=(100, 4))
        assert (model.free_energy(beside) > energy).all()
    assert minima.basin_shares.sum() == pytest.approx(1)
    assert not minima.is_complete
    from_rows = model.lowest_energy(5 * rng.normal(size=(100, 4)))
    for state in from_rows.states:
        assert np.abs(minima.states - state).max(axis=1).min() < 1e-4


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_given_some_columns(name):
    model = random_model(name, seed=1)
    given = np.array([[NAN, 0.1, NAN, -0.7]])
    minima = model.lowest_energy(given=given, random_state=0)
    assert (minima.states[:, 1] == 0.1).all()  # to the last bit
    assert (minima.states[:, 3] == -0.7).all()
    rng = np.random.default_rng(0)
    for state, energy in zip(minima.states, minima.energies, strict=True):
        beside = state + 1e-3 * rng.normal(size=(100, 4)) * np.isnan(given)
        assert (model.free_energy(beside) > energy).all()


def test_numbers_of_any_scale_have_the_same_minima():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3)) + 4 * rng.integers(0, 2, (200, 1))
    model = random_model("GaussianRBM", n_features=3)
    scaled = type(model)(3, random_state=0).fit(1e4 * X + 1e5)
    plain = type(model)(3, random_state=0).fit(X)
    one, other = (m.lowest_energy(random_state=0) for m in (plain, scaled))
    assert len(one.states) > 1
    np.testing.assert_allclose(other.states, 1e4 * one.states + 1e5, rtol=1e-6)


@every
def test_nothing_is_changed(name):
    model = random_model(name)
    X = rows_for(name, np.eye(4)[:2])
    before = contents(model)
    model.lowest_energy(random_state=0)
    model.lowest_energy(X, given=[[NAN, 1, NAN, NAN]], n_steps=3, random_state=0)
    assert contents(model) == before


@every
def test_containers(name):
    model = random_model(name)
    X = rows_for(name, np.eye(4))
    dense = model.lowest_energy(X, random_state=0)
    assert_same(dense, model.lowest_energy(sparse.csr_array(X), random_state=0))
    for kind, frame in (("pandas", pd.DataFrame), ("polars", pl.DataFrame)):
        states = model.set_output(transform=kind).lowest_energy(X).states
        assert isinstance(states, frame)
        assert list(states.columns) == ["x0", "x1", "x2", "x3"]
        np.testing.assert_allclose(np.asarray(states), dense.states, atol=1e-6)


# ---- bad input, and what cannot be trusted ----


@every
def test_bad_input(name):
    model = random_model(name)
    with pytest.raises(NotFittedError):
        EVERY[name].lowest_energy()
    with pytest.raises(ValueError, match="given has 2 rows, and each has minima"):
        model.lowest_energy(given=rows_for(name, np.eye(4)[:2]))
    with pytest.raises(ValueError, match="X contains NaN, but descent starts from"):
        model.lowest_energy([[NAN, 1, 1, 1]])
    with pytest.raises(ValueError, match="X contains NaN, but descent starts from"):
        model.lowest_energy([[NAN, 1, 1, 1]], given=[[NAN, 1, NAN, NAN]])
    with pytest.raises(ValueError, match="3 features"):
        model.lowest_energy(np.eye(3))
    with pytest.raises(ValueError, match="3 features"):
        model.lowest_energy(given=[[1, NAN, 1]])
    for settings in ({"n_starts": 0}, {"n_steps": -1}, {"random_state": "x"}):
        with pytest.raises(ValueError, match=f"'{next(iter(settings))}' parameter of"):
            model.lowest_energy(**settings)


def test_probabilities_are_drawn_from_and_not_held():
    rbm = BinaryRBM.from_parameters(np.zeros((1, 3)), [5, 5, 5], [0], binarize=None)
    minima = rbm.lowest_energy([[0.5, 0.2, 1.0]], random_state=0)
    np.testing.assert_array_equal(minima.states, [[1, 1, 1]])
    with pytest.raises(ValueError, match="given holds values between the two states"):
        rbm.lowest_energy(given=[[0.5, NAN, NAN]])


def test_thresholds_mean_nothing_to_states():
    """Minima of a model that reads large numbers are zeros and ones."""
    machine = BoltzmannMachine.from_parameters([[0, 2], [2, 0]], [-1, -1], binarize=100)
    minima = machine.lowest_energy()
    np.testing.assert_array_equal(minima.states, [[0, 0], [1, 1]])
    np.testing.assert_array_equal(minima.energies, [0, 0])


def test_plateaus_are_one_minimum():
    """A unit that changes nothing, of one machine that is small and one that is not."""
    machine = BoltzmannMachine.from_parameters(
        [[0, 4, 0], [4, 0, 0], [0, 0, 0]], [-2, -2, 0]
    )
    for minima in (machine.lowest_energy(), machine.lowest_energy(n_steps=5)):
        np.testing.assert_array_equal(minima.states, [[0, 0, 0], [1, 1, 0]])
        assert minima.plateau_sizes.tolist() == [2, 2]


def test_large_plateaus_come_with_a_warning(monkeypatch):
    monkeypatch.setattr(descent, "_MOST_PLATEAU_ROWS", 100)
    machine = BoltzmannMachine.from_parameters(np.zeros((24, 24)), np.zeros(24))
    with pytest.warns(ConvergenceWarning, match="plateaus that are minima may count"):
        machine.lowest_energy(n_starts=10, random_state=0)


def test_numbers_that_do_not_come_to_rest_come_with_a_warning(monkeypatch):
    monkeypatch.setattr(landscape, "_MOST_STEPS", 1)
    with pytest.warns(ConvergenceWarning, match="have not come to rest"):
        random_model("GaussianRBM").lowest_energy(n_starts=10, random_state=0)


def test_more_than_twenty_units_are_searched():
    machine = BoltzmannMachine.from_parameters(
        np.kron(np.eye(12), [[0, 8.0], [8.0, 0]]), np.full(24, -4.2)
    )
    minima = machine.lowest_energy(random_state=0)
    assert not minima.is_complete
    # The lowest of 2**12.
    np.testing.assert_array_equal(minima.states[0], np.zeros(24))
    given = np.r_[np.full(20, NAN), 1, 1, 1, 1][np.newaxis]
    held = machine.lowest_energy(given=given)
    assert held.is_complete
    assert len(held.states) == 2**10


def test_minima_of_bounds_where_sums_are_bounds():
    rng = np.random.default_rng(0)
    hidden = np.triu(rng.normal(0, 1, (14, 14)), 1)
    model = LatentBM.from_parameters(
        rng.normal(0, 2, (14, 4)),
        np.zeros(4),
        np.zeros(14),
        hidden_couplings=hidden + hidden.T,
    )
    assert not model.score_is_exact_
    minima = model.lowest_energy()
    expected = lowest_rows(model, every_row("LatentBM"), np.ones(4))
    np.testing.assert_array_equal(minima.states, expected)
    np.testing.assert_allclose(minima.energies, model.free_energy(expected))
