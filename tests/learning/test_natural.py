import numpy as np
import pytest
from oracle import RBMOracle, random_rbm

from skebm.learning import natural
from skebm.learning.natural import KroneckerMetric, Metric, shortening

DAMPING = 0.01


@pytest.fixture
def inverse(monkeypatch):
    """Use the inverses of both factors: the natural gradient itself."""
    for name in ("_VISIBLE_POWER", "_HIDDEN_POWER"):
        monkeypatch.setattr(natural, name, -1.0)


@pytest.fixture
def undamped(monkeypatch):
    monkeypatch.setattr(natural, "_DAMPING", 0.0)


def random_moment(n_units, rng):
    """Draw second moments of units and the constant, far from diagonal."""
    rows = rng.standard_normal((2 * n_units, n_units + 1))
    rows[:, -1] = 1
    return rows.T @ rows / len(rows)


def damped(moment):
    return moment + np.diag(np.append(np.full(len(moment) - 1, DAMPING), 0))


def solve_kronecker(visible_moment, hidden_moment, gradient):
    """Solve with the metric of all weights at once, one row a weight."""
    metric = np.kron(damped(hidden_moment), damped(visible_moment))
    return np.linalg.solve(metric, gradient.ravel()).reshape(gradient.shape)


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
    result = KroneckerMetric(visible_moment, hidden_moment).natural(gradient)
    assert np.abs(result - exact).max() < 1e-5 * np.abs(exact).max()


@pytest.mark.usefixtures("inverse", "undamped")
def test_is_the_solution_with_the_fisher_matrix_of_independent_units():
    """The corner multiplies a constant: it is in no law, and in no derivative."""
    law = Law(independent_units())
    gradient = np.random.default_rng(0).standard_normal((4, 5))
    gradient[-1, -1] = 0
    exact = np.zeros(gradient.size)
    exact[:-1] = np.linalg.solve(law.fisher_matrix()[:-1, :-1], gradient.ravel()[:-1])
    result = KroneckerMetric(*law.moments()).natural(gradient)
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
    monkeypatch.setattr(natural, "_VISIBLE_POWER", powers[0])
    monkeypatch.setattr(natural, "_HIDDEN_POWER", powers[1])
    rng = np.random.default_rng(0)
    moments = [random_moment(5, rng), random_moment(3, rng)]
    full = KroneckerMetric(*moments)
    kept, factors = list(moments), []
    for side, diagonal in enumerate((diagonal_visible, diagonal_hidden)):
        if diagonal:
            kept[side] = np.diag(moments[side])
            moments[side] = np.diag(kept[side])
        factors.append(power_of(moments[side], powers[side]))
    metric = KroneckerMetric(*kept)
    gradient = rng.standard_normal((4, 6))
    expected = factors[1] @ gradient @ factors[0]
    error = np.abs(metric.natural(gradient) - expected)
    assert error.max() < 1e-5 * np.abs(expected).max()
    # The diagonal of all these is the same.
    for name in ("visible_factor", "hidden_factor"):
        expected = getattr(full.diagonal(), name)
        assert expected.ndim == 1
        np.testing.assert_array_equal(getattr(metric.diagonal(), name), expected)


def test_scales_are_what_the_weights_of_a_diagonal_metric_are_multiplied_by():
    rng = np.random.default_rng(0)
    metric = KroneckerMetric(random_moment(5, rng), random_moment(3, rng)).diagonal()
    ratio = metric.natural(np.ones((4, 6), dtype=np.float32))
    assert metric.scales().shape == (3, 5)
    np.testing.assert_allclose(metric.scales(), ratio[:-1, :-1], rtol=1e-6)


def transformed(rows, matrix):
    """Map the units of rows, but not the constant."""
    return np.column_stack([rows[:, :-1] @ matrix.T, rows[:, -1]])


def natural_of_rows(visible_rows, gradient):
    """Give the step of visible rows whose hidden units have unequal variances."""
    hidden_moment = np.diag([0.1, 0.2, 1.0])
    moment = visible_rows.T @ visible_rows / len(visible_rows)
    return KroneckerMetric(moment, hidden_moment).natural(gradient)


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
    metric = KroneckerMetric(np.diag([1e-6, 0.25, 1.0]), np.diag([0.25, 1.0]))
    step = metric.natural(np.ones((2, 3)))
    np.testing.assert_allclose(step[-1], [1 / 0.010001, 1 / 0.26, 1], rtol=1e-6)
    np.testing.assert_allclose(step[0], step[-1] / 0.26, rtol=1e-6)


@pytest.mark.usefixtures("inverse", "undamped")
@pytest.mark.parametrize("seed", range(3))
def test_squared_length_is_twice_the_divergence_of_the_law(seed):
    law = Law(independent_units(seed=seed))
    gradient = np.random.default_rng(seed).standard_normal((4, 5))
    gradient[-1, -1] = 0
    step = KroneckerMetric(*law.moments()).natural(gradient)
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
    step = KroneckerMetric(*law.moments()).natural(gradient)
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


def test_starts_with_a_sample_and_hidden_units_at_one_half():
    rows = np.random.default_rng(0).standard_normal((50, 4))
    metric = KroneckerMetric.start(rows, 2)
    np.testing.assert_allclose(metric.visible_moment, rows.T @ rows / 50, rtol=1e-12)
    np.testing.assert_array_equal(metric.hidden_moment, np.diag([0.25, 0.25, 1]))
    diagonal = KroneckerMetric.start(rows, 2, diagonal=True)
    np.testing.assert_allclose(
        diagonal.visible_moment, (rows**2).sum(axis=0) / 50, rtol=1e-12
    )
    np.testing.assert_array_equal(diagonal.hidden_moment, [0.25, 0.25, 1])


