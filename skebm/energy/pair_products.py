"""Products of pairs of units summed over rows, where couplings need them."""

__all__ = ["pair_products"]

import numpy as np


def pair_products(left, right, edges=None):
    """Sum the products of all pairs of columns, or of few, over rows.

    Parameters
    ----------
    left, right : ndarray of shape (n_rows, n_units)
        Two accounts of the same units: their values, or their means given others.
        The very same array twice costs half.
    edges : tuple of two ndarray of shape (n_edges,), default=None
        First and second units of the pairs wanted. None wants all.

    Returns
    -------
    products : ndarray of shape (n_units, n_units)
        Mean of left' right and its transpose, exactly symmetric; zero on the
        diagonal, and for pairs that are not wanted.
    """
    if edges is None:
        # A matrix times its own transpose is exactly symmetric.
        products = np.dot(left.T, right)
        if left is not right:
            products = products + products.T
            products *= 0.5
        np.fill_diagonal(products, 0)
        return products
    first, second = edges
    left, right = np.ascontiguousarray(left.T), np.ascontiguousarray(right.T)
    values = np.einsum("ij,ij->i", left[first], right[second])
    values += np.einsum("ij,ij->i", right[first], left[second])
    values *= 0.5
    products = np.zeros((len(left), len(left)), dtype=values.dtype)
    products[first, second] = products[second, first] = values
    return products
