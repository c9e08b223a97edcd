"""Steepest descent from rows to local minima of a free energy."""

__all__ = ["descend", "find_minima", "find_more"]

import numpy as np

from skebm.sampling.landscape import SAME_ENERGY
from skebm.sampling.minima import Minima
from skebm.units.data import row_blocks

# Configurations that are looked at on plateaus, at most in one search.
_MOST_PLATEAU_ROWS = 2**16

# Real columns of one minimum are no further apart, in standard deviations of the noise:
# far above where steps end, and far below what anyone would call two.
_SAME_PLACE = 1e-3

# How far they are pushed to see whether they come back, in the same. From a saddle, at
# which steps end as well, they do not.
_PUSH = 1e-4

# Rounds in which more minima are looked for, at most, where each finds one.
_MOST_ROUNDS = 20

# Units that change, at most, where this starts near a minimum: a share, and a number.
_LARGEST_SHARE = 0.25
_MOST_CHANGES = 10


def find_minima(landscape, rows, rng):
    """Descend from each row to a local minimum; see `list_minima`.

    Parameters
    ----------
    landscape : Landscape
        Which changes there are.
    rows : ndarray of shape (n_rows, n_visible)
        Float64.
    rng : numpy.random.Generator
        Of the pushes by which saddles of real columns are left.

    Returns
    -------
    minima : Minima
        With a label for each row. `is_plateau_cut` says that there are plateaus of more
        configurations than can be looked at: what is known of each counts.
    """
    ends, n_unsettled = np.empty_like(rows), 0
    for block in row_blocks(len(rows), landscape.energy.n_units):
        ends[block], unsettled = descend(landscape, rows[block])
        n_unsettled += unsettled
    if landscape.moving.any():
        found, labels = _distinct_places(landscape, ends)
        pushed, real = found.copy(), landscape.energy.real_columns
        noise = landscape.energy.noise
        push = noise.states(_PUSH * rng.standard_normal(pushed[:, real].shape))
        pushed[:, real] += push * landscape.moving[real]
        pushed, unsettled = descend(landscape, pushed)
        found, again = _distinct_places(landscape, pushed)
        sizes = np.ones(len(found), dtype=int)
        return Minima(found, sizes, again[labels], n_unsettled + unsettled)
    found, labels = _distinct(ends)
    plateaus = _Plateaus(landscape)
    found, again = _distinct(plateaus.follow(found))
    sizes = plateaus.sizes_of(found)
    return Minima(found, sizes, again[labels], n_unsettled, plateaus.is_cut)


def descend(landscape, rows):
    """Change each row as long as that lowers its free energy, each time most.

    Of changes that lower it equally, the one of the first column is made. Real columns
    come to rest before each.

    Returns
    -------
    rows : ndarray of shape (n_rows, n_visible)
        No single change lowers their free energy.
    n_unsettled : int
        Number of rows whose real columns have not come to rest.
    """
    rows, n_unsettled, active = rows.copy(), 0, np.arange(len(rows))
    while len(active):
        part, unsettled = landscape.settle(rows[active])
        n_unsettled += unsettled
        rises = landscape.rises(part)
        lowest = rises.min(axis=1)
        falls = lowest < -SAME_ENERGY
        column = (rises <= lowest[:, np.newaxis] + SAME_ENERGY).argmax(axis=1)
        part[falls] = landscape.units.switched(part[falls], column[falls])
        rows[active] = part
        active = active[falls]
    return rows, n_unsettled


def find_more(landscape, found, n_rows, rng):
    """Look for more minima near those that are found, until there are no new ones.

    What is near a minimum may descend to another that few rows at random come to. Where
    there are as many minima as rows that look for them, no list would be complete.

    Parameters
    ----------
    landscape : Landscape
        As of `find_minima`.
    found : Minima
        Of `find_minima`.
    n_rows : int
        Number of rows to descend from in a round: each a minimum, of which a few units
        drawn at random have changed.
    rng : numpy.random.Generator
        Of these.
    """
    if not landscape.free_units:
        return found
    for _ in range(_MOST_ROUNDS):
        n_before = len(found.rows)
        if n_before >= n_rows:
            break
        chosen = rng.integers(n_before, size=n_rows)
        starts = np.vstack([found.rows, _kicked(landscape, found.rows[chosen], rng)])
        more = find_minima(landscape, starts, rng)
        found = Minima(
            more.rows,
            more.plateau_sizes,
            more.labels[found.labels],
            found.n_unsettled + more.n_unsettled,
            found.is_plateau_cut or more.is_plateau_cut,
        )
        if len(found.rows) == n_before:
            break
    return found


