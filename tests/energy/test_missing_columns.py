"""Rows of which columns are missing, against sums over all that they leave open.

A case gives, from the definition of its energy, what each hidden configuration weighs
with the known part of a row, and what the unknown part is like given that.
"""

from itertools import product

import numpy as np
import pytest
from gaussian_machines import dense, gaussian_machine
from oracle import all_states, random_boltzmann, random_rbm
from scipy.special import logsumexp, softmax
from scipy.stats import multivariate_normal
from statistical import assert_draws_from, assert_mean_is

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.energy.clique_tables import CliqueTables
from skebm.energy.cliques import CliqueEnergy
from skebm.energy.completions import MOST_SUMMED
from skebm.energy.gaussian_rbm import GaussianRBMEnergy
from skebm.energy.graph import LayeredGraph
from skebm.energy.grouped import GroupedEnergy
from skebm.energy.hidden_sums import HiddenSums
from skebm.energy.latent import LatentEnergy
from skebm.energy.mixed_rbm import MixedRBMEnergy
from skebm.energy.pairwise import PairwiseEnergy
from skebm.energy.rbm import RBMEnergy
from skebm.sampling.random import UniformNoise
from skebm.units.binary import BinaryUnits
from skebm.units.categorical import CategoricalUnits
from skebm.units.mixed import MixedUnits

N_ROWS = 9
JUNK = 3.25  # what stands where values are missing, which nobody looks at


class Listed:
    """A machine whose visible rows can be listed, with the energies of all pairs."""

    def __init__(self, energy, visible, joint, hidden=None, widths=None):
        self.energy = energy
        self.visible = visible
        self.joint = joint
        self.hidden = hidden
        self.widths = widths or [1] * visible.shape[1]

    def rows(self, rng):
        return self.visible[rng.integers(len(self.visible), size=N_ROWS)]

    def fits(self, row, observed):
        return (self.visible == row)[:, observed].all(axis=1)

    def log_joint(self, row, observed):
        """Sum over what is missing, for each hidden configuration."""
        return logsumexp(-self.joint[self.fits(row, observed)], axis=0)

    def mean_given_hidden(self, row, observed):
        fits = self.fits(row, observed)
        return softmax(-self.joint[fits], axis=0).T @ self.visible[fits]


class Restricted:
    """A machine with real columns, and perhaps categories before them.

    E(v, h) = |y|^2 / 2 - a.s - h.b - h'Ws, plus a constant; y has noise of variance 1.
    """

    def __init__(self, energy, n_levels=(), constant=0.0):
        self.energy = energy
        self.widths = [*n_levels, *[1] * (energy.noise.n_columns)]
        self.constant = constant
        self.n_levels, self.n_categorical = n_levels, sum(n_levels)
        self.hidden = all_states(energy.n_hidden)
        self.fields = self.hidden @ energy.weights + energy.visible_bias
        self.root = np.linalg.inv(dense(energy.noise))
        self.covariance = self.root @ self.root.T

    def rows(self, rng):
        levels = [np.eye(n)[rng.integers(n, size=N_ROWS)] for n in self.n_levels]
        real = 2 * rng.normal(size=(N_ROWS, len(self.root))) @ self.root.T
        return np.hstack([*levels, real])

    def _categories(self, row, observed):
        """Log weights of what is known, and means, given each hidden configuration."""
        start, log_weight, means = 0, 0.0, []
        for n_levels in self.n_levels:
            own = slice(start, start + n_levels)
            start += n_levels
            field = self.fields[:, own]
            if observed[own].all():
                log_weight = log_weight + field @ row[own]
                means.append(np.tile(row[own], (len(field), 1)))
            else:
                log_weight = log_weight + logsumexp(field, axis=1)
                means.append(softmax(field, axis=1))
        return log_weight, means

    def log_joint(self, row, observed):
        log_weight, _ = self._categories(row, observed)
        log_weight = log_weight + self.hidden @ self.energy.hidden_bias
        white = self.fields[:, self.n_categorical :]
        log_weight = log_weight + (white**2).sum(axis=1) / 2
        log_weight += np.linalg.slogdet(2 * np.pi * self.covariance)[1] / 2
        known = np.flatnonzero(observed[self.n_categorical :])
        if len(known):
            means = (white @ self.root.T)[:, known]
            law = multivariate_normal(cov=self.covariance[np.ix_(known, known)])
            log_weight += law.logpdf(row[self.n_categorical :][known] - means)
        return log_weight - self.constant

    def moments_of_real(self, row, observed):
        """Mean and covariance of real columns, given each hidden configuration."""
        known = observed[self.n_categorical :]
        means = self.fields[:, self.n_categorical :] @ self.root.T
        across = self.covariance[:, known]
        slope = across @ np.linalg.pinv(across[known])
        surprise = row[self.n_categorical :][known] - means[:, known]
        return means + surprise @ slope.T, self.covariance - slope @ across.T

    def mean_given_hidden(self, row, observed):
        _, means = self._categories(row, observed)
        return np.hstack([*means, self.moments_of_real(row, observed)[0]])


