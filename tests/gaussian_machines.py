"""Gaussian RBMs of every kind of noise, and their oracles."""

from dataclasses import replace

import numpy as np
from gaussian_oracle import GaussianRBMOracle, random_gaussian_rbm

from skebm.energy.gaussian_rbm import GaussianRBMEnergy
from skebm.units.factors import FactorUnits
from skebm.units.gaussian import GaussianUnits, whiten_covariance

# Of central differences.
_STEP = 1e-5

KINDS = ["full", "diag", "shared", "fixed", "factor"]


def units_of(noise, kind):
    """Make units of a kind with this noise: variances, or a covariance.

    Of factors, the variances are those of the own noise, and a few are drawn.
    """
    if kind == "factor":
        rng = np.random.default_rng(3)
        factors = rng.normal(size=(2, len(noise))) * np.sqrt(noise)
        return FactorUnits.of_factors(noise, factors)
    base = whiten_covariance(noise) if kind == "full" else 1 / np.sqrt(noise)
    return GaussianUnits.of_base(base, shared=kind == "shared", fixed=kind == "fixed")


def gaussian_energy(weights, visible_bias, hidden_bias, units, **settings):
    """Make an energy of parameters in units of the noise."""
    parameters = weights, visible_bias, hidden_bias
    return replace(GaussianRBMEnergy.of(*parameters, visible=units), **settings)


def gaussian_machine(kind, n_hidden=3, n_visible=2, *, scale=1.0, seed=0, **settings):
    """Draw a machine whose noise is of a kind."""
    components, visible_bias, hidden_bias, noise = random_gaussian_rbm(
        n_hidden, n_visible, full=kind == "full", scale=scale, seed=seed
    )
    units = units_of(noise, kind)
    matrix = dense(units)
    return gaussian_energy(
        components @ matrix.T, matrix @ visible_bias, hidden_bias, units, **settings
    )


def dense(units):
    """Write out the matrix that gives noise unit variance."""
    if isinstance(units, FactorUnits):
        return units.statistics(np.eye(units.n_columns, dtype=units.base.dtype)).T
    return units.whitening if units.is_full else np.diag(units.whitening)


def oracle_of(energy, beta=1.0):
    """Give the exact law of a machine, in the coordinates of its visible rows."""
    inverse = np.linalg.inv(dense(energy.visible).astype(float))
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
    matrix = dense(energy.visible)
    cost = energy.ridge / 2 * np.trace(matrix.T @ matrix)
    return oracle_of(energy).log_density(rows).mean() - cost


def derivatives(function, units):
    """Take central differences of a function of units, by all that they learn."""
    vector = units.ravel()

    def moved(index, size):
        changed = vector.copy()
        changed[index] += size
        return function(units.unravel(changed))

    return np.array(
        [
            (moved(index, _STEP) - moved(index, -_STEP)) / (2 * _STEP)
            for index in range(len(vector))
        ]
    )


def information_of(units):
    """Of a normal law of precision P it is tr(P^-1 dP P^-1 dP) / 2."""

    def precision(units):
        return dense(units).T @ dense(units)

    turned = units.covariance() @ derivatives(precision, units)
    return np.einsum("aij,bji->ab", turned, turned) / 2
