"""Small machines of every kind, and rows of theirs of which columns are missing.

Sums over what is missing are short for all of these: what chains say can be held to
what `Energy.observed_score` and the like say, which have tests of their own.
"""

import numpy as np
from gaussian_machines import gaussian_machine
from oracle import random_boltzmann, random_lattice, random_rbm
from scipy.linalg import block_diag

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.energy.graph import Graph, LayeredGraph
from skebm.energy.latent import LatentEnergy
from skebm.energy.mixed_rbm import MixedRBMEnergy
from skebm.energy.pairwise import PairwiseEnergy
from skebm.energy.rbm import RBMEnergy
from skebm.sampling.random import UniformNoise
from skebm.units.binary import BinaryUnits
from skebm.units.categorical import CategoricalUnits
from skebm.units.mixed import MixedUnits
from skebm.units.white import WhiteUnits


def _latent():
    pairs = np.ones((7, 7), dtype=bool)
    v, h = slice(4), slice(4, None)
    graph = LayeredGraph.of_layers(pairs[v, v], pairs[h, h], pairs[h, v])
    return LatentEnergy.of(*random_boltzmann(7, scale=0.7, seed=2), graph)


def _lattice():
    couplings, bias, mask, colours = random_lattice(seed=4)
    return PairwiseEnergy.of(couplings, bias, Graph(mask, colours))


def _mixed(kind):
    noise = gaussian_machine(kind, 3, 2, seed=5).visible
    units = MixedUnits((CategoricalUnits((3, 2)), noise))
    energy = MixedRBMEnergy.of(*random_rbm(3, 7, seed=6), units)
    return energy.replaced(log_volume=0.3)


MACHINES = {
    "binary RBM": lambda: BinaryRBMEnergy.of(*random_rbm(3, 5)),
    "categories": lambda: RBMEnergy.of(
        *random_rbm(3, 5, seed=1), CategoricalUnits((3, 2))
    ),
    "mixture": lambda: RBMEnergy.of(
        *random_rbm(3, 4, seed=2), BinaryUnits(4), CategoricalUnits((3,))
    ),
    "pairwise": lambda: PairwiseEnergy.of(*random_boltzmann(5, seed=1)),
    "lattice": _lattice,
    "latent": _latent,
    "gaussian full": lambda: gaussian_machine("full", 3, 3, scale=0.7, seed=4),
    "gaussian factor": lambda: gaussian_machine("factor", 3, 3, scale=0.7, seed=4),
    "gaussian diag": lambda: gaussian_machine("diag", 3, 3, scale=0.7, seed=4),
    "mixed full": lambda: _mixed("full"),
    "mixed diag": lambda: _mixed("diag"),
}


def widths(units):
    """Give the number of columns of each unit."""
    if isinstance(units, MixedUnits):
        return [width for part in units.parts for width in widths(part)]
    if isinstance(units, CategoricalUnits):
        return list(units.n_levels)
    return [1] * units.n_columns


def is_real(energy):
    """Say which visible columns are real."""
    units = energy.visible_units
    parts = units.parts if isinstance(units, MixedUnits) else (units,)
    kinds = [np.full(p.n_columns, isinstance(p, WhiteUnits)) for p in parts]
    return np.concatenate(kinds)[: energy.n_visible]


def rows_with_gaps(energy, n_rows=20, share=0.5, seed=0):
    """Draw rows of a machine; give them, and which columns are to be observed."""
    rng = np.random.default_rng(seed)
    nothing = np.zeros((n_rows, energy.n_visible))
    rows = energy.draw_missing(nothing, nothing > 0, UniformNoise(rng, np.float64))
    units = widths(energy.visible_units)
    known = rng.random((n_rows, len(units))) >= share
    observed = np.repeat(known, units, axis=1)[:, : energy.n_visible]
    return np.where(observed, rows, 0.0), observed


def mean_of(energy):
    """Give means of the statistics of visible columns, within bounds."""
    nothing = np.zeros((1, energy.n_visible))
    mean = energy.mean_missing(nothing, nothing > 0)[0]
    return np.where(is_real(energy), 0.0, np.clip(mean, 0.1, 0.9))


def side_by_side(n_parts=7, n_hidden=3, n_visible=3, scale=1.0):
    """Make binary RBMs that know nothing of each other, and one of all of them.

    That is too large for sums over its hidden units, or over many missing values.
    """
    parts = [
        random_rbm(n_hidden, n_visible, scale=scale, seed=seed)
        for seed in range(n_parts)
    ]
    weights, *biases = zip(*parts, strict=True)
    whole = block_diag(*weights), *map(np.concatenate, biases)
    return BinaryRBMEnergy.of(*whole), [BinaryRBMEnergy.of(*part) for part in parts]


def each_part(parts, function, *tables):
    """Apply a function to every part and its columns of tables; give the results."""
    cut = [np.split(table, len(parts), axis=1) for table in tables]
    return [function(part, *own) for part, *own in zip(parts, *cut, strict=True)]
