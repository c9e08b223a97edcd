"""Gradients of machines with scales."""

__all__ = ["Pairs", "ScaleLearning"]

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp, softmax

from skebm.energy.completions import draw_of_law

# What a row counts at a scale, beside what rows count on average, that is left out.
_NEGLIGIBLE = 1e-12


class Pairs(NamedTuple):
    """Rows, each at one of the scales that it may have."""

    rows: np.ndarray  # y at the scale, (n_pairs, n_visible)
    scale: np.ndarray  # its number
    row: np.ndarray  # the number of the row
    counts: np.ndarray  # what the pair counts
    ridges: np.ndarray  # what is added to the variance of the row


class ScaleLearning:
    """How a `ScaledEnergy` learns: rows count at each scale as likely as they have it.

    What draws of the model say is what they say to the machine, since the density
    integrates to 1 at any scales.
    """

    def sides(self, rows):
        """Give centred means of hidden units, the scales averaged, and rows."""
        hidden = np.ones((len(rows), self.n_hidden + 1), self.dtype)
        hidden[:, :-1] = self.hidden_mean(rows)
        return hidden - self.machine.hidden_offset, rows

    def drifted(self, rows, fraction):
        """Move the hidden offset a share of the way to the mean given rows."""
        drift = self.sides(rows)[0][:, :-1].mean(axis=0)
        offset = self.machine.hidden_offset[:-1]
        return self.shifted(hidden=offset + self.dtype.type(fraction) * drift)

    def statistics(self, rows, row_weights=None, *, noise=None):
        """Average -dE/dtheta over rows, at a scale drawn for each, or at all of them.

        Draws take noise, and less time.
        """
        if row_weights is None:
            row_weights = np.full(len(rows), 1 / len(rows), self.dtype)
        ridges = self.ridges(rows)
        law = softmax(self.joint(rows) - self.costs_of_ridge(ridges), axis=1)
        if noise is not None:
            drawn = draw_of_law(law, noise)
            law = drawn[:, np.newaxis] == np.arange(len(self.log_scales))
        law = law * row_weights[:, np.newaxis]
        return self._sum(self.pairs(rows, ridges, law))

    def chain_statistics(self, chains):
        """Average -dE/dtheta over chains, which say nothing of scales."""
        return self._of_machine(self.machine.chain_statistics(chains))

    def positive_phase(self, rows, row_weights):
        """Sum -F and the statistics over weighted rows, less what the ridge costs."""
        ridges = self.ridges(rows)
        joint = self.joint(rows) - self.costs_of_ridge(ridges)
        law = softmax(joint, axis=1) * row_weights[:, np.newaxis]
        value = row_weights @ logsumexp(joint, axis=1)
        return value, self._sum(self.pairs(rows, ridges, law))

    def negative_phase(self):
        """Compute log Z and the statistics of the machine."""
        log_partition, statistics = self.machine.negative_phase()
        return log_partition, self._of_machine(statistics)

    def ridges(self, rows, observed=None):
        """Give what is added to the variance of every column of each row, (n_rows,).

        It is a share of the square of the row, so that rows of all scales can be
        equally narrow beside their size; and the square of that share, so that scales
        cannot shrink to nothing where many rows are alike. It goes by no parameter:
        were it a share of the mean scale, a scale that no row has could grow until
        hardly anything is added to rows of the others.
        """
        squares = np.square(rows - self.origin)
        if observed is not None:
            squares = np.where(observed, squares, 0.0)
            n_columns = np.maximum(observed.sum(axis=1), 1)
        else:
            n_columns = rows.shape[1]
        ridge = self.machine.ridge
        return ridge * (squares.sum(axis=1, dtype=np.float64) / n_columns + ridge)

    def costs_of_ridge(self, ridges):
        """Give what it takes off scores of rows at scales, (n_rows, n_scales)."""
        whitening = self.machine.noise.whitening
        half = np.vdot(whitening, whitening) / 2
        return np.outer(ridges, half / np.exp(self.log_scales))

    def pairs(self, rows, ridges, law):
        """List pairs of rows and scales whose probabilities are not negligible."""
        least = _NEGLIGIBLE * law.sum() / len(law)
        scale, row = np.nonzero(np.greater(law.T, least))
        own = self.at_scales(rows)[scale, row]
        counts = law[row, scale].astype(self.dtype, copy=False)
        return Pairs(own, scale, row, counts, ridges[row])

    def with_ridge(self, pairs):
        """Give the machine with what is added to y, on average over pairs."""
        of_machine = pairs.ridges / np.exp(self.log_scales[pairs.scale])
        ridge = np.average(of_machine, weights=pairs.counts)
        return self.machine.replaced(ridge=float(ridge))

    def with_slopes(self, statistics, pairs, slope, n_columns):
        """Put the derivatives by scales, summed over pairs, beside the machine's.

        Parameters
        ----------
        statistics : Energy
            Of the machine, over the same pairs.
        pairs : Pairs
            Of rows and scales.
        slope : ndarray of shape (n_pairs, n_visible)
            Derivatives of the free energy of the machine by y.
        n_columns : int or ndarray of shape (n_pairs,)
            Known columns of each row.
        """
        scale, counts, n_scales = pairs.scale, pairs.counts, len(self.log_scales)
        stretch = (np.einsum("ij,ij->i", slope, pairs.rows) - n_columns) / 2
        stretch += self.costs_of_ridge(pairs.ridges)[np.arange(len(scale)), scale]
        mass = np.bincount(scale, counts, n_scales)
        own = (
            np.bincount(scale, stretch * counts, n_scales),
            mass - mass.sum() * self.shares,
            self.frame.slope_by_statistics((counts / self.roots[scale]) @ slope),
        )
        # What learns next is made of it.
        machine = statistics.replaced(ridge=self.machine.ridge)
        return self._with(machine, *(part.astype(self.dtype) for part in own))

    def _sum(self, pairs):
        """Sum -dE/dtheta over pairs of rows and scales."""
        statistics = self.with_ridge(pairs).statistics(pairs.rows, pairs.counts)
        slope = self.machine.pull(pairs.rows, self.machine.hidden_mean(pairs.rows))
        return self.with_slopes(statistics, pairs, slope, self.n_visible)

    def _of_machine(self, statistics):
        """Put derivatives by scales beside: the integral of the density has none."""
        return self._with(statistics, *map(np.zeros_like, self.of_scales()))