class Grouped:
    """A machine of real columns whose rows have groups, and one of a few scales."""

    n_categorical = 0

    def __init__(self, inners, scales, shares, centres):
        """Take machines that differ by the noise, of the first of which log Z is."""
        first = inners[0]
        self.inners, self.widths = inners, first.widths
        self.scales, self.shares, self.centres = scales, shares, centres
        self.hidden = np.tile(first.hidden, (scales.size, 1))
        noises = [inner.energy.noise for inner in inners]
        self.energy = GroupedEnergy.of(
            first.energy, noises, np.log(scales), np.log(shares), centres
        )

    def images(self):
        for inner, centre, scales, shares in zip(
            self.inners, self.centres, self.scales, self.shares, strict=True
        ):
            wider = np.linalg.det(inner.covariance)
            share = np.sqrt(np.linalg.det(self.inners[0].covariance) / wider)
            for image in zip(scales, share * shares, strict=True):
                yield inner, centre, *image

    def rows(self, rng):
        scales = rng.choice(self.scales.ravel(), size=(N_ROWS, 1))
        return self.centres[0] + np.sqrt(scales) * self.inners[0].rows(rng)

    def log_joint(self, row, observed):
        parts = []
        for inner, centre, scale, share in self.images():
            own = inner.log_joint((row - centre) / np.sqrt(scale), observed)
            parts.append(own - observed.sum() / 2 * np.log(scale) + np.log(share))
        return np.concatenate(parts)

    def moments_of_real(self, row, observed):
        means, covariances = [], []
        for inner, centre, scale, _ in self.images():
            own = (row - centre) / np.sqrt(scale)
            mean, covariance = inner.moments_of_real(own, observed)
            covariances.append(np.tile(scale * covariance, (len(mean), 1, 1)))
            means.append(centre + np.sqrt(scale) * mean)
        return np.concatenate(means), np.concatenate(covariances)

    def mean_given_hidden(self, row, observed):
        return self.moments_of_real(row, observed)[0]


def layers(visible, states, *, hidden=None, hidden_states=None, widths=None, seed=0):
    """Make a restricted machine whose rows can be listed."""
    hidden = hidden or BinaryUnits(3)
    hidden_states = all_states(3) if hidden_states is None else hidden_states
    shape = hidden_states.shape[1], states.shape[1]
    weights, visible_bias, hidden_bias = random_rbm(*shape, seed=seed)
    family = BinaryRBMEnergy if isinstance(visible, BinaryUnits) else RBMEnergy
    if not isinstance(hidden, BinaryUnits):
        family = RBMEnergy
    energy = family.of(weights, visible_bias, hidden_bias, visible, hidden)
    joint = -(states @ visible_bias)[:, np.newaxis] - hidden_states @ hidden_bias
    joint = joint - states @ weights.T @ hidden_states.T
    return Listed(energy, states, joint, hidden_states, widths)


