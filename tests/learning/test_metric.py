"""How gradients are made natural, and what the metrics follow."""

import numpy as np
import pytest
from gaussian_machines import KINDS, gaussian_machine
from oracle import RBMOracle, random_boltzmann, random_rbm

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.energy.graph import LayeredGraph
from skebm.energy.latent import LatentEnergy
from skebm.energy.pairwise import PairwiseEnergy
from skebm.learning import metric, pair_metric
from skebm.learning.metric import KroneckerMetric, Metric, shortening
from skebm.learning.pair_metric import PairMetric

DAMPING = 0.01
OFFSET = np.linspace(0.2, 0.8, 4)


def binary_rbm(n_hidden=3, n_visible=4):
    energy = BinaryRBMEnergy.of(*random_rbm(n_hidden, n_visible))
    return energy.centred(np.linspace(0.2, 0.8, n_visible))


def pairwise():
    return PairwiseEnergy.of(*random_boltzmann(4)).centred(OFFSET)


def latent():
    """Four visible units and three hidden ones, without some of their couplings."""
    visible, hidden = np.ones((4, 4), dtype=bool), np.ones((3, 3), dtype=bool)
    between = np.ones((3, 4), dtype=bool)
    between[1, 1] = visible[0, 2] = visible[2, 0] = hidden[0, 2] = hidden[2, 0] = False
    graph = LayeredGraph.of_layers(visible, hidden, between)
    couplings, bias = random_boltzmann(7)
    return LatentEnergy.of(couplings * graph.mask, bias, graph).centred(OFFSET)


def gaussian(kind="full"):
    return gaussian_machine(kind, 3, 4).centred(None)


ENERGIES = [binary_rbm, pairwise, latent, gaussian]


def sample_of(energy, seed=0, n_rows=50):
    """Draw rows of correlated bits."""
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((energy.n_visible, energy.n_visible))
    return rng.standard_normal((n_rows, energy.n_visible)) @ mixing > 0


def start(energy, **settings):
    """Begin as estimators do; rows of Gaussian machines are in units of their noise."""
    if isinstance(energy, PairwiseEnergy):
        return PairMetric.start(energy, sample_of(energy), **settings)
    is_binary = isinstance(energy, BinaryRBMEnergy)
    sample = sample_of(energy) if is_binary else None
    return KroneckerMetric.start(energy, sample, **settings)


@pytest.fixture
def inverse(monkeypatch):
    """Use the inverses of both factors: the natural gradient itself."""
    for name in ("VISIBLE_POWER", "HIDDEN_POWER"):
        monkeypatch.setattr(metric, name, -1.0)
        monkeypatch.setattr(pair_metric, name, -1.0)


@pytest.fixture
def undamped(monkeypatch):
    monkeypatch.setattr(metric, "_DAMPING", 0.0)


def random_moment(n_units, rng):
    """Draw second moments of units and the constant, far from diagonal."""
    rows = rng.standard_normal((2 * n_units, n_units + 1))
    rows[:, -1] = 1
    return rows.T @ rows / len(rows)


def damped(moment):
    return moment + np.diag(np.append(np.full(len(moment) - 1, DAMPING), 0))


def solve_kronecker(visible_moment, hidden_moment, gradient):
    """Solve with the metric of all weights at once, one row a weight."""
    of_all = np.kron(damped(hidden_moment), damped(visible_moment))
    return np.linalg.solve(of_all, gradient.ravel()).reshape(gradient.shape)


