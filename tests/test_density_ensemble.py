import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from containers import CONTAINERS
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from skebm import DensityEnsemble

PARAMETERS = DensityEnsemble().get_params().keys()


def correlated_rows(seed, n_rows=500):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n_rows, 4))
    rows[:, 1] = 0.95 * rows[:, 0] + 0.3 * rows[:, 1]
    return rows * [1, 10, 0.1, 1000] + [0, 0, 5, -1e4]


def mixed_columns(seed, n_rows=300, share_missing=0.0):
    """Columns of strings, of flags that follow them, and of numbers that do."""
    rng = np.random.default_rng(seed)
    colour = rng.integers(0, 3, n_rows)
    columns = {
        "colour": np.array(["blue", "red", "white"], dtype=object)[colour],
        "flag": ((colour == 1) ^ (rng.random(n_rows) < 0.02)).astype(object),
        "length": rng.normal(size=n_rows) + 3.0 * colour,
    }
    for name, values in columns.items():
        gone = rng.random(n_rows) < share_missing
        columns[name] = np.where(gone, None, values)
    return columns | {"length": columns["length"].astype(float)}


FRAMES = {
    "pandas": pd.DataFrame,
    "pandas, category": lambda own: pd.DataFrame(own).astype({"colour": "category"}),
    "polars": lambda own: pl.DataFrame(
        {
            "colour": pl.Series(own["colour"].tolist()),
            "flag": pl.Series(own["flag"].tolist(), dtype=pl.Boolean),
            "length": pl.Series(own["length"], nan_to_null=True),
        }
    ),
    "array of objects": lambda own: np.array(list(own.values()), dtype=object).T,
    "list": lambda own: [list(row) for row in zip(*own.values(), strict=True)],
}


@pytest.fixture(name="X", scope="module")
def make_rows():
    return correlated_rows(0)


@pytest.fixture(name="fitted", scope="module")
def make_fitted(X):
    return DensityEnsemble(random_state=0).fit(X)


# ---- scikit-learn's checks ----


@parametrize_with_checks(
    [
        DensityEnsemble(),
        DensityEnsemble(2, n_components=1, add_indicator=True, random_state=0),
    ],
)
def test_check_estimator(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    "name", ["check_dataframe_column_names_consistency", "check_param_validation"]
)
def test_check_that_check_estimator_leaves_out(name):
    getattr(estimator_checks, name)("DensityEnsemble", DensityEnsemble())


# ---- scores ----


def test_rows_that_contradict_what_goes_together_are_unusual(X, fitted):
    new = correlated_rows(1, 200)
    odd = new.copy()
    odd[:, 0], odd[:, 1] = 1.5, -15.0  # each of them usual
    assert fitted.score_samples(odd).max() < fitted.score_samples(new).min()
    # The first two columns are the only ones that surprise.
    surprise = -fitted.conditional_score_samples(odd)
    assert_array_equal(np.argsort(surprise, axis=1)[:, 2:].min(axis=1), 0)
    assert surprise[:, :2].min() > np.quantile(surprise[:, 2:], 0.99)


def test_scores_are_negative_and_half_of_them_above_where_the_docs_say(fitted):
    scores = fitted.score_samples(correlated_rows(1, 5000))
    assert scores.max() < 0
    assert abs(np.median(scores) + 0.7) < 0.1


def test_scores_are_the_same_again_and_for_each_row_alone(X, fitted):
    again = DensityEnsemble(random_state=0).fit(X)
    assert_array_equal(again.score_samples(X), fitted.score_samples(X))
    assert_array_equal(again.oob_scores_, fitted.oob_scores_)
    alone = np.concatenate([fitted.score_samples(row[np.newaxis]) for row in X[:20]])
    assert_allclose(alone, fitted.score_samples(X)[:20], rtol=1e-10)
    other = DensityEnsemble(random_state=1).fit(X)
    assert not np.array_equal(other.score_samples(X), fitted.score_samples(X))


