"""Every energy through the same checks, against enumeration from its definition.

A case holds an energy, and the energies of all its joint configurations, written out
from the definition without a line of the package: a row for each configuration that
chains move, a column for each of the units that are summed out.
"""

from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations, product
from unittest.mock import Mock

import numpy as np
import pytest
from gaussian_machines import dense
from oracle import random_boltzmann, random_lattice, random_rbm
from scipy.special import logsumexp, softmax
from scipy.stats import chi2_contingency
from statistical import assert_draws_from, assert_mean_is

from skebm.energy.base import Energy
from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.energy.clique_tables import CliqueTables
from skebm.energy.cliques import CliqueEnergy
from skebm.energy.gaussian_rbm import GaussianRBMEnergy
from skebm.energy.graph import Graph, LayeredGraph
from skebm.energy.grouped import GroupedEnergy
from skebm.energy.latent import LatentEnergy
from skebm.energy.memory_mixture import MemoryMixture
from skebm.energy.mixed_rbm import MixedRBMEnergy
from skebm.energy.pairwise import PairwiseEnergy
from skebm.energy.polynomial import PolynomialEnergy
from skebm.energy.rbm import RBMEnergy
from skebm.learning.contrastive import ContrastiveLearning, LearningState
from skebm.learning.lbfgs import LBFGS
from skebm.learning.schedule import Schedule
from skebm.partition.enumeration import enumerate_log_partition
from skebm.partition.log_partition import anneal_log_partition
from skebm.sampling.path import IndependentStart, Line, Path
from skebm.sampling.random import UniformNoise
from skebm.sampling.tempering import adapt_ladder, start_replicas, temper
from skebm.units.binary import BinaryUnits
from skebm.units.categorical import CategoricalUnits
from skebm.units.data import Rows
from skebm.units.factors import FactorUnits
from skebm.units.gaussian import GaussianUnits
from skebm.units.mixed import MixedUnits

BETAS = [0.5, 1.0, 2.0]


@dataclass(frozen=True, eq=False)
class Case:
    """An energy, the rows that its chains move, and what they are like by definition.

    `joint` has the energy of every row (first index) with every configuration of what
    is summed out; `visible` the rows of data, with `visible_joint`, where chains move
    other rows than these; `hidden` the configurations of its second index, if any.
    Where rows have one of several scales as well, those of the first scale come first.
    """

    energy: Energy
    rows: np.ndarray
    joint: np.ndarray
    visible: np.ndarray
    visible_joint: np.ndarray
    offsets: tuple
    hidden: np.ndarray | None = None
    n_images: int = 1

    def pairs(self):
        """The energies of visible rows and hidden ones, which are listed once."""
        shape = len(self.visible), self.n_images, -1
        joint = -logsumexp(-self.visible_joint.reshape(shape), axis=1)
        return joint, self.hidden[: joint.shape[1]]

    def log_weight(self, beta=1.0, tilt=0.0):
        return logsumexp(-beta * self.joint, axis=1) + self.rows @ (
            tilt + np.zeros(self.rows.shape[1])
        )

    def law(self, beta=1.0, tilt=0.0):
        weight = self.log_weight(beta, tilt)
        return np.exp(weight - logsumexp(weight))

    def draw(self, n_rows, beta=1.0, tilt=0.0, seed=0):
        law, rng = self.law(beta, tilt), np.random.default_rng(seed)
        return self.rows[rng.choice(len(law), n_rows, p=law)].astype(bool)

    def index(self, rows):
        powers = 2 ** np.arange(rows.shape[1])
        codes = {code: i for i, code in enumerate(self.rows.astype(int) @ powers)}
        return np.array([codes[code] for code in rows.astype(int) @ powers])

    def as_dtype(self, dtype):
        return replace(self, energy=self.energy.astype(dtype))


@dataclass(frozen=True, eq=False)
class ThirdOrderEnergy(Energy):
    """E(x) = -b.x - sum over i < j < k of T_ijk x_i x_j x_k, for zeros and ones.

    All that one must write for scores, annealing, tempering, sampling and learning.
    """

    couplings: np.ndarray  # (n, n, n), only those of i < j < k count
    bias: np.ndarray

    parameters = ("couplings", "bias")

    @property
    def units(self):
        return BinaryUnits(len(self.bias))

    def score(self, context, beta=1.0):
        x = context.astype(self.dtype)
        triples = np.einsum("ijk,ni,nj,nk->n", self.couplings * self.exists, x, x, x)
        return beta * (triples + x @ self.bias)

    def statistics(self, rows, row_weights=None, *, noise=None):
        x = rows.astype(self.dtype)
        if row_weights is None:
            row_weights = np.full(len(x), 1 / len(x), self.dtype)
        triples = np.einsum("n,ni,nj,nk->ijk", row_weights, x, x, x)
        return self.with_arrays([triples * self.exists, row_weights @ x])

    @property
    def exists(self):
        i, j, k = np.indices(self.couplings.shape)
        return (i < j) & (j < k)


def bits(n_units):
    return np.array(list(product([0.0, 1.0], repeat=n_units)))


def one_hot(*n_levels):
    blocks = [np.eye(levels) for levels in n_levels]
    return np.array([np.concatenate(parts) for parts in product(*blocks)])