class Law:
    """A machine by enumeration: its units, centred at their means."""

    def __init__(self, parameters):
        oracle = RBMOracle(*parameters)
        self.joint = oracle.joint.ravel()
        visible, hidden = np.divmod(np.arange(self.joint.size), len(oracle.hidden))
        self.visible = self._centred(oracle.visible[visible])
        self.hidden = self._centred(oracle.hidden[hidden])

    def _centred(self, units):
        return np.column_stack([units - self.joint @ units, np.ones(len(units))])

    def moments(self):
        """Second moments of the visible and of the hidden units."""
        pair = (self.visible, self.hidden)
        return [rows.T @ (rows * self.joint[:, np.newaxis]) for rows in pair]

    def fisher_matrix(self):
        """Covariance of all the products of a hidden and a visible unit."""
        products = np.einsum("nj,ni->nji", self.hidden, self.visible)
        products = products.reshape(len(self.joint), -1)
        products -= self.joint @ products
        return products.T @ (products * self.joint[:, np.newaxis])

    def divergence_after(self, step):
        """Compute the divergence in nats of the law after a step from this one."""
        tilt = np.einsum("nj,ji,ni->n", self.hidden, step, self.visible)
        log_normaliser = np.log(self.joint @ np.exp(tilt))
        after = self.joint * np.exp(tilt - log_normaliser)
        return after @ (tilt - log_normaliser)


def independent_units(n_hidden=3, n_visible=4, seed=0):
    _, visible_bias, hidden_bias = random_rbm(n_hidden, n_visible, seed=seed)
    return np.zeros((n_hidden, n_visible)), visible_bias, hidden_bias


@pytest.mark.usefixtures("inverse")
@pytest.mark.parametrize("seed", range(3))
def test_is_the_solution_with_the_kronecker_product(seed):
    rng = np.random.default_rng(seed)
    visible_moment, hidden_moment = random_moment(5, rng), random_moment(3, rng)
    gradient = rng.standard_normal((4, 6))
    exact = solve_kronecker(visible_moment, hidden_moment, gradient)
    result = KroneckerMetric(visible_moment, hidden_moment).turn(gradient)
    assert np.abs(result - exact).max() < 1e-5 * np.abs(exact).max()


@pytest.mark.usefixtures("inverse", "undamped")
def test_is_the_solution_with_the_fisher_matrix_of_independent_units():
    """The corner multiplies a constant: it is in no law, and in no derivative."""
    law = Law(independent_units())
    gradient = np.random.default_rng(0).standard_normal((4, 5))
    gradient[-1, -1] = 0
    exact = np.zeros(gradient.size)
    exact[:-1] = np.linalg.solve(law.fisher_matrix()[:-1, :-1], gradient.ravel()[:-1])
    result = KroneckerMetric(*law.moments()).turn(gradient)
    error = np.abs(result - exact.reshape(gradient.shape))
    assert error.max() < 1e-5 * np.abs(exact).max()


def power_of(moment, power):
    """Take singular values, which are the eigenvalues of what is positive."""
    left, values, right = np.linalg.svd(damped(moment))
    return left @ np.diag(values**power) @ right


@pytest.mark.parametrize("powers", [(-1.0, -1.0), (-0.5, -1.0), (-1.0, -0.5)])
@pytest.mark.parametrize("diagonal_visible", [False, True])
@pytest.mark.parametrize("diagonal_hidden", [False, True])
def test_each_factor_has_its_power(
    monkeypatch, powers, diagonal_visible, diagonal_hidden
):
    """Of all moments, or of the variances only."""
    monkeypatch.setattr(metric, "VISIBLE_POWER", powers[0])
    monkeypatch.setattr(metric, "HIDDEN_POWER", powers[1])
    rng = np.random.default_rng(0)
    moments = [random_moment(5, rng), random_moment(3, rng)]
    full = KroneckerMetric(*moments)
    kept, factors = list(moments), []
    for side, diagonal in enumerate((diagonal_visible, diagonal_hidden)):
        if diagonal:
            kept[side] = np.diag(moments[side])
            moments[side] = np.diag(kept[side])
        factors.append(power_of(moments[side], powers[side]))
    kronecker = KroneckerMetric(*kept)
    gradient = rng.standard_normal((4, 6))
    expected = factors[1] @ gradient @ factors[0]
    error = np.abs(kronecker.turn(gradient) - expected)
    assert error.max() < 1e-5 * np.abs(expected).max()
    # The diagonal of all these is the same.
    for name in ("visible_factor", "hidden_factor"):
        expected = getattr(full.diagonal(), name)
        assert expected.ndim == 1
        np.testing.assert_array_equal(getattr(kronecker.diagonal(), name), expected)


