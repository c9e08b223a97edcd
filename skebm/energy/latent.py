"""Boltzmann machines with hidden units, and couplings within their layers."""

__all__ = ["MAX_SUMMED_UNITS", "LatentEnergy"]

from dataclasses import dataclass

import numpy as np

from skebm.energy.base import Energy
from skebm.energy.mean_field import log_sum_bound, mean_field
from skebm.energy.pairwise import PairwiseEnergy
from skebm.energy.sums.split import (
    draw_cut,
    free_energy_of_cut,
    log_sums,
    unit_moments,
)
from skebm.energy.sweeps import gibbs_sweeps
from skebm.units.binary import BinaryUnits

# Units of one layer that are enumerated for each row of the other, at most.
MAX_SUMMED_UNITS = 12

# Gibbs sweeps that complete rows by hidden units, from draws of mean field.
_COMPLETING_SWEEPS = 10

# Fields of hidden units that are summed over for each row of a batch, at most: what
# then costs less than ten sweeps of Gibbs sampling.
_MOST_FIELDS = 256


@dataclass(frozen=True, eq=False)
class LatentEnergy(PairwiseEnergy):
    """E(x) = -x' W x / 2 - b.x, where the last units of x are hidden.

    Where rows are asked for, they have a column either for each visible unit, the
    first ones, or for each unit. All that is inherited is about all units.

    Parameters
    ----------
    matrix, offset
        As of `PairwiseEnergy`, of all units.
    graph : LayeredGraph
        Where couplings can be, and which units are hidden.
    posterior : {"mean_field", "gibbs"}, default="mean_field"
        Whether learning takes for hidden units of data the means of independent ones
        that come closest, or draws given the visible ones [1]_. Not looked at where the
        exact law is cheap: some of them are then drawn from it, such that the others
        are independent and take their means.
    n_posterior_steps : int, default=10
        Sweeps over them: of mean field, and then of Gibbs sampling from these means.

    References
    ----------
    .. [1] Salakhutdinov, R. and Hinton, G. (2009). Deep Boltzmann machines.
       AISTATS, 448-455.
    """

    posterior: str = "mean_field"
    n_posterior_steps: int = 10

    @property
    def n_hidden(self):
        """Number of hidden units, the last ones."""
        return self.graph.n_hidden

    @property
    def n_visible(self):
        """Number of visible units, the first ones."""
        return self.n_units - self.n_hidden

    @property
    def sums_are_exact(self):
        """Whether hidden units are summed out exactly, and not bounded."""
        return len(self.graph.hidden_split.cut) <= MAX_SUMMED_UNITS

    def shifted(self, visible=None, hidden=None):
        """Describe the same distribution with other offsets of units, where given."""
        offset = self.offset[:-1].copy()
        if visible is not None:
            offset[: self.n_visible] = visible
        if hidden is not None:
            offset[self.n_visible :] = hidden
        return super().shifted(offset)

    def centred(self, mean):
        """Shift offsets to these means of visible units, of hidden ones to 1/2."""
        return self.shifted(mean, 0.5)

    # ---- energies ----

    def energy(self, rows, hidden=None):
        """Compute E of rows of all units, or of visible and hidden ones."""
        return super().energy(rows if hidden is None else np.hstack([rows, hidden]))

    def free_energy(self, rows):
        """Compute -log of the sum of exp(-E) over the units that rows leave open.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_visible) or (n_rows, n_units)
            Visible units, or all of them: then this is the energy.

        Returns
        -------
        free_energy : ndarray of shape (n_rows,)
            In nats. Unless `sums_are_exact` a bound from above, by mean field.
        """
        if rows.shape[1] == self.n_units:
            return self.energy(rows)
        return self._visible_energy(rows) - self._log_sums(self.hidden_field(rows))

    def _log_sums(self, field):
        """Compute the logs of sums over hidden units in fields, or their bounds."""
        couplings = self._hidden_couplings
        if self.sums_are_exact:
            return log_sums(field, couplings, self.graph.hidden_split)
        mean = mean_field(field, couplings, self.graph.hidden_colours)
        return log_sum_bound(mean, field, couplings)

    @property
    def visible_units(self):
        """Units of visible rows."""
        return BinaryUnits(self.n_visible)

    def rises(self, rows):
        """Compute by how much the free energy rises where one visible unit is flipped.

        Unless `sums_are_exact`, it is a difference of bounds.
        """
        n_visible, field = self.n_visible, self.hidden_field(rows)
        linear = rows @ self.couplings[:n_visible, :n_visible]
        linear += self.bias[:n_visible]
        change, log_sum = 1 - 2 * rows, self._log_sums(field)
        result = -change * linear
        for unit, weights in enumerate(self.couplings[:n_visible, n_visible:]):
            flipped = field + np.outer(change[:, unit], weights)
            result[:, unit] += log_sum - self._log_sums(flipped)
        return result

    def enumerable_layers(self):
        """List what can be enumerated: all units but a set of independent ones."""
        split = self.graph.split

        def free_energy(configurations):
            return free_energy_of_cut(configurations, self.couplings, self.bias, split)

        def rows_of(configurations, noise):
            # The others are independent given these, so that one sweep draws them.
            rows = np.zeros((len(configurations), self.n_units), dtype=bool)
            rows[:, split.cut] = configurations
            fixed = np.zeros(self.n_units, dtype=bool)
            fixed[split.cut] = True
            return self.sweep(self.context(rows), noise, fixed=fixed)

        return [(BinaryUnits(len(split.cut)), free_energy, rows_of)]

    # ---- conditionals ----

    def hidden_field(self, visible):
        """Compute the log-odds of hidden units, the other hidden ones being off."""
        n_visible = self.n_visible
        field = np.dot(visible, self.couplings[:n_visible, n_visible:])
        field += self.bias[n_visible:]
        return field

    def hidden_mean(self, visible):
        """Compute P(h = 1 | x), by mean field unless `sums_are_exact`."""
        graph = self.graph
        return _means(
            self.hidden_field(visible),
            self._hidden_couplings,
            graph.hidden_colours,
            graph.hidden_split,
        )

    def visible_mean(self, hidden):
        """Compute P(x = 1 | h), by mean field where sums are too long."""
        n_visible, graph = self.n_visible, self.graph
        field = np.dot(hidden, self.couplings[n_visible:, :n_visible])
        field += self.bias[:n_visible]
        couplings = np.ascontiguousarray(self.couplings[:n_visible, :n_visible])
        return _means(field, couplings, graph.visible_colours, graph.visible_split)

    def conditional_log_likelihood(self, rows):
        """Compute log p(x_i | the other visible units) for every visible unit i.

        Unless `sums_are_exact`, odds are approximated by differences of bounds.
        """
        return Energy.conditional_log_likelihood(self, rows)

    # ---- draws ----

    def chain_mean(self, mean):
        """Give means of all units, of hidden ones 1/2."""
        return np.append(mean, np.full(self.n_hidden, 0.5))

    def complete(self, visible, noise, beta=1.0):
        """Make rows of all units, the hidden ones drawn given the visible ones.

        Rows of all units stay as they are. Draws come from mean field, and are then
        moved by Gibbs sampling where that is not exact.
        """
        if visible.shape[1] == self.n_units:
            return visible
        beta = self.dtype.type(beta)
        hidden = self._draw_hidden(
            beta * self.hidden_field(visible.astype(self.dtype)),
            beta * self._hidden_couplings,
            noise,
            _COMPLETING_SWEEPS,
        )
        # Values between 0 and 1, which only a start can have, are rounded.
        return np.concatenate([visible > 0.5, hidden], axis=1)

    def visible_of(self, rows, noise, beta=1.0):
        """Give the visible units of rows of all units."""
        return rows[:, : self.n_visible]

    def _draw_hidden(self, field, couplings, noise, n_sweeps, n_steps=None):
        colours = self.graph.hidden_colours
        mean = mean_field(field, couplings, colours, n_steps)
        hidden = 2 * mean - 1 > noise.draw(field.shape)
        if len(colours) == 1:
            return hidden
        return gibbs_sweeps(hidden, couplings, field, noise, n_sweeps=n_sweeps)

    # ---- learning ----

    def statistics(self, rows, row_weights=None, *, noise=None):
        """Average products of centred units over rows of visible units, or of all.

        Hidden units that rows leave open take values as `posterior` says, or without
        `noise` the means of mean field.
        """
        if rows.shape[1] < self.n_units:
            rows = np.concatenate([rows, self._posterior(rows, noise)], axis=1)
        return super().statistics(rows, row_weights)

    def sides(self, rows):
        """Give centred units, hidden ones at their means, as both sides of products."""
        mean = self._mean_field(self.hidden_field(rows.astype(self.dtype)))
        return super().sides(np.concatenate([rows, mean], axis=1))

    def drifted(self, rows, fraction):
        """Move the offsets of hidden units a share of the way to their means."""
        drift = fraction * self.sides(rows)[0].mean(axis=0)
        drift[: self.n_visible] = 0
        return PairwiseEnergy.shifted(self, (self.offset + drift)[:-1])

    def positive_phase(self, rows, row_weights):
        """Sum -F and the statistics over rows of visible units, by enumeration."""
        hidden = unit_moments(
            self.hidden_field(rows),
            self._hidden_couplings,
            self.graph.hidden_split,
            row_weights,
        )
        score = hidden.log_sums - self._visible_energy(rows)
        weighted = rows * row_weights[:, np.newaxis]
        across = weighted.T @ hidden.mean
        products = np.block([[weighted.T @ rows, across], [across.T, hidden.products]])
        mean = np.concatenate([weighted.sum(axis=0), row_weights @ hidden.mean])
        moments = _with_constant(products, mean, row_weights.sum())
        return row_weights @ score, self.of_moments(moments)

    def negative_phase(self):
        """Compute log Z and the statistics, by enumeration."""
        sums = unit_moments(
            self.bias[np.newaxis], self.couplings, self.graph.split, np.ones(1)
        )
        moments = _with_constant(sums.products, sums.mean[0], 1.0)
        return float(sums.log_sums[0]), self.of_moments(moments)

    def _posterior(self, rows, noise):
        """Give the values that learning takes for the hidden units of data."""
        field = self.hidden_field(rows.astype(self.dtype, copy=False))
        colours, split = self.graph.hidden_colours, self.graph.hidden_split
        if noise is None or len(colours) == 1:
            return self._mean_field(field)
        if 2 ** len(split.cut) * len(split.rest) <= _MOST_FIELDS:
            return draw_cut(field, self._hidden_couplings, split, noise)
        if self.posterior == "mean_field":
            return self._mean_field(field)
        n_steps = self.n_posterior_steps
        return self._draw_hidden(field, self._hidden_couplings, noise, n_steps, n_steps)

    def _mean_field(self, field):
        colours = self.graph.hidden_colours
        return mean_field(
            field, self._hidden_couplings, colours, self.n_posterior_steps
        )

    @property
    def _hidden_couplings(self):
        return np.ascontiguousarray(self.couplings[self.n_visible :, self.n_visible :])

    def _visible_energy(self, visible):
        """Compute the energy of visible units, the hidden ones being off."""
        n_visible = self.n_visible
        field = visible @ self.couplings[:n_visible, :n_visible]
        field *= 0.5
        field += self.bias[:n_visible]
        return -np.einsum("ij,ij->i", visible, field)


def _with_constant(products, mean, mass):
    """Append to sums of products of units those of units and the constant."""
    mean = mean[:, np.newaxis]
    return np.block([[products, mean], [mean.T, np.full((1, 1), mass)]])


def _means(field, couplings, colours, split):
    """Average coupled units in fields of each row, exactly where that is feasible."""
    if len(split.cut) > MAX_SUMMED_UNITS or len(colours) == 1:
        return mean_field(field, couplings, colours)
    weights = np.zeros(len(field), field.dtype)
    return unit_moments(field, couplings, split, weights).mean
