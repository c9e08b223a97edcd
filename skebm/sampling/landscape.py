"""The free energy over visible rows of which some columns are held."""

__all__ = ["SAME_ENERGY", "Landscape"]

import numpy as np

from skebm.units.data import row_blocks

# Energies that differ by no more count as equal, in nats. It is far above rounding,
# and far below what makes a difference in probabilities.
SAME_ENERGY = 1e-9

# Steps in real columns end when none is longer, in standard deviations of the noise;
# and of what is so many of these from zero, by rounding.
_SHORTEST_STEP = 1e-8
_ROUNDING = 1e-13
_MOST_STEPS = 10_000


class Landscape:
    """The free energy of rows, and what single changes make of it.

    A change flips a binary unit, or puts another level in place of one of a category.
    Real columns move by steps.

    Parameters
    ----------
    energy : Energy
        Float64.
    held : ndarray of bool of shape (n_visible,)
        Columns that stay as they are.
    observed : ndarray of bool of shape (n_visible,), default=None
        Columns that have values; real ones that have none are integrated out. None: all
        have.
    """

    def __init__(self, energy, held, observed=None):
        self.energy = energy
        self.units = energy.visible_units
        self.observed = np.ones(len(held), bool) if observed is None else observed
        self.switches = np.where(held, -1, self.units.switches)
        self.moving = np.zeros(len(held), dtype=bool)
        self.moving[energy.real_columns] = True
        self.moving &= self.observed & ~held
        # Units that can change, each by its columns: one is binary.
        self.free_units = [
            np.flatnonzero(self.switches == unit)
            for unit in np.unique(self.switches[self.switches >= 0])
        ]
        self._is_level = np.zeros(len(held), dtype=bool)
        for columns in self.free_units:
            self._is_level[columns] = len(columns) > 1

    @property
    def n_levels(self):
        """Number of states of each unit that can change."""
        return tuple(max(2, len(columns)) for columns in self.free_units)

    def free_energy(self, rows):
        """Compute the free energy of rows, (n_rows,), in nats."""
        result = np.empty(len(rows))
        for block in row_blocks(len(rows), self.energy.n_units):
            result[block] = self._free_energy(rows[block])
        return result

    def _free_energy(self, rows):
        if self.observed.all():
            return self.energy.free_energy(rows)
        observed = np.broadcast_to(self.observed, rows.shape)
        return -self.energy.observed_score(rows, observed)

    def rises(self, rows):
        """Compute by how much each change raises the free energy.

        Returns
        -------
        rises : ndarray of shape (n_rows, n_visible)
            In nats, as of `Energy.rises`; infinite where nothing can change.
        """
        if self.observed.all():
            result = self.energy.rises(rows)
        else:
            before, result = self._free_energy(rows), np.full(rows.shape, np.inf)
            for column in np.flatnonzero(self.switches >= 0):
                changed = self.units.switched(rows, column)
                result[:, column] = self._free_energy(changed) - before
        result[:, self.switches < 0] = np.inf
        result[self._is_level & (rows > 0)] = np.inf
        return result

    def settle(self, rows):
        """Move real columns downhill until they stay where they are.

        Returns
        -------
        rows : ndarray of shape (n_rows, n_visible)
            A copy.
        n_unsettled : int
            Number of rows that have not come to rest.
        """
        rows, active = rows.copy(), np.arange(len(rows))
        if not self.moving.any():
            return rows, 0
        real, noise = self.energy.real_columns, self.energy.noise
        for _ in range(_MOST_STEPS):
            before = rows[active]
            after = self.energy.relaxed(before, self.observed, self.moving)
            rows[active] = after
            white = noise.statistics(after[:, real])
            steps = np.abs(white - noise.statistics(before[:, real])).max(axis=1)
            shortest = _SHORTEST_STEP + _ROUNDING * np.abs(white).max(axis=1)
            active = active[steps > shortest]
            if len(active) == 0:
                break
        return rows, len(active)

    def order(self, rows):
        """Give columns by which rows are ordered: off before on, and levels in turn."""
        return np.where(self._is_level, 1 - rows, rows)