def transformed(rows, matrix):
    """Map the units of rows, but not the constant."""
    return np.column_stack([rows[:, :-1] @ matrix.T, rows[:, -1]])


def natural_of_rows(visible_rows, gradient):
    """Give the step of visible rows whose hidden units have unequal variances."""
    hidden_moment = np.diag([0.1, 0.2, 1.0])
    moment = visible_rows.T @ visible_rows / len(visible_rows)
    return KroneckerMetric(moment, hidden_moment).turn(gradient)


@pytest.mark.parametrize("kind", ["rotation", "flips", "order"])
def test_steps_do_not_depend_on_isometries_of_the_units(kind):
    """Damping is the same in all directions. A step maps as weights do."""
    rng = np.random.default_rng(0)
    matrix = {
        "rotation": np.linalg.qr(rng.standard_normal((4, 4)))[0],
        "flips": np.diag([1.0, -1.0, -1.0, 1.0]),
        "order": np.eye(4)[[2, 0, 3, 1]],
    }[kind]
    rows = np.column_stack([rng.normal(0, [0.05, 0.2, 0.4, 0.5], (50, 4)), np.ones(50)])
    gradient = rng.standard_normal((3, 5))
    step = natural_of_rows(rows, gradient)
    mapped = natural_of_rows(transformed(rows, matrix), transformed(gradient, matrix))
    assert np.abs(mapped - transformed(step, matrix)).max() < 1e-5 * np.abs(step).max()


@pytest.mark.usefixtures("inverse")
def test_steps_do_not_depend_on_scales_but_for_damping():
    rng = np.random.default_rng(0)
    # Variances of 100 and more, beside which 0.01 is a ten-thousandth.
    rows = np.column_stack([rng.normal(0, 12, (500, 4)), np.ones(500)])
    assert np.linalg.eigvalsh(rows[:, :-1].T @ rows[:, :-1] / 500)[0] > 100
    matrix = np.diag([1.0, 3.0, 10.0, 30.0]) @ np.array(
        [[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, -1, 1]]
    )
    gradient = rng.standard_normal((3, 5))
    step = natural_of_rows(rows, gradient)
    mapped = natural_of_rows(transformed(rows, matrix), transformed(gradient, matrix))
    # Weights map by the inverse transpose, so that their energies stay the same.
    expected = transformed(step, np.linalg.inv(matrix).T)
    largest = np.abs(expected).max(axis=0)
    assert (np.abs(mapped - expected).max(axis=0) < 5e-4 * largest).all()


@pytest.mark.usefixtures("inverse")
def test_units_that_hardly_vary_do_not_direct_the_step():
    """Without damping a variance of 1e-6 would count a million times."""
    kronecker = KroneckerMetric(np.diag([1e-6, 0.25, 1.0]), np.diag([0.25, 1.0]))
    step = kronecker.turn(np.ones((2, 3)))
    np.testing.assert_allclose(step[-1], [1 / 0.010001, 1 / 0.26, 1], rtol=1e-6)
    np.testing.assert_allclose(step[0], step[-1] / 0.26, rtol=1e-6)


@pytest.mark.usefixtures("inverse", "undamped")
@pytest.mark.parametrize("seed", range(3))
def test_squared_length_is_twice_the_divergence_of_the_law(seed):
    law = Law(independent_units(seed=seed))
    gradient = np.random.default_rng(seed).standard_normal((4, 5))
    gradient[-1, -1] = 0
    step = KroneckerMetric(*law.moments()).turn(gradient)
    squared_length = np.vdot(gradient, step)
    assert squared_length > 1
    for length in (0.003, 0.03):
        short = length * shortening(np.vdot(gradient, step)) * step
        stated = length**2 / 2
        # The third order is a share of about the length.
        assert law.divergence_after(short) == pytest.approx(stated, rel=2 * length)


