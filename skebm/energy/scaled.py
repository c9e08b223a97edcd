"""Machines of real-valued rows whose contrast varies: mixtures over scales."""

__all__ = ["ScaledEnergy"]

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp, softmax

from skebm.energy.base import Energy
from skebm.energy.completions import draw_of_law
from skebm.energy.scale_learning import ScaleLearning
from skebm.energy.scale_parameters import ScaleParameters
from skebm.energy.scale_sums import ScaleSums
from skebm.units.gaussian import GaussianUnits


@dataclass(frozen=True, eq=False)
class ScaledEnergy(ScaleParameters, ScaleLearning, ScaleSums, Energy):
    """A machine whose rows y are stretched, each by a scale of its own: v = c + r y.

    The scale s = r^2 of the variance is one of a few. It is drawn with shares of their
    own, and independently of y [1]_. So log Z is that of the machine, chains are those
    of the machine, and so is the negative phase of learning. What is said of a row is
    an average, over the scales that it may have, of what the machine says of it at
    each, which is then y = (v - c) / r.

    A factor that all scales share is one of the noise of the machine as well.

    Parameters
    ----------
    machine : GaussianRBMEnergy
        Of y.
    log_scales : ndarray of shape (n_scales,)
        Logarithms of s.
    log_weights : ndarray of shape (n_scales,)
        Logarithms of the shares, but for a constant.
    shift : ndarray of shape (n_visible,)
        c, from which rows are stretched, as a row of the frame.
    origin : ndarray of shape (n_visible,)
        The row that is 0 in the frame. Learning measures from here how large rows are,
        of which the ridge of the machine is a share. It stays as it is.
    frame : GaussianUnits
        Units whose noise gives the shift its unit, since rows tell most of it along
        directions in which they are narrow. They stay as they are.

    References
    ----------
    .. [1] Andrews, D. F. and Mallows, C. L. (1974). Scale mixtures of normal
       distributions. Journal of the Royal Statistical Society B 36(1), 99-102.
    """

    machine: Energy
    log_scales: np.ndarray
    log_weights: np.ndarray
    shift: np.ndarray
    origin: np.ndarray
    frame: GaussianUnits

    @classmethod
    def of(cls, machine, log_scales, log_weights, centre):
        """Make a machine with scales, in the frame of c and of the noise."""
        shift = np.zeros_like(centre)
        return cls(machine, log_scales, log_weights, shift, centre, machine.noise)

    @property
    def units(self):
        """Units of the rows that chains move: those of the machine."""
        return self.machine.units

    @property
    def visible_units(self):
        """Units of visible rows."""
        return self.machine.visible

    @property
    def hidden(self):
        """Hidden units."""
        return self.machine.hidden

    @property
    def n_visible(self):
        """Number of visible columns."""
        return self.machine.n_visible

    @property
    def n_hidden(self):
        """Number of columns of the hidden layer."""
        return self.machine.n_hidden

    @property
    def n_units(self):
        """Number of columns of all layers, at all scales."""
        return self.machine.n_units * len(self.log_scales)

    @property
    def log_volume(self):
        """Logarithm of the volume of a unit of volume of v, as of the machine."""
        return self.machine.log_volume

    # ---- energies ----

    def joint(self, rows):
        """Give the log of what exp(-E) sums to with each scale, (n_rows, n_scales)."""
        rows = rows.astype(self.dtype, copy=False) - self.centre
        n_columns = np.full(len(rows), rows.shape[1])
        return self.machine.scores_at(rows, self.roots) + self.log_shares(n_columns)

    def free_energy(self, rows):
        """Compute -log of what exp(-E) sums to over scales and h, shape (n_rows,)."""
        return -logsumexp(self.joint(rows), axis=1)

    def energy(self, visible, hidden):
        """Compute -log of what exp(-E) sums to over scales, of each pair of rows."""
        scores = [-self.machine.energy(own, hidden) for own in self.at_scales(visible)]
        n_columns = np.full(len(visible), self.n_visible)
        joint = np.column_stack(scores) + self.log_shares(n_columns)
        return -logsumexp(joint, axis=1)

    def hidden_mean(self, rows):
        """Compute the mean of the hidden units given visible rows."""
        copies, law = self.at_scales(rows), softmax(self.joint(rows), axis=1)
        means = self.machine.hidden_mean(copies.reshape(-1, copies.shape[2]))
        return np.einsum("ik,kij->ij", law, means.reshape(*copies.shape[:2], -1))

    def visible_mean(self, hidden):
        """Compute the mean of the visible units given hidden rows."""
        root = self.shares @ self.roots
        return self.centre + root * self.machine.visible_mean(hidden)

    def conditional_log_likelihood(self, rows):
        """Compute log p(v_i | the others) of every i, by those at each scale."""
        copies = self.at_scales(rows)
        joint = self.joint(rows).T[:, :, np.newaxis]
        flat = copies.reshape(-1, copies.shape[2])
        own = self.machine.conditional_log_likelihood(flat).reshape(copies.shape)
        own -= self.log_scales[:, np.newaxis, np.newaxis] / 2
        return logsumexp(joint, axis=0) - logsumexp(joint - own, axis=0)

    # ---- chains, which are those of the machine ----

    def context(self, rows):
        """Compute what the machine needs of rows that chains move."""
        return self.machine.context(rows)

    def score(self, context, beta=1.0):
        """Compute the score that rows of chains have by the machine."""
        return self.machine.score(context, beta)

    def log_ratio(self, context, beta, other):
        """Compare rows of chains at two inverse temperatures."""
        return self.machine.log_ratio(context, beta, other)

    def sweep(self, context, noise, **settings):
        """Sweep the chains of the machine."""
        return self.machine.sweep(context, noise, **settings)

    def gibbs(self, rows, noise, n_sweeps=1, **settings):
        """Make so many sweeps."""
        return self.machine.gibbs(rows, noise, n_sweeps, **settings)

    def chain_mean(self, mean):
        """Give means of rows that chains move."""
        return self.machine.chain_mean(mean)

    def enumerable_layers(self):
        """List the hidden layer, of which visible rows are drawn."""
        return self.machine.enumerable_layers()

    def marginal(self):
        """Give the machine of the hidden units: scales leave log Z as it is."""
        return self.machine.marginal()

    def complete(self, visible, noise, beta=1.0):
        """Draw scales, and then rows that chains move, given visible rows."""
        own, _ = self.at_drawn_scales(visible, noise)
        return self.machine.complete(own, noise)

    def visible_of(self, rows, noise, beta=1.0):
        """Draw y of rows that chains move, and scales."""
        scale = noise.rng.choice(len(self.roots), len(rows), p=self.shares)
        return self.stretched(self.machine.visible_of(rows, noise), scale)

    def at_drawn_scales(self, rows, noise):
        """Draw a scale of each row given it; give y and the scale."""
        scale = draw_of_law(softmax(self.joint(rows), axis=1), noise)
        return self.at_scales(rows)[scale, np.arange(len(rows))], scale

    def at_temperature(self, temperature):
        """Give the machine whose distribution is proportional to exp(-E / temperature).

        The scale has this temperature as hidden units have.
        """
        volumes = self.n_visible / 2 * (1 - 1 / temperature) * self.log_scales
        log_weights = np.log(self.shares) / temperature + volumes
        machine = self.machine.at_temperature(temperature)
        return self.replaced(machine=machine, log_weights=log_weights)

    def with_visible_chains(self):
        """Give what moves visible rows, and what its score lacks."""
        machine, constant = self.machine.with_visible_chains()
        frame = self.origin, self.frame
        return _VisibleChains(machine, *self.of_scales(), *frame), constant