@pytest.mark.parametrize("n_rows", [100, 500, 3000])
def test_out_of_bag_scores_are_like_those_of_new_rows(n_rows):
    """Those of the rows learned from are not, where these are few."""
    medians = []
    for seed in range(5):
        X = correlated_rows(seed, n_rows)
        own = DensityEnsemble(random_state=0).fit(X)
        assert own.oob_scores_.shape == (min(n_rows, 2000),)
        new = own.score_samples(correlated_rows(seed + 100, 2000))
        quantiles = [np.quantile(own.oob_scores_, q) for q in (0.25, 0.5, 0.75)]
        medians.append(quantiles - np.quantile(new, [0.25, 0.5, 0.75]))
    # Of 500 rows in all, the lower quartile has a standard error of 0.05.
    assert np.abs(np.mean(medians, axis=0)).max() < (0.25 if n_rows == 100 else 0.1)


def test_out_of_bag_scores_are_of_mixtures_that_have_not_seen_the_row():
    """Of 20 components one takes a far row for its own, in a mixture that sees it."""
    X = np.random.default_rng(0).normal(size=(200, 2))
    X[:3] = [[30, 30], [-30, 40], [50, -35]]
    own = DensityEnsemble(2, n_components=20, reg_covar=1e-3, random_state=0).fit(X)
    assert np.sort(own.oob_scores_)[:3].max() < -50


def test_rows_that_all_mixtures_have_seen_are_like_new_ones():
    """Which common rows of flags are: a share of them is not below the offset."""
    X = np.random.default_rng(0).integers(0, 2, (1000, 3)).astype(float)
    own = DensityEnsemble(random_state=0).fit(X)
    scores = own.score_samples(np.unique(X, axis=0))
    nearest = np.abs(own.oob_scores_[:, np.newaxis] - scores).min(axis=1)
    # One row less in a bin of some 500.
    assert nearest.max() < 0.02


def test_rows_are_scored_in_blocks(monkeypatch, X, fitted):
    rows = X.copy()
    rows[::7, 2] = np.nan
    scores = fitted.score_samples(rows)
    conditionals = fitted.conditional_score_samples(rows)
    monkeypatch.setattr("skebm.density_ensemble._BLOCK", 4 * 33)
    assert_allclose(fitted.score_samples(rows), scores, rtol=1e-10)
    assert_allclose(fitted.conditional_score_samples(rows), conditionals, rtol=1e-9)


# ---- what the table is ----


@pytest.mark.parametrize("container", CONTAINERS)
def test_containers_of_flags(container):
    bits = (np.random.default_rng(0).random((200, 3)) < [0.1, 0.3, 0.5]).astype(float)
    table = CONTAINERS[container](bits)
    own = DensityEnsemble(random_state=0).fit(table)
    scores = own.score_samples(table)
    # Flags of dtype bool are categories where they come in columns or lists.
    kinds = {levels is None for levels in own.categories_}
    if kinds == {True}:
        expected = DensityEnsemble(random_state=0).fit(bits).score_samples(bits)
        assert_allclose(scores, expected, rtol=1e-9)
    else:
        assert "bool" in container or "mixed" in container or "null" in container
    shares = np.unique(bits, axis=0, return_inverse=True, return_counts=True)
    counts = shares[2][shares[1].ravel()]
    assert counts[scores.argmin()] <= 3 < counts[scores.argmax()]


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.int8])
def test_numbers_of_any_dtype(dtype):
    X = (np.random.default_rng(0).normal(size=(300, 3)) * 20).astype(dtype)
    expected = DensityEnsemble(random_state=0).fit(X.astype(float))
    own = DensityEnsemble(random_state=0).fit(X)
    assert_array_equal(own.score_samples(X), expected.score_samples(X.astype(float)))
    assert own.score_samples(X).dtype == np.float64


