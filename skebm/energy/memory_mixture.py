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


@dataclass(frozen=True, eq=False)
class MemoryMixture(RBMEnergy):
    """An `RBMEnergy` whose hidden layer is one unit, with a level for each memory.

    Given the level the visible units are independent of each other, around the memory,
    so that their law is a mixture of as many components as memories. All sums over the
    hidden layer are short, however many memories there are. With these rows for memories
    M and a sharpness c, -F of a visible row v is

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

    # ---- moves of single binary units ----

    def projection(self, rows):
        """Compute the fields of all levels; see `unit_moves`."""
        return self.context(rows).field

    def direction(self, unit):
        """Give by how much these rise when a unit goes on."""
        return self._columns[unit]

    def odds(self, projection, unit, on):
        """Compute the log-odds of a unit given all others, (n_rows,)."""
        own = self._columns[unit]
        rest = projection - np.multiply.outer(on.astype(self.dtype), own)
        low, high = log_sum_of_levels(rest), log_sum_of_levels(rest + own)
        bias = self.visible_bias[unit]
        sizes = np.abs(low) + np.abs(high) + np.abs(bias)
        return without_rounding(high - low + bias, sizes)

    def slope(self, rows):
        """Compute the derivatives of -F by all binary units."""
        law = self.hidden.mean(self.context(rows).field)
        sizes = self._columns_size
        return without_rounding(np.dot(law, self.weights) + self.visible_bias, sizes)

    @cached_property
    def _columns(self):
        """The weights, a row for each visible unit, contiguous."""
        return np.ascontiguousarray(self.weights.T)

    @cached_property
    def _columns_size(self):
        return np.abs(self.weights).max(axis=0) + np.abs(self.visible_bias)
