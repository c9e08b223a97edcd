"""Gradients of machines with groups and scales."""

__all__ = ["GroupLearning", "Pairs"]

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp, softmax

# What a row counts in an image, beside what rows count on average, that is left out.
_NEGLIGIBLE = 1e-12


class Pairs(NamedTuple):
    """Rows, each in one of the images that it may be of; of one group."""

    rows: np.ndarray  # as the machine of the group sees them, (n_pairs, n_visible)
    image: np.ndarray  # its number
    row: np.ndarray  # the number of the row
    counts: np.ndarray  # what the pair counts
    ridges: np.ndarray  # what is added to the variance of the row


class GroupLearning:
    """How a `GroupedEnergy` learns: rows count in images as likely as they are of them.

    What draws of the model say is what they say to the machine, since the density
    integrates to 1 in any image.
    """

    def sides(self, rows):
        """Give centred means of hidden units, the images averaged, and rows."""
        hidden = np.ones((len(rows), self.n_hidden + 1), self.dtype)
        hidden[:, :-1] = self.hidden_mean(rows)
        return hidden - self.machine.hidden_offset, rows

    def drifted(self, rows, fraction):
        """Move the hidden offset a share of the way to the mean given rows."""
        drift = self.sides(rows)[0][:, :-1].mean(axis=0)
        offset = self.machine.hidden_offset[:-1]
        return self.shifted(hidden=offset + self.dtype.type(fraction) * drift)

    def statistics(self, rows, row_weights=None, *, noise=None):
        """Average -dE/dtheta over rows, in an image drawn for each, or in all of them.

        Draws take noise, and less time.
        """
        if row_weights is None:
            row_weights = np.full(len(rows), 1 / len(rows), self.dtype)
        ridges = self.ridges(rows)
        joint = self.joint(rows) - self.costs_of_ridge(ridges)
        if noise is not None:
            drawn = self.draw_image(joint, noise)
            law = drawn[:, np.newaxis] == np.arange(self.n_images)
        else:
            law = softmax(joint, axis=1)
        sums = self._sum(rows, ridges, law * row_weights[:, np.newaxis])
        return self.beside_pseudo_rows(0.0, sums, row_weights, noise)[1]

    def chain_statistics(self, chains):
        """Average -dE/dtheta over chains, which say nothing of images."""
        return self._of_machine(self.machine.chain_statistics(chains)) * self.mass

    def positive_phase(self, rows, row_weights):
        """Sum -F and the statistics over weighted rows, less what the ridge costs."""
        ridges = self.ridges(rows)
        joint = self.joint(rows) - self.costs_of_ridge(ridges)
        law = softmax(joint, axis=1) * row_weights[:, np.newaxis]
        value = row_weights @ logsumexp(joint, axis=1)
        sums = self._sum(rows, ridges, law)
        return self.beside_pseudo_rows(value, sums, row_weights)

    def negative_phase(self):
        """Compute log Z and the statistics of the machine, for pseudo-rows as well."""
        log_partition, statistics = self.machine.negative_phase()
        return log_partition * self.mass, self._of_machine(statistics) * self.mass

    def beside_pseudo_rows(self, value, sums, row_weights, noise=None):
        """Add what pseudo-rows say to the sums of `positive_phase` over other rows.

        What they score by the distributions that they are of is taken off the score,
        which is so a likelihood less a cost. Noise draws a few of them, as it does
        images.
        """
        pseudo = self.pseudo_rows
        if pseudo is None:
            return value, sums
        mass, chosen = row_weights.sum() * pseudo.share, np.arange(len(pseudo.rows))
        if noise is not None:
            size = len(row_weights) // self.n_groups + 1
            chosen = noise.rng.integers(len(chosen), size=size)
        rows, parts = pseudo.rows[chosen], []
        counts = np.full(len(rows), mass / len(rows), self.dtype)
        for number, machine in enumerate(self.machines):
            image = pseudo.images[number, chosen]
            factors = pseudo.roots[number, chosen] / self.roots[image]
            own = rows * factors[:, np.newaxis]
            if noise is None:
                volume = machine.visible.log_det - self.log_det + self.log_volume
                volume -= self.n_visible / 2 * self.log_scales.ravel()[image].mean()
                value += mass * (volume - pseudo.scores[number])
                value -= counts @ machine.free_energy(own)
            statistics = machine.replaced(ridge=0.0).statistics(own, counts)
            slope = machine.pull(own, machine.hidden_mean(own))
            pairs = Pairs(own, image, chosen, counts, np.zeros_like(counts))
            parts.append((pairs, statistics, slope, self.n_visible))
        added = self.with_slopes(parts)
        # They are where the group is, and say nothing of how large it is.
        return value, sums + added.replaced(
            log_weights=np.zeros_like(added.log_weights),
            shifts=np.zeros_like(added.shifts),
        )

    def ridges(self, rows, observed=None):
        """Give what is added to the variance of columns, (n_rows, n_groups).

        With one scale it is the ridge of the machine. With more it is a share of the
        square of the row, so that rows of all scales can be equally narrow beside their
        size; and the square of that share, so that scales cannot shrink to nothing
        where many rows are alike. It goes by no parameter: were it a share of the mean
        scale, a scale that no row has could grow until hardly anything is added to rows
        of the others.
        """
        ridge = self.machine.ridge
        if self.n_scales == 1:
            return np.full((len(rows), self.n_groups), ridge)
        known = np.ones(rows.shape, bool) if observed is None else observed
        n_columns = np.maximum(known.sum(axis=1), 1)
        means = [
            np.square(rows - origin).sum(axis=1, where=known, dtype=np.float64)
            / n_columns
            for origin in self.origins
        ]
        return ridge * (np.column_stack(means) + ridge)

    def costs_of_ridge(self, ridges):
        """Give what it takes off scores of rows in images, (n_rows, n_images)."""
        halves = [noise.total_precision / 2 for noise in self.noises]
        by_scale = np.reshape(halves, (-1, 1)) / np.exp(self.log_scales)
        return (ridges[:, :, np.newaxis] * by_scale).reshape(len(ridges), -1)

    def pairs(self, rows, ridges, law):
        """Give the machine of each group, and rows that may be of one of its images.

        The ridge of the machine is what is added to y of these, on average.
        """
        rows = rows.astype(self.dtype, copy=False)
        least = _NEGLIGIBLE * law.sum() / len(law)
        image, row = np.nonzero(np.greater(law.T, least))
        counts = law[row, image].astype(self.dtype, copy=False)
        ends = np.arange(1, self.n_groups) * self.n_scales
        parts = np.split(np.arange(len(image)), np.searchsorted(image, ends))
        scales = np.exp(self.log_scales.ravel())
        for number, (part, machine) in enumerate(
            zip(parts, self.machines, strict=True)
        ):
            own = image[part], row[part], counts[part], ridges[row[part], number]
            roots = self.roots[own[0], np.newaxis]
            pairs = Pairs((rows[own[1]] - self.centres[number]) / roots, *own)
            ridge = 0.0
            if pairs.counts.sum() > 0:
                of_machine = pairs.ridges / scales[pairs.image]
                ridge = float(np.average(of_machine, weights=pairs.counts))
            yield machine.replaced(ridge=ridge), pairs

    def with_slopes(self, parts):
        """Sum the derivatives by all parameters over pairs of rows and images.

        Parameters
        ----------
        parts : list of (pairs, statistics, slope, n_columns)
            Of each group: the pairs; the statistics of its machine, over these; the
            derivatives of the free energy of the machine by rows, a row for each pair;
            and the number of known columns, one for all or one for each.
        """
        matrix, noises, shifts = 0.0, [], []
        stretches, masses = np.zeros(self.n_images), np.zeros(self.n_images)
        scales = np.exp(self.log_scales.ravel())
        for number, (pairs, statistics, slope, n_columns) in enumerate(parts):
            counts, image = pairs.counts, pairs.image
            matrix = matrix + statistics.matrix
            mass = counts.sum(dtype=self.dtype)
            # The density has the volume of the noise as well.
            stretch = statistics.noise.log_stretch - mass * (
                self.noises[number].model_slope().log_stretch
            )
            noises.append(statistics.noise.replaced(log_stretch=stretch))
            stretch = (np.einsum("ij,ij->i", slope, pairs.rows) - n_columns) / 2
            half = self.noises[number].total_precision / 2
            stretch += half * pairs.ridges / scales[image]
            stretches += np.bincount(image, stretch * counts, self.n_images)
            masses += np.bincount(image, counts, self.n_images)
            own = (counts / self.roots[image]) @ slope
            shifts.append(self.frames[number].slope_by_statistics(own))
        by_image = stretches, masses - masses.sum() * self.shares
        shape = self.log_scales.shape
        return self._with(
            self.machine.replaced(matrix=matrix),
            noises,
            *(part.reshape(shape).astype(self.dtype) for part in by_image),
            np.array(shifts, self.dtype),
        )

    def _sum(self, rows, ridges, law):
        """Sum -dE/dtheta over pairs of rows and images."""
        parts = []
        for machine, pairs in self.pairs(rows, ridges, law):
            own = machine.statistics_and_deviation(pairs.rows, pairs.counts)
            slope = machine.visible.slope_by_states(own[1])
            parts.append((pairs, own[0], slope, self.n_visible))
        return self.with_slopes(parts)

    def _of_machine(self, statistics):
        """Put derivatives by images beside: the integral of the density has none."""
        noises = [
            noise.with_arrays([np.zeros_like(array) for array in noise.arrays()])
            for noise in self.noises
        ]
        machine = self.machine.replaced(matrix=statistics.matrix)
        return self._with(machine, noises, *map(np.zeros_like, self.of_images()))
