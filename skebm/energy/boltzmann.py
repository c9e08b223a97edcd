"""Energy of the fully visible Boltzmann machine."""

__all__ = ["BoltzmannEnergy", "BoltzmannState"]

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.special import logit

from skebm.energy.boltzmann_centred import CentredBoltzmann
from skebm.energy.boltzmann_moments import moments_of_model, moments_of_rows
from skebm.energy.boltzmann_path import BoltzmannPath
from skebm.energy.boltzmann_standardised import StandardisedBoltzmann
from skebm.energy.boltzmann_tempered import TemperedBoltzmann
from skebm.energy.connectivity import Connectivity
from skebm.energy.sweeps import gibbs_sweeps, metropolis_sweeps
from skebm.energy.units import logistic, softplus


class BoltzmannState(NamedTuple):
    """Boolean configurations of the units, one row a chain."""

    visible: np.ndarray


@dataclass(frozen=True, eq=False)
class BoltzmannEnergy:
    """E(x) = -x' W x / 2 - b.x, for x of zeros and ones.

    Parameters
    ----------
    couplings : ndarray of shape (n_visible, n_visible)
        W above, symmetric with zero diagonal.
    bias : ndarray of shape (n_visible,)
        The biases b.
    connectivity : Connectivity, default=None
        Where couplings can be; elsewhere `couplings` is zero. None lets every
        pair of units have one.
    """

    couplings: np.ndarray
    bias: np.ndarray
    connectivity: Connectivity | None = None

    @property
    def n_visible(self):
        """Number of visible units."""
        return len(self.bias)

    @property
    def n_units(self):
        """Number of all units, each of them visible."""
        return len(self.bias)

    @property
    def dtype(self):
        """Floating dtype of every parameter."""
        return self.couplings.dtype

    @property
    def weights(self):
        """Each coupling once, as penalties count them, shape (n_couplings,)."""
        return self.couplings[self.edges()]

    @property
    def colours(self):
        """Units that can be drawn at once, colour by colour, or None."""
        return None if self.connectivity is None else self.connectivity.colours

    def edges(self):
        """List the couplings: arrays of their first and second units."""
        if self.connectivity is None:
            return np.triu_indices(self.n_visible, 1)
        return self.connectivity.edges()

    def astype(self, dtype):
        """Return the same energy with parameters of another dtype."""
        return self._with(self.couplings.astype(dtype), self.bias.astype(dtype))

    def sparse_couplings(self):
        """Give W as samplers and products want it: in CSR format where it has few.

        That is where `colours` says which units can be drawn at once.
        """
        if self.colours is None:
            return self.couplings
        return self.connectivity.sparse(self.couplings)

    # ---- energies, in nats: lower is likelier ----

    def energy(self, visible):
        """Compute E of each row, shape (n_samples,)."""
        field = visible @ self.sparse_couplings()
        field *= 0.5
        field += self.bias
        return -np.einsum("ij,ij->i", visible, field)

    def free_energy(self, visible):
        """Compute the energy of each row: there is nothing to sum out."""
        return self.energy(visible)

    def marginal(self):
        """Give the machine that chains move through: this one.

        Returns
        -------
        machine : energy object
            What annealing and tempering see.
        log_summed : float
            What its log Z lacks to be that of this machine, in nats.
        """
        return self, 0.0

    def enumerable_layers(self):
        """List the layers whose configurations can be enumerated.

        Returns
        -------
        layers : list of (n_units, free_energy)
            The one layer that there is.
        """
        return [(self.n_visible, self.energy)]

    # ---- conditionals ----

    def field(self, visible):
        """Compute the log-odds of every unit given the others."""
        field = visible @ self.sparse_couplings()
        field += self.bias
        return field

    def conditional_mean(self, visible):
        """Compute P(x_i = 1 | the other units) for every unit i."""
        return logistic(self.field(visible))

    def conditional_log_likelihood(self, visible):
        """Compute log p(x_i | the other units) for every unit i.

        A value between 0 and 1 weighs the log-probabilities of on and off, and
        enters the fields of others as it is.

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples, n_visible)
            In nats.
        """
        field = self.field(visible)
        return visible * field - softplus(field)

    # ---- drawing ----

    def clamp(self, visible, noise, beta=1.0):
        """Make a state of visible rows, which are all of it; nothing is drawn."""
        return BoltzmannState(visible)

    def chain_rows(self, visible, noise):
        """Give what tempering and annealing move: the visible rows themselves."""
        return visible

    def visible_rows(self, rows, noise, beta=1.0):
        """Give the visible units of rows of chains: the rows themselves."""
        return rows

    def gibbs(self, state, noise, beta=1.0, *, n_sweeps=1):
        """Draw the units given all others, one after the other; repeatedly.

        Sweeps of Gibbs sampling, which leave exp(-beta E) / Z invariant.
        """
        visible = self._swept(gibbs_sweeps, state.visible, noise, beta, n_sweeps)
        return BoltzmannState(visible)

    def metropolis(self, state, noise, beta=1.0, *, n_sweeps=1):
        """Flip the units one after the other, where Metropolis' rule accepts it.

        Sweeps of it leave exp(-beta E) / Z invariant.
        """
        visible = self._swept(metropolis_sweeps, state.visible, noise, beta, n_sweeps)
        return BoltzmannState(visible)

    def independent(self, visible_mean):
        """Return the machine of independent units of given means.

        Returns
        -------
        energy : BoltzmannEnergy
            Of the same shape and dtype, without couplings.
        log_partition : float
            Its log Z in nats, exact.
        """
        bias = logit(visible_mean).astype(self.dtype)
        energy = self._with(np.zeros_like(self.couplings), bias)
        return energy, softplus(bias.astype(np.float64)).sum()

    def towards(self, other, fraction):
        """Return the machine that lies this share of the way to another."""
        couplings = self.couplings + fraction * (other.couplings - self.couplings)
        return self._with(couplings, self.bias + fraction * (other.bias - self.bias))

    def arrive(self, visible, before, noise):
        """Weigh rows that come from another machine, then sweep them.

        Parameters
        ----------
        visible : ndarray of shape (n_chains, n_visible)
            Boolean rows.
        before : BoltzmannEnergy
            The machine that they come from.
        noise : UniformNoise
            Source of the draws.

        Returns
        -------
        visible : ndarray of shape (n_chains, n_visible)
            After one Gibbs sweep of this machine.
        log_weight : ndarray of shape (n_chains,)
            Fall in energy of the given rows, in nats, float64.
        """
        rows = visible.astype(self.dtype)
        log_weight = before.energy(rows).astype(np.float64) - self.energy(rows)
        return self._swept(gibbs_sweeps, visible, noise), log_weight

    def annealing_path(self, visible_mean):
        """Return the path to this machine from independent units."""
        return BoltzmannPath(self, visible_mean)

    def tempered(self, visible_mean, beta=1.0):
        """Return the machines between independent units and exp(-beta E) / Z."""
        beta = float(beta)  # a NumPy scalar would widen float32
        target = self._with(beta * self.couplings, beta * self.bias)
        return TemperedBoltzmann(target, visible_mean)

    # ---- learning ----

    def centred(self, visible_offset=None, hidden_offset=None):
        """Return this machine in the coordinates in which it learns.

        There are no hidden units for a `hidden_offset` to be of.
        """
        return CentredBoltzmann.from_plain(self, visible_offset)

    def standardised(self, visible_mean):
        """Return the coordinates for optimisers, given the means of the data."""
        return StandardisedBoltzmann(self, visible_mean)

    def row_moments(self, visible, row_weights):
        """Sum -E and the moments over weighted rows: `moments_of_rows`."""
        return moments_of_rows(self, visible, row_weights)

    def model_moments(self):
        """Compute log Z and the model's moments by enumeration: `moments_of_model`."""
        return moments_of_model(self)

    def _with(self, couplings, bias):
        return replace(self, couplings=couplings, bias=bias)

    def _swept(self, sweeps, visible, noise, beta=1.0, n_sweeps=1):
        return sweeps(
            visible,
            self.sparse_couplings(),
            self.bias,
            noise,
            n_sweeps=n_sweeps,
            beta=beta,
            colours=self.colours,
        )
