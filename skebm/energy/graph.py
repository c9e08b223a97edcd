"""Which couplings a Boltzmann machine has, and what can be drawn or summed at once."""

__all__ = ["Graph", "LayeredGraph", "Split"]

from typing import NamedTuple

import numpy as np
from scipy import sparse

from skebm.energy.colouring import colour_graph

# Graphs of up to so many of all possible edges are drawn faster colour by colour
# than unit after unit: from 100 units on, with NumPy's kernels and compiled ones.
_LARGEST_DENSITY = 0.1


class Graph:
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
        # First and second units of each coupling, rising.
        self.edges = owners[owners < others], others[owners < others]

    @classmethod
    def of(cls, graph):
        """Make the graph of an adjacency, with colours where they save time.

        Parameters
        ----------
        graph : sparse array of shape (n_units, n_units)
            Symmetric adjacency in CSR format, boolean, with an empty diagonal.

        Returns
        -------
        graph : Graph
            With colours if at most a tenth of all pairs are coupled.
        """
        n_units = graph.shape[0]
        is_sparse = graph.nnz <= _LARGEST_DENSITY * n_units**2
        return cls(graph.toarray(), colour_graph(graph) if is_sparse else None)

    def sparse(self, couplings):
        """Give a dense matrix of couplings as an array in CSR format."""
        pattern = self._pattern
        values = couplings[self._owners, pattern.indices]
        return sparse.csr_array(
            (values, pattern.indices, pattern.indptr), shape=pattern.shape
        )


class Split(NamedTuple):
    """Units to enumerate, and the rest, of which no two are coupled.

    Given the units of the cut, those of the rest are summed out one by one.
    """

    cut: np.ndarray
    rest: np.ndarray


class LayeredGraph(Graph):
    """The graph of a machine whose last units are hidden.

    Parameters
    ----------
    mask : ndarray of shape (n_units, n_units)
        Whether a coupling exists, boolean and symmetric, False on the diagonal.
        Visible units come before hidden ones.
    n_hidden : int
        Number of hidden units.
    colours : list of ndarray of int, default=None
        As for `Graph`.

    Attributes
    ----------
    hidden_colours : list of ndarray of int
        The hidden units, numbered from 0, in classes without couplings inside.
    hidden_split : Split
        Of the hidden units, numbered from 0, alone.
    visible_colours, visible_split
        The same of the visible units.
    split : Split
        Of all units.
    """

    def __init__(self, mask, n_hidden, colours=None):
        super().__init__(mask, colours)
        self.n_hidden = n_hidden
        n_visible = len(mask) - n_hidden
        layers = np.split(np.arange(len(mask)), [n_visible])
        self.visible_colours, self.hidden_colours = (
            colour_graph(sparse.csr_array(mask[np.ix_(layer, layer)]))
            for layer in layers
        )
        self.visible_split = _split(n_visible, self.visible_colours)
        self.hidden_split = _split(n_hidden, self.hidden_colours)
        self.split = _split(
            len(mask),
            [
                *(layer for layer in layers if not mask[np.ix_(layer, layer)].any()),
                *colour_graph(self._pattern),
            ],
        )

    @classmethod
    def of_layers(cls, visible, hidden, between):
        """Make the graph of two layers.

        Parameters
        ----------
        visible : ndarray of shape (n_visible, n_visible)
            Whether two visible units are coupled, boolean and symmetric; the
            diagonal does not matter.
        hidden : ndarray of shape (n_hidden, n_hidden)
            The same of hidden units.
        between : ndarray of shape (n_hidden, n_visible)
            Whether a hidden and a visible unit are.

        Returns
        -------
        graph : LayeredGraph
            With colours where these save time.
        """
        mask = np.block([[visible, between.T], [between, hidden]])
        np.fill_diagonal(mask, False)
        graph = Graph.of(sparse.csr_array(mask))
        return cls(mask, len(hidden), graph.colours)


def _split(n_units, independent):
    """Leave out of the enumeration the largest set of independent units."""
    rest = max(independent, key=len)
    return Split(np.setdiff1d(np.arange(n_units), rest), rest)