def two_layers(energy, visible, hidden, parameters, offsets):
    weights, visible_bias, hidden_bias = parameters
    joint = -(visible @ visible_bias)[:, np.newaxis] - hidden @ hidden_bias
    joint = joint - visible @ weights.T @ hidden.T
    return Case(energy, visible, joint, visible, joint, offsets, hidden)


def rbm_case(visible, hidden, states, other_states, seed):
    parameters = random_rbm(other_states.shape[1], states.shape[1], seed=seed)
    both_binary = isinstance(visible, BinaryUnits) and isinstance(hidden, BinaryUnits)
    family = BinaryRBMEnergy if both_binary else RBMEnergy
    energy = family.of(*parameters, visible, hidden)
    rng = np.random.default_rng(seed)
    offsets = tuple(rng.uniform(0.1, 0.9, s.shape[1]) for s in (states, other_states))
    return two_layers(energy, states, other_states, parameters, offsets)


def pairwise_case(couplings, bias, graph=None):
    rows = bits(len(bias))
    joint = -np.einsum("ni,ij,nj->n", rows, couplings, rows) / 2 - rows @ bias
    joint = joint[:, np.newaxis]
    offsets = (np.linspace(0.2, 0.8, len(bias)), None)
    energy = PairwiseEnergy.of(couplings, bias, graph)
    return Case(energy, rows, joint, rows, joint, offsets)


def latent_case(kind):
    """Make a machine of four visible and three hidden units."""
    v, h = slice(4), slice(4, None)
    mask = np.ones((7, 7), dtype=bool)
    if kind in {"restricted", "hidden", "deep"}:
        mask[v, v] = False
    if kind in {"restricted", "semi"}:
        mask[h, h] = False
    if kind == "deep":  # layers of four, two and one unit
        mask[h, h] = np.array([[0, 0, 1], [0, 0, 1], [1, 1, 0]])
        mask[6, v] = mask[v, 6] = False
    graph = LayeredGraph.of_layers(mask[v, v], mask[h, h], mask[h, v])
    couplings, bias = random_boltzmann(7, seed=3)
    of_all = pairwise_case(couplings * mask, bias)
    return replace(
        of_all,
        energy=LatentEnergy.of(couplings * mask, bias, graph),
        visible=bits(4),
        visible_joint=of_all.joint.reshape(16, 8),
        hidden=bits(3),
        offsets=(np.full(4, 0.3), np.full(3, 0.6)),
    )


def gaussian_case(kind):
    weights, mean, bias = random_rbm(3, 2, seed=5)
    rng = np.random.default_rng(5)
    base = np.tril(rng.normal(0, 0.3, (2, 2)), -1) + np.diag([1.5, 0.7])
    if kind == "factor":
        loadings = np.array([[0.6], [-0.4]])
        units = FactorUnits(np.diag(base).copy(), np.array([0.3, -0.2]), loadings)
    else:
        units = GaussianUnits.of_base(
            base if kind == "full" else np.diag(base).copy(),
            shared=kind == "shared",
            fixed=kind == "fixed",
        )
        stretch = {"shared": np.full(2, 0.2), "fixed": np.zeros(2)}
        shear = np.array([[0, 0], [0.4, 0]]) if kind == "full" else None
        units = replace(
            units, log_stretch=stretch.get(kind, np.array([0.3, -0.2])), shear=shear
        )
    energy = GaussianRBMEnergy.of(weights, mean, bias, units, BinaryUnits(3))
    energy = replace(energy, ridge=0.1)
    rows = bits(3)
    joint = -(rows @ (bias + weights @ mean)) - ((rows @ weights) ** 2).sum(1) / 2
    visible = rng.normal(0, 2, (6, 2))
    white = visible @ dense(units).T
    visible_joint = ((white - mean) ** 2).sum(axis=1)[:, np.newaxis] / 2
    visible_joint = visible_joint - rows @ bias - white @ weights.T @ rows.T
    offsets = (None, np.array([0.3, 0.5, 0.6]))
    return Case(
        energy, rows, joint[:, np.newaxis], visible, visible_joint, offsets, rows
    )


def grouped_case(kind, n_groups=1):
    """Make a machine whose rows have one of three scales, and perhaps two groups."""
    inner, rng = gaussian_case(kind), np.random.default_rng(8)
    machine = inner.energy.replaced(ridge=0.0)
    scales = np.array([[0.3, 1.2, 2.5], [0.4, 1.3, 1.9]])[:n_groups]
    shares = np.array([[0.2, 0.5, 0.3], [0.1, 0.4, 0.8]])[:n_groups]
    centres = np.array([[0.4, -0.3], [-0.7, 0.5]])[:n_groups]
    noises = [machine.noise, machine.noise.stretched(1.3)]
    if kind == "full":
        noises[1] = replace(noises[1], shear=np.tril(rng.normal(size=(2, 2)), -1))
    energy = GroupedEnergy.of(
        machine, noises[:n_groups], np.log(scales), np.log(shares) + 0.7, centres
    )
    joints, first = [], np.linalg.det(dense(machine.noise))
    for number, noise in enumerate(energy.noises):
        matrix = dense(noise)
        for scale, share in zip(scales[number], shares[number], strict=True):
            own = (inner.visible - centres[number]) / np.sqrt(scale)
            white, mean, rows = own @ matrix.T, machine.visible_bias, inner.rows
            joint = ((white - mean) ** 2).sum(axis=1)[:, np.newaxis] / 2
            joint = joint - rows @ machine.hidden_bias
            joint = joint - white @ machine.weights.T @ rows.T
            # Of two columns, each of which is the root of the scale times as long.
            volume = scale * first / np.linalg.det(matrix)
            joints.append(joint + np.log(volume) - np.log(share / shares.sum()))
    return replace(
        inner,
        energy=energy,
        visible_joint=np.hstack(joints),
        hidden=np.tile(inner.hidden, (scales.size, 1)),
        n_images=scales.size,
    )


