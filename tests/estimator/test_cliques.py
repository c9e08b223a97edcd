"""How cliques and potentials are read, and what is refused."""

from itertools import combinations

import numpy as np
import pytest
from scipy import sparse

from skebm.estimator.cliques import (
    maximal_cliques,
    read_cliques,
    read_levels,
    read_potentials,
)

NAMES = np.array(["a", "b", "c", "d"], dtype=object)
LEVELS = [2, 3, 2, 2]


class View(list):
    """What networkx has as nodes and edges: lists that can be called."""

    def __call__(self):
        return self


class GraphOfNetworkx:
    """What is asked for of a graph of networkx."""

    adj = ()

    def __init__(self, nodes, edges):
        self.nodes, self.edges = View(nodes), View(edges)


def test_pairs():
    assert read_cliques("pairwise", LEVELS, None) == tuple(combinations(range(4), 2))
    assert read_cliques("pairwise", [2], None) == ()


def test_lists_by_number_and_name():
    cliques = [("b", 0), ("c", "a", "d"), ("a",), "b", 3, (-1, "b")]
    assert read_cliques(cliques, LEVELS, NAMES) == ((1, 0), (2, 0, 3), (3, 1))
    assert read_cliques([], LEVELS, NAMES) == ()


def test_graphs_are_read_as_their_maximal_cliques():
    edges = [("a", "b"), ("b", "c"), ("a", "c"), ("c", "d"), ("d", "d")]
    numbers = {name: i for i, name in enumerate("abcd")}
    adjacency = np.zeros((4, 4))
    for first, second in edges:
        adjacency[numbers[first], numbers[second]] = 1
        adjacency[numbers[second], numbers[first]] = 1
    expected = ((0, 1, 2), (2, 3))
    for graph in (
        sparse.csr_matrix(adjacency),
        sparse.coo_array(adjacency),
        GraphOfNetworkx("abcd", edges),
        GraphOfNetworkx(range(4), [(numbers[a], numbers[b]) for a, b in edges]),
    ):
        assert read_cliques(graph, LEVELS, NAMES) == expected


def test_a_graph_of_networkx_itself():
    networkx = pytest.importorskip("networkx", reason="networkx is not installed")
    graph = networkx.cycle_graph(["a", "b", "c", "d"])
    assert read_cliques(graph, LEVELS, NAMES) == ((0, 1), (0, 3), (1, 2), (2, 3))


@pytest.mark.parametrize("seed", range(10))
def test_maximal_cliques_by_brute_force(seed):
    rng = np.random.default_rng(seed)
    neighbours = [set() for _ in range(7)]
    for i, j in combinations(range(7), 2):
        if rng.random() < 0.5:
            neighbours[i].add(j)
            neighbours[j].add(i)
    cliques = [
        set(nodes)
        for size in range(1, 8)
        for nodes in combinations(range(7), size)
        if all(j in neighbours[i] for i, j in combinations(nodes, 2))
    ]
    maximal = [c for c in cliques if not any(c < other for other in cliques)]
    assert maximal_cliques(neighbours) == sorted(tuple(sorted(c)) for c in maximal)


def test_large_graphs_are_no_recursion():
    path = [{i - 1, i + 1} & set(range(3000)) for i in range(3000)]
    assert len(maximal_cliques(path)) == 2999


@pytest.mark.parametrize(
    ("cliques", "match"),
    [
        ([("a", "z")], "'z', which is no column of X: these are \\['a', 'b'"),
        ([(0, 4)], "the column 4, but X 4 columns"),
        ([(0, 1.5)], "1.5, which is neither the name nor the number"),
        ([(0, True)], "True, which is neither"),
        ([("a", 0)], "has a column twice"),
        ([("a", "b"), (1, 0)], "are a clique twice"),
        (sparse.eye_array(3, k=1) + sparse.eye_array(3, k=-1), "has shape"),
        (sparse.eye_array(4, k=1), "must be symmetric"),
        (GraphOfNetworkx(["a", "z"], []), "'z', which is no column"),
    ],
)
def test_bad_cliques(cliques, match):
    with pytest.raises(ValueError, match=match):
        read_cliques(cliques, LEVELS, NAMES)


def test_tables_that_are_too_large():
    with pytest.raises(ValueError, match="column 1 has 100000 levels"):
        read_cliques("pairwise", [3000, 100_000], None)


@pytest.mark.parametrize(
    ("potentials", "match"),
    [
        ([[1, 2]], "must be a dict"),
        ({}, "must be a dict of at least one table"),
        ({("a", 1): np.ones((2, 2))}, "by name and by number"),
        ({(0, 2): np.ones((2, 2))}, "numbers from 0 on without gaps"),
        ({(0, 1.0): np.ones((2, 2))}, "must be names, or numbers"),
        ({("a", "b"): np.ones(2)}, "has shape \\(2,\\)"),
        ({("a", "b"): np.ones((2, 0))}, "has shape \\(2, 0\\)"),
        ({("a", "a"): np.ones((2, 2))}, "a column twice"),
        ({("a", "b"): np.ones((2, 2)), ("b", "a"): np.ones((2, 2))}, "twice"),
        ({("a", "b"): [[1, 0], [1, 1]]}, "such as 1e-100"),
        ({("a", "b"): [[1, -1], [1, 1]]}, "not positive"),
        ({("a", "b"): [[1, np.nan], [1, 1]]}, "not positive and finite"),
        (
            {("a", "b"): np.ones((2, 2)), ("b", "c"): np.ones((3, 2))},
            "has 3 levels of the column 'b', another has 2",
        ),
    ],
)
def test_bad_potentials(potentials, match):
    with pytest.raises(ValueError, match=match):
        read_potentials(potentials)


def test_levels():
    assert read_levels(None, [2, 3], None) == [[0, 1], [0, 1, 2]]
    assert read_levels({"b": ["x", "y", "z"]}, [2, 3], NAMES[:2]) == [
        [0, 1],
        ["x", "y", "z"],
    ]
    with pytest.raises(ValueError, match="needs 3 different levels"):
        read_levels({1: ["x", "y"]}, [2, 3], None)
    with pytest.raises(ValueError, match="needs 2 different levels"):
        read_levels({0: ["x", "x"]}, [2, 3], None)
    with pytest.raises(ValueError, match="no column"):
        read_levels({"z": ["x", "x"]}, [2, 3], NAMES[:2])


def test_messages_name_the_argument():
    with pytest.raises(ValueError, match="looks like the adjacency of a graph"):
        read_cliques(np.eye(4, dtype=bool), LEVELS, NAMES)
    assert read_cliques(np.array([[0, 1], [1, 2]]), LEVELS, NAMES) == ((0, 1), (1, 2))
    with pytest.raises(ValueError, match="categories has 'z', which is no column"):
        read_levels({"z": [1, 2]}, LEVELS, NAMES)
    with pytest.raises(ValueError, match="no table of numbers"):
        read_potentials({(0, 1): [[1, 2], [3]]})
