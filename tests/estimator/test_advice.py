"""What users often pass at first: the right number, or a message that names the fix."""

import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from models import EVERY, MODELS, rows_for
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning
from sklearn.mixture import GaussianMixture

from skebm import (
    BinaryRBM,
    BoltzmannMachine,
    DeepBeliefNetwork,
    DensityEnsemble,
    EnergyImputer,
    EnergyOutlierDetector,
    GaussianRBM,
    HopfieldNetwork,
    LatentBM,
    MarkovRandomField,
    MixedRBM,
    NeuralEnergyModel,
)

QUICK = {"max_iter": 3, "n_chains": 10, "batch_size": 20, "random_state": 0}
BITS = np.random.default_rng(0).integers(2, size=(40, 4))

OF_BITS = {
    "BinaryRBM": BinaryRBM(2, **QUICK),
    "BoltzmannMachine": BoltzmannMachine(algorithm="pcd", **QUICK),
    "LatentBM": LatentBM(2, **QUICK),
    "HopfieldNetwork": HopfieldNetwork(),
    "DeepBeliefNetwork": DeepBeliefNetwork((2,), estimator=BinaryRBM(**QUICK)),
}
OF_NUMBERS = OF_BITS | {
    "GaussianRBM": GaussianRBM(2, algorithm="pcd", **QUICK),
    "NeuralEnergyModel": NeuralEnergyModel((2,), **QUICK),
}
OF_TABLES = {
    "MixedRBM": MixedRBM(2, algorithm="pcd", **QUICK),
    "DensityEnsemble": DensityEnsemble(n_mixtures=2, random_state=0),
    "EnergyOutlierDetector": EnergyOutlierDetector(
        DensityEnsemble(n_mixtures=2, random_state=0)
    ),
    "EnergyImputer": EnergyImputer(MixedRBM(2, algorithm="pcd", **QUICK)),
}
OF_LEVELS = {"MarkovRandomField": MarkovRandomField(algorithm="pcd", **QUICK)}
OF_ALL = OF_NUMBERS | OF_TABLES | OF_LEVELS
with_states = pytest.mark.parametrize("name", ["BoltzmannMachine", "HopfieldNetwork"])


def assert_alike(first, second):
    """Hold parameters to those of another model, but for the order of sums."""
    for name in getattr(first, "_parameter_names", ()):
        own, other = getattr(first, name), getattr(second, name)
        np.testing.assert_allclose(own, other, rtol=1e-5, atol=1e-6)


