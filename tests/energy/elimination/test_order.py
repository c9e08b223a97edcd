from itertools import combinations

import numpy as np
import pytest

from skebm.energy.elimination.order import elimination_order


def graph(n_units, edges):
    neighbours = [set() for _ in range(n_units)]
    for first, second in edges:
        neighbours[first].add(second)
        neighbours[second].add(first)
    return neighbours


def fill_of(neighbours, unit):
    return sum(
        second not in neighbours[first]
        for first, second in combinations(sorted(neighbours[unit]), 2)
    )


@pytest.mark.parametrize("seed", range(20))
def test_each_unit_adds_as_few_edges_as_any(seed):
    rng = np.random.default_rng(seed)
    pairs = [pair for pair in combinations(range(9), 2) if rng.random() < 0.35]
    n_levels, left = rng.integers(1, 4, 9).tolist(), graph(9, pairs)
    order = elimination_order(graph(9, pairs), n_levels, 10**9)
    remaining = set(range(9))
    for unit, beside in order:
        assert beside == left[unit]
        sizes = {
            other: np.prod([n_levels[i] for i in left[other] | {other}])
            for other in remaining
        }
        best = min((fill_of(left, other), sizes[other]) for other in remaining)
        assert (fill_of(left, unit), sizes[unit]) == best
        for first, second in combinations(beside, 2):
            left[first].add(second)
            left[second].add(first)
        for other in beside:
            left[other].discard(unit)
        remaining.remove(unit)
    assert not remaining


def test_trees_add_no_edge():
    rng = np.random.default_rng(0)
    edges = [(int(rng.integers(0, i)), i) for i in range(1, 300)]
    order = elimination_order(graph(300, edges), [2] * 300, 10**9)
    assert all(len(beside) <= 1 for _, beside in order)


@pytest.mark.parametrize("n_units", [1, 3, 5])
def test_the_bound_is_on_the_entries_of_all_tables(n_units):
    edges = list(combinations(range(n_units), 2))
    n_terms = 2 ** (n_units + 1) - 2
    complete = [2] * n_units
    assert elimination_order(graph(n_units, edges), complete, n_terms) is not None
    assert elimination_order(graph(n_units, edges), complete, n_terms - 1) is None


def test_nothing_takes_no_terms():
    assert elimination_order([], [], 0) == []
