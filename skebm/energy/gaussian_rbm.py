"""Energy of the restricted Boltzmann machine with Gaussian visible units."""

__all__ = ["GaussianRBMEnergy", "GaussianRBMState"]

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from skebm.energy.gaussian_rbm_centred import CentredGaussianRBM
from skebm.energy.gaussian_rbm_conditionals import conditional_log_density
from skebm.energy.gaussian_rbm_marginal import hidden_machine
from skebm.energy.gaussian_rbm_moments import moments_of_model, moments_of_rows
from skebm.energy.gaussian_rbm_standardised import StandardisedGaussianRBM
from skebm.energy.layers import draw_layer, softplus_of_layer
from skebm.energy.units import logistic


class GaussianRBMState(NamedTuple):
    """Rows of real values, and boolean configurations of the hidden units."""

    visible: np.ndarray
    hidden: np.ndarray


@dataclass(frozen=True, eq=False)
class GaussianRBMEnergy:
    """E(v, h) = |y - a|^2 / 2 - h.b - h' W y, for y = B v and h of zeros and ones.

    B gives the noise of the visible units unit variance, so that W and a are in
    units of the noise. Given h, y has the mean a + W' h. With the visible units
    integrated out, the hidden ones are a fully visible Boltzmann machine [1]_:
    chains move through its configurations, with no visible row in their way.

    Parameters
    ----------
    weights : ndarray of shape (n_hidden, n_visible)
        W above.
    visible_bias : ndarray of shape (n_visible,)
        The means a of y where no hidden unit is on.
    hidden_bias : ndarray of shape (n_hidden,)
        The biases b.
    whitening : DiagonalWhitening or TriangularWhitening
        The map B.
    ridge : float, default=0.0
        What learning adds to the variance of every column of v, so that the noise
        keeps some. Means nothing elsewhere.
    log_volume : float, default=0.0
        Logarithm of the volume, in units that users know, of a unit of volume of v;
        log Z is of the density in their units.

    References
    ----------
    .. [1] Agliari, E., Barra, A., Galluzzi, A., Guerra, F. and Moauro, F. (2012).
       Multitasking associative networks. Physical Review Letters 109, 268101.
       :doi:`10.1103/PhysRevLett.109.268101`
    """

    weights: np.ndarray
    visible_bias: np.ndarray
    hidden_bias: np.ndarray
    whitening: object
    ridge: float = 0.0
    log_volume: float = 0.0

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
        return replace(
            self,
            weights=self.weights.astype(dtype),
            visible_bias=self.visible_bias.astype(dtype),
            hidden_bias=self.hidden_bias.astype(dtype),
            whitening=self.whitening.astype(dtype),
        )

    # ---- energies, in nats: lower is likelier ----

    def energy(self, visible, hidden):
        """Compute E of each pair of rows, shape (n_samples,)."""
        white = self.whitening.apply(visible)
        field = self._field(white)
        return self._spread(white) - np.einsum("ij,ij->i", hidden, field)

    def free_energy(self, visible):
        """Compute -log of the sum over h of exp(-E(v, h)), shape (n_samples,)."""
        white = self.whitening.apply(visible)
        return self._spread(white) - softplus_of_layer(self._field(white))

    def marginal(self):
        """Integrate the visible units out.

        Returns
        -------
        machine : BoltzmannEnergy
            Of the hidden units.
        log_integral : float
            What its log Z lacks to be that of this machine, in nats.
        """
        machine = hidden_machine(self.weights, self.visible_bias, self.hidden_bias)
        log_integral = self.n_visible * np.log(2 * np.pi) / 2 - self.whitening.log_det
        return machine, float(log_integral + self.log_volume)

    def enumerable_layers(self):
        """List the layers whose configurations can be enumerated: the hidden one."""
        return self.marginal()[0].enumerable_layers()

    # ---- conditionals ----

    def hidden_field(self, visible):
        """Compute the log-odds of the hidden units given the visible ones."""
        return self._field(self.whitening.apply(visible))

    def hidden_mean(self, visible):
        """Compute P(h = 1 | v), shape (n_samples, n_hidden)."""
        return logistic(self.hidden_field(visible))

    def visible_mean(self, hidden):
        """Compute the mean of v given h, shape (n_samples, n_visible)."""
        return self.whitening.undo(self._white_mean(hidden))

    def conditional_log_likelihood(self, visible):
        """Compute log p(v_i | the other visible units) for every unit i.

        Returns
        -------
        log_density : ndarray of shape (n_samples, n_visible)
            In nats.
        """
        return conditional_log_density(self, visible)

    # ---- drawing ----

    def clamp(self, visible, noise, beta=1.0):
        """Complete visible rows to a state by drawing the hidden units."""
        field = self.hidden_field(visible.astype(self.dtype))
        return GaussianRBMState(visible, draw_layer(field, noise, beta))

    def chain_rows(self, visible, noise):
        """Give what tempering and annealing move: hidden units, given visible rows."""
        return self.clamp(visible, noise).hidden

    def visible_rows(self, hidden, noise, beta=1.0):
        """Draw the visible units of each row of chains."""
        mean = self._white_mean(hidden.astype(self.dtype))
        mean += noise.rng.standard_normal(mean.shape, mean.dtype) / np.sqrt(beta)
        return self.whitening.undo(mean)

    def gibbs(self, state, noise, beta=1.0, *, n_sweeps=1):
        """Draw the hidden units, one after the other, and the visible ones given them.

        The visible units are integrated out of each draw of a hidden one. Leaves
        exp(-beta E) / Z invariant.
        """
        if n_sweeps == 0:
            return state
        machine, _ = self.marginal()
        chains = machine.clamp(state.hidden, noise)
        hidden = machine.gibbs(chains, noise, beta, n_sweeps=n_sweeps).visible
        return GaussianRBMState(self.visible_rows(hidden, noise, beta), hidden)

    def tempered(self, hidden_mean, beta=1.0):
        """Return the machines of hidden units between independent ones and this."""
        return self.marginal()[0].tempered(hidden_mean, beta)

    # ---- learning ----

    def centred(self, hidden_offset=None):
        """Return this machine in the coordinates in which it learns."""
        return CentredGaussianRBM.from_plain(self, hidden_offset)

    def standardised(self, visible_mean):
        """Return the coordinates for optimisers; the means are taken to be zero."""
        return StandardisedGaussianRBM(self)

    def row_moments(self, visible, row_weights):
        """Sum -free_energy and the moments over weighted rows: `moments_of_rows`."""
        return moments_of_rows(self, visible, row_weights)

    def model_moments(self):
        """Compute log Z and the model's moments by enumeration: `moments_of_model`."""
        return moments_of_model(self)

    def _field(self, white):
        field = np.dot(white, self.weights.T)
        field += self.hidden_bias
        return field

    def _spread(self, white):
        deviation = white - self.visible_bias
        return np.einsum("ij,ij->i", deviation, deviation) / 2

    def _white_mean(self, hidden):
        mean = np.dot(hidden, self.weights)
        mean += self.visible_bias
        return mean
