"""Where annealing starts: mixtures that know the groups of rows."""

__all__ = ["start_at_draws", "start_at_rows", "with_peaks"]

import numpy as np
from scipy.special import softmax

from skebm.sampling.mixture import (
    GROUPED_ROWS,
    MOST_GROUPS,
    Mixture,
    fit_mixture,
    kernel_mixture,
)
from skebm.units.data import distinct_rows

# Share of what excludes nothing: independent units, and units that are all alike.
_BROAD = 0.5

# Rows that the machine favours above others have components of their own: so many of
# them, where one has this share of what all have, with this share of all draws. In
# these, so many columns are redrawn.
_PEAKS = 20
_PEAK_SHARE = 0.01
_PEAKS_SHARE = 0.1
_REDRAWN_COLUMNS = 2.0

# Share of the mixture fitted to draws; the rest is as it was before these were made.
_ADAPTED = 0.6


def start_at_rows(energy, mean, rows, rng):
    """Make a mixture of rows learned from, and of what the machine favours in them.

    Parameters
    ----------
    energy : Energy
        Of the machine.
    mean : ndarray of shape (n_columns,)
        Means of independent units, where all else fails.
    rows : ndarray of shape (n_rows, n_columns) or None
        Rows of chains.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    mixture : Mixture
        Which excludes nothing.
    """
    units = energy.units
    broad = Mixture.of_means(units, np.ones(2), np.array([mean, units.free_mean()]))
    if rows is None:
        return broad
    sample = rows
    if len(rows) > GROUPED_ROWS:
        sample = rows[rng.choice(len(rows), GROUPED_ROWS, replace=False)]
    mixture = fit_mixture(units, sample, MOST_GROUPS, rng).joined(broad, _BROAD)
    return with_peaks(mixture, energy, rows)


def start_at_draws(mixture, energy, rows, rng):
    """Fit a mixture to rows that a machine has drawn, beside the one before."""
    adapted = fit_mixture(mixture.units, rows, MOST_GROUPS, rng)
    return mixture.joined(with_peaks(adapted, energy, rows), _ADAPTED)


def with_peaks(mixture, energy, rows):
    """Add a component for each row that the machine favours above the others."""
    rows, _ = distinct_rows(rows)
    share = softmax(energy.score(energy.context(rows)).astype(np.float64))
    peaks = np.argsort(-share)[:_PEAKS]
    peaks = peaks[share[peaks] > _PEAK_SHARE]
    if not len(peaks):
        return mixture
    spread = min(0.5, _REDRAWN_COLUMNS / rows.shape[1])
    kernels = kernel_mixture(mixture.units, rows[peaks], spread, np.sqrt(share[peaks]))
    return mixture.joined(kernels, _PEAKS_SHARE)
