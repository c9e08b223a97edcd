import tracemalloc

import numpy as np
import pytest
from oracle import RBMOracle

from skebm import BinaryRBM
from skebm.learning.starts import correlations
from skebm.learning.starts.correlations import start_weights
from skebm.units.data import Rows


def centred(table):
    return table - table.mean(axis=0)


def weights_of(table, n_hidden, seed=0):
    return start_weights(centred(table), n_hidden, np.random.default_rng(seed))


def noise_of(table, n_hidden, seed=0):
    """What the same seed gives where there is nothing to know of the data."""
    return weights_of(np.zeros_like(table, dtype=float), n_hidden, seed)


def copies(n_rows=1000):
    """Repeat one column eight times."""
    return np.repeat(np.random.default_rng(0).random((n_rows, 1)) < 0.5, 8, axis=1)


def noisy_copies():
    flipped = np.random.default_rng(1).random((1000, 8)) < 0.1
    return copies() ^ flipped


def blocks():
    """Four pairs of columns that are mostly equal, from rarely on to mostly on."""
    rng = np.random.default_rng(0)
    pairs = rng.random((1000, 4)) < [0.1, 0.5, 0.7, 0.9]
    return np.repeat(pairs, 2, axis=1) ^ (rng.random((1000, 8)) < 0.05)


def independent_columns():
    return np.random.default_rng(0).random((1000, 8)) < np.linspace(0.05, 0.95, 8)


def chain():
    """Each column mostly equal to the one before."""
    changes = np.random.default_rng(0).random((1000, 8)) < 0.2
    return changes.cumsum(axis=1) % 2 == 1


TABLES = [copies, noisy_copies, blocks, independent_columns, chain]


@pytest.fixture
def no_noise(monkeypatch):
    monkeypatch.setattr(correlations, "_NOISE", 0.0)


