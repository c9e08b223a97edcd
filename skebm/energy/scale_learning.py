"""Gradients of machines with scales."""

__all__ = ["ScaleLearning"]

import numpy as np
from scipy.special import logsumexp, softmax

from skebm.energy.completions import draw_of_law

# What a row counts at a scale, beside what rows count on average, that is left out.
_NEGLIGIBLE = 1e-12


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
        copies = self.at_scales(rows)
        law = softmax(self.joint(rows) - self.costs_of_ridge, axis=1)
        if noise is None:
            return self._sum_of_law(copies, law * row_weights[:, np.newaxis])
        scale = draw_of_law(law, noise)
        return self._sum(copies[scale, np.arange(len(rows))], scale, row_weights)

    def chain_statistics(self, chains):
        """Average -dE/dtheta over chains, which say nothing of scales."""
        return self._of_machine(self.machine.chain_statistics(chains))

    def positive_phase(self, rows, row_weights):
        """Sum -F and the statistics over weighted rows, less what the ridge costs."""
        copies = self.at_scales(rows)
        joint = self.joint(rows) - self.costs_of_ridge
        law = softmax(joint, axis=1) * row_weights[:, np.newaxis]
        value = row_weights @ logsumexp(joint, axis=1)
        return value, self._sum_of_law(copies, law)

    def negative_phase(self):
        """Compute log Z and the statistics of the machine."""
        log_partition, statistics = self.machine.negative_phase()
        return log_partition, self._of_machine(statistics)

    @property
    def costs_of_ridge(self):
        """What the ridge takes off the score of a row at each scale, (n_scales,)."""
        return self.machine.cost_of_ridge * self._shares_of_ridge

    @property
    def _shares_of_ridge(self):
        """Give what the ridge of y at each scale is, beside that of the machine.

        A share of the variance that rows of the mean scale have is added to y, so that
        rows of all scales can be equally narrow beside their size. The square of that
        share is added to the variance of v: so scales cannot shrink to nothing where
        many rows are alike.
        """
        scales = np.exp(self.log_scales)
        return 1 / (self.shares @ scales) + self.machine.ridge / scales

    def with_ridge(self, scale, row_weights):
        """Give the machine with what the ridge is of y, on average over rows."""
        share = np.average(self._shares_of_ridge[scale], weights=row_weights)
        return self.machine.replaced(ridge=self.machine.ridge * float(share))

    def counted(self, law):
        """List scales and rows, of all pairs whose weights are not negligible."""
        by_scale, negligible = law.T, _NEGLIGIBLE * law.sum() / len(law)
        return np.nonzero(by_scale > negligible)

    def with_slopes(self, statistics, rows, scale, row_weights, slope, n_columns):  # noqa: PLR0917
        """Put the derivatives by scales, summed over rows, beside the machine's.

        Parameters
        ----------
        statistics : Energy
            Of the machine, over the same rows.
        rows : ndarray of shape (n_rows, n_visible)
            y.
        scale : ndarray of shape (n_rows,)
            Their scales.
        row_weights : ndarray of shape (n_rows,)
            What each counts.
        slope : ndarray of shape (n_rows, n_visible)
            Derivatives of the free energy of the machine by y.
        n_columns : int or ndarray of shape (n_rows,)
            Known columns of each row.
        """
        n_scales = len(self.log_scales)
        stretch = np.einsum("ij,ij->i", slope, rows) - n_columns
        mass = np.bincount(scale, row_weights, n_scales)
        scales, cost = np.exp(self.log_scales), self.machine.cost_of_ridge
        mean = self.shares @ scales
        of_mean = cost * mass.sum() * self.shares / mean**2
        by_scale = np.bincount(scale, stretch * row_weights / 2, n_scales)
        own = (
            by_scale + cost * self.machine.ridge * mass / scales + of_mean * scales,
            mass - mass.sum() * self.shares + of_mean * (scales - mean),
            (row_weights / self.roots[scale]) @ slope,
        )
        # What learns next is made of it.
        machine = statistics.replaced(ridge=self.machine.ridge)
        return type(self)(machine, *(part.astype(self.dtype) for part in own))

    def _sum_of_law(self, copies, law):
        """Sum -dE/dtheta over rows at all scales that they may have."""
        scale, row = self.counted(law)
        return self._sum(copies[scale, row], scale, law[row, scale])

    def _sum(self, rows, scale, row_weights):
        """Sum -dE/dtheta over rows y whose scales are given."""
        row_weights = row_weights.astype(self.dtype, copy=False)
        machine = self.with_ridge(scale, row_weights)
        statistics = machine.statistics(rows, row_weights)
        slope = self.machine.pull(rows, self.machine.hidden_mean(rows))
        n_columns = rows.shape[1]
        return self.with_slopes(statistics, rows, scale, row_weights, slope, n_columns)

    def _of_machine(self, statistics):
        """Put derivatives by scales beside: the integral of the density has none."""
        return type(self)(statistics, *map(np.zeros_like, self.of_scales()))
