"""The binary RBM in the coordinates in which it learns."""

__all__ = ["CentredBinaryRBM", "Offsets"]

from copy import copy

import numpy as np

from skebm.energy.binary_rbm_tempered import TemperedBinaryRBM
from skebm.energy.layers import array_kernels, draw_layer, layer_kernels

# No data make one unit change the odds of another by a factor of exp(100): the
# weights of models that describe their data stay below some 20.
_LARGEST_WEIGHT = 100


class Offsets:
    """Offsets of both layers, each with a 0 appended for the constant unit.

    Parameters
    ----------
    visible : ndarray of shape (n_visible,)
        Offsets of the visible units.
    hidden : ndarray of shape (n_hidden,)
        Offsets of the hidden units.
    """

    def __init__(self, visible, hidden):
        zero = visible.dtype.type(0)
        self.visible = np.append(visible, zero)
        self._set_hidden(np.append(hidden, zero))

    def _set_hidden(self, hidden):
        self.hidden = hidden
        # What tanh(field / 2) lacks to be twice the centred mean.
        self.twice_centred = 1 - 2 * hidden

    def drifted(self, drift):
        """Add to the hidden offsets; those of the visible units are shared."""
        after = copy(self)
        after._set_hidden(self.hidden + drift)
        return after


class CentredBinaryRBM:
    """Binary RBM with centred units, and biases as weights of a constant unit.

    With offsets m (visible) and l (hidden) the energy

        E(v, h) = -(v - m).a - (h - l).b - (h - l)' W (v - m)

    describes the same distributions as the plain one, with other biases. The
    gradient of its weights does not pull at the means of the units, and
    learning is the same whichever way bits are coded [1]_ [2]_. Appending a
    constant 1 to both layers makes the biases a row and a column of one matrix,
    so that each product below serves weights and biases at once.

    Parameters
    ----------
    matrix : ndarray of shape (n_hidden + 1, n_visible + 1)
        W, with b as its last column and a as its last row. The corner multiplies
        a constant and means nothing.
    offsets : Offsets
        The offsets m and l.

    References
    ----------
    .. [1] Montavon, G. and Müller, K.-R. (2012). Deep Boltzmann machines and the
       centering trick. Neural Networks: Tricks of the Trade, 621-637.
    .. [2] Melchior, J., Fischer, A. and Wiskott, L. (2016). How to center deep
       Boltzmann machines. JMLR 17(99), 1-61.
    """

    def __init__(self, matrix, offsets):
        self.matrix = matrix
        self.offsets = offsets

    @classmethod
    def from_plain(cls, energy, visible_offset=None, hidden_offset=None):
        """Describe a plain energy's distribution with the given offsets."""
        matrix = np.block(
            [
                [energy.weights, energy.hidden_bias[:, np.newaxis]],
                [energy.visible_bias, np.zeros(1, dtype=energy.dtype)],
            ]
        )
        zeros = (np.zeros(n_units, energy.dtype) for n_units in energy.weights.shape)
        hidden_zeros, visible_zeros = zeros
        uncentred = cls(matrix, Offsets(visible_zeros, hidden_zeros))
        return uncentred.recentred(visible_offset, hidden_offset)

    def describing(self, energy):
        """Describe a plain energy's distribution with the offsets of this machine."""
        offsets = (self.offsets.visible[:-1], self.offsets.hidden[:-1])
        return self.from_plain(energy, *(part.astype(energy.dtype) for part in offsets))

    def astype(self, dtype):
        """Return the same machine with parameters of another dtype."""
        visible, hidden = self.offsets.visible[:-1], self.offsets.hidden[:-1]
        offsets = Offsets(visible.astype(dtype), hidden.astype(dtype))
        return CentredBinaryRBM(self.matrix.astype(dtype), offsets)

    def recentred(self, visible_offset=None, hidden_offset=None):
        """Describe the same distribution with other offsets, where given."""
        before = self.offsets
        after = Offsets(
            before.visible[:-1] if visible_offset is None else visible_offset,
            before.hidden[:-1] if hidden_offset is None else hidden_offset,
        )
        return self._at(after)

    def _at(self, offsets):
        """Describe the same distribution with other offsets, of one layer or both."""
        before = self.offsets
        matrix = self.matrix.copy()
        if offsets.visible is not before.visible:
            matrix[:, -1] += np.dot(self.matrix, offsets.visible - before.visible)
        matrix[-1] += np.dot(offsets.hidden - before.hidden, self.matrix)
        return CentredBinaryRBM(matrix, offsets)

    def prepare(self, visible):
        """Centre visible rows and append the constant."""
        kernels = layer_kernels(self.matrix.dtype)
        if visible.dtype != bool:  # for which alone it is worth compiling a loop
            kernels = array_kernels
        return kernels.centre(visible, self.offsets.visible)

    def start_chains(self, rows, noise):
        """Start chains from prepared rows by drawing their hidden units."""
        return draw_layer(np.dot(rows, self.matrix.T), noise)

    def chains_of(self, rows, noise):
        """Start chains from rows of tempering, boolean."""
        return self.start_chains(self.prepare(rows), noise)

    def contrast(self, batch, chains, noise, n_sweeps=1, rate=1.0):
        """Advance the chains and compare the data with them.

        Parameters
        ----------
        batch, chains, noise, n_sweeps, rate
            As of `phases`.

        Returns
        -------
        direction : ndarray of shape (n_hidden + 1, n_visible + 1)
            `rate` times the gradient of the mean log-likelihood of the batch by
            `matrix`.
        chains : ndarray of shape (n_chains, n_hidden + 1)
            The chains after their sweeps.
        """
        hidden, visible, chains = self.phases(batch, chains, noise, n_sweeps, rate)
        return np.dot(hidden.T, visible), chains

    def phases(self, batch, chains, noise, n_sweeps=1, rate=1.0):
        """Advance the chains; give the rows that the gradient is a sum of.

        Both phases are one sum over stacked rows, those of the data weighing
        1 / n_batch each and those of the chains -1 / n_chains, so that one
        product gives the hidden means of both and one their statistics. Hidden
        units count by their means given the visible ones.

        Parameters
        ----------
        batch : ndarray of shape (n_batch, n_visible + 1)
            Prepared rows of data.
        chains : ndarray of shape (n_chains, n_hidden + 1)
            Hidden units of the chains, boolean; the last column means nothing.
        noise : UniformNoise
            Source of the draws.
        n_sweeps : int, default=1
            Gibbs sweeps of the chains.
        rate : float, default=1.0
            Step size; where it multiplies, it costs nothing.

        Returns
        -------
        hidden : ndarray of shape (n_batch + n_chains, n_hidden + 1)
            Centred means and the constant, times `rate` and the weight of the row.
        visible : ndarray of shape (n_batch + n_chains, n_visible + 1)
            Centred rows and the constant.
        chains : ndarray of shape (n_chains, n_hidden + 1)
            The chains after their sweeps.
        """
        kernels = layer_kernels(self.matrix.dtype)
        n_chains = len(chains)
        for n_left in range(n_sweeps, 0, -1):
            hidden = kernels.centre(chains, self.offsets.hidden)
            field = np.dot(hidden, self.matrix)
            above = batch if n_left == 1 else batch[:0]
            uniform = noise.draw(field.shape)
            rows = kernels.draw_below(above, field, uniform, self.offsets.visible)
            if n_left > 1:
                chains = self.start_chains(rows, noise)
        field = np.dot(rows, self.matrix.T)
        chains = kernels.weigh_and_draw(
            field,
            noise.draw((n_chains, field.shape[1])),
            self.offsets.twice_centred,
            rate / len(batch),
            -rate / n_chains,
        )
        return field, rows, chains

    def step(self, direction, shrink=None):
        """Add a direction, which is overwritten, then shrink the weights."""
        matrix = np.add(direction, self.matrix, out=direction)
        if shrink is not None:
            shrink(matrix[:-1, :-1])
        return CentredBinaryRBM(matrix, self.offsets)

    def hidden_rows(self, rows):
        """Give centred means of the hidden units and the constant, given rows."""
        field = np.dot(rows, self.matrix.T)
        weigh = layer_kernels(field.dtype).weigh_and_draw
        weigh(field, field[:0], self.offsets.twice_centred, 1.0, 0.0)  # draws nothing
        return field

    def towards(self, other, fraction):
        """Go a fraction of the way to another machine, in its coordinates."""
        start = self if self.offsets is other.offsets else self._at(other.offsets)
        matrix = np.subtract(other.matrix, start.matrix)
        matrix *= fraction
        matrix += start.matrix
        return CentredBinaryRBM(matrix, other.offsets)

    def without_weights(self, other):
        """Set the weights to zero that are zero in another machine."""
        matrix = self.matrix.copy()
        matrix[:-1, :-1][other.matrix[:-1, :-1] == 0] = 0
        return CentredBinaryRBM(matrix, self.offsets)

    def with_drifted_offset(self, batch, fraction):
        """Move the hidden offset a fraction of the way to its mean in a batch."""
        weights = np.full(len(batch), fraction / len(batch), dtype=batch.dtype)
        drift = np.dot(weights, self.hidden_rows(batch))
        drift[-1] = 0  # of the constant
        return self._at(self.offsets.drifted(drift))

    def plain_parameters(self):
        """Give weights, visible and hidden biases of the plain energy, float64."""
        matrix = self.matrix.astype(np.float64)
        hidden_bias = matrix[:, -1] - matrix @ self.offsets.visible
        visible_bias = matrix[-1] - self.offsets.hidden @ matrix
        return matrix[:-1, :-1], visible_bias[:-1], hidden_bias[:-1]

    def uncentred(self):
        """Describe the same distribution with zero offsets."""
        offsets = self.offsets
        return self.recentred(0 * offsets.visible[:-1], 0 * offsets.hidden[:-1])

    def tempered(self, visible_mean):
        """Return the machines between independent units and this one."""
        matrix = self.uncentred().matrix
        return TemperedBinaryRBM(
            matrix[:-1, :-1], matrix[-1, :-1], matrix[:-1, -1], visible_mean
        )

    def has_diverged(self):
        """Say whether a weight, or a parameter at all, is beyond reason."""
        largest = np.abs(self.matrix[:-1, :-1]).max()
        return not (largest <= _LARGEST_WEIGHT and np.isfinite(self.matrix).all())
