"""log Z by the best method that an energy allows, to a wanted error."""

__all__ = ["anneal_log_partition", "compute_log_partition"]

from dataclasses import replace

import numpy as np

from skebm.partition.annealing import anneal
from skebm.partition.effort import Effort
from skebm.partition.enumeration import (
    can_enumerate,
    enumerate_log_partition,
)
from skebm.partition.equilibrium import EquilibriumRows, draw_in_equilibrium
from skebm.partition.estimate import PartitionEstimate
from skebm.partition.pilot import EXPLORERS, PILOT_CHAINS, PILOT_TEMPERATURES, run_pilot
from skebm.partition.starts import start_at_draws, start_at_rows
from skebm.partition.weights import (
    average_weights,
    chains_needed,
    error_on_the_way_back,
)
from skebm.sampling.path import Path
from skebm.sampling.random import UniformNoise
from skebm.units.data import row_blocks

# An even number, so that halves of them can be compared.
_LEAST_LADDERS, _MOST_LADDERS = 4, 20

# Rows of each ladder to which a mixture is fitted.
_ADAPTING_MEMBERS = 25

# And rows that were found by annealing, beside these.
_EXPLORED_ROWS = 250

# So many times as many draws as seem to be needed are weighed. The error is stated as
# of those needed: where weights have long tails, draws say too little of them.
_SAFETY = 4

# Where the mixture is so close to the machine that weighing its draws takes fewer of
# them than annealing takes sweeps: at least and at most so many.
_LEAST_DRAWS, _MOST_DRAWS = 1000, 1_000_000

# How rarely an early estimate may be as far above the last by chance.
_RARE = 0.01

# Temperatures to begin with, and how many times as many may follow at once: what is
# seen of the error at few of them is no better than that.
_FIRST_TEMPERATURES = 200
_MOST_AT_ONCE = 8.0

_LEAST_GROWTH = 2.0

# Temperatures that draws at hand are worth, where better ones can be had.
_MOST_WITH_DRAWS = _FIRST_TEMPERATURES * _MOST_AT_ONCE
# Variance of log weights above which few chains have all the weight: no more is
# predicted from these.
_TOO_UNEQUAL = 3.0

# Temperatures are chosen to reach this share of the tolerance, because the
# prediction is no better than that.
_AIM = 0.85

# Sweeps of single chains with which tempering is worth its beginning, and which share
# of what is left it may take.
_LEAST_FOR_TEMPERING = 150_000
_SHARE_OF_TEMPERING = 0.5


def compute_log_partition(energy, mean, *, rng, **settings):
    """Compute log Z exactly where that is feasible, by annealing elsewhere.

    Parameters
    ----------
    energy, mean, rng, **settings
        As for `anneal_log_partition`.

    Returns
    -------
    estimate : PartitionEstimate
        In nats.
    """
    if can_enumerate(energy):
        return enumerate_log_partition(energy)
    return anneal_log_partition(energy, mean, rng=rng, **settings)


def anneal_log_partition(
    energy,
    mean,
    *,
    tol,
    max_temperatures,
    n_chains,
    n_steps,
    rng,
    rows=None,
    draws=None,
    most_sweeps=np.inf,
):
    """Estimate log Z by annealing in both directions, from a mixture of products.

    The mixture knows the groups of rows learned from. A pilot run from it gives rows
    with which tempering starts. What that draws shows the groups of the model, to which
    another mixture is fitted; tempering goes on from there, and gives the rows with
    which annealing backwards starts. Another pilot run says how the temperatures are
    best spaced, and how many are needed. Should the error turn out larger than wanted,
    all chains are annealed anew at more temperatures. Only the last run counts, whose
    mixture and temperatures were set before it. Where the mixture is so close to the
    machine that weighing its draws takes less than that, nothing is annealed forwards.

    Parameters
    ----------
    energy : Energy
        Of a machine that chains move through.
    mean : ndarray of shape (n_columns,)
        Means of independent units, which the mixture has as well.
    tol : float
        Wanted standard error of `lower`, in nats.
    max_temperatures : int
        Most steps of the annealing.
    n_chains : int
        Chains of the annealing forwards, at least 2, and about as many back.
    n_steps : int
        Steps of the tempering that draws rows of the model.
    rng : numpy.random.Generator
        Source of the draws.
    rows : ndarray of shape (n_rows, n_columns), default=None
        Rows of chains that the model may favour, such as those learned from. Half of
        the tempering starts from some of them.
    draws : ndarray of shape (n_draws, n_columns), default=None
        About from the machine, such as chains that followed it while it was learned.
        They take the place of tempering where that leaves the wanted error after a few
        temperatures, and annealing backwards from them agrees.
    most_sweeps : float, default=inf
        Sweeps of single chains that all of this may take.

    Returns
    -------
    estimate : PartitionEstimate
        With an error larger than `tol` if more than `max_temperatures`, or than
        `most_sweeps`, were needed.
    """
    energy = energy.astype(np.float32)
    noise = UniformNoise(rng, np.float32)
    effort = Effort(tol, n_chains, max_temperatures, most_sweeps)
    path = Path(start_at_rows(energy, mean, rows, rng), energy)
    explored = _run_pilot(path, noise, effort, EXPLORERS, explores=True)
    estimate = None
    if draws is not None:
        drawn = _at_hand(draws, n_chains, rng)
        adapted = _adapted(path, drawn, explored, rng)
        estimate = _estimate(adapted, drawn, noise, effort, tempered=False)
    if estimate is None or not (_agrees(estimate, tol) or _cannot_temper(effort)):
        adapted, drawn = _temper(
            path, explored, rows, n_steps=n_steps, noise=noise, effort=effort
        )
        estimate = _estimate(adapted, drawn, noise, effort, tempered=True)
    # What has Z as its mean is rarely so far above it, by Markov's inequality.
    return estimate.above(explored.log_partition + np.log(_RARE))


