"""Energy of the Boltzmann machine with hidden units."""

__all__ = ["MAX_SUMMED_UNITS", "LatentEnergy", "LatentState"]

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from skebm.energy.boltzmann import BoltzmannEnergy
from skebm.energy.boltzmann_moments import BoltzmannMoments
from skebm.energy.boltzmann_standardised import StandardisedBoltzmann
from skebm.energy.latent_graph import LatentGraph
from skebm.energy.latent_mean_field import log_sum_bound, mean_field
from skebm.energy.latent_sums import free_energy_of_cut, log_sums, unit_moments
from skebm.energy.sweeps import gibbs_sweeps, metropolis_sweeps
from skebm.energy.units import softplus

# Units of one layer that are enumerated for each row of the other, at most.
MAX_SUMMED_UNITS = 12

# Gibbs sweeps that complete rows by hidden units, from draws of mean field.
_COMPLETING_SWEEPS = 10


class LatentState(NamedTuple):
    """Boolean configurations of both layers, one row a chain."""

    visible: np.ndarray
    hidden: np.ndarray


@dataclass(frozen=True, eq=False)
class LatentEnergy(BoltzmannEnergy):
    """E(x) = -x' W x / 2 - b.x, where the last units of x are hidden.

    Where a table of configurations is asked for, it has a column either for each
    unit or for each visible unit. All that is inherited is about all units.

    Parameters
    ----------
    couplings : ndarray of shape (n_units, n_units)
        W above, symmetric with zero diagonal.
    bias : ndarray of shape (n_units,)
        The biases b.
    connectivity : LatentGraph
        Where couplings can be, and which units are hidden.
    """

    connectivity: LatentGraph

    @property
    def n_hidden(self):
        """Number of hidden units, the last ones."""
        return self.connectivity.n_hidden

    @property
    def n_features(self):
        """Number of visible units, the first ones."""
        return self.n_units - self.n_hidden

    @property
    def sums_are_exact(self):
        """Whether hidden units are summed out exactly, and not bounded."""
        return len(self.connectivity.hidden_split.cut) <= MAX_SUMMED_UNITS

    # ---- energies, in nats: lower is likelier ----

    def energy(self, rows, hidden=None):
        """Compute E of rows of all units, or of visible and hidden ones."""
        return super().energy(rows if hidden is None else np.hstack([rows, hidden]))

    def free_energy(self, rows):
        """Compute -log of the sum of exp(-E) over the units that rows leave open.

        Parameters
        ----------
        rows : ndarray of shape (n_samples, n_features) or (n_samples, n_units)
            Visible units, or all of them: then this is the energy.

        Returns
        -------
        free_energy : ndarray of shape (n_samples,)
            In nats. Unless `sums_are_exact` a bound from above, by mean field.
        """
        if rows.shape[1] == self.n_units:
            return self.energy(rows)
        field, couplings = self.hidden_field(rows), self._hidden_couplings
        if self.sums_are_exact:
            log_sum = log_sums(field, couplings, self.connectivity.hidden_split)
        else:
            mean = mean_field(field, couplings, self.connectivity.hidden_colours)
            log_sum = log_sum_bound(mean, field, couplings)
        return self._visible_energy(rows) - log_sum

    def enumerable_layers(self):
        """List what can be enumerated: all units but a set of independent ones."""
        split = self.connectivity.split

        def free_energy(configurations):
            return free_energy_of_cut(configurations, self.couplings, self.bias, split)

        return [(len(split.cut), free_energy)]

    # ---- conditionals ----

    def hidden_field(self, visible):
        """Compute the log-odds of hidden units, the other hidden ones being off."""
        n_features = self.n_features
        field = np.dot(visible, self.couplings[:n_features, n_features:])
        field += self.bias[n_features:]
        return field

    def hidden_mean(self, visible):
        """Compute P(h = 1 | x), by mean field unless `sums_are_exact`.

        Returns
        -------
        mean : ndarray of shape (n_samples, n_hidden)
            Probabilities.
        """
        graph = self.connectivity
        return _means(
            self.hidden_field(visible),
            self._hidden_couplings,
            graph.hidden_colours,
            graph.hidden_split,
        )

    def visible_mean(self, hidden):
        """Compute P(x = 1 | h), by mean field where sums are too long.

        Returns
        -------
        mean : ndarray of shape (n_samples, n_features)
            Probabilities.
        """
        n_features, graph = self.n_features, self.connectivity
        field = np.dot(hidden, self.couplings[n_features:, :n_features])
        field += self.bias[:n_features]
        couplings = np.ascontiguousarray(self.couplings[:n_features, :n_features])
        return _means(field, couplings, graph.visible_colours, graph.visible_split)

    def conditional_log_likelihood(self, visible):
        """Compute log p(x_i | the other visible units) for every visible unit i.

        A value between 0 and 1 weighs the log-probabilities of on and off. Unless
        `sums_are_exact`, odds are approximated by differences of bounds.

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples, n_features)
            In nats.
        """
        result = np.empty_like(visible)
        flipped = visible.copy()
        for unit, value in enumerate(visible.T):
            flipped[:, unit] = 0
            log_odds = self.free_energy(flipped)
            flipped[:, unit] = 1
            log_odds -= self.free_energy(flipped)
            flipped[:, unit] = value
            result[:, unit] = value * log_odds - softplus(log_odds)
        return result

    # ---- drawing ----

    def clamp(self, rows, noise, beta=1.0):
        """Complete rows of visible units, where they are not complete, to a state.

        Hidden units are drawn from mean field, and then moved by Gibbs sampling
        where that is not exact.
        """
        if rows.shape[1] == self.n_units:
            return self._state(rows)
        colours = self.connectivity.hidden_colours
        beta = self.dtype.type(beta)
        couplings = beta * self._hidden_couplings
        field = beta * self.hidden_field(rows.astype(self.dtype))
        hidden = 2 * mean_field(field, couplings, colours) - 1 > noise.draw(field.shape)
        if len(colours) > 1:
            n_sweeps = _COMPLETING_SWEEPS
            hidden = gibbs_sweeps(hidden, couplings, field, noise, n_sweeps=n_sweeps)
        return LatentState(rows, hidden)

    def chain_rows(self, visible, noise):
        """Give what tempering and annealing move: rows of all units."""
        return np.concatenate(self.clamp(visible, noise), axis=1) > 0.5

    def visible_rows(self, rows, noise, beta=1.0):
        """Give the visible units of rows of chains."""
        return rows[:, : self.n_features]

    def gibbs(self, state, noise, beta=1.0, *, n_sweeps=1):
        """Draw all units given all others, one after the other, visible ones first.

        Sweeps of Gibbs sampling, which leave exp(-beta E) / Z invariant.
        """
        return self._moved(gibbs_sweeps, state, noise, beta, n_sweeps)

    def metropolis(self, state, noise, beta=1.0, *, n_sweeps=1):
        """Flip the units one after the other, where Metropolis' rule accepts it.

        Sweeps of it leave exp(-beta E) / Z invariant.
        """
        return self._moved(metropolis_sweeps, state, noise, beta, n_sweeps)

    # ---- learning ----

    def standardised(self, visible_mean):
        """Return the coordinates for optimisers, given the means of the data."""
        hidden_mean = np.full(self.n_hidden, 0.5)
        mean = np.concatenate([visible_mean, hidden_mean])
        return StandardisedBoltzmann(self, mean)

    def row_moments(self, visible, row_weights):
        """Sum -free_energy and the moments over rows of data, by enumeration.

        Parameters
        ----------
        visible : ndarray of shape (n_rows, n_features)
            Zeros and ones, or values in between, used as they are.
        row_weights : ndarray of shape (n_rows,)
            What each row weighs in the sums.

        Returns
        -------
        negative_free_energy : float
            Weighted sum of -F(x), in nats.
        moments : BoltzmannMoments
            Weighted sums, hidden units averaged given the row.
        """
        hidden = unit_moments(
            self.hidden_field(visible),
            self._hidden_couplings,
            self.connectivity.hidden_split,
            row_weights,
        )
        score = hidden.log_sums - self._visible_energy(visible)
        weighted = visible * row_weights[:, np.newaxis]
        across = weighted.T @ hidden.mean
        products = np.block(
            [[weighted.T @ visible, across], [across.T, hidden.products]]
        )
        mean = np.concatenate([weighted.sum(axis=0), row_weights @ hidden.mean])
        return row_weights @ score, BoltzmannMoments(products, mean)

    def model_moments(self):
        """Compute log Z and the model's moments by enumeration.

        Returns
        -------
        log_partition : float
            log Z in nats, exact to rounding.
        moments : BoltzmannMoments
            Means under the model of units, and of products of coupled units.
        """
        field, split = self.bias[np.newaxis], self.connectivity.split
        moments = unit_moments(field, self.couplings, split, np.ones(1))
        means = BoltzmannMoments(moments.products, moments.mean[0])
        return float(moments.log_sums[0]), means

    @property
    def _hidden_couplings(self):
        return np.ascontiguousarray(
            self.couplings[self.n_features :, self.n_features :]
        )

    def _visible_energy(self, visible):
        """Compute the energy of visible units, the hidden ones being off."""
        n_features = self.n_features
        field = visible @ self.couplings[:n_features, :n_features]
        field *= 0.5
        field += self.bias[:n_features]
        return -np.einsum("ij,ij->i", visible, field)

    def _moved(self, sweeps, state, noise, beta, n_sweeps):
        if n_sweeps == 0:
            return state
        # Values between 0 and 1, which only a start can have, are rounded.
        rows = np.concatenate(state, axis=1) > 0.5
        return self._state(self._swept(sweeps, rows, noise, beta, n_sweeps))

    def _state(self, rows):
        visible, hidden = np.split(rows, [self.n_features], axis=1)
        return LatentState(visible, hidden)


def _means(field, couplings, colours, split):
    """Average coupled units in fields of each row, exactly where that is feasible."""
    if len(split.cut) > MAX_SUMMED_UNITS or len(colours) == 1:
        return mean_field(field, couplings, colours)
    weights = np.zeros(len(field), field.dtype)
    return unit_moments(field, couplings, split, weights).mean
