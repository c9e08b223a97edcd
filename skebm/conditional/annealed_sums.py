"""Sums over what is missing of rows, by annealing with what is observed held."""

__all__ = ["anneal_missing"]

from collections import deque
from functools import partial
from itertools import islice, pairwise

import numpy as np
from scipy.special import logsumexp

from skebm.conditional.clamped_chains import N_CHAINS, clamped_blocks
from skebm.sampling.watching import watched
from skebm.wording import counted

# Sweeps of the chains that say where annealing starts.
_PILOT_SWEEPS = 20

# Steps of annealing: at first, times this where a row needs more, and at most.
_STEPS, _MORE, _MOST_STEPS = 20, 4, 320

# Standard error of the score of a row that is aimed at, in nats.
_WANTED_ERROR = 0.1

# What every row's start keeps of the means of the columns.
_KEPT = 0.1


def anneal_missing(energy, rows, observed, mean, seed):
    """Estimate the log of the sum of exp(-E) over all that rows leave open.

    By annealed importance sampling [1]_ of what is missing, from independent units
    whose means are those of a few sweeps. What a row gets does not depend on others.

    Parameters
    ----------
    energy : Energy
        Float64.
    rows, observed : ndarray of shape (n_rows, n_visible)
        As of `Energy.observed_score`.
    mean : ndarray of shape (n_visible,)
        Means of the columns.
    seed : int
        Determines all draws.

    Returns
    -------
    score, std : ndarray of shape (n_rows,)
        The estimate and its standard error, in nats.

    References
    ----------
    .. [1] Neal, R. M. (2001). Annealed importance sampling. Statistics and Computing
       11, 125-139.
    """
    score, std = np.full(len(rows), np.nan), np.full(len(rows), np.inf)
    left, n_steps = np.arange(len(rows)), _STEPS
    while len(left) and n_steps <= _MOST_STEPS:
        task = f"annealing {counted(len(left), 'row')} with gaps"
        ticks = range(len(left) * n_steps)
        ticks = watched(ticks, len(ticks), f"{task} at {n_steps} temperatures")
        anneal = partial(_anneal, n_steps=n_steps, ticks=iter(ticks))
        for block, chains, start_mean, known in clamped_blocks(
            energy, rows[left], observed[left], mean, seed
        ):
            chosen = left[block]
            score[chosen], std[chosen] = anneal(chains, known, start_mean)
        left, n_steps = left[std[left] > _WANTED_ERROR], _MORE * n_steps
    return score + energy.with_visible_chains()[1], std


def _anneal(chains, rows, mean, n_steps, ticks):
    """Anneal with so many steps, each of which takes a tick for each row."""
    machine, units, noise = chains.machine, chains.machine.units, chains.noise
    found = chains.average(units.statistics, _PILOT_SWEEPS)
    field = units.natural((1 - _KEPT) * found + _KEPT * mean).astype(np.float32)
    field[chains.observed] = 0
    log_start = units.log_missing(field, rows.astype(np.float32), chains.observed)
    chains.restart(field)
    field = np.repeat(field, N_CHAINS, axis=0)

    moved = chains.rows
    context = machine.context(moved)
    log_weight = machine.score(context, 0.0).astype(np.float64)
    betas = np.linspace(0, 1, n_steps + 1)
    for beta, next_beta in pairwise(betas):
        deque(islice(ticks, len(rows)), maxlen=0)
        start = np.einsum("ij,ij->i", units.statistics(moved), field)
        log_weight += machine.log_ratio(context, beta, next_beta)
        log_weight -= (next_beta - beta) * start
        if next_beta < 1:
            tilt = np.float32(1 - next_beta) * field
            moved = machine.sweep(
                context, noise, beta=next_beta, tilt=tilt, fixed=chains.held
            )
            context = machine.context(moved)
    log_weight = log_weight.reshape(len(rows), N_CHAINS)
    log_mean = logsumexp(log_weight, axis=1) - np.log(N_CHAINS)
    ratios = np.exp(log_weight - log_mean[:, np.newaxis])
    std = np.sqrt(np.log1p(ratios.var(axis=1, ddof=1) / N_CHAINS))
    return log_start + log_mean, std
