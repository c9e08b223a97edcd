"""Simulated annealing: sweeps while the temperature falls."""

__all__ = ["anneal", "hot_temperature"]

import numpy as np

from skebm.units.data import row_blocks

# How much lower the last temperature of annealing is than the first.
_COOLING = 50.0

# Below it the product of a field and 1 / temperature may overflow float32.
_COLDEST = 1e-6

# Rows from which the first temperature is told.
_MOST_MEASURED = 100


def hot_temperature(landscape, rows):
    """Tell a temperature at which most changes are accepted: their mean size in nats.

    For real columns, whose unit of energy is that of the noise, it is 1 at least.
    """
    rises = np.abs(landscape.rises(rows[:_MOST_MEASURED]))
    rises = rises[np.isfinite(rises)]
    hot = float(rises.mean()) if rises.size else 0.0
    return max(hot, 1.0 if landscape.moving.any() else _COOLING * _COLDEST)


def anneal(energy, rows, held, temperature, n_steps, noise):  # noqa: PLR0917
    """Move rows by Gibbs sweeps while the temperature falls.

    The layers of an energy have it together, so that the end is near low energies,
    which are low free energies where hidden units are all but determined.

    Parameters
    ----------
    energy : Energy
        Of any dtype; sweeps are in float32.
    rows : ndarray of shape (n_rows, n_visible)
        Where to start.
    held : ndarray of bool of shape (n_visible,)
        Columns that stay as they are.
    temperature : float
        Of the first sweep. It falls by a constant factor at each.
    n_steps : int
        Number of sweeps.
    noise : UniformNoise
        Of dtype float32.

    Returns
    -------
    rows : ndarray of shape (n_rows, n_visible)
        Float64.
    """
    result = np.empty(rows.shape)
    temperatures = temperature * _COOLING ** -np.linspace(0, 1, n_steps)
    for block in row_blocks(len(rows), energy.n_units):
        moved = fixed = None
        for current in temperatures:
            cooled = energy.at_temperature(current).astype(np.float32)
            machine, _ = cooled.with_visible_chains()
            if moved is None:
                moved = machine.complete(rows[block], noise)
                fixed = np.zeros(moved.shape, dtype=bool)
                fixed[:, : len(held)] = held
            moved = machine.gibbs(moved, noise, 1, fixed=fixed)
        result[block] = moved[:, : len(held)]
    return np.where(held, rows, result)