def pairwise():
    couplings, bias = random_boltzmann(5, seed=1)
    rows = all_states(5)
    joint = -np.einsum("ni,ij,nj->n", rows, couplings, rows) / 2 - rows @ bias
    return Listed(PairwiseEnergy.of(couplings, bias), rows, joint[:, np.newaxis])


def cliques(most_terms=1000):
    n_levels, scopes = (3, 2, 2), ((2, 0, 1), (1, 2))
    rng = np.random.default_rng(3)
    configurations = np.array(list(product(*map(range, n_levels))))
    rows = np.hstack(
        [np.eye(n)[own] for n, own in zip(n_levels, configurations.T, strict=True)]
    )
    fields, joint, tables = rng.normal(size=7), 0.0, []
    for scope in scopes:
        table = rng.normal(size=[n_levels[i] for i in scope])
        joint = joint - table[tuple(configurations[:, scope].T)]
        tables.append(table.ravel())
    energy = CliqueEnergy(
        np.concatenate(tables), fields, CliqueTables(n_levels, scopes, most_terms)
    )
    joint = (joint - rows @ fields)[:, np.newaxis]
    return Listed(energy, rows, joint, widths=n_levels)


def latent():
    couplings, bias = random_boltzmann(7, seed=2)
    v, h = slice(4), slice(4, None)
    pairs = np.ones((7, 7), dtype=bool)
    graph = LayeredGraph.of_layers(pairs[v, v], pairs[h, h], pairs[h, v])
    rows = np.array([[*a, *b] for a in all_states(4) for b in all_states(3)])
    joint = -np.einsum("ni,ij,nj->n", rows, couplings, rows) / 2 - rows @ bias
    energy = LatentEnergy.of(couplings, bias, graph)
    return Listed(energy, all_states(4), joint.reshape(16, 8), all_states(3))


def gaussian(kind):
    energy = gaussian_machine(kind, 3, 3, seed=4, ridge=0.1)
    return Restricted(energy, constant=energy.visible_bias @ energy.visible_bias / 2)


def grouped(kind, n_groups=1):
    inners = [gaussian(kind)]
    machine = inners[0].energy.replaced(ridge=0.0)
    for seed in range(5, 4 + n_groups):
        noise = gaussian_machine(kind, 3, 3, seed=seed).noise
        inners.append(Restricted(machine.with_noise(noise), (), inners[0].constant))
    inners[0].energy = machine
    scales = np.array([[0.3, 1.2, 2.5], [0.4, 1.3, 1.9]])
    shares = np.array([[0.2, 0.5, 0.3], [0.1, 0.4, 0.8]])
    centres = np.array([[0.4, -0.3, 0.2], [-0.7, 0.5, 0.1]])
    scales, shares, centres = (each[:n_groups] for each in (scales, shares, centres))
    return Grouped(inners, scales, shares / shares.sum(), centres)


def mixed(kind, n_levels=(3, 2)):
    noise = gaussian_machine(kind, 3, 2, seed=5).visible
    n_columns = sum(n_levels) + 2
    units = MixedUnits((CategoricalUnits(n_levels), noise))
    energy = MixedRBMEnergy.of(*random_rbm(3, n_columns, seed=6), units)
    return Restricted(energy.replaced(ridge=0.1, log_volume=0.3), n_levels)


