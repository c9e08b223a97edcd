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

    The last factor is a restricted machine, the top. What infers hidden units from
    rows, q(h1 | v) q(h2 | h1) ..., has independent units in each layer.

    Parameters
    ----------
    down : tuple of RBMEnergy
        Whose p(v | h) the directed layers have, bottom first, and the top.
    up : tuple of RBMEnergy
        Whose p(h | v) is q, of each but the top. Where it is the same object as in
        `down`, the two fit each other.
    """

    down: tuple[RBMEnergy, ...]
    up: tuple[RBMEnergy, ...]

    @property
    def n_inferred(self):
        """Number of hidden units that q draws, of all layers but the last."""
        return sum(energy.n_hidden for energy in self.up)

    @property
    def sums_are_exact(self):
        """Whether the layers that q draws are small enough to be listed."""
        return all(energy.n_hidden <= MOST_LISTED_UNITS for energy in self.up)

    @property
    def row_elements(self):
        """Number of elements that work on a row takes, for each draw or listed row."""
        return max(energy.n_units for energy in self.down)

    def log_weights(self, rows, uniform):
        """Draw hidden units from q, and compare p with q.

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
        for down, up in zip(self.down[:-1], self.up, strict=True):
            stop = start + up.n_hidden
            mean = np.repeat(up.hidden_mean(rows), n_copies, axis=0)
            hidden = (uniform[:, start:stop] < mean).astype(np.float64)
            total += np.repeat(-up.free_energy(rows), n_copies)
            total += down.hidden_free_energy(hidden)
            if up is not down:
                rows = np.repeat(rows, n_copies, axis=0)
                total += up.energy(rows, hidden) - down.energy(rows, hidden)
            rows, start, n_copies = hidden, stop, 1
        total += np.repeat(-self.down[-1].free_energy(rows), n_copies)
        return total.reshape(n_rows, n_draws)

    def exact(self, rows, level=0):
        """Do as many draws from q would, by listing all that it can draw.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_columns)
            Of the layer below the hidden one of `level`.
        level : int, default=0
            Number of the layer from the bottom.

        Returns
        -------
        bound, log_likelihood : ndarray of shape (n_rows,)
            The lower bound of log p of the rows, and this itself; both but for log Z of
            the top.
        """
        down = self.down[level]
        if level == len(self.up):
            score = -down.free_energy(rows)
            return score, score
        up, hidden = self.up[level], down.every_hidden()
        upper_bound, upper_exact = self.exact(hidden, level + 1)
        of_hidden = down.hidden_free_energy(hidden)
        bound, exact = np.empty(len(rows)), np.empty(len(rows))
        for block in row_blocks(len(rows), max(len(hidden), rows.shape[1])):
            part = rows[block]
            field = down.hidden_field(part)
            log_p = field @ hidden.T + of_hidden
            constant = -down.free_energy(part) - down.hidden.log_normaliser(field)
            log_p += constant[:, np.newaxis]
            field = up.hidden_field(part)
            log_q = field @ hidden.T - up.hidden.log_normaliser(field)[:, np.newaxis]
            excess = log_p - log_q + upper_bound
            bound[block] = np.einsum("ij,ij->i", np.exp(log_q), excess)
            exact[block] = logsumexp(log_p + upper_exact, axis=1)
        return bound, exact

    def draw_down(self, hidden, noise):
        """Draw visible rows given those of the highest layer but one."""
        for energy in reversed(self.down[:-1]):
            field = energy.visible_field(hidden.astype(np.float64))
            hidden = energy.visible.draw(field, noise)
        return hidden
