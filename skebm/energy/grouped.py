"""Machines of real-valued rows in groups, and of several contrasts: mixtures."""

__all__ = ["GroupedEnergy"]

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from skebm.energy.base import Energy
from skebm.energy.completions import draw_of_law
from skebm.energy.group_learning import GroupLearning
from skebm.energy.group_parameters import GroupParameters, law_of
from skebm.energy.group_sums import GroupSums
from skebm.energy.pseudo_rows import PseudoRows
from skebm.units.gaussian import GaussianUnits


@dataclass(frozen=True, eq=False)
class GroupedEnergy(GroupParameters, GroupLearning, GroupSums, Energy):
    """A machine of rows y in units of the noise, and its images: y = B (v - c) / r.

    Each group of rows has a noise, that B makes white, and a centre c of its own, and a
    few scales s = r^2, by which it is stretched away from the centre [1]_. A pair of a
    group and one of its scales is an image of the machine. Which image a row is of is
    drawn with shares of their own, and independently of y. So log Z is that of the
    machine, chains are those of the machine, and so is the negative phase of learning.
    What is said of a row is an average, over the images that it may be of, of what the
    machine says of y in each.

    Images are numbered group by group. A factor that all scales of a group share is one
    of its noise as well.

    Parameters
    ----------
    machine : GaussianRBMEnergy
        Of y, whose noise is white.
    noises : tuple of GaussianUnits
        B of each group.
    log_scales : ndarray of shape (n_groups, n_scales)
        Logarithms of s.
    log_weights : ndarray of shape (n_groups, n_scales)
        Logarithms of the shares of the images, but for a constant.
    shifts : ndarray of shape (n_groups, n_visible)
        c less the origin of each group, as a row of its frame.
    origins : ndarray of shape (n_groups, n_visible)
        The rows that are 0 in the frames. Learning measures from here how large rows
        are, of which the ridge of the machine is a share. They stay as they are.
    frames : tuple of GaussianUnits
        Units whose noise gives shifts their unit, since rows tell most of them along
        directions in which they are narrow. They stay as they are.
    log_det : float
        Of a noise. log Z is that of the machine if it had this one.
    pseudo_rows : PseudoRows, default=None
        Rows that learning has beside those of data. They mean nothing elsewhere, and
        stay as they are.

    References
    ----------
    .. [1] Andrews, D. F. and Mallows, C. L. (1974). Scale mixtures of normal
       distributions. Journal of the Royal Statistical Society B 36(1), 99-102.
    """

    machine: Energy
    noises: tuple
    log_scales: np.ndarray
    log_weights: np.ndarray
    shifts: np.ndarray
    origins: np.ndarray
    frames: tuple
    log_det: float
    pseudo_rows: PseudoRows | None = None

    @classmethod
    def of(cls, machine, noises, log_scales, log_weights, centres):
        """Make images of a machine, with frames of their centres and noises.

        log Z is that of the machine with the noise that it has.
        """
        noise = machine.noise
        white = GaussianUnits.of_base(np.ones(noise.n_columns, machine.dtype))
        log_volume = machine.log_volume - noise.log_det
        machine = machine.with_noise(white.replaced(fixed=True))
        return cls(
            machine.replaced(log_volume=log_volume),
            tuple(noises),
            log_scales,
            log_weights,
            np.zeros_like(centres),
            centres,
            tuple(noises),
            noise.log_det,
        )

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
        """Number of columns of all layers, in all images."""
        return self.machine.n_units * self.n_images

    @property
    def log_volume(self):
        """Logarithm of the volume, in units that users know, of a unit of v."""
        return self.machine.log_volume + self.log_det

    # ---- energies ----

    def joint(self, rows):
        """Give the log of what exp(-E) sums to in each image, (n_rows, n_images)."""
        return self._joint_of(self._products(rows), rows.shape)

    def _products(self, rows):
        """Give products of rows with the machine of each group."""
        rows = rows.astype(self.dtype, copy=False)
        return [machine.products(rows - centre) for machine, centre, _ in self.groups()]

    def _joint_of(self, products, shape):
        """Give `joint` of rows of a shape by their products."""
        scores = [
            machine.scores_at(own, roots)
            for (machine, _, roots), own in zip(self.groups(), products, strict=True)
        ]
        return np.hstack(scores) + self.log_shares(np.full(shape[0], shape[1]))

    def free_energy(self, rows):
        """Compute -log of what exp(-E) sums to over images and h, shape (n_rows,)."""
        return -logsumexp(self.joint(rows), axis=1)

    def energy(self, visible, hidden):
        """Compute -log of what exp(-E) sums to over images, of each pair of rows."""
        scores = [-machine.energy(own, hidden) for machine, own in self.images(visible)]
        n_columns = np.full(len(visible), self.n_visible)
        joint = np.column_stack(scores) + self.log_shares(n_columns)
        return -logsumexp(joint, axis=1)

    def hidden_mean(self, rows):
        """Compute the mean of the hidden units given visible rows."""
        products = self._products(rows)
        law = law_of(self._joint_of(products, rows.shape))
        parts = zip(
            self.groups(), products, np.split(law, self.n_groups, axis=1), strict=True
        )
        means = [
            machine.hidden_mean_at(own, roots, share)
            for (machine, _, roots), own, share in parts
        ]
        return np.sum(means, axis=0)

    def visible_mean(self, hidden):
        """Compute the mean of the visible units given hidden rows."""
        shares = self.shares.reshape(self.log_scales.shape)
        mean = shares.sum(axis=1) @ self.centres
        for own, (machine, _, roots) in zip(shares, self.groups(), strict=True):
            mean = mean + (own @ roots) * machine.visible_mean(hidden)
        return mean

    def conditional_log_likelihood(self, rows):
        """Compute log p(v_i | the others) of every i, by those in each image."""
        joint = self.joint(rows).T[:, :, np.newaxis]
        own = np.stack(
            [
                machine.conditional_log_likelihood(own)
                for machine, own in self.images(rows)
            ]
        )
        own -= self.log_scales.reshape(-1, 1, 1) / 2
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
        """Give the machine of the hidden units: images leave log Z as it is."""
        return self.machine.marginal()

    def complete(self, visible, noise, beta=1.0):
        """Draw images, and then rows that chains move, given visible rows."""
        image = self.draw_image(self.joint(visible), noise)
        return self.machine.complete(self.whitened(visible, image), noise)

    def visible_of(self, rows, noise, beta=1.0):
        """Draw y of rows that chains move, and images."""
        image = noise.rng.choice(self.n_images, len(rows), p=self.shares)
        return self.of_white(self.machine.visible_of(rows, noise), image)

    def draw_image(self, joint, noise):
        """Draw an image of each row given the logs of their densities in each."""
        return draw_of_law(law_of(joint), noise)

    def at_temperature(self, temperature):
        """Give the machine whose distribution is proportional to exp(-E / temperature).

        The image has this temperature as hidden units have.
        """
        volumes = self.log_volumes(np.array([self.n_visible]))[0]
        log_weights = np.log(self.shares) / temperature
        log_weights += (1 - 1 / temperature) * volumes
        machine = self.machine.at_temperature(temperature)
        wider = -machine.noise.log_det
        return self.replaced(
            machine=machine.replaced(
                visible=self.machine.noise, log_volume=machine.log_volume + wider
            ),
            noises=tuple(
                noise.stretched(np.sqrt(temperature)) for noise in self.noises
            ),
            log_weights=log_weights.reshape(self.log_weights.shape),
            log_det=self.log_det - wider,
        )

    def with_visible_chains(self):
        """Give what moves visible rows, and what its score lacks."""
        machine, constant = self.machine.with_visible_chains()
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return _VisibleChains(**(fields | {"machine": machine})), constant


class _VisibleChains(GroupedEnergy):
    """The same with chains that move visible rows, some columns of which are held."""

    def joint(self, rows):
        """Do as `GroupedEnergy.joint`, by machines that have no energies at scales."""
        scores = [-machine.free_energy(own) for machine, own in self.images(rows)]
        n_columns = np.full(len(rows), rows.shape[1])
        return np.column_stack(scores) + self.log_shares(n_columns)

    def context(self, rows):
        """Give the rows themselves."""
        return rows

    def sweep(self, context, noise, *, fixed=None):
        """Draw images given rows, and then rows given images."""
        image, rows = self.draw_image(self.joint(context), noise), context.copy()
        for machine, members, own in self.members(context, image):
            held = None
            if fixed is not None:
                held = np.broadcast_to(fixed, context.shape)[members]
            moved = machine.sweep(machine.context(own), noise, fixed=held)
            rows[members] = self.stretched(moved, image[members])
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
