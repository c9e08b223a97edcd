import numpy as np
import pytest
from gaussian_machines import KINDS, dense, gaussian_machine, whitening_of

from skebm.energy.whitening import DiagonalWhitening, TriangularWhitening

N_COLUMNS = 4


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def whitening(kind):
    return gaussian_machine(kind, n_visible=N_COLUMNS).whitening


def another(kind):
    return gaussian_machine(kind, n_visible=N_COLUMNS, seed=1).whitening


def some_rows(n_rows=5, seed=0):
    return np.random.default_rng(seed).normal(size=(n_rows, N_COLUMNS))


def step_shape(kind):
    return (N_COLUMNS, N_COLUMNS) if kind == "full" else (1, N_COLUMNS)


def steps_that_can_be_followed(kind):
    """List a basis of the steps of a kind."""
    if kind == "full":
        rows, columns = np.tril_indices(N_COLUMNS)
        steps = np.zeros((len(rows), N_COLUMNS, N_COLUMNS))
        steps[np.arange(len(rows)), rows, columns] = 1
        return steps
    if kind == "shared":
        return np.ones((1, 1, N_COLUMNS))
    if kind == "fixed":
        return np.zeros((0, 1, N_COLUMNS))
    return np.eye(N_COLUMNS)[:, np.newaxis]


def assert_derivative_by_step(whitening, kind, value, derivative):
    """Hold a derivative by a step to central differences along all steps."""
    size = 1e-5
    assert derivative.shape == step_shape(kind)
    for step in steps_that_can_be_followed(kind):
        ahead, behind = whitening.stepped(size * step), whitening.stepped(-size * step)
        numeric = (value(ahead) - value(behind)) / (2 * size)
        assert np.vdot(derivative, step) == pytest.approx(numeric, rel=1e-7, abs=1e-7)


def assert_is_a_step_of_its_kind(step, kind):
    if kind == "full":
        assert not np.triu(step, 1).any()
        assert np.tril(step).any()
    elif kind == "shared":
        assert np.ptp(step) == 0
        assert step.any()
    else:
        assert step.any() == (kind != "fixed")


def test_apply_is_a_product_and_undo_takes_it_back(whitening):
    rows = some_rows()
    white = whitening.apply(rows)
    np.testing.assert_allclose(white, rows @ dense(whitening).T, rtol=0, atol=1e-14)
    np.testing.assert_allclose(whitening.undo(white), rows, rtol=0, atol=1e-13)
    assert whitening.n_columns == N_COLUMNS


def test_columns_are_what_unit_vectors_are_mapped_to(whitening):
    expected = whitening.apply(np.eye(N_COLUMNS))
    np.testing.assert_array_equal(whitening.columns(), expected)


def test_log_det_and_squared_norm(whitening):
    matrix = dense(whitening)
    _, exact = np.linalg.slogdet(matrix)
    assert whitening.log_det == pytest.approx(exact, abs=1e-13)
    precision = matrix.T @ matrix
    assert whitening.squared_norm == pytest.approx(np.trace(precision), rel=1e-13)


def test_variance_is_that_of_the_noise(whitening):
    inverse = np.linalg.inv(dense(whitening))
    expected = np.diag(inverse @ inverse.T)
    np.testing.assert_allclose(whitening.variance(), expected, rtol=1e-13)


def test_full_noise_gives_its_covariance_and_is_made_of_it():
    whitening = another("full")
    inverse = np.linalg.inv(whitening.matrix)
    covariance = whitening.covariance()
    np.testing.assert_allclose(covariance, inverse @ inverse.T, rtol=1e-12)
    again = TriangularWhitening.of_covariance(covariance)
    np.testing.assert_allclose(again.matrix, whitening.matrix, rtol=0, atol=1e-12)
    assert not np.triu(again.matrix, 1).any()


def test_whitened_noise_has_unit_variance():
    whitening = another("full")
    white = whitening.apply(whitening.apply(whitening.covariance()).T)
    np.testing.assert_allclose(white, np.eye(N_COLUMNS), rtol=0, atol=1e-12)


def test_units_of_columns_do_not_matter_to_what_is_made_of_a_covariance():
    units = np.array([1e-3, 1.0, 1e3, 7.0])
    covariance = another("full").covariance()
    whitening = TriangularWhitening.of_covariance(covariance)
    scaled = TriangularWhitening.of_covariance(covariance * np.outer(units, units))
    np.testing.assert_allclose(scaled.matrix * units, whitening.matrix, atol=1e-12)