def said(call):
    """Call, and give the one warning about conversion, if there is one."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    found = {str(w.message) for w in caught if w.category is DataConversionWarning}
    assert len(found) <= 1
    return found.pop() if found else ""


def with_value(value):
    X = BITS.astype(object)
    X[3, 2] = value
    return X


def of_objects(value):
    """Every table of objects with a value in the third column."""
    X = with_value(value)
    return {
        "array": X,
        "list": X.tolist(),
        "frame": pd.DataFrame(X),
        "polars": pl.DataFrame(
            [pl.Series(f"{i}", list(own), dtype=pl.Object) for i, own in enumerate(X.T)]
        ),
    }


# ---- two values that are not the states ----


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array, pd.DataFrame])
@pytest.mark.parametrize("name", OF_BITS)
def test_two_values_above_the_threshold(name, make):
    message = said(lambda: clone(OF_BITS[name]).fit(make(BITS + 1)))
    assert message == (
        "X has the values 1 and 2, not 0 and 1, and binarize=0.5 is not between them: "
        "all are taken as 1. Set binarize=1.5, by which 2 is 1 and 1 is 0."
    )


@pytest.mark.parametrize("name", OF_BITS)
def test_two_values_on_both_sides_of_the_threshold(name):
    message = said(lambda: clone(OF_BITS[name]).fit(3 * BITS))
    assert message == (
        "X has the values 0 and 3, not 0 and 1: by binarize=0.5, 3 is taken as 1 and 0 "
        "as 0. Pass X > 0.5 to silence this."
    )
    assert not said(lambda: clone(OF_BITS[name]).fit(3 * BITS > 0.5))


@with_states
def test_spins_where_bits_are_expected_and_bits_where_spins_are(name):
    message = said(lambda: clone(OF_BITS[name]).fit(2 * BITS - 1))
    assert message.endswith("silence this, or set states=(-1, 1).")
    model = clone(OF_BITS[name]).set_params(states=(-1, 1))
    assert not said(lambda: model.fit(2 * BITS - 1))
    message = said(lambda: model.fit(BITS))
    assert message.endswith("silence this, or set states=(0, 1).")


def test_spins_that_are_taken_for_probabilities():
    with pytest.raises(ValueError, match=r"counts as on, or set states=\(-1, 1\)\.$"):
        BoltzmannMachine(binarize=None).fit(2 * BITS - 1)


@with_states
def test_states_as_a_list(name):
    listed = clone(OF_BITS[name]).set_params(states=[-1, 1])
    assert clone(listed).get_params()["states"] == [-1, 1]
    tuples = clone(OF_BITS[name]).set_params(states=(-1, 1)).fit(2 * BITS - 1)
    listed.fit(2 * BITS - 1).partial_fit(2 * BITS - 1)
    tuples.set_params(states=[-1, 1]).partial_fit(2 * BITS - 1)
    np.testing.assert_array_equal(listed.couplings_, tuples.couplings_)
    np.testing.assert_array_equal(
        listed.transform(BITS > 0), tuples.transform(BITS > 0)
    )
    with pytest.raises(ValueError, match=r"tuple or list among \[\(0, 1\), \(-1, 1\)"):
        listed.set_params(states=[0, 2]).fit(BITS)


# ---- what becomes constant ----


@pytest.mark.parametrize("name", OF_BITS)
def test_columns_that_the_threshold_makes_constant(name):
    X = pd.DataFrame(np.column_stack([BITS, BITS[:, 0] + 4, np.full(40, 7)]))
    X = X.rename(columns="column {}".format)
    model = clone(OF_BITS[name])
    message = said(lambda: model.fit(X))
    assert message.endswith(
        " By this threshold 1 of 6 columns become constant. Column 'column 4' has "
        "values from 4 to 5, for instance: set binarize to one between them, or "
        "rescale such columns."
    )
    X["column 4"] = BITS[:, 0]
    assert "constant" not in said(lambda: model.fit(X))


def test_gaps_do_not_keep_a_column_from_being_constant():
    X = np.column_stack([BITS + 0.0, BITS[:, 0] * 3.5 + 2])
    X[0, 4], X[1, 0] = np.nan, np.nan
    message = said(lambda: BinaryRBM(2, **QUICK).fit(X))
    assert (
        "1 of 5 columns become constant. Column 4 has values from 2 to 5.5" in message
    )


# ---- tables that tell nothing ----

NO_COLUMN_VARIES = (
    "No column of X varies: there is nothing to learn but one row. Check how X was "
    "read, scaled or chosen."
)


def warned(call):
    """Call, and list what was warned of, each but once."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return sorted({str(w.message) for w in caught if w.category is UserWarning})


@pytest.mark.parametrize("name", OF_ALL)
def test_tables_in_which_nothing_varies(name):
    model, zeros = clone(OF_ALL[name]), np.zeros((120, 3))
    same = np.tile([0, 1, 1], (120, 1))
    if name == "HopfieldNetwork":  # which stores a row
        assert not warned(lambda: model.fit(zeros))
        return
    tables = [zeros, zeros.astype(bool), same, pd.DataFrame(zeros)]
    if model.__sklearn_tags__().input_tags.sparse:
        tables.append(sparse.csr_array(same))
    if model.__sklearn_tags__().input_tags.allow_nan:
        tables.append(np.where(np.eye(120, 3), np.nan, zeros))
    if name in OF_TABLES | OF_LEVELS:
        tables.append(pd.DataFrame({"a": ["yes"] * 120, "b": 1.5}))
    for X in tables:
        assert warned(lambda X=X: model.fit(X)) == [NO_COLUMN_VARIES]
    # One column that varies is enough, in the last row; and so is one that does not.
    zeros[-1, 1] = 1
    assert not warned(lambda: model.fit(zeros))
    assert not warned(lambda: model.fit(np.insert(BITS, 0, 1, axis=1)))
    assert not warned(lambda: model.fit(zeros[:1]))  # as a stream may begin


