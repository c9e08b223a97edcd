"""Machines with scales, and rows of which columns are missing."""

__all__ = ["ScaleSums"]

import numpy as np
from scipy.special import logsumexp, softmax

from skebm.energy.completions import CompletionSums, draw_of_law


class ScaleSums(CompletionSums):
    """As `CompletionSums`, by what the machine says of rows at each scale."""

    def is_summable(self, observed):
        """Say of which rows all that is missing can be summed over, (n_rows,)."""
        return self.machine.is_summable(observed)

    def copies(self, rows, observed):
        """List the machine with y of rows at each scale; see `CompletionSums`."""
        constants = self.log_shares(observed.sum(axis=1))
        pairs = zip(self.at_scales(rows), constants.T, strict=True)
        return [(self.machine, *pair) for pair in pairs]

    def observed_score(self, rows, observed):
        """Compute the log of the sum of exp(-E) over all that rows leave open."""
        return logsumexp(self._observed_joint(rows, observed), axis=1)

    def observed_phase(self, rows, observed, row_weights):
        """Do as `positive_phase` for rows of which some columns are missing."""
        ridges = self.ridges(rows, observed)
        joint = self._observed_joint(rows, observed) - self.costs_of_ridge(ridges)
        law = softmax(joint, axis=1) * row_weights[:, np.newaxis]
        pairs = self.pairs(rows, ridges, law)
        known = pairs.rows, observed[pairs.row]
        machine = self.with_ridge(pairs)
        statistics = machine.observed_phase(*known, pairs.counts)[1]
        completed = machine.mean_missing(*known)
        pull = machine.pull(completed, machine.observed_hidden_mean(*known))
        slope = np.where(known[1], pull, 0.0)
        n_columns = known[1].sum(axis=1)
        return row_weights @ logsumexp(joint, axis=1), self.with_slopes(
            statistics, pairs, slope, n_columns
        )

    def draw_missing(self, rows, observed, noise):
        """Draw what is missing of rows given what is observed, (n_rows, n_visible)."""
        law = softmax(self._observed_joint(rows, observed), axis=1)
        scale = draw_of_law(law, noise)
        own = self.at_scales(rows)[scale, np.arange(len(rows))]
        drawn = self.machine.draw_missing(own, observed, noise)
        return np.where(observed, rows, self.stretched(drawn, scale))

    def mean_missing(self, rows, observed):
        """Put for what is missing of rows its mean given what is observed."""

        def mean(own, scale):
            return self.stretched(self.machine.mean_missing(own, observed), scale)

        return np.where(observed, rows, self._mean(rows, observed, mean))

    def average_missing(self, rows, observed, function, draws):
        """Average a function of completed rows over what is missing of them."""

        def average(own, scale):
            def of_drawn(drawn):
                return function(self.stretched(drawn, scale))

            return self.machine.average_missing(own, observed, of_drawn, draws)

        return self._mean(rows, observed, average)

    def observed_hidden_mean(self, rows, observed):
        """Compute the means of hidden units given what is observed of rows."""

        def mean(own, _):
            return self.machine.observed_hidden_mean(own, observed)

        return self._mean(rows, observed, mean)

    def _observed_joint(self, rows, observed):
        """Sum exp(-E) over what is missing, with each scale, (n_rows, n_scales)."""
        scores = [
            machine.observed_score(own, observed) + constant
            for machine, own, constant in self.copies(rows, observed)
        ]
        return np.column_stack(scores)

    def _mean(self, rows, observed, function):
        """Average a function of y and the number of a scale over the scales of rows."""
        law = softmax(self._observed_joint(rows, observed), axis=1)
        parts = [function(own, k) for k, own in enumerate(self.at_scales(rows))]
        return np.einsum("ik,kij->ij", law, np.array(parts))
