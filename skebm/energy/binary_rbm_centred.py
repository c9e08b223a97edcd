"""The binary RBM in the coordinates in which it learns."""

__all__ = ["CentredBinaryRBM"]

import numpy as np

from skebm.energy.units import draw_units, logistic


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
    visible_offset : ndarray of shape (n_visible,)
        The offsets m.
    hidden_offset : ndarray of shape (n_hidden,)
        The offsets l.

    References
    ----------
    .. [1] Montavon, G. and Müller, K.-R. (2012). Deep Boltzmann machines and the
       centering trick. Neural Networks: Tricks of the Trade, 621-637.
    .. [2] Melchior, J., Fischer, A. and Wiskott, L. (2016). How to center deep
       Boltzmann machines. JMLR 17(99), 1-61.
    """

    __slots__ = ("hidden_offset", "matrix", "visible_offset")

    def __init__(self, matrix, visible_offset, hidden_offset):
        self.matrix = matrix
        self.visible_offset = visible_offset
        self.hidden_offset = hidden_offset

    @classmethod
    def from_plain(cls, energy, visible_offset=None, hidden_offset=None):
        """Describe a plain energy's distribution with the given offsets."""
        matrix = np.block(
            [
                [energy.weights, energy.hidden_bias[:, np.newaxis]],
                [energy.visible_bias, np.zeros(1, dtype=energy.dtype)],
            ]
        )
        uncentred = cls(
            matrix, *(np.zeros(size, energy.dtype) for size in matrix.shape[::-1])
        )
        return uncentred.recentred(visible_offset, hidden_offset)

    def recentred(self, visible_offset=None, hidden_offset=None):
        """Describe the same distribution with other offsets, where given."""
        centred = CentredBinaryRBM(
            self.matrix.copy(), self.visible_offset, self.hidden_offset
        )
        if visible_offset is not None:
            centred.visible_offset = np.append(
                visible_offset, centred.matrix.dtype.type(0)
            )
            shift = centred.visible_offset - self.visible_offset
            centred.matrix[:, -1] += self.matrix @ shift
        if hidden_offset is not None:
            centred.hidden_offset = np.append(
                hidden_offset, centred.matrix.dtype.type(0)
            )
            shift = centred.hidden_offset - self.hidden_offset
            centred.matrix[-1] += shift @ self.matrix
        return centred

    def prepare(self, visible):
        """Centre visible rows and append the constant."""
        rows = np.ones((len(visible), self.matrix.shape[1]), dtype=self.matrix.dtype)
        np.subtract(visible, self.visible_offset[:-1], out=rows[:, :-1])
        return rows

    def start_chains(self, rows, noise):
        """Start chains from prepared rows by drawing their hidden units."""
        return draw_units(np.dot(rows, self.matrix.T), noise)

    def contrast(self, batch, chains, noise, n_sweeps=1):
        """Advance the chains and compare the data with them.

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
        n_sweeps : int
            Gibbs sweeps of the chains.

        Returns
        -------
        gradient : ndarray of shape (n_hidden + 1, n_visible + 1)
            Of the mean log-likelihood of the batch by `matrix`.
        chains : ndarray of shape (n_chains, n_hidden + 1)
            The chains after their sweeps.
        """
        n_batch, n_chains = len(batch), len(chains)
        for sweep in range(n_sweeps):
            hidden = _centre(chains, self.hidden_offset)
            visible = draw_units(np.dot(hidden, self.matrix), noise)
            visible = _centre(visible, self.visible_offset)
            if sweep < n_sweeps - 1:
                chains = self.start_chains(visible, noise)
        rows = np.concatenate([batch, visible])

        # A mean is (1 + t) / 2, a row's statistics weight * (mean - l) times it.
        tanh = np.dot(rows, self.matrix.T)
        tanh *= 0.5
        np.tanh(tanh, out=tanh)
        chains = tanh[n_batch:] > noise.draw((n_chains, tanh.shape[1]))
        statistics = np.add(tanh, 1 - 2 * self.hidden_offset, out=tanh)
        statistics[:, -1] = 2
        statistics[:n_batch] *= 0.5 / n_batch
        statistics[n_batch:] *= -0.5 / n_chains
        return np.dot(statistics.T, rows), chains

    def step(self, gradient, rate, shrink=None):
        """Move along a gradient, which is overwritten, then shrink the weights."""
        gradient *= rate
        gradient += self.matrix
        if shrink is not None:
            shrink(gradient[:-1, :-1])
        return CentredBinaryRBM(gradient, self.visible_offset, self.hidden_offset)

    def with_drifted_offset(self, batch, fraction):
        """Move the hidden offset a fraction of the way to its mean in a batch."""
        mean = logistic(np.dot(batch, self.matrix.T)).mean(axis=0)
        offset = self.hidden_offset + fraction * (mean - self.hidden_offset)
        return self.recentred(hidden_offset=offset[:-1])

    def plain_parameters(self):
        """Give weights, visible and hidden biases of the plain energy, float64."""
        matrix = self.matrix.astype(np.float64)
        hidden_bias = matrix[:, -1] - matrix @ self.visible_offset
        visible_bias = matrix[-1] - self.hidden_offset @ matrix
        return matrix[:-1, :-1], visible_bias[:-1], hidden_bias[:-1]

    def is_finite(self):
        """Say whether every parameter is a finite number."""
        return bool(np.isfinite(self.matrix).all())


def _centre(units, offset):
    centred = np.subtract(units, offset)
    centred[:, -1] = 1
    return centred
