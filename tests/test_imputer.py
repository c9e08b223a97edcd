"""Gaps filled: what stands there, its law, and tables that stay as they are."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from mixed_tables import MixedOracle
from scipy import stats
from scipy.special import softmax
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from statistical import assert_draws_from

from skebm import BinaryRBM, BoltzmannMachine, EnergyImputer, GaussianRBM, MixedRBM

pytestmark = pytest.mark.filterwarnings(
    "ignore:Learning has not converged:sklearn.exceptions.ConvergenceWarning"
)

NAN = float("nan")
DTYPES = {"count": "Int64", "letter": "category", "flag": "boolean"}
STRATEGIES = ["mean", "mode", "sample"]


def complete_table(n_rows=150, seed=0):
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 3, n_rows)
    return pd.DataFrame(
        {
            "length": 5.0 * kind + rng.normal(size=n_rows),
            "count": kind + rng.integers(0, 4, n_rows),
            "letter": np.array(list("abc"), dtype=object)[kind],
            "flag": rng.random(n_rows) < 0.1 + 0.4 * kind,
        },
        index=np.arange(n_rows)[::-1],
    ).astype(DTYPES)


def make_gaps(X, share=0.2, seed=0):
    return X.mask(np.random.default_rng(seed).random(X.shape) < share)


@pytest.fixture(name="X", scope="module")
def make_table():
    return make_gaps(complete_table())


@pytest.fixture(scope="module")
def fitted(X):
    return EnergyImputer(random_state=0).fit(X)


def with_strategy(imputer, strategy, **params):
    """Give a fitted imputer that fills in otherwise: a parameter of `transform`."""
    other = EnergyImputer().set_params(**imputer.get_params())
    vars(other).update(vars(imputer))
    return other.set_params(strategy=strategy, **params)


# ---- tables stay as they are ----


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_frames_keep_dtypes_names_and_index(fitted, X, strategy):
    before = X.copy()
    filled = with_strategy(fitted, strategy).transform(X)
    pd.testing.assert_frame_equal(X, before)
    assert type(filled) is pd.DataFrame
    assert not filled.isna().any().any()
    pd.testing.assert_series_equal(filled.dtypes, X.dtypes)
    pd.testing.assert_index_equal(filled.index, X.index)
    pd.testing.assert_index_equal(filled.columns, X.columns)
    for name in X:
        known = X[name].notna()
        assert filled[name][known].tolist() == X[name][known].tolist()
    assert set(filled["letter"]) == set("abc")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_rows_without_gaps_pass_to_the_last_bit(fitted, strategy):
    Z = complete_table(40, seed=1)
    imputer = with_strategy(fitted, strategy)
    pd.testing.assert_frame_equal(imputer.transform(Z), Z, check_exact=True)
    numbers = Z[["length"]].to_numpy() / 3
    numbers = np.hstack([numbers, numbers**2])
    for dtype in (np.float64, np.float32):
        table = numbers.astype(dtype)
        own = EnergyImputer(strategy=strategy, random_state=0).fit(table)
        filled = own.transform(table)
        assert filled.dtype == dtype
        np.testing.assert_array_equal(filled, table)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_container_does_not_matter(strategy, X):
    imputer = EnergyImputer(strategy=strategy, random_state=0)
    expected = clone(imputer).fit_transform(X)
    values = {name: [None if pd.isna(x) else x for x in X[name]] for name in X}
    frame = pl.DataFrame(values)
    filled = clone(imputer).fit_transform(frame)
    assert type(filled) is pl.DataFrame
    assert filled.dtypes == frame.dtypes
    array = np.array(list(values.values()), dtype=object).T
    objects = clone(imputer).fit_transform(array)
    assert objects.dtype == object
    for number, name in enumerate(X):
        assert filled[name].to_list() == pytest.approx(expected[name].tolist())
        if name != "count":  # whose dtype is not that of whole numbers there
            assert objects[:, number].tolist() == pytest.approx(expected[name].tolist())
    lists = clone(imputer).fit_transform(array.tolist())
    np.testing.assert_array_equal(lists, objects)


@pytest.mark.parametrize("kind", ["pandas", "polars", "default"])
def test_set_output(kind):
    table = np.array([[1.0, NAN], [2.0, 3.0], [NAN, 1.0]] * 5)
    imputer = EnergyImputer(random_state=0).set_output(transform=kind)
    filled = imputer.fit_transform(table)
    type_ = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "default": np.ndarray}
    assert type(filled) is type_[kind]
    if kind != "default":
        assert list(filled.columns) == ["x0", "x1"]


def test_names_of_what_comes_out(fitted, X):
    assert fitted.get_feature_names_out().tolist() == list(X)
    named = EnergyImputer(add_indicator=True, random_state=0).fit(X.assign(flag=True))
    expected = [*X, *(f"missingindicator_{name}" for name in list(X)[:3])]
    assert named.get_feature_names_out().tolist() == expected
    filled = named.transform(X.assign(flag=True))
    assert list(filled) == expected
    for name in list(X)[:3]:
        found = filled[f"missingindicator_{name}"]
        assert found.dtype == bool
        assert found.tolist() == X[name].isna().tolist()
    unnamed = EnergyImputer().fit([[1.0], [2.0]])
    assert unnamed.get_feature_names_out(["a"]).tolist() == ["a"]


@pytest.mark.parametrize("add_indicator", [False, True])
@pytest.mark.parametrize("keeps", [False, True])
def test_columns_that_were_wholly_missing(X, keeps, add_indicator):
    Z = X.assign(
        number=NAN, text=pd.Series([None] * len(X), dtype=object, index=X.index)
    )
    imputer = EnergyImputer(
        keep_empty_features=keeps, add_indicator=add_indicator, random_state=0
    ).fit(Z)
    filled = imputer.transform(Z)
    names = [*X, "number", "text"] if keeps else list(X)
    if add_indicator:
        names += [f"missingindicator_{name}" for name in Z]
    assert list(filled) == names == imputer.get_feature_names_out().tolist()
    if keeps:
        assert (filled["number"] == 0).all()
        assert (filled["text"] == "missing").all()
        # What there is later stays.
        later = imputer.transform(Z.assign(number=3.0, text="here"))
        assert (later["number"] == 3).all()
        assert (later["text"] == "here").all()
    if add_indicator:
        assert filled["missingindicator_number"].all()
    with pytest.raises(ValueError, match="X has no value that is not missing"):
        EnergyImputer().fit(Z[["number", "text"]])


# ---- what is filled in ----


def test_rows_do_not_depend_on_each_other(fitted, X):
    for strategy in ("mean", "mode"):
        imputer = with_strategy(fitted, strategy)
        filled = imputer.transform(X)
        order = np.random.default_rng(0).permutation(len(X))
        pd.testing.assert_frame_equal(
            imputer.transform(X.iloc[order]), filled.iloc[order], atol=1e-10
        )
        pd.testing.assert_frame_equal(imputer.transform(X[3:4]), filled[3:4])


def test_rows_need_not_be_those_of_fit(fitted):
    Z = make_gaps(complete_table(50, seed=3), seed=1)
    filled = fitted.transform(Z)
    assert not filled.isna().any().any()
    # Numbers follow from the rest: much nearer than the mean of all.
    truth, gaps = complete_table(50, seed=3), Z["length"].isna()
    error = (filled["length"] - truth["length"])[gaps].abs().mean()
    spread = (truth["length"] - truth["length"].mean())[gaps].abs().mean()
    assert error < spread / 2
    # A row of which nothing is known has the mean of the model.
    empty = fitted.transform(Z[:1].mask(np.ones((1, 4), bool)))
    assert abs(empty["length"].iloc[0] - complete_table()["length"].mean()) < 1


def test_categories_get_the_likeliest_level(fitted, X):
    probability = fitted.estimator_.conditional_proba(X, "letter")
    gaps = X["letter"].isna().to_numpy()
    for strategy in ("mean", "mode"):
        filled = with_strategy(fitted, strategy).transform(X)
        found = filled["letter"][gaps].tolist()
        assert found == ["abc"[i] for i in probability[gaps].argmax(axis=1)]


def number_table():
    """Numbers, and a category: the law of the former is that of normal mixtures."""
    Z = complete_table()
    return pd.DataFrame(
        {"x": Z["length"], "y": Z["length"] ** 2 / 9 + 1, "c": Z["letter"]}
    )


@pytest.fixture(scope="module")
def of_numbers():
    model = MixedRBM(1, n_groups=3, straighten=False, spike_share=1.0, random_state=0)
    return EnergyImputer(model, random_state=0).fit(make_gaps(number_table()))


def law_given(oracle, level, x):
    """Shares, means and deviations of y given one row."""
    law = softmax(oracle.joint([level], [x, NAN]))
    covariance = oracle.covariance
    slope = covariance[0, 1] / covariance[0, 0]
    means = oracle.means[:, 1] + slope * (x - oracle.means[:, 0])
    return law, means, np.sqrt(covariance[1, 1] - slope * covariance[0, 1])


def test_numbers_get_their_mean(of_numbers):
    """Over 100 draws, of which hidden configurations have their shares."""
    oracle = MixedOracle(of_numbers.estimator_, (3,))
    Z = number_table()[:40].assign(y=NAN)
    filled = of_numbers.transform(Z)
    errors = []
    for (x, _, letter), found in zip(
        Z.itertuples(index=False), filled["y"], strict=True
    ):
        law, means, deviation = law_given(oracle, "abc".index(letter), x)
        errors.append((found - law @ means) / deviation)
        # Shares are off by a hundredth at most, noise by the tenth of a deviation.
        bound = 0.5 + 0.02 * np.ptp(means) / deviation
        assert abs(errors[-1]) < bound
    assert np.std(errors) > 0 or np.allclose(errors, 0)


@pytest.mark.parametrize("row", [0, 1])
def test_samples_have_the_exact_law(of_numbers, row):
    oracle = MixedOracle(of_numbers.estimator_, (3,))
    one = number_table()[row : row + 1]
    many = one.loc[one.index.repeat(3000)]
    imputer = with_strategy(of_numbers, "sample")
    filled = imputer.transform(many.assign(y=NAN))["y"].to_numpy()
    x, level = one["x"].iloc[0], "abc".index(one["c"].iloc[0])
    law, means, deviation = law_given(oracle, level, x)
    cdf = lambda y: stats.norm.cdf(y[:, None], means, deviation) @ law  # noqa: E731
    assert stats.kstest(filled, cdf).pvalue > 1e-4
    # Levels, and jointly with numbers what model.sample has.
    filled = imputer.transform(many.assign(c=None).astype({"c": "object"}))
    probability = imputer.estimator_.conditional_proba(one, "c")[0]
    assert_draws_from(probability, np.array(["abc".index(c) for c in filled["c"]]))


def test_draws_vary_and_repeat(fitted, X):
    imputer = with_strategy(fitted, "sample", n_imputations=3)
    tables = imputer.transform(X)
    assert type(tables) is tuple
    assert len(tables) == 3
    assert not tables[0].equals(tables[1])
    assert not tables[1].equals(tables[2])
    again = imputer.transform(X)
    for first, second in zip(tables, again, strict=True):
        pd.testing.assert_frame_equal(first, second)
    one = with_strategy(fitted, "sample").transform(X)
    pd.testing.assert_frame_equal(one, tables[0])
    other = with_strategy(fitted, "sample", random_state=1).transform(X)
    assert not other.equals(one)


@pytest.mark.parametrize("strategy", ["mean", "mode"])
def test_the_same_values_are_not_given_several_times(strategy, X):
    with pytest.raises(
        ValueError, match="strategy='sample' to get several imputations"
    ):
        EnergyImputer(strategy=strategy, n_imputations=2).fit(X)


def test_spikes_and_skewness_are_filled_as_numbers_are():
    rng = np.random.default_rng(0)
    some = rng.random(300) < 0.4
    Z = pd.DataFrame(
        {
            "spent": np.where(some, rng.lognormal(2, 1, 300), 0.0),
            "some": some,
        }
    )
    imputer = EnergyImputer(MixedRBM(1, n_groups=2, random_state=0)).fit(Z)
    gaps = pd.DataFrame({"spent": [NAN, NAN], "some": [False, True]})
    mean = imputer.transform(gaps)["spent"]
    assert abs(mean[0]) < 1
    # The mean of numbers, and not the number of a mean.
    expected = Z["spent"][some].mean()
    assert 0.5 * expected < mean[1] < 1.5 * expected
    drawn = with_strategy(imputer, "sample", random_state=0).transform(
        pd.concat([gaps] * 300, ignore_index=True)
    )["spent"]
    assert np.mean(drawn[::2] == 0) > 0.9
    assert np.mean(drawn[1::2] == 0) < 0.1


# ---- other models, pipelines, errors ----


def bits(n_rows=200):
    rng = np.random.default_rng(0)
    table = (rng.random((n_rows, 4)) < rng.choice([0.1, 0.9], (n_rows, 1))) * 1.0
    return np.where(rng.random(table.shape) < 0.15, np.nan, table)


@pytest.mark.parametrize(
    "model", [BinaryRBM(2, max_iter=200), BoltzmannMachine()], ids=["rbm", "machine"]
)
def test_binary_models(model):
    table = bits()
    imputer = EnergyImputer(clone(model).set_params(random_state=0)).fit(table)
    probability = np.column_stack(
        [imputer.estimator_.conditional_proba(table, i)[:, 1] for i in range(4)]
    )
    known = ~np.isnan(table)
    one = (~known).sum(axis=1) == 1
    filled = imputer.transform(table)
    np.testing.assert_array_equal(filled[known], table[known])
    gaps = ~known
    np.testing.assert_allclose(filled[gaps], probability[gaps], rtol=0, atol=1e-6)
    mode = with_strategy(imputer, "mode").transform(table)
    np.testing.assert_array_equal(mode[gaps], probability[gaps] > 0.5)
    drawn = with_strategy(imputer, "sample", random_state=0)
    row = table[one][:1]
    many = drawn.transform(np.repeat(row, 2000, axis=0))
    column = np.flatnonzero(np.isnan(row[0]))[0]
    p = imputer.estimator_.conditional_proba(row, int(column))[0]
    assert_draws_from(p, many[:, column].astype(int))


def test_binary_models_of_frames_of_booleans():
    table = pd.DataFrame(bits(), columns=list("abcd")).astype("boolean")
    for strategy in STRATEGIES:
        imputer = EnergyImputer(
            BinaryRBM(2, max_iter=100, random_state=0),
            strategy=strategy,
            random_state=0,
        )
        filled = imputer.fit_transform(table)
        assert (filled.dtypes == "boolean").all()
        known = table.notna()
        assert (filled[known] == table[known])[known].fillna(True).all().all()
    # A mean has no place in there, so it is the likelier value.
    mode = clone(imputer).set_params(strategy="mode").fit_transform(table)
    mean = clone(imputer).set_params(strategy="mean").fit_transform(table)
    pd.testing.assert_frame_equal(mean, mode)


def test_spins():
    table = 2 * bits() - 1
    machine = BoltzmannMachine(states=(-1, 1), binarize=0, random_state=0)
    filled = EnergyImputer(machine, strategy="mode").fit_transform(table)
    assert set(np.unique(filled)) == {-1, 1}


def test_gaussian_models():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(300, 2)) @ [[1, 0.8], [0, 0.5]]
    imputer = EnergyImputer(GaussianRBM(1, algorithm="exact", random_state=0)).fit(
        table
    )
    model, gaps = imputer.estimator_, [[1.0, NAN], [NAN, -1.0]]
    filled = imputer.transform(gaps)
    grid = np.linspace(-8, 8, 4001)
    for row, column in ((0, 1), (1, 0)):
        rows = np.repeat(np.nan_to_num([gaps[row]]), len(grid), axis=0)
        rows[:, column] = grid
        density = np.exp(model.score_samples(rows))
        expected = density @ grid / density.sum()
        assert filled[row, column] == pytest.approx(expected, abs=1e-6)


def test_unknown_levels_pass_and_say_nothing(fitted, X):
    Z = X.astype({"letter": object})
    unknown = Z.assign(letter="z")
    filled = fitted.transform(unknown)
    assert (filled["letter"] == "z").all()
    other = fitted.transform(Z.assign(letter=None))
    pd.testing.assert_series_equal(filled["length"], other["length"])
    strict = EnergyImputer(MixedRBM(1, n_groups=2, random_state=0)).fit(Z)
    with pytest.raises(ValueError, match="has levels that were not seen in fit"):
        strict.transform(unknown)


def test_before_a_classifier():
    Z = complete_table(300)
    target = Z["letter"].astype(str)
    numbers = make_gaps(Z[["length", "count"]].astype(float), 0.3)
    scores = [
        make_pipeline(imputer, LogisticRegression())
        .fit(numbers, target)
        .score(numbers, target)
        for imputer in (EnergyImputer(random_state=0), SimpleImputer())
    ]
    assert scores[0] > scores[1]


def test_other_columns_are_refused(fitted, X):
    with pytest.raises(ValueError, match="should match those that were passed"):
        fitted.transform(X[["letter", "count", "length", "flag"]])
    with pytest.raises(NotFittedError):
        EnergyImputer().transform(X)
    with pytest.raises(
        ValueError, match="'estimator' parameter of EnergyImputer must be"
    ):
        EnergyImputer(LogisticRegression()).fit(X)


def test_a_fit_that_fails_leaves_what_was(fitted, X):
    imputer = with_strategy(fitted, "mean")
    before = vars(imputer).copy()
    with pytest.raises(ValueError, match="infinity"):
        imputer.fit(X.assign(length=np.inf))
    assert vars(imputer) == before
    new = EnergyImputer()
    with pytest.raises(ValueError, match="infinity"):
        new.fit(X.assign(length=np.inf))
    assert not hasattr(new, "n_features_in_")


def test_the_model_is_a_clone():
    model = GaussianRBM(1, random_state=0)
    imputer = EnergyImputer(model).fit([[1.0, 2.0], [2.0, 1.0], [3.0, 3.0]])
    assert imputer.estimator_ is not model
    assert not hasattr(model, "components_")
    assert imputer.n_features_in_ == 2


def test_means_of_numbers_are_exact_where_sums_are():
    """What draws leave of errors must not be the same for a whole column."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2)) @ [[1.0, 0.8], [0.0, 0.6]]
    model = MixedRBM(1, n_groups=1, straighten=False, spike_share=1, random_state=0)
    imputer = EnergyImputer(model).fit(X)
    gaps, fitted = np.column_stack([X[:50, 0], np.full(50, NAN)]), imputer.estimator_
    rows = fitted._rows(gaps)
    known = rows.take(slice(None)), rows.observed(slice(None))
    exact = fitted._in_states(fitted._energy().mean_missing(*known))[:, 1]
    error = imputer.transform(gaps)[:, 1] - exact
    assert np.abs(error).max() < 0.005


def test_whole_numbers_stay_within_what_a_column_can_hold():
    rng = np.random.default_rng(0)
    values = [None if i % 3 == 0 else int(rng.poisson(1)) for i in range(90)]
    model = MixedRBM(spike_share=1, random_state=0)
    imputer = EnergyImputer(model, strategy="sample", random_state=0)
    for dtype in ("UInt8", "Int64"):
        X = pd.DataFrame({"n": pd.array(values, dtype=dtype), "x": rng.normal(size=90)})
        filled = clone(imputer).fit_transform(X)
        assert filled["n"].dtype == dtype
        assert not filled["n"].isna().any()
    X = pl.DataFrame({"n": pl.Series(values, dtype=pl.UInt8), "x": rng.normal(size=90)})
    filled = clone(imputer).fit_transform(X)
    assert filled["n"].dtype == pl.UInt8
    assert filled["n"].null_count() == 0
