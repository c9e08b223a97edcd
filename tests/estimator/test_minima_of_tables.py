"""`lowest_energy` of tables with categories, and of numbers that are not plain."""

from itertools import product

import numpy as np
import pandas as pd
import polars as pl
import pytest
from models import contents

from skebm import MixedRBM

pytestmark = pytest.mark.filterwarnings(
    "ignore:Learning has not converged:sklearn.exceptions.ConvergenceWarning"
)

NAN = float("nan")
LEVELS = list("abc"), list("xy"), list("klmn")


def letters(n_rows=300, seed=0):
    """Three columns of categories that go together."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 2, n_rows)
    own = [
        np.where(rng.random(n_rows) < 0.8, kind, rng.integers(0, len(levels), n_rows))
        for levels in LEVELS
    ]
    table = {
        f"c{i}": np.array(levels, dtype=object)[numbers]
        for i, (levels, numbers) in enumerate(zip(LEVELS, own, strict=True))
    }
    return pd.DataFrame(table)


def shops(n_rows=400, seed=0):
    """A category, a number in two clumps, and one that is 0 in many rows or skewed."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 2, n_rows)
    spent = rng.lognormal(1 + kind, 0.6, n_rows)
    return pd.DataFrame(
        {
            "shop": np.where(rng.random(n_rows) < 0.9, kind, 1 - kind).astype(str),
            "age": 30 + 20 * kind + 4 * rng.normal(size=n_rows),
            "spent": np.where(rng.random(n_rows) < 0.3, 0.0, spent),
        }
    )


@pytest.fixture(scope="module")
def of_letters():
    return MixedRBM(2, n_groups=2, random_state=0).fit(letters())


@pytest.fixture(scope="module")
def of_shops():
    return MixedRBM(1, n_groups=2, random_state=0).fit(shops())


def neighbours(row, free=(0, 1, 2)):
    for column in free:
        for level in LEVELS[column]:
            if level != row[column]:
                yield (*row[:column], level, *row[column + 1 :])


@pytest.mark.parametrize("settings", [{}, {"n_steps": 10}])
@pytest.mark.parametrize("held", [None, "m"])
def test_minima_of_categories_are_those_of_all_rows(of_letters, settings, held):
    rows = [row for row in product(*LEVELS) if held in {None, row[2]}]
    table = pd.DataFrame(rows, columns=["c0", "c1", "c2"])
    energies = dict(zip(rows, of_letters.free_energy(table), strict=True))
    free = (0, 1, 2) if held is None else (0, 1)
    lowest = [
        row
        for row in rows
        if all(energies[other] > energies[row] for other in neighbours(row, free))
    ]
    lowest.sort(key=energies.get)
    given = None
    if held is not None:
        given = pd.DataFrame({"c0": [None], "c1": [None], "c2": [held]})
    minima = of_letters.lowest_energy(given=given, random_state=0, **settings)
    assert [tuple(row) for row in minima.states] == lowest
    np.testing.assert_allclose(
        minima.energies, [energies[row] for row in lowest], atol=1e-10
    )
    assert minima.is_complete == (not settings)
    assert minima.basin_shares.sum() == pytest.approx(1)
    if held is None:
        assert len(lowest) > 1


def test_shares_of_categories_are_of_all_rows(of_letters):
    rows = pd.DataFrame(product(*LEVELS), columns=["c0", "c1", "c2"])
    minima, descents = (of_letters.lowest_energy(X) for X in (None, rows))
    shares = np.bincount(descents.labels) / len(rows)
    np.testing.assert_allclose(minima.basin_shares, shares)


def test_frames_are_frames_of_levels(of_letters):
    table = of_letters.lowest_energy(letters()).states
    own = MixedRBM(2, n_groups=2, random_state=0).fit(letters())
    frame = own.set_output(transform="pandas").lowest_energy(letters()).states
    np.testing.assert_array_equal(frame.to_numpy(), table)
    assert list(frame.columns) == ["c0", "c1", "c2"]
    frame = own.set_output(transform="polars").lowest_energy(letters()).states
    np.testing.assert_array_equal(frame.to_numpy(), table)
    assert isinstance(frame, pl.DataFrame)


def test_unknown_levels_are_refused(of_letters):
    given = pd.DataFrame({"c0": ["z"], "c1": [None], "c2": [None]})
    with pytest.raises(ValueError, match="'z'"):
        of_letters.lowest_energy(given=given)
    with pytest.raises(ValueError, match="X contains NaN, but descent"):
        of_letters.lowest_energy(given.assign(c0="a"))


