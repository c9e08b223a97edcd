"""Gaussian RBMs of every kind of noise, and their oracles."""

import numpy as np
from gaussian_oracle import GaussianRBMOracle, random_gaussian_rbm

from skebm.energy.gaussian_rbm import GaussianRBMEnergy
from skebm.energy.whitening import DiagonalWhitening, TriangularWhitening

KINDS = ["full", "diag", "shared", "fixed"]


def whitening_of(noise, kind):
    """Make the map of a kind that whitens a noise."""
    if kind == "full":
        return TriangularWhitening(np.tril(np.linalg.inv(np.linalg.cholesky(noise))))
    scale = 1 / np.sqrt(noise)
    return DiagonalWhitening(scale, shared=kind == "shared", fixed=kind == "fixed")


def gaussian_machine(kind, n_hidden=3, n_visible=2, *, scale=1.0, seed=0, **kwargs):
    """Draw a machine whose noise is of a kind."""
    components, visible_bias, hidden_bias, noise = random_gaussian_rbm(
        n_hidden, n_visible, full=kind == "full", scale=scale, seed=seed
    )
    whitening = whitening_of(noise, kind)
    matrix = dense(whitening)
    return GaussianRBMEnergy(
        components @ matrix.T, matrix @ visible_bias, hidden_bias, whitening, **kwargs
    )


def dense(whitening):
    """Write the matrix of a map out."""
    if isinstance(whitening, TriangularWhitening):
        return whitening.matrix
    return np.diag(whitening.scale)


def oracle_of(energy, beta=1.0):
    """Give the exact law of a machine, in the coordinates of its visible rows."""
    inverse = np.linalg.inv(dense(energy.whitening).astype(float))
    return GaussianRBMOracle(
        energy.weights @ inverse.T,
        inverse @ energy.visible_bias,
        energy.hidden_bias,
        inverse @ inverse.T,
        beta,
    )


def rows_of(energy, n_rows=7, seed=0, spread=1.0):
    """Draw rows about as far apart as those of the machine, or some times as far."""
    oracle = oracle_of(energy)
    mean, _ = oracle.moments()
    rows, _ = oracle.draw(n_rows, np.random.default_rng(seed))
    return mean + spread * (rows - mean)


def mean_log_likelihood(energy, rows):
    """What learning maximises: the mean log-likelihood, less what the ridge costs."""
    matrix = dense(energy.whitening)
    cost = energy.ridge / 2 * np.trace(matrix.T @ matrix)
    return oracle_of(energy).log_density(rows).mean() - cost
