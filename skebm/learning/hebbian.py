"""Rules by which rows of spins are stored in couplings, without a gradient.

Each gives the couplings J of the energy E(s) = -s' J s / 2 of spins of -1 and +1, with
zero diagonal, after more rows have been stored.
"""

__all__ = ["RULES", "hebbian", "pseudoinverse", "storkey"]

import numpy as np


def hebbian(couplings, spins, stored):
    """Add the mean product of each pair of spins [1]_.

    Rows are recalled, with a few spins wrong, as long as they are independent of each
    other and no more than 0.138 times as many as spins [2]_.

    Parameters
    ----------
    couplings : ndarray of shape (n_units, n_units)
        J so far.
    spins : ndarray of shape (n_rows, n_units)
        Rows to be stored, float64.
    stored : ndarray of shape (n_stored, n_units)
        All rows, these included; for rules that look at them anew.

    Returns
    -------
    couplings : ndarray of shape (n_units, n_units)
        J.

    References
    ----------
    .. [1] Hopfield, J. J. (1982). Neural networks and physical systems with emergent
       collective computational abilities. PNAS 79(8), 2554-2558.
       :doi:`10.1073/pnas.79.8.2554`
    .. [2] Amit, D. J., Gutfreund, H. and Sompolinsky, H. (1985). Storing infinite
       numbers of patterns in a spin-glass model of neural networks. Physical Review
       Letters 55(14), 1530-1533. :doi:`10.1103/PhysRevLett.55.1530`
    """
    # A matrix times its own transpose is exactly symmetric.
    return _without_diagonal(couplings + np.dot(spins.T, spins) / spins.shape[1])


def storkey(couplings, spins, stored):
    """Store rows one after the other, each less what it brings of those before [1]_.

    Rows that are independent of each other are fixed points up to
    n / sqrt(2 log(n)) of them, more than by the Hebbian rule, which has
    n / (2 log(n)). The order of the rows makes a small difference.

    Parameters and result are as of `hebbian`.

    References
    ----------
    .. [1] Storkey, A. J. and Valabregue, R. (1999). The basins of attraction of a new
       Hopfield learning rule. Neural Networks 12(6), 869-876.
       :doi:`10.1016/S0893-6080(99)00038-6`
    """
    n_units = spins.shape[1]
    couplings = couplings.copy()
    for row in spins:
        # The field of unit i without what j does to it is field_i - J_ij s_j, so that
        # s_i s_j - s_i field_j - field_i s_j + 2 J_ij is what there is to add.
        product = np.outer(row, row / 2 - couplings @ row)
        product = product + product.T  # symmetric to the last bit
        couplings *= 1 + 2 / n_units
        couplings += product / n_units
        np.fill_diagonal(couplings, 0)
    return couplings


def pseudoinverse(couplings, spins, stored):
    """Project onto the space that all rows span; also known as projection rule [1]_.

    Rows are fixed points whatever their correlations, as long as they do not span all
    there is: up to n - 1 of them that are linearly independent [2]_. If they do, every
    row is one, and the couplings are zero.

    Parameters and result are as of `hebbian`.

    References
    ----------
    .. [1] Personnaz, L., Guyon, I. and Dreyfus, G. (1985). Information storage and
       retrieval in spin-glass like neural networks. Journal de Physique Lettres 46(8),
       359-365. :doi:`10.1051/jphyslet:01985004608035900`
    .. [2] Kanter, I. and Sompolinsky, H. (1987). Associative recall of memory without
       errors. Physical Review A 35(1), 380-392. :doi:`10.1103/PhysRevA.35.380`
    """
    _, lengths, axes = np.linalg.svd(stored, full_matrices=False)
    least = lengths[0] * max(stored.shape) * np.finfo(np.float64).eps
    axes = axes[lengths > least]
    if len(axes) == stored.shape[1]:
        return np.zeros_like(couplings)
    return _without_diagonal(np.dot(axes.T, axes))


def _without_diagonal(matrix):
    np.fill_diagonal(matrix, 0)
    return matrix


RULES = {"hebbian": hebbian, "storkey": storkey, "pseudoinverse": pseudoinverse}
