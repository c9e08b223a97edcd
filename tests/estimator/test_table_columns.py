"""Tables as people have them, of every kind, read as columns and put back."""

import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest

from skebm.estimator.table_columns import (
    Columns,
    filled_table,
    is_missing_table,
    read_columns,
)

NAN = float("nan")
DATE = datetime.date(2024, 5, 1)

# Of each a series, its values, whether it holds numbers, and the order of its levels.
PANDAS = {
    "float": (pd.Series([1.5, NAN, 2]), [1.5, None, 2], True, None),
    "float32": (pd.Series([1.5, NAN, 2], dtype="f4"), [1.5, None, 2], True, None),
    "int": (pd.Series([1, 0, 2]), [1, 0, 2], True, None),
    "uint8": (pd.Series([1, 0, 2], dtype="u1"), [1, 0, 2], True, None),
    "Int64": (pd.Series([1, None, 2], dtype="Int64"), [1, None, 2], True, None),
    "Float64": (pd.Series([1, None, 2], dtype="Float64"), [1, None, 2], True, None),
    "bool": (pd.Series([True, False, True]), [True, False, True], False, None),
    "boolean": (
        pd.Series([True, None, False], dtype="boolean"),
        [True, None, False],
        False,
        None,
    ),
    "object": (
        pd.Series(["b", None, "a"], dtype=object),
        ["b", None, "a"],
        False,
        None,
    ),
    "object of kinds of missing": (
        pd.Series(["b", pd.NA, NAN, None, pd.NaT], dtype=object),
        ["b", None, None, None, None],
        False,
        None,
    ),
    "string": (
        pd.Series(["b", None, "a"], dtype="string"),
        ["b", None, "a"],
        False,
        None,
    ),
    "str": (pd.Series(["b", None, "a"], dtype="str"), ["b", None, "a"], False, None),
    "category": (
        pd.Series(["b", None, "a"], dtype="category"),
        ["b", None, "a"],
        False,
        ["a", "b"],
    ),
    "category, unused level": (
        pd.Series(pd.Categorical(["b", None, "a"], categories=["c", "b", "a"])),
        ["b", None, "a"],
        False,
        ["c", "b", "a"],
    ),
    "category, ordered": (
        pd.Series(pd.Categorical(["low", None, "high"], ["low", "high"], ordered=True)),
        ["low", None, "high"],
        False,
        ["low", "high"],
    ),
    "category of numbers": (
        pd.Series([10, 9, 10], dtype="category"),
        [10, 9, 10],
        False,
        [9, 10],
    ),
}
POLARS = {
    "float": (pl.Series([1.5, None, NAN]), [1.5, None, None], True, None),
    "int": (pl.Series([1, None, 2]), [1, None, 2], True, None),
    "uint8": (pl.Series([1, 0, 2], dtype=pl.UInt8), [1, 0, 2], True, None),
    "bool": (pl.Series([True, None, False]), [True, None, False], False, None),
    "string": (pl.Series(["b", None, "a"]), ["b", None, "a"], False, None),
    "categorical": (
        pl.Series(["b", None, "a"], dtype=pl.Categorical),
        ["b", None, "a"],
        False,
        None,
    ),
    "enum": (
        pl.Series(["b", None, "a"], dtype=pl.Enum(["c", "b", "a"])),
        ["b", None, "a"],
        False,
        ["c", "b", "a"],
    ),
}


def table_of(*columns):
    table = np.empty((len(columns[0]), len(columns)), dtype=object)
    for number, values in enumerate(columns):
        table[:, number] = values
    return table


def learn(X, kinds=None, weights=None, **settings):
    columns = read_columns(X)
    if kinds is None:
        kinds = [not column.is_number for column in columns]
    weights = np.ones(len(columns[0].values)) if weights is None else weights
    settings = {"spike_share": 1.0, "bends": False} | settings
    return Columns.learn(columns, kinds, weights, name_of=str, **settings)


def encode(columns, X, handle_unknown="error"):
    return columns.encode(read_columns(X), lambda i: f"Column {i}", handle_unknown)


def assert_reads(column, values, is_number, order):
    assert column.missing.tolist() == [value is None for value in values]
    for found, expected in zip(column.values, values, strict=True):
        if expected is not None:
            assert found == expected
    assert column.is_number == is_number
    assert column.order == order