def test_what_is_made_of_a_covariance_is_triangular_to_the_last_digit():
    """Many columns, the last ones with most noise: a solver changes their order."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(100, 40)) * np.logspace(-3, 3, 40)
    whitening = TriangularWhitening.of_covariance(noise.T @ noise)
    assert not np.triu(whitening.matrix, 1).any()
    white = whitening.apply(noise)
    np.testing.assert_allclose(white.T @ white, np.eye(40), rtol=0, atol=1e-12)


def test_maps_follow_each_other(whitening, kind):
    other = another(kind)
    both = whitening.after(other)
    rows = some_rows()
    expected = whitening.apply(other.apply(rows))
    np.testing.assert_allclose(both.apply(rows), expected, rtol=0, atol=1e-13)
    assert_same_kind(both, whitening)


def assert_same_kind(whitening, other):
    assert type(whitening) is type(other)
    for flag in ("shared", "fixed"):
        assert getattr(whitening, flag, None) == getattr(other, flag, None)


@pytest.mark.parametrize("fraction", [0.0, 0.25, 1.0])
def test_towards_goes_straight(whitening, kind, fraction):
    other = another(kind)
    between = whitening.towards(other, fraction)
    expected = (1 - fraction) * dense(whitening) + fraction * dense(other)
    np.testing.assert_allclose(dense(between), expected, rtol=0, atol=1e-14)
    assert_same_kind(between, whitening)


def test_what_is_left_of_the_noise_and_what_is_explained_add_up(kind):
    whitening = another(kind)
    shares = some_rows(2, seed=3) / 5
    explained = shares.T @ shares  # in units of the noise
    left = whitening.unexplained(explained)
    assert_same_kind(left, whitening)
    inverse = np.linalg.inv(dense(whitening))
    noise = inverse @ inverse.T
    inverse_left = np.linalg.inv(dense(left))
    share_left = np.eye(N_COLUMNS) - explained
    if kind != "full":
        share_left = np.diag(np.diag(share_left))
    if kind == "shared":
        share_left = np.trace(share_left) / N_COLUMNS * np.eye(N_COLUMNS)
    expected = inverse @ share_left @ inverse.T
    assert np.abs(expected - noise).max() > 0.01
    np.testing.assert_allclose(
        inverse_left @ inverse_left.T, expected, rtol=0, atol=1e-13
    )


def test_a_step_comes_after_the_map(whitening, kind):
    """To first order; the diagonal goes by its exponential."""
    step = np.random.default_rng(0).normal(size=step_shape(kind))
    if kind == "full":
        expected = np.tril(step, -1) + np.diag(np.exp(np.diag(step)))
    else:
        expected = np.diag(np.exp(step[0]))
    stepped = whitening.stepped(step)
    np.testing.assert_allclose(
        dense(stepped), expected @ dense(whitening), rtol=0, atol=1e-13
    )
    assert_same_kind(stepped, whitening)


def test_no_step_is_so_large_that_the_map_is_lost(whitening, kind):
    for size in (-300.0, 300.0):
        step = np.full(step_shape(kind), size)
        assert whitening.stepped(step).is_regular()


def test_derivative_by_a_step_of_a_function_of_mapped_rows(whitening, kind):
    rows = some_rows()
    white = whitening.apply(rows)
    # Of the sum of sin(y_1 + 2 y_2 + ...) over the rows.
    slopes = np.arange(1, N_COLUMNS + 1)
    by_rows = np.outer(np.cos(white @ slopes), slopes)
    derivative = whitening.by_step(by_rows, white)
    assert_is_a_step_of_its_kind(derivative, kind)
    assert_derivative_by_step(
        whitening,
        kind,
        lambda moved: np.sin(moved.apply(rows) @ slopes).sum(),
        derivative,
    )


@pytest.mark.parametrize("name", ["log_det", "squared_norm"])
def test_derivatives_by_a_step_of_what_the_map_is_like(whitening, kind, name):
    derivative = getattr(whitening, f"{name}_by_step")()
    assert_is_a_step_of_its_kind(derivative, kind)
    assert_derivative_by_step(
        whitening, kind, lambda moved: getattr(moved, name), derivative
    )


def test_vectors_of_coordinates_stand_for_maps(whitening, kind):
    n_coordinates = len(steps_that_can_be_followed(kind))
    vector = np.random.default_rng(0).normal(size=n_coordinates)
    moved = whitening.from_coordinates(vector)
    assert_same_kind(moved, whitening)
    again = moved.coordinates(whitening)
    np.testing.assert_allclose(again, vector, rtol=0, atol=1e-12)
    start = whitening.coordinates(whitening)
    np.testing.assert_allclose(start, np.zeros(n_coordinates), rtol=0, atol=1e-13)
    if kind == "fixed":
        np.testing.assert_array_equal(moved.scale, whitening.scale)
    elif kind == "shared":
        ratio = moved.scale / whitening.scale
        np.testing.assert_allclose(ratio, np.exp(vector[0]), rtol=1e-14)


def test_derivative_by_coordinates(whitening, kind):
    """Far from where they start, where steps and coordinates differ."""
    rows, size = some_rows(), 1e-5
    slopes = np.arange(1, N_COLUMNS + 1)
    n_coordinates = len(steps_that_can_be_followed(kind))
    vector = np.random.default_rng(0).normal(size=n_coordinates) / 2

    def value(vector):
        white = whitening.from_coordinates(vector).apply(rows)
        return np.sin(white @ slopes).sum()

    moved = whitening.from_coordinates(vector)
    white = moved.apply(rows)
    by_step = moved.by_step(np.outer(np.cos(white @ slopes), slopes), white)
    before = by_step.copy()
    derivative = moved.by_coordinates(by_step, whitening)
    np.testing.assert_array_equal(by_step, before)
    assert derivative.shape == vector.shape
    for coordinate, unit in enumerate(np.eye(n_coordinates)):
        rise = value(vector + size * unit) - value(vector - size * unit)
        assert derivative[coordinate] == pytest.approx(rise / (2 * size), abs=1e-6)


def test_dtype(whitening, kind):
    narrow = whitening.astype(np.float32)
    assert_same_kind(narrow, whitening)
    rows = some_rows().astype(np.float32)
    white = narrow.apply(rows)
    step = narrow.by_step(white, white)
    for array in (
        dense(narrow),
        white,
        narrow.undo(white),
        narrow.columns(),
        step,
        narrow.log_det_by_step(),
        narrow.squared_norm_by_step(),
        dense(narrow.stepped(step / 100)),
        dense(narrow.after(narrow)),
        dense(narrow.towards(narrow, 0.5)),
    ):
        assert array.dtype == np.float32
    assert narrow.log_det == pytest.approx(whitening.log_det, abs=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0, -1.0])
def test_maps_that_lose_a_column_are_not_regular(kind, bad):
    whitening = whitening_of(np.eye(2) if kind == "full" else np.ones(2), kind)
    assert whitening.is_regular()
    (whitening.matrix if kind == "full" else whitening.scale)[..., 1] = bad
    assert not whitening.is_regular()


def test_a_bad_entry_off_the_diagonal_counts_too():
    matrix = np.eye(2)
    matrix[1, 0] = np.nan
    assert not TriangularWhitening(matrix).is_regular()


def test_ill_conditioned_noise():
    """Deviations from 1 down to a millionth, and all columns nearly the same."""
    deviation = np.logspace(0, -6, 6)
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))
    root = rotation * deviation
    covariance = root @ root.T
    covariance = (covariance + covariance.T) / 2
    whitening = TriangularWhitening.of_covariance(covariance)
    assert whitening.is_regular()
    # The smallest variance is 1e-12, known to 1e-16 beside the largest.
    exact = -np.log(deviation).sum()
    assert whitening.log_det == pytest.approx(exact, abs=1e-3)
    np.testing.assert_allclose(whitening.covariance(), covariance, rtol=0, atol=1e-10)
    rows = np.random.default_rng(1).normal(size=(50, 6))
    again = whitening.apply(whitening.undo(rows))
    np.testing.assert_allclose(again, rows, rtol=0, atol=1e-9)


def test_scales_of_a_million_to_one():
    scale = np.array([1e-6, 1.0, 1e6])
    whitening = DiagonalWhitening(scale)
    rows = np.random.default_rng(0).normal(size=(5, 3)) / scale
    np.testing.assert_allclose(whitening.undo(whitening.apply(rows)), rows, rtol=1e-15)
    moved = whitening.from_coordinates(np.array([5.0, -3.0, 1.0]))
    np.testing.assert_allclose(moved.coordinates(whitening), [5, -3, 1], rtol=1e-14)
