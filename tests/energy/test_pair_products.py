import numpy as np
import pytest

from skebm.energy.pair_products import pair_products

RNG = np.random.default_rng(0)
LEFT, RIGHT = RNG.normal(size=(2, 30, 5))


def expected(left, right):
    result = np.zeros((5, 5))
    for i in range(5):
        for j in range(5):
            if i != j:
                mixed = left[:, i] * right[:, j] + left[:, j] * right[:, i]
                result[i, j] = mixed.sum() / 2
    return result


@pytest.mark.parametrize("right", [LEFT, RIGHT], ids=["same", "other"])
def test_all_pairs(right):
    products = pair_products(LEFT, right)
    np.testing.assert_allclose(products, expected(LEFT, right), atol=1e-13)
    np.testing.assert_array_equal(products, products.T)


@pytest.mark.parametrize("right", [LEFT, RIGHT], ids=["same", "other"])
def test_some_pairs(right):
    edges = np.array([0, 1, 1]), np.array([3, 2, 4])
    products = pair_products(LEFT, right, edges)
    wanted = np.zeros((5, 5), dtype=bool)
    wanted[edges] = wanted[edges[::-1]] = True
    np.testing.assert_allclose(
        products, np.where(wanted, expected(LEFT, right), 0), atol=1e-13
    )
    np.testing.assert_array_equal(products, products.T)


@pytest.mark.parametrize("edges", [None, (np.array([0]), np.array([1]))])
def test_arguments_are_left_alone_and_dtype_is_kept(edges):
    left, right = LEFT.astype(np.float32), RIGHT.astype(np.float32)
    before = left.copy(), right.copy()
    assert pair_products(left, right, edges).dtype == np.float32
    np.testing.assert_array_equal(left, before[0])
    np.testing.assert_array_equal(right, before[1])
