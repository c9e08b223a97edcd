"""Which units need not be enumerated."""

import numpy as np
import pytest

from skebm.energy.latent_graph import LatentGraph


def graph(visible, hidden, between):
    return LatentGraph.of_layers(visible, hidden, np.asarray(between, dtype=bool))


def complete(n_units):
    return np.ones((n_units, n_units), dtype=bool)


def empty(n_units):
    return np.zeros((n_units, n_units), dtype=bool)


@pytest.mark.parametrize(
    ("visible", "hidden", "n_cut", "n_visible_cut", "n_hidden_cut"),
    [
        (complete(5), complete(4), 8, 4, 3),
        (complete(5), empty(4), 5, 4, 0),
        (empty(5), complete(4), 4, 0, 3),
        (empty(5), empty(4), 4, 0, 0),
    ],
)
def test_enumerates_all_but_the_most_independent_units(
    visible, hidden, n_cut, n_visible_cut, n_hidden_cut
):
    result = graph(visible, hidden, np.ones((4, 5)))
    assert len(result.split.cut) == n_cut
    assert len(result.visible_split.cut) == n_visible_cut
    assert len(result.hidden_split.cut) == n_hidden_cut


def test_a_split_has_all_units_and_no_coupling_among_the_rest():
    rng = np.random.default_rng(0)
    hidden = np.triu(rng.random((6, 6)) < 0.4, 1)
    visible = np.triu(rng.random((5, 5)) < 0.4, 1)
    result = graph(visible | visible.T, hidden | hidden.T, rng.random((6, 5)) < 0.5)
    for split, mask in [
        (result.split, result.mask),
        (result.hidden_split, result.mask[5:, 5:]),
        (result.visible_split, result.mask[:5, :5]),
    ]:
        units = np.sort(np.concatenate(split))
        np.testing.assert_array_equal(units, np.arange(len(mask)))
        assert not mask[np.ix_(split.rest, split.rest)].any()


def test_deep_machines_enumerate_one_hidden_layer():
    layers = np.repeat([0, 1], [5, 2])
    hidden = layers[:, np.newaxis] != layers
    result = graph(empty(6), hidden, np.outer(layers == 0, np.ones(6)))
    np.testing.assert_array_equal(result.hidden_split.cut, [5, 6])
    # The visible units and the second hidden layer are independent given the first.
    np.testing.assert_array_equal(result.split.cut, np.arange(6, 11))


def test_a_unit_is_not_coupled_with_itself():
    assert not graph(complete(2), complete(2), np.ones((2, 2))).mask.diagonal().any()


def test_few_couplings_are_drawn_by_colours():
    sparse = graph(empty(30), empty(30), np.eye(30))
    assert sorted(map(len, sparse.colours)) == [30, 30]
    assert graph(empty(5), empty(4), np.ones((4, 5))).colours is None
