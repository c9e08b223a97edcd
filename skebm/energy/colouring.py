"""Colouring of a graph: sets of units that can be updated at once."""

__all__ = ["colour_graph"]

import numpy as np
from scipy.sparse import csr_array


def colour_graph(pattern):
    """Part the units of a graph into classes without edges inside.

    Two classes if two are enough, as on trees and lattices: the graph is walked
    through breadth first, and units at even and odd distances from the start make
    up a class each. Else units get the first colour that no neighbour has, those
    with most neighbours first, which takes at most one class more than a unit has
    neighbours [1]_.

    Parameters
    ----------
    pattern : sparse array of shape (n_units, n_units)
        Symmetric; entries that are not zero are edges, but for the diagonal's.

    Returns
    -------
    colours : list of ndarray
        The units of each class, in ascending order.

    References
    ----------
    .. [1] Welsh, D. J. A. and Powell, M. B. (1967). An upper bound for the
       chromatic number of a graph and its application to timetabling problems.
       The Computer Journal 10(1), 85-86.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> from skebm.energy.colouring import colour_graph
    >>> path = csr_array(np.eye(5, k=1) + np.eye(5, k=-1))
    >>> colour_graph(path)
    [array([0, 2, 4]), array([1, 3])]
    """
    neighbours = _neighbours(pattern)
    colour = _two_colours(neighbours)
    if colour is None:
        colour = _greedy_colours(neighbours)
    return [np.flatnonzero(colour == k) for k in range(colour.max() + 1)]


def _neighbours(pattern):
    rows, columns = csr_array(pattern).nonzero()
    edges = rows != columns
    rows, columns = rows[edges], columns[edges]
    order = np.argsort(rows, kind="stable")
    starts = np.searchsorted(rows[order], np.arange(1, pattern.shape[0]))
    return [part.tolist() for part in np.split(columns[order], starts)]


def _two_colours(neighbours):
    """Colour by the parity of the distance; None if that leaves an edge inside."""
    colour = np.full(len(neighbours), -1)
    for start in range(len(neighbours)):
        if colour[start] >= 0:
            continue
        colour[start] = 0
        front = [start]
        while front:
            reached = []
            for unit in front:
                for other in neighbours[unit]:
                    if colour[other] < 0:
                        colour[other] = 1 - colour[unit]
                        reached.append(other)
                    elif colour[other] == colour[unit]:
                        return None
            front = reached
    return colour


def _greedy_colours(neighbours):
    colour = np.full(len(neighbours), -1)
    most_first = sorted(range(len(neighbours)), key=lambda u: -len(neighbours[u]))
    for unit in most_first:
        taken = {colour[other] for other in neighbours[unit]}
        colour[unit] = next(k for k in range(len(taken) + 1) if k not in taken)
    return colour
