"""Langevin dynamics: rows of real values that drift downhill in noise."""

__all__ = ["langevin"]

import numpy as np

from skebm.energy.metropolis import accepted


def langevin(log_density, rows, lengths, noise, *, scales=1.0, held=None):
    """Move rows by Metropolis-adjusted Langevin steps [1]_ [2]_.

    Each step goes along the gradient of the log-density and adds normal noise. It is
    taken or not by the rule of Metropolis and Hastings, so that the density is left as
    it is, whatever the length. Each step is its own reversal.

    The length h says what a row keeps of itself, exp(-h). Where the density is a normal
    one with the variances `scales`, every step is taken, and a long one draws the row
    anew [3]_. Short ones are the usual ``rows + h * scales * gradient`` with noise of
    variance ``2 * h * scales``.

    Parameters
    ----------
    log_density : callable
        Of rows; gives the log of an unnormalised density, (n_rows,), and its
        derivatives, (n_rows, n_columns). With an energy that is -F and its gradient.
    rows : ndarray of shape (n_rows, n_columns)
        Left as they are.
    lengths : iterable of ndarray of shape (n_rows, 1)
        Of each step, positive, chosen without a look at the rows.
    noise : UniformNoise
        Source of the draws.
    scales : float or ndarray of shape (n_columns,), default=1.0
        Variances that the columns have, about.
    held : ndarray of bool of shape (n_rows, n_columns), default=None
        Where rows stay as they are.

    Returns
    -------
    rows : ndarray of shape (n_rows, n_columns)
        After the steps.
    acceptance : float
        Mean probability with which steps were taken.

    References
    ----------
    .. [1] Besag, J. (1994). Comments on "Representations of knowledge in complex
       systems" by U. Grenander and M. I. Miller. JRSS B 56, 591-592.
    .. [2] Roberts, G. O. and Tweedie, R. L. (1996). Exponential convergence of Langevin
       distributions and their discrete approximations. Bernoulli 2(4), 341-363.
       :doi:`10.2307/3318418`
    .. [3] Cotter, S. L., Roberts, G. O., Stuart, A. M. and White, D. (2013). MCMC
       methods for functions: modifying old algorithms to make them faster. Statistical
       Science 28(3), 424-446. :doi:`10.1214/13-STS421`
    """
    scales = np.asarray(scales, rows.dtype)
    density, gradient = log_density(rows)
    acceptance, n_steps = 0.0, 0
    for length in lengths:
        share = -np.expm1(-length)  # of the way to where the gradient points
        variance = -np.expm1(-2 * length) * scales
        step = noise.rng.standard_normal(rows.shape, rows.dtype)
        step *= np.sqrt(variance)
        step += share * scales * gradient
        if held is not None:
            step[held] = 0
        proposed = rows + step
        new_density, new_gradient = log_density(proposed)
        # log q(back) - log q(there): what the drifts there and back were to make up.
        there = step - share * scales * gradient
        back = -step - share * scales * new_gradient
        change = (there**2 - back**2) / (2 * variance)
        if held is not None:
            change[held] = 0
        log_ratio = new_density - density + change.sum(axis=1)
        taken = accepted(log_ratio, noise)[:, np.newaxis]
        rows = np.where(taken, proposed, rows)
        density = np.where(taken[:, 0], new_density, density)
        gradient = np.where(taken, new_gradient, gradient)
        probability = np.exp(np.minimum(np.nan_to_num(log_ratio, nan=-np.inf), 0))
        acceptance += float(probability.mean())
        n_steps += 1
    return rows, acceptance / n_steps
