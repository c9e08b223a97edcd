"""Machines with groups and scales, and rows of which columns are missing."""

__all__ = ["GroupSums"]

import numpy as np
from scipy.special import logsumexp, softmax

from skebm.energy.completions import CompletionSums
from skebm.energy.group_parameters import law_of


class GroupSums(CompletionSums):
    """As `CompletionSums`, by what the machine says of rows in each image."""

    def is_summable(self, observed):
        """Say of which rows all that is missing can be summed over, (n_rows,)."""
        return self.machine.is_summable(observed)

    def copies(self, rows, observed):
        """List the machine and rows of each image; see `CompletionSums`."""
        constants = self.log_shares(observed.sum(axis=1))
        images = zip(self.images(rows), constants.T, strict=True)
        return [(*image, constant) for image, constant in images]

    def original(self, rows, copy):
        """Give the rows v that rows of the machine of an image are."""
        return self.stretched(rows, copy)

    def observed_score(self, rows, observed):
        """Compute the log of the sum of exp(-E) over all that rows leave open."""
        return logsumexp(self._observed_joint(rows, observed), axis=1)

    def observed_phase(self, rows, observed, row_weights):
        """Do as `positive_phase` for rows of which some columns are missing."""
        ridges = self.ridges(rows, observed)
        joint = self._observed_joint(rows, observed) - self.costs_of_ridge(ridges)
        law, parts = softmax(joint, axis=1) * row_weights[:, np.newaxis], []
        for machine, pairs in self.pairs(rows, ridges, law):
            if len(pairs.rows) == 0:
                statistics = machine.statistics(pairs.rows, pairs.counts)
                parts.append((pairs, statistics, pairs.rows, 0))
                continue
            known = pairs.rows, observed[pairs.row]
            statistics = machine.observed_phase(*known, pairs.counts)[1]
            completed = machine.mean_missing(*known)
            pull = machine.pull(completed, machine.observed_hidden_mean(*known))
            slope = np.where(known[1], pull, 0.0)
            parts.append((pairs, statistics, slope, known[1].sum(axis=1)))
        value = row_weights @ logsumexp(joint, axis=1)
        return self.beside_pseudo_rows(value, self.with_slopes(parts), row_weights)

    def draw_missing(self, rows, observed, noise):
        """Draw what is missing of rows given what is observed, (n_rows, n_visible)."""
        image = self.draw_image(self._observed_joint(rows, observed), noise)
        drawn = np.array(rows, dtype=np.float64)
        for machine, members, own in self.members(rows, image):
            completed = machine.draw_missing(own, observed[members], noise)
            drawn[members] = self.stretched(completed, image[members])
        return np.where(observed, rows, drawn)

    def mean_missing(self, rows, observed):
        """Put for what is missing of rows its mean given what is observed."""

        def mean(machine, own, image):
            return self.stretched(machine.mean_missing(own, observed), image)

        return np.where(observed, rows, self._mean(rows, observed, mean))

    def average_missing(self, rows, observed, function, draws):
        """Average a function of completed rows over what is missing of them."""

        def average(machine, own, image):
            def of_drawn(drawn):
                return function(self.stretched(drawn, image[:1]))

            return machine.average_missing(own, observed, of_drawn, draws)

        return self._mean(rows, observed, average)

    def observed_hidden_mean(self, rows, observed):
        """Compute the means of hidden units given what is observed of rows."""

        def mean(machine, own, _):
            return machine.observed_hidden_mean(own, observed)

        return self._mean(rows, observed, mean)

    def _observed_joint(self, rows, observed):
        """Sum exp(-E) over what is missing, in each image, (n_rows, n_images)."""
        scores = [
            machine.observed_score(own, observed) + constant
            for machine, own, constant in self.copies(rows, observed)
        ]
        return np.column_stack(scores)

    def _mean(self, rows, observed, function):
        """Average a function of a machine, its rows and image, over images of rows."""
        law, total = law_of(self._observed_joint(rows, observed)), 0.0
        for image, (machine, own) in enumerate(self.images(rows)):
            numbers = np.full(len(rows), image)
            total = total + law[:, image, np.newaxis] * function(machine, own, numbers)
        return total
