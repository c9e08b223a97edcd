"""Tables that are hard: what is learned stays finite, without a warning."""

import numpy as np
import pytest
from mixture_oracle import two_sources
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skebm import (
    DensityEnsemble,
    EnergyImputer,
    EnergyOutlierDetector,
    GaussianRBM,
    MixedRBM,
    NeuralEnergyModel,
)

# Iterations are cut short here, where some of these would take thousands.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Learning has not converged:sklearn.exceptions.ConvergenceWarning"
)

RNG = np.random.default_rng(0)
PLAIN = RNG.laplace(size=(120, 4)) @ RNG.standard_normal((4, 4))


TABLES = {
    "plain": PLAIN,
    "a constant column": np.insert(PLAIN, 2, 7.3, axis=1),
    "columns that vary by rounding": np.insert(PLAIN, 0, [0.3, 0.1 + 0.2] * 60, axis=1),
    "constants": np.full((50, 3), 0.1),
    "zeros": np.zeros((20, 3)),
    "a column twice": PLAIN[:, [0, 1, 2, 3, 0]],
    "a column that follows from others": np.column_stack([PLAIN, PLAIN.sum(axis=1)]),
    "heavy tails": RNG.standard_cauchy((300, 3)),
    "an outlier": np.vstack([PLAIN, [1e8] * 4]),
    "a column in other units": PLAIN * [1, 1e6, 1, 1e-6],
    "far from zero": PLAIN + 1e6,
    "small": PLAIN * 1e-8,
    "large": PLAIN * 1e100,
    "integers": RNG.integers(0, 5, (100, 3)),
    "bytes": RNG.integers(0, 256, (100, 3), dtype=np.uint8),
    "float32": PLAIN.astype(np.float32),
    "bits": RNG.random((100, 4)) < 0.3,
    "two rows, repeated": np.repeat([[0.0, 1], [1, 0]], 30, axis=0),
    "three rows": PLAIN[:3],
    "two rows": PLAIN[:2],
    "one row": PLAIN[:1],
    "more columns than rows": RNG.standard_normal((20, 50)),
    "one column": PLAIN[:, :1],
}

VARYING = [name for name in TABLES if name not in {"constants", "zeros", "one row"}]

SETTINGS = {
    "default": {},
    "diag": {"covariance_type": "diag"},
    "spherical": {"covariance_type": "spherical"},
    "pcd": {"algorithm": "pcd"},
    "pcd, diag": {"algorithm": "pcd", "covariance_type": "diag"},
    "known noise": {"noise_variance": "half"},
}


def fit(X, max_iter=200, **settings):
    if settings.get("noise_variance") == "half":
        variance = np.var(X, axis=0, dtype=float)
        settings["noise_variance"] = np.where(variance > 1e-20, variance, 2) / 2
    return GaussianRBM(max_iter=max_iter, random_state=0, **settings).fit(X)


def parameters(rbm):
    names = ("components_", "intercept_visible_", "intercept_hidden_")
    noise = getattr(rbm, "noise_covariance_", rbm.noise_variance_)
    return [*(getattr(rbm, name) for name in names), rbm.noise_variance_, noise]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.filterwarnings("ignore:No column of X varies")
def test_everything_is_finite(table, name):
    X = TABLES[table]
    rbm = fit(X, max_iter=100, **SETTINGS[name])
    for values in (
        *parameters(rbm),
        rbm.score_samples(X),
        rbm.conditional_score_samples(X[:5]),
        rbm.transform(X),
        rbm.sample(10, n_steps=5, random_state=0),
        rbm.gibbs(X[:5], random_state=0),
        rbm.log_partition_,
        rbm.history_["train_log_likelihood"],
    ):
        assert np.isfinite(values).all()
    assert (rbm.noise_variance_ > 0).all()


@pytest.mark.parametrize("table", VARYING)
def test_the_noise_does_not_vanish(table):
    """What learning has raised is at least what it is without weights.

    In units of the columns, densities are nowhere above that at the mean of the
    noise: features of noise s bring at most -log(2 pi s) / 2 - r / (2 s), where r is
    `reg_covar`, which is highest at s = r. Without weights they bring
    -log(2 pi (1 + r)) / 2 - 1 / 2. So none is far below r.
    """
    X = TABLES[table].astype(float)
    settings = {"covariance_type": "diag", "reg_covar": 1e-3, "random_state": 0}
    rbm = GaussianRBM(2, max_iter=1000, **settings).fit(X)
    variance = X.var(axis=0)
    varies = variance > 1e-20 * np.abs(X.mean(axis=0))
    share = rbm.noise_variance_ / np.where(varies, variance, 1) / 1e-3
    n_varying = varies.sum()
    most = 1 + n_varying * np.log(1.001 / 1e-3) + (len(share) - n_varying) * 1e-3
    assert (1 / share + np.log(share) < most).all()


