"""What chains of clique models draw at once, and in which fields."""

__all__ = ["Chains", "Colour", "DenseChains", "colours_of"]

from typing import NamedTuple

import numpy as np

from skebm.energy.colouring import colour_graph


class Colour(NamedTuple):
    """Units of as many levels, of which no two share a clique.

    Parameters
    ----------
    members : ndarray of int of shape (n_members,)
        The units.
    n_levels : int
        Number of levels of each.
    columns : ndarray of int of shape (n_members, n_levels)
        Their columns.
    others : ndarray of int of shape (n_terms,)
        Units beside which they are in pairs, those of the first member first.
    steps : ndarray of int of shape (n_terms,)
        0 where a term is the field of a member, which no other unit has a say in; else
        1.
    starts : ndarray of int of shape (n_terms,)
        First row of each term in `entries`, which has one for each level of the other.
    entries : ndarray of int of shape (n_rows, n_levels)
        Where parameters are among those of all tables and then fields.
    first : ndarray of int of shape (n_members,)
        First term of each member.
    """

    members: np.ndarray
    n_levels: int
    columns: np.ndarray
    others: np.ndarray
    steps: np.ndarray
    starts: np.ndarray
    entries: np.ndarray
    first: np.ndarray


def colours_of(cliques):
    """List sets of units that are independent given all others, as `Colour`.

    Parameters
    ----------
    cliques : CliqueTables
        Which share tables.
    """
    sizes = np.array(cliques.n_levels)
    pairs = [[] for _ in sizes]
    for number, scope in enumerate(cliques.scopes):
        if len(scope) == 2:
            for unit in scope:
                pairs[unit].append(number)
    return [
        _colour(cliques, members[sizes[members] == size], int(size), pairs)
        for members in colour_graph(cliques.adjacency)
        for size in np.unique(sizes[members])
    ]


def _colour(cliques, members, n_levels, pairs):
    columns = cliques.starts[members][:, np.newaxis] + np.arange(n_levels)
    others, steps, entries, first = [], [], [], []
    for unit, own in zip(members.tolist(), columns, strict=True):
        first.append(len(others))
        others.append(unit)
        steps.append(0)
        entries.append(cliques.n_entries + own[np.newaxis])
        for number in pairs[unit]:
            scope, place = cliques.scopes[number], cliques.slices[number]
            table = np.arange(place.start, place.stop).reshape(cliques.shapes[number])
            others.append(scope[1] if scope[0] == unit else scope[0])
            steps.append(1)
            entries.append(table.T if scope[0] == unit else table)
    starts = np.cumsum([0, *map(len, entries)])[:-1]
    lists = others, steps, starts, np.concatenate(entries), first
    return Colour(members, n_levels, columns, *map(np.asarray, lists))


class Chains:
    """Levels of chains, whose fields are sums over the few pairs of each unit.

    Parameters
    ----------
    energy : CliqueEnergy
        Of the chains.
    levels : ndarray of int of shape (n_rows, n_units)
        Changed in place.
    """

    def __init__(self, energy, levels):
        self._levels = levels
        self._parameters = np.concatenate([energy.tables, energy.fields])

    def field(self, colour):
        """Compute the fields of units of a colour, (n_rows, n_members, n_levels)."""
        rows = colour.starts + colour.steps * self._levels[:, colour.others]
        terms = self._parameters[colour.entries][rows]
        return np.add.reduceat(terms, colour.first, axis=1)

    def move(self, colour, drawn):
        """Put units of a colour into other levels, (n_rows, n_members)."""
        self._levels[:, colour.members] = drawn


class DenseChains(Chains):
    """The same where most units are in pairs: fields are products of matrices."""

    def __init__(self, energy, levels):
        super().__init__(energy, levels)
        self._energy = energy
        one_hot = energy.cliques.one_hot(levels, energy.dtype)
        self._state = np.ascontiguousarray(one_hot.toarray().T)

    def field(self, colour):
        """Compute the fields of units of a colour, (n_rows, n_members, n_levels)."""
        columns = colour.columns.ravel()
        field = (self._energy.couplings[columns] @ self._state).T
        field = field + self._energy.fields[columns]
        return field.reshape(len(field), *colour.columns.shape)

    def move(self, colour, drawn):
        """Put units of a colour into other levels, (n_rows, n_members)."""
        super().move(colour, drawn)
        for columns, own in zip(colour.columns, drawn.T, strict=True):
            self._state[columns] = np.arange(colour.n_levels)[:, np.newaxis] == own