LEVELS = np.array([np.r_[a, b] for a, b in product(np.eye(3), np.eye(2))])
CASES = {
    "binary RBM": lambda: layers(BinaryUnits(4), all_states(4)),
    "categories": lambda: layers(
        CategoricalUnits((3, 2)), LEVELS, widths=[3, 2], seed=1
    ),
    "mixture": lambda: layers(
        BinaryUnits(4),
        all_states(4),
        hidden=CategoricalUnits((3,)),
        hidden_states=np.eye(3),
        seed=2,
    ),
    "pairwise": pairwise,
    "cliques": cliques,
    "latent": latent,
    "gaussian full": lambda: gaussian("full"),
    "gaussian diag": lambda: gaussian("diag"),
    "gaussian shared": lambda: gaussian("shared"),
    "gaussian fixed": lambda: gaussian("fixed"),
    "scales full": lambda: grouped("full"),
    "scales diag": lambda: grouped("diag"),
    "groups full": lambda: grouped("full", 2),
    "groups diag": lambda: grouped("diag", 2),
    "mixed full": lambda: mixed("full"),
    "mixed diag": lambda: mixed("diag"),
}
BY_COMPLETIONS = ["binary RBM", "mixture"]
every_pattern = pytest.mark.parametrize("pattern", ["nothing", "all", "some"])


class Given:
    """A case with rows of which some units are known."""

    def __init__(self, name, pattern="some", seed=0):
        self.case, rng = CASES[name](), np.random.default_rng(seed)
        share = {"nothing": 0.0, "all": 1.0, "some": 0.5}[pattern]
        known = rng.random((N_ROWS, len(self.case.widths))) < share
        self.observed = np.repeat(known, self.case.widths, axis=1)
        self.rows = np.where(self.observed, self.case.rows(rng), JUNK)
        self.known = self.rows, self.observed
        self.weights = rng.random(N_ROWS)

    def every(self, function):
        return np.array([function(*each) for each in zip(*self.known, strict=True)])

    def laws(self):
        """Probabilities of the hidden configurations, for each row."""
        return softmax(self.every(self.case.log_joint), axis=1)


@pytest.fixture(params=[*CASES, *(f"{name}, completed" for name in BY_COMPLETIONS)])
def name(request, monkeypatch):
    """Name each case, some a second time, by completions of rows."""
    if request.param.endswith(", completed"):
        monkeypatch.setattr(HiddenSums, "sums_over_hidden", False)
    return request.param.removesuffix(", completed")


def descriptions(energy):
    """List an energy, and the same with other offsets."""
    rng = np.random.default_rng(7)
    visible = rng.uniform(0.1, 0.9, energy.n_visible)
    hidden = None
    if energy.n_units > energy.n_visible:
        hidden = rng.uniform(0.1, 0.9, energy.n_hidden)
    return energy, energy.shifted(visible, hidden)


# ---- sums ----


@every_pattern
def test_scores_sum_over_all_that_rows_leave_open(name, pattern):
    given = Given(name, pattern)
    exact = logsumexp(given.every(given.case.log_joint), axis=1)
    for energy in descriptions(given.case.energy):
        assert energy.is_summable(given.observed).all()
        score = energy.observed_score(*given.known)
        np.testing.assert_allclose(score, exact, rtol=0, atol=1e-10)
    if pattern == "all":
        complete = -given.case.energy.free_energy(given.rows)
        np.testing.assert_allclose(exact, complete, rtol=0, atol=1e-10)
    if pattern == "nothing":
        log_partition, _ = given.case.energy.negative_phase()
        volume = getattr(given.case.energy, "log_volume", 0.0)
        np.testing.assert_allclose(exact + volume, log_partition, rtol=0, atol=1e-10)


@every_pattern
def test_means_of_what_is_missing(name, pattern):
    given = Given(name, pattern)
    means = given.every(given.case.mean_given_hidden)
    exact = np.einsum("rh,rhc->rc", given.laws(), means)
    for energy in descriptions(given.case.energy):
        result = energy.mean_missing(*given.known)
        np.testing.assert_allclose(result, exact, rtol=0, atol=1e-10)
        np.testing.assert_array_equal(
            result[given.observed], given.rows[given.observed]
        )


