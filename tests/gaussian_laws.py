"""Draws of mixtures of Gaussian RBMs, held to the law that an oracle knows.

An oracle has `moments`, a mean and the second moments about a point; `log_density`; and
`draw`.
"""

import numpy as np
from statistical import assert_mean_is

from skebm.sampling.random import UniformNoise

SHARES = np.array([0.1, 0.5, 0.9])


def draws_of(rbm, oracle, how, n_rows=20_000):
    """Draw rows by one of the ways that a model has."""
    rng = np.random.default_rng(3)
    if how == "sample":
        return rbm.sample(n_rows, random_state=0)
    if how == "gibbs":
        return rbm.gibbs(oracle.draw(n_rows, rng), n_steps=2, random_state=0)
    given = oracle.draw(n_rows, rng)
    given[:, 1] = np.nan
    rows = rbm.sample(given=given, random_state=0)
    np.testing.assert_array_equal(rows[:, 0], given[:, 0])
    return rows


def assert_moments_are(moments, rows, about=0.0):
    """Hold the mean of rows, and second moments about a point, to exact ones."""
    mean, second = moments
    assert_mean_is(mean, rows)
    deviations = rows - about
    assert_mean_is(second, np.einsum("ni,nj->nij", deviations, deviations))


def assert_densities_are(oracle, rows):
    """Hold the shares of rows below quantiles of the log-density to the oracle's."""
    drawn = oracle.draw(100_000, np.random.default_rng(4))
    edges = np.quantile(oracle.log_density(drawn), SHARES)
    below = oracle.log_density(rows)[:, np.newaxis] < edges
    assert_mean_is(SHARES, below.astype(float), n_errors=5.5)


def assert_visible_chains_leave(rbm, oracle, fixed, about=0.0):
    """Hold rows to their law that chains of visible rows have moved."""
    energy = rbm._energy().astype(np.float32)
    start = oracle.draw(20_000, np.random.default_rng(5))
    in_units = rbm._in_units(rbm._check(start)).take(slice(None))
    chains, _ = energy.with_visible_chains()
    noise = UniformNoise(np.random.default_rng(6), np.float32)
    held = None if fixed is None else np.tile(fixed, (len(start), 1))
    rows = chains.complete(in_units, noise)
    moved = chains.gibbs(rows, noise, 3, fixed=held)
    if fixed is not None:
        np.testing.assert_array_equal(moved[:, 0], rows[:, 0])
    assert (moved[:, 1] != rows[:, 1]).mean() > 0.99
    assert_moments_are(oracle.moments(), rbm._in_states(moved.astype(float)), about)
