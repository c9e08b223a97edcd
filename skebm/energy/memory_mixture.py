"""Modern Hopfield networks: one categorical hidden unit, a level for each memory."""

__all__ = ["MemoryMixture"]

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skebm.energy.rbm import RBMEnergy
from skebm.energy.unit_moves import without_rounding
from skebm.units.binary import BinaryUnits
from skebm.units.categorical import CategoricalUnits, log_sum_of_levels
from skebm.units.data import row_blocks
from skebm.units.gaussian import GaussianUnits

# Larger ones can raise a probability that is 0 in float64 to one that counts.
_LARGEST_SURE_WEIGHT = 300.0


@dataclass(frozen=True, eq=False)
class MemoryMixture(RBMEnergy):
    """An `RBMEnergy` whose hidden layer is one unit, with a level for each memory.

    Given the level the visible units are independent of each other, around the memory,
    so that their law is a mixture of as many components as memories. All sums over the
    hidden layer are short, however many memories there are. With memories M_k and a
    sharpness c, -F of a visible row v is

        log sum_k exp(c v . M_k + bias_k), less c |v|^2 / 2 if its values are real,

    the energy of modern Hopfield networks [1]_ [2]_ times -c.

    Parameters
    ----------
    matrix, visible, hidden, visible_offset, hidden_offset
        As of `RBMEnergy`.

    References
    ----------
    .. [1] Demircigil, M., Heusel, J., Löwe, M., Upgang, S. and Vermet, F. (2017). On a
       model of associative memory with huge storage capacity. Journal of Statistical
       Physics 168(2), 288-299. :doi:`10.1007/s10955-017-1806-y`
    .. [2] Ramsauer, H. et al. (2021). Hopfield networks is all you need. ICLR.
       :doi:`10.48550/arXiv.2008.02217`
    """

    @classmethod
    def of_spins(cls, memories, sharpness):
        """Make the energy of memories of -1 and +1, for units of zeros and ones.

        In the formula above v are spins, and the biases are 0.
        """
        n_memories, n_units = memories.shape
        hidden_bias = -sharpness * memories.sum(axis=1)
        return cls.of(
            2 * sharpness * memories,
            np.zeros(n_units),
            hidden_bias,
            BinaryUnits(n_units),
            CategoricalUnits((n_memories,)),
        )

    @classmethod
    def of_reals(cls, memories, sharpness, *, alike):
        """Make the energy of memories of real numbers.

        Around each the rows are normal, with a variance of 1 / sharpness. Biases of 0
        make those with large squares count more. If all are to count `alike`, biases
        are -sharpness |M_k|^2 / 2.
        """
        n_memories, n_units = memories.shape
        root = np.sqrt(sharpness)
        squares = np.einsum("ij,ij->i", memories, memories)
        return cls.of(
            root * memories,
            np.zeros(n_units),
            -sharpness * squares / 2 if alike else np.zeros(n_memories),
            GaussianUnits.of_base(np.full(n_units, root)),
            CategoricalUnits((n_memories,)),
        )

    def at_temperature(self, temperature):
        """Give the machine whose distribution is proportional to exp(-E / temperature).

        Real values in units of the noise become smaller by the root of it.
        """
        if isinstance(self.visible, BinaryUnits):
            return super().at_temperature(temperature)
        root, plain = np.sqrt(temperature), self.plain()
        matrix = plain.matrix / root
        matrix[:, -1] /= root
        visible = GaussianUnits.of_base(plain.visible.whitening / root)
        return plain.replaced(matrix=matrix, visible=visible)

    # ---- sums over the memories, without a matrix of all levels ----

    @property
    def sums_over_hidden(self):
        """Whether sums over the hidden layer are short: they are."""
        return True

    @cached_property
    def memory_free_energies(self):
        """-log of the sum of exp(-E) over visible rows, for each memory."""
        field = self.weights + self.visible_bias
        return -self.visible.log_normaliser(field) - self.hidden_bias

    def enumerable_layers(self):
        """List both layers; the hidden one costs a look at each memory."""

        def visible_of_hidden(hidden, noise):
            field = self.weights[hidden.argmax(axis=1)] + self.visible_bias
            return self.visible.draw(field, noise)

        def free_energy(hidden):
            return self.memory_free_energies[hidden.argmax(axis=1)]

        _, visible = super().enumerable_layers()
        return [(self.hidden, free_energy, visible_of_hidden), visible]

    def hidden_joint(self, rows, observed):
        """Sum exp(-E) over what is missing, with all memories; see `HiddenSums`."""
        field, free_energy = self.weights + self.visible_bias, self.memory_free_energies
        for block in row_blocks(len(rows), max(len(field), rows.shape[1])):
            score = self.visible.observed_score(field, rows[block], observed[block])
            yield block, score - free_energy, field

    # ---- moves of single binary units: see `unit_moves` ----

    def walk(self, rows):
        """Keep the law of the memories given rows whose units move."""
        return _LawWalk(self, rows)

    def slope(self, rows):
        """Compute the derivatives of -F by all binary units."""
        law = self.hidden_mean(rows)
        sizes = np.abs(self.weights).max(axis=0) + np.abs(self.visible_bias)
        return without_rounding(np.dot(law, self.weights) + self.visible_bias, sizes)


class _LawWalk:
    """Fields of memories, and their law, of rows whose units move; a `Walk`.

    A unit that goes on multiplies the probability of each memory by exp(w), and the
    log-odds are the logarithm of what these then add up to.
    """

    def __init__(self, energy, rows):
        self._energy = energy
        self._field = energy.context(rows).field
        self._weights = np.ascontiguousarray(energy.weights.T)
        self._law = energy.hidden.mean(self._field.copy())

    def odds(self, unit, on):
        own = np.outer(self._weights[unit], self._energy.dtype.type([-1, 1]))
        if np.abs(own).max() <= _LARGEST_SURE_WEIGHT:
            rise = np.log(np.dot(self._law, np.exp(own)))
        else:
            before = log_sum_of_levels(self._field)
            after = [log_sum_of_levels(self._field + change) for change in own.T]
            rise = np.column_stack(after) - before[:, np.newaxis]
        odds = np.where(on, -rise[:, 0], rise[:, 1])
        odds += self._energy.visible_bias[unit]
        return without_rounding(odds, np.abs(own).max() + 1)

    def move(self, moved, unit, change):
        self._field[moved] += np.multiply.outer(change, self._weights[unit])
        self._law[moved] = self._energy.hidden.mean(self._field[moved])