def test_where_values_are_missing_may_vary_alone():
    X = np.where(BITS > 0, np.nan, 1.0)
    model = DensityEnsemble(n_mixtures=2, random_state=0)
    assert warned(lambda: model.fit(X)) == [NO_COLUMN_VARIES]
    assert not warned(lambda: model.set_params(add_indicator=True).fit(X))


# ---- text and categories ----


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_text_of_two_values(name):
    model, text = clone(OF_NUMBERS[name]), np.where(BITS, "True", "False")
    frame = pd.DataFrame(text, columns=list("abcd"))
    tables = {
        "Column 0": [text, text.astype(object), text.tolist()],
        "Column 'a'": [
            frame,
            frame.astype("category"),
            pl.DataFrame(frame.to_dict("list")),
        ],
    }
    for column, same in tables.items():
        for X in same:
            with pytest.raises(
                ValueError, match="All text is 'False' or 'True': pass"
            ) as e:
                model.fit(X)
            assert str(e.value).startswith(f"{column} holds the text ")
            assert f"{name.replace('DeepBeliefNetwork', 'BinaryRBM')} takes" in str(
                e.value
            )
            assert str(e.value).endswith("pass X == 'True'.")
    model.fit(text == "True")


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_a_column_of_text(name):
    X = pd.DataFrame(BITS, columns=list("abcd")).assign(
        c=np.where(BITS[:, 0], "x", "y")
    )
    with pytest.raises(
        ValueError, match=r"^Column 'c' holds the text '[xy]', and "
    ) as e:
        clone(OF_NUMBERS[name]).fit(X)
    assert "Encode it, by OneHotEncoder for instance, or use MixedRBM" in str(e.value)
    with pytest.raises(ValueError, match=r"written out: pass X\.ast"):
        clone(OF_NUMBERS[name]).fit(BITS.astype(str))


@pytest.mark.parametrize("name", [*MODELS, "NeuralEnergyModel"])
def test_categories_that_are_numbers(name):
    X = rows_for(name, BITS)
    frame = pd.DataFrame(X, columns=list("abcd"))
    expected = clone(EVERY[name]).fit(X)
    tables = [
        frame.astype("category"),
        frame.astype(str).astype("category"),
        frame.astype({"b": "category"}),
        frame.astype(object),
        frame.map(Decimal),
        pl.DataFrame(frame.to_dict("list")).cast(pl.String).cast(pl.Categorical),
    ]
    for table in tables:
        assert_alike(clone(EVERY[name]).fit(table), expected)


def test_objects_that_are_all_numbers_are_numbers():
    x = np.random.default_rng(0).normal(size=(40, 2)).round(2)
    expected = clone(OF_TABLES["MixedRBM"]).fit(x)
    for table in (
        pd.DataFrame(x).astype(object),
        pd.DataFrame(x).map(lambda value: Decimal(str(value))),
        x.astype(object),
    ):
        model = clone(OF_TABLES["MixedRBM"]).fit(table)
        assert model.categories_ == [None, None]
        assert_alike(model, expected)


def text_of(n_rows, n_values, seed=0):
    """A table with a column of text, in random order, beside one of numbers."""
    rng = np.random.default_rng(seed)
    text = [f"remark {i % n_values}" for i in rng.permutation(n_rows)]
    return pd.DataFrame({"x": rng.normal(size=n_rows), "remark": text})


