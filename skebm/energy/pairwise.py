"""Boltzmann machines without hidden units: binary units coupled in pairs."""

__all__ = ["PairwiseEnergy"]

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skebm.energy.base import Energy
from skebm.energy.conditionals.pairwise import sum_conditionals
from skebm.energy.graph import Graph
from skebm.energy.offsets import (
    centre,
    centred_moments,
    no_offset,
    plain_bias,
    shifted_offset,
)
from skebm.energy.sums.pairwise import sum_over_configurations
from skebm.energy.sweeps import gibbs_sweeps, metropolis_sweeps
from skebm.energy.unit_moves import without_rounding
from skebm.units.binary import BinaryUnits, logistic, softplus


@dataclass(frozen=True, eq=False)
class PairwiseEnergy(Energy):
    """E(x) = -x' W x / 2 - b.x, for x of zeros and ones.

    With offsets m the same is written with x - m, and other biases.

    Parameters
    ----------
    matrix : ndarray of shape (n_units + 1, n_units + 1)
        W, symmetric with zero diagonal, and b with respect to the offsets as its last
        row and column: a coupling with a constant unit.
    offset : ndarray of shape (n_units + 1,)
        The offsets m, and 0 for the constant.
    graph : Graph, default=None
        Where couplings can be; elsewhere W is zero. None lets every pair of units have
        one.
    """

    matrix: np.ndarray
    offset: np.ndarray
    graph: Graph | None = None

    parameters = ("matrix",)

    @classmethod
    def of(cls, couplings, bias, graph=None, **settings):
        """Make the energy of couplings and biases, without offsets.

        Parameters
        ----------
        couplings : ndarray of shape (n_units, n_units)
            W above, symmetric with zero diagonal.
        bias : ndarray of shape (n_units,)
            The biases b.
        graph : Graph, default=None
            As of the class.
        **settings : dict
            Other fields of it.
        """
        n_units = len(bias)
        matrix = np.zeros((n_units + 1, n_units + 1), couplings.dtype)
        matrix[:-1, :-1] = couplings
        matrix[-1, :-1] = matrix[:-1, -1] = bias
        return cls(matrix, no_offset(n_units, matrix.dtype), graph, **settings)

    @property
    def dtype(self):
        """Floating dtype of every parameter."""
        return self.matrix.dtype

    @property
    def units(self):
        """Units of the rows that chains move: all of them, binary."""
        return BinaryUnits(len(self.matrix) - 1)

    @property
    def n_units(self):
        """Number of all units."""
        return len(self.matrix) - 1

    @cached_property
    def couplings(self):
        """W, contiguous."""
        return np.ascontiguousarray(self.matrix[:-1, :-1])

    @cached_property
    def bias(self):
        """The biases b where offsets are zero."""
        return plain_bias(self.matrix, self.offset)

    @property
    def colours(self):
        """Units that can be drawn at once, colour by colour, or None."""
        return None if self.graph is None else self.graph.colours

    @cached_property
    def swept_couplings(self):
        """W as sweeps and products want it: sparse where `colours` are used."""
        return (
            self.couplings
            if self.colours is None
            else self.graph.sparse(self.couplings)
        )

    @cached_property
    def edges(self):
        """First and second units of the couplings that can exist."""
        if self.graph is None:
            return np.triu_indices(self.n_units, 1)
        return self.graph.edges

    @property
    def weights(self):
        """Each coupling once, as penalties count them, shape (n_couplings,)."""
        return self.couplings[self.edges]

    @property
    def penalised(self):
        """W, a view of it; each coupling is there twice."""
        return self.matrix[:-1, :-1]

    # ---- vectors and offsets ----

    def astype(self, dtype):
        """Return the same energy with parameters of another dtype."""
        return super().astype(dtype).replaced(offset=self.offset.astype(dtype))

    def shifted(self, visible=None, hidden=None):
        """Describe the same distribution with other offsets, where given."""
        return self._at(shifted_offset(self.offset, visible))

    def like(self, other):
        """Describe this distribution with the offsets of another energy."""
        return self._at(other.offset)

    def _at(self, offset):
        if offset is self.offset:
            return self
        matrix = self.matrix.copy()
        matrix[:-1, -1] += np.dot(self.penalised, (offset - self.offset)[:-1])
        matrix[-1, :-1] = matrix[:-1, -1]
        return self.replaced(matrix=matrix, offset=offset)

    def ravel(self):
        """Give each coupling once, and the biases, as one vector."""
        return np.concatenate([self.matrix[self.edges], self.matrix[:-1, -1]])

    def unravel(self, vector):
        """Return the energy with the parameters that a vector has."""
        matrix = np.zeros_like(self.matrix)
        couplings, bias = np.split(vector, [len(self.edges[0])])
        matrix[self.edges] = couplings
        matrix[:-1, -1] = bias
        return self.replaced(matrix=matrix + matrix.T)

    def deviations(self):
        """Give the deviations of statistics whose means are the offsets."""
        deviation = np.append(np.sqrt(self.units.variance(self.offset[:-1])), 1)
        return self.replaced(matrix=np.outer(deviation, deviation))

    def like_matrix(self, matrix):
        """Give the energy nearest to a symmetric matrix, zero where none can be."""
        np.fill_diagonal(matrix, 0)
        if self.graph is not None:
            matrix[:-1, :-1] *= self.graph.mask
        return self.replaced(matrix=matrix)

    # ---- energies and conditionals ----

    def energy(self, rows):
        """Compute E of each row, shape (n_rows,)."""
        return -self.score(rows)

    def score(self, context, beta=1.0):
        """Compute -beta E of each row, in nats."""
        rows = context.astype(self.dtype, copy=False)
        slope = rows @ self.swept_couplings
        slope *= 0.5
        slope += self.bias
        score = np.einsum("ij,ij->i", rows, slope)
        return score if np.ndim(beta) == 0 and beta == 1 else score * beta

    def log_ratio(self, context, beta, other):
        """Compute by how much -E favours rows more at another inverse temperature."""
        return self.score(context) * np.subtract(other, beta, dtype=np.float64)

    def field(self, rows):
        """Compute the log-odds of every unit given the others."""
        field = rows @ self.swept_couplings
        field += self.bias
        return field

    def rises(self, rows):
        """Compute by how much E rises where one unit is flipped; see `Energy`."""
        return (2 * rows - 1) * self.field(rows)

    def conditional_mean(self, rows):
        """Compute P(x_i = 1 | the other units) for every unit i."""
        return logistic(self.field(rows))

    def conditional_log_likelihood(self, rows):
        """Compute log p(x_i | the other units) for every unit i.

        A value between 0 and 1 weighs the log-probabilities of on and off, and
        enters the fields of others as it is.
        """
        field = self.field(rows)
        return rows * field - softplus(field)

    def conditional_phase(self, rows, row_weights):
        """Sum `conditional_log_likelihood` over units and rows, with its derivative."""
        value, moments = sum_conditionals(self, rows, row_weights)
        return value, self.of_moments(moments)

    # ---- moves of single units: see `unit_moves` ----

    def walk(self, rows):
        """Keep the log-odds of all units of rows whose units move."""
        return _FieldWalk(self, rows)

    def slope(self, rows):
        """Compute the derivatives of -E by all units, which are their log-odds."""
        field = self.field(rows.astype(self.dtype))
        return without_rounding(field, self.largest_fields)

    @cached_property
    def largest_fields(self):
        """What the log-odds of each unit can be at most, and more."""
        return np.abs(self.couplings).sum(axis=1) + np.abs(self.bias)

    # ---- draws ----

    def sweep(self, context, noise, *, beta=1.0, tilt=None, fixed=None, reverse=False):
        """Draw the units given all others, one after the other; see `Energy.sweep`."""
        return self.gibbs(
            context, noise, beta=beta, tilt=tilt, fixed=fixed, reverse=reverse
        )

    def gibbs(self, rows, noise, n_sweeps=1, **settings):
        """Make so many sweeps, in one run."""
        return self._swept(gibbs_sweeps, rows, noise, n_sweeps, **settings)

    def metropolis(self, rows, noise, n_sweeps=1, **settings):
        """Flip the units one after the other, where Metropolis' rule accepts it."""
        return self._swept(metropolis_sweeps, rows, noise, n_sweeps, **settings)

    def _swept(
        self,
        sweeps,
        rows,
        noise,
        n_sweeps,
        *,
        beta=1.0,
        tilt=None,
        fixed=None,
        reverse=False,
    ):
        if reverse and self.colours is None:
            tilt, fixed = (None if x is None else x[..., ::-1] for x in (tilt, fixed))
            swept = self._turned._swept(
                sweeps,
                rows[:, ::-1],
                noise,
                n_sweeps,
                beta=beta,
                tilt=tilt,
                fixed=fixed,
            )
            return np.ascontiguousarray(swept[:, ::-1])
        return sweeps(
            rows,
            self.swept_couplings,
            self.bias,
            noise,
            n_sweeps=n_sweeps,
            beta=beta,
            tilt=tilt,
            fixed=fixed,
            colours=self.colours[::-1] if reverse else self.colours,
        )

    @cached_property
    def _turned(self):
        """The same machine with its units in opposite order."""
        return PairwiseEnergy.of(self.couplings[::-1, ::-1], self.bias[::-1])

    # ---- learning ----

    def start_chains(self, visible, noise):
        """Start chains from visible rows; values between 0 and 1 are drawn."""
        if visible.dtype != bool:
            visible = 2 * visible - 1 > noise.draw(visible.shape)
        return self.complete(visible, noise)

    def natural(self, gradient, turn):
        """Make a gradient natural, with zeros where it has them."""
        return self.like_matrix(turn(gradient.matrix))

    def statistics(self, rows, row_weights=None, *, noise=None):
        """Average products of pairs of centred units, and those with the constant."""
        rows = centre(rows, self.offset)
        if row_weights is not None:
            rows *= np.sqrt(row_weights)[:, np.newaxis]
            return self._of_pairs(rows, rows, 1)
        return self._of_pairs(rows, rows, len(rows))

    def chain_statistics(self, chains):
        """Average the same over chains, one of two units by its mean given all others.

        Each in turn: that takes a third or more of its variance away.
        """
        mean = self.conditional_mean(chains.astype(self.dtype))
        mean, rows = centre(mean, self.offset), centre(chains, self.offset)
        return self._of_pairs(mean, rows, len(rows))

    def sides(self, rows):
        """Give centred units with the constant, as both sides of their products."""
        rows = centre(rows, self.offset)
        return rows, rows

    def negative_phase(self):
        """Compute log Z and the statistics, by enumeration."""
        log_partition, moments = self.raw_moments()
        return log_partition, self.of_moments(moments)

    def raw_moments(self):
        """Compute log Z, and means of products of units and the constant."""
        return sum_over_configurations(self.couplings, self.bias)

    def of_moments(self, moments):
        """Give the statistics of rows with such means of products with a constant."""
        return self.like_matrix(centred_moments(moments, self.offset, self.offset))

    def _of_pairs(self, left, right, n_rows):
        """Average left' right and its transpose where a coupling can exist."""
        if self.colours is None:
            # A matrix times its own transpose is exactly symmetric.
            products = np.dot(left.T, right)
            if left is not right:
                products = products + products.T
                products *= 0.5
            products /= n_rows
            return self.like_matrix(products)
        # Of few pairs of units, and each unit with the constant.
        constant = np.full(self.n_units, self.n_units)
        first = np.append(self.edges[0], np.arange(self.n_units))
        second = np.append(self.edges[1], constant)
        left, right = np.ascontiguousarray(left.T), np.ascontiguousarray(right.T)
        values = np.einsum("ij,ij->i", left[first], right[second])
        values += np.einsum("ij,ij->i", right[first], left[second])
        values /= 2 * n_rows
        products = np.zeros_like(self.matrix)
        products[first, second] = products[second, first] = values
        return self.replaced(matrix=products)


class _FieldWalk:
    """Log-odds of units that move; a `Walk`."""

    def __init__(self, energy, rows):
        self._energy = energy
        self._field = energy.field(rows.astype(energy.dtype))

    def odds(self, unit, on):
        own = self._field[:, unit].copy()
        return without_rounding(own, self._energy.largest_fields[unit])

    def move(self, moved, unit, change):
        self._field[moved] += np.multiply.outer(change, self._energy.couplings[unit])
