"""The Boltzmann machine in the coordinates in which it learns."""

__all__ = ["CentredBoltzmann"]

from dataclasses import replace

import numpy as np

from skebm.energy.binary_rbm_centred import Offsets
from skebm.energy.pair_products import pair_products
from skebm.energy.sweeps import gibbs_sweeps

# No data make one unit change the odds of another by a factor of exp(100): the
# couplings of models that describe their data stay below some 20.
_LARGEST_WEIGHT = 100


class CentredBoltzmann:
    """Boltzmann machine with centred units, and biases as couplings to a constant.

    With offsets m the energy

        E(x) = -(x - m)' W (x - m) / 2 - (x - m).b

    describes the same distributions as the plain one, with other biases. The
    gradient of its couplings does not pull at the means of the units, and learning
    is the same whichever way bits are coded [1]_. With a constant 1 appended to the
    units, the biases are the last row and column of one symmetric matrix, whose
    gradient is a difference of second moments.

    Parameters
    ----------
    template : BoltzmannEnergy
        Says which couplings exist; its parameters are not used.
    matrix : ndarray of shape (n_visible + 1, n_visible + 1)
        W, with b as its last row and column. Zero on the diagonal.
    offsets : Offsets
        The offsets m, and none of hidden units.

    References
    ----------
    .. [1] Montavon, G. and Müller, K.-R. (2012). Deep Boltzmann machines and the
       centering trick. Neural Networks: Tricks of the Trade, 621-637.
    """

    def __init__(self, template, matrix, offsets):
        self.template = template
        self.matrix = matrix
        self.offsets = offsets

    @classmethod
    def from_plain(cls, energy, visible_offset=None):
        """Describe a plain energy's distribution with the given offsets."""
        n_visible = energy.n_visible
        matrix = np.zeros((n_visible + 1, n_visible + 1), dtype=energy.dtype)
        matrix[:-1, :-1] = energy.couplings
        matrix[:-1, -1] = matrix[-1, :-1] = energy.bias
        uncentred = cls(energy, matrix, _offsets(np.zeros_like(energy.bias)))
        return uncentred.recentred(visible_offset)

    def describing(self, energy):
        """Describe a plain energy's distribution with the offsets of this machine."""
        return self.from_plain(energy, self.offsets.visible[:-1].astype(energy.dtype))

    def astype(self, dtype):
        """Return the same machine with parameters of another dtype."""
        offsets = _offsets(self.offsets.visible[:-1].astype(dtype))
        return CentredBoltzmann(self.template, self.matrix.astype(dtype), offsets)

    def recentred(self, visible_offset=None, hidden_offset=None):
        """Describe the same distribution with other offsets, where given.

        There are no hidden units for a `hidden_offset` to be of.
        """
        if visible_offset is None:
            return self
        after = _offsets(visible_offset)
        matrix = self.matrix.copy()
        couplings = matrix[:-1, :-1]
        matrix[:-1, -1] += couplings @ (after.visible - self.offsets.visible)[:-1]
        matrix[-1, :-1] = matrix[:-1, -1]
        return CentredBoltzmann(self.template, matrix, after)

    def prepare(self, visible):
        """Centre visible rows and append the constant."""
        rows = np.ones((len(visible), len(self.matrix)), dtype=self.matrix.dtype)
        np.subtract(visible, self.offsets.visible[:-1], out=rows[:, :-1])
        return rows

    def start_chains(self, rows, noise):
        """Start chains from prepared rows; values between 0 and 1 are drawn."""
        mean = rows[:, :-1] + self.offsets.visible[:-1]
        return 2 * mean - 1 > noise.draw(mean.shape)

    def chains_of(self, rows, noise):
        """Start chains from rows of tempering, boolean."""
        return self.start_chains(self.prepare(rows), noise)

    def contrast(self, batch, chains, noise, n_sweeps=1, rate=1.0):
        """Advance the chains and compare the data with them.

        In a product of two units of the chains one counts by its mean given all
        others, each in turn: that takes a third or more of its variance away.

        Parameters
        ----------
        batch : ndarray of shape (n_batch, n_visible + 1)
            Prepared rows of data.
        chains : ndarray of shape (n_chains, n_visible)
            Units of the chains, boolean.
        noise : UniformNoise
            Source of the draws.
        n_sweeps : int, default=1
            Gibbs sweeps of the chains.
        rate : float, default=1.0
            Step size.

        Returns
        -------
        direction : ndarray of shape (n_visible + 1, n_visible + 1)
            `rate` times the gradient of the mean log-likelihood of the batch by
            `matrix`, its two halves taken as one; zero where no coupling exists.
        chains : ndarray of shape (n_chains, n_visible)
            The chains after their sweeps.
        """
        plain = self._plain(self.matrix.dtype)
        chains = gibbs_sweeps(
            chains,
            plain.sparse_couplings(),
            plain.bias,
            noise,
            n_sweeps=n_sweeps,
            colours=plain.colours,
        )
        mean = plain.conditional_mean(chains.astype(self.matrix.dtype))
        direction = self._moments(batch, batch)
        direction *= rate
        moments = self._moments(self.prepare(mean), self.prepare(chains))
        moments *= rate
        direction -= moments
        return direction, chains

    def step(self, direction, shrink=None):
        """Add a direction, which is overwritten, then shrink the couplings."""
        matrix = np.add(direction, self.matrix, out=direction)
        if shrink is not None:
            shrink(matrix[:-1, :-1])
        return CentredBoltzmann(self.template, matrix, self.offsets)

    def hidden_rows(self, rows):
        """Give the constant alone: there are no hidden units."""
        return np.ones((len(rows), 1), dtype=rows.dtype)

    def towards(self, other, fraction):
        """Go a fraction of the way to another machine, in its coordinates."""
        start = self
        if self.offsets is not other.offsets:
            start = self.recentred(other.offsets.visible[:-1])
        matrix = np.subtract(other.matrix, start.matrix)
        matrix *= fraction
        matrix += start.matrix
        return CentredBoltzmann(self.template, matrix, other.offsets)

    def without_weights(self, other):
        """Set the couplings to zero that are zero in another machine."""
        matrix = self.matrix.copy()
        matrix[:-1, :-1][other.matrix[:-1, :-1] == 0] = 0
        return CentredBoltzmann(self.template, matrix, self.offsets)

    def with_drifted_offset(self, batch, fraction):
        """Return this machine: there are no hidden units whose offset could drift."""
        return self

    def plain_parameters(self):
        """Give couplings and biases of the plain energy, float64."""
        plain = self._plain(np.float64)
        return plain.couplings, plain.bias

    def uncentred(self):
        """Describe the same distribution with zero offsets."""
        return self.recentred(0 * self.offsets.visible[:-1])

    def tempered(self, visible_mean):
        """Return the machines between independent units and this one."""
        return self._plain(self.matrix.dtype).tempered(visible_mean)

    def has_diverged(self):
        """Say whether a coupling, or a parameter at all, is beyond reason."""
        largest = np.abs(self.matrix[:-1, :-1]).max()
        return not (largest <= _LARGEST_WEIGHT and np.isfinite(self.matrix).all())

    def _plain(self, dtype):
        matrix = self.matrix.astype(dtype, copy=False)
        couplings = matrix[:-1, :-1]
        bias = matrix[:-1, -1] - couplings @ self.offsets.visible[:-1]
        return replace(self.template, couplings=couplings, bias=bias)

    def _moments(self, left, right):
        """Average the products of pairs that have a coupling, and those with 1."""
        connectivity = self.template.connectivity
        if self.template.colours is None:
            moments = pair_products(left, right)
            if connectivity is not None:
                moments[:-1, :-1][~connectivity.mask] = 0
        else:
            moments = pair_products(left, right, self._pairs())
        moments /= len(left)
        return moments

    def _pairs(self):
        """List the pairs that have a coupling, and those of each unit and 1."""
        first, second = self.template.edges()
        constant = self.template.n_visible
        return (
            np.append(first, np.arange(constant)),
            np.append(second, np.full(constant, constant)),
        )


def _offsets(visible):
    return Offsets(visible, np.zeros(0, dtype=visible.dtype))