def mixed_case(kind):
    """Make a machine of a category of three levels, and two real columns."""
    weights, bias, hidden_bias = random_rbm(3, 5, seed=6)
    noise = gaussian_case(kind).energy.visible
    units = MixedUnits((CategoricalUnits((3,)), noise))
    energy = MixedRBMEnergy.of(weights, bias, hidden_bias, units)
    energy = replace(energy, ridge=0.1, log_volume=0.3)
    rows, rng = bits(3), np.random.default_rng(6)
    field = rows @ weights + bias
    level, real = field[:, :3], field[:, 3:]
    log_det = np.log(np.prod(np.diag(dense(noise))))
    joint = -(rows @ hidden_bias) - logsumexp(level, axis=1) - (real**2).sum(1) / 2
    joint -= np.log(2 * np.pi) - log_det  # of two real columns
    visible = np.hstack([np.eye(3)[[0, 1, 2, 2, 1, 0]], rng.normal(0, 2, (6, 2))])
    white = visible[:, 3:] @ dense(noise).T
    statistics = np.hstack([visible[:, :3], white])
    visible_joint = (white**2).sum(axis=1)[:, np.newaxis] / 2
    visible_joint = visible_joint - rows @ hidden_bias - statistics @ field.T
    offsets = np.r_[0.2, 0.3, 0.5, 0.0, 0.0], np.array([0.3, 0.5, 0.6])
    return Case(
        energy, rows, joint[:, np.newaxis], visible, visible_joint, offsets, rows
    )


def toy_case():
    rng = np.random.default_rng(2)
    energy = ThirdOrderEnergy(rng.normal(0, 1, (5, 5, 5)), rng.normal(0, 0.5, 5))
    rows = bits(5)
    joint = -rows @ energy.bias - np.array(
        [
            sum(
                energy.couplings[i, j, k] * row[i] * row[j] * row[k]
                for i, j, k in combinations(range(5), 3)
            )
            for row in rows
        ]
    )
    joint = joint[:, np.newaxis]
    return Case(energy, rows, joint, rows, joint, (None, None))


def polynomial_case():
    """Make a dense associative memory of five spins and four memories."""
    rng = np.random.default_rng(7)
    memories, strengths = rng.choice([-1.0, 1.0], (4, 5)), rng.uniform(0.5, 1.5, 4)
    rows = bits(5)
    overlaps = (2 * rows - 1) @ memories.T / 5
    joint = -(5 / 3) * (overlaps**3 @ strengths)[:, np.newaxis]
    energy = PolynomialEnergy(strengths, memories, 3)
    return Case(energy, rows, joint, rows, joint, (None, None))


def memories_case():
    """Make a modern Hopfield network of four spins and three memories."""
    memories, sharpness = np.random.default_rng(9).choice([-1.0, 1.0], (3, 4)), 0.6
    rows = bits(4)
    joint = -sharpness * (2 * rows - 1) @ memories.T
    energy = MemoryMixture.of_spins(memories, sharpness)
    offsets = np.linspace(0.2, 0.8, 4), np.array([0.2, 0.3, 0.5])
    return Case(energy, rows, joint, rows, joint, offsets, one_hot(3))


def clique_case(n_levels, scopes):
    """Make tables of potentials at random, and sum them up."""
    rng = np.random.default_rng(7)
    tables = [rng.normal(size=[n_levels[i] for i in scope]) for scope in scopes]
    fields = [rng.normal(size=n) for n in n_levels]
    configurations = np.array(list(product(*map(range, n_levels))))
    joint = -sum(fields[i][own] for i, own in enumerate(configurations.T))
    for scope, table in zip(scopes, tables, strict=True):
        joint = joint - table[tuple(configurations[:, scope].T)]
    energy = CliqueEnergy(
        np.concatenate([table.ravel() for table in tables]),
        np.concatenate(fields),
        CliqueTables(n_levels, scopes, 1000),
    )
    rows, joint = one_hot(*n_levels), joint[:, np.newaxis]
    return Case(energy, rows, joint, rows, joint, (None, None))


def lattice_case(*, coloured):
    couplings, bias, mask, colours = random_lattice(seed=4)
    return pairwise_case(couplings, bias, Graph(mask, colours if coloured else None))