def _run_pilot(path, noise, effort, n_chains, **settings):
    """Run a pilot for as long as the effort allows."""
    most = effort.pilot_temperatures(EXPLORERS + PILOT_CHAINS)
    pilot = run_pilot(path, noise, n_chains, most_temperatures=most, **settings)
    effort.spend(n_chains * (len(pilot.length.betas) - 1))
    return pilot


def _estimate(path, drawn, noise, effort, *, tempered):
    """Anneal along a path in both directions, or weigh draws of its start."""
    pilot = _run_pilot(path, noise, effort, PILOT_CHAINS)
    path = Path(path.start.reweighted(pilot.rows, pilot.weights), path.end)
    wanted = pilot.length.n_temperatures(
        _log_variance(_AIM * effort.tol, effort.n_chains)
    )
    mean = _weigh_draws(path, drawn, wanted * effort.n_chains, noise, effort)
    if mean is None:
        return _anneal(
            path,
            pilot.length,
            wanted,
            drawn,
            noise=noise,
            effort=effort,
            tempered=tempered,
        )
    # Weights on the way back know nothing of draws that the machine never makes.
    most = effort.temperatures(len(drawn.rows))
    betas = pilot.length.space(min(PILOT_TEMPERATURES, most))
    return replace(
        _anneal_both_ways(path, betas, drawn, noise, effort),
        lower=float(path.log_partition + mean.log_mean),
        lower_std=mean.std,
        lower_effective_sample_size=mean.effective_sample_size,
    )


def _anneal(path, length, wanted, drawn, *, noise, effort, tempered):
    """Anneal at more and more temperatures, until the error is small enough.

    So many as are wanted by the pilot run are often far too many: it takes what is
    noise of few chains for length. With fewer, both directions must agree, or get
    another chance. With draws at hand they get none: it would not bring these closer.
    Nor are these annealed at more temperatures than seem to be within reach, or where a
    few chains have most of the weight, if tempering may follow. Where no work would be
    left for a longer run after a first one, there is but one, as long as it can be.
    """
    n_temperatures, had_chance = min(wanted, _FIRST_TEMPERATURES), not tempered
    if effort.temperatures(len(drawn.rows)) < (1 + _LEAST_GROWTH) * n_temperatures:
        n_temperatures = wanted
    while True:
        most = effort.temperatures(len(drawn.rows))
        n_temperatures = int(np.clip(np.ceil(n_temperatures), 1, most))
        betas = length.space(n_temperatures)
        estimate = _anneal_both_ways(path, betas, drawn, noise, effort)
        if estimate.lower_std <= effort.tol:
            if had_chance or n_temperatures >= wanted or _agrees(estimate, effort.tol):
                return estimate
            had_chance = True
        # A run that is hardly longer adds nothing.
        most = effort.temperatures(len(drawn.rows))
        if most < _LEAST_GROWTH * n_temperatures and most < effort.max_temperatures:
            return estimate
        if n_temperatures == effort.max_temperatures:
            return estimate
        variance = _log_variance(estimate.lower_std, effort.n_chains)
        excess = variance / _log_variance(_AIM * effort.tol, effort.n_chains)
        n_temperatures *= np.clip(excess, _LEAST_GROWTH, _MOST_AT_ONCE)
        far = n_temperatures > min(most, _MOST_WITH_DRAWS) or variance > _TOO_UNEQUAL
        if far and not tempered and not _cannot_temper(effort):
            return estimate


def _cannot_temper(effort):
    return effort.n_left < _LEAST_FOR_TEMPERING


