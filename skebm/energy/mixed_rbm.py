"""Restricted machines whose visible units are categories and real numbers."""

__all__ = ["HiddenMachine", "MixedRBMEnergy"]

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import logsumexp

from skebm.energy.base import Energy
from skebm.energy.hidden_chains import HiddenChains
from skebm.energy.noise_parameters import NoiseParameters
from skebm.energy.offsets import centre
from skebm.energy.rbm import RBMEnergy
from skebm.units.categorical import draw_levels
from skebm.units.gaussian import GaussianUnits
from skebm.units.mixed import MixedUnits


@dataclass(frozen=True, eq=False)
class MixedRBMEnergy(NoiseParameters, HiddenChains, RBMEnergy):
    """E(v, h) = |y|^2 / 2 - a.s - h.b - h' W s, for s = (one-hot categories, y = B v).

    B gives the noise of the real columns unit variance, as in `GaussianRBMEnergy`. With
    the visible units summed and integrated out, the hidden ones are a machine of their
    own, which chains move through: so no visible row is in their way.

    Parameters
    ----------
    matrix, visible, hidden, visible_offset, hidden_offset
        As of `RBMEnergy`. The visible units are `MixedUnits` of `CategoricalUnits` and
        `GaussianUnits`, in this order; the latter have no offset.
    ridge : float, default=0.0
        What learning adds to the variance of every real column.
    log_volume : float, default=0.0
        Logarithm of the volume, in units that users know, of a unit of volume of the
        real columns; log Z is of the density in their units.
    """

    ridge: float = 0.0
    log_volume: float = 0.0

    @property
    def noise(self):
        """Units whose noise is learned: the real columns."""
        return self.visible.parts[1]

    def with_noise(self, noise):
        """Return this energy with other noise."""
        return self.replaced(visible=MixedUnits((self.visible.parts[0], noise)))

    # ---- energies ----

    def free_energy(self, rows):
        """Compute -log of the sum over h of exp(-E(v, h)), shape (n_rows,)."""
        return -RBMEnergy.score(self, RBMEnergy.context(self, rows))

    def energy(self, visible, hidden):
        """Compute E of each pair of rows, shape (n_rows,)."""
        return self.with_visible_chains()[0].energy(visible, hidden)

    def observed_energy(self, rows, observed, hidden):
        """Compute -log of what exp(-E) sums to over what is missing of rows, (n_rows,).

        Hidden units are those of the row of `hidden` each.
        """
        field = self.visible_field(hidden)
        score = self.visible.log_missing(field, rows, observed)
        return -score - hidden @ self.hidden_bias

    # ---- the machine of the hidden units, which chains move through ----

    def marginal(self):
        """Sum and integrate the visible units out; see `Energy.marginal`."""
        return self.hidden_machine, self.log_volume

    @cached_property
    def hidden_machine(self):
        """The machine of the hidden units."""
        return HiddenMachine(
            self.weights,
            self.visible_bias,
            self.hidden_bias,
            self.visible,
            self.hidden,
        )

    def hidden_free_energy(self, hidden):
        """Compute -log of the sum of exp(-E) over visible units, (n_rows,)."""
        return self.hidden_machine.free_energy(hidden)

    def gibbs(self, rows, noise, n_sweeps=1, **settings):
        """Make so many sweeps; at no other temperature, by way of visible rows.

        That takes two products, where one unit after the other takes many.
        """
        if settings:
            return self.hidden_machine.gibbs(rows, noise, n_sweeps, **settings)
        for _ in range(n_sweeps):
            rows = self.complete(self.visible_of(rows, noise), noise)
        return rows

    def with_visible_chains(self):
        """Give the machine whose chains move visible rows, and what it lacks."""
        layers = self.visible, self.hidden, self.visible_offset, self.hidden_offset
        return RBMEnergy(self.matrix, *layers), 0.0

    def at_temperature(self, temperature):
        """Give the machine whose distribution is proportional to exp(-E / temperature).

        In y / root(temperature) it has its form again.
        """
        plain, root = self.plain(), np.sqrt(temperature)
        n_real = self.noise.n_columns
        matrix = plain.matrix / temperature
        real = slice(matrix.shape[1] - 1 - n_real, matrix.shape[1] - 1)
        matrix[:, real] *= root
        noise = GaussianUnits.of_base(self.noise.whitening / root)
        return plain.replaced(matrix=matrix).with_noise(noise)

    # ---- learning ----

    def statistics(self, rows, row_weights=None, *, noise=None):
        """Average -dE/dtheta over visible rows, the ridge added to their variance."""
        rows = rows.astype(self.dtype, copy=False)
        hidden, visible = self.sides(rows)
        means = np.dot(hidden, self.matrix)[:, self.real_columns]
        white = visible[:, self.real_columns] + self.visible_offset[self.real_columns]
        own = rows[:, self.real_columns]
        slope = self.noise.slope(white - means, own, row_weights, self.ridge)
        if row_weights is None:
            return self._gradient(np.dot(hidden.T, visible) / len(rows), slope)
        hidden *= row_weights[:, np.newaxis]
        return self._gradient(np.dot(hidden.T, visible), slope)

    def chain_statistics(self, chains):
        """Average -dE/dtheta over hidden rows, the visible units at their means."""
        hidden = centre(chains, self.hidden_offset)
        field = self.visible_field(chains)
        mean = np.ones((len(chains), field.shape[1] + 1), self.dtype)
        mean[:, :-1] = self.visible.mean(field)
        mean -= self.visible_offset
        slope = self.noise.model_slope()
        return self._gradient(np.dot(hidden.T, mean) / len(chains), slope)

    def positive_phase(self, rows, row_weights):
        """Sum -F and the statistics over weighted rows, less what the ridge costs."""
        value = row_weights @ -self.free_energy(rows)
        value -= row_weights.sum() * self._cost_of_ridge
        return value, self.statistics(rows, row_weights)

    def negative_phase(self):
        """Compute log Z and the statistics, enumerating the hidden units."""
        hidden = self.every_hidden()
        field = self.visible_field(hidden)
        score = self.visible.log_normaliser(field) + hidden @ self.hidden_bias
        log_partition = logsumexp(score)
        law = np.exp(score - log_partition)[:, np.newaxis]
        ones = np.ones((len(hidden), 1))
        hidden = np.hstack([hidden, ones]) - self.hidden_offset
        visible = np.hstack([self.visible.mean(field), ones]) - self.visible_offset
        matrix = (law * hidden).T @ visible
        statistics = self._gradient(matrix, self.noise.model_slope())
        return float(log_partition) + self.log_volume, statistics