CASES = {
    "binary RBM": lambda: rbm_case(BinaryUnits(4), BinaryUnits(3), bits(4), bits(3), 0),
    "categories": lambda: rbm_case(
        CategoricalUnits((3, 2)), BinaryUnits(3), one_hot(3, 2), bits(3), 1
    ),
    "mixture": lambda: rbm_case(
        BinaryUnits(4), CategoricalUnits((3,)), bits(4), one_hot(3), 2
    ),
    "mixed": lambda: rbm_case(
        MixedUnits((BinaryUnits(2), CategoricalUnits((3,)))),
        MixedUnits((CategoricalUnits((2,)), BinaryUnits(2))),
        np.array([np.r_[a, b] for a in bits(2) for b in np.eye(3)]),
        np.array([np.r_[a, b] for a in np.eye(2) for b in bits(2)]),
        3,
    ),
    "pairwise": lambda: pairwise_case(*random_boltzmann(5, seed=1)),
    "lattice": lambda: lattice_case(coloured=True),
    "masked": lambda: lattice_case(coloured=False),
    "latent": lambda: latent_case("general"),
    "latent, semi-restricted": lambda: latent_case("semi"),
    "latent, restricted": lambda: latent_case("restricted"),
    "latent, hidden couplings": lambda: latent_case("hidden"),
    "latent, deep": lambda: latent_case("deep"),
    "gaussian full": lambda: gaussian_case("full"),
    "gaussian full, scales": lambda: grouped_case("full"),
    "gaussian diag, scales": lambda: grouped_case("diag"),
    "gaussian shared, scales": lambda: grouped_case("shared"),
    "gaussian full, groups": lambda: grouped_case("full", 2),
    "gaussian diag, groups": lambda: grouped_case("diag", 2),
    "gaussian diag": lambda: gaussian_case("diag"),
    "gaussian factor": lambda: gaussian_case("factor"),
    "gaussian shared": lambda: gaussian_case("shared"),
    "gaussian fixed": lambda: gaussian_case("fixed"),
    "mixed and gaussian full": lambda: mixed_case("full"),
    "mixed and gaussian diag": lambda: mixed_case("diag"),
    "polynomial": polynomial_case,
    "memories": memories_case,
    "cliques": lambda: clique_case((2, 3, 2, 2), ((2, 0, 1), (1, 3))),
    "pairs": lambda: clique_case((2, 3, 2), ((0, 1), (2, 1), (0, 2))),
    "toy": toy_case,
}
case_of = cache(lambda name: CASES[name]())
REAL = [name for name in CASES if "gaussian" in name]
NORMAL = [name for name in REAL if case_of(name).n_images == 1]
DISCRETE = [name for name in CASES if name not in REAL]
LATENT = [name for name in CASES if isinstance(case_of(name).energy, LatentEnergy)]
LAYERED = [name for name in CASES if case_of(name).hidden is not None]
METROPOLIS = [name for name in CASES if hasattr(case_of(name).energy, "metropolis")]
BINARY = [name for name in DISCRETE if set(case_of(name).visible.sum(1)) >= {0, 1}]
every = pytest.mark.parametrize("name", CASES)


def noise(seed=0, dtype=np.float32):
    return UniformNoise(np.random.default_rng(seed), dtype)


def shifted(case):
    return case.energy.shifted(*case.offsets)


# ---- scores ----


@every
@pytest.mark.parametrize("with_offsets", [False, True])
def test_free_energies_sum_hidden_units_out(name, with_offsets):
    case = case_of(name)
    energy = shifted(case) if with_offsets else case.energy
    exact = -logsumexp(-case.visible_joint, axis=1)
    np.testing.assert_allclose(energy.free_energy(case.visible), exact, atol=1e-12)


@every
@pytest.mark.parametrize("beta", BETAS)
def test_scores_of_chains_at_every_temperature(name, beta):
    case = case_of(name)
    context = case.energy.context(case.rows)
    score = case.energy.score(context, beta)
    np.testing.assert_allclose(score, case.log_weight(beta), atol=1e-12)
    betas = np.linspace(0.1, 2, len(case.rows))
    each = case.energy.score(context, betas)
    np.testing.assert_allclose(
        each, logsumexp(-betas[:, np.newaxis] * case.joint, axis=1), atol=1e-12
    )
    ratio = case.energy.log_ratio(context, betas, beta)
    np.testing.assert_allclose(ratio, case.log_weight(beta) - each, atol=1e-12)


@every
def test_log_partition_is_that_of_enumeration(name):
    case = case_of(name)
    assert case.energy.units.n_columns == case.rows.shape[1]
    machine, _ = case.energy.marginal()
    exact = logsumexp(-case.joint)
    estimate = enumerate_log_partition(machine)
    assert estimate.log_partition == pytest.approx(exact, abs=1e-10)


@pytest.mark.parametrize("name", NORMAL)
def test_log_partition_is_an_integral_over_real_columns(name):
    """By the trapezoidal rule, which is exact to rounding for normal densities."""
    case = case_of(name)
    energy = shifted(case)
    n_levels = energy.n_visible - 2
    inverse = np.linalg.inv(dense(energy.noise))
    means = (case.hidden @ energy.weights + energy.visible_bias)[:, n_levels:]
    means = means @ inverse.T
    reach = 11 * np.sqrt(np.diag(inverse @ inverse.T))
    ends = means.min(axis=0) - reach, means.max(axis=0) + reach
    axes = [np.linspace(*own, 300) for own in zip(*ends, strict=True)]
    grid = np.array(list(product(*axes)))
    volume = np.prod([axis[1] - axis[0] for axis in axes])
    levels = np.eye(n_levels) if n_levels else np.empty((1, 0))
    rows = np.vstack([np.hstack([np.tile(x, (len(grid), 1)), grid]) for x in levels])
    exact = logsumexp(-energy.free_energy(rows)) + np.log(volume) + energy.log_volume
    assert energy.negative_phase()[0] == pytest.approx(exact, abs=1e-10)
    machine, log_summed = energy.marginal()
    result = enumerate_log_partition(machine).log_partition + log_summed
    assert result == pytest.approx(exact, abs=1e-10)


