"""Many updates of a small binary RBM in one call: calls take time beside the work.

Gradients are plain ones, of persistent chains that make one sweep an update.
"""

__all__ = ["ascend", "is_small"]

from skebm._compilation import kernels_of
from skebm.energy.binary_rbm_centred import CentredBinaryRBM

# Multiplications of a product beyond which the calls of an update take no time to
# speak of.
_FEW = 2**20

# OpenBLAS shares a product of more multiplications between its threads. SciPy's, which
# compiled loops call, must not: its threads would get in the way of NumPy's.
_TOO_FEW_TO_SHARE = 2**18


def is_small(n_rows, n_visible, n_hidden):
    """Say whether the calls of an update take time beside its products.

    Parameters
    ----------
    n_rows : int
        Rows of data and chains of an update.
    n_visible, n_hidden : int
        Units of the machine.

    Returns
    -------
    small : bool
        Whether `ascend` serves.
    """
    return n_rows * (n_visible + 1) * (n_hidden + 1) <= _FEW


def ascend(machine, batches, rates, chains, noise):
    """Make one update for each batch.

    As `CentredBinaryRBM.contrast` and `CentredBinaryRBM.step` do, but that the
    variates of all updates are drawn at once.

    Parameters
    ----------
    machine : CentredBinaryRBM
        In float32; left as it is.
    batches : list of ndarray of shape (n_batch, n_visible + 1)
        Prepared rows of each update.
    rates : list of float
        Step size of each update.
    chains : ndarray of shape (n_chains, n_hidden + 1)
        Hidden units of the chains, boolean; the last column means nothing.
    noise : UniformNoise
        Source of the draws.

    Returns
    -------
    machine : CentredBinaryRBM
        After the updates.
    chains : ndarray of shape (n_chains, n_hidden + 1)
        The chains after them.
    """
    n_variates = len(batches) * len(chains) * sum(machine.matrix.shape)
    variates = noise.draw((n_variates,))
    machine = CentredBinaryRBM(machine.matrix.copy(), machine.offsets)
    n_rows = max(map(len, batches)) + len(chains)
    compiled = n_rows * machine.matrix.size <= _TOO_FEW_TO_SHARE
    ascend_in_place = kernels_of(__name__, compiled=compiled).ascend_in_place
    return machine, ascend_in_place(machine, batches, rates, chains, variates)