# ---- reading ----


@pytest.mark.parametrize("name", PANDAS)
def test_columns_of_pandas(name):
    series, *expected = PANDAS[name]
    (column,) = read_columns(series.to_frame("x"))
    assert_reads(column, *expected)
    assert is_missing_table(series.to_frame("x"))[:, 0].tolist() == [
        value is None for value in expected[0]
    ]


@pytest.mark.parametrize("name", POLARS)
def test_columns_of_polars(name):
    series, *expected = POLARS[name]
    (column,) = read_columns(series.to_frame("x"))
    assert_reads(column, *expected)
    missing = is_missing_table(series.to_frame("x"))
    assert missing[:, 0].tolist() == [value is None for value in expected[0]]


@pytest.mark.parametrize(
    ("X", "is_number"),
    [
        (np.array([[1.5], [NAN]]), True),
        (np.array([[1], [2]]), True),
        (np.array([[1], [2]], dtype=np.uint8), True),
        (np.array([[True], [False]]), False),
        (np.array([["a"], ["b"]]), False),
        (np.array([["a"], [None]], dtype=object), False),
        (np.array([[1], [2.5]], dtype=object), True),
        (np.array([[1], [None]], dtype=object), True),
        (np.array([[1], [pd.NA]], dtype=object), True),
        (np.array([[1], [NAN]], dtype=object), True),
        (np.array([[np.float32(1)], [np.int8(3)]], dtype=object), True),
        (np.array([[Decimal(1)], [Fraction(1, 2)]], dtype=object), True),
        (np.array([[1], ["a"]], dtype=object), False),
        (np.array([[1], [True]], dtype=object), False),
        (np.array([[np.bool_(True)], [False]], dtype=object), False),
    ],
)
def test_columns_of_arrays(X, is_number):
    (column,) = read_columns(X)
    assert column.is_number == is_number
    assert column.order is None
    missing = [pd.isna(value) for value in X[:, 0]]
    assert column.missing.tolist() == missing
    assert is_missing_table(X)[:, 0].tolist() == missing


def test_columns_of_an_array_are_read_each_by_itself():
    X = table_of([1, None], ["a", "b"], [True, False])
    columns = read_columns(X)
    assert [column.is_number for column in columns] == [True, False, False]


@pytest.mark.parametrize(
    "X",
    [
        pd.DataFrame({"when": pd.to_datetime(["2024-01-01", None])}),
        pd.DataFrame({"when": pd.to_datetime(["2024-01-01"]).tz_localize("UTC")}),
        pd.DataFrame({"when": pd.to_timedelta([1, 2], unit="D")}),
        pl.DataFrame({"when": [DATE, None]}),
        pl.DataFrame({"when": [datetime.datetime(2024, 1, 1)]}),
        pl.DataFrame({"when": [datetime.time(3)]}),
        pl.DataFrame({"when": [datetime.timedelta(1)]}),
    ],
)
def test_times_are_refused(X):
    with pytest.raises(ValueError, match=r"Column 'when' holds dates or times\. Turn"):
        read_columns(X)


@pytest.mark.parametrize(
    "X",
    [
        np.array([["2024-01-01"]], dtype="M8[D]"),
        np.array([[1]], dtype="m8[D]"),
    ],
)
def test_times_of_arrays_are_refused(X):
    with pytest.raises(ValueError, match="Column 0 holds dates or times"):
        read_columns(X)


# ---- levels ----


def test_levels_are_sorted_where_that_can_be():
    columns = learn(table_of(["b", "a", None, "b"]))
    assert columns.levels == [["a", "b"]]
    assert learn(table_of([True, False, True])).levels == [[False, True]]
    # Else by type, and then by how they are written.
    assert learn(table_of(["b", 2, "a", 10.0])).levels == [[10.0, 2, "a", "b"]]
    assert learn(table_of([(1, "b"), (1, "a")])).levels == [[(1, "a"), (1, "b")]]
    # Numbers that were said to be categories are sorted as numbers.
    assert learn(np.array([[10.0], [9], [NAN]]), [True]).levels == [[9, 10]]


