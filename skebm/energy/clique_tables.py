"""Which columns have tables together, where entries lie, and how they are summed."""

__all__ = ["CliqueTables"]

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy import sparse

from skebm.energy.clique_chains import colours_of
from skebm.energy.elimination.tree import EliminationTree
from skebm.units.base import Frozen
from skebm.units.categorical import CategoricalUnits

# Couplings of pairs are kept as a dense matrix where more of it than this is there:
# products of dense matrices are so much quicker.
_LARGEST_DENSITY = 0.1


class _Alike(NamedTuple):
    """Cliques of as many units: numbers, units, steps in tables, where these begin."""

    numbers: np.ndarray
    members: np.ndarray
    strides: np.ndarray
    starts: np.ndarray


class _Pairs(NamedTuple):
    """Entries of tables of two units: their places, and columns of the two levels."""

    places: np.ndarray
    first: np.ndarray
    second: np.ndarray


@dataclass(frozen=True, eq=False)
class CliqueTables(Frozen):
    """Tables of the levels of some units each, all in one vector.

    Parameters
    ----------
    n_levels : tuple of int
        Number of levels of each unit.
    scopes : tuple of tuple of int
        Units of each clique, two or more, in the order of the axes of its table.
    most_terms : int
        Entries that tables of an elimination may have together.
    """

    n_levels: tuple
    scopes: tuple
    most_terms: int

    @cached_property
    def units(self):
        """The units, as a layer."""
        return CategoricalUnits(self.n_levels)

    @cached_property
    def starts(self):
        """First column of each unit."""
        return np.cumsum((0, *self.n_levels))[:-1]

    @cached_property
    def shapes(self):
        """Shape of each table."""
        return [tuple(self.n_levels[i] for i in scope) for scope in self.scopes]

    @cached_property
    def slices(self):
        """Where the entries of each table are."""
        ends = np.cumsum([0, *map(math.prod, self.shapes)]).tolist()
        return [slice(*ends[i : i + 2]) for i in range(len(self.scopes))]

    @property
    def n_entries(self):
        """Number of entries of all tables."""
        return self.slices[-1].stop if self.slices else 0

    def columns(self, unit):
        """Give the columns of a unit, a slice."""
        start = self.starts[unit]
        return slice(start, start + self.n_levels[unit])

    def split(self, tables):
        """List tables of a vector of all their entries, views of it."""
        parts = zip(self.slices, self.shapes, strict=True)
        return [tables[place].reshape(shape) for place, shape in parts]

    def split_fields(self, fields):
        """List the fields of each unit, the last axis of an array cut, views of it."""
        return [fields[..., self.columns(i)] for i in range(len(self.n_levels))]

    # ---- rows ----

    def levels(self, rows):
        """Give the number of the level of each unit that is on, (n_rows, n_units).

        Of units of which none is, as where values are missing, it is the first.
        """
        n_units = len(self.n_levels)
        if len(self.starts) and rows.flags.c_contiguous:
            on = np.flatnonzero(rows)
            if len(on) == len(rows) * n_units:
                levels = (on % rows.shape[1]).reshape(len(rows), n_units) - self.starts
                if (levels >= 0).all() and (levels < self.n_levels).all():
                    return levels
        return self.units.decode(rows)

    def one_hot(self, levels, dtype=np.float64):
        """Give rows as a sparse array in CSR format."""
        n_rows, n_units = levels.shape
        return sparse.csr_array(
            (
                np.ones(levels.size, dtype),
                (self.starts + levels).ravel(),
                np.arange(0, levels.size + 1, max(1, n_units)),
            ),
            shape=(n_rows, self.units.n_columns),
        )

    @cached_property
    def alike(self):
        """List cliques by how many units they have."""
        sizes = np.array([len(scope) for scope in self.scopes], dtype=int)
        starts = np.array([place.start for place in self.slices], dtype=int)
        result = []
        for size in np.unique(sizes):
            chosen = np.flatnonzero(sizes == size)
            strides = [
                np.cumprod((1, *self.shapes[i][:0:-1]))[::-1] for i in chosen.tolist()
            ]
            members = np.array([self.scopes[i] for i in chosen.tolist()])
            result.append(_Alike(chosen, members, np.array(strides), starts[chosen]))
        return result

    def entries(self, levels, known=None):
        """List where the entries of rows are, arrays of (n_rows, n_cliques).

        With a mask of units, only those of cliques all of whose units are in it.
        """
        for alike in self.alike:
            own = slice(None)
            if known is not None:
                own = known[alike.members].all(axis=1)
            places = np.tile(alike.starts[own], (len(levels), 1))
            steps = zip(alike.members[own].T, alike.strides[own].T, strict=True)
            for unit, stride in steps:
                places += levels[:, unit] * stride
            yield places

    # ---- pairs, and cliques of more units ----

    @cached_property
    def pairs(self):
        """Entries of the tables of two units."""
        places, first, second = [np.empty(0, int)], [np.empty(0, int)], []
        second.append(first[0])
        for scope, shape, place in zip(
            self.scopes, self.shapes, self.slices, strict=True
        ):
            if len(scope) == 2:
                levels = np.indices(shape).reshape(2, -1)
                places.append(np.arange(place.start, place.stop))
                first.append(self.starts[scope[0]] + levels[0])
                second.append(self.starts[scope[1]] + levels[1])
        return _Pairs(*map(np.concatenate, (places, first, second)))

    @cached_property
    def is_dense(self):
        """Whether couplings of pairs are best kept as a dense matrix."""
        n_columns = self.units.n_columns
        return 2 * len(self.pairs.places) > _LARGEST_DENSITY * n_columns**2

    @cached_property
    def _pattern(self):
        """The matrix of pairs in CSR format: places of entries, indices, and ends."""
        places, first, second = self.pairs
        rows, columns = np.append(first, second), np.append(second, first)
        order = np.lexsort((columns, rows))
        ends = np.searchsorted(rows[order], np.arange(self.units.n_columns + 1))
        return np.tile(places, 2)[order], columns[order], ends

    def couplings(self, tables):
        """Give the symmetric matrix of tables of pairs, in CSR format."""
        places, indices, ends = self._pattern
        n_columns = self.units.n_columns
        return sparse.csr_array(
            (tables[places], indices, ends), shape=(n_columns, n_columns)
        )

    @cached_property
    def higher(self):
        """List, for each unit, cliques of three and more units, and its axis there."""
        result = [[] for _ in self.n_levels]
        for number, scope in enumerate(self.scopes):
            if len(scope) > 2:
                for axis, unit in enumerate(scope):
                    result[unit].append((number, axis))
        return result

    def others(self, number, axis, levels):
        """Give the levels of all units of a clique but one, as indices of its table."""
        scope = self.scopes[number]
        return tuple(levels[:, i] for place, i in enumerate(scope) if place != axis)

    # ---- the graph ----

    @cached_property
    def adjacency(self):
        """Which units share a clique, a boolean array in CSR format."""
        pairs = {pair for scope in self.scopes for pair in combinations(scope, 2)}
        n_units = len(self.n_levels)
        first, second = np.array(sorted(pairs), dtype=int).reshape(-1, 2).T
        ones = np.ones(2 * len(first), dtype=bool)
        ends = np.append(first, second), np.append(second, first)
        return sparse.csr_array((ones, ends), shape=(n_units, n_units))

    @cached_property
    def colours(self):
        """List sets of units that are independent given all others."""
        return colours_of(self)

    def partly_known(self, known):
        """List the numbers of cliques of which some unit is not in a mask, rising."""
        numbers = [
            alike.numbers[~known[alike.members].all(axis=1)] for alike in self.alike
        ]
        return np.sort(np.concatenate([[], *numbers])).astype(int).tolist()

    @cached_property
    def tree(self):
        """The tree in which all units are eliminated, None if it has too many terms."""
        return EliminationTree.of(self.n_levels, self.scopes, self.most_terms)
