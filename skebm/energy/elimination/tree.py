"""The tree of tables in which units are eliminated, and what is passed along it.

Every unit has a table of itself and of those that it is coupled with when its turn
comes. What is left of the table when the unit has been summed out, a message, goes to
the table of the first of the others. On the way back the tables become probabilities,
or draws [1]_.

References
----------
.. [1] Lauritzen, S. L. and Spiegelhalter, D. J. (1988). Local computations with
   probabilities on graphical structures and their application to expert systems.
   Journal of the Royal Statistical Society B 50(2), 157-224.
"""

__all__ = ["EliminationTree"]

from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from skebm.energy.completions import draw_of_law
from skebm.energy.elimination.order import elimination_order


@dataclass
class _Node:
    """The table of one unit.

    Parameters
    ----------
    scope : list of int
        The unit, and those beside it in the order in which they are eliminated.
    shape : tuple of int
        Their numbers of levels.
    parent : int or None
        Number of the node that its message goes to.
    dropped : tuple of int
        Axes of the table of the parent, rows of data being the first one, that its
        message has not.
    terms : list of (int, bool, int, tuple of int)
        What adds up to the table, beside the field of the unit: the first axis behind
        the unit that it has, whether it is the message of a node or a factor, the
        number of that, and its shape from the unit and this axis on.
    """

    scope: list
    shape: tuple
    parent: int | None = None
    dropped: tuple = ()
    terms: list = field(default_factory=list)


