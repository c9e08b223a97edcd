"""Groups of rows, and their scales, among the parameters of an energy."""

__all__ = ["GroupParameters", "law_of"]

from functools import cached_property

import numpy as np
from scipy.special import softmax

# Added to the shares of images, as to the variances of units in `learning.metric`:
# those that hardly any row has, and noise in them, do not direct the step.
_DAMPING = 0.01


class GroupParameters:
    """The vector that a `GroupedEnergy` is: its machine, and what its images are."""

    def arrays(self):
        """List the parameters: those of the machine, of the noises, of the images."""
        of_noises = [array for noise in self.noises for array in noise.arrays()]
        return [*self.machine.arrays(), *of_noises, *self.of_images()]

    def of_images(self):
        """List what images have beside the noises of their groups."""
        return [self.log_scales, self.log_weights, self.shifts]

    def _with(self, machine, noises, log_scales, log_weights, shifts):
        """Return this energy with other parameters, or derivatives in their place."""
        return self.replaced(
            machine=machine,
            noises=tuple(noises),
            log_scales=log_scales,
            log_weights=log_weights,
            shifts=shifts,
        )

    def with_arrays(self, arrays):
        """Return this energy with other parameters."""
        arrays = iter(arrays)

        def take(own):
            return [next(arrays) for _ in own]

        machine = self.machine.with_arrays(take(self.machine.arrays()))
        noises = [noise.with_arrays(take(noise.arrays())) for noise in self.noises]
        return self._with(machine, noises, *arrays)

    def changed(self):
        """Forget what was computed, also by the machine and the noises."""
        self.machine.changed()
        for noise in self.noises:
            noise.changed()
        return super().changed()

    def astype(self, dtype):
        """Return the same energy with parameters of another dtype."""
        own = [array.astype(dtype) for array in self.of_images()]
        noises = [noise.astype(dtype) for noise in self.noises]
        converted = self._with(self.machine.astype(dtype), noises, *own)
        pseudo_rows = self.pseudo_rows
        return converted.replaced(
            origins=self.origins.astype(dtype),
            frames=tuple(frame.astype(dtype) for frame in self.frames),
            pseudo_rows=None if pseudo_rows is None else pseudo_rows.astype(dtype),
        )

    def ravel(self):
        """Give the vector of the machine, and then what the images learn."""
        own = [array.ravel() for array in self.of_images()]
        of_noises = (noise.ravel() for noise in self.noises)
        return np.concatenate([self.machine.ravel(), *of_noises, *own])

    def unravel(self, vector):
        """Return the energy with the parameters that a vector has."""
        own = self.of_images()
        sizes = [*(noise.ravel().size for noise in self.noises)]
        sizes += [array.size for array in own]
        ends = len(vector) - np.cumsum(sizes[::-1])[::-1]
        machine, *parts = np.split(vector, ends)
        of_noises, parts = parts[: self.n_groups], parts[self.n_groups :]
        pairs = zip(self.noises, of_noises, strict=True)
        return self._with(
            self.machine.unravel(machine),
            [noise.unravel(own) for noise, own in pairs],
            *(part.reshape(old.shape) for part, old in zip(parts, own, strict=True)),
        )

    def deviations(self):
        """Give the deviations of statistics; coordinates of the images count as 1."""
        noises = [noise.deviations() for noise in self.noises]
        own = map(np.ones_like, self.of_images())
        return self._with(self.machine.deviations(), noises, *own)

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
        finite = all(np.isfinite(array).all() for array in self.of_images())
        if self.machine.has_diverged() or not finite:
            return True
        return not all(noise.is_regular() for noise in self.noises)

    def shifted(self, visible=None, hidden=None):
        """Describe the same distribution with another offset of hidden units."""
        return self.replaced(machine=self.machine.shifted(visible, hidden))

    def like(self, other):
        """Describe this distribution with the offsets of another energy."""
        return self.replaced(machine=self.machine.like(other.machine))

    def centred(self, mean):
        """Shift offsets of hidden units to their middle."""
        return self.replaced(machine=self.machine.centred(mean))

    def natural(self, gradient, turn):
        """Make a gradient natural, as if the image of each row were known."""
        shares = self.shares.reshape(self.log_scales.shape)
        damped, of_groups = shares + _DAMPING, shares.sum(axis=1)
        # So that steps of a single group are as long as those of a machine.
        weights = (of_groups + _DAMPING) / (1 + _DAMPING)
        precisions = (shares * np.exp(-self.log_scales)).sum(axis=1) / of_groups
        noises, shifts = [], []
        pseudo = 0.0 if self.pseudo_rows is None else self.pseudo_rows.share
        for number, (noise, frame, weight) in enumerate(
            zip(self.noises, self.frames, weights, strict=True)
        ):
            step = noise.natural_step(gradient.noises[number])
            arrays = [array / (weight + pseudo) for array in step.arrays()]
            noises.append(step.with_arrays(arrays))
            by_noise = noise.slope_by_statistics(
                frame.slope_by_states(gradient.shifts[number])
            )
            shift = frame.statistics(noise.states(by_noise))
            shifts.append(shift / (precisions[number] * weight))
        return self._with(
            self.machine.natural(gradient.machine * (1 / self.mass), turn),
            noises,
            gradient.log_scales
            / (self.n_visible / 2 * (damped + pseudo / self.n_scales)),
            gradient.log_weights / damped,
            np.array(shifts),
        )

    @property
    def mass(self):
        """What data and pseudo-rows count in all, where data count 1."""
        pseudo = self.pseudo_rows
        return 1.0 if pseudo is None else 1.0 + self.n_groups * pseudo.share

    @property
    def n_groups(self):
        """Number of groups."""
        return len(self.noises)

    @property
    def n_scales(self):
        """Number of scales of each group."""
        return self.log_scales.shape[1]

    @property
    def n_images(self):
        """Number of images."""
        return self.log_scales.size

    @cached_property
    def machines(self):
        """The machine with the noise of each group."""
        return [self.machine.replaced(visible=noise) for noise in self.noises]

    @cached_property
    def centres(self):
        """Where rows are stretched from, (n_groups, n_visible)."""
        pairs = zip(self.frames, self.shifts, strict=True)
        return self.origins + np.array([frame.states(shift) for frame, shift in pairs])

    @cached_property
    def shares(self):
        """Probability of each image."""
        return softmax(self.log_weights).ravel()

    @cached_property
    def roots(self):
        """What y is multiplied by in each image."""
        return np.exp(self.log_scales.ravel() / 2)

    def log_volumes(self, n_columns):
        """Give the log of the volume of a unit of y, in that of log Z.

        Parameters
        ----------
        n_columns : ndarray of shape (n_rows,)
            How many columns of each row are known. All others are integrated out, so
            that of them the scale says nothing.

        Returns
        -------
        log_volumes : ndarray of shape (n_rows, n_images)
            0 at scale 1 in a group that has the noise of which log Z is.
        """
        of_groups = [self.log_det - noise.log_det for noise in self.noises]
        by_scale = np.outer(n_columns, self.log_scales.ravel() / 2)
        return by_scale + np.repeat(of_groups, self.n_scales)

    def log_shares(self, n_columns):
        """Give the log of shares, and of what images do to the volume of columns.

        It is to be added to a log-density of y, to be that of v and the image. See
        `log_volumes`.
        """
        log_shares = np.log(self.shares) - self.log_volumes(n_columns)
        return log_shares.astype(self.dtype)

    def groups(self):
        """List the machine, the centre and the roots of each group."""
        roots = self.roots.reshape(self.log_scales.shape)
        return list(zip(self.machines, self.centres, roots, strict=True))

    def images(self, rows):
        """Give machine and rows of each image, of which y is in units of its noise."""
        rows = rows.astype(self.dtype, copy=False)
        for machine, centre, roots in self.groups():
            own = rows - centre
            for root in roots:
                yield machine, own / root

    def members(self, rows, image):
        """Split rows by groups; give machine, numbers of rows and rows as it sees them.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_visible)
            Rows v.
        image : ndarray of int of shape (n_rows,)
            The image of each row.
        """
        rows = rows.astype(self.dtype, copy=False)
        group = image // self.n_scales
        for number, (machine, centre, _) in enumerate(self.groups()):
            members = np.flatnonzero(group == number)
            if len(members):
                roots = self.roots[image[members], np.newaxis]
                yield machine, members, (rows[members] - centre) / roots

    def whitened(self, rows, image):
        """Give y of rows, each in its image."""
        white = np.empty(rows.shape, self.dtype)
        for machine, members, own in self.members(rows, image):
            white[members] = machine.visible.statistics(own)
        return white

    def stretched(self, rows, image):
        """Give the rows v that rows of the machine of their group are in an image."""
        centre = self.centres[image // self.n_scales]
        return centre + self.roots[image, np.newaxis] * rows

    def of_white(self, white, image):
        """Give the rows v of y, each in its image."""
        rows, group = np.empty_like(white), image // self.n_scales
        for number, noise in enumerate(self.noises):
            members = group == number
            rows[members] = noise.states(white[members])
        return self.stretched(rows, image)


def law_of(joint):
    """Give the probabilities of images given rows, of the logs of their densities.

    Rows so far away that all densities are 0 are as likely of each.
    """
    is_lost = np.isneginf(joint).all(axis=1, keepdims=True)
    return softmax(np.where(is_lost, 0, joint), axis=1)
