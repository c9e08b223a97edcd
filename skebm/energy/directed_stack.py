"""Stacks of restricted machines: directed layers below an undirected one."""

__all__ = ["MOST_LISTED_UNITS", "DirectedStack"]

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from skebm.energy.rbm import RBMEnergy
from skebm.units.data import row_blocks

# Configurations of layers of so many binary units are listed for each row below.
MOST_LISTED_UNITS = 10


@dataclass(frozen=True, eq=False)
class DirectedStack:
    """p(v, h1, ..., hk) = p(v | h1) p(h1 | h2) ... p(h(k-1), hk).

    The last factor is a restricted machine, the top. Hidden units are inferred by
    q = q(h1 | v) q(h2 | h1) ... of the machines below it, each by itself.

    Parameters
    ----------
    energies : tuple of RBMEnergy
        Of the machines, bottom first. All hidden units are bits. Those below the top
        infer.
    generating : tuple of RBMEnergy, default=()
        Machines of which p(v | h1), p(h1 | h2), ... are, bottom first, with the units
        of those that infer. Empty where these are the same.
    """

    energies: tuple[RBMEnergy, ...]
    generating: tuple[RBMEnergy, ...] = ()

    @property
    def top(self):
        """The last machine."""
        return self.energies[-1]

    @property
    def below(self):
        """All machines but the last, which infer."""
        return self.energies[:-1]

    @property
    def downward(self):
        """What draws the layers below the top, each given the one above."""
        return self.generating or self.below

    @property
    def n_inferred(self):
        """Number of hidden units that q draws, of all layers but the last."""
        return sum(energy.n_hidden for energy in self.below)

    @property
    def sums_are_exact(self):
        """Whether the layers that q draws are small enough to be listed."""
        return all(energy.n_hidden <= MOST_LISTED_UNITS for energy in self.below)

    @property
    def row_elements(self):
        """Number of elements that work on a row takes, for each draw."""
        return max(energy.n_units for energy in self.energies)

    def log_weights(self, rows, uniform):
        """Draw hidden units from q, and compare p with q.

        In each layer log p(v | h) - log q(h | v) is -F(v) + F(h), with the free
        energies of its machine by either layer, where p and q are of one machine, and
        by how much that of p raises log p(v | h) elsewhere.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_visible)
            Visible units.
        uniform : ndarray of shape (n_rows, n_draws, n_inferred)
            Variates between 0 and 1, by which hidden units are drawn.

        Returns
        -------
        log_weights : ndarray of shape (n_rows, n_draws)
            log p(v, h) - log q(h | v) but for log Z of the top, whose last layer is
            summed out. Its mean over draws bounds log p(v) from below, and the mean of
            its exponential is p(v).
        """
        n_rows, n_draws, _ = uniform.shape
        uniform = uniform.reshape(n_rows * n_draws, -1)
        total, start, n_copies = np.zeros(len(uniform)), 0, n_draws
        for energy, draws in zip(self.below, self.downward, strict=True):
            stop = start + energy.n_hidden
            mean = np.repeat(energy.hidden_mean(rows), n_copies, axis=0)
            hidden = (uniform[:, start:stop] < mean).astype(np.float64)
            total -= np.repeat(energy.free_energy(rows), n_copies)
            total += energy.hidden_free_energy(hidden)
            if draws is not energy:
                field, shift = _difference(energy, draws, hidden)
                given = np.repeat(energy.visible.statistics(rows), n_copies, axis=0)
                total += np.einsum("ij,ij->i", given, field) + shift
            rows, start, n_copies = hidden, stop, 1
        total -= np.repeat(self.top.free_energy(rows), n_copies)
        return total.reshape(n_rows, n_draws)

    def exact(self, rows):
        """Do as many draws from q would, by listing all that it can draw.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_visible)
            Visible units.

        Returns
        -------
        bound, log_likelihood : ndarray of shape (n_rows,)
            The lower bound of log p of the rows, and this itself; both but for log Z of
            the top.
        """
        free_energy = self.energies[0].free_energy(rows)
        if not self.below:
            return -free_energy, -free_energy
        energy, hidden = self.energies[0], self.energies[0].every_hidden()
        excess = energy.hidden_free_energy(hidden)
        draws, above = self.downward[0], self.energies[1:]
        bounds, exact = (
            excess + score
            for score in DirectedStack(above, self.generating[1:]).exact(hidden)
        )
        bound, log_likelihood = np.empty(len(rows)), np.empty(len(rows))
        for block in row_blocks(len(rows), max(len(hidden), rows.shape[1])):
            field = energy.hidden_field(rows[block])
            log_q = field @ hidden.T
            log_q -= energy.hidden.log_normaliser(field)[:, np.newaxis]
            q = np.exp(log_q)
            bound[block] = q @ bounds
            if draws is not energy:
                field, shift = _difference(energy, draws, hidden)
                rise = energy.visible.statistics(rows[block]) @ field.T + shift
                bound[block] += np.einsum("ij,ij->i", q, rise)
                log_q += rise
            log_likelihood[block] = logsumexp(log_q + exact, axis=1)
        return bound - free_energy, log_likelihood - free_energy

    def draw_down(self, hidden, noise):
        """Draw visible rows given those of the highest layer but one."""
        for energy in reversed(self.downward):
            field = energy.visible_field(hidden.astype(np.float64))
            hidden = energy.visible.draw(field, noise)
        return hidden


def _difference(lower, other, hidden):
    """Compare p(v | h) of two machines with the same units, for each hidden row.

    Returns
    -------
    field : ndarray of shape (n_rows, n_visible)
    shift : ndarray of shape (n_rows,)
        log p(v | h) of the other is higher by s(v) . field + shift.
    """
    fields = lower.visible_field(hidden), other.visible_field(hidden)
    normalisers = [lower.visible.log_normaliser(field) for field in fields]
    return fields[1] - fields[0], normalisers[0] - normalisers[1]
