"""Exact sums of clique models: log Z, means, draws, and rows with gaps."""

__all__ = ["CliqueSums", "Elimination", "marginal_table"]

from functools import cached_property
from typing import NamedTuple

import numpy as np

from skebm.energy.base import Energy
from skebm.energy.completions import MOST_SUMMED
from skebm.energy.elimination.tree import EliminationTree
from skebm.units.data import patterns, row_blocks

# Rows with gaps are summed in the tree of all units at once where that is so small;
# elsewhere in trees of what is missing, pattern by pattern.
_SMALL_TREE = 2**12


class Elimination:
    """Sums over all configurations of an energy by elimination.

    Parameters
    ----------
    tree : EliminationTree
        Of its cliques.
    energy : CliqueEnergy
        Whose parameters are taken in float64.
    """

    def __init__(self, tree, energy):
        self._tree = tree
        self._cliques = energy.cliques
        energy = energy.astype(np.float64)
        fields = energy.cliques.split_fields(energy.fields[np.newaxis])
        tables = energy.cliques.split(energy.tables)
        self._log_sum, self._laws = tree.collect(
            fields, [t[np.newaxis] for t in tables]
        )

    @property
    def log_partition(self):
        """Logarithm of the sum, in nats."""
        return float(self._log_sum[0])

    def draw(self, n_rows, noise):
        """Draw rows, boolean."""
        return self._cliques.units.encode(self._tree.draw(self._laws, n_rows, noise))

    def statistics(self):
        """List the probabilities of the levels of units, and of those of cliques."""
        return self._tree.statistics(self._laws, np.ones(1))


class _Open(NamedTuple):
    """What rows leave open, all of them the same units.

    Parameters
    ----------
    rows : ndarray of int
        Numbers of the rows.
    units : ndarray of int
        Units that are missing, or all of them.
    tree : EliminationTree
        Of these units.
    fields, tables : list of ndarray
        What the tree collects.
    constant : float or ndarray of shape (n_rows,)
        What is known of rows adds to the score, in nats.
    """

    rows: np.ndarray
    units: np.ndarray
    tree: EliminationTree
    fields: list
    tables: list
    constant: object = 0.0

    def collect(self):
        """Give the score of rows, and the laws of what they leave open."""
        log_sum, laws = self.tree.collect(self.fields, self.tables)
        return self.constant + log_sum, laws


