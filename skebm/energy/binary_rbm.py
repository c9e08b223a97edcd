"""The restricted Boltzmann machine with binary units, and what is faster for it."""

__all__ = ["BinaryRBMEnergy"]

from dataclasses import dataclass

import numpy as np

from skebm.energy.conditionals.binary_rbm import (
    conditional_log_likelihood,
    flipped_log_odds,
    is_in_range,
)
from skebm.energy.flips import flip_hidden
from skebm.energy.offsets import centre, centred_moments
from skebm.energy.rbm import RBMEnergy
from skebm.energy.sums.binary_rbm import (
    log_partition_of,
    sum_over_configurations,
    sum_over_rows,
)
from skebm.kernels import kernels_of
from skebm.units.binary import draw_binary

# Fields that are summed over in about the time that a hundred updates take, which have
# an overhead of their own.
_QUICK_FIELDS = 2**24


@dataclass(frozen=True, eq=False)
class BinaryRBMEnergy(RBMEnergy):
    """E(v, h) = -v.a - h.b - h' W v, for v and h of zeros and ones."""

    def conditional_log_likelihood(self, rows):
        """Compute log p(v_i | the others) of every i: `conditional_log_likelihood`."""
        return conditional_log_likelihood(self, rows)

    def rises(self, rows):
        """Compute by how much the free energy rises where one unit is flipped."""
        if not is_in_range(self):
            return super().rises(rows)
        return -flipped_log_odds(self, rows)

    def _mix(self, hidden, field, noise, beta):
        """Flip hidden units, the visible ones summed out; see `flip_hidden`."""
        flip_hidden(hidden, field, self.weights, self.hidden_bias, noise, beta=beta)

    # ---- learning: one product for data and chains, where rules ask for two ----

    def chains_of(self, rows, noise):
        """Make chains, which are kept as hidden units, of visible rows.

        Returns
        -------
        chains : ndarray of shape (n_chains, n_hidden + 1)
            Boolean; the last column means nothing.
        """
        return self._draw_hidden(centre(rows, self.visible_offset), noise)

    def rows_of_chains(self, chains, noise):
        """Draw visible rows given chains."""
        field = np.dot(centre(chains, self.hidden_offset), self.matrix[:, :-1])
        return self.visible.draw(field, noise)

    def contrast(self, batch, chains, noise, n_sweeps=1, rate=1.0):
        """Do as `learning.contrastive.contrast`, times a rate, with fewer products."""
        hidden, visible, chains = self.phases(batch, chains, noise, n_sweeps, rate)
        return self.replaced(matrix=np.dot(hidden.T, visible)), chains

    def phases(self, batch, chains, noise, n_sweeps=1, rate=1.0):
        """Advance the chains; give the rows that the gradient is a sum of.

        Both phases are one sum over stacked rows, those of the data weighing
        1 / n_batch each and those of the chains -1 / n_chains, so that one product
        gives the hidden means of both, and the chains' next draws, and one product
        their statistics. Hidden units count by their means given the visible ones.

        Parameters
        ----------
        batch : ndarray of shape (n_batch, n_visible)
            Rows of data.
        chains : ndarray of shape (n_chains, n_hidden + 1)
            As of `chains_of`.
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
        kernels = self._kernels
        n_chains = len(chains)
        if batch.dtype != bool:
            batch = batch.astype(self.dtype, copy=False)
        for n_left in range(n_sweeps, 0, -1):
            field = np.dot(kernels.centre(chains, self.hidden_offset), self.matrix)
            above = batch if n_left == 1 else batch[:0]
            uniform = noise.draw(field.shape)
            rows = kernels.draw_below(above, field, uniform, self.visible_offset)
            if n_left > 1:
                chains = self._draw_hidden(rows, noise)
        field = np.dot(rows, self.matrix.T)
        chains = kernels.weigh_and_draw(
            field,
            noise.draw((n_chains, field.shape[1])),
            self.hidden_offset,
            rate / len(batch),
            -rate / n_chains,
        )
        return field, rows, chains

    def sides(self, rows):
        """Give centred means of hidden and centred visible units; see `RBMEnergy`."""
        visible = centre(rows, self.visible_offset)
        hidden = np.dot(visible, self.matrix.T)
        weigh = self._kernels.weigh_and_draw
        weigh(hidden, hidden[:0], self.hidden_offset, 1.0, 0.0)  # draws nothing
        return hidden, visible

    @property
    def _kernels(self):
        return kernels_of("layers", compiled=self.dtype == np.float32)

    def _draw_hidden(self, centred, noise):
        return draw_binary(np.dot(centred, self.matrix.T), noise)

    # ---- exact sums ----

    @property
    def sums_quickly(self):
        """Whether log Z is a short sum: of 17 columns with 128 hidden units it is."""
        return self.n_terms * max(self.weights.shape) <= _QUICK_FIELDS

    def enumerated_log_partition(self):
        """Compute log Z by enumerating the smaller layer: `log_partition_of`."""
        weights, biases = self.weights, (self.visible_bias, self.hidden_bias)
        if weights.shape[1] > weights.shape[0]:
            weights, biases = weights.T, biases[::-1]
        return log_partition_of(weights, *biases)

    def positive_phase(self, rows, row_weights):
        """Sum -F and the statistics over weighted rows: `sum_over_rows`."""
        score, moments = sum_over_rows(
            self.weights, self.visible_bias, self.hidden_bias, rows, row_weights
        )
        return score, self.of_moments(moments)

    def negative_phase(self):
        """Compute log Z and the statistics, enumerating the smaller layer."""
        weights, biases = self.weights, (self.visible_bias, self.hidden_bias)
        n_hidden, n_visible = weights.shape
        if n_visible <= n_hidden:
            log_partition, moments = sum_over_configurations(weights, *biases)
        else:
            log_partition, moments = sum_over_configurations(weights.T, *biases[::-1])
            moments = moments.T
        return log_partition, self.of_moments(moments)

    def of_moments(self, moments):
        """Give the statistics of such means of products of the layers' units."""
        matrix = centred_moments(moments, self.hidden_offset, self.visible_offset)
        return self.replaced(matrix=matrix)