@pytest.mark.parametrize("name", OF_TABLES | OF_LEVELS)
@pytest.mark.parametrize(("n_rows", "n_values"), [(120, 120), (120, 61), (50, 26)])
def test_free_text_is_hardly_a_category(name, n_rows, n_values):
    X = text_of(n_rows, n_values).assign(x=0.5)
    X.loc[0, "x"] = 1.5
    for table in X, pl.DataFrame(X.to_dict("list")), X.astype({"remark": "category"}):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", DataConversionWarning)
            clone(OF_ALL[name]).fit(table)
        (message,) = {str(w.message) for w in caught}
        assert message == (
            f"Column 'remark' has {n_values} different values in {n_rows} rows: as "
            "levels of a category they have too few rows to learn from. Leave the "
            "column out, put its values into few groups, or turn text into a few "
            "numbers, by TfidfVectorizer and TruncatedSVD of scikit-learn."
        )
        assert [w.category for w in caught] == [DataConversionWarning]
        assert caught[0].filename == __file__


@pytest.mark.parametrize("name", OF_TABLES | OF_LEVELS)
@pytest.mark.parametrize("seed", range(5))
def test_ordinary_categories_with_rare_levels_are_categories(name, seed):
    """As many levels as there are rare ones, most of which occur once."""
    rng = np.random.default_rng(seed)
    levels = np.char.add("country ", np.minimum(rng.zipf(1.6, 200), 150).astype(str))
    X = pd.DataFrame({"country": levels, "x": rng.integers(2, size=200)})
    assert (X["country"].value_counts() == 1).sum() > 10
    assert not said(lambda: clone(OF_ALL[name]).fit(X))
    # Nor do small tables, or gaps.
    assert not said(lambda: clone(OF_ALL[name]).fit(text_of(25, 25).assign(x=1)))


def test_gaps_are_no_rows_of_text():
    X = text_of(120, 40)
    X.loc[60:, "remark"] = None
    n_values = X["remark"].nunique()
    message = said(lambda: clone(OF_TABLES["MixedRBM"]).fit(X))
    assert f"has {n_values} different values in 60 rows" in message


# ---- numbers that are none ----


@pytest.mark.parametrize("kind", of_objects(0))
@pytest.mark.parametrize("name", OF_NUMBERS | OF_TABLES)
def test_numbers_beyond_floats(name, kind):
    message = "^Column '?2'? holds a number beyond the largest float, 1.8e308. Divide"
    with pytest.raises(ValueError, match=message):
        clone(OF_ALL[name]).fit(of_objects(10**400)[kind])


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("kind", of_objects(0))
@pytest.mark.parametrize("name", OF_ALL)
def test_infinity_among_objects(name, kind, sign):
    with pytest.raises(ValueError, match="contains infinity"):
        clone(OF_ALL[name]).fit(of_objects(sign * np.inf)[kind])


@pytest.mark.parametrize("kind", of_objects(0))
@pytest.mark.parametrize("name", ["BinaryRBM", "GaussianRBM", *OF_TABLES, *OF_LEVELS])
def test_none_is_missing(name, kind):
    gap = with_value(np.nan)
    expected = clone(OF_ALL[name]).fit(gap.astype(float))
    assert_alike(clone(OF_ALL[name]).fit(of_objects(None)[kind]), expected)


@pytest.mark.parametrize("name", ["HopfieldNetwork", "DeepBeliefNetwork"])
def test_none_where_rows_must_be_complete(name):
    with pytest.raises(ValueError, match=r"X contains NaN, but .* (Leave|Fill)"):
        clone(OF_BITS[name]).fit(with_value(None))


# ---- parameters ----


def whole_numbers(estimator):
    """Name the parameters that are whole numbers now."""
    params = estimator.get_params(deep=False).items()
    return [name for name, value in params if type(value) is int]