@every_pattern
def test_means_of_hidden_units(name, pattern):
    given = Given(name, pattern)
    if given.case.hidden is None:
        return
    exact = given.laws() @ given.case.hidden
    for energy in descriptions(given.case.energy):
        result = energy.observed_hidden_mean(*given.known)
        np.testing.assert_allclose(result, exact, rtol=0, atol=1e-10)
    if pattern == "all":
        result = given.case.energy.hidden_mean(given.rows)
        np.testing.assert_allclose(result, exact, rtol=0, atol=1e-10)


def test_draws_of_what_is_missing(name):
    given, n_draws = Given(name), 5000
    case, noise = given.case, UniformNoise(np.random.default_rng(1), np.float32)
    for row, observed in zip(given.rows[:5], given.observed, strict=False):
        tables = [np.tile(table, (n_draws, 1)) for table in (row, observed)]
        drawn = case.energy.draw_missing(*tables, noise)
        np.testing.assert_array_equal(drawn[:, observed], tables[0][:, observed])
        log_joint = case.log_joint(row, observed)
        if isinstance(case, Listed):
            where = (drawn[:, np.newaxis] == case.visible).all(axis=2)
            assert (where.sum(axis=1) == 1).all()
            weight = logsumexp(-case.joint, axis=1)
            weight = np.where(case.fits(row, observed), weight, -np.inf)
            assert_draws_from(softmax(weight), where.argmax(axis=1))
            continue
        # The means of columns, and of products of real columns with all others.
        law, means = softmax(log_joint), case.mean_given_hidden(row, observed)
        products = np.einsum("hi,hj->hij", means, means[:, case.n_categorical :])
        _, covariance = case.moments_of_real(row, observed)
        products[:, case.n_categorical :] += covariance
        squares = np.einsum("ni,nj->nij", drawn, drawn[:, case.n_categorical :])
        free = ~observed
        assert_mean_is((law @ means)[free], drawn[:, free])
        exact = np.einsum("h,hij->ij", law, products)[free]
        assert_mean_is(exact, squares[:, free])


# ---- learning ----


@every_pattern
def test_phases_are_derivatives(name, pattern):
    """Of the score, less what the ridge costs, and of log Z.

    With offsets, and with biases as the means of real columns, both leave out the same
    constant, so that differences are right.
    """
    given = Given(name, pattern)
    weights = given.weights / given.weights.sum()
    exact = logsumexp(given.every(given.case.log_joint), axis=1)
    for with_offsets, energy in enumerate(descriptions(given.case.energy)):

        def phase(energy):
            return energy.observed_phase(*given.known, weights)

        value, statistics = phase(energy)
        cost = getattr(energy, "_cost_of_ridge", 0.0)
        assert value == pytest.approx(weights @ exact - cost, abs=1e-10)
        vector = energy.ravel()
        slope = np.empty((2, len(vector)))
        for i in range(len(vector)):
            step = 1e-5 * (np.arange(len(vector)) == i)
            up, down = (energy.unravel(vector + sign * step) for sign in (1, -1))
            slope[0, i] = phase(up)[0] - phase(down)[0]
            slope[1, i] = up.negative_phase()[0] - down.negative_phase()[0]
        slope /= 2e-5
        positive = statistics.ravel()
        negative = energy.negative_phase()[1].ravel()
        close = {"rtol": 1e-7, "atol": 1e-7}
        np.testing.assert_allclose(positive - negative, slope[0] - slope[1], **close)
        with_constant = GaussianRBMEnergy, GroupedEnergy
        if not with_offsets and not isinstance(energy, with_constant):
            np.testing.assert_allclose(positive, slope[0], **close)


def test_of_complete_rows_the_phase_is_the_usual_one(name):
    given = Given(name, "all")
    for energy in descriptions(given.case.energy):
        value, statistics = energy.observed_phase(*given.known, given.weights)
        exact, expected = energy.positive_phase(given.rows, given.weights)
        assert value == pytest.approx(exact, abs=1e-10)
        np.testing.assert_allclose(
            statistics.ravel(), expected.ravel(), rtol=0, atol=1e-10
        )