@pytest.mark.usefixtures("inverse")
@pytest.mark.parametrize("seed", range(5))
def test_damping_makes_steps_shorter_than_stated(seed):
    """Never more than stated, and at variances of 0.1 and more not much less."""
    law = Law(independent_units(seed=seed))
    gradient = np.random.default_rng(seed).standard_normal((4, 5))
    gradient[-1, -1] = 0
    step = KroneckerMetric(*law.moments()).turn(gradient)
    assert min(moment.diagonal().min() for moment in law.moments()) > 0.1
    length = 0.003
    divergence = law.divergence_after(
        length * shortening(np.vdot(gradient, step)) * step
    )
    least = (0.1 / 0.11) ** 2 * (1 - 2 * length)
    assert least < divergence / (length**2 / 2) < 1


def test_steps_of_length_1_at_most_are_not_shortened():
    assert [shortening(squared_length) for squared_length in (0.0, 0.5, 1.0)] == [1] * 3
    assert shortening(2.04) == pytest.approx(1 / np.sqrt(2.04))


# ---- steps ----


def kronecker_metric(n_hidden=3, n_visible=4, *, diagonal=(False, False), seed=0):
    """Make a metric of random moments, of the visible and of the hidden units."""
    rng = np.random.default_rng(seed)
    moments = random_moment(n_visible, rng), random_moment(n_hidden, rng)
    pairs = zip(moments, diagonal, strict=True)
    return KroneckerMetric(*(np.diag(m) if only else m for m, only in pairs))


@pytest.mark.parametrize("diagonal_visible", [False, True])
@pytest.mark.parametrize("diagonal_hidden", [False, True])
@pytest.mark.parametrize("size", [0.001, 10.0])  # short enough, or not
def test_steps_are_the_same_of_rows_as_of_their_sum(
    size, diagonal_visible, diagonal_hidden
):
    rng, energy = np.random.default_rng(0), binary_rbm().astype(np.float32)
    kronecker = kronecker_metric(diagonal=(diagonal_visible, diagonal_hidden))
    hidden = size * rng.standard_normal((7, 4)).astype(np.float32)
    visible = rng.standard_normal((7, 5)).astype(np.float32)
    gradient = energy.with_arrays([hidden.T @ visible])
    direction, rate = kronecker.step(energy, gradient, 0.1)
    assert (rate < 0.1) == (size > 1)
    of_rows, same_rate = kronecker.step_of_rows(hidden, visible, 0.1)
    assert same_rate == pytest.approx(rate, rel=1e-5)
    largest = np.abs(direction.matrix).max()
    assert np.abs(of_rows - direction.matrix).max() < 1e-5 * largest
    assert of_rows.dtype == direction.matrix.dtype == np.float32
    natural = kronecker.turn(gradient.matrix)
    np.testing.assert_allclose(direction.matrix, rate * natural, rtol=1e-6)
    length = np.vdot(gradient.matrix, natural)
    assert rate == pytest.approx(0.1 / np.sqrt(max(1, length)), rel=1e-6)


@pytest.mark.parametrize("make", ENERGIES)
def test_natural_steps_climb_and_count_every_parameter_in_their_length(make):
    energy = make()
    rng = np.random.default_rng(1)
    gradient = energy.unravel(rng.standard_normal(len(energy.ravel())))
    direction, rate = start(energy).step(energy, gradient, 0.1)
    pairs = zip(gradient.arrays(), direction.arrays(), strict=True)
    climbed = sum(np.vdot(*pair) for pair in pairs)
    assert climbed > 0
    assert rate == pytest.approx(0.1 / np.sqrt(climbed / rate), rel=1e-5)
    if isinstance(energy, PairwiseEnergy):
        matrix = direction.matrix
        np.testing.assert_array_equal(matrix, matrix.T)
        exists = gradient.matrix != 0
        np.testing.assert_array_equal(matrix != 0, exists)


