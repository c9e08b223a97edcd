"""Energy of the restricted Boltzmann machine with binary units."""

__all__ = ["BinaryRBMEnergy", "BinaryRBMState"]

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import logit

from skebm.energy.binary_rbm_centred import CentredBinaryRBM
from skebm.energy.binary_rbm_conditionals import conditional_log_likelihood
from skebm.energy.binary_rbm_moments import moments_of_model, moments_of_rows
from skebm.energy.binary_rbm_path import BinaryRBMPath
from skebm.energy.binary_rbm_standardised import StandardisedBinaryRBM
from skebm.energy.binary_rbm_tempered import TemperedBinaryRBM
from skebm.energy.layers import draw_layer, softplus_difference, softplus_of_layer
from skebm.energy.units import logistic, softplus


class BinaryRBMState(NamedTuple):
    """Configurations of both layers, one row a chain.

    The visible units were drawn given the hidden ones, which are None where the
    visible ones were given.
    """

    visible: np.ndarray
    hidden: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class BinaryRBMEnergy:
    """E(v, h) = -v.a - h.b - h' W v, for v and h of zeros and ones.

    Parameters
    ----------
    weights : ndarray of shape (n_hidden, n_visible)
        W above, the transpose of the usual notation.
    visible_bias : ndarray of shape (n_visible,)
        The biases a.
    hidden_bias : ndarray of shape (n_hidden,)
        The biases b.
    """

    weights: np.ndarray
    visible_bias: np.ndarray
    hidden_bias: np.ndarray

    @property
    def n_visible(self):
        """Number of visible units."""
        return self.weights.shape[1]

    @property
    def n_hidden(self):
        """Number of hidden units."""
        return self.weights.shape[0]

    @property
    def n_units(self):
        """Number of all units."""
        return sum(self.weights.shape)

    @property
    def dtype(self):
        """Floating dtype of every parameter."""
        return self.weights.dtype

    def astype(self, dtype):
        """Return the same energy with parameters of another dtype."""
        return BinaryRBMEnergy(*(array.astype(dtype) for array in vars(self).values()))

    def transposed(self):
        """Return the same machine with its two layers exchanged."""
        return BinaryRBMEnergy(self.weights.T, self.hidden_bias, self.visible_bias)

    # ---- energies, in nats: lower is likelier ----

    def energy(self, visible, hidden):
        """Compute E of each pair of rows, shape (n_samples,)."""
        return -(visible @ self.visible_bias) - np.einsum(
            "ij,ij->i", hidden, self.hidden_field(visible)
        )

    def free_energy(self, visible):
        """Compute -log of the sum over h of exp(-E(v, h)), shape (n_samples,)."""
        hidden_part = softplus_of_layer(self.hidden_field(visible))
        return -(visible @ self.visible_bias) - hidden_part

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
            How many binary units the layer has, and the free energy of its
            configurations, the other layer summed out.
        """
        return [
            (self.n_hidden, self.transposed().free_energy),
            (self.n_visible, self.free_energy),
        ]

    # ---- conditionals ----

    def hidden_field(self, visible):
        """Compute the log-odds of the hidden units given the visible ones."""
        field = np.dot(visible, self.weights.T)
        field += self.hidden_bias
        return field

    def hidden_mean(self, visible):
        """Compute P(h = 1 | v), shape (n_samples, n_hidden)."""
        return logistic(self.hidden_field(visible))

    def visible_mean(self, hidden):
        """Compute P(v = 1 | h), shape (n_samples, n_visible)."""
        return self.transposed().hidden_mean(hidden)

    def conditional_log_likelihood(self, visible):
        """Compute log p(v_i | the others) of every i: `conditional_log_likelihood`."""
        return conditional_log_likelihood(self, visible)

    # ---- drawing ----

    def clamp(self, visible, noise, beta=1.0):
        """Make a state of visible rows; the first sweep draws the hidden units."""
        return BinaryRBMState(visible)

    def chain_rows(self, visible, noise):
        """Give what tempering and annealing move: the visible rows themselves."""
        return visible

    def visible_rows(self, rows, noise, beta=1.0):
        """Give the visible units of rows of chains: the rows themselves."""
        return rows

    def gibbs(self, state, noise, beta=1.0, *, n_sweeps=1):
        """Draw the hidden layer given the visible one, then the visible; repeatedly.

        Sweeps of block Gibbs sampling, which leave exp(-beta E) / Z invariant.
        """
        for _ in range(n_sweeps):
            hidden = self._draw_hidden(state.visible, noise, beta)
            visible = self.transposed()._draw_hidden(hidden, noise, beta)
            state = BinaryRBMState(visible, hidden)
        return state

    def independent(self, visible_mean):
        """Return the machine of independent units, the visible ones of given means.

        Returns
        -------
        energy : BinaryRBMEnergy
            Of the same shape and dtype, without weights; its hidden units are on
            half of the time.
        log_partition : float
            Its log Z in nats, exact.
        """
        bias = logit(visible_mean)
        energy = BinaryRBMEnergy(
            np.zeros_like(self.weights),
            bias.astype(self.dtype),
            np.zeros_like(self.hidden_bias),
        )
        log_partition = softplus(energy.visible_bias.astype(np.float64)).sum()
        return energy, log_partition + self.n_hidden * np.log(2)

    def towards(self, other, fraction):
        """Return the machine that lies this share of the way to another."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return BinaryRBMEnergy(*(a + fraction * (b - a) for a, b in pairs))

    def arrive(self, visible, before, noise):
        """Weigh visible rows that come from another machine, then sweep them.

        Parameters
        ----------
        visible : ndarray of shape (n_chains, n_visible)
            Boolean rows.
        before : BinaryRBMEnergy
            The machine that they come from.
        noise : UniformNoise
            Source of the draws.

        Returns
        -------
        visible : ndarray of shape (n_chains, n_visible)
            After one Gibbs sweep of this machine.
        log_weight : ndarray of shape (n_chains,)
            Fall in free energy of the given rows, in nats, float64.
        """
        rows = visible.astype(self.dtype)
        tilt = np.dot(rows, self.visible_bias - before.visible_bias)
        field = self.hidden_field(rows)
        log_weight = tilt + softplus_difference(before.hidden_field(rows), field)
        hidden = draw_layer(field, noise)
        return self.transposed()._draw_hidden(hidden, noise), log_weight

    def annealing_path(self, visible_mean):
        """Return the path to this machine from independent visible units."""
        return BinaryRBMPath(self, visible_mean)

    def tempered(self, visible_mean, beta=1.0):
        """Return the machines between independent units and exp(-beta E) / Z."""
        parameters = (beta * array for array in vars(self).values())
        return TemperedBinaryRBM(*parameters, visible_mean)

    # ---- learning ----

    def centred(self, visible_offset=None, hidden_offset=None):
        """Return this machine in the coordinates in which it learns."""
        return CentredBinaryRBM.from_plain(self, visible_offset, hidden_offset)

    def standardised(self, visible_mean):
        """Return the coordinates for optimisers, given the means of the data."""
        return StandardisedBinaryRBM(BinaryRBMEnergy, visible_mean, self.n_hidden)

    def row_moments(self, visible, row_weights):
        """Sum -free_energy and the moments over weighted rows: `moments_of_rows`."""
        return moments_of_rows(self, visible, row_weights)

    def model_moments(self):
        """Compute log Z and the model's moments by enumerating its smaller layer.

        Returns
        -------
        log_partition : float
            log Z in nats, exact to rounding.
        moments : BinaryRBMMoments
            Means of h v', of v and of h.
        """
        if self.n_visible <= self.n_hidden:
            return moments_of_model(self)
        log_partition, moments = moments_of_model(self.transposed())
        return log_partition, moments.transposed()

    def _draw_hidden(self, visible, noise, beta=1.0):
        return draw_layer(self.hidden_field(visible.astype(self.dtype)), noise, beta)