def test_where_nothing_is_known_there_is_nothing_to_learn(name):
    given = Given(name, "nothing")
    energy = given.case.energy
    if hasattr(energy, "ridge"):
        energy = energy.replaced(ridge=0.0)
    weights = given.weights / given.weights.sum()
    _, statistics = energy.observed_phase(*given.known, weights)
    negative = energy.negative_phase()[1]
    np.testing.assert_allclose(statistics.ravel(), negative.ravel(), rtol=0, atol=1e-10)


# ---- which sums are short ----


def test_sums_are_over_few_hidden_units_or_few_missing_ones():
    n_visible = MOST_SUMMED + 1
    missing = np.tril(np.ones((n_visible + 1, n_visible), dtype=bool), -1)
    for n_hidden in (MOST_SUMMED, MOST_SUMMED + 1):
        few = n_hidden <= MOST_SUMMED
        binary = BinaryRBMEnergy.of(*random_rbm(n_hidden, n_visible))
        is_short = binary.is_summable(~missing)
        assert is_short[:-1].all()
        assert is_short[-1] == few
        units = CategoricalUnits((n_visible,))
        levels = RBMEnergy.of(*random_rbm(n_hidden, n_visible), units)
        observed = np.array([[True] * n_visible, [False] * n_visible])
        assert list(levels.is_summable(observed)) == [True, few]
    alone = PairwiseEnergy.of(*random_boltzmann(n_visible))
    assert list(alone.is_summable(~missing[-2:])) == [True, False]


def test_either_sum_gives_the_same(monkeypatch):
    energy = BinaryRBMEnergy.of(*random_rbm(5, 8, seed=3))
    rng = np.random.default_rng(3)
    rows = rng.integers(2, size=(30, 8)).astype(float)
    observed, weights = rng.random((30, 8)) < 0.6, rng.random(30)

    def everything():
        value, statistics = energy.observed_phase(rows, observed, weights)
        return [
            energy.observed_score(rows, observed),
            energy.mean_missing(rows, observed),
            energy.observed_hidden_mean(rows, observed),
            value,
            statistics.ravel(),
        ]

    by_hidden = everything()
    monkeypatch.setattr(HiddenSums, "sums_over_hidden", False)
    for one, other in zip(by_hidden, everything(), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-10)


@pytest.mark.parametrize("completed", [False, True])
def test_a_row_has_the_same_with_others_and_in_blocks(monkeypatch, completed):
    energy = BinaryRBMEnergy.of(*random_rbm(5, 8, seed=3))
    if completed:
        monkeypatch.setattr(HiddenSums, "sums_over_hidden", False)
    rng = np.random.default_rng(4)
    rows = rng.integers(2, size=(30, 8)).astype(float)
    observed, weights = rng.random((30, 8)) < 0.6, rng.random(30)
    whole = energy.observed_score(rows, observed)
    hidden = energy.observed_hidden_mean(rows, observed)
    value, statistics = energy.observed_phase(rows, observed, weights)
    monkeypatch.setattr("skebm.units.data.BLOCK_ELEMENTS", 100)
    close = {"rtol": 0, "atol": 1e-12}
    np.testing.assert_allclose(energy.observed_score(rows, observed), whole, **close)
    np.testing.assert_allclose(
        energy.observed_hidden_mean(rows, observed), hidden, **close
    )
    again = energy.observed_phase(rows, observed, weights)
    assert again[0] == pytest.approx(value, abs=1e-12)
    np.testing.assert_allclose(again[1].ravel(), statistics.ravel(), **close)
    for i in range(30):
        alone = energy.observed_score(rows[[i]], observed[[i]])
        np.testing.assert_allclose(alone, whole[i], **close)
