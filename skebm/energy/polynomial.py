"""Dense associative memory: binary units with a polynomial of overlaps for energy."""

__all__ = ["PolynomialEnergy"]

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skebm.energy.base import Energy
from skebm.energy.unit_moves import move_in_order, without_rounding
from skebm.units.binary import BinaryUnits, draw_binary


@dataclass(frozen=True, eq=False)
class PolynomialEnergy(Energy):
    """E(s) = -(n / d) sum_k a_k m_k^d, with overlaps m_k = s . memory_k / n [1]_.

    The n spins s = 2 x - 1 are -1 and +1 for units x of zeros and ones. With d = 2 and
    strengths a of 1 it is the energy of Hebb's couplings, but for a constant. The
    strengths are the parameters, in which the energy is linear; the memories are what
    it is made of.

    Parameters
    ----------
    strengths : ndarray of shape (n_memories,)
        How much each memory counts.
    memories : ndarray of shape (n_memories, n_units)
        Rows of -1 and +1.
    degree : int
        d, at least 2.

    References
    ----------
    .. [1] Krotov, D. and Hopfield, J. J. (2016). Dense associative memory for pattern
       recognition. NeurIPS 29, 1172-1180. :doi:`10.48550/arXiv.1606.01164`
    """

    strengths: np.ndarray
    memories: np.ndarray
    degree: int

    parameters = ("strengths",)

    @property
    def units(self):
        """Units of the rows that chains move: all of them, binary."""
        return BinaryUnits(self.memories.shape[1])

    def astype(self, dtype):
        """Return the same energy with parameters of another dtype."""
        memories = self.memories.astype(dtype)
        return super().astype(dtype).replaced(memories=memories)

    def score(self, context, beta=1.0):
        """Compute -beta E of each row, in nats."""
        return np.dot(self._terms(context), self.strengths) * beta

    def statistics(self, rows, row_weights=None, *, noise=None):
        """Average -dE/da over rows; see `Energy`."""
        if row_weights is None:
            row_weights = np.full(len(rows), 1 / len(rows), self.dtype)
        return self.with_arrays([np.dot(row_weights, self._terms(rows))])

    def _terms(self, rows):
        """Give n / d times the powers of the overlaps of rows, (n_rows, n_memories)."""
        overlaps = self.projection(rows) / self.units.n_units
        return _power(overlaps, self.degree) * (self.units.n_units / self.degree)

    # ---- moves of single units ----

    def projection(self, rows):
        """Compute n m_k of each row and memory; see `unit_moves`."""
        spins = 2 * rows.astype(self.dtype) - 1
        return np.dot(spins, self.memories.T)

    def direction(self, unit):
        """Give by how much that rises when a unit goes on."""
        return 2 * self._columns[unit]

    def odds(self, projection, unit, on):
        """Compute the log-odds of a unit given all others, (n_rows,)."""
        n_units, own = self.units.n_units, self._columns[unit] / self.units.n_units
        rest = projection / n_units
        rest -= np.multiply.outer(2 * on.astype(self.dtype) - 1, own)
        high, low = _power(rest + own, self.degree), _power(rest - own, self.degree)
        factors = self.strengths * self.dtype.type(n_units / self.degree)
        sizes = np.dot(np.abs(high), np.abs(factors))
        return without_rounding(np.dot(high - low, factors), sizes)

    def slope(self, rows):
        """Compute the derivatives of -E by all units."""
        overlaps = self.projection(rows) / self.units.n_units
        pulls = _power(overlaps, self.degree - 1) * (2 * self.strengths)
        sizes = np.abs(pulls).sum(axis=1, keepdims=True)
        return without_rounding(np.dot(pulls, self.memories), sizes)

    def unit_field(self, rows, unit, beta=1.0):
        """Compute the log-odds of one unit given the others."""
        return self.odds(self.projection(rows), unit, rows[:, unit]) * beta

    def sweep(self, context, noise, *, beta=1.0, tilt=None, fixed=None, reverse=False):
        """Draw each unit given all others; see `Energy.sweep`."""
        beta = np.asarray(beta, self.dtype)

        def draw(unit, odds, on):
            field = odds * beta
            if tilt is not None:
                field = field + tilt[..., unit]
            drawn = draw_binary(field[:, np.newaxis], noise)[:, 0]
            return drawn if fixed is None else np.where(fixed[..., unit], on, drawn)

        return move_in_order(self, context, draw, reverse=reverse)

    @cached_property
    def _columns(self):
        """The memories, a row for each unit, contiguous."""
        return np.ascontiguousarray(self.memories.T)


def _power(values, exponent):
    """Raise to a whole power, in less time than NumPy."""
    result = values.copy()
    for _ in range(exponent - 1):
        result *= values
    return result
