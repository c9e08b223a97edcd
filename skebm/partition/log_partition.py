"""log Z by the best method that an energy allows, to a wanted error."""

__all__ = ["anneal_log_partition", "compute_log_partition"]

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.special import softmax

from skebm.partition.annealing import anneal
from skebm.partition.enumeration import (
    can_enumerate,
    enumerate_log_partition,
)
from skebm.partition.equilibrium import draw_in_equilibrium
from skebm.partition.estimate import PartitionEstimate
from skebm.partition.spacing import AnnealingLength, measure_length
from skebm.partition.starts import start_at_draws, start_at_rows
from skebm.partition.weights import average_weights, error_on_the_way_back
from skebm.sampling.path import Path
from skebm.sampling.random import UniformNoise

_PILOT_TEMPERATURES = 200
_PILOT_CHAINS = 100

# An even number, so that halves of them can be compared.
_LEAST_LADDERS, _MOST_LADDERS = 4, 20

# Rows of each ladder to which a mixture is fitted.
_ADAPTING_MEMBERS = 25

# Temperatures are chosen to reach this share of the tolerance, because the
# prediction is no better than that.
_AIM = 0.7


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
    energy, mean, *, tol, max_temperatures, n_chains, n_steps, rng, rows=None
):
    """Estimate log Z by annealing in both directions, from a mixture of products.

    The mixture knows the groups of rows learned from. A pilot run from it gives rows
    with which tempering starts. What that draws shows the groups of the model, to which
    another mixture is fitted; tempering goes on from there, and gives the rows with
    which annealing backwards starts. Another pilot run says how the temperatures are
    best spaced, and how many are needed. Should the error turn out larger than wanted,
    all chains are annealed anew at more temperatures. Only the last run counts, whose
    mixture and temperatures were set before it.

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

    Returns
    -------
    estimate : PartitionEstimate
        With an error larger than `tol` if more than `max_temperatures` were
        needed.
    """
    energy = energy.astype(np.float32)
    noise = UniformNoise(rng, np.float32)
    path = Path(start_at_rows(energy, mean, rows, rng), energy)
    n_ladders = min(max(n_chains, _LEAST_LADDERS), _MOST_LADDERS) // 2 * 2
    n_half = n_ladders // 2
    pilot = _run_pilot(path, noise)
    others = path.draw(n_half, noise) if rows is None else _choose(rows, n_half, rng)
    drawn = draw_in_equilibrium(
        path,
        np.concatenate([pilot.draw(n_half, rng), others]),
        noise,
        n_members=_ADAPTING_MEMBERS,
        n_steps=n_steps // 2,
    )
    start = start_at_draws(path.start, energy, np.concatenate(drawn.states), rng)
    path = Path(start, energy)
    pilot = _run_pilot(path, noise)
    drawn = draw_in_equilibrium(
        path,
        drawn.states[:, -1],
        noise,
        n_members=-(-n_chains // n_ladders),
        n_steps=n_steps - n_steps // 2,
    )

    path = Path(start.reweighted(pilot.rows, pilot.weights), energy)
    length = pilot.length
    wanted = length.n_temperatures(_log_variance(_AIM * tol, n_chains))
    while True:
        n_temperatures = int(np.clip(np.ceil(wanted), 1, max_temperatures))
        betas = length.space(n_temperatures)
        estimate = _anneal_both_ways(path, betas, drawn, n_chains, noise)
        if estimate.lower_std <= tol or n_temperatures == max_temperatures:
            return estimate
        excess = _log_variance(estimate.lower_std, n_chains) / _log_variance(
            _AIM * tol, n_chains
        )
        wanted = n_temperatures * max(2.0, excess)


class _Pilot(NamedTuple):
    """A short run: how long the path is, and weighted rows from its end."""

    length: AnnealingLength
    rows: np.ndarray
    weights: np.ndarray

    def draw(self, n_rows, rng):
        """Draw rows about as likely as at the end of the path."""
        chosen = rng.choice(len(self.rows), size=n_rows, p=self.weights)
        return self.rows[chosen]


def _run_pilot(path, noise):
    betas = np.linspace(0, 1, _PILOT_TEMPERATURES + 1)
    rows = path.draw(_PILOT_CHAINS, noise)
    falls = np.empty((_PILOT_TEMPERATURES, _PILOT_CHAINS))
    for step, (beta, next_beta) in enumerate(pairwise(betas)):
        rows, falls[step] = path.move(rows, beta, next_beta, noise)
    weights = softmax(falls.sum(axis=0))
    return _Pilot(measure_length(betas, falls), rows, weights)


def _anneal_both_ways(path, betas, drawn, n_chains, noise):
    log_start = path.log_partition
    forward = anneal(path, path.draw(n_chains, noise), betas, noise)[:, np.newaxis]
    n_ladders, n_members, n_columns = drawn.states.shape
    drawn_rows = drawn.states.reshape(-1, n_columns)
    backward = anneal(path, drawn_rows, betas[::-1], noise)
    backward = backward.reshape(n_ladders, n_members)

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


def _log_variance(std, n_chains):
    """Say which variance of the log weights gives a standard error of log Z."""
    return np.log1p(n_chains * std**2)


def _choose(rows, n_rows, rng):
    """Choose rows at random, all equally often where there are too few."""
    return rows[rng.permutation(len(rows))[np.arange(n_rows) % len(rows)]]
