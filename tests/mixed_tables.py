"""Small machines of categories and numbers, tables for them, and their law."""

from itertools import pairwise, product

import numpy as np
from scipy import stats
from scipy.special import logsumexp

from skebm.energy.mixed_rbm import MixedRBMEnergy
from skebm.units.binary import BinaryUnits
from skebm.units.categorical import CategoricalUnits
from skebm.units.gaussian import GaussianUnits, whiten_covariance
from skebm.units.mixed import MixedUnits

KINDS = {
    "full": {},
    "diag": {"full": False},
    "no groups": {"n_groups": 0},
    "groups alone": {"n_binary": 0},
    "numbers alone": {"n_levels": ()},
    "levels alone": {"n_real": 0},
}


def random_energy(
    n_binary=2, n_groups=3, n_levels=(3, 2), n_real=2, *, full=True, seed=0, ridge=0.01
):
    """Make a machine of parameters at random."""
    rng = np.random.default_rng(seed)
    n_visible, n_hidden = sum(n_levels) + n_real, n_binary + n_groups
    root = np.eye(n_real) + rng.normal(0, 0.4, (n_real, n_real))
    base = whiten_covariance(root @ root.T) if n_real else np.empty((0, 0))
    noise = GaussianUnits.of_base(base if full else np.diag(base).copy())
    noise = noise.replaced(log_stretch=rng.normal(0, 0.2, n_real))
    if full:
        shear = np.tril(rng.normal(0, 0.2, (n_real, n_real)), -1)
        noise = noise.replaced(shear=shear)
    hidden = BinaryUnits(n_binary)
    if n_groups:
        hidden = MixedUnits((hidden, CategoricalUnits((n_groups,))))
    energy = MixedRBMEnergy.of(
        rng.normal(0, 0.7, (n_hidden, n_visible)),
        rng.normal(0, 0.7, n_visible),
        rng.normal(0, 0.7, n_hidden),
        MixedUnits((CategoricalUnits(tuple(n_levels)), noise)),
        hidden,
    )
    return energy.replaced(ridge=ridge)


def shifted(energy, seed=0):
    """Describe a machine with offsets at random, none of real columns."""
    rng = np.random.default_rng(seed)
    visible = rng.random(energy.n_visible)
    visible[energy.real_columns] = 0
    return energy.shifted(visible, rng.random(energy.n_hidden))


def random_rows(energy, n_rows=40, *, missing=0.3, seed=0):
    """Draw rows of units, which of their columns are known, and weights."""
    rng = np.random.default_rng(seed)
    columns, observed = [], []
    for n_levels in energy.visible.parts[0].n_levels:
        levels = rng.integers(n_levels, size=n_rows)
        columns.append(np.eye(n_levels)[levels])
        known = rng.random((n_rows, 1)) >= missing
        observed.append(np.repeat(known, n_levels, axis=1))
    n_real = energy.noise.n_columns
    columns.append(rng.normal(0, 1.5, (n_rows, n_real)))
    observed.append(rng.random((n_rows, n_real)) >= missing)
    observed = np.hstack(observed)
    observed[0] = False
    return np.hstack(columns), observed, rng.dirichlet(np.ones(n_rows))


# ---- fitted estimators, from their attributes alone ----


class MixedOracle:
    """The law of a fitted `MixedRBM` from its public attributes.

    Given each hidden configuration levels are independent, and real values normal.

    Parameters
    ----------
    model : MixedRBM
        Fitted.
    n_levels : tuple of int
        Of each categorical unit, in the order of the columns of `components_`.
    """

    def __init__(self, model, n_levels):
        n_groups = model.n_groups_ if model.n_groups_ > 1 else 0
        n_binary = len(model.components_) - n_groups
        groups = np.eye(n_groups) if n_groups else np.empty((1, 0))
        self.hidden = np.array(
            [
                np.append(bits, group)
                for bits in product([0.0, 1.0], repeat=n_binary)
                for group in groups
            ]
        )
        field = self.hidden @ model.components_ + model.intercept_visible_
        ends = np.cumsum([0, *n_levels])
        self.n_one_hot = ends[-1]
        self.log_levels, log_weight = [], self.hidden @ model.intercept_hidden_
        for start, stop in pairwise(ends):
            own = field[:, start:stop]
            log_sum = logsumexp(own, axis=1)
            self.log_levels.append(own - log_sum[:, np.newaxis])
            log_weight = log_weight + log_sum
        self.means = field[:, self.n_one_hot :]
        if hasattr(model, "noise_covariance_"):
            self.covariance = model.noise_covariance_
        else:
            self.covariance = np.diag(model.noise_variance_)
        # The field of hidden units is W' C^-1 v, and |y|^2 that of v - a.
        if len(self.covariance):
            precision = np.linalg.inv(self.covariance)
            bias = model.intercept_visible_[self.n_one_hot :]
            added = self.means - bias
            log_weight = log_weight + added @ precision @ bias
            log_weight = (
                log_weight + np.einsum("hi,ij,hj->h", added, precision, added) / 2
            )
        self.log_prior = log_weight - logsumexp(log_weight)

    def joint(self, levels, values):
        """Log p(each hidden configuration, levels, values) of one row.

        Parameters
        ----------
        levels : list of (int or None)
            Of each categorical unit; None is missing.
        values : array-like of float
            Real values, NaN where missing.
        """
        joint = self.log_prior.copy()
        for own, level in zip(self.log_levels, levels, strict=True):
            if level is not None:
                joint += own[:, level]
        values = np.asarray(values, dtype=float)
        known = np.flatnonzero(~np.isnan(values))
        if len(known):
            covariance = self.covariance[np.ix_(known, known)]
            for number, mean in enumerate(self.means[:, known]):
                joint[number] += stats.multivariate_normal.logpdf(
                    values[known], mean, covariance
                )
        return joint

    def score(self, levels, values):
        """Log p(levels, values), what is missing summed and integrated out."""
        return logsumexp(self.joint(levels, values))
