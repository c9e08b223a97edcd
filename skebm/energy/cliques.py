"""Undirected models of categorical columns: a table of potentials for each clique."""

__all__ = ["CliqueEnergy"]

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np

from skebm.energy.base import Energy
from skebm.energy.clique_chains import Chains, DenseChains
from skebm.energy.clique_sums import CliqueSums
from skebm.energy.clique_tables import CliqueTables
from skebm.units.categorical import draw_levels, log_sum_of_levels

# Rows at a time, of which products along the edges of a sparse graph are summed.
_ROWS_OF_PRODUCTS = 256

# Of statistics, where parameters are scaled by their deviations: of levels that hardly
# ever occur together little is learned.
_LEAST_VARIANCE = 1e-2


@dataclass(frozen=True, eq=False)
class CliqueEnergy(CliqueSums, Energy):
    """E(x) = -(sum over units of f_i(x_i)) - (sum over cliques C of t_C(x_C)).

    f and t are logarithms of potentials. Rows are one-hot: units of which all levels
    are off count as in their first level.

    Parameters
    ----------
    tables : ndarray of shape (n_entries,)
        The t of all cliques of two units and more.
    fields : ndarray of shape (n_columns,)
        The f of all units.
    cliques : CliqueTables
        Which cliques there are.
    """

    tables: np.ndarray
    fields: np.ndarray
    cliques: CliqueTables

    parameters = ("tables", "fields")

    @property
    def units(self):
        """Units of the rows that chains move: categorical ones."""
        return self.cliques.units

    def deviations(self):
        """Give the deviations of statistics where units are independent, in fields."""
        mean = self.units.mean(self.fields[np.newaxis].copy())[0]
        parts = self.cliques.split_fields(mean)
        tables = np.empty_like(self.tables)
        for scope, place in zip(self.cliques.scopes, self.cliques.slices, strict=True):
            product = np.ones(1)
            for unit in scope:
                product = np.outer(product, parts[unit]).ravel()
            tables[place] = product
        return self.with_arrays(
            [np.sqrt(np.maximum(p * (1 - p), _LEAST_VARIANCE)) for p in (tables, mean)]
        )

    # ---- energies and conditionals ----

    def score(self, context, beta=1.0):
        """Compute -beta E of each row, in nats."""
        levels = self.cliques.levels(context)
        score = self.fields[self.cliques.starts + levels].sum(axis=1)
        for places in self.cliques.entries(levels):
            score += self.tables[places].sum(axis=1)
        return score * np.asarray(beta, self.dtype)

    def log_ratio(self, context, beta, other):
        """Compute by how much -E favours rows more at another inverse temperature."""
        return self.score(context) * np.subtract(other, beta, dtype=np.float64)

    @cached_property
    def couplings(self):
        """The matrix of what pairs of levels weigh: dense, or sparse where few do."""
        matrix = self.cliques.couplings(self.tables)
        return matrix.toarray() if self.cliques.is_dense else matrix

    @cached_property
    def _split(self):
        return self.cliques.split(self.tables)

    def field(self, levels):
        """Compute the log-odds of levels given the other units, (n_rows, n_columns).

        Parameters
        ----------
        levels : ndarray of int of shape (n_rows, n_units)
            As `CliqueTables.levels` gives them.
        """
        field = self.cliques.one_hot(levels, self.dtype) @ self.couplings
        field = field if self.cliques.is_dense else field.toarray()
        field += self.fields
        for unit, own in enumerate(self.cliques.higher):
            if own:
                field[:, self.cliques.columns(unit)] += self._higher(unit, levels)
        return field

    def _higher(self, unit, levels):
        """Compute what cliques of three units and more add to the field of one."""
        return sum(
            np.moveaxis(self._split[number], axis, -1)[
                self.cliques.others(number, axis, levels)
            ]
            for number, axis in self.cliques.higher[unit]
        )

    def rises(self, rows):
        """Compute by how much E rises where one unit changes; see `Energy`."""
        levels = self.cliques.levels(rows)
        field = self.field(levels)
        own = np.take_along_axis(field, self.cliques.starts + levels, axis=1)
        result = np.repeat(own, self.cliques.n_levels, axis=1) - field
        result[:, self.units.switches < 0] = np.inf  # of units that have one level
        return result

    def conditional_mean(self, rows):
        """Compute the probability of each level given the other units."""
        return self.units.mean(self.field(self.cliques.levels(rows)))

    def conditional_log_likelihood(self, rows):
        """Compute log p(x_i | the other units) for every unit i, (n_rows, n_units)."""
        levels = self.cliques.levels(rows)
        field = self.field(levels)
        own = np.take_along_axis(field, self.cliques.starts + levels, axis=1)
        parts = self.cliques.split_fields(field)
        return own - np.column_stack([log_sum_of_levels(part) for part in parts])

    def conditional_phase(self, rows, row_weights):
        """Sum `conditional_log_likelihood` over units and rows, with its derivative."""
        cliques = self.cliques
        levels = cliques.levels(rows)
        field = self.field(levels)
        at = cliques.starts + levels
        value = np.take_along_axis(field, at, axis=1).sum(axis=1)
        value -= self.units.log_normaliser(field)
        residual = self.units.mean(field)
        residual *= -1
        np.put_along_axis(
            residual, at, 1 + np.take_along_axis(residual, at, axis=1), axis=1
        )
        residual *= row_weights[:, np.newaxis]
        tables = np.zeros_like(self.tables)
        self._add_pairs(tables, residual, levels)
        for unit, own in enumerate(cliques.higher):
            for number, axis in own:
                part = residual[:, cliques.columns(unit)]
                others = cliques.others(number, axis, levels)
                slope = np.moveaxis(cliques.split(tables)[number], axis, -1)
                np.add.at(slope, others, part)
        slope = self.with_arrays([tables, residual.sum(axis=0)])
        return float(row_weights @ value), slope

    def _add_pairs(self, tables, residual, levels):
        """Add sums over rows of what one unit lacks, times the level of another."""
        places, first, second = self.cliques.pairs
        one_hot = self.cliques.one_hot(levels, residual.dtype)
        if self.cliques.is_dense:
            products = (one_hot.T @ residual).ravel()
            n_columns = residual.shape[1]
            tables[places] = products.take(first * n_columns + second)
            tables[places] += products.take(second * n_columns + first)
            return
        for start in range(0, len(levels), _ROWS_OF_PRODUCTS):
            block = slice(start, start + _ROWS_OF_PRODUCTS)
            lacks = np.ascontiguousarray(residual[block].T)
            on = one_hot[block].T.toarray()
            sums = np.einsum("ij,ij->i", lacks[first], on[second])
            sums += np.einsum("ij,ij->i", lacks[second], on[first])
            tables[places] += sums

    def pair_parts(self):
        """Give, for each two units, what tables say of them beyond single units.

        Returns
        -------
        parts : dict of (int, int) to ndarray
            With rows and columns whose means are 0. Of cliques of more units, others
            are averaged over their levels.
        """
        parts = {}
        for scope, table in zip(self.cliques.scopes, self._split, strict=True):
            for i, j in combinations(np.argsort(scope).tolist(), 2):
                others = tuple(k for k in range(len(scope)) if k not in {i, j})
                part = table.mean(axis=others)
                part = part if i < j else part.T
                part = part - part.mean(axis=0) - part.mean(axis=1, keepdims=True)
                part += table.mean()
                pair = scope[i], scope[j]
                parts[pair] = parts[pair] + part if pair in parts else part
        return parts

    # ---- draws ----

    def sweep(self, context, noise, *, beta=1.0, tilt=None, fixed=None, reverse=False):
        """Draw units given all others, those at once that share no clique."""
        return self.gibbs(
            context, noise, beta=beta, tilt=tilt, fixed=fixed, reverse=reverse
        )

    def gibbs(
        self,
        rows,
        noise,
        n_sweeps=1,
        *,
        beta=1.0,
        tilt=None,
        fixed=None,
        reverse=False,
    ):
        """Make so many sweeps; see `Energy.sweep`."""
        cliques = self.cliques
        levels = cliques.levels(rows)
        beta = np.reshape(np.asarray(beta, self.dtype), (-1, 1, 1))
        chains = DenseChains(self, levels) if cliques.is_dense else Chains(self, levels)
        colours = cliques.colours[:: -1 if reverse else 1]
        for _ in range(n_sweeps):
            for colour in colours:
                members, columns = colour.members, colour.columns
                field = chains.field(colour)
                for place, unit in enumerate(members.tolist()):
                    if cliques.higher[unit]:
                        field[:, place] += self._higher(unit, levels)
                field *= beta
                if tilt is not None:
                    field += tilt[..., columns]
                flat = field.reshape(-1, colour.n_levels)
                drawn = draw_levels(flat, noise).reshape(field.shape[:2])
                if fixed is not None:
                    held = fixed[..., columns[:, 0]]
                    drawn = np.where(held, levels[:, members], drawn)
                chains.move(colour, drawn)
        return cliques.units.encode(levels)

    # ---- learning ----

    def statistics(self, rows, row_weights=None, *, noise=None):
        """Average indicators of levels, and of those of cliques together, over rows."""
        if row_weights is None:
            row_weights = np.full(len(rows), 1 / len(rows))
        cliques = self.cliques
        levels = cliques.levels(rows)
        fields = _counts(cliques.starts + levels, row_weights, len(self.fields))
        tables = np.zeros(len(self.tables))
        for places in cliques.entries(levels):
            tables += _counts(places, row_weights, len(tables))
        arrays = tables, fields
        return self.with_arrays([array.astype(self.dtype) for array in arrays])


def _counts(places, row_weights, n_places):
    """Sum weights of rows by places, of which each row has as many."""
    weights = np.repeat(row_weights, places.shape[1])
    return np.bincount(places.ravel(), weights, n_places)