class _VisibleChains(ScaledEnergy):
    """The same with chains that move visible rows, some columns of which are held."""

    def joint(self, rows):
        """Do as `ScaledEnergy.joint`, by a machine that has no energies at scales."""
        scores = [-self.machine.free_energy(own) for own in self.at_scales(rows)]
        n_columns = np.full(len(rows), rows.shape[1])
        return np.column_stack(scores) + self.log_shares(n_columns)

    def context(self, rows):
        """Give the rows themselves."""
        return rows

    def sweep(self, context, noise, *, fixed=None):
        """Draw scales given rows, and then rows given scales."""
        own, scale = self.at_drawn_scales(context, noise)
        own = self.machine.sweep(self.machine.context(own), noise, fixed=fixed)
        rows = self.stretched(own, scale)
        return rows if fixed is None else np.where(fixed, context, rows)

    def gibbs(self, rows, noise, n_sweeps=1, **settings):
        """Make so many sweeps."""
        return Energy.gibbs(self, rows, noise, n_sweeps, **settings)

    def complete(self, visible, noise, beta=1.0):
        """Give the visible rows themselves, in the dtype of chains."""
        return visible.astype(self.dtype, copy=False)

    def visible_of(self, rows, noise, beta=1.0):
        """Give the rows of chains themselves."""
        return rows