def _kicked(landscape, rows, rng):
    """Change a few units of each row, two at least if there are so many."""
    units, n_levels = landscape.free_units, np.array(landscape.n_levels)
    most = max(2, min(_MOST_CHANGES, round(_LARGEST_SHARE * len(units))))
    n_changes = rng.integers(2, most + 1, size=(len(rows), 1))
    # The units of the lowest variates.
    changes = rng.random((len(rows), len(units))).argsort(axis=1).argsort(axis=1)
    changes = changes < n_changes
    level = rng.integers(n_levels, size=changes.shape)
    rows = rows.copy()
    for columns, chosen, own in zip(units, changes.T, level.T, strict=True):
        is_binary = len(columns) == 1
        states = 1 - rows[:, columns] if is_binary else np.eye(len(columns))[own]
        rows[:, columns] = np.where(chosen[:, np.newaxis], states, rows[:, columns])
    return rows


class _Plateaus:
    """Configurations of equal energy that lead to each other by single changes.

    Parameters
    ----------
    landscape : Landscape
        Without real columns that move.
    """

    def __init__(self, landscape):
        self.landscape = landscape
        self.is_cut = False
        self._first = {}  # member of a minimum's plateau: first member
        self._sizes = {}  # first member: number of members
        self._n_left = _MOST_PLATEAU_ROWS

    def follow(self, rows):
        """Give for each row, which has no lower neighbour, the minimum it leads to."""
        rows = rows.copy()
        rises = self.landscape.rises(rows)
        for number in np.flatnonzero((rises <= SAME_ENERGY).any(axis=1)):
            rows[number] = self._bottom(rows[number])
        return rows

    def sizes_of(self, minima):
        """Give the number of members of plateaus, by their first members."""
        return np.array([self._sizes.get(_key(row), 1) for row in minima])

    def _bottom(self, row):
        while True:
            members, leaving, first = self._explore(row)
            if leaving is None:
                return self._remember(members, first)
            (row,), _ = descend(self.landscape, leaving[np.newaxis])

    def _explore(self, row):
        """Look at members of a plateau, near ones first.

        Returns
        -------
        members : list of ndarray
            All of them, if it is a minimum and has not been met before.
        leaving : ndarray or None
            The first member that has a lower neighbour.
        first : bytes or None
            The first member of the plateau, if it has been met before.
        """
        units, front, members, seen = self.landscape.units, [row], [], set()
        while front:
            known = [self._first[key] for key in map(_key, front) if key in self._first]
            if known:
                return members, None, known[0]
            members += front
            self._n_left -= len(front)
            if self._n_left < 0:
                self.is_cut = True
                break
            front = np.array(front)
            seen |= set(map(_key, front))
            rises = self.landscape.rises(front)
            lower = (rises < -SAME_ENERGY).any(axis=1)
            if lower.any():
                return members, front[lower.argmax()], None
            parents, columns = np.nonzero(np.abs(rises) <= SAME_ENERGY)
            others = {_key(x): x for x in units.switched(front[parents], columns)}
            front = [other for key, other in others.items() if key not in seen]
        return members, None, None

    def _remember(self, members, first):
        """Note of which minimum rows are members; give the first one of these."""
        if first is None:
            order = np.lexsort(self.landscape.order(np.array(members)).T[::-1])
            first = _key(members[order[0]])
        for member in members:
            self._first[_key(member)] = first
        self._sizes[first] = self._sizes.get(first, 0) + len(members)
        return np.frombuffer(first)


def _key(row):
    return row.tobytes()


def _distinct(rows):
    """Give the distinct ones of rows, and which of them each is."""
    distinct, labels = np.unique(rows, axis=0, return_inverse=True)
    return distinct, labels.ravel()


def _distinct_places(landscape, rows):
    """Do the same for real columns, of which rows that end in one place differ."""
    energy = landscape.energy
    real, units = energy.real_columns, np.ones(rows.shape[1], dtype=bool)
    units[real] = False
    white, states = energy.noise.statistics(rows[:, real]), rows[:, units]
    found, labels = [], np.empty(len(rows), dtype=int)
    for number, row in enumerate(white):
        same = np.abs(white[found] - row).max(axis=1) <= _SAME_PLACE
        same &= (states[found] == states[number]).all(axis=1)
        if not same.any():
            labels[number] = len(found)
            found.append(number)
        else:
            labels[number] = same.argmax()
    return rows[found], labels