@pytest.mark.parametrize(
    ("X", "levels"),
    [
        (PANDAS["category, unused level"][0].to_frame(), ["b", "a"]),
        (PANDAS["category, ordered"][0].to_frame(), ["low", "high"]),
        (PANDAS["category of numbers"][0].to_frame(), [9, 10]),
        (POLARS["enum"][0].to_frame(), ["b", "a"]),
        (POLARS["categorical"][0].to_frame(), ["a", "b"]),
        (POLARS["bool"][0].to_frame(), [False, True]),
    ],
)
def test_levels_are_those_that_occur_in_the_order_of_the_dtype(X, levels):
    assert learn(X).levels == [levels]


def test_levels_that_occur_only_in_rows_of_weight_zero_are_none():
    X = table_of(["a", "b", "c"])
    assert learn(X, weights=np.array([1.0, 0, 2])).levels == [["a", "c"]]


def test_a_level_must_be_hashable():
    with pytest.raises(TypeError, match="must be a string or a number"):
        learn(table_of([["a"], ["b"]]))


# ---- units and back ----


def mixed_table():
    return pd.DataFrame(
        {
            "number": [1.0, 2.0, NAN, 4.0],
            "letter": ["b", "a", "c", None],
            "spiky": [0.0, 0.0, 3.0, 5.0],
            "flag": pd.Series([True, None, False, True], dtype="boolean"),
        }
    ).loc[np.repeat(np.arange(4), 10)]


def test_units_are_one_hot_and_then_real():
    X = mixed_table()
    columns = learn(X, spike_share=0.4)
    assert columns.n_levels == (3, 2, 2)
    assert columns.n_one_hot == 7
    assert columns.categorical == [1, 3]
    assert columns.real == [0, 2]
    places = {0: [7], 1: [0, 1, 2], 2: [5, 6, 8], 3: [3, 4]}
    for column, expected in places.items():
        assert columns.units_of(column).tolist() == expected
    assert columns.unit_names(["number", "letter", "spiky", "flag"]).tolist() == [
        *("letter_a", "letter_b", "letter_c", "flag_False", "flag_True"),
        *("spiky_0.0", "spiky_other", "number", "spiky"),
    ]
    units = encode(columns, X)[::10]
    number, spiky = columns.numbers[0], columns.numbers[2]
    known = number.encode(np.array([1.0, 2, 4]))[1]
    other = spiky.encode(np.array([3.0, 5]))[1]
    np.testing.assert_array_equal(
        units,
        [
            [0, 1, 0, 0, 1, 1, 0, known[0], NAN],
            [1, 0, 0, NAN, NAN, 1, 0, known[1], NAN],
            [0, 0, 1, 1, 0, 0, 1, NAN, other[0]],
            [NAN, NAN, NAN, 0, 1, 0, 1, known[2], other[1]],
        ],
    )
    mask = np.array([[True, False, False, True]])
    expected = [False, False, False, True, True, False, False, True, False]
    assert columns.by_unit(mask).tolist() == [expected]


def test_units_become_columns_again():
    X = mixed_table()
    columns = learn(X, spike_share=0.4, bends=True)
    units = np.nan_to_num(encode(columns, X))
    number, letter, spiky, flag = columns.decode(units)
    known = X["number"].notna().to_numpy()
    np.testing.assert_allclose(number[known], X["number"][known], rtol=1e-12)
    known = X["letter"].notna().to_numpy()
    assert [x for x, k in zip(letter, known, strict=True) if k] == X["letter"][
        known
    ].tolist()
    np.testing.assert_allclose(spiky, X["spiky"], rtol=1e-12)
    # An atom is itself to the last bit.
    assert (spiky[:20] == 0).all()
    known = X["flag"].notna().to_numpy()
    assert [x for x, k in zip(flag, known, strict=True) if k] == X["flag"][
        known
    ].tolist()


def test_slopes_are_those_of_numbers_that_are_known():
    X = mixed_table()
    columns = learn(X, spike_share=0.4)
    units = encode(columns, X)
    slopes = columns.log_slopes(units, ~np.isnan(units))[::10]
    first, third = (-np.log(columns.numbers[i].scale) for i in (0, 2))
    expected = [[first, 0, 0, 0], [first, 0, 0, 0], [0, 0, third, 0]]
    np.testing.assert_allclose(slopes, [*expected, [first, 0, third, 0]], rtol=1e-12)