@pytest.mark.parametrize(
    ("n_visible", "n_hidden", "ndims"),
    [(6, 5, (2, 2)), (7, 5, (1, 2)), (6, 6, (2, 1)), (7, 6, (1, 1))],
)
def test_wide_layers_have_diagonal_factors(monkeypatch, n_visible, n_hidden, ndims):
    monkeypatch.setattr(natural, "MAX_FULL_FACTOR", 6)
    rows = np.random.default_rng(0).standard_normal((50, n_visible))
    metric = KroneckerMetric.start(rows, n_hidden)
    assert (metric.visible_moment.ndim, metric.hidden_moment.ndim) == ndims
    assert (metric.visible_factor.ndim, metric.hidden_factor.ndim) == ndims
    hidden_rows = np.ones((50, n_hidden + 1))
    updated = metric.updated(visible_rows=rows, hidden_rows=hidden_rows)
    assert (updated.visible_moment.ndim, updated.hidden_moment.ndim) == ndims
    gradient = np.ones((n_hidden + 1, n_visible))
    assert updated.natural(gradient).shape == gradient.shape


@pytest.mark.parametrize("diagonal", [False, True])
@pytest.mark.parametrize("sides", [("visible",), ("hidden",), ("visible", "hidden")])
def test_moments_follow_new_rows_where_given(diagonal, sides):
    rng = np.random.default_rng(0)
    metric = KroneckerMetric.start(rng.standard_normal((30, 4)), 2, diagonal=diagonal)
    before = dict(vars(metric))
    rows = {
        side: rng.standard_normal((30, n))
        for side, n in (("visible", 4), ("hidden", 3))
    }
    updated = metric.updated(**{f"{side}_rows": rows[side] for side in sides})
    for side, table in rows.items():
        expected = before[f"{side}_moment"]
        if side in sides:
            new = table.T @ table / 30
            expected = 0.8 * expected + 0.2 * (np.diag(new) if diagonal else new)
        moment = getattr(updated, f"{side}_moment")
        np.testing.assert_allclose(moment, expected, rtol=1e-12)
    again = KroneckerMetric(updated.visible_moment, updated.hidden_moment)
    np.testing.assert_array_equal(updated.visible_factor, again.visible_factor)
    np.testing.assert_array_equal(updated.hidden_factor, again.hidden_factor)
    # The metric itself stays as it was.
    assert all(vars(metric)[name] is value for name, value in before.items())


@pytest.mark.parametrize("diagonal", [False, True])
def test_steps_of_float32_gradients_are_float32(diagonal):
    rows = np.random.default_rng(0).standard_normal((50, 4)).astype(np.float32)
    metric = KroneckerMetric.start(rows, 2, diagonal=diagonal)
    metric = metric.updated(visible_rows=rows, hidden_rows=rows[:, 1:])
    assert metric.visible_factor.dtype == metric.hidden_factor.dtype == np.float32
    assert metric.natural(np.ones((3, 4), dtype=np.float32)).dtype == np.float32


@pytest.mark.parametrize("diagonal_visible", [False, True])
@pytest.mark.parametrize("diagonal_hidden", [False, True])
@pytest.mark.parametrize("size", [0.001, 10.0])  # short enough, or not
def test_steps_are_the_same_of_rows_as_of_their_sum(
    size, diagonal_visible, diagonal_hidden
):
    rng = np.random.default_rng(0)
    visible, hidden = random_moment(5, rng), random_moment(3, rng)
    metric = KroneckerMetric(
        np.diag(visible) if diagonal_visible else visible,
        np.diag(hidden) if diagonal_hidden else hidden,
    )
    hidden = size * rng.standard_normal((7, 4)).astype(np.float32)
    visible = rng.standard_normal((7, 6)).astype(np.float32)
    direction, rate = metric.step(hidden.T @ visible, 0.1)
    assert (rate < 0.1) == (size > 1)
    of_rows, same_rate = metric.step_of_rows(hidden, visible, 0.1)
    assert same_rate == pytest.approx(rate, rel=1e-5)
    assert np.abs(of_rows - direction).max() < 1e-5 * np.abs(direction).max()
    assert of_rows.dtype == np.float32
    natural = metric.natural(hidden.T @ visible)
    np.testing.assert_allclose(direction, rate * natural, rtol=1e-6)


def test_rows_are_favoured_where_they_are_few():
    """n rows cost n * (501**2 + 785**2) + n**2 * 1286, their sum 501 * 785 * 1286."""
    metric = KroneckerMetric.__new__(KroneckerMetric)
    metric.hidden_factor, metric.visible_factor = np.eye(501), np.eye(785)
    turning, pairs, whole = 501**2 + 785**2, 1286, 501 * 785 * 1286
    bound = (np.sqrt(turning**2 + 4 * pairs * whole) - turning) / (2 * pairs)
    assert 100 < bound < 700
    assert metric.favours_rows(int(bound))
    assert not metric.favours_rows(int(bound) + 1)
    metric.hidden_factor, metric.visible_factor = np.ones(501), np.ones(785)
    assert not metric.favours_rows(1)  # with variances only, nothing is to be saved
    assert not Metric().favours_rows(1)