@every
@pytest.mark.parametrize("temperature", [0.5, 3.0])
def test_machines_at_a_temperature(name, temperature):
    """Whose hidden units have it as well: log-probabilities but for a constant."""
    case = case_of(name)
    exact = logsumexp(-case.visible_joint / temperature, axis=1)
    machine = shifted(case).at_temperature(temperature)
    result = -machine.free_energy(case.visible)
    np.testing.assert_allclose(result - result[0], exact - exact[0], rtol=0, atol=1e-11)
    if case.hidden is not None:
        exact = softmax(-case.visible_joint / temperature, axis=1) @ case.hidden
        np.testing.assert_allclose(machine.hidden_mean(case.visible), exact, atol=1e-11)


@pytest.mark.parametrize("name", BINARY)
def test_conditionals_are_ratios_of_probabilities(name):
    case = case_of(name)
    visible_law = np.exp(logsumexp(-case.visible_joint, axis=1))
    exact = np.empty_like(case.visible)
    codes = [tuple(row) for row in case.visible]
    for i, row in enumerate(codes):
        for unit in range(len(row)):
            other = (*row[:unit], 1 - row[unit], *row[unit + 1 :])
            here, there = visible_law[i], visible_law[codes.index(other)]
            exact[i, unit] = np.log(here / (here + there))
    result = case.energy.conditional_log_likelihood(case.visible)
    np.testing.assert_allclose(result, exact, atol=1e-10)


@every
def test_rises_are_differences_of_free_energies(name):
    """Where one unit changes: flipped, or in the level of a column."""
    case = case_of(name)
    units = case.energy.visible_units
    assert units.n_columns == case.visible.shape[1]
    for energy in (case.energy, shifted(case)):
        result = energy.rises(case.visible)
        assert result.shape == case.visible.shape
        assert (result[:, units.switches < 0] == np.inf).all()
        for column in np.flatnonzero(units.switches >= 0):
            changed = units.switched(case.visible, column)
            if name in DISCRETE:  # by definition
                codes = [tuple(row) for row in case.visible]
                there = [codes.index(tuple(row)) for row in changed]
                free_energy = -logsumexp(-case.visible_joint, axis=1)
                exact = free_energy[there] - free_energy
            else:
                exact = energy.free_energy(changed) - energy.free_energy(case.visible)
            np.testing.assert_allclose(result[:, column], exact, atol=1e-11)


@pytest.mark.parametrize("name", NORMAL)
def test_real_columns_relax_downhill(name):
    """To where no direction leads down, held columns as they are."""
    energy = shifted(case_of(name))
    rows, real = case_of(name).visible, energy.real_columns
    first = real.start
    observed = np.ones(energy.n_visible, dtype=bool)
    missing = observed.copy()
    missing[first] = False
    for known, moving in [
        (observed, [first, first + 1]),
        (observed, [first + 1]),
        (missing, [first + 1]),
    ]:
        free = np.isin(np.arange(energy.n_visible), moving)

        def free_energy(rows, known=known):
            if known.all():
                return energy.free_energy(rows)
            return -energy.observed_score(rows, np.broadcast_to(known, rows.shape))

        now = rows
        for _ in range(500):
            after = energy.relaxed(now, known, free)
            rise = free_energy(after) - free_energy(now)
            assert rise.max() < 1e-12
            np.testing.assert_array_equal(after[:, ~free], rows[:, ~free])
            now = after
        for column in moving:
            for step in (-1e-3, 1e-3):
                beside = now.copy()
                beside[:, column] += step
                assert (free_energy(beside) > free_energy(now) - 1e-12).all()


@pytest.mark.parametrize("name", LAYERED)
def test_energies_and_means_of_two_layers(name):
    case = case_of(name)
    for energy in (case.energy, shifted(case)):
        joint, hidden = case.pairs()
        i, j = np.indices(joint.shape).reshape(2, -1)
        result = energy.energy(case.visible[i], hidden[j])
        np.testing.assert_allclose(result, joint.ravel(), atol=1e-12)
        exact = softmax(-joint, axis=1) @ hidden
        np.testing.assert_allclose(energy.hidden_mean(case.visible), exact, atol=1e-12)
        if name in DISCRETE:
            exact = softmax(-joint, axis=0).T @ case.visible
            result = energy.visible_mean(case.hidden)
            np.testing.assert_allclose(result, exact, atol=1e-12)


@every
def test_any_layer_can_be_enumerated(name):
    case = case_of(name)
    for units, free_energy, _ in shifted(case).enumerable_layers():
        rows = units.configurations(np.arange(units.n_configurations))
        exact = logsumexp(-case.joint)
        assert logsumexp(-free_energy(rows)) == pytest.approx(exact, abs=1e-12)


@every
def test_rows_are_drawn_given_any_layer(name):
    case, rng = case_of(name), np.random.default_rng(8)
    for units, free_energy, rows_of in shifted(case).enumerable_layers():
        states = units.configurations(np.arange(units.n_configurations))
        drawn = rng.choice(len(states), 20_000, p=softmax(-free_energy(states)))
        rows = rows_of(states[drawn], noise(8, np.float64))
        assert_draws_from(case.law(), case.index(rows))


