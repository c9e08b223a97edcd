"""Rows of which columns are missing: by sums where these are short, else by chains."""

__all__ = ["draw_incomplete", "mean_hidden", "mean_incomplete", "score_incomplete"]

from functools import partial

import numpy as np
from scipy.special import logsumexp, softmax

from skebm.conditional.annealed_sums import anneal_missing
from skebm.conditional.clamped_chains import (
    average_clamped,
    evenly_spread,
    run_clamped,
)
from skebm.energy.completions import draw_of_law

# Draws over which functions of what is missing are averaged.
_DRAWS = 100

# Machines that all rows are less likely of than this are left out of averages.
_NEGLIGIBLE = 1e-6


def score_incomplete(energy, rows, observed, mean, seed):
    """Compute the log of the sum of exp(-E) over all that rows leave open.

    Parameters
    ----------
    energy : Energy
        Float64.
    rows : ndarray of shape (n_rows, n_visible)
        Float64, with any finite values where they are missing.
    observed : ndarray of bool of shape (n_rows, n_visible)
        Which columns of each row are known.
    mean : ndarray of shape (n_visible,)
        Means of the columns, where annealing begins.
    seed : int
        Of its draws, which are the same for every row.

    Returns
    -------
    score, std : ndarray of shape (n_rows,)
        In nats, and the standard error, 0 where sums are exact.
    """
    score, std = np.empty(len(rows)), np.zeros(len(rows))
    complete = observed.all(axis=1)
    summed = energy.is_summable(observed) & ~complete
    annealed = ~complete & ~summed
    if complete.any():
        score[complete] = -energy.free_energy(rows[complete])
    if summed.any():
        score[summed] = energy.observed_score(rows[summed], observed[summed])
    if annealed.any():
        known = rows[annealed], observed[annealed]
        score[annealed], std[annealed] = _annealed(energy, *known, mean, seed)
    return score, std


def _annealed(energy, rows, observed, mean, seed):
    """Anneal with each machine of which an energy is a mixture, mostly one."""
    scores, std = _scores_of_copies(energy, rows, observed, mean, seed)
    # All draws come from the same seed, so that errors may add up.
    std = (softmax(scores, axis=0) * std).sum(axis=0)
    return logsumexp(scores, axis=0), std


def _scores_of_copies(energy, rows, observed, mean, seed):
    """Anneal with each machine alone; give scores and errors, (n_copies, n_rows)."""
    scores, std = [], []
    for machine, own, constant in energy.copies(rows, observed):
        score, error = anneal_missing(machine, own, observed, mean, seed)
        scores.append(score + constant)
        std.append(error)
    return np.array(scores), np.array(std)


def draw_incomplete(energy, rows, observed, mean, noise, n_sweeps):  # noqa: PLR0917
    """Draw what is missing of rows; by so many sweeps where sums are too long."""
    result = rows.astype(np.float64)
    for chosen, is_summable in _kinds(energy, observed):
        known = rows[chosen], observed[chosen]
        if is_summable:
            result[chosen] = energy.draw_missing(*known, noise)
        else:
            fast = energy.astype(np.float32)
            result[chosen] = _run(fast, *known, mean, noise, n_sweeps)
    return result


def _run(energy, rows, observed, mean, noise, n_sweeps):  # noqa: PLR0917
    """Run chains with one of the machines of which an energy is a mixture.

    Chains stay with the machine that is drawn of each row first, given what is
    observed: they would hardly leave it where what is missing tells machines apart.
    """
    copies = energy.copies(rows, observed)
    if len(copies) == 1:
        return run_clamped(energy, rows, observed, mean, noise, n_sweeps)
    seed = int(noise.rng.integers(2**31))
    scores, _ = _scores_of_copies(energy, rows, observed, mean, seed)
    drawn = draw_of_law(softmax(scores.T, axis=1), noise)
    result = np.empty(rows.shape)
    for copy, (machine, own, _) in enumerate(copies):
        members = np.flatnonzero(drawn == copy)
        if len(members):
            known = own[members], observed[members]
            moved = run_clamped(machine, *known, mean, noise, n_sweeps)
            result[members] = energy.original(moved, copy)
    return np.where(observed, rows, result)


def mean_incomplete(energy, rows, observed, mean, seed, function=None):  # noqa: PLR0917
    """Put for what is missing of rows its mean; of draws where sums are too long.

    With a function of rows without gaps, this is averaged; of draws as well.
    """
    result = rows.astype(np.float64) if function is None else function(rows)
    for chosen, is_summable in _kinds(energy, observed):
        known = rows[chosen], observed[chosen]
        if not is_summable:
            own = np.asarray if function is None else function
            result[chosen] = _average(energy, *known, mean, seed, own)
        elif function is None:
            result[chosen] = energy.mean_missing(*known)
        else:
            draws = partial(evenly_spread, seed, _DRAWS)
            result[chosen] = energy.average_missing(*known, function, draws)
    return result if function is not None else np.where(observed, rows, result)


def mean_hidden(energy, rows, observed, mean, seed):
    """Compute the means of hidden units given what is observed of rows."""
    result = energy.hidden_mean(rows)
    for chosen, is_summable in _kinds(energy, observed):
        known = rows[chosen], observed[chosen]
        if is_summable:
            result[chosen] = energy.observed_hidden_mean(*known)
        else:
            result[chosen] = _average(energy, *known, mean, seed, None)
    return result


def _average(energy, rows, observed, mean, seed, function):  # noqa: PLR0917
    """Average a function of rows, or else hidden units, over draws of what is missing.

    Each machine of which an energy is a mixture has chains of its own, and counts as
    likely as it is given what is observed.
    """
    copies = energy.copies(rows, observed)
    law = np.ones((1, len(rows)))
    if len(copies) > 1:
        scores, _ = _scores_of_copies(energy, rows, observed, mean, seed)
        law = softmax(scores, axis=0)
    total = 0.0
    for copy, (machine, own, _) in enumerate(copies):
        if law[copy].max() >= _NEGLIGIBLE:
            of_draws = _of_draws(energy, machine, copy, function)
            part = average_clamped(machine, own, observed, mean, seed, of_draws)
            total = total + law[copy, :, np.newaxis] * part
    return total


def _of_draws(energy, machine, copy, function):
    """Give what is averaged of rows as a machine sees them; see `_average`."""
    if function is None:
        return machine.astype(np.float32).hidden_mean
    return lambda moved: function(energy.original(moved, copy))


def _kinds(energy, observed):
    """List rows that have gaps: those whose sums are short, and the others."""
    gaps = ~observed.all(axis=1)
    summed = energy.is_summable(observed)
    kinds = [(np.flatnonzero(gaps & (summed == kind)), kind) for kind in (True, False)]
    return [(chosen, kind) for chosen, kind in kinds if len(chosen)]
