"""Rows drawn by chains that know of the groups of a machine, and whether they agree."""

__all__ = ["Draws", "adapt_start", "draw_rows"]

from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from skebm.partition.pilot import EXPLORERS, run_pilot
from skebm.partition.starts import start_at_draws, start_at_rows
from skebm.sampling.mixture import Mixture
from skebm.sampling.path import Path
from skebm.units.data import row_blocks

# Rows of a pilot run to which a mixture is fitted.
_ADAPTING_ROWS = 500

# Sweeps between jumps.
_SWEEPS_A_JUMP = 20

# Chains that start elsewhere, at most and at least.
_MOST_OTHERS, _LEAST_OTHERS = 100, 10

# How rarely chains that are in equilibrium are said to disagree.
_FALSE_ALARMS = 1e-4


class Draws(NamedTuple):
    """Rows, and what chains that started elsewhere say of them.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns)
        Of chains.
    n_jumps : float
        How often a chain has jumped, on average.
    agree : bool
        Whether columns and energies of the other chains have the same means.
    """

    rows: np.ndarray
    n_jumps: float
    agree: bool


def adapt_start(energy, mean, known, noise):
    """Fit a mixture to what a short run of annealing finds.

    Parameters
    ----------
    energy : Energy
        Of a machine that chains move through, float32.
    mean : ndarray of shape (n_columns,)
        Means of independent units.
    known : ndarray of shape (n_known, n_columns) or None
        Rows that the machine may favour.
    noise : UniformNoise
        Source of the draws.

    Returns
    -------
    mixture : Mixture
        Its shares are about those of the machine.
    """
    path = Path(start_at_rows(energy, mean, known, noise.rng), energy)
    pilot = run_pilot(path, noise, EXPLORERS, explores=True)
    found = pilot.draw(_ADAPTING_ROWS, noise.rng, power=0.5)
    mixture = start_at_draws(path.start, energy, found, noise.rng)
    return mixture.reweighted(pilot.rows, pilot.weights)


def draw_rows(path, n_rows, noise, *, n_steps):
    """Draw rows by annealing, and then by sweeps and jumps.

    Others start from all components of the mixture alike, and so in wrong shares, which
    they have lost in the end if chains go everywhere.

    Parameters
    ----------
    path : Path
        From a mixture to the machine.
    n_rows : int
        Number of chains.
    noise : UniformNoise
        Source of the draws.
    n_steps : int
        Sweeps of each chain.

    Returns
    -------
    draws : Draws
        Of the machine.
    """
    mixture = path.start
    alike = Mixture(mixture.units, np.zeros(mixture.n_components), mixture.fields)
    n_others = int(np.clip(n_rows, _LEAST_OTHERS, _MOST_OTHERS))
    others, _ = _move(path, alike.draw(n_others, noise), n_steps, noise)
    drawn, n_jumps = [], 0
    for block in row_blocks(n_rows, path.end.n_units):
        n_block = block.stop - block.start
        starts = run_pilot(path, noise, max(n_block, _LEAST_OTHERS))
        starts = starts.draw(n_block, noise.rng)
        rows, n_more = _move(path, starts, n_steps, noise)
        drawn.append(rows)
        n_jumps += n_more
    rows = np.concatenate(drawn)
    return Draws(rows, n_jumps / n_rows, _agree(path.end, rows, others))


def _move(path, rows, n_steps, noise):
    n_jumps = 0
    for n_done in range(0, n_steps, _SWEEPS_A_JUMP):
        n_sweeps = min(_SWEEPS_A_JUMP, n_steps - n_done)
        rows = path.end.gibbs(rows, noise, n_sweeps)
        rows, accepted = path.jump(rows, 1.0, noise)
        n_jumps += accepted.sum()
    return rows, n_jumps


def _agree(energy, rows, others):
    """Compare means of columns and of scores, each within its error."""
    rows, others = (
        np.column_stack([part, energy.score(energy.context(part))]).astype(np.float64)
        for part in (rows, others)
    )
    n_rows, n_others = len(rows), len(others)
    both = np.concatenate([rows, others])
    # Columns that hardly ever vary may still do so.
    variance = np.maximum(both.var(axis=0), 1 / len(both))
    error = np.sqrt(variance * (1 / n_rows + 1 / n_others))
    z = np.abs(rows.mean(axis=0) - others.mean(axis=0)) / error
    return bool((z < norm.isf(_FALSE_ALARMS / 2 / len(z))).all())
