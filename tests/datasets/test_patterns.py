import numpy as np
import pytest
from oracle import all_states
from statistical import assert_draws_from

from skebm.datasets import (
    make_bars_and_stripes,
    make_labelled_shifter,
    make_shifting_bar,
)

TABLES = [
    (make_bars_and_stripes, {"n_side": 1}),
    (make_bars_and_stripes, {"n_side": 2}),
    (make_bars_and_stripes, {"n_side": 4}),
    (make_labelled_shifter, {"n_units": 1}),
    (make_labelled_shifter, {"n_units": 2}),
    (make_labelled_shifter, {"n_units": 5}),
    (make_shifting_bar, {"n_units": 2}),
    (make_shifting_bar, {"n_units": 9}),
    (make_shifting_bar, {"n_units": 6, "bar_length": 5}),
]
every_table = pytest.mark.parametrize(("make", "size"), TABLES)


def law_of(table):
    """Patterns of a table in which all rows are equally probable, and their law."""
    patterns, counts = np.unique(table, axis=0, return_counts=True)
    return patterns, counts / len(table)


@every_table
def test_entropy_and_likelihood_are_those_of_the_table(make, size):
    dataset = make(**size)
    patterns, law = law_of(dataset.data)
    assert dataset.entropy == pytest.approx(-law @ np.log(law), rel=1e-12)
    for row, log_likelihood in zip(dataset.data, dataset.log_likelihood, strict=True):
        [probability] = law[(patterns == row).all(axis=1)]
        assert log_likelihood == pytest.approx(np.log(probability), rel=1e-12)
    assert dataset.log_likelihood.mean() == pytest.approx(-dataset.entropy, rel=1e-12)


@every_table
def test_draws_are_from_the_law_of_the_table(make, size):
    patterns, law = law_of(make(**size).data)
    drawn = make(5000, **size, random_state=0)
    same = (drawn.data[:, np.newaxis] == patterns).all(axis=2)
    assert np.all(same.sum(axis=1) == 1)
    number = same.argmax(axis=1)
    assert_draws_from(law, number)
    np.testing.assert_allclose(drawn.log_likelihood, np.log(law[number]), rtol=1e-12)
    assert drawn.entropy == make(**size).entropy


@every_table
def test_rows_depend_on_the_random_state_alone(make, size):
    first, second, other = (
        make(50, **size, random_state=seed).data for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


@pytest.mark.parametrize(
    ("dataset", "shape", "n_patterns", "entropy"),
    [
        (make_bars_and_stripes(), (32, 16), 30, 3.3791),
        (make_labelled_shifter(), (768, 19), 768, 6.6438),
        (make_shifting_bar(), (9, 9), 9, 2.1972),
    ],
)
def test_default_sizes_are_those_of_the_literature(dataset, shape, n_patterns, entropy):
    assert dataset.data.shape == shape
    assert dataset.data.dtype == np.float64
    assert len(np.unique(dataset.data, axis=0)) == n_patterns
    assert round(dataset.entropy, 4) == entropy
    assert isinstance(dataset.entropy, float)


def test_bars_and_stripes_are_all_images_of_full_columns_or_full_rows():
    images = all_states(9).reshape(-1, 3, 3)
    full_rows = (images == images[:, :, :1]).all(axis=(1, 2))
    full_columns = (images == images[:, :1]).all(axis=(1, 2))
    expected = images[full_rows | full_columns].reshape(-1, 9)
    found, law = law_of(make_bars_and_stripes(n_side=3).data)
    np.testing.assert_array_equal(found, expected)
    one_colour = found.min(axis=1) == found.max(axis=1)
    np.testing.assert_allclose(law, np.where(one_colour, 2, 1) / 16)


def test_the_label_of_the_shifter_tells_the_shift():
    for row in make_labelled_shifter(200, n_units=7, random_state=0).data:
        bits, shifted, label = row[:7], row[7:14], row[14:]
        [shift] = np.flatnonzero(label) - 1
        assert label.sum() == 1
        assert all(shifted[(place + shift) % 7] == bits[place] for place in range(7))


def test_bars_are_connected_around_the_ring():
    data = make_shifting_bar(n_units=7, bar_length=3).data
    for start, row in enumerate(data):
        assert sorted((start + np.arange(3)) % 7) == list(np.flatnonzero(row))


def test_images_may_be_larger_than_tables():
    bars = make_bars_and_stripes(3, n_side=28, random_state=0)
    assert bars.data.shape == (3, 784)
    np.testing.assert_allclose(bars.log_likelihood, -29 * np.log(2))


@pytest.mark.parametrize(
    ("make", "size"),
    [(make_bars_and_stripes, {"n_side": 20}), (make_labelled_shifter, {"n_units": 21})],
)
def test_tables_too_long_to_list_are_refused(make, size):
    with pytest.raises(ValueError, match=r"configurations of 21 bits.*Pass n_samples"):
        make(**size)


def test_a_bar_as_long_as_the_row_is_refused():
    with pytest.raises(ValueError, match="bar_length=4 leaves no unit of n_units=4"):
        make_shifting_bar(n_units=4, bar_length=4)


@pytest.mark.parametrize(
    ("make", "name", "value"),
    [
        (make_bars_and_stripes, "n_samples", 0),
        (make_bars_and_stripes, "n_side", 0),
        (make_labelled_shifter, "n_units", 0),
        (make_labelled_shifter, "random_state", "seed"),
        (make_shifting_bar, "n_units", 1),
        (make_shifting_bar, "bar_length", 1.0),
    ],
)
def test_other_values_are_refused_by_name(make, name, value):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of {make.__name__}"):
        make(**{name: value})
