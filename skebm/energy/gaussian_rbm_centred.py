"""The Gaussian RBM in the coordinates in which it learns."""

__all__ = ["CentredGaussianRBM"]

from dataclasses import replace

import numpy as np

from skebm.energy.gaussian_rbm_marginal import hidden_machine
from skebm.energy.layers import draw_layer
from skebm.energy.units import logistic

# Data that are not 10^6 standard deviations of the noise apart need no larger ones.
_LARGEST_WEIGHT = 1e6


class CentredGaussianRBM:
    """Gaussian RBM with centred hidden units, and biases as weights of a constant.

    With an offset l of the hidden units the energy

        E(v, h) = |y|^2 / 2 - y.a - (h - l).b - (h - l)' W y,   y = B v,

    describes the same distributions as the plain one, with other biases, as for
    binary units. Rows of data are expected to have means of zero, and need no
    offset. W and a are in units of the noise, whatever that becomes.

    Directions are matrices with a row for each hidden unit and one for the visible
    biases, as those of binary machines, and below these the step of B.

    Parameters
    ----------
    matrix : ndarray of shape (n_hidden + 1, n_visible + 1)
        W, with b as its last column and a as its last row. The corner multiplies
        a constant and means nothing.
    offset : ndarray of shape (n_hidden + 1,)
        The offset l, and 0 for the constant.
    whitening : DiagonalWhitening or TriangularWhitening
        The map B.
    template : GaussianRBMEnergy
        Whose parameters do not count, but everything else.
    """

    def __init__(self, matrix, offset, whitening, template):
        self.matrix = matrix
        self.offset = offset
        self.whitening = whitening
        self.template = template

    @classmethod
    def from_plain(cls, energy, hidden_offset=None):
        """Describe a plain energy's distribution with the given offset."""
        matrix = np.block(
            [
                [energy.weights, energy.hidden_bias[:, np.newaxis]],
                [energy.visible_bias, np.zeros(1, dtype=energy.dtype)],
            ]
        )
        zeros = np.zeros(energy.n_hidden + 1, energy.dtype)
        uncentred = cls(matrix, zeros, energy.whitening, energy)
        return (
            uncentred if hidden_offset is None else uncentred.recentred(hidden_offset)
        )

    def astype(self, dtype):
        """Return the same machine with parameters of another dtype."""
        return CentredGaussianRBM(
            self.matrix.astype(dtype),
            self.offset.astype(dtype),
            self.whitening.astype(dtype),
            self.template,
        )

    def recentred(self, hidden_offset):
        """Describe the same distribution with another offset."""
        offset = np.append(hidden_offset, hidden_offset.dtype.type(0))
        matrix = self.matrix.copy()
        matrix[-1] += (offset - self.offset) @ self.matrix
        matrix[-1, -1] = 0
        return self._with(matrix, offset=offset)

    def prepare(self, visible):
        """Append the constant to visible rows."""
        rows = np.ones((len(visible), self.matrix.shape[1]), dtype=self.matrix.dtype)
        rows[:, :-1] = visible
        return rows

    def start_chains(self, rows, noise):
        """Start chains from prepared rows by drawing their hidden units."""
        return draw_layer(np.dot(self._white(rows), self.matrix[:-1].T), noise)

    def chains_of(self, rows, noise):
        """Start chains from rows of tempering, which are of hidden units."""
        return rows

    def contrast(self, batch, chains, noise, n_sweeps=1, rate=1.0):
        """Advance the chains and compare the data with them.

        The hidden units of the data count by their means given the visible ones,
        the visible units of the chains by their means given the hidden ones.

        Parameters
        ----------
        batch : ndarray of shape (n_batch, n_visible + 1)
            Prepared rows of data.
        chains : ndarray of shape (n_chains, n_hidden)
            Hidden units of the chains, boolean.
        noise : UniformNoise
            Source of the draws.
        n_sweeps : int, default=1
            Gibbs sweeps of the chains, the visible units integrated out.
        rate : float, default=1.0
            Step size.

        Returns
        -------
        direction : ndarray of shape (n_hidden + 1 + n_steps, n_visible + 1)
            `rate` times the gradient of the mean log-likelihood of the batch.
        chains : ndarray of shape (n_chains, n_hidden)
            The chains after their sweeps.
        """
        white = self._white(batch)
        hidden = self._hidden_rows(white)
        chains = self._swept(chains, noise, n_sweeps)
        drawn = np.ones((len(chains), len(self.offset)), dtype=white.dtype)
        np.subtract(chains, self.offset[:-1], out=drawn[:, :-1])
        gradient = np.dot(hidden.T, white) / len(batch)
        gradient -= np.dot(drawn.T, self._visible_means(drawn)) / len(chains)

        deviation = (white - self._visible_means(hidden))[:, :-1]
        step = self.whitening.by_step(deviation, white[:, :-1]) / -len(batch)
        step += self.whitening.log_det_by_step()
        step -= self.template.ridge / 2 * self.whitening.squared_norm_by_step()
        step = np.pad(step, ((0, 0), (0, 1)))  # as wide as with the constant
        direction = np.vstack([gradient, step])
        direction *= rate
        return direction, chains

    def step(self, direction, shrink=None):
        """Add a direction, then shrink the weights."""
        n_rows = len(self.matrix)
        matrix = self.matrix + direction[:n_rows]
        if shrink is not None:
            shrink(matrix[:-1, :-1])
        whitening = self.whitening.stepped(direction[n_rows:, :-1])
        return self._with(matrix, whitening=whitening)

    def hidden_rows(self, rows):
        """Give centred means of the hidden units and the constant, given rows."""
        return self._hidden_rows(self._white(rows))

    def towards(self, other, fraction):
        """Go a fraction of the way to another machine, in its coordinates."""
        start = self
        if self.offset is not other.offset:
            start = self.recentred(other.offset[:-1])
        matrix = start.matrix + fraction * (other.matrix - start.matrix)
        whitening = start.whitening.towards(other.whitening, fraction)
        return other._with(matrix, whitening=whitening)

    def without_weights(self, other):
        """Set the weights to zero that are zero in another machine."""
        matrix = self.matrix.copy()
        matrix[:-1, :-1][other.matrix[:-1, :-1] == 0] = 0
        return self._with(matrix)

    def with_drifted_offset(self, batch, fraction):
        """Move the hidden offset a fraction of the way to its mean in a batch."""
        mean = self.hidden_rows(batch)[:, :-1].mean(axis=0)
        return self.recentred(self.offset[:-1] + fraction * mean)

    def plain(self):
        """Describe the same distribution as a plain energy, float64."""
        exact = self.astype(np.float64)
        return replace(
            self.template,
            weights=exact.matrix[:-1, :-1],
            visible_bias=exact._visible_bias(),
            hidden_bias=exact.matrix[:-1, -1],
            whitening=exact.whitening,
        )

    def describing(self, energy):
        """Describe a plain energy's distribution with the offset of this machine."""
        return self.from_plain(energy, self.offset[:-1].astype(energy.dtype))

    def marginal(self):
        """Integrate the visible units out: give the machine of the hidden units."""
        return hidden_machine(
            self.matrix[:-1, :-1], self._visible_bias(), self.matrix[:-1, -1]
        )

    def tempered(self, hidden_mean):
        """Return the machines of hidden units between independent ones and this."""
        return self.marginal().tempered(hidden_mean)

    def has_diverged(self):
        """Say whether a weight, or a parameter at all, is beyond reason."""
        largest = np.abs(self.matrix[:-1, :-1]).max()
        return not (
            largest <= _LARGEST_WEIGHT
            and np.isfinite(self.matrix).all()
            and self.whitening.is_regular()
        )

    def _with(self, matrix, offset=None, whitening=None):
        return CentredGaussianRBM(
            matrix,
            self.offset if offset is None else offset,
            self.whitening if whitening is None else whitening,
            self.template,
        )

    def _white(self, rows):
        """Give prepared rows in units of the noise."""
        white = np.ones_like(rows)
        white[:, :-1] = self.whitening.apply(rows[:, :-1])
        return white

    def _hidden_rows(self, white):
        mean = logistic(np.dot(white, self.matrix.T))
        mean -= self.offset
        mean[:, -1] = 1
        return mean

    def _visible_means(self, hidden):
        """Give means of rows in units of the noise, given centred hidden rows."""
        means = np.dot(hidden, self.matrix)
        means[:, -1] = 1
        return means

    def _visible_bias(self):
        """Give the means of the visible units, in units of noise, if none is on."""
        return self.matrix[-1, :-1] - self.offset[:-1] @ self.matrix[:-1, :-1]

    def _swept(self, chains, noise, n_sweeps):
        machine = self.marginal()
        state = machine.clamp(chains, noise)
        return machine.gibbs(state, noise, n_sweeps=n_sweeps).visible