class EliminationTree:
    """A tree of tables for factors of some units each.

    Parameters
    ----------
    n_levels : sequence of int
        Number of levels of each unit.
    scopes : list of tuple of int
        Units of each factor, two or more, all of them different.
    eliminated : list of (int, set of int)
        As `elimination_order` gives it.

    Attributes
    ----------
    n_terms : int
        Entries of all tables together: the work and the memory that sums take.
    """

    def __init__(self, n_levels, scopes, eliminated):
        self.n_levels = n_levels
        self.order = [unit for unit, _ in eliminated]
        turn = dict(zip(self.order, range(len(self.order)), strict=True))
        self._turn = turn
        self.nodes = []
        for unit, beside in eliminated:
            scope = [unit, *sorted(beside, key=turn.get)]
            self.nodes.append(_Node(scope, tuple(n_levels[i] for i in scope)))
        self.n_terms = sum(int(np.prod(node.shape)) for node in self.nodes)
        for number, node in enumerate(self.nodes):
            if len(node.scope) > 1:
                node.parent = turn[node.scope[1]]
                parent = self.nodes[node.parent]
                node.dropped = tuple(
                    1 + axis
                    for axis, unit in enumerate(parent.scope)
                    if unit not in node.scope
                )
                self._add(node.scope[1:], True, number)
        # How axes of factors are turned into the order of elimination, and back.
        self._turned, self._back, self._shapes = [], [], []
        for number, scope in enumerate(scopes):
            places = np.argsort([turn[unit] for unit in scope])
            self._turned.append((0, *(1 + places)))
            self._back.append(np.argsort(places))
            self._shapes.append(tuple(n_levels[scope[place]] for place in places))
            self._add([scope[place] for place in places], False, number)
        for node in self.nodes:
            # Those of the last axes first: then tables grow as late as they can.
            node.terms.sort(key=lambda term: -term[0])

    @classmethod
    def of(cls, n_levels, scopes, most_terms):
        """Make the tree of factors, by minimum fill.

        Parameters
        ----------
        n_levels, scopes
            As of the class.
        most_terms : int
            Entries that all tables may have together.

        Returns
        -------
        tree : EliminationTree or None
            None where they have more.
        """
        neighbours = [set() for _ in n_levels]
        for scope in scopes:
            for first, second in combinations(scope, 2):
                neighbours[first].add(second)
                neighbours[second].add(first)
        eliminated = elimination_order(neighbours, n_levels, most_terms)
        return None if eliminated is None else cls(n_levels, scopes, eliminated)

    def _add(self, scope, is_message, number):
        """Let the node of the first unit of a scope add up a term."""
        node = self.nodes[self._turn[scope[0]]]
        axes = [node.scope.index(unit) for unit in scope]
        first = axes[1] if len(axes) > 1 else len(node.scope)
        shape = [node.shape[axes[0]]]
        shape += [
            node.shape[axis] if axis in axes else 1
            for axis in range(first, len(node.scope))
        ]
        node.terms.append((first, is_message, number, tuple(shape)))

    # ---- from the leaves to the roots ----

    def collect(self, fields, factors):
        """Sum over all configurations.

        Parameters
        ----------
        fields : list of ndarray of shape (n_rows or 1, n_levels)
            Of each unit what its levels weigh, in nats. Of levels that cannot be it is
            minus infinity, but not of all.
        factors : list of ndarray of shape (n_rows or 1, ...)
            What the levels of the units of each scope weigh together, in nats.

        Returns
        -------
        log_sum : ndarray of shape (n_rows or 1,)
            Logarithm of the sum, in nats.
        laws : list of ndarray
            Of each node the probabilities of the levels of its unit, the second axis,
            given those of the others.
        """
        log_sum, laws, messages = 0.0, [], []
        for node in self.nodes:
            table, first = fields[node.scope[0]], len(node.scope)
            for axis, is_message, number, shape in node.terms:
                term = (
                    messages[number]
                    if is_message
                    else self._turn_factor(factors[number], number)
                )
                table = table.reshape(
                    *table.shape[:2], *(1,) * (first - axis), *table.shape[2:]
                ) + term.reshape(len(term), *shape)
                first = axis
            highest = table.max(axis=1, keepdims=True)
            law = np.exp(table - highest)
            total = law.sum(axis=1, keepdims=True)
            law /= total
            laws.append(law)
            message = (np.log(total) + highest)[:, 0]
            messages.append(message)
            if node.parent is None:
                log_sum = log_sum + message
        return log_sum, laws

    def _turn_factor(self, factor, number):
        return factor.transpose(self._turned[number])

    # ---- from the roots to the leaves ----

    def marginals(self, laws):
        """List the probabilities of the configurations of each node's units."""
        result = [None] * len(laws)
        for number in reversed(range(len(laws))):
            node = self.nodes[number]
            result[number] = laws[number]
            if node.parent is not None:
                above = result[node.parent].sum(axis=node.dropped)
                result[number] = laws[number] * above[:, np.newaxis]
        return result

    def means(self, laws):
        """List the probabilities of the levels of each unit, a row for each row."""
        result = [None] * len(laws)
        for node, own in zip(self.nodes, self.marginals(laws), strict=True):
            result[node.scope[0]] = own.sum(axis=tuple(range(2, own.ndim)))
        return result

    def statistics(self, laws, row_weights):
        """Sum the probabilities of levels, and of what factors have, over rows.

        Parameters
        ----------
        laws : list of ndarray
            As `collect` gives them.
        row_weights : ndarray of shape (n_rows,)
            What each row counts.

        Returns
        -------
        of_units : list of ndarray of shape (n_levels,)
            For each unit.
        of_factors : list of ndarray
            For each factor, of its shape.
        """
        of_units, of_factors = [None] * len(laws), [None] * len(self._back)
        for node, own in zip(self.nodes, self.marginals(laws), strict=True):
            if len(own) == len(row_weights):
                table = np.tensordot(row_weights, own, 1)
            else:  # the same for all rows
                table = row_weights.sum() * own[0]
            # Axes are summed out when no term has them any more.
            first = 1
            for axis, is_message, number, shape in reversed(node.terms):
                table = table.sum(axis=tuple(range(1, 1 + axis - first)))
                first = axis
                if not is_message:
                    own_axes = [i for i, size in enumerate(shape) if size == 1]
                    marginal = table.sum(axis=tuple(own_axes), keepdims=True)
                    marginal = marginal.reshape(self._shapes[number])
                    of_factors[number] = marginal.transpose(self._back[number])
            of_units[node.scope[0]] = table.sum(axis=tuple(range(1, table.ndim)))
        return of_units, of_factors

    def draw(self, laws, n_rows, noise):
        """Draw configurations.

        Parameters
        ----------
        laws : list of ndarray
            As `collect` gives them, of as many rows or of one.
        n_rows : int
            How many.
        noise : UniformNoise
            Source of the draws.

        Returns
        -------
        levels : ndarray of int of shape (n_rows, n_units)
            Independent of each other.
        """
        levels = np.empty((n_rows, len(laws)), dtype=int)
        for node, law in zip(self.nodes[::-1], laws[::-1], strict=True):
            rows = np.arange(n_rows) if len(law) > 1 else np.zeros(n_rows, dtype=int)
            own = law[rows, :, *levels[:, node.scope[1:]].T]
            levels[:, node.scope[0]] = draw_of_law(own, noise)
        return levels