def test_fields_without_what_says_nothing():
    columns = learn(mixed_table(), spike_share=0.4)
    table = np.random.default_rng(0).normal(size=(4, 9))
    centred, removed = columns.centred(table)
    for units in (slice(0, 3), slice(3, 5), slice(5, 7)):
        np.testing.assert_allclose(centred[:, units].sum(axis=1), 0, atol=1e-14)
    np.testing.assert_array_equal(centred[:, 7:], table[:, 7:])
    # Of every choice of levels the field is the same, but for what was taken off.
    on = np.array([0, 1, 0, 1, 0, 0, 1, 0, 0])
    np.testing.assert_allclose(table @ on - centred @ on, removed, rtol=1e-12)


# ---- what was not learned ----


def test_unknown_levels():
    columns = learn(table_of(["a", "b"], [1.0, 2.0]))
    X = table_of(["a", "z", None, 3], [1.0, 1.0, 1.0, 1.0])
    with pytest.raises(
        ValueError, match=r"Column 0 has levels .* fit: \[3, 'z'\]\. Se"
    ):
        encode(columns, X)
    units = encode(columns, X, "missing")
    assert np.isnan(units[:, 0]).tolist() == [False, True, True, True]
    encode(columns, X[[0, 2]])  # missing is not unknown


def test_levels_are_what_equals_them():
    """A container or a dtype may change between fitting and scoring."""
    columns = learn(PANDAS["category of numbers"][0].to_frame())
    for X in (np.array([[9], [10]]), np.array([[9.0], [10.0]])):
        assert encode(columns, X).tolist() == [[1, 0], [0, 1]]
    columns = learn(pd.DataFrame({"x": ["a", "b"]}))
    for X in (
        pl.DataFrame({"x": ["b"]}),
        pd.DataFrame({"x": ["b"]}, dtype="category"),
        np.array([["b"]]),
    ):
        assert encode(columns, X).tolist() == [[0, 1]]


def test_what_is_no_number():
    columns = learn(np.array([[1.0], [2.0]]))
    with pytest.raises(
        ValueError, match="Column 0 is read as numbers, and holds what is none"
    ):
        encode(columns, table_of(["red"]))
    with pytest.raises(
        ValueError, match="Column 0 contains infinity, which no density"
    ):
        encode(columns, np.array([[np.inf]]))
    # What can be read as numbers is.
    for values in (["1.5"], [Decimal("1.5")], [np.float32(1.5)]):
        expected = encode(columns, np.array([[1.5]]))
        np.testing.assert_array_equal(encode(columns, table_of(values)), expected)


# ---- gaps filled ----


def fill(X, values, *, is_empty=None, keeps_empty=False, indicated=(), names=None):
    is_empty = np.zeros(np.shape(X)[1], bool) if is_empty is None else is_empty
    names = list(getattr(X, "columns", [])) if names is None else names
    return filled_table(
        X,
        values,
        is_empty=np.asarray(is_empty),
        keeps_empty=keeps_empty,
        indicated=list(indicated),
        names=names,
    )


@pytest.mark.parametrize("name", PANDAS)
def test_pandas_columns_keep_their_dtype(name):
    series, values, is_number, order = PANDAS[name]
    # Also with two names alike, and an index that is not in order.
    X = pd.concat([series, series], axis=1, keys=["x", "x"])
    X.index = [f"row {i}" for i in range(len(X))][::-1]
    before = X.copy()
    given = [2.25 if is_number else values[0]] * len(X)
    filled = fill(X, [given, given])
    pd.testing.assert_frame_equal(X, before)
    assert type(filled) is pd.DataFrame
    pd.testing.assert_index_equal(filled.index, X.index)
    assert filled.columns.tolist() == ["x", "x"]
    own = 2 if getattr(series.dtype, "kind", "O") in "iu" else 2.25
    expected = [
        (own if is_number else values[0]) if value is None else value
        for value in values
    ]
    for column in (filled.iloc[:, 0], filled.iloc[:, 1]):
        assert column.dtype == series.dtype
        assert column.tolist() == expected
    if order is not None:
        assert filled.iloc[:, 0].cat.categories.tolist() == order
        assert filled.iloc[:, 0].cat.ordered == series.cat.ordered