def test_rows_come_to_lower_ones(of_shops):
    """As far as energies of straightened numbers are those of the numbers."""
    X = shops()
    before = contents(of_shops)
    minima = of_shops.lowest_energy(X, random_state=0)
    assert contents(of_shops) == before
    states = minima.states[minima.labels]
    # A number in a level stays, and no other comes to it.
    np.testing.assert_array_equal(states[:, 2] == 0, X["spent"] == 0)
    again = of_shops.lowest_energy(pd.DataFrame(minima.states, columns=X.columns))
    assert again.labels.tolist() == list(range(len(minima.states)))
    np.testing.assert_allclose(again.energies, minima.energies, atol=1e-6)
    searched = of_shops.lowest_energy(random_state=0)
    assert {*minima.energies.round(5)} <= {*searched.energies.round(5)}
    annealed = of_shops.lowest_energy(X, n_steps=5, random_state=0)
    for found in (minima, searched, annealed):
        assert 2 <= len(found.states) <= 8
        assert len({*found.energies.round(5)}) == len(found.states)


@pytest.mark.parametrize("straighten", [False, True])
@pytest.mark.parametrize("spike_share", [0.2, 1.0])
def test_no_lower_rows_are_nearby(straighten, spike_share):
    """Another shop, or other numbers, in straightened ones where there are such."""
    model = MixedRBM(
        2, n_groups=3, straighten=straighten, spike_share=spike_share, random_state=0
    ).fit(shops())
    minima = model.lowest_energy(random_state=0)
    table = pd.DataFrame(minima.states, columns=["shop", "age", "spent"])

    def energies(table):
        return model.free_energy(table) + log_bends(model, table)

    lowest = energies(table)
    np.testing.assert_allclose(minima.energies, lowest, rtol=0, atol=1e-8)
    other = table.assign(shop=np.where(table["shop"] == "0", "1", "0"))
    assert (energies(other) > lowest).all()
    for column in ("age", "spent"):
        for step in (-1e-3, 1e-3):
            values = table[column].astype(float)
            moves = (values != 0) | (spike_share == 1)
            beside = energies(table.assign(**{column: values + step * moves}))
            assert (beside[moves] > lowest[moves] - 1e-12).all()
    if not straighten:
        free_energy = model.free_energy(table)
        np.testing.assert_allclose(minima.energies, free_energy, atol=1e-8)
    if spike_share < 1:
        assert (table["spent"] == 0).any()
        assert (table["spent"] != 0).any()


def log_bends(model, table):
    """Logs of derivatives of straightened numbers, by differences of a wide stencil."""
    total = np.zeros(len(table))
    for name, column in zip(("age", "spent"), model._columns.numbers[1:], strict=True):
        values = table[name].astype(float).to_numpy()
        step = 1e-4 * column.scale
        _, up = column.encode(values + step)
        _, down = column.encode(values - step)
        slope = (up - down) / (2 * step) * column.scale
        in_level = np.isin(values, column.atoms)
        total += np.where(in_level, 0.0, np.log(slope))
    return total


def test_held_values_stay_to_the_last_bit(of_shops):
    given = pd.DataFrame({"shop": [None], "age": [41.3], "spent": [0.1 + 0.2]})
    minima = of_shops.lowest_energy(given=given, random_state=0)
    assert minima.is_complete  # of the shops alone
    assert minima.states[:, 1].tolist() == [41.3] * len(minima.states)
    assert minima.states[:, 2].tolist() == [0.1 + 0.2] * len(minima.states)
    in_level = of_shops.lowest_energy(given=given.assign(spent=0.0, age=NAN))
    assert (in_level.states[:, 2] == 0).all()
    assert len(set(in_level.states[:, 1])) == len(in_level.states)
    rows = shops()[:20].assign(spent=NAN)
    minima = of_shops.lowest_energy(rows, given=given.assign(age=NAN))
    assert (minima.states[:, 2] == 0.1 + 0.2).all()
    assert minima.labels.shape == (20,)


def test_columns_of_one_level_and_of_nothing_are_kept():
    table = letters().assign(one="a", nothing=None, number=3.0)
    model = MixedRBM(random_state=0).fit(table)
    minima = model.lowest_energy(random_state=0)
    assert 1 < len(minima.states) < 10
    assert {*map(tuple, minima.states[:, 3:])} == {("a", None, 3.0)}


def test_numbers_in_levels_need_sums_over_hidden_units():
    model = MixedRBM(13, n_groups=1, algorithm="pcd", max_iter=5, random_state=0)
    model.fit(shops())
    with pytest.raises(ValueError, match="more than 4096 hidden configurations"):
        model.lowest_energy(shops())
    off = shops()[shops()["spent"] != 0]
    assert len(model.lowest_energy(off).labels) == len(off)
