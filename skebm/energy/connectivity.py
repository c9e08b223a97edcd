"""Which couplings a Boltzmann machine has, and which units can be drawn at once."""

__all__ = ["Connectivity"]

import numpy as np
from scipy import sparse

from skebm.energy.sweeps import colour_graph

# Graphs of up to so many of all possible edges are drawn faster colour by colour
# than unit after unit: from 100 units on, with NumPy's kernels and compiled ones.
_LARGEST_DENSITY = 0.1


class Connectivity:
    """A graph of units: couplings exist along its edges alone.

    Parameters
    ----------
    mask : ndarray of shape (n_units, n_units)
        Whether a coupling exists, boolean and symmetric, False on the diagonal.
    colours : list of ndarray of int, default=None
        Units of each colour, no two of them neighbours: those of one colour are
        independent given the others. None where the graph is so dense that
        drawing unit after unit is as fast.
    """

    def __init__(self, mask, colours=None):
        self.mask = mask
        self.colours = colours
        self._pattern = sparse.csr_array(mask)
        self._owners = np.repeat(np.arange(len(mask)), np.diff(self._pattern.indptr))
        owners, others = self._owners, self._pattern.indices
        self._edges = owners[owners < others], others[owners < others]

    @classmethod
    def of(cls, graph):
        """Make the connectivity of a graph, with colours where they save time.

        Parameters
        ----------
        graph : sparse array of shape (n_units, n_units)
            Symmetric adjacency in CSR format, boolean, with an empty diagonal.

        Returns
        -------
        connectivity : Connectivity
            With colours if at most a tenth of all pairs are coupled.
        """
        n_units = graph.shape[0]
        is_sparse = graph.nnz <= _LARGEST_DENSITY * n_units**2
        return cls(graph.toarray(), colour_graph(graph) if is_sparse else None)

    def edges(self):
        """List the couplings: arrays of their first and second units, rising."""
        return self._edges

    def sparse(self, couplings):
        """Give a dense matrix of couplings as an array in CSR format."""
        pattern = self._pattern
        values = couplings[self._owners, pattern.indices]
        return sparse.csr_array(
            (values, pattern.indices, pattern.indptr), shape=pattern.shape
        )