# ---- vectors ----


@every
def test_energies_are_vectors(name):
    one = shifted(case_of(name))
    rng = np.random.default_rng(0)
    other = one.unravel(rng.normal(0, 0.3, len(one.ravel())))
    close = {"atol": 1e-12}
    np.testing.assert_allclose((one + other - other).ravel(), one.ravel(), **close)
    np.testing.assert_allclose((3 * one).ravel(), 3 * one.ravel(), **close)
    between = one.blend(other, 0.3).ravel()
    np.testing.assert_allclose(between, (0.7 * one + 0.3 * other).ravel(), **close)
    changing = one + other
    changing.free_energy(case_of(name).visible)  # and whatever it keeps
    changing -= other
    changing *= 2
    np.testing.assert_allclose(changing.ravel(), 2 * one.ravel(), **close)
    np.testing.assert_allclose(
        changing.free_energy(case_of(name).visible),
        (2 * one).free_energy(case_of(name).visible),
        atol=1e-10,
    )
    again = other.unravel(one.ravel())
    for array, expected in zip(again.arrays(), one.arrays(), strict=True):
        np.testing.assert_allclose(array.ravel()[:-1], expected.ravel()[:-1], **close)
    assert one.astype(np.float32).dtype == np.float32
    assert all(a.dtype == np.float32 for a in one.astype(np.float32).arrays())
    assert not one.has_diverged()
    assert one.unravel(one.ravel() * np.nan).has_diverged()
    assert (1e9 * one).has_diverged()


@every
def test_offsets_are_another_description_of_the_same(name):
    case = case_of(name)
    there = shifted(case)
    back = there.like(case.energy)
    np.testing.assert_allclose(back.ravel(), case.energy.ravel(), atol=1e-12)
    np.testing.assert_allclose(there.plain().ravel(), back.ravel(), atol=1e-12)
    rows = case.rows.astype(bool)
    swept = [
        energy.astype(np.float64).gibbs(rows, noise(dtype=np.float64), 3)
        for energy in (case.energy, there)
    ]
    np.testing.assert_array_equal(*swept)
    # A blend happens in the offsets of the other.
    halfway = case.energy.blend(there, 0.5)
    np.testing.assert_allclose(
        halfway.free_energy(case.visible),
        case.energy.free_energy(case.visible),
        atol=1e-12,
    )


# ---- gradients ----


def mean_log_likelihood(case, energy):
    """The objective of learning from the definition of scores, to be differenced."""
    ridge = getattr(energy, "ridge", 0.0)
    cost = ridge / 2 * energy.noise.total_precision if ridge else 0.0
    machine, log_summed = energy.marginal()
    log_partition = enumerate_log_partition(machine).log_partition + log_summed
    return -energy.free_energy(case.visible[:5]).mean() - log_partition - cost


@every
@pytest.mark.parametrize("with_offsets", [False, True])
def test_statistics_are_the_gradient(name, with_offsets):
    case = case_of(name)
    energy = shifted(case) if with_offsets else case.energy
    rows = case.visible[:5]
    log_partition, negative = energy.negative_phase()
    value, positive = energy.positive_phase(rows, np.full(5, 0.2))
    objective = mean_log_likelihood(case, energy)
    assert value - log_partition == pytest.approx(objective, abs=1e-10)
    gradient = (positive - negative).ravel()

    vector, slope = energy.ravel(), np.empty(len(gradient))
    for i in range(len(vector)):
        step = np.zeros(len(vector))
        step[i] = 1e-5
        slope[i] = mean_log_likelihood(case, energy.unravel(vector + step))
        slope[i] -= mean_log_likelihood(case, energy.unravel(vector - step))
    np.testing.assert_allclose(gradient, slope / 2e-5, atol=1e-8)
    # The same of rows at once, where hidden units can be averaged exactly.
    if name not in LATENT:
        plain = energy.statistics(rows).ravel() - negative.ravel()
        np.testing.assert_allclose(plain, gradient, atol=1e-12)
    weights = np.array([0.5, 0, 0.25, 0.125, 0.125])
    repeated = np.repeat(rows, (8 * weights).astype(int), axis=0)
    np.testing.assert_allclose(
        energy.statistics(rows, weights).ravel(),
        energy.statistics(repeated).ravel(),
        atol=1e-12,
    )


@every
def test_chains_have_the_statistics_of_the_model(name):
    case = case_of(name)
    energy = shifted(case)
    _, negative = energy.negative_phase()
    replicates = [
        energy.chain_statistics(case.draw(50, seed=seed)).ravel() for seed in range(100)
    ]
    varying = np.std(replicates, axis=0) > 1e-12
    exact = negative.ravel()
    assert_mean_is(exact[varying], np.array(replicates)[:, varying])
    constant = np.mean(replicates, axis=0)[~varying]
    np.testing.assert_allclose(constant, exact[~varying], atol=1e-10)


@every
def test_what_is_faster_equals_what_it_replaces(name):
    energy = shifted(case_of(name))
    if name in REAL:
        return  # what can be listed are hidden units, and data are real
    log_partition, negative = energy.negative_phase()
    slow_log_partition, slow = Energy.negative_phase(energy)
    assert log_partition == pytest.approx(slow_log_partition, abs=1e-12)
    np.testing.assert_allclose(negative.ravel(), slow.ravel(), atol=1e-12)