@dataclass(frozen=True, eq=False)
class HiddenMachine(Energy):
    """-log of what hidden units weigh, the visible ones of an RBM summed out.

    Parameters
    ----------
    matrix : ndarray of shape (n_hidden, n_visible)
        W of the RBM.
    visible_bias, hidden_bias : ndarray
        Its biases a and b.
    visible, hidden : Units
        What its layers are made of.
    strength : ndarray of shape ()
        What the energy is multiplied by.
    """

    matrix: np.ndarray
    visible_bias: np.ndarray
    hidden_bias: np.ndarray
    visible: object
    hidden: object
    strength: float = 1.0

    parameters = ("matrix", "visible_bias", "hidden_bias")

    def __mul__(self, factor):
        return self.replaced(strength=self.strength * float(factor))

    __rmul__ = __mul__

    @property
    def units(self):
        """The hidden units."""
        return self.hidden

    def astype(self, dtype):
        """Return the same energy with parameters of another dtype."""
        return super().astype(dtype).replaced(visible=self.visible.astype(dtype))

    def score(self, context, beta=1.0):
        """Compute the log of the sum of exp(-E) over visible units, times beta."""
        rows = context.astype(self.dtype, copy=False)
        score = self.visible.log_normaliser(self._field(rows))
        return self.strength * beta * (score + rows @ self.hidden_bias)

    def sweep(self, context, noise, *, beta=1.0, tilt=None, fixed=None, reverse=False):
        """Draw each hidden unit given all others; see `Energy`."""
        rows, strength = np.array(context, dtype=self.dtype), self.strength * beta
        field = self._field(rows)
        strength = np.reshape(np.asarray(strength, self.dtype), (-1, 1))
        for columns in _units(self.hidden)[:: -1 if reverse else 1]:
            own, is_binary = self.matrix[columns], len(columns) == 1
            field -= rows[:, columns] @ own
            # What a binary unit adds where it is off is nothing.
            added = np.vstack([np.zeros_like(own), own]) if is_binary else own
            bias = self.hidden_bias[columns]
            bias = np.append(0, bias) if is_binary else bias
            odds = [self.visible.log_normaliser(field + level) for level in added]
            odds = strength * (np.column_stack(odds) + bias)
            if tilt is not None:
                more = np.atleast_2d(tilt)[:, columns]
                odds[:, -len(columns) :] += more
            level = draw_levels(odds.astype(self.dtype), noise)
            drawn = np.arange(len(added)) == level[:, np.newaxis]
            drawn = drawn[:, -len(columns) :]
            if fixed is not None:
                held = np.broadcast_to(fixed, rows.shape)[:, columns]
                drawn = np.where(held, rows[:, columns] > 0, drawn)
            rows[:, columns] = drawn
            field += rows[:, columns] @ own
        return rows > 0

    def _field(self, rows):
        """Compute the fields of the visible units."""
        return rows @ self.matrix + self.visible_bias


def _units(units):
    """List the columns of each unit: a binary one has one."""
    parts, start, result = getattr(units, "parts", (units,)), 0, []
    for part in parts:
        for n_levels in getattr(part, "n_levels", (1,) * part.n_columns):
            result.append(np.arange(start, start + n_levels))
            start += n_levels
    return result
