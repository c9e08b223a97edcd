"""In which order units are best eliminated: those first that add fewest edges."""

__all__ = ["elimination_order"]

import heapq
import math


def elimination_order(neighbours, n_levels, most_terms):
    """Order units by minimum fill, and say what each is summed out beside.

    Eliminating a unit couples all its neighbours with each other. The next one is the
    unit that adds fewest edges by that, and of those the one of the smallest table
    [1]_: on trees and other chordal graphs no edge is ever added.

    Parameters
    ----------
    neighbours : list of set of int
        Of each unit; used up.
    n_levels : sequence of int
        Number of levels of each unit.
    most_terms : int
        Entries that the tables of all units may have together.

    Returns
    -------
    eliminated : list of (int, set of int) or None
        The units in their order, each with its neighbours when it is eliminated. None
        where tables have more entries.

    References
    ----------
    .. [1] Koller, D. and Friedman, N. (2009). Probabilistic graphical models. MIT
       Press, section 9.4.3.

    Examples
    --------
    >>> from skebm.energy.elimination.order import elimination_order
    >>> path = [{1}, {0, 2}, {1}]
    >>> elimination_order(path, [2, 2, 2], 100)
    [(0, {1}), (1, {2}), (2, set())]
    """

    def table_size(unit):
        return math.prod(n_levels[other] for other in neighbours[unit]) * n_levels[unit]

    # Whatever is eliminated first has a table of its own.
    sizes = map(table_size, range(len(neighbours)))
    if min(sizes, default=0) > most_terms:
        return None
    fill = [_missing_edges(neighbours, unit) for unit in range(len(neighbours))]
    heap = [(fill[unit], table_size(unit), unit) for unit in range(len(neighbours))]
    heapq.heapify(heap)
    eliminated, n_terms, done = [], 0, set()
    while heap:
        key = heapq.heappop(heap)
        unit = key[2]
        if unit in done or key[:2] != (fill[unit], table_size(unit)):
            continue  # what has changed since is there again
        n_terms += key[1]
        if n_terms > most_terms:
            return None
        done.add(unit)
        beside = neighbours[unit]
        eliminated.append((unit, beside))
        for other in _eliminate(neighbours, fill, unit):
            heapq.heappush(heap, (fill[other], table_size(other), other))
    return eliminated


def _missing_edges(neighbours, unit):
    """Count the pairs of neighbours of a unit that have no edge."""
    own = neighbours[unit]
    return sum(len(own) - 1 - len(own & neighbours[other]) for other in own) // 2


def _eliminate(neighbours, fill, unit):
    """Take a unit off and couple its neighbours; give units whose fill has changed."""
    beside, changed = neighbours[unit], set(neighbours[unit])
    for other in beside:
        # Pairs of the unit and a neighbour of the other, which are none any more.
        fill[other] -= len(neighbours[other] - beside) - 1
        neighbours[other].discard(unit)
    ordered = sorted(beside)
    for place, first in enumerate(ordered):
        for second in ordered[place + 1 :]:
            if second in neighbours[first]:
                continue
            both = neighbours[first] & neighbours[second]
            fill[first] += len(neighbours[first]) - len(both)
            fill[second] += len(neighbours[second]) - len(both)
            for other in both:
                fill[other] -= 1
            neighbours[first].add(second)
            neighbours[second].add(first)
            changed |= both
    return changed