# ---- chains ----


@every
@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("how", ["plain", "tilted", "reverse", "beta of each row"])
def test_sweeps_leave_the_law_as_it_is(name, beta, how):
    case = case_of(name).as_dtype(np.float32)
    n_columns = case.rows.shape[1]
    tilt = np.linspace(-1, 1, n_columns).astype(np.float32)
    settings = {"tilt": tilt} if how != "plain" else {}
    rows = case.draw(20_000, beta, tilt if settings else 0.0)
    if how == "reverse":
        settings["reverse"] = True
    every_beta = np.full(len(rows), beta) if how == "beta of each row" else beta
    if how == "beta of each row":
        settings["tilt"] = np.tile(tilt, (len(rows), 1))
    context = case.energy.context(rows)
    swept = case.energy.sweep(context, noise(), beta=every_beta, **settings)
    law = case.law(beta, tilt if settings else 0.0)
    assert_draws_from(law, case.index(swept))
    assert not np.array_equal(swept, rows)


@every
def test_a_reverse_sweep_is_the_reversal(name):
    """Pairs of a row and the next one are as often met from either end."""
    case = case_of(name).as_dtype(np.float32)
    n_rows, tilt = 20_000, np.linspace(-1, 1, case.rows.shape[1]).astype(np.float32)
    first, last = (case.draw(n_rows, 1.0, tilt, seed) for seed in range(2))

    def moved(rows, source, **settings):
        # A few at a time, since what all rows of a sweep share is no reversal.
        parts = [case.energy.context(part) for part in np.split(rows, n_rows // 50)]
        sweep = case.energy.sweep
        return np.concatenate([sweep(c, source, tilt=tilt, **settings) for c in parts])

    there, back = moved(first, noise(1)), moved(last, noise(2), reverse=True)
    n_states = len(case.rows)
    counts = [
        np.bincount(case.index(before) * n_states + case.index(after), minlength=1)
        for before, after in ((first, there), (back, last))
    ]
    width = max(map(len, counts))
    counts = np.array([np.pad(c, (0, width - len(c))) for c in counts])
    often = counts.sum(axis=0) >= 20
    table = np.column_stack([counts[:, often], counts[:, ~often].sum(axis=1)])
    assert chi2_contingency(table[:, table.sum(axis=0) > 0]).pvalue > 1e-4


@pytest.mark.parametrize("name", LAYERED)
def test_offsets_of_hidden_units_drift_to_their_means(name):
    case = case_of(name)
    energy, rows = shifted(case), case.visible[:5]
    drifted = energy.drifted(rows, 0.25)
    centred_mean, moved = energy.sides(rows)[0].mean(axis=0), 0.25
    if name in LATENT:
        centred_mean[: energy.n_visible] = 0
        before, after = energy.offset, drifted.offset
    else:
        with_offsets = [getattr(each, "machine", each) for each in (energy, drifted)]
        before, after = (each.hidden_offset for each in with_offsets)
        assert with_offsets[1].visible_offset is with_offsets[0].visible_offset
    np.testing.assert_allclose((after - before)[:-1], moved * centred_mean[:-1])
    assert after[-1] == 0
    np.testing.assert_allclose(
        drifted.free_energy(rows), energy.free_energy(rows), atol=1e-12
    )


@every
@pytest.mark.parametrize("each_row", [False, True])
@pytest.mark.parametrize("tilt", [None, 0.3])
def test_fixed_columns_are_held(name, each_row, tilt):
    case = case_of(name).as_dtype(np.float32)
    rows = case.draw(20_000, tilt=tilt or 0.0)
    n_columns = rows.shape[1]
    if tilt is not None:
        tilt = np.full(n_columns, tilt, np.float32)
    fixed = np.arange(n_columns) < 2
    if name in {"categories", "mixed"}:  # a whole unit
        fixed = np.arange(n_columns) >= n_columns - (2 if name == "categories" else 3)
    if each_row:
        fixed = fixed & (np.arange(len(rows)) % 2 == 0)[:, np.newaxis]
    swept = case.energy.sweep(
        case.energy.context(rows), noise(), fixed=fixed, tilt=tilt
    )
    held = np.broadcast_to(fixed, rows.shape)
    np.testing.assert_array_equal(swept[held], rows[held])
    assert_draws_from(case.law(tilt=0.0 if tilt is None else tilt), case.index(swept))
    assert (swept != rows).any()


@every
def test_chains_from_anywhere_come_to_the_law(name):
    case = case_of(name).as_dtype(np.float32)
    rows = np.repeat(case.rows[-1:].astype(bool), 3000, axis=0)
    moved = case.energy.gibbs(rows, noise(1), 40)
    assert_draws_from(case.law(), case.index(moved))


@every
def test_completed_rows_have_the_joint_law(name):
    case = case_of(name).as_dtype(np.float32)
    energy = case.energy
    rng = np.random.default_rng(3)
    if name in REAL:
        visible = energy.visible_of(case.draw(20_000), noise(3))
    else:
        weight = logsumexp(-case.visible_joint, axis=1)
        law = np.exp(weight - logsumexp(weight))
        visible = case.visible[rng.choice(len(law), 20_000, p=law)].astype(bool)
    rows = energy.complete(visible, noise(4))
    assert_draws_from(case.law(), case.index(rows))
    if name not in REAL:
        np.testing.assert_array_equal(energy.visible_of(rows, noise(5)), visible)


@pytest.mark.parametrize("name", METROPOLIS)
@pytest.mark.parametrize("beta", BETAS)
def test_metropolis_leaves_the_law_as_it_is(name, beta):
    case = case_of(name).as_dtype(np.float32)
    rows = case.draw(20_000, beta)
    moved = case.energy.metropolis(rows, noise(), 2, beta=beta)
    assert_draws_from(case.law(beta), case.index(moved))
    # Where nothing speaks against it, all units flip.
    flat = 0 * case.energy
    np.testing.assert_array_equal(flat.metropolis(rows, noise()), ~rows)


# ---- annealing, tempering, learning ----


@every
def test_annealing_finds_log_z(name):
    case = case_of(name)
    machine, _ = case.energy.marginal()
    mean = np.clip(case.law() @ case.rows, 0.1, 0.9)
    estimate = anneal_log_partition(
        machine,
        mean,
        tol=0.02,
        max_temperatures=400,
        n_chains=200,
        n_steps=200,
        rng=np.random.default_rng(0),
    )
    exact = logsumexp(-case.joint)
    assert abs(estimate.lower - exact) < 5 * estimate.lower_std
    assert abs(estimate.upper - exact) < 5 * estimate.upper_std
    assert 0 < estimate.lower_std < 0.1


@every
def test_tempering_draws_from_the_law(name):
    case = case_of(name).as_dtype(np.float32)
    machine, _ = case.energy.marginal()
    start = IndependentStart(machine.units, np.clip(case.law() @ case.rows, 0.1, 0.9))
    path, source = Path(start, machine), noise(7)
    betas = adapt_ladder(path, path.draw(8, source), source, n_steps=60).betas
    worst = np.repeat(case.rows[-1:].astype(bool), 1500, axis=0)
    replicas = temper(path, start_replicas(betas, worst), source, n_steps=30)
    assert_draws_from(case.law(), case.index(replicas.coldest))


@every
def test_lines_join_machines(name):
    case = case_of(name).as_dtype(np.float32)
    energy, _ = case.energy.marginal()
    line, source = Line(0.5 * energy, energy), noise(8)
    rows, log_weights = case.draw(10_000, 0.5), 0.0
    for step in range(5):
        rows, more = line.move(rows, step / 5, (step + 1) / 5, source)
        log_weights = log_weights + more
    weights = np.exp(log_weights)
    ratio = np.exp(logsumexp(-case.joint) - logsumexp(-0.5 * case.joint))
    assert_mean_is(np.array([ratio]), weights[:, np.newaxis])


def exact_log_likelihood(energy, data):
    machine, log_summed = energy.marginal()
    log_partition = enumerate_log_partition(machine).log_partition + log_summed
    return -energy.free_energy(data.astype(float)).mean() - log_partition


@every
@pytest.mark.filterwarnings("ignore:Learning has not converged")
def test_exact_learning_climbs_the_likelihood(name):
    case = case_of(name)
    energy = (
        (0.2 * case.energy)
        .shifted(*case.offsets)
        .replaced(**({"ridge": 0.0} if hasattr(case.energy, "ridge") else {}))
    )
    data = case.visible[:: 1 if name in REAL else 3]
    state = LearningState(energy, energy, None, noise(), {})
    learner = LBFGS(max_iter=20, alpha=0.0, l1_ratio=0.0, tol=1e-3)
    history = learner.run(state, Rows(data, None), Mock(end=lambda history: False))
    reached = history["train_log_likelihood"]
    assert np.all(np.diff(reached) > 0)
    assert reached[0] > exact_log_likelihood(energy, data)
    learned = exact_log_likelihood(state.model, data)
    assert learned == pytest.approx(reached[-1], abs=1e-9)
    assert state.model.weights.size <= len(state.model.ravel())


@every
@pytest.mark.parametrize("tempered", [False, True])
def test_learning_raises_the_exact_likelihood(name, tempered):
    case = case_of(name)
    data = case.visible
    if name in DISCRETE:
        weight = logsumexp(-case.visible_joint, axis=1)
        law = np.exp(weight - logsumexp(weight))
        rng = np.random.default_rng(1)
        data = data[rng.choice(len(law), 500, p=law)].astype(bool)
    energy = (0.2 * case.energy).shifted(*case.offsets)
    mean = energy.chain_mean(np.clip(data.mean(axis=0), 0.1, 0.9))
    learner = ContrastiveLearning(
        persistent=True,
        n_chains=100,
        n_gibbs_steps=1,
        batch_size=100,
        tempered_from=mean if tempered else None,
        drifting_offset=True,
        alpha=0.0,
        l1_ratio=0.0,
    )
    fast = energy.astype(np.float32)
    state = LearningState(fast, fast, None, noise(9), {})
    batches = [data[i::5] for i in range(5)] * 20
    batches = [b if b.dtype == bool else b.astype(np.float32) for b in batches]
    learner.run(state, batches, Schedule(0.1))
    learned = state.averaged.astype(np.float64)
    before, after = (exact_log_likelihood(e, data) for e in (energy, learned))
    assert after > before + 0.01
    assert state.n_updates == len(batches)
