import numpy as np
import pytest
from oracle import random_lattice
from scipy import sparse

from skebm.energy.graph import Graph, LayeredGraph


def cycle(n_units):
    ring = np.roll(np.eye(n_units, dtype=bool), 1, axis=1)
    return ring | ring.T


@pytest.mark.parametrize("n_units", [20, 41])
def test_units_of_one_colour_are_not_coupled(n_units):
    mask = cycle(n_units)
    graph = Graph.of(sparse.csr_array(mask))
    np.testing.assert_array_equal(graph.mask, mask)
    colours = graph.colours
    np.testing.assert_array_equal(np.sort(np.concatenate(colours)), np.arange(n_units))
    for members in colours:
        assert not mask[np.ix_(members, members)].any()


def test_dense_graphs_are_not_coloured():
    assert Graph.of(sparse.csr_array(cycle(19))).colours is None


@pytest.mark.parametrize("n_units", [1, 7])
def test_units_without_couplings_have_one_colour(n_units):
    empty = sparse.csr_array((n_units, n_units), dtype=bool)
    (members,) = Graph.of(empty).colours
    np.testing.assert_array_equal(np.sort(members), np.arange(n_units))


def test_edges_are_the_pairs_that_are_coupled():
    mask = random_lattice()[2]
    first, second = Graph(mask).edges
    pairs = {(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (0, 5)}
    assert set(zip(first.tolist(), second.tolist(), strict=True)) == pairs
    assert len(first) == 6


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_couplings_are_the_dense_ones(dtype):
    couplings, _, mask, colours = random_lattice()
    couplings = couplings.astype(dtype)
    result = Graph(mask, colours).sparse(couplings)
    assert isinstance(result, sparse.csr_array)
    assert result.dtype == dtype
    assert result.nnz == 12
    np.testing.assert_array_equal(result.toarray(), couplings)


# ---- layers: which units need not be enumerated ----


def layered(visible, hidden, between):
    return LayeredGraph.of_layers(visible, hidden, np.asarray(between, dtype=bool))


def complete(n_units):
    return np.ones((n_units, n_units), dtype=bool)


def empty(n_units):
    return ~complete(n_units)


def test_a_split_has_all_units_and_no_coupling_among_the_rest():
    rng = np.random.default_rng(0)
    hidden, visible = (np.triu(rng.random((n, n)) < 0.4) for n in (6, 5))
    between = rng.random((6, 5)) < 0.5
    graph = layered(visible | visible.T, hidden | hidden.T, between)
    assert graph.n_hidden == 6
    np.testing.assert_array_equal(graph.mask[5:, :5], between)
    assert not graph.mask.diagonal().any()
    for split, mask in [
        (graph.split, graph.mask),
        (graph.hidden_split, graph.mask[5:, 5:]),
        (graph.visible_split, graph.mask[:5, :5]),
    ]:
        units = np.sort(np.concatenate(split))
        np.testing.assert_array_equal(units, np.arange(len(mask)))
        assert not mask[np.ix_(split.rest, split.rest)].any()


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
    graph = layered(visible, hidden, np.ones((4, 5)))
    assert len(graph.split.cut) == n_cut
    assert len(graph.visible_split.cut) == n_visible_cut
    assert len(graph.hidden_split.cut) == n_hidden_cut


def test_deep_machines_enumerate_one_hidden_layer():
    layers = np.repeat([0, 1], [5, 2])
    hidden = layers[:, np.newaxis] != layers
    graph = layered(empty(6), hidden, np.outer(layers == 0, np.ones(6)))
    np.testing.assert_array_equal(graph.hidden_split.cut, [5, 6])
    # The visible units and the second hidden layer are independent given the first.
    np.testing.assert_array_equal(graph.split.cut, np.arange(6, 11))


def test_few_couplings_are_drawn_by_colours():
    graph = layered(empty(30), empty(30), np.eye(30))
    assert sorted(map(len, graph.colours)) == [30, 30]
    assert layered(empty(5), empty(4), np.ones((4, 5))).colours is None