@pytest.mark.parametrize("table", ["constants", "zeros", "one row"])
@pytest.mark.parametrize("kind", ["full", "diag", "spherical"])
@pytest.mark.filterwarnings("ignore:No column of X varies")
def test_constants_count_as_of_variance_one(table, kind):
    X = TABLES[table]
    rbm = GaussianRBM(1, covariance_type=kind, random_state=0, reg_covar=0.01).fit(X)
    np.testing.assert_allclose(rbm.noise_variance_, 0.01, rtol=1e-3)
    # The density at the mean of normal distributions of this variance.
    expected = -X.shape[1] / 2 * np.log(2 * np.pi * 0.01)
    np.testing.assert_allclose(rbm.score_samples(X), expected, rtol=1e-3)


@pytest.mark.parametrize("kind", ["full", "diag"])
def test_a_constant_column_leaves_the_others_as_they_are(kind):
    X = two_sources()
    wider = np.insert(X, 1, 1234.5, axis=1)

    def best(X):
        fits = [
            GaussianRBM(2, covariance_type=kind, tol=1e-6, random_state=seed).fit(X)
            for seed in range(6)
        ]
        return max(fits, key=lambda rbm: rbm.score(X))

    plain, rbm = best(X), best(wider)
    constant = -np.log(2 * np.pi * 1e-3) / 2
    # Weights of the constant couple the hidden units, which gains a little.
    gain = rbm.score(wider) - plain.score(X) - constant
    assert -1e-4 < gain < 0.005
    # Those are small beside the noise that it is given.
    assert np.abs(rbm.components_[:, 1]).max() < 0.5 * np.sqrt(1e-3)
    assert rbm.intercept_visible_[1] == pytest.approx(1234.5, abs=0.05)


def test_constants_share_the_scale_of_spherical_noise():
    """A large constant beside a column of small values must not set its units."""
    small = 1e-3 * two_sources()
    X = np.insert(small, 1, 1e12, axis=1)
    rbm = GaussianRBM(1, covariance_type="spherical", random_state=0).fit(X)
    assert np.ptp(rbm.noise_variance_) == 0
    assert rbm.noise_variance_[0] < 1e-5
    assert np.isfinite(rbm.score(X))


@pytest.mark.filterwarnings("ignore:No column of X varies")
def test_the_mean_of_many_equal_values_is_exact():
    X = np.full((300_000, 2), 0.1)
    rbm = GaussianRBM(1, algorithm="pcd", max_iter=1, random_state=0).fit(X)
    np.testing.assert_array_equal(rbm._location, 0.1)
    np.testing.assert_array_equal(rbm._scale, 1)


@pytest.mark.parametrize("learn", ["fit", "partial_fit"])
def test_variances_that_overflow(learn):
    rbm = GaussianRBM(2)
    X = PLAIN * [1, 1e160, 1, 1]
    with pytest.raises(ValueError, match=r"column 1 are so large.*Divide them"):
        getattr(rbm, learn)(X)
    assert vars(rbm).keys() == rbm.get_params().keys()