@pytest.mark.parametrize(
    "kind", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array]
)
def test_sparse_rows_are_as_good_as_dense_ones(kind):
    rng = np.random.default_rng(0)
    X = rng.poisson(0.3, size=(300, 8)).astype(float)
    dense = DensityEnsemble(random_state=0).fit(X)
    own = DensityEnsemble(random_state=0).fit(kind(X))
    assert_array_equal(own.score_samples(kind(X)), dense.score_samples(X))
    assert_array_equal(
        own.conditional_score_samples(kind(X)), dense.conditional_score_samples(X)
    )


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("share_missing", [0.0, 0.2])
def test_tables_of_any_columns(frame, share_missing):
    convert = FRAMES[frame]
    table = convert(mixed_columns(0, share_missing=share_missing))
    new = mixed_columns(1, 100, share_missing)
    own = DensityEnsemble(random_state=0).fit(table)
    reference = DensityEnsemble(random_state=0)
    reference.fit(pd.DataFrame(mixed_columns(0, share_missing=share_missing)))
    scores = own.score_samples(convert(new))
    assert_allclose(scores, reference.score_samples(pd.DataFrame(new)), rtol=1e-9)
    levels = [None if levels is None else list(levels) for levels in own.categories_]
    assert levels == [["blue", "red", "white"], [False, True], None]
    if "list" not in frame and "array" not in frame:
        assert list(own.feature_names_in_) == list(new)
    conditionals = own.conditional_score_samples(convert(new))
    assert_array_equal(np.isnan(conditionals), pd.DataFrame(new).isna())


def test_values_that_contradict_each_other_across_kinds():
    own = DensityEnsemble(random_state=0).fit(pd.DataFrame(mixed_columns(0)))
    usual = {"colour": ["red", "blue"], "flag": [True, False], "length": [3.0, 0.0]}
    odd = [
        {"colour": ["white"], "flag": [True], "length": [6.0]},
        {"colour": ["red"], "flag": [False], "length": [3.0]},
        {"colour": ["blue"], "flag": [False], "length": [6.0]},
    ]
    least = own.score_samples(pd.DataFrame(usual)).min()
    for columns in odd:
        assert own.score_samples(pd.DataFrame(columns)) < least - 1
    # It is the third value that the others contradict.
    surprise = -own.conditional_score_samples(pd.DataFrame(odd[2]))
    assert surprise[0, 1] < surprise[0, [0, 2]].min()


@pytest.mark.parametrize("frame", FRAMES)
def test_levels_that_were_not_seen_are_surprising(frame):
    convert = FRAMES[frame]
    own = DensityEnsemble(random_state=0).fit(convert(mixed_columns(0)))
    new = {
        "colour": np.array(["red", "green"], dtype=object),
        "flag": np.array([True, True], dtype=object),
        "length": np.array([3.0, 3.0]),
    }
    usual, unknown = own.score_samples(convert(new))
    assert unknown < usual - 4
    surprise = -own.conditional_score_samples(convert(new))
    assert surprise[1, 0] > surprise[0, 0] + 4
    assert surprise[1].argmax() == 0


def test_categories_may_be_named():
    codes = np.random.default_rng(0).choice(
        [1.0, 5.0, 9.0], (400, 1), p=[0.6, 0.38, 0.02]
    )
    numbers = np.random.default_rng(1).normal(size=(400, 1))
    X = np.hstack([codes, numbers])
    by_mask = DensityEnsemble(categorical_features=[True, False], random_state=0).fit(X)
    by_place = DensityEnsemble(categorical_features=[0], random_state=0).fit(X)
    by_name = DensityEnsemble(categorical_features=["code"], random_state=0)
    by_name.fit(pd.DataFrame(X, columns=["code", "x"]))
    assert_array_equal(by_mask.categories_[0], [1, 5, 9])
    assert by_mask.categories_[1] is None
    new = np.array([[1.0, 0.0], [9.0, 0.0], [3.0, 0.0]])
    scores = by_mask.score_samples(new)
    # 3 is between the others as a number, and was never seen.
    assert scores[0] > scores[1] > scores[2]
    assert_array_equal(by_place.score_samples(new), scores)
    frame = pd.DataFrame(new, columns=["code", "x"])
    assert_array_equal(by_name.score_samples(frame), scores)
    assert DensityEnsemble(random_state=0).fit(X).categories_ == [None, None]


