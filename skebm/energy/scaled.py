"""Machines of real-valued rows whose contrast varies: mixtures over scales."""

__all__ = ["ScaledEnergy"]

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import logsumexp, softmax

from skebm.energy.base import Energy
from skebm.energy.completions import draw_of_law

# Added to the shares of scales, as to the variances of units in `learning.metric`:
# those that hardly any row has, and noise in them, do not direct the step.
_DAMPING = 0.01

# What a row counts at a scale, beside what rows count on average, that is left out.
_NEGLIGIBLE = 1e-12


@dataclass(frozen=True, eq=False)
class ScaledEnergy(Energy):
    """A machine whose rows y are stretched, each by a scale drawn for it: v = c + r y.

    The scale s = r^2 of the variance is one of a few, drawn with shares of their own and
    independently of y [1]_. So log Z is that of the machine, chains are those of the
    machine, and so is the negative phase of learning. What is said of a row is an
    average over its scales, of what the machine says of the row at each of them,
    (v - c) / r.

    What scales all s alike can be said by the noise of the machine as well.

    Parameters
    ----------
    machine : GaussianRBMEnergy, or RBMEnergy of Gaussian units
        Of y, without a scale.
    log_scales : ndarray of shape (n_scales,)
        Logarithms of s.
    log_weights : ndarray of shape (n_scales,)
        Logarithms of the shares, but for a constant.
    centre : ndarray of shape (n_visible,)
        c, from which rows are stretched.

    References
    ----------
    .. [1] Andrews, D. F. and Mallows, C. L. (1974). Scale mixtures of normal
       distributions. Journal of the Royal Statistical Society B 36(1), 99-102.
    """

    machine: Energy
    log_scales: np.ndarray
    log_weights: np.ndarray
    centre: np.ndarray

    # ---- vectors and offsets ----

    def arrays(self):
        """List the parameters: those of the machine, then those of the scales."""
        return [*self.machine.arrays(), self.log_scales, self.log_weights, self.centre]

    def with_arrays(self, arrays):
        """Return this energy with other parameters."""
        *arrays, log_scales, log_weights, centre = arrays
        machine = self.machine.with_arrays(arrays)
        return type(self)(machine, log_scales, log_weights, centre)

    def changed(self):
        """Forget what was computed, also of the machine."""
        self.machine.changed()
        return super().changed()

    def astype(self, dtype):
        """Return the same energy with parameters of another dtype."""
        arrays = (self.log_scales, self.log_weights, self.centre)
        arrays = [array.astype(dtype) for array in arrays]
        return type(self)(self.machine.astype(dtype), *arrays)

    def ravel(self):
        """Give the vector of the machine, and then what the scales learn."""
        own = self.log_scales, self.log_weights, self.centre
        return np.concatenate([self.machine.ravel(), *own])

    def unravel(self, vector):
        """Return the energy with the parameters that a vector has."""
        sizes = len(self.log_scales), len(self.log_weights), len(self.centre)
        ends = len(vector) - np.cumsum(sizes[::-1])[::-1]
        machine, *own = np.split(vector, ends)
        return type(self)(self.machine.unravel(machine), *own)

    def deviations(self):
        """Give the deviations of statistics; coordinates of the scales count as 1."""
        own = self.log_scales, self.log_weights, self.centre
        return type(self)(self.machine.deviations(), *map(np.ones_like, own))

    @property
    def penalised(self):
        """What a penalty of the weights acts on, a view of it."""
        return self.machine.penalised

    @property
    def weights(self):
        """The weights that a penalty counts, each once."""
        return self.machine.weights

    def has_diverged(self):
        """Say whether a parameter is beyond reason."""
        own = self.log_scales, self.log_weights, self.centre
        finite = all(np.isfinite(array).all() for array in own)
        return self.machine.has_diverged() or not finite

    def shifted(self, visible=None, hidden=None):
        """Describe the same distribution with another offset of hidden units."""
        return self.replaced(machine=self.machine.shifted(visible, hidden))

    def like(self, other):
        """Describe this distribution with the offsets of another energy."""
        return self.replaced(machine=self.machine.like(other.machine))

    def centred(self, mean):
        """Shift offsets of hidden units to their middle."""
        return self.replaced(machine=self.machine.centred(mean))

    # ---- scales ----

    @cached_property
    def shares(self):
        """Probability of each scale."""
        return softmax(self.log_weights)

    @cached_property
    def roots(self):
        """What y is multiplied by at each scale."""
        return np.exp(self.log_scales / 2)

    def at_scales(self, rows):
        """Give y of rows at each scale, (n_scales, n_rows, n_visible)."""
        rows = rows.astype(self.dtype, copy=False)
        return (rows - self.centre) / self.roots[:, np.newaxis, np.newaxis]

    def copies(self, rows, observed):
        """List machines of which this is a mixture; see `Energy`."""
        constants = self._log_shares(observed.sum(axis=1))
        pairs = zip(self.at_scales(rows), constants.T, strict=True)
        return [(self.machine, *pair) for pair in pairs]

    def joint(self, rows):
        """Give the log of what exp(-E) sums to with each scale, (n_rows, n_scales)."""
        return self._joint(self.at_scales(rows), self._score_of_machine)

    def _joint(self, copies, score):
        n_scales, n_rows, n_columns = copies.shape
        scores = score(copies.reshape(-1, n_columns)).reshape(n_scales, n_rows).T
        return scores + self._log_shares(np.full(n_rows, n_columns))

    def _score_of_machine(self, rows):
        return -self.machine.free_energy(rows)

    def _log_shares(self, n_columns):
        """Give log shares, and of rows of so many columns what scales do to volumes."""
        volumes = np.outer(n_columns, self.log_scales / 2)
        return (np.log(self.shares) - volumes).astype(self.dtype)

    def _at_drawn_scales(self, rows, noise):
        """Draw a scale of each row given it; give y and the root of the scale."""
        scale = draw_of_law(softmax(self.joint(rows), axis=1), noise)
        root = self.roots[scale, np.newaxis]
        rows = rows.astype(self.dtype, copy=False)
        return (rows - self.centre) / root, root

    # ---- energies ----

    @property
    def units(self):
        """Units of the rows that chains move: those of the machine."""
        return self.machine.units

    @property
    def visible(self):
        """Units of visible rows."""
        return self.machine.visible

    visible_units = visible

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
        """Number of columns of all that is worked out of a row."""
        return self.machine.n_units * len(self.log_scales)

    def free_energy(self, rows):
        """Compute -log of what exp(-E) sums to over scales and h, shape (n_rows,)."""
        return -logsumexp(self.joint(rows), axis=1)

    def energy(self, visible, hidden):
        """Compute -log of what exp(-E) sums to over scales, of each pair of rows."""
        hidden = np.tile(hidden, (len(self.roots), 1))
        joint = self._joint(
            self.at_scales(visible), lambda rows: -self.machine.energy(rows, hidden)
        )
        return -logsumexp(joint, axis=1)

    def hidden_mean(self, rows):
        """Compute the mean of the hidden units given visible rows."""
        copies = self.at_scales(rows)
        law = softmax(self._joint(copies, self._score_of_machine), axis=1)
        means = self.machine.hidden_mean(copies.reshape(-1, copies.shape[2]))
        return np.einsum("ik,kij->ij", law, means.reshape(*copies.shape[:2], -1))

    def visible_mean(self, hidden):
        """Compute the mean of the visible units given hidden rows."""
        root = self.shares @ self.roots
        return self.centre + root * self.machine.visible_mean(hidden)

    def conditional_log_likelihood(self, rows):
        """Compute log p(v_i | the others) of every i, by the machine's at each scale."""
        copies = self.at_scales(rows)
        joint = self._joint(copies, self._score_of_machine).T
        own = self.machine.conditional_log_likelihood(
            copies.reshape(-1, copies.shape[2])
        ).reshape(copies.shape)
        own -= self.log_scales[:, np.newaxis, np.newaxis] / 2
        others = joint[:, :, np.newaxis] - own
        total = logsumexp(joint, axis=0)[:, np.newaxis]
        return total - logsumexp(others, axis=0)

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
        """List layers of the machine."""
        return self.machine.enumerable_layers()

    def marginal(self):
        """Give the machine of the hidden units: scales leave log Z as it is."""
        return self.machine.marginal()

    def complete(self, visible, noise, beta=1.0):
        """Draw scales, and then rows that chains move, given visible rows."""
        return self.machine.complete(self._at_drawn_scales(visible, noise)[0], noise)

    def visible_of(self, rows, noise, beta=1.0):
        """Draw y of rows that chains move, and scales."""
        drawn = self.machine.visible_of(rows, noise)
        scale = noise.rng.choice(len(self.roots), (len(drawn), 1), p=self.shares)
        return self.centre + self.roots[scale] * drawn

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
        return VisibleChains(machine, *self.arrays()[-3:]), constant

    # ---- learning ----

    def sides(self, rows):
        """Give centred means of hidden units, the scales averaged, and rows."""
        hidden = np.ones((len(rows), self.n_hidden + 1), self.dtype)
        hidden[:, :-1] = self.hidden_mean(rows)
        return hidden - self.machine.hidden_offset, rows

    def drifted(self, rows, fraction):
        """Move the hidden offset a share of the way to the mean given rows."""
        offset = self.machine.hidden_offset[:-1]
        drift = self.sides(rows)[0][:, :-1].mean(axis=0)
        return self.shifted(hidden=offset + fraction * drift)

    def natural(self, gradient, turn):
        """Make a gradient natural, as if the scale of each row were known."""
        n_columns, shares = self.n_visible, self.shares + _DAMPING
        precision = self.shares @ np.exp(-self.log_scales)
        return type(self)(
            self.machine.natural(gradient.machine, turn),
            gradient.log_scales / (n_columns / 2 * shares),
            gradient.log_weights / shares,
            self.machine.noise.times_covariance(gradient.centre) / precision,
        )

    def statistics(self, rows, row_weights=None, *, noise=None):
        """Average -dE/dtheta over rows, at a scale drawn for each, or at all of them.

        Draws take noise, and less time.
        """
        if row_weights is None:
            row_weights = np.full(len(rows), 1 / len(rows), self.dtype)
        copies = self.at_scales(rows)
        law = softmax(self._learned_joint(copies), axis=1)
        if noise is not None:
            scale = draw_of_law(law, noise)
            return self._sum(copies[scale, np.arange(len(rows))], scale, row_weights)
        return self._sum_of_law(copies, law * row_weights[:, np.newaxis])

    def chain_statistics(self, chains):
        """Average -dE/dtheta over chains, which say nothing of scales."""
        return self._of_model(self.machine.chain_statistics(chains))

    def positive_phase(self, rows, row_weights):
        """Sum -F and the statistics over weighted rows, less what the ridge costs."""
        copies = self.at_scales(rows)
        joint = self._learned_joint(copies)
        law = softmax(joint, axis=1) * row_weights[:, np.newaxis]
        value = row_weights @ logsumexp(joint, axis=1)
        return value, self._sum_of_law(copies, law)

    def negative_phase(self):
        """Compute log Z and the statistics of the machine."""
        log_partition, statistics = self.machine.negative_phase()
        return log_partition, self._of_model(statistics)

    def _of_model(self, statistics):
        """Put the derivatives by scales beside: densities integrate to 1 at all."""
        return type(self)(statistics, *map(np.zeros_like, self.arrays()[-3:]))

    def _learned_joint(self, copies):
        """Do as `joint`, less what the ridge costs: rows and it have the same scale."""
        joint = self._joint(copies, self._score_of_machine)
        return joint - self.machine.cost_of_ridge * np.exp(-self.log_scales)

    def _sum_of_law(self, copies, law):
        """Sum -dE/dtheta over rows at all scales that they may have."""
        scale, row = np.nonzero(law.T > _NEGLIGIBLE * law.sum() / len(law))
        return self._sum(copies[scale, row], scale, law[row, scale])

    def _sum(self, rows, scale, row_weights):
        """Sum -dE/dtheta over rows y whose scales are given."""
        n_scales, n_columns = len(self.log_scales), rows.shape[1]
        mass = np.bincount(scale, row_weights, n_scales)
        precisions = np.exp(-self.log_scales)
        ridge = self.machine.ridge * (mass @ precisions) / mass.sum()
        ridged = self.machine.replaced(ridge=float(ridge))
        statistics = ridged.statistics(rows, row_weights.astype(self.dtype))
        # What learns next is made of it.
        statistics = statistics.replaced(ridge=self.machine.ridge)
        slope = self.machine.gradient(rows)
        stretch = np.einsum("ij,ij->i", slope, rows) * row_weights / 2
        by_scale = np.bincount(scale, stretch, n_scales) - n_columns / 2 * mass
        by_scale += mass * precisions * self.machine.cost_of_ridge
        by_centre = (row_weights / self.roots[scale]) @ slope
        own = by_scale, mass - mass.sum() * self.shares, by_centre
        return type(self)(statistics, *(part.astype(self.dtype) for part in own))
