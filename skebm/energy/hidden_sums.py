"""Restricted machines of few hidden units, and rows of which columns are missing.

Given a hidden configuration the visible units are independent of each other, or normal,
so that whatever is missing is summed or integrated out in closed form. Sums over all
hidden configurations are then exact.
"""

__all__ = ["HiddenSums"]

from functools import lru_cache

import numpy as np
from scipy.special import logsumexp, softmax

from skebm.energy.completions import MOST_SUMMED, CompletionSums, draw_of_law
from skebm.energy.offsets import centred_moments
from skebm.units.data import row_blocks


class HiddenSums(CompletionSums):
    """As `CompletionSums`, by hidden configurations where they are few."""

    @property
    def visible_units(self):
        """Units of visible rows."""
        return self.visible

    @property
    def sums_over_hidden(self):
        """Whether there are few enough hidden configurations to sum over."""
        return self.hidden.n_configurations <= 2**MOST_SUMMED

    def is_summable(self, observed):
        """Say of which rows all that is missing can be summed over, (n_rows,)."""
        if self.sums_over_hidden:
            return np.ones(len(observed), dtype=bool)
        return super().is_summable(observed)

    def observed_score(self, rows, observed):
        """Compute the log of the sum of exp(-E) over all that rows leave open."""
        if not self.sums_over_hidden:
            return super().observed_score(rows, observed)
        score = np.empty(len(rows))
        for block, joint, _ in self.hidden_joint(rows, observed):
            score[block] = logsumexp(joint, axis=1)
        return score

    def observed_phase(self, rows, observed, row_weights):
        """Do as `positive_phase` for rows of which some columns are missing."""
        if not self.sums_over_hidden:
            return super().observed_phase(rows, observed, row_weights)
        total, statistics = 0.0, None
        for block, joint, field in self.hidden_joint(rows, observed):
            weights, known = row_weights[block], (rows[block], observed[block])
            total += weights @ logsumexp(joint, axis=1)
            posterior = softmax(joint, axis=1) * weights[:, np.newaxis]
            part = self.posterior_statistics(field, *known, posterior)
            statistics = part if statistics is None else statistics + part
        return total, statistics

    def draw_missing(self, rows, observed, noise):
        """Draw what is missing of rows given what is observed, (n_rows, n_visible)."""
        if not self.sums_over_hidden:
            return super().draw_missing(rows, observed, noise)
        result = rows.astype(np.float64)
        for block, joint, field in self.hidden_joint(rows, observed):
            chosen = draw_of_law(softmax(joint, axis=1), noise)
            known = rows[block], observed[block]
            result[block] = self.visible.draw_missing(field[chosen], *known, noise)
        return result

    def mean_missing(self, rows, observed):
        """Put for what is missing of rows its mean given what is observed."""
        if not self.sums_over_hidden:
            return super().mean_missing(rows, observed)
        result = rows.astype(np.float64)
        for block, joint, field in self.hidden_joint(rows, observed):
            law, known = softmax(joint, axis=1), (rows[block], observed[block])
            result[block] = self.visible.mean_of_fields(field, *known, law)
        return result

    def average_missing(self, rows, observed, function, draws):
        """Average a function of completed rows over what is missing of them.

        Over draws, of which hidden configurations get their shares as nearly as can be,
        and each unit its law.
        """
        if not self.sums_over_hidden:
            return super().average_missing(rows, observed, function, draws)
        parts = []
        for block, joint, field in self.hidden_joint(rows, observed):
            ends, total = softmax(joint, axis=1).cumsum(axis=1), 0.0
            known, sources = (rows[block], observed[block]), draws()
            for number, noise in enumerate(sources):
                point = (number + 0.5) / len(sources) * ends[:, -1:]
                chosen = (ends[:, :-1] <= point).sum(axis=1)
                drawn = self.visible.draw_missing(field[chosen], *known, noise)
                total = total + function(drawn)
            parts.append(total / len(sources))
        return np.concatenate(parts)

    def observed_hidden_mean(self, rows, observed):
        """Compute the means of hidden units given what is observed of rows."""
        if not self.sums_over_hidden:
            return super().observed_hidden_mean(rows, observed)
        hidden = self.every_hidden()
        parts = [
            softmax(joint, axis=1) @ hidden
            for _, joint, _ in self.hidden_joint(rows, observed)
        ]
        return np.concatenate(parts)

    def posterior_statistics(self, field, rows, observed, posterior):
        """Sum -dE/dtheta over rows and all hidden configurations, with weights.

        Parameters
        ----------
        field : ndarray of shape (n_configurations, n_visible)
            Of the visible units given each hidden configuration.
        rows, observed : ndarray of shape (n_rows, n_visible)
            As of `observed_score`.
        posterior : ndarray of shape (n_rows, n_configurations)
            What each pair counts.
        """
        hidden, counts = self.every_hidden(), posterior.sum(axis=0)
        visible = self.visible.observed_statistics(field, rows, observed, posterior)
        moments = np.block(
            [
                [hidden.T @ visible, (counts @ hidden)[:, np.newaxis]],
                [visible.sum(axis=0), counts.sum()],
            ]
        )
        matrix = centred_moments(moments, self.hidden_offset, self.visible_offset)
        return self.replaced(matrix=matrix)

    def hidden_free_energy(self, hidden):
        """Compute -log of the sum of exp(-E) over visible units, (n_rows,)."""
        return self.transposed().free_energy(hidden)

    def hidden_joint(self, rows, observed):
        """Sum exp(-E) over what is missing, with all hidden configurations.

        Yields
        ------
        block : slice
            Of rows.
        joint : ndarray of shape (n_block, n_configurations)
            The logarithms of the sums, in nats.
        field : ndarray of shape (n_configurations, n_visible)
            Of the visible units given the hidden ones.
        """
        hidden = self.every_hidden()
        field, free_energy = self.visible_field(hidden), self.hidden_free_energy(hidden)
        for block in row_blocks(len(rows), max(len(hidden), rows.shape[1])):
            score = self.visible.observed_score(field, rows[block], observed[block])
            yield block, score - free_energy, field

    def every_hidden(self):
        """List all hidden configurations, float64."""
        return _configurations(self.hidden)


@lru_cache(maxsize=8)
def _configurations(units):
    rows = units.configurations(np.arange(units.n_configurations))
    rows.setflags(write=False)
    return rows