def test_rows_are_favoured_where_they_are_few():
    """n rows cost n * (501**2 + 785**2) + n**2 * 1286, their sum 501 * 785 * 1286."""
    kronecker = KroneckerMetric.__new__(KroneckerMetric)
    kronecker.hidden_factor, kronecker.visible_factor = np.eye(501), np.eye(785)
    turning, pairs, whole = 501**2 + 785**2, 1286, 501 * 785 * 1286
    bound = (np.sqrt(turning**2 + 4 * pairs * whole) - turning) / (2 * pairs)
    assert 100 < bound < 700
    assert kronecker.favours_rows(int(bound))
    assert not kronecker.favours_rows(int(bound) + 1)
    kronecker.hidden_factor, kronecker.visible_factor = np.ones(501), np.ones(785)
    assert not kronecker.favours_rows(1)  # with variances only, nothing to be saved
    assert not Metric().favours_rows(1)


# ---- the noise of Gaussian machines ----


def divergence(units, other):
    """Divergence in nats of the normal distribution of one noise from another's."""
    first, last = (
        u.whitening if u.is_full else np.diag(u.whitening) for u in (units, other)
    )
    ratio = last @ np.linalg.inv(first)
    return (np.sum(ratio**2) - len(ratio)) / 2 - np.linalg.slogdet(ratio)[1]


# Of factors the information is solved in parts; see the tests of these units.
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "factor"])
def test_gradients_of_the_noise_are_solved_with_its_information(kind):
    """The second derivatives of the divergence, by differences."""
    energy = gaussian(kind)
    n_linear = (energy.n_hidden + 1) * (energy.n_visible + 1) - 1
    n_noise = len(energy.ravel()) - n_linear
    stretched = energy.ravel()
    stretched[n_linear:] = np.linspace(-0.4, 0.5, n_noise)
    energy = energy.unravel(stretched)
    slope = np.zeros(n_linear + n_noise)
    slope[n_linear:] = np.random.default_rng(1).standard_normal(n_noise)
    gradient = energy.unravel(slope)
    turned = energy.natural(gradient, lambda matrix: 2 * matrix)
    np.testing.assert_array_equal(turned.matrix, 2 * gradient.matrix)
    step = turned.ravel()[n_linear:]
    if kind == "fixed":
        assert n_noise == 0
        return

    def moved(shift):
        return energy.unravel(stretched + np.pad(shift, (n_linear, 0))).visible

    information = np.empty((n_noise, n_noise))
    ways = 1e-3 * np.eye(n_noise)
    for i, one in enumerate(ways):
        for j, other in enumerate(ways):
            corners = (one + other, -one - other, one - other, other - one)
            values = [divergence(energy.visible, moved(shift)) for shift in corners]
            information[i, j] = values[0] + values[1] - values[2] - values[3]
    information /= 4e-6
    np.testing.assert_allclose(information @ step, slope[n_linear:], atol=1e-4)


# ---- couplings between any two units ----


def pair_gradient(n_columns, seed=1):
    matrix = np.random.default_rng(seed).standard_normal((n_columns, n_columns))
    matrix = matrix + matrix.T
    np.fill_diagonal(matrix, 0)
    return matrix.astype(np.float32)


def test_twice_halfway_is_the_natural_gradient_of_normal_units():
    moment, gradient = random_moment(4, np.random.default_rng(0)), pair_gradient(5)
    pairs = PairMetric(moment, np.ones((1, 1)))
    twice = pairs.turn(pairs.turn(gradient).astype(float))
    inverse = np.linalg.inv(damped(moment))
    np.testing.assert_allclose(twice, inverse @ gradient @ inverse, rtol=0, atol=1e-4)