def test_each_unit_gets_a_feature_and_those_correlated_with_it(no_noise):
    table = blocks()
    weights = weights_of(table, 4)
    assert weights.dtype == np.float64
    assert weights.shape == (4, 8)
    correlation = np.corrcoef(table, rowvar=False)
    scale = weights.max()
    features = [int(np.argmax(row)) for row in weights]
    # One of each pair: the other says nothing new.
    assert sorted(feature // 2 for feature in features) == [0, 1, 2, 3]
    for row, feature in zip(weights / scale, features, strict=True):
        partner = feature ^ 1
        assert row[feature] == pytest.approx(1, rel=1e-12)
        assert row[partner] == pytest.approx(correlation[feature, partner], rel=1e-12)
        assert np.count_nonzero(row) == 2


@pytest.mark.usefixtures("no_noise")
def test_each_next_feature_is_that_which_those_picked_say_least_about(monkeypatch):
    """By regression, one feature after the other."""
    monkeypatch.setattr(correlations, "_SIGNIFICANCE", 0)
    rng = np.random.default_rng(0)
    table = (rng.standard_normal((5000, 8)) @ rng.standard_normal((8, 8))) > 0
    weights = weights_of(table, 8)
    features = np.argmax(weights, axis=1)
    assert sorted(features) == list(range(8))
    standardised = centred(table) / table.std(axis=0)
    for n_picked in range(1, 8):
        picked = standardised[:, features[:n_picked]]
        slopes = np.linalg.lstsq(picked, standardised)[0]
        left = ((standardised - picked @ slopes) ** 2).sum(axis=0)
        assert np.argmax(left) == features[n_picked]


def by_feature(weights):
    """Order hidden units by the features that they stand for."""
    return weights[np.argsort(np.argmax(weights, axis=1))]


@pytest.mark.parametrize("table", [noisy_copies, blocks, independent_columns, chain])
def test_flipped_columns_flip_the_weights(no_noise, table):
    """Whose hidden units may be flipped as a whole, which leaves the law as it is."""
    table = table()
    flipped = np.array([True, False, False, True, True, False, True, False])
    signs = np.where(flipped, -1, 1)
    mirrored = by_feature(weights_of(table ^ flipped, 8)) * np.outer(signs, signs)
    weights = by_feature(weights_of(table, 8))
    np.testing.assert_allclose(mirrored, weights, rtol=0, atol=1e-12)
    assert np.diag(weights).min() > 0.25


def test_constant_columns_get_only_noise():
    table = np.column_stack([np.ones(1000), noisy_copies(), np.zeros(1000)])
    weights, noise = weights_of(table, 3), noise_of(table, 3)
    np.testing.assert_array_equal(weights[:, [0, -1]], noise[:, [0, -1]])
    assert np.abs(weights[:, 1:-1]).min() > 0.3


@pytest.mark.parametrize("n_hidden", [1, 3, 8])
@pytest.mark.parametrize("table", TABLES)
def test_units_couple_less_strongly_than_would_order_them(no_noise, table, n_hidden):
    weights = weights_of(table(), n_hidden)
    # Of units that are on half of the time, with variance 1/4.
    strongest = np.linalg.eigvalsh(weights.T @ weights)[-1] / 4 / 4
    assert strongest < 0.5 + 1e-12
    assert weights.max() < 2 + 1e-12
    # One of the two is what bounds the scale.
    assert max(strongest / 0.5, weights.max() / 2) == pytest.approx(1, rel=1e-12)


def test_either_bound_may_be_the_one_that_holds(no_noise):
    assert weights_of(independent_columns(), 1).max() == pytest.approx(2, rel=1e-12)
    # Eight equal columns of variance 1/4 couple by 8 * scale**2 / 4 / 4.
    scale = np.sqrt(0.5 * 4 * 4 / 8)
    np.testing.assert_allclose(weights_of(copies(), 1), scale, rtol=1e-9)


def test_correlations_that_could_be_chance_are_taken_as_none(no_noise):
    weights = weights_of(independent_columns(), 8)
    assert (np.count_nonzero(weights, axis=1) == 1).all()
    np.testing.assert_allclose(weights.max(axis=1), 2, rtol=1e-12)


@pytest.mark.parametrize(("n_rows", "n_nonzero"), [(380, 1), (420, 2)])
def test_a_correlation_counts_from_four_standard_errors_on(n_rows, n_nonzero, no_noise):
    # Exactly 0.2 in a table of 20 rows that is repeated; 4 / 0.2 squared is 400.
    first = np.repeat([0, 1], 10)
    second = np.repeat([0, 1, 0, 1], [6, 4, 4, 6])
    table = np.tile(np.column_stack([first, second]), (n_rows // 20, 1))
    assert np.corrcoef(table, rowvar=False)[0, 1] == pytest.approx(0.2)
    assert np.count_nonzero(weights_of(table, 1)) == n_nonzero


def test_units_beyond_the_features_get_noise():
    table = independent_columns()
    weights, noise = weights_of(table, 11), noise_of(table, 11)
    np.testing.assert_array_equal(weights[8:], noise[8:])
    assert (np.abs(weights - noise)[:8].max(axis=1) > 1.9).all()


@pytest.mark.parametrize("n_rows", [1, 16])
def test_few_rows_say_nothing(n_rows):
    """Below 17 even equal columns could be chance."""
    table = copies(n_rows)
    np.testing.assert_array_equal(weights_of(table, 3), noise_of(table, 3))


@pytest.mark.parametrize("n_hidden", [1, 3, 8, 11])
@pytest.mark.parametrize("table", [noisy_copies, blocks, independent_columns, chain])
def test_wide_tables_start_as_others_do(monkeypatch, n_hidden, table):
    """But for rounding, by which columns that say as little may change places."""
    table = table()
    whole = weights_of(table, n_hidden)
    monkeypatch.setattr(correlations, "_MOST_WHOLE_COLUMNS", 7)
    wide = weights_of(table, n_hidden)
    n_clear = min(n_hidden, 4)
    np.testing.assert_allclose(wide[:n_clear], whole[:n_clear], rtol=0, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(wide), np.linalg.norm(whole), rtol=0.02)


def test_wide_tables_make_no_matrix_of_correlations():
    """It would have 800 MB, and what is made is a few times the table and weights."""
    rng = np.random.default_rng(0)
    table = np.repeat(rng.random((100, 5000)) < 0.5, 2, axis=1)
    rows = centred(table)
    tracemalloc.start()
    weights = start_weights(rows, 5, rng)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * rows.nbytes
    # Each unit has a column and its copy.
    features = np.argsort(-weights, axis=1)[:, :2]
    np.testing.assert_array_equal(features.min(axis=1) + 1, features.max(axis=1))
    assert (features.min(axis=1) % 2 == 0).all()


def test_the_seed_sets_the_noise():
    table = noisy_copies()
    np.testing.assert_array_equal(weights_of(table, 3), weights_of(table, 3))
    assert (weights_of(table, 3, seed=1) != weights_of(table, 3)).all()
    gap = weights_of(table, 3, seed=1) - weights_of(table, 3)
    assert np.abs(gap).max() < 0.1


def test_ties_are_not_decided_by_rounding(no_noise):
    """So that the features chosen are the same for flipped columns."""
    table = chain()
    flipped = np.array([True, False, False, True, True, False, True, False])
    weights = np.abs(weights_of(table, 3))
    np.testing.assert_allclose(np.abs(weights_of(table ^ flipped, 3)), weights)


def test_rare_columns_that_occur_together_stay_rare():
    rng = np.random.default_rng(0)
    table = (rng.random((1000, 1)) < 0.05) & (rng.random((1000, 8)) < 0.8)
    for n_hidden in (1, 3, 8):
        mean = starting_law(table, n_hidden).mean()
        assert np.abs(mean - table.mean(axis=0)).max() < 0.055


def starting_law(table, n_hidden):
    rbm = BinaryRBM(n_hidden)
    rows = Rows(table, None)
    rbm._see(rows, first=True)
    return RBMOracle.of(rbm._begin(rows, np.random.default_rng(0), "pcd").model)


@pytest.mark.parametrize("n_hidden", [1, 3, 8, 10])
@pytest.mark.parametrize("table", TABLES)
def test_the_machine_starts_near_the_means_of_the_data(table, n_hidden):
    table = table()
    error = np.abs(starting_law(table, n_hidden).mean() - table.mean(axis=0))
    # The weights pull rare values towards one half: by 0.051 at most here.
    assert error.max() < 0.055


@pytest.mark.parametrize("n_hidden", [1, 3, 8])
@pytest.mark.parametrize("table", [copies, noisy_copies, blocks, chain])
def test_the_machine_starts_with_part_of_the_structure(table, n_hidden):
    table = table()
    mean = table.mean(axis=0)
    independent = mean @ np.log(mean) + (1 - mean) @ np.log(1 - mean)
    start = starting_law(table, n_hidden).log_likelihood(table).mean()
    assert start > independent + 0.02