@pytest.mark.parametrize(
    "make", [sparse.csr_array, sparse.csc_matrix, sparse.lil_array]
)
@pytest.mark.parametrize("settings", [{}, {"algorithm": "pcd"}], ids=str)
def test_sparse_tables_are_read_as_dense_ones(make, settings):
    X = np.where(np.abs(PLAIN) > 1, PLAIN, 0)
    dense, rbm = fit(X, **settings), fit(make(X), **settings)
    for ours, theirs in zip(parameters(rbm), parameters(dense), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    table = make(X)
    for method in (
        "score_samples",
        "transform",
        "free_energy",
        "conditional_score_samples",
    ):
        np.testing.assert_array_equal(
            getattr(rbm, method)(table), getattr(dense, method)(X)
        )
    np.testing.assert_array_equal(
        rbm.gibbs(table, random_state=0), dense.gibbs(X, random_state=0)
    )
    dense.partial_fit(X)
    np.testing.assert_array_equal(rbm.partial_fit(table).components_, dense.components_)


def test_dtypes():
    X = two_sources(100)
    rbm = fit(X, n_components=2)
    assert rbm.transform(X).dtype == np.float64
    assert rbm.transform(X.astype(np.float32)).dtype == np.float32
    assert rbm.transform(np.round(X).astype(int)).dtype == np.float64
    assert rbm.score_samples(X.astype(np.float32)).dtype == np.float64
    assert rbm.sample(2, n_steps=1).dtype == np.float64
    assert rbm.inverse_transform(np.float32([[0, 1]])).dtype == np.float64
    assert all(values.dtype == np.float64 for values in parameters(rbm))
    pcd = fit(X, n_components=2, algorithm="pcd")
    assert all(values.dtype == np.float64 for values in parameters(pcd))


def test_a_fit_that_is_not_told_how_long_says_where_it_stopped(monkeypatch):
    """One row far from all others: the noise shrinks for thousands of iterations."""
    X = np.zeros((500, 1))
    X[3] = 10
    assert GaussianRBM._most_iterations == 1000
    monkeypatch.setattr(GaussianRBM, "_most_iterations", 30)
    with pytest.warns(ConvergenceWarning, match="not converged after 30 iterations"):
        rbm = GaussianRBM(random_state=0).fit(X)
    assert rbm.n_iter_ == 30


@pytest.mark.parametrize("model", [GaussianRBM, NeuralEnergyModel])
@pytest.mark.parametrize(
    ("column", "message"),
    [
        (np.full(50, 1e308), "so large that their variance is not finite. Divide"),
        (PLAIN[:50, 0] * 1e170, "so large that their variance is not finite. Divide"),
        (PLAIN[:50, 0] * 1e-170, "by so little that their variance is rounded to zero"),
        (
            np.repeat([0, 5e-324], 25),
            "by so little that .* Multiply them by a constant",
        ),
    ],
)
def test_columns_whose_variance_is_no_number(model, column, message):
    estimator = model(max_iter=2)
    with pytest.raises(ValueError, match=f"in column 1 (are|differ) {message}"):
        estimator.fit(np.column_stack([PLAIN[:50, 0], column]))
    assert not hasattr(estimator, "n_features_in_")


@pytest.mark.parametrize("value", [1e150, 1e200, 1e308, -1e308])
def test_rows_beyond_all_others_have_no_density(value):
    """Below all numbers, in place of a difference of infinities."""
    rbm = GaussianRBM(2, max_iter=5, random_state=0).fit(PLAIN)
    far, near = rbm.score_samples(np.vstack([np.full(4, value), PLAIN[:1]]))
    assert far == -np.inf if abs(value) > 1e160 else -np.inf < far < -1e290
    assert np.isfinite(near)
    assert np.isfinite(rbm.transform(np.full((1, 4), value))).all()


KINDS_WITH_A_FLOOR = {
    "exact": GaussianRBM(2),
    "pcd": GaussianRBM(2, algorithm="pcd"),
    "groups": GaussianRBM(2, n_groups=2),
    "any number of groups": GaussianRBM(2, n_groups="auto"),
    "network": NeuralEnergyModel((8, 4)),
    "mixed": MixedRBM(2),
    "mixtures": DensityEnsemble(),
}


@pytest.mark.parametrize("kind", KINDS_WITH_A_FLOOR)
@pytest.mark.parametrize("floor", [1e-300, 1e-17])
def test_floors_that_are_lost_beside_copies(kind, floor):
    model = clone(KINDS_WITH_A_FLOOR[kind]).set_params(reg_covar=floor)
    with pytest.raises(ValueError, match=r"is lost to rounding.*1e-12 or more"):
        model.fit(PLAIN[:, [0, 1, 0]])
    assert not hasattr(model, "n_iter_")


@pytest.mark.parametrize("kind", ["full", "diag", "factor"])
def test_floors_that_are_lost_of_constants(kind):
    model = GaussianRBM(2, covariance_type=kind, reg_covar=1e-300)
    with pytest.raises(ValueError, match=r"is lost to rounding.*1e-12 or more"):
        model.fit(np.insert(PLAIN, 2, 7.3, axis=1))
    assert vars(model).keys() == model.get_params().keys()


@pytest.mark.parametrize("kind", KINDS_WITH_A_FLOOR)
def test_floors_above_all_variances(kind):
    model = clone(KINDS_WITH_A_FLOOR[kind]).set_params(reg_covar=1e300)
    with pytest.raises(ValueError, match=r"'reg_covar' .* in the range .*Got 1e\+300"):
        model.fit(PLAIN)


def test_the_least_floor_beside_copies():
    """The advice of the error is one that can be followed."""
    X = PLAIN[:, [0, 1, 0]]
    rbm = GaussianRBM(2, reg_covar=1e-12, max_iter=5, random_state=0).fit(X)
    assert np.isfinite(rbm.score_samples(X)).all()


@pytest.mark.parametrize("method", ["sample", "gibbs"])
def test_real_values_have_a_highest_temperature(method):
    rbm = GaussianRBM.from_parameters([[1.0, 2]], [0.0, 0], [0.0], [1.0, 4])
    given = 3 if method == "sample" else np.zeros((3, 2))
    with pytest.raises(ValueError, match=r"spreads real values .* at most 1e\+30"):
        getattr(rbm, method)(given, temperature=1e31)
    rows = getattr(rbm, method)(given, temperature=1e30, random_state=0)
    assert (np.abs(rows) > 1e12).all()
    assert (np.abs(rows) < 1e17).all()


FAR_MODELS = {
    "full": GaussianRBM(2, max_iter=5, random_state=0),
    "diag": GaussianRBM(2, covariance_type="diag", max_iter=5, random_state=0),
    "factor": GaussianRBM(2, covariance_type="factor", max_iter=5, random_state=0),
    "groups": GaussianRBM(2, n_groups=2, max_iter=5, random_state=0),
    "scales": GaussianRBM(2, n_scales=2, max_iter=5, random_state=0),
    "many units": GaussianRBM(14, algorithm="pcd", max_iter=5, random_state=0),
    "network": NeuralEnergyModel((8, 4), max_iter=5, random_state=0),
    "mixed": MixedRBM(2, max_iter=5, random_state=0),
}


@pytest.fixture(scope="module", params=FAR_MODELS)
def far_model(request):
    return clone(FAR_MODELS[request.param]).fit(PLAIN)


@pytest.mark.parametrize("value", [1e15, 1e40, 1e160, -1e308])
def test_rows_beyond_all_others_with_gaps(far_model, value):
    """An error, or the right number: the density of one far value is next to none."""
    X = np.vstack([PLAIN[:2], PLAIN[:1]])
    X[1, :2] = np.nan, value
    for method, limit in {
        far_model.transform: r"(12|100)",
        far_model.conditional_score_samples: r"(07|100)",
        far_model.pseudo_log_likelihood: r"(07|100)",
        lambda X: far_model.sample(given=X, random_state=0): 12,
    }.items():
        with pytest.raises(ValueError, match=rf"Row 1 .* more than 1e\+{limit} stand"):
            method(X)
    sums = getattr(far_model, "n_components", np.inf) <= 12
    if not sums:
        with pytest.raises(ValueError, match=r"Row 1 .* more than 1e\+12 standard"):
            far_model.score_samples(X)
        return
    near, far, again = far_model.score_samples(X)
    assert near == again
    assert far < -1e25
    assert (far == -np.inf) == (abs(value) > 1e159)


@pytest.mark.parametrize("value", [1e15, 1e40, 1e160, -1e308])
def test_complete_rows_beyond_all_others(far_model, value):
    X = np.vstack([PLAIN[:1], np.full((1, 4), value), PLAIN[:1]])
    for move in (far_model.gibbs, lambda X: far_model.sample(3, init=X)):
        with pytest.raises(ValueError, match=r"Row 1 .* more than 1e\+12 standard"):
            move(X)
    by_differences = isinstance(far_model, MixedRBM)
    if abs(value) > 1e100 or by_differences:
        with pytest.raises(ValueError, match=r"Row 1 .* more than 1e\+(07|100) stand"):
            far_model.conditional_score_samples(X)
    else:
        assert np.isfinite(far_model.conditional_score_samples(X)).all()
    if isinstance(far_model, NeuralEnergyModel) and abs(value) > 1e100:
        with pytest.raises(ValueError, match=r"Row 1 .* more than 1e\+100 standard"):
            far_model.transform(X)
    else:
        assert np.isfinite(far_model.transform(X)).all()


def test_imputing_from_values_beyond_all_others():
    imputer = EnergyImputer(FAR_MODELS["full"]).fit(PLAIN)
    X = PLAIN[:8].copy()
    X[7, 0], X[7, 1] = 1e200, np.nan
    with pytest.raises(ValueError, match="Row 7 of X has a value more than"):
        imputer.transform(X)


def test_explanations_of_rows_beyond_all_others():
    X = PLAIN[:50].copy()
    detector = EnergyOutlierDetector(FAR_MODELS["full"], random_state=0).fit(X)
    X[7, 0], X[7, 1] = 1e200, np.nan
    assert detector.predict(X)[7] == -1
    with pytest.raises(ValueError, match="Row 7 of X has a value more than"):
        detector.feature_surprise(X)
