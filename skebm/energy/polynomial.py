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
        n_units = self.units.n_units
        return _power(self.overlaps(rows), self.degree) * (n_units / self.degree)

    def overlaps(self, rows):
        """Compute the overlaps m_k of rows, (n_rows, n_memories)."""
        return self.products(rows) / self.units.n_units

    def products(self, rows):
        """Compute n m_k, which are whole numbers, and exact."""
        return np.dot(2 * rows.astype(self.dtype) - 1, self.memories.T)

    # ---- moves of single units: see `unit_moves` ----

    def walk(self, rows):
        """Keep what the log-odds of rows whose units move follow from."""
        return _OverlapWalk(self, rows)

    def slope(self, rows):
        """Compute the derivatives of -E by all units."""
        pulls = _power(self.overlaps(rows), self.degree - 1) * (2 * self.strengths)
        sizes = np.abs(pulls).sum(axis=1, keepdims=True)
        return without_rounding(np.dot(pulls, self.memories), sizes)

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
    def columns(self):
        """The memories, a row for each unit, contiguous."""
        return np.ascontiguousarray(self.memories.T)


class _OverlapWalk:
    """Overlaps of rows whose units move, and what their log-odds follow from; a `Walk`.

    Let r be the overlap of all units but one, and x = s_i memory_i / n what this one
    adds. Its log-odds are the sum over memories of memory_i h(r), with

        h(r) = a (n / d) ((r + 1 / n)^d - (r - 1 / n)^d) .

    Since r is m - 1 / n where the unit agrees with the memory and m + 1 / n elsewhere,
    that is the memory times the mean of h at these two, and the spin times half their
    difference: no power is taken but of rows that have moved.
    """

    def __init__(self, energy, rows):
        self._energy = energy
        self._products = energy.products(rows)
        self._mean, self._half, self._sizes = self._tables(self._products)

    def odds(self, unit, on):
        odds = np.dot(self._mean, self._energy.columns[unit])
        odds += np.where(on, self._half, -self._half)
        return without_rounding(odds, self._sizes)

    def move(self, moved, unit, change):
        self._products[moved] += np.outer(2 * change, self._energy.columns[unit])
        tables = self._tables(self._products[moved])
        self._mean[moved], self._half[moved], self._sizes[moved] = tables

    def _tables(self, products):
        energy, n_units = self._energy, self._energy.units.n_units
        factors = energy.strengths * energy.dtype.type(n_units / energy.degree)
        low, here, high = (
            _power((products + shift) / n_units, energy.degree) * factors
            for shift in (-2, 0, 2)
        )
        agreeing, other = here - low, high - here
        # Of each memory the difference is no more than these two together.
        sizes = (np.abs(here) + np.abs(high) + np.abs(low)).sum(axis=1)
        half = (agreeing - other).sum(axis=1) / 2
        return (agreeing + other) / 2, half, sizes


def _power(values, exponent):
    """Raise to a whole power, in less time than NumPy."""
    result = values.copy()
    for _ in range(exponent - 1):
        result *= values
    return result