def _at_hand(draws, n_chains, rng):
    """Take draws that are there as independent rows in equilibrium."""
    # Each once: the same rows in both halves would agree for that reason.
    rows = _choose(draws, min(len(draws), n_chains) // 2 * 2, rng)
    return EquilibriumRows(rows[:, np.newaxis], 0.0)


def _agrees(estimate, tol):
    """Tell whether annealing both ways agrees, and from both halves of the draws."""
    difference = abs(estimate.halves[1] - estimate.halves[0])
    return (
        estimate.lower_std <= tol
        and abs(estimate.gap) <= 2 * estimate.gap_std + tol
        and difference <= 3 * estimate.halves_std + tol
    )


def _adapted(path, drawn, explored, rng):
    """Fit the mixture at the start of a path to rows drawn at its end."""
    found = explored.draw(_EXPLORED_ROWS, rng, power=0.5)
    found = np.concatenate([drawn.rows, found])
    return Path(start_at_draws(path.start, path.end, found, rng), path.end)


def _temper(path, explored, rows, *, n_steps, noise, effort):
    """Fit a mixture to what tempering draws; give its path, and rows at its end."""
    rng, n_chains = noise.rng, effort.n_chains
    n_ladders = min(max(n_chains, _LEAST_LADDERS), _MOST_LADDERS) // 2 * 2
    n_half = n_ladders // 2
    others = path.draw(n_half, noise) if rows is None else _choose(rows, n_half, rng)
    most_sweeps = _SHARE_OF_TEMPERING / 2 * effort.n_left
    drawn = draw_in_equilibrium(
        path,
        np.concatenate([explored.draw(n_half, rng), others]),
        noise,
        n_members=_ADAPTING_MEMBERS,
        n_steps=n_steps // 2,
        most_sweeps=most_sweeps,
    )
    effort.spend(drawn.n_sweeps)
    path = _adapted(path, drawn, explored, rng)
    drawn = draw_in_equilibrium(
        path,
        drawn.states[:, -1],
        noise,
        n_members=-(-n_chains // n_ladders),
        n_steps=n_steps - n_steps // 2,
        most_sweeps=most_sweeps,
    )
    effort.spend(drawn.n_sweeps)
    return path, drawn


def _anneal_both_ways(path, betas, drawn, noise, effort):
    n_chains = effort.n_chains
    effort.spend((n_chains + len(drawn.rows)) * (len(betas) - 1))
    log_start = path.log_partition
    forward = anneal(path, path.draw(n_chains, noise), betas, noise)[:, np.newaxis]
    backward = anneal(path, drawn.rows, betas[::-1], noise)
    backward = backward.reshape(drawn.states.shape[:2])

    lower, upper = average_weights(forward), average_weights(backward)
    halves = [average_weights(half) for half in np.split(backward, 2)]
    return PartitionEstimate(
        lower=float(log_start + lower.log_mean),
        lower_std=max(lower.std, error_on_the_way_back(backward, n_chains)),
        lower_effective_sample_size=lower.effective_sample_size,
        upper=float(log_start - upper.log_mean),
        upper_std=max(upper.std, error_on_the_way_back(forward, backward.size)),
        upper_effective_sample_size=upper.effective_sample_size,
        exact=False,
        n_temperatures=len(betas) - 1,
        n_chains=n_chains,
        halves=tuple(float(log_start - half.log_mean) for half in halves),
        halves_std=float(np.hypot(*(half.std for half in halves))),
        n_restarts=drawn.n_restarts,
    )


def _weigh_draws(path, drawn, most_draws, noise, effort):
    """Average the weights of draws of the start, without annealing; or give None.

    Where few enough of them leave the wanted error: that takes a fraction of the time.
    """
    back = -path.log_odds(drawn.rows)
    n_draws = chains_needed(back, _AIM * effort.tol)
    if n_draws > min(most_draws, _MOST_DRAWS, effort.n_left / _SAFETY):
        return None
    n_draws = max(_LEAST_DRAWS, _SAFETY * int(n_draws))
    effort.spend(n_draws)
    weights = [
        path.log_odds(path.draw(block.stop - block.start, noise))
        for block in row_blocks(n_draws, path.end.n_units)
    ]
    mean = average_weights(np.concatenate(weights)[:, np.newaxis])
    error = error_on_the_way_back(back, n_draws // _SAFETY)
    mean = mean._replace(std=max(mean.std, error))
    return mean if mean.std <= effort.tol else None


def _log_variance(std, n_chains):
    """Say which variance of the log weights gives a standard error of log Z."""
    return np.log1p(n_chains * std**2)


def _choose(rows, n_rows, rng):
    """Choose rows at random, all equally often where there are too few."""
    return rows[rng.permutation(len(rows))[np.arange(n_rows) % len(rows)]]