class CliqueSums:
    """What clique models sum exactly, where elimination takes few enough terms."""

    @cached_property
    def elimination(self):
        """Sums over all configurations, or None where they have too many terms."""
        tree = self.cliques.tree
        return None if tree is None else Elimination(tree, self)

    @property
    def n_terms(self):
        """Number of terms of the sum over all configurations; infinite if too many."""
        tree = self.cliques.tree
        return np.inf if tree is None else tree.n_terms

    @property
    def most_terms(self):
        """Number of terms up to which sums are exact."""
        return self.cliques.most_terms

    def negative_phase(self):
        """Compute log Z and the statistics of the model, by elimination."""
        if self.elimination is None:
            return Energy.negative_phase(self)
        units, factors = self.elimination.statistics()
        return self.elimination.log_partition, self._joined_statistics(units, factors)

    def _joined_statistics(self, units, factors):
        tables = np.empty(len(self.tables))
        for place, factor in zip(self.cliques.slices, factors, strict=True):
            tables[place] = factor.ravel()
        return self.with_arrays([tables, np.concatenate(units)])

    # ---- rows of which some units are missing ----

    def is_summable(self, observed):
        """Say of which rows all that is missing can be summed over, (n_rows,)."""
        if self.cliques.tree is not None:
            return np.ones(len(observed), dtype=bool)
        result = np.empty(len(observed), dtype=bool)
        for known, rows in patterns(observed[:, self.cliques.starts]):
            result[rows] = self._reduced(known)[0] is not None
        return result

    def observed_score(self, rows, observed):
        """Compute the log of the sum of exp(-E) over all that rows leave open."""
        score = np.empty(len(rows))
        for part in self._open(rows, observed):
            score[part.rows] = part.collect()[0]
        return score

    def observed_phase(self, rows, observed, row_weights):
        """Do as `positive_phase` for rows of which some units are missing."""
        total, statistics, tree = 0.0, None, self.cliques.tree
        for part in self._evidence(rows, observed):
            score, laws = part.collect()
            weights = row_weights[part.rows]
            total += weights @ np.broadcast_to(score, weights.shape)
            own = self._joined_statistics(*tree.statistics(laws, weights))
            statistics = own if statistics is None else statistics + own
        return total, statistics

    def draw_missing(self, rows, observed, noise):
        """Draw what is missing of rows given what is observed, (n_rows, n_columns)."""
        result = rows.astype(np.float64)
        for part in self._open(rows, observed):
            levels = part.tree.draw(part.collect()[1], len(part.rows), noise)
            for own, unit in zip(levels.T, part.units.tolist(), strict=True):
                on = np.arange(self.cliques.n_levels[unit]) == own[:, np.newaxis]
                result[part.rows, self.cliques.columns(unit)] = on
        return np.where(observed, rows, result)

    def mean_missing(self, rows, observed):
        """Put for what is missing of rows its mean given what is observed."""
        result = rows.astype(np.float64)
        for part in self._open(rows, observed):
            means = part.tree.means(part.collect()[1])
            for own, unit in zip(means, part.units.tolist(), strict=True):
                result[part.rows, self.cliques.columns(unit)] = own
        return np.where(observed, rows, result)

    def _open(self, rows, observed):
        """Cut rows into parts that are summed at once."""
        tree = self.cliques.tree
        if tree is not None and tree.n_terms <= _SMALL_TREE:
            yield from self._evidence(rows, observed)
            return
        levels = self.cliques.levels(np.where(observed, rows, 0.0))
        for known, members in patterns(observed[:, self.cliques.starts]):
            tree, numbers = self._reduced(known)
            for block in row_blocks(
                len(members), tree.n_terms + self.cliques.n_entries
            ):
                chosen = members[block]
                yield self._given(levels[chosen], known, numbers, tree, chosen)

    def _evidence(self, rows, observed):
        """List rows with fields that leave units their known levels alone."""
        tree, cliques = self.cliques.tree, self.cliques
        tables = [table[np.newaxis] for table in cliques.split(self.tables)]
        for block in row_blocks(len(rows), tree.n_terms):
            impossible = observed[block] & (rows[block] < 0.5)
            fields = cliques.split_fields(np.where(impossible, -np.inf, self.fields))
            chosen = np.arange(block.start, block.stop)
            yield _Open(chosen, np.arange(len(fields)), tree, fields, tables)

    def _reduced(self, known):
        """Give a tree of the units that are not known, and which cliques have some."""
        cliques, place = self.cliques, np.cumsum(~known) - 1
        numbers = cliques.partly_known(known)
        scopes = [
            tuple(place[i] for i in cliques.scopes[number] if not known[i])
            for number in numbers
        ]
        n_levels = [cliques.n_levels[i] for i in np.flatnonzero(~known)]
        scopes = [scope for scope in scopes if len(scope) > 1]
        most_terms = max(cliques.most_terms, 2**MOST_SUMMED)
        return EliminationTree.of(n_levels, scopes, most_terms), numbers

    def _given(self, levels, known, numbers, tree, chosen):
        """Put what is known of rows into the tables of what is not."""
        cliques, units = self.cliques, np.flatnonzero(~known)
        own = self.fields[cliques.starts[known] + levels[:, known]]
        constant = own.sum(axis=1)
        for places in cliques.entries(levels, known):
            constant += self.tables[places].sum(axis=1)
        fields = {
            unit: self.fields[np.newaxis, cliques.columns(unit)]
            for unit in units.tolist()
        }
        tables, every = [], cliques.split(self.tables)
        for number in numbers:
            scope = cliques.scopes[number]
            held = [axis for axis, unit in enumerate(scope) if known[unit]]
            left = [axis for axis, unit in enumerate(scope) if not known[unit]]
            table = every[number].transpose(held + left)
            given = tuple(levels[:, scope[axis]] for axis in held)
            table = table[given] if held else table[np.newaxis]
            if len(left) > 1:
                tables.append(table)
            else:
                unit = scope[left[0]]
                fields[unit] = fields[unit] + table
        return _Open(chosen, units, tree, list(fields.values()), tables, constant)


def marginal_table(energy, scope):
    """Compute the probabilities of the levels of some units together.

    Parameters
    ----------
    energy : CliqueEnergy
        In float64.
    scope : tuple of int
        The units, all different.

    Returns
    -------
    table : ndarray or None
        With an axis for each of them. None if the sum has too many terms.
    """
    cliques = energy.cliques
    more = [scope] if len(scope) > 1 else []
    scopes = [*cliques.scopes, *more]
    tree = EliminationTree.of(cliques.n_levels, scopes, cliques.most_terms)
    if tree is None:
        return None
    fields = cliques.split_fields(energy.fields[np.newaxis])
    tables = [table[np.newaxis] for table in cliques.split(energy.tables)]
    tables += [np.zeros((1, *(cliques.n_levels[i] for i in own))) for own in more]
    units, factors = tree.statistics(tree.collect(fields, tables)[1], np.ones(1))
    return factors[-1] if more else units[scope[0]]