@pytest.mark.parametrize("name", OF_ALL)
def test_truth_values_are_no_numbers(name):
    model = OF_ALL[name]
    # As in scikit-learn verbose=True is 1.
    for parameter in set(whole_numbers(model)) - {"random_state", "verbose"}:
        message = f"The '{parameter}' parameter of {name} must be .* Got True instead"
        with pytest.raises(ValueError, match=message):
            clone(model).set_params(**{parameter: True}).fit(BITS)


@pytest.mark.parametrize("name", OF_ALL)
def test_narrow_integers_do_not_overflow(name):
    model = clone(OF_ALL[name])
    fixed = {"random_state", "max_exact_terms", "max_ais_temperatures", "n_imputations"}
    params = {}
    for parameter in set(whole_numbers(model)) - fixed:
        value = getattr(model, parameter)
        params[parameter] = np.int8(min(value, 100))
        model.set_params(**{parameter: min(value, 100)})
    if name in {"BinaryRBM", "LatentBM", "MixedRBM"}:  # whose states are 2**100
        params["n_components"] = np.int8(100)
        model.set_params(n_components=100)
    narrow = clone(model).set_params(**params)
    model.fit(BITS)
    narrow.fit(BITS)
    assert_alike(narrow, model)


# ---- methods that some do not have ----

MISSING = [
    (
        BinaryRBM(algorithm="exact"),
        "partial_fit",
        "algorithm='exact' learns from all data at once, so that BinaryRBM has no "
        "partial_fit. Use fit, or set algorithm='pcd'.",
    ),
    (
        BoltzmannMachine(algorithm="pseudolikelihood"),
        "partial_fit",
        "algorithm='pseudolikelihood' learns from all data at once, so that "
        "BoltzmannMachine has no partial_fit. Use fit, or set algorithm='pcd'.",
    ),
    (
        MarkovRandomField(l1_ratio=1.0),
        "partial_fit",
        "Whole cliques vanish where learning sees all data at once. Use fit, or set "
        "sparsity='entries' to learn on with partial_fit.",
    ),
    (
        HopfieldNetwork(),
        "score_samples",
        "interaction='quadratic' has no log-likelihood in closed form, so that there "
        "is no score and no score_samples. Set interaction='exponential'; or pass "
        "couplings_ and intercept_ of a quadratic one to "
        "BoltzmannMachine.from_parameters, which estimates it.",
    ),
    (
        HopfieldNetwork(interaction="exponential", states=None),
        "lowest_energy",
        "Minima of real rows are not listed. Those that rows come to are what "
        "transform gives: take the distinct ones.",
    ),
    (
        GaussianRBM(n_scales=2),
        "lowest_energy",
        "lowest_energy needs rows of one group and one scale: the search for minima "
        "knows the energy of complete pairs of these, not of several. Fit with "
        "n_groups=1 and n_scales=1, or look at the rows of lowest free_energy.",
    ),
    (
        EnergyOutlierDetector(GaussianMixture()).fit(BITS),
        "feature_surprise",
        "GaussianMixture has no conditional densities, which tell what each feature "
        "adds to the anomaly of a row. Use a model of skebm; if it is the last step of "
        "a pipeline, let the detector around that model be the last step instead.",
    ),
]


@pytest.mark.parametrize(("model", "method", "reason"), MISSING)
def test_why_a_method_is_not_there(model, method, reason):
    assert not hasattr(model, method)
    for get in (lambda: getattr(model, method), lambda: call_of_class(model, method)):
        with pytest.raises(AttributeError) as error:
            get()
        assert str(error.value) == reason


def call_of_class(model, method):
    return getattr(type(model), method)(model, BITS)


def test_a_method_whose_parameters_are_bad_is_not_there():
    with pytest.raises(AttributeError, match="'GaussianRBM' has no attribute 'lowest_"):
        _ = GaussianRBM(n_scales="many").lowest_energy
