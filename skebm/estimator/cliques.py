"""Which columns users say belong together: lists of cliques, or graphs."""

__all__ = [
    "column_of",
    "maximal_cliques",
    "read_cliques",
    "read_levels",
    "read_potentials",
]

import math
from itertools import combinations
from numbers import Integral

import numpy as np
from scipy import sparse

from skebm.estimator.parameter_checks import check_adjacency

# A graph can have exponentially many cliques.
_MOST_CLIQUES = 1_000_000

# Entries of all tables together: half a gigabyte for each copy of them.
_MOST_ENTRIES = 2**26


def read_cliques(cliques, n_levels, names):
    """Give the columns of each clique of two and more, by numbers.

    Parameters
    ----------
    cliques : "pairwise", list of tuple, sparse matrix, or graph of networkx
        What the user passed.
    n_levels : sequence of int
        Number of levels of each column.
    names : ndarray of str or None
        Names of the columns, if they have any.

    Returns
    -------
    scopes : tuple of tuple of int
        Without cliques of one column.

    Raises
    ------
    ValueError
        If a column does not exist, or is twice in a clique; if a clique is there
        twice; or if the tables would be too large.
    """
    n_columns = len(n_levels)
    if isinstance(cliques, str):  # "pairwise"
        scopes = list(combinations(range(n_columns), 2))
    elif sparse.issparse(cliques):
        graph = check_adjacency(cliques, "cliques", n_columns)
        ends = zip(graph.indptr, graph.indptr[1:], strict=False)
        neighbours = [set(graph.indices[a:b].tolist()) for a, b in ends]
        scopes = maximal_cliques(neighbours)
    elif hasattr(cliques, "adj") and hasattr(cliques, "edges"):
        neighbours = [set() for _ in range(n_columns)]
        for node in cliques.nodes:
            column_of(node, n_columns, names)
        for edge in cliques.edges:
            first, second = (column_of(node, n_columns, names) for node in edge[:2])
            if first != second:
                neighbours[first].add(second)
                neighbours[second].add(first)
        scopes = maximal_cliques(neighbours)
    else:
        _refuse_dense_graph(cliques, n_columns)
        scopes = [_scope(clique, n_columns, names) for clique in cliques]
    scopes = [scope for scope in scopes if len(scope) > 1]
    _refuse_twice(scopes)
    _refuse_large(scopes, n_levels)
    return tuple(scopes)


def read_potentials(potentials):
    """Validate tables of potentials.

    Parameters
    ----------
    potentials : dict of tuple to array-like
        What the user passed.

    Returns
    -------
    tables : list of ndarray
        In float64, copies.
    scopes : list of tuple of int
        Numbers of their columns.
    n_levels : list of int
        Of all columns.
    names : list of str or None
        Of all columns, if they are named.

    Raises
    ------
    ValueError
        If they are no such tables, or do not fit each other.
    """
    if not hasattr(potentials, "items") or len(potentials) == 0:
        raise ValueError(
            "potentials must be a dict of at least one table by its columns, such as "
            "{('a', 'd'): [[4.0, 0.23], [5.0, 9.45]]}."
        )
    keys = [key if isinstance(key, tuple) else (key,) for key in potentials]
    columns = list(dict.fromkeys(column for key in keys for column in key))
    named = [isinstance(column, str) for column in columns]
    if any(named) and not all(named):
        raise ValueError("potentials has columns by name and by number. Take one.")
    names = columns if any(named) else None
    numbers = set(range(len(columns)))
    if names is None and not (
        all(map(_is_number, columns)) and set(columns) == numbers
    ):
        raise ValueError(
            f"potentials has the columns {columns}, which must be names, or numbers "
            "from 0 on without gaps."
        )
    scopes = [_scope(key, len(columns), names) for key in keys]
    _refuse_twice(scopes)
    sizes, tables = {}, []
    for key, scope, values in zip(keys, scopes, potentials.values(), strict=True):
        try:
            table = np.array(values, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"The potential of {key} is no table of numbers: {error}"
            ) from error
        if table.ndim != len(scope) or 0 in table.shape:
            raise ValueError(
                f"The potential of {key} has shape {table.shape}, where it needs an "
                "axis of at least one level for each of its columns."
            )
        if not (np.isfinite(table).all() and (table > 0).all()):
            raise ValueError(
                f"The potential of {key} has values that are not positive and finite. "
                "Write a very small one, such as 1e-100, for what is to be impossible."
            )
        for column, axis_size in zip(scope, table.shape, strict=True):
            if sizes.setdefault(column, axis_size) != axis_size:
                raise ValueError(
                    f"The potential of {key} has {axis_size} levels of the column "
                    f"{columns[column] if names else column!r}, another has "
                    f"{sizes[column]}."
                )
        tables.append(table)
    n_levels = [sizes[column] for column in range(len(columns))]
    _refuse_large([scope for scope in scopes if len(scope) > 1], n_levels)
    return tables, scopes, n_levels, names


