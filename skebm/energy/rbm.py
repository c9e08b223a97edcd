"""Restricted Boltzmann machines: two layers, of units of any kind."""

__all__ = ["RBMContext", "RBMEnergy"]

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from skebm.energy.base import Energy
from skebm.energy.hidden_sums import HiddenSums
from skebm.energy.offsets import centre, no_offset, plain_bias, shifted_offset
from skebm.units.base import Units
from skebm.units.binary import BinaryUnits


class RBMContext(NamedTuple):
    """Statistics of visible rows, the fields of hidden units that follow, and rows."""

    statistics: np.ndarray
    field: np.ndarray
    rows: np.ndarray


@dataclass(frozen=True, eq=False)
class RBMEnergy(HiddenSums, Energy):
    """E(v, h) = -a . s(v) - b . t(h) - t(h)' W s(v), with statistics s and t of units.

    Where states have a measure of their own, as Gaussian ones, -E has that as well.
    With offsets m and l the same is written with s(v) - m and t(h) - l, and other
    biases.

    Parameters
    ----------
    matrix : ndarray of shape (n_hidden + 1, n_visible + 1)
        W, with b as its last column and a as its last row, both with respect to the
        offsets. The corner multiplies a constant and means nothing.
    visible, hidden : Units
        What the layers are made of.
    visible_offset, hidden_offset : ndarray of shape (n_units + 1,)
        The offsets m and l, and 0 for the constant.
    """

    matrix: np.ndarray
    visible: Units
    hidden: Units
    visible_offset: np.ndarray
    hidden_offset: np.ndarray

    parameters = ("matrix",)

    @classmethod
    def of(cls, weights, visible_bias, hidden_bias, visible=None, hidden=None):
        """Make the energy of weights and biases, without offsets.

        Parameters
        ----------
        weights : ndarray of shape (n_hidden, n_visible)
            W above, the transpose of the usual notation.
        visible_bias, hidden_bias : ndarray
            The biases a and b.
        visible, hidden : Units, default=None
            None are binary units.
        """
        n_hidden, n_visible = weights.shape
        matrix = np.zeros((n_hidden + 1, n_visible + 1), weights.dtype)
        matrix[:-1, :-1] = weights
        matrix[-1, :-1], matrix[:-1, -1] = visible_bias, hidden_bias
        return cls(
            matrix,
            visible or BinaryUnits(n_visible),
            hidden or BinaryUnits(n_hidden),
            no_offset(n_visible, matrix.dtype),
            no_offset(n_hidden, matrix.dtype),
        )

    def arrays(self):
        """List the parameters: the matrix."""
        return [self.matrix]

    @property
    def dtype(self):
        """Floating dtype of every parameter."""
        return self.matrix.dtype

    @property
    def units(self):
        """Units of the rows that chains move: the visible ones."""
        return self.visible

    @property
    def n_hidden(self):
        """Number of columns of the hidden layer."""
        return len(self.matrix) - 1

    @property
    def n_units(self):
        """Number of columns of both layers."""
        return sum(self.matrix.shape) - 2

    @cached_property
    def weights(self):
        """W, shape (n_hidden, n_visible), contiguous."""
        return np.ascontiguousarray(self.matrix[:-1, :-1])

    @cached_property
    def _biased_weights(self):
        """W, and the biases a where offsets are zero as its last row."""
        return np.vstack([self.weights, self.visible_bias])

    @property
    def penalised(self):
        """W, a view of it."""
        return self.matrix[:-1, :-1]

    @cached_property
    def visible_bias(self):
        """The biases a where offsets are zero."""
        return plain_bias(self.matrix.T, self.hidden_offset)

    @cached_property
    def hidden_bias(self):
        """The biases b where offsets are zero."""
        return plain_bias(self.matrix, self.visible_offset)

    def transposed(self):
        """Return the same machine with its two layers exchanged."""
        return type(self)(
            self.matrix.T,
            self.hidden,
            self.visible,
            self.hidden_offset,
            self.visible_offset,
        )

    # ---- vectors and offsets ----

    def astype(self, dtype):
        """Return the same energy with parameters of another dtype."""
        return self.replaced(
            matrix=self.matrix.astype(dtype),
            visible=self.visible.astype(dtype),
            hidden=self.hidden.astype(dtype),
            visible_offset=self.visible_offset.astype(dtype),
            hidden_offset=self.hidden_offset.astype(dtype),
        )

    def shifted(self, visible=None, hidden=None):
        """Describe the same distribution with other offsets of units, where given."""
        return self._at(
            shifted_offset(self.visible_offset, visible),
            shifted_offset(self.hidden_offset, hidden),
        )

    def centred(self, mean):
        """Shift offsets to means of visible units, and to the middle of hidden ones."""
        return self.shifted(mean, self.hidden.free_mean())

    def like(self, other):
        """Describe this distribution with the offsets of another energy."""
        return self._at(other.visible_offset, other.hidden_offset)

    def _at(self, visible, hidden):
        if visible is self.visible_offset and hidden is self.hidden_offset:
            return self
        matrix = self.matrix.copy()
        if visible is not self.visible_offset:
            matrix[:, -1] += np.dot(self.matrix, visible - self.visible_offset)
        if hidden is not self.hidden_offset:
            matrix[-1] += np.dot(hidden - self.hidden_offset, self.matrix)
        return self.replaced(
            matrix=matrix, visible_offset=visible, hidden_offset=hidden
        )

    def ravel(self):
        """Give weights, visible and hidden biases as one vector."""
        return np.concatenate(
            [self.weights.ravel(), self.matrix[-1, :-1], self.matrix[:-1, -1]]
        )

    def unravel(self, vector):
        """Return the energy with the parameters that a vector has."""
        n_hidden, n_visible = self.weights.shape
        matrix = np.zeros_like(self.matrix)
        ends = np.cumsum([self.weights.size, n_visible])
        weights, matrix[-1, :-1], matrix[:-1, -1] = np.split(vector, ends)
        matrix[:-1, :-1] = weights.reshape(n_hidden, n_visible)
        return self.replaced(matrix=matrix)

    def deviations(self):
        """Give the deviations of statistics whose means are the offsets."""

        def roots(units, offset):
            variance = units.variance(offset[:-1])
            # A unit of one level has none, and a weight that means nothing.
            return np.append(np.sqrt(np.where(variance > 0, variance, 1)), 1)

        visible, hidden = (
            roots(*layer)
            for layer in (
                (self.visible, self.visible_offset),
                (self.hidden, self.hidden_offset),
            )
        )
        return self.replaced(matrix=np.outer(hidden, visible))

    # ---- energies ----

    def energy(self, visible, hidden):
        """Compute E of each pair of rows, shape (n_rows,)."""
        statistics, field, _ = self.context(visible)
        return -self._visible_score(statistics) - np.einsum("ij,ij->i", hidden, field)

    def context(self, rows):
        """Compute the statistics of visible rows, and the fields of hidden units."""
        rows = rows.astype(self.dtype, copy=False)
        statistics = self.visible.statistics(rows)
        field = np.dot(statistics, self.weights.T)
        field += self.hidden_bias
        return RBMContext(statistics, field, rows)

    def score(self, context, beta=1.0):
        """Compute the log of the sum over h of exp(-beta E(v, h)), in nats."""
        statistics, field, _ = context
        score = self._visible_score(statistics)
        if np.ndim(beta) > 0 or beta != 1:
            _refuse_real(self.hidden)
            field = np.reshape(beta, (-1, 1)).astype(field.dtype) * field
            score = score * beta
        return score + self.hidden.log_normaliser(field)

    def log_ratio(self, context, beta, other):
        """Compare the unnormalised probabilities of rows at two inverse temperatures.

        The hidden units are summed out: what they are at the moment would be noise in
        the comparison. Real-valued visible units keep the measure of their own, as they
        do in `sweep` with a tilt.
        """
        rise = self.hidden.rise(context.field, beta, other)
        linear = np.dot(context.statistics, self.visible_bias)
        return rise + linear * np.subtract(other, beta)

    def _visible_score(self, statistics):
        return np.dot(statistics, self.visible_bias) + self.visible.log_base(statistics)

    def enumerable_layers(self):
        """List both layers, of which the other is summed out."""

        def visible_of_hidden(hidden, noise):
            return self.visible.draw(self.visible_field(hidden), noise)

        return [
            (self.hidden, self.transposed().free_energy, visible_of_hidden),
            (self.visible, self.free_energy, lambda rows, noise: rows > 0),
        ]

    def rises(self, rows):
        """Compute by how much the free energy rises where one unit changes."""
        switches = self.visible.switches
        result = np.full(rows.shape, np.inf)
        _, field, _ = RBMEnergy.context(self, rows)
        log_normaliser = self.hidden.log_normaliser(field)
        for unit in range(switches.max(initial=-1) + 1):
            columns = np.flatnonzero(switches == unit)
            own = rows[:, columns]
            is_binary = len(columns) == 1
            for column in columns:
                change = -own.copy()
                change[:, columns == column] += 1 - own if is_binary else 1
                changed = field + change @ self.weights[:, columns].T
                rise = log_normaliser - self.hidden.log_normaliser(changed)
                result[:, column] = rise - change @ self.visible_bias[columns]
        return result

    # ---- conditionals and draws ----

    def hidden_field(self, rows):
        """Compute the fields of the hidden units given visible rows."""
        return self.context(rows).field

    def hidden_mean(self, rows):
        """Compute the mean of the hidden units given visible rows."""
        return self.hidden.mean(self.hidden_field(rows))

    def visible_mean(self, hidden):
        """Compute the mean of the visible units given hidden rows."""
        return self.visible.states(self.visible.mean(self.visible_field(hidden)))

    def visible_field(self, hidden):
        """Compute the fields of the visible units given hidden rows."""
        field = np.dot(hidden.astype(self.dtype, copy=False), self.weights)
        field += self.visible_bias
        return field

    def sweep(self, context, noise, *, beta=1.0, tilt=None, fixed=None, reverse=False):
        """Draw the hidden layer given the visible one, then this; see `Energy`."""
        if tilt is None and np.any(np.not_equal(beta, 1)):
            _refuse_real(self.visible)
        hidden = self.hidden.draw(context.field, noise, beta)
        if tilt is None and fixed is None:
            return self.visible.draw(self.visible_field(hidden), noise, beta)
        scaled = np.ones((len(hidden), hidden.shape[1] + 1), self.dtype)
        scaled[:, :-1] = hidden
        scaled *= np.reshape(beta, (-1, 1)).astype(self.dtype)
        field = np.dot(scaled, self._biased_weights)
        if tilt is not None:
            field += tilt
        if fixed is None:
            self._mix(hidden, field, noise, beta)
            return self.visible.draw(field, noise)
        return self.visible.draw_missing(field, context.rows, fixed, noise)

    def _mix(self, hidden, field, noise, beta):
        """Move hidden units on a path once more, and the visible fields with them."""

    # ---- learning ----

    def sides(self, rows):
        """Give centred means of hidden and centred visible units, with the constant.

        Their products, averaged over rows, are the statistics.
        """
        visible = centre(self.visible.statistics(rows), self.visible_offset)
        hidden = np.empty((len(rows), len(self.hidden_offset)), self.dtype)
        hidden[:, :-1] = self.hidden.mean(np.dot(visible, self.matrix[:-1].T))
        hidden[:, -1] = 1  # whose offset is 0
        hidden -= self.hidden_offset
        return hidden, visible

    def statistics(self, rows, row_weights=None, *, noise=None):
        """Average -dE/dtheta over visible rows; see `Energy`."""
        hidden, visible = self.sides(rows)
        if row_weights is not None:
            hidden *= row_weights[:, np.newaxis]
            return self.replaced(matrix=np.dot(hidden.T, visible))
        return self.replaced(matrix=np.dot(hidden.T, visible) / len(rows))

    def natural(self, gradient, turn):
        """Make a gradient natural, given what turns the matrix of its weights."""
        return gradient.replaced(matrix=turn(gradient.matrix))

    def drifted(self, rows, fraction):
        """Move the hidden offset a share of the way to the mean given rows."""
        weights = np.full(len(rows), fraction / len(rows), self.dtype)
        drift = np.dot(weights, self.sides(rows)[0])
        drift[-1] = 0  # of the constant
        return self._at(self.visible_offset, self.hidden_offset + drift)

    def negative_phase(self):
        """Compute log Z and the statistics, enumerating the smaller layer."""
        if self.visible.n_configurations <= self.hidden.n_configurations:
            return super().negative_phase()
        log_partition, turned = Energy.negative_phase(self.transposed())
        return log_partition, self.replaced(matrix=turned.matrix.T)


def _refuse_real(units):
    """Refuse temperatures of units that cannot be listed."""
    if units.n_configurations == np.inf:
        raise ValueError(
            "Real-valued units have no temperature of their own. Integrate them out, "
            "as GaussianRBMEnergy does."
        )
