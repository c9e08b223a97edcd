"""Small mixtures of products, paths from these, and their laws by enumeration."""

import numpy as np
from oracle import all_states, random_boltzmann, random_rbm
from scipy.special import logit

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.energy.pairwise import PairwiseEnergy
from skebm.sampling.mixture import Mixture
from skebm.sampling.path import Path
from skebm.sampling.random import UniformNoise
from skebm.units.binary import BinaryUnits

WEIGHTS = np.array([0.5, 0.3, 0.2])
MEANS = np.array([[0.1, 0.2, 0.1, 0.3], [0.9, 0.8, 0.9, 0.7], [0.5, 0.9, 0.1, 0.5]])
STATES = all_states(4)
PLACES = 1 << np.arange(4)[::-1]


def noise_from(seed, dtype=np.float64):
    return UniformNoise(np.random.default_rng(seed), dtype)


def mixture(weights=WEIGHTS, means=MEANS):
    units = BinaryUnits(means.shape[1])
    return Mixture(units, np.log(weights), logit(means), np.float64)


def joint_law(weights=WEIGHTS, means=MEANS):
    """Probabilities of rows and components, (n_states, n_components)."""
    states = all_states(means.shape[1])
    factors = np.where(states[:, np.newaxis] > 0, means, 1 - means)
    return weights * factors.prod(axis=2)


def paths():
    rbm = BinaryRBMEnergy.of(*random_rbm(3, 4))
    pairwise = PairwiseEnergy.of(*random_boltzmann(4))
    return [Path(mixture(), rbm), Path(mixture(), pairwise)]


def law_at(path, beta):
    """Probabilities of all rows at an inverse temperature, up to a factor."""
    start = np.exp((1 - beta) * np.log(joint_law())).sum(axis=1)
    end = path.end.score(path.end.context(STATES), beta)
    return start * np.exp(end)


def two_blocks(n_units, log_odds=0.0, coupling=4.0):
    """All units on or all of them off, on likelier than off by `log_odds`."""
    couplings = coupling * (1 - np.eye(n_units))
    bias = np.full(n_units, -coupling * (n_units - 1) / 2 + log_odds / n_units)
    return PairwiseEnergy.of(couplings, bias)