def read_levels(categories, n_levels, names):
    """List the levels of each column, 0, 1, ... where nothing is said of them.

    Raises
    ------
    ValueError
        If a column does not exist, or has another number of levels, or one twice.
    """
    levels = [list(range(n)) for n in n_levels]
    for column, given in (categories or {}).items():
        number = column_of(column, len(n_levels), names, "categories")
        own = list(given)
        if len(own) != n_levels[number] or len(set(own)) < len(own):
            raise ValueError(
                f"categories has {own} for the column {column!r}, which needs "
                f"{n_levels[number]} different levels, as its potentials have."
            )
        levels[number] = own
    return levels


def _is_number(column):
    return isinstance(column, Integral) and not isinstance(column, bool)


def column_of(column, n_columns, names, argument="cliques"):
    """Give the number of a column that an argument has by number or name."""
    known = [] if names is None else list(names)
    if isinstance(column, str):
        if column not in known:
            raise ValueError(
                f"{argument} has {column!r}, which is no column of X: these are "
                f"{known or 'without names'}."
            )
        return known.index(column)
    if not _is_number(column):
        raise ValueError(
            f"{argument} has {column!r}, which is neither the name nor the number of a "
            "column. Pass tuples of these, such as ('age', 'smokes')."
        )
    if not -n_columns <= column < n_columns:
        raise ValueError(
            f"{argument} has the column {column}, but X {n_columns} columns, of which "
            "the first is 0."
        )
    return int(column) % n_columns


def maximal_cliques(neighbours):
    """List the maximal cliques of a graph, each rising, in order.

    By the algorithm of Bron and Kerbosch with pivots [1]_.

    Parameters
    ----------
    neighbours : list of set of int
        Of each node.

    References
    ----------
    .. [1] Tomita, E., Tanaka, A. and Takahashi, H. (2006). The worst-case time
       complexity for generating all maximal cliques and computational experiments.
       Theoretical Computer Science 363, 28-42. :doi:`10.1016/j.tcs.2006.06.015`
    """
    result, left = [], [((), set(range(len(neighbours))), set())]
    while left:
        clique, possible, done = left.pop()
        if not possible and not done:
            result.append(tuple(sorted(clique)))
            if len(result) > _MOST_CLIQUES:
                raise ValueError(
                    f"The graph has more than {_MOST_CLIQUES} maximal cliques. Pass "
                    "cliques as a list of tuples."
                )
            continue
        if not possible:
            continue
        pivot = max(possible | done, key=lambda node: len(neighbours[node] & possible))
        for node in possible - neighbours[pivot]:
            beside = neighbours[node]
            left.append(((*clique, node), possible & beside, done & beside))
            possible = possible - {node}
            done = done | {node}
    return sorted(result)


def _scope(clique, n_columns, names):
    if isinstance(clique, (str, Integral)):
        clique = (clique,)
    scope = tuple(column_of(column, n_columns, names) for column in clique)
    if len(set(scope)) < len(scope):
        raise ValueError(f"The clique {clique} has a column twice.")
    return scope


def _refuse_dense_graph(cliques, n_columns):
    """Refuse a matrix of zeros and ones, which is meant for a graph."""
    if not isinstance(cliques, np.ndarray) or cliques.shape != 2 * (n_columns,):
        return
    if n_columns > 1 and np.isin(cliques, [0, 1]).all():
        raise ValueError(
            "cliques is an array with a clique in each row, and this looks like the "
            "adjacency of a graph. Pass scipy.sparse.csr_array(cliques) to mean that."
        )


def _refuse_twice(scopes):
    found = set()
    for scope in scopes:
        key = frozenset(scope)
        if key in found:
            raise ValueError(
                f"The columns {tuple(sorted(scope))} are a clique twice. Leave one out."
            )
        found.add(key)


def _refuse_large(scopes, n_levels):
    n_entries = sum(math.prod(n_levels[i] for i in scope) for scope in scopes)
    if n_entries > _MOST_ENTRIES:
        most = max(range(len(n_levels)), key=lambda i: n_levels[i])
        raise ValueError(
            f"The tables of the cliques have {n_entries} entries together, above "
            f"{_MOST_ENTRIES}: column {most} has {n_levels[most]} levels. Every "
            "distinct value is a level: cut numbers into bins, by "
            "sklearn.preprocessing.KBinsDiscretizer for instance, put rare levels "
            "together, or pass fewer or smaller cliques."
        )
