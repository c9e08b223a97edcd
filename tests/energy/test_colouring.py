import numpy as np
import pytest
from scipy.sparse import coo_array, csc_array, csr_array, eye_array, kron

from skebm.energy.colouring import colour_graph


def path(n_units):
    return csr_array(np.eye(n_units, k=1) + np.eye(n_units, k=-1))


def ring(n_units):
    last = coo_array(([1, 1], ([0, n_units - 1], [n_units - 1, 0])))
    return csr_array(path(n_units) + last)


def grid(first, second):
    n_first, n_second = first.shape[0], second.shape[0]
    return csr_array(
        kron(first, eye_array(n_second)) + kron(eye_array(n_first), second)
    )


def assert_valid(pattern, colours):
    n_units = pattern.shape[0]
    np.testing.assert_array_equal(np.sort(np.concatenate(colours)), np.arange(n_units))
    dense = pattern.toarray() != 0
    np.fill_diagonal(dense, val=False)
    for members in colours:
        assert len(members) > 0
        assert np.all(np.diff(members) > 0)
        assert not dense[np.ix_(members, members)].any()


@pytest.mark.parametrize(
    "pattern",
    [
        path(9),
        ring(10),
        grid(path(6), path(5)),
        grid(ring(6), ring(4)),
        grid(path(4), ring(8)),
        grid(grid(path(3), path(3)), path(3)),
    ],
)
def test_two_classes_where_two_are_enough(pattern):
    rng = np.random.default_rng(0)
    for _ in range(5):
        colours = colour_graph(pattern)
        assert len(colours) == 2
        assert_valid(pattern, colours)
        shuffled = rng.permutation(pattern.shape[0])
        pattern = csr_array(pattern[shuffled][:, shuffled])


def test_odd_rings_take_three_classes():
    for pattern in (ring(7), grid(ring(5), ring(5))):
        colours = colour_graph(pattern)
        assert_valid(pattern, colours)
        assert len(colours) >= 3
    assert len(colour_graph(ring(7))) == 3


@pytest.mark.parametrize("density", [0.05, 0.2, 0.9])
@pytest.mark.parametrize("seed", range(5))
def test_random_graphs(density, seed):
    rng = np.random.default_rng(seed)
    dense = np.triu(rng.random((40, 40)) < density, 1)
    pattern = csr_array(dense | dense.T)
    colours = colour_graph(pattern)
    assert_valid(pattern, colours)
    assert len(colours) <= 1 + pattern.sum(axis=1).max()


def test_most_neighbours_go_first():
    """In the order of the indices the greedy rule would take four classes here."""
    edges = [(0, 4), (1, 4), (1, 5), (0, 2), (2, 5), (3, 4), (3, 5), (4, 5)]
    rows, columns = np.transpose(edges)
    upper = coo_array((np.ones(len(edges)), (rows, columns)), shape=(6, 6))
    assert len(colour_graph(upper + upper.T)) == 3


@pytest.mark.parametrize("form", [csr_array, csc_array, coo_array])
def test_formats_diagonals_and_explicit_zeros(form):
    pattern = form(np.eye(3))
    (members,) = colour_graph(pattern)
    np.testing.assert_array_equal(members, [0, 1, 2])
    zero = coo_array(([0.0, 0.0], ([0, 1], [1, 0])), shape=(2, 2))
    assert len(colour_graph(form(zero))) == 1