@pytest.mark.parametrize("name", POLARS)
def test_polars_columns_keep_their_dtype(name):
    series, values, is_number, _ = POLARS[name]
    X = pl.DataFrame({"x": series, "y": series})
    given = [2.25 if is_number else values[0]] * len(X)
    filled = fill(X, [given, given])
    assert type(filled) is pl.DataFrame
    assert filled.columns == ["x", "y"]
    own = 2 if series.dtype.is_integer() else 2.25
    for column in filled.get_columns():
        assert column.dtype == series.dtype
        assert column.to_list() == [
            (own if is_number else values[0]) if value is None else value
            for value in values
        ]


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame])
def test_means_of_booleans_are_rounded(kind):
    X = kind({"x": [None, True, None]})
    X = X.astype("boolean") if kind is pd.DataFrame else X
    filled = fill(X, [[0.3, 0.1, 0.8]])
    assert filled["x"].to_list() == [False, True, True]
    assert filled["x"].dtype == X["x"].dtype


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_arrays_of_numbers_keep_their_dtype(dtype):
    X = np.array([[1, NAN], [NAN, 2]], dtype=dtype)
    filled = fill(X, [[5, 6], [7.0, 8]], names=["a", "b"])
    assert filled.dtype == dtype
    assert filled.tolist() == [[1, 7], [6, 2]]
    assert np.isnan(X).sum() == 2


def test_arrays_of_objects():
    X = table_of([1, None], ["a", None])
    filled = fill(X, [[5, 6.5], ["b", "c"]], names=["a", "b"])
    assert filled.dtype == object
    assert filled.tolist() == [[1, "a"], [6.5, "c"]]
    # Where all are numbers they need no objects.
    filled = fill(X[:, :1], [[5, 6.5]], names=["a"])
    assert filled.dtype == np.float64
    assert filled.tolist() == [[1], [6.5]]


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("keeps_empty", [False, True])
def test_empty_columns_and_indicators_of_frames(kind, keeps_empty):
    X = kind({"a": [None, "x"], "b": [NAN, NAN], "c": [None, 2.0]})
    names = ["a", "b", "c"] if keeps_empty else ["a", "c"]
    filled = fill(
        X,
        [["y", "z"], [7.0, 8.0]],
        is_empty=[False, True, False],
        keeps_empty=keeps_empty,
        indicated=[0, 2],
        names=[*names, "no a", "no c"],
    )
    assert type(filled) is kind
    found = {name: filled[name].to_list() for name in filled.columns}
    expected = {"a": ["y", "x"], "b": [0, 0], "c": [7, 2]}
    expected = {name: expected[name] for name in names}
    assert found == expected | {"no a": [True, False], "no c": [True, False]}
    assert list(filled.columns) == [*names, "no a", "no c"]


@pytest.mark.parametrize("keeps_empty", [False, True])
def test_empty_columns_and_indicators_of_arrays(keeps_empty):
    X = np.array([[NAN, NAN, 1], [NAN, 2, NAN]])
    filled = fill(
        X,
        [[5, 6], [7, 8]],
        is_empty=[True, False, False],
        keeps_empty=keeps_empty,
        indicated=[1],
        names=list("abc") if not keeps_empty else list("abcd"),
    )
    expected = np.array([[0, 5, 1, 1], [0, 2, 8, 0]])
    np.testing.assert_array_equal(filled, expected[:, 0 if keeps_empty else 1 :])
    X = table_of([None, None], ["a", None])
    filled = fill(
        X,
        [["b", "c"]],
        is_empty=[True, False],
        keeps_empty=keeps_empty,
        names=list("ab") if keeps_empty else ["b"],
    )
    assert filled[:, -1].tolist() == ["a", "c"]


def test_indices_that_repeat():
    X = pd.DataFrame({"a": [NAN, 1.0, NAN], "b": ["x", None, "y"]}, index=[7, 7, 7])
    filled = fill(X, [[2.0, 3.0, 4.0], ["p", "q", "r"]])
    assert filled.index.tolist() == [7, 7, 7]
    assert filled["a"].tolist() == [2, 1, 4]
    assert filled["b"].tolist() == ["x", "q", "y"]


def test_subclasses_and_columns_that_are_not_strings():
    class Frame(pd.DataFrame):
        @property
        def _constructor(self):
            return Frame

    X = Frame({0: [1.0, NAN], 1: ["a", "b"]})
    filled = fill(X, [[2.0, 3.0], ["p", "q"]], names=["x0", "x1"])
    assert type(filled) is Frame
    assert filled.iloc[:, 0].tolist() == [1, 3]
