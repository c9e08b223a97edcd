import numpy as np
import pytest
from oracle import random_lattice
from scipy import sparse

from skebm.energy.connectivity import Connectivity


def cycle(n_units):
    ring = np.roll(np.eye(n_units, dtype=bool), 1, axis=1)
    return ring | ring.T


@pytest.mark.parametrize("n_units", [20, 41])
def test_units_of_one_colour_are_not_coupled(n_units):
    mask = cycle(n_units)
    connectivity = Connectivity.of(sparse.csr_array(mask))
    np.testing.assert_array_equal(connectivity.mask, mask)
    colours = connectivity.colours
    np.testing.assert_array_equal(np.sort(np.concatenate(colours)), np.arange(n_units))
    for members in colours:
        assert not mask[np.ix_(members, members)].any()


def test_dense_graphs_are_not_coloured():
    assert Connectivity.of(sparse.csr_array(cycle(19))).colours is None


@pytest.mark.parametrize("n_units", [1, 7])
def test_units_without_couplings_have_one_colour(n_units):
    empty = sparse.csr_array((n_units, n_units), dtype=bool)
    (members,) = Connectivity.of(empty).colours
    np.testing.assert_array_equal(np.sort(members), np.arange(n_units))


def test_edges_are_the_pairs_that_are_coupled():
    mask = random_lattice()[2]
    first, second = Connectivity(mask).edges()
    pairs = {(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (0, 5)}
    assert set(zip(first.tolist(), second.tolist(), strict=True)) == pairs
    assert len(first) == 6


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_couplings_are_the_dense_ones(dtype):
    couplings, _, mask, colours = random_lattice()
    couplings = couplings.astype(dtype)
    result = Connectivity(mask, colours).sparse(couplings)
    assert isinstance(result, sparse.csr_array)
    assert result.dtype == dtype
    assert result.nnz == 12
    np.testing.assert_array_equal(result.toarray(), couplings)