@pytest.mark.parametrize("diagonal", [False, True])
def test_blocks_are_those_of_machines_with_one_kind_of_couplings(diagonal):
    rng = np.random.default_rng(0)
    moments = [random_moment(n_units, rng) for n_units in (4, 3)]
    for moment in moments:  # units centred at their means
        moment[-1, :-1] = moment[:-1, -1] = 0
    moments[1][:-1, :-1] /= 20  # and means of bits, whose variance is 1/4 at most
    if diagonal:
        moments = [np.diag(moment) for moment in moments]
    gradient, hidden = pair_gradient(8), slice(4, 7)
    turned = PairMetric(*moments).turn(gradient)
    assert turned.dtype == np.float32
    np.testing.assert_allclose(turned, turned.T, rtol=1e-6)
    alone = PairMetric(moments[0], np.ones((1,) if diagonal else (1, 1)))
    own = np.delete(np.delete(gradient, hidden, axis=0), hidden, axis=1)
    between = np.delete(gradient[4:], hidden, axis=1)
    between[-1, -1] = 0  # means nothing in a matrix between layers
    tolerances = {"rtol": 1e-4, "atol": 1e-4}
    expected = alone.turn(own)[:-1, :-1]
    np.testing.assert_allclose(turned[:4, :4], expected, **tolerances)
    expected = KroneckerMetric(*moments).turn(between)[:-1, :-1]
    np.testing.assert_allclose(turned[hidden, :4], expected, **tolerances)


def test_pairs_of_hidden_units_are_scaled_by_all_of_their_variance():
    """Means that hardly vary are of units that do."""
    visible, hidden = random_moment(4, np.random.default_rng(0)), np.eye(4)
    hidden[:-1] *= 1e-6
    gradient = pair_gradient(8)
    turned = PairMetric(visible, hidden).turn(gradient)
    expected = gradient[4:7, 4:7] / 0.26
    np.testing.assert_allclose(turned[4:7, 4:7], expected, rtol=1e-4)


# ---- how they begin, and what they follow ----


def sides_of(energy, rows):
    """Centred visible and hidden units and the constant, hidden ones at their means."""
    if not isinstance(energy, PairwiseEnergy):
        hidden, visible = energy.sides(rows)
        return visible, hidden
    units, _ = energy.sides(rows)
    n_visible = energy.n_visible
    return np.delete(units, np.s_[n_visible:-1], axis=1), units[:, n_visible:]


def moment_of(rows, diagonal):
    moment = rows.T @ rows / len(rows)
    return np.diag(moment) if diagonal else moment


@pytest.mark.parametrize("make", ENERGIES)
@pytest.mark.parametrize("diagonal", [False, True])
def test_begins_with_a_sample_and_hidden_units_at_one_half(make, diagonal):
    energy = make()
    begun = start(energy, diagonal=diagonal)
    n_hidden = energy.n_units - energy.n_visible
    expected = np.append(np.full(n_hidden, 0.25), 1)
    expected = expected if diagonal else np.diag(expected)
    np.testing.assert_array_equal(begun.hidden_moment, expected)
    if make is gaussian:
        assert begun.visible_moment is begun.visible_factor is None
        return
    visible, _ = sides_of(energy, sample_of(energy))
    moment = moment_of(visible, diagonal)
    np.testing.assert_allclose(begun.visible_moment, moment, rtol=0, atol=1e-12)


