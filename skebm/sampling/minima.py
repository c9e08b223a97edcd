"""Every local minimum of a free energy, by looking at all configurations."""

__all__ = ["Minima", "list_minima"]

from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from skebm.sampling.landscape import SAME_ENERGY
from skebm.units.data import row_blocks


class Minima(NamedTuple):
    """Local minima, which of them rows descend to, and whether all is certain."""

    rows: np.ndarray
    plateau_sizes: np.ndarray
    labels: np.ndarray
    n_unsettled: int = 0
    is_plateau_cut: bool = False


def list_minima(landscape, row):
    """List the local minima of all configurations, and where each descends to.

    From each, the change goes on that lowers the free energy most, the first of
    several. Configurations of equal energy that lead to each other by single changes
    are a plateau. It is one minimum if none of its configurations has a lower
    neighbour, and else is left by as few changes as possible.

    Parameters
    ----------
    landscape : Landscape
        With few configurations, and no real columns that move.
    row : ndarray of shape (n_visible,)
        The values of what is held.

    Returns
    -------
    minima : Minima
        With labels of all configurations, the last unit changing fastest.
    """
    sizes = landscape.n_levels
    energies = _energies(landscape, row)
    following = _steepest(energies, sizes)
    _leave_plateaus(energies, following, sizes)
    minima, plateau_sizes = _join_plateaus(energies, following, sizes)
    while True:
        further = following[following]
        if (further == following).all():
            break
        following = further
    labels = np.searchsorted(minima, following)
    return Minima(_rows(landscape, row, minima), plateau_sizes, labels)


def _rows(landscape, row, numbers):
    """Write out configurations by their numbers."""
    rows = np.tile(row, (len(numbers), 1))
    if landscape.n_levels:
        levels = np.unravel_index(numbers, landscape.n_levels)
        for columns, level in zip(landscape.free_units, levels, strict=True):
            is_binary = len(columns) == 1
            states = np.array([1]) if is_binary else np.arange(len(columns))
            rows[:, columns] = level[:, np.newaxis] == states
    return rows


def _energies(landscape, row):
    """Compute the free energies of all configurations, (n_configurations,)."""
    result = np.empty(int(np.prod(landscape.n_levels, dtype=np.int64)))
    for block in row_blocks(len(result), landscape.energy.n_units):
        rows = _rows(landscape, row, np.arange(block.start, block.stop))
        result[block] = landscape.free_energy(rows)
    return result


def _steepest(energies, sizes):
    """Give the number of the lowest neighbour of each, or its own if none is lower."""
    lowest, numbers = energies.copy(), np.arange(len(energies))
    following = numbers.copy()
    for size, stride in _axes(sizes):
        shape = (-1, size, stride)
        values = energies.reshape(shape)
        own = values.min(axis=1)
        level = (values <= own[:, np.newaxis] + SAME_ENERGY).argmax(axis=1)
        level, own = level[:, np.newaxis], own[:, np.newaxis]
        is_lower = own < lowest.reshape(shape) - SAME_ENERGY
        others = np.take_along_axis(numbers.reshape(shape), level, axis=1)
        np.copyto(following.reshape(shape), others, where=is_lower)
        np.copyto(lowest.reshape(shape), own, where=is_lower)
    return following


def _axes(sizes):
    """List the number of states of each unit, and how far apart their numbers are."""
    strides = np.cumprod((1, *sizes[:0:-1]), dtype=np.int64)[::-1]
    return list(zip(sizes, strides.tolist(), strict=False))


def _level_neighbours(energies, numbers, sizes):
    """List, unit by unit, neighbours of equal energy, and which numbers have them."""
    for size, stride in _axes(sizes):
        level = numbers // stride % size
        for other in range(size):
            neighbours = numbers + (other - level) * stride
            rise = energies[neighbours] - energies[numbers]
            yield neighbours, (np.abs(rise) <= SAME_ENERGY) & (level != other)


def _leave_plateaus(energies, following, sizes):
    """Have what has no lower neighbour follow equal ones that lead down; in place."""
    open_ = np.flatnonzero(following == np.arange(len(following)))
    is_open = np.zeros(len(following), dtype=bool)
    is_open[open_] = True
    while True:
        found = np.full(len(open_), -1)
        for neighbours, is_equal in _level_neighbours(energies, open_, sizes):
            leads = is_equal & ~is_open[neighbours] & (found < 0)
            found[leads] = neighbours[leads]
        left = found >= 0
        if not left.any():
            return
        following[open_[left]] = found[left]
        is_open[open_[left]] = False
        open_ = open_[~left]


def _join_plateaus(energies, following, sizes):
    """Have each plateau of minima follow its first member; in place.

    Returns
    -------
    minima : ndarray of shape (n_minima,)
        Numbers of these members, rising.
    plateau_sizes : ndarray of shape (n_minima,)
        How many each stands for.
    """
    flat = np.flatnonzero(following == np.arange(len(following)))
    places = np.full(len(following), -1, dtype=np.int32)
    places[flat] = np.arange(len(flat))
    first, second = [], []
    for neighbours, is_equal in _level_neighbours(energies, flat, sizes):
        joins = is_equal & (neighbours > flat)
        first.append(places[flat[joins]])
        second.append(places[neighbours[joins]])
    if not first:
        return flat, np.ones(len(flat), dtype=int)
    first, second = np.concatenate(first), np.concatenate(second)
    edges = np.ones(len(first), dtype=bool), (first, second)
    graph = sparse.coo_array(edges, shape=(len(flat), len(flat)))
    _, plateau = connected_components(graph, directed=False)
    _, members, plateau, counts = np.unique(
        plateau, return_index=True, return_inverse=True, return_counts=True
    )
    following[flat] = flat[members[plateau]]
    order = np.argsort(members)
    return flat[members[order]], counts[order]