# ---- gaps ----


def test_missing_values_count_as_what_is_expected(X, fitted):
    rows = correlated_rows(1, 300)
    spoilt = rows.copy()
    spoilt[:, 2:] = np.nan
    # Neither more nor less usual, on average, in units of a spread of about a nat.
    gained = fitted.score_samples(spoilt) - fitted.score_samples(rows)
    assert abs(np.median(gained)) < 0.25
    nothing = fitted.score_samples(np.full((1, 4), np.nan))
    assert nothing > np.quantile(fitted.oob_scores_, 0.25)
    # What is known is as odd as it was.
    odd = np.array([[1.5, -15.0, np.nan, np.nan]])
    assert fitted.score_samples(odd) < fitted.oob_scores_.min()
    assert np.isfinite(fitted.score_samples(spoilt)).all()


@pytest.mark.parametrize("frame", ["pandas", "array of numbers"])
def test_indicators_tell_where_it_matters_that_values_are_missing(frame):
    """The second column is missing where the first is low, and only there."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(1000, 2))
    rows[rows[:, 0] < -1, 1] = np.nan
    odd, usual = np.array([[1.5, np.nan]]), np.array([[-1.5, np.nan]])
    gained = {}
    for add_indicator in (False, True):
        own = DensityEnsemble(add_indicator=add_indicator, random_state=0)
        if frame == "pandas":
            table = pd.DataFrame({"kind": ["a", "b"] * 500, "x": rows[:, 0]})
            table["y"] = rows[:, 1]
            own.fit(table)
            rest = {"kind": ["a"], "y": [np.nan]}
            pair = [
                pd.DataFrame({**rest, "x": x[:, 0]})[["kind", "x", "y"]]
                for x in (odd, usual)
            ]
        else:
            own.fit(rows)
            pair = odd, usual
        low, high = (own.score_samples(row)[0] for row in pair)
        gained[add_indicator] = high - low
        conditionals = own.conditional_score_samples(pair[0])
        assert np.isnan(conditionals[0, -1]) == (not add_indicator)
    assert gained[True] > 1 > gained[False]


@pytest.mark.filterwarnings("ignore:No column of X varies")
def test_columns_of_which_nothing_is_known():
    X = np.column_stack([correlated_rows(0), np.full(500, np.nan)])
    own = DensityEnsemble(random_state=0).fit(X)
    assert np.isfinite(own.score_samples(X)).all()
    new = X[:3].copy()
    new[:, 4] = 1.0
    assert np.isfinite(own.score_samples(new)).all()
    nothing = DensityEnsemble(random_state=0).fit(np.full((20, 2), np.nan))
    assert np.isfinite(nothing.score_samples([[0.0, np.nan]])).all()
    assert np.isnan(nothing.conditional_score_samples([[0.0, np.nan]])[0, 1])


# ---- tables of odd shapes ----


def test_a_single_row():
    own = DensityEnsemble(random_state=0).fit([[1.0, 2.0]])
    scores = own.score_samples([[1.0, 2.0], [1.5, 2.0], [50.0, 5.0]])
    assert (np.diff(scores) < 0).all()
    assert own.oob_scores_.shape == (1,)


@pytest.mark.filterwarnings("ignore:No column of X varies")
def test_rows_that_are_all_the_same():
    own = DensityEnsemble(random_state=0).fit(np.tile([1.0, 2.0], (100, 1)))
    scores = own.score_samples([[1.0, 2.0], [1.0, 2.5], [50.0, 5.0]])
    assert (np.diff(scores) < -5).all()
    assert scores[0] > -1
    assert np.ptp(own.oob_scores_) == 0


@pytest.mark.parametrize("share_missing", [0.0, 0.2])
def test_tables_with_more_columns_than_rows(share_missing):
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(3, 2000))

    def rows(n_rows, share):
        own = rng.normal(size=(n_rows, 3)) @ mixing
        own += 0.5 * rng.normal(size=own.shape)
        return np.where(rng.random(own.shape) < share, np.nan, own)

    X = rows(40, share_missing)
    own = DensityEnsemble(random_state=0).fit(X)
    usual = rows(50, share_missing)
    odd = rng.permuted(rows(50, 0), axis=1)  # values as usual, in no order
    y = np.repeat([0, 1], 50)
    scores = own.score_samples(np.vstack([usual, odd]))
    assert roc_auc_score(y, -scores) > 0.97
    assert own.conditional_score_samples(usual[:3]).shape == (3, 2000)


@pytest.mark.parametrize("n_columns", [39, 42, 101])
def test_gaps_in_tables_of_about_as_many_columns_as_can_be_inverted(n_columns):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 1)) + 0.5 * rng.normal(size=(150, n_columns))
    X[rng.random(X.shape) < 0.1] = np.nan
    own = DensityEnsemble(2, random_state=0).fit(X)
    odd = X[:20].copy()
    odd[:, 3] = 4 * np.sign(-np.nanmean(odd, axis=1))
    conditionals = own.conditional_score_samples(odd)
    assert (np.nanargmin(conditionals, axis=1) == 3).mean() >= 0.9


# ---- weights ----


def test_rows_of_weight_zero_are_left_out(X):
    weights = np.r_[np.ones(400), np.zeros(100)]
    scores = []
    for value in (0.0, 1e9):
        table = X.copy()
        table[400:] = value
        own = DensityEnsemble(random_state=0).fit(table, sample_weight=weights)
        scores.append(own.score_samples(X))
    assert_array_equal(scores[0], scores[1])


def test_levels_of_rows_of_weight_zero_are_not_known():
    table = pd.DataFrame(mixed_columns(0))
    weights = (table["colour"] != "blue").astype(float)
    own = DensityEnsemble(random_state=0).fit(table, sample_weight=weights)
    assert_array_equal(own.categories_[0], ["red", "white"])
    scores = own.score_samples(table)
    assert scores[weights == 0].max() < np.median(scores[weights == 1])


def test_rows_that_count_more_are_more_usual(X):
    heavy = X[:, 0] > 1
    weights = np.where(heavy, 20.0, 1.0)
    pair = [
        DensityEnsemble(random_state=0).fit(X, sample_weight=own).score_samples(X)
        for own in (None, weights)
    ]
    gained = pair[1] - pair[0]
    assert gained[heavy].mean() > 0.3
    assert gained[~heavy].mean() < 0


@pytest.mark.parametrize("weight", [0.1, 1.0, 7.0])
def test_equal_weights_are_none(X, fitted, weight):
    own = DensityEnsemble(random_state=0).fit(X, sample_weight=np.full(500, weight))
    assert_array_equal(own.score_samples(X), fitted.score_samples(X))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(3), "expected"),
        (np.zeros(500), "at least one non-zero number"),
        (-np.ones(500), "Negative values in data passed to `sample_weight`"),
        (np.full(500, np.nan), "NaN"),
    ],
)
def test_weights_that_cannot_be(X, weights, message):
    own = DensityEnsemble()
    with pytest.raises(ValueError, match=message):
        own.fit(X, sample_weight=weights)
    assert vars(own).keys() == PARAMETERS


# ---- what is refused ----


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"length": ["long"] * 300}, "^Column 'length' is read as numbers, and holds"),
        ({"length": [np.inf] * 300}, "^Column 'length' contains infinity"),
        ({"length": pd.Timestamp("2000-01-01")}, "^Column 'length' holds dates"),
    ],
)
def test_columns_that_cannot_be_read_are_named(changes, message):
    table = pd.DataFrame(mixed_columns(0))
    own = DensityEnsemble(categorical_features=["colour", "flag"], random_state=0)
    with pytest.raises(ValueError, match=message):
        own.fit(table.assign(**changes))
    assert vars(own).keys() == PARAMETERS
    own.fit(table)
    before, scores = vars(own).copy(), own.score_samples(table)
    for method in (own.fit, own.score_samples, own.conditional_score_samples):
        with pytest.raises(ValueError, match=message):
            method(table.assign(**changes))
    assert vars(own) == before
    assert_array_equal(own.score_samples(table), scores)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_mixtures": 1}, "The 'n_mixtures' parameter"),
        ({"n_components": 0}, "The 'n_components' parameter"),
        ({"max_samples": 1}, "The 'max_samples' parameter"),
        ({"reg_covar": 0.0}, "The 'reg_covar' parameter"),
        ({"n_bins": 0}, "The 'n_bins' parameter"),
        ({"categorical_features": ["size"]}, r"\['size'\], which are no columns of X"),
        ({"categorical_features": "size"}, "The 'categorical_features' parameter"),
    ],
)
def test_parameters_that_cannot_be(parameters, message):
    with pytest.raises(ValueError, match=message):
        DensityEnsemble(**parameters).fit(pd.DataFrame(mixed_columns(0)))


def test_tables_with_other_columns_are_refused(X, fitted):
    with pytest.raises(ValueError, match="X has 3 features, but DensityEnsemble is"):
        fitted.score_samples(X[:, :3])
    frame = pd.DataFrame(mixed_columns(0))
    own = DensityEnsemble(random_state=0).fit(frame)
    with pytest.raises(ValueError, match="feature names should match"):
        own.score_samples(frame.rename(columns={"flag": "mark"}))


@pytest.mark.parametrize("method", ["score_samples", "conditional_score_samples"])
def test_nothing_before_fit(X, method):
    with pytest.raises(NotFittedError):
        getattr(DensityEnsemble(), method)(X)


def test_a_fit_that_is_interrupted_leaves_nothing(monkeypatch, X):
    own = DensityEnsemble(random_state=0)

    def interrupt(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(DensityEnsemble, "_judge", interrupt)
        with pytest.raises(KeyboardInterrupt):
            own.fit(X)
        assert vars(own).keys() == PARAMETERS
    own.fit(X)
    before, scores = vars(own).copy(), own.score_samples(X)
    monkeypatch.setattr(DensityEnsemble, "_judge", interrupt)
    with pytest.raises(KeyboardInterrupt):
        own.fit(X[:, :2])
    assert vars(own) == before
    assert_array_equal(own.score_samples(X), scores)


@pytest.mark.parametrize("table", [correlated_rows(0), pd.DataFrame(mixed_columns(0))])
def test_round_trip_by_pickle(table):
    own = DensityEnsemble(random_state=0).fit(table)
    copy = pickle.loads(pickle.dumps(own))  # noqa: S301
    assert_array_equal(copy.score_samples(table), own.score_samples(table))
    assert_array_equal(
        copy.conditional_score_samples(table), own.conditional_score_samples(table)
    )
    assert vars(clone(own)).keys() == PARAMETERS


def test_an_array_of_booleans_is_read_as_numbers():
    X = np.random.default_rng(0).random((200, 3)) < 0.3
    flags = DensityEnsemble(random_state=0).fit(X)
    assert flags.categories_ == [None] * 3
    numbers = DensityEnsemble(random_state=0).fit(X.astype(float))
    assert_array_equal(flags.score_samples(X), numbers.score_samples(X.astype(float)))
    named = DensityEnsemble(categorical_features=[0, 1, 2], random_state=0).fit(X)
    assert [list(own) for own in named.categories_] == [[False, True]] * 3
    found = np.corrcoef(flags.score_samples(X), named.score_samples(X))[0, 1]
    assert found > 0.95