@pytest.mark.parametrize("make", ENERGIES)
@pytest.mark.parametrize("diagonal", [False, True])
@pytest.mark.parametrize("side", ["visible", "hidden"])
def test_moments_follow_new_rows_by_a_fifth(make, diagonal, side):
    """Of machines of one layer, or two in one matrix, all at once."""
    energy = make()
    begun = start(energy, diagonal=diagonal)
    before = dict(vars(begun))
    rows = sample_of(energy, seed=1)
    after = getattr(begun, f"follow_{side}")(energy, rows)
    followed = {
        binary_rbm: {side},
        gaussian: {side} - {"visible"},
        latent: {"visible", "hidden"},
        pairwise: {"visible"} if side == "visible" else set(),
    }[make]
    for name, new in zip(("visible", "hidden"), sides_of(energy, rows), strict=True):
        expected = before[f"{name}_moment"]
        if name in followed:
            expected = 0.8 * expected + 0.2 * moment_of(new, diagonal)
        if expected is not None:
            moment = getattr(after, f"{name}_moment")
            np.testing.assert_allclose(moment, expected, rtol=0, atol=1e-12)
    assert (after is begun) == (not followed)
    gradient = np.ones_like(energy.matrix, dtype=np.float32)
    again = type(begun)(after.visible_moment, after.hidden_moment)
    np.testing.assert_array_equal(after.turn(gradient), again.turn(gradient))
    # The metric itself stays as it was.
    assert all(vars(begun)[name] is value for name, value in before.items())


@pytest.mark.parametrize("make", ENERGIES)
@pytest.mark.parametrize("diagonal", [False, True])
def test_steps_of_float32_gradients_are_float32(make, diagonal):
    energy = make().astype(np.float32)
    begun = start(energy, diagonal=diagonal)
    rows = sample_of(energy)
    begun = begun.follow_visible(energy, rows).follow_hidden(energy, rows)
    gradient = energy.unravel(np.ones(len(energy.ravel()), np.float32))
    direction, _ = begun.step(energy, gradient, 0.1)
    assert {array.dtype for array in direction.arrays()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("make", ENERGIES)
def test_a_metric_becomes_that_of_its_diagonal(make):
    energy = make()
    rows = sample_of(energy, seed=1)
    full, diagonal = start(energy), start(energy, diagonal=True)
    gradient = np.ones_like(energy.matrix, dtype=np.float32)
    for one in (full, diagonal):
        one = one.follow_hidden(energy, rows).diagonal()  # noqa: PLW2901
        expected = diagonal.follow_hidden(energy, rows).turn(gradient)
        np.testing.assert_allclose(one.turn(gradient), expected, rtol=1e-5)
        scales = np.broadcast_to(one.scales(), energy.penalised.shape)
        np.testing.assert_allclose(scales, expected[:-1, :-1], rtol=1e-5)


@pytest.mark.parametrize(
    ("n_visible", "n_hidden", "ndims"),
    [(5, 5, (2, 2)), (6, 5, (1, 2)), (5, 6, (2, 1)), (6, 6, (1, 1))],
)
def test_wide_layers_have_diagonal_factors(monkeypatch, n_visible, n_hidden, ndims):
    monkeypatch.setattr(metric, "MAX_FULL_FACTOR", 6)
    energy = binary_rbm(n_hidden, n_visible)
    begun = start(energy)
    assert (begun.visible_factor.ndim, begun.hidden_factor.ndim) == ndims


def test_wide_machines_of_pairs_have_a_diagonal_factor(monkeypatch):
    for make, n_units in ((pairwise, 4), (latent, 7)):
        monkeypatch.setattr(pair_metric, "MAX_FULL_FACTOR", n_units + 1)
        assert start(make()).factor.ndim == 2
        monkeypatch.setattr(pair_metric, "MAX_FULL_FACTOR", n_units)
        assert start(make()).factor.ndim == 1


def test_means_of_hidden_units_may_vary_together_more_than_units_can():
    """Beside variances of 1/4, which stand for all of them, a covariance of 0.6."""
    hidden = np.array([[0.64, 0.6, 0.0], [0.6, 0.64, 0.0], [0.0, 0.0, 1.0]])
    turned = PairMetric(np.eye(3), hidden).turn(np.ones((5, 5)))
    assert np.isfinite(turned).all()
    np.testing.assert_array_equal(turned, turned.T)


def test_rows_are_not_favoured_in_units_of_noise():
    assert not KroneckerMetric.start(gaussian(), None).favours_rows(1)
