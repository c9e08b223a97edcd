import contextlib
import tracemalloc
from types import SimpleNamespace

import joblib
import numpy as np
import pytest
from containers import CONTAINERS
from models import assert_same_parameters
from scipy import sparse
from scipy.special import expit, logit
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning

from skebm import BinaryRBM

BITS = np.random.default_rng(0).integers(2, size=(60, 6))
GREY = np.random.default_rng(1).random((60, 6))


def make_rbm(**params):
    settings = {"max_iter": 6, "batch_size": 20, "random_state": 0}
    return BinaryRBM(3, **settings | params)


# ---- containers ----


@pytest.mark.parametrize("container", ["list", "CSR array", "bool", "pandas"])
def test_outputs_are_arrays(container):
    X = CONTAINERS[container](BITS)
    rbm = make_rbm().fit(X)
    for output, shape in [
        (rbm.transform(X), (60, 3)),
        (rbm.score_samples(X), (60,)),
        (rbm.pseudo_log_likelihood(X), (60,)),
        (rbm.gibbs(X), (60, 6)),
        (rbm.energy(X, np.zeros((60, 3)).tolist()), (60,)),
        (rbm.inverse_transform(np.zeros((60, 3)).tolist()), (60, 6)),
    ]:
        assert type(output) is np.ndarray
        assert output.shape == shape


def test_one_row_and_one_feature():
    one_row = make_rbm().fit(BITS[:1])
    assert np.isfinite(one_row.score(BITS[:1]))
    one_feature = make_rbm().fit(BITS[:, :1])
    both = one_feature.score_samples([[0], [1]])
    # Exactly normalised but for rounding.
    assert np.exp(both).sum() == pytest.approx(1, rel=1e-12)


# ---- memory ----

N_ROWS, N_COLUMNS = 400_000, 60


@contextlib.contextmanager
def traced_peak():
    """Measure the most memory held at once, in bytes; NumPy reports its arrays.

    Memory that a file is mapped to does not count.
    """
    traced = SimpleNamespace()
    tracemalloc.start()
    try:
        yield traced
        _, traced.peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module", params=[np.uint8, bool], ids=["uint8", "bool"])
def big_table(request):
    rng = np.random.default_rng(0)
    return rng.integers(2, size=(N_ROWS, N_COLUMNS), dtype=np.uint8).astype(
        request.param
    )


def map_by_numpy(table, path):
    np.save(path, table)
    return np.load(f"{path}.npy", mmap_mode="r")


def map_by_joblib(table, path):
    joblib.dump(table, path)
    return joblib.load(path, mmap_mode="r")


@pytest.mark.parametrize("map_file", [map_by_numpy, map_by_joblib])
def test_mapped_files_are_not_copied(big_table, map_file, tmp_path):
    X = map_file(big_table, tmp_path / "table")
    assert isinstance(X, np.memmap)
    assert not X.flags.writeable
    rbm = BinaryRBM(2, batch_size=2000, max_iter=200, random_state=0)
    calls = {
        "fit": lambda: rbm.fit(X),
        "partial_fit": lambda: rbm.partial_fit(X),
        "fit with rows held out": lambda: (
            clone(rbm).set_params(early_stopping=True).fit(X)
        ),
        "score": lambda: rbm.score(X),
        "transform": lambda: rbm.transform(X),
        "free_energy": lambda: rbm.free_energy(X),
    }
    peaks = {}
    for name, call in calls.items():
        with traced_peak() as traced:
            call()
        peaks[name] = traced.peak
    # A block of 2**20 values takes 8 MiB as float64 and 1 MiB as bits, the order of
    # the rows 3 MiB, the features 6 MiB. The table takes 23 MiB, and as float32 92.
    assert max(peaks.values()) < 18 * 2**20, peaks

    in_memory = clone(rbm).fit(big_table).partial_fit(big_table)
    assert_same_parameters(rbm, in_memory)
    np.testing.assert_array_equal(rbm.transform(X), in_memory.transform(big_table))
    assert type(rbm.transform(X)) is np.ndarray
    np.testing.assert_array_equal(
        rbm.score_samples(X), in_memory.score_samples(big_table)
    )


@pytest.mark.parametrize(
    ("make", "dtype", "binarize"),
    [
        (sparse.csr_array, np.float64, 0.5),
        (sparse.csr_array, np.uint8, None),
        (sparse.csc_matrix, np.float64, None),
        (sparse.csc_matrix, np.uint8, 0.5),
    ],
)
def test_sparse_tables_are_not_held_densely(make, dtype, binarize):
    shape = (300_000, 200)
    rng = np.random.default_rng(0)
    coordinates = tuple(rng.integers(n, size=400_000) for n in shape)
    X = sparse.coo_array((np.ones(400_000, dtype), coordinates), shape=shape).tocsr()
    X.data[:] = 1
    X = make(X)
    rbm = BinaryRBM(
        2, batch_size=500, n_chains=10, max_iter=200, binarize=binarize, random_state=0
    )
    for call in (
        lambda: rbm.fit(X),
        lambda: rbm.score(X),
        lambda: rbm.transform(X),
        lambda: rbm.gibbs(X[:100]),
    ):
        with traced_peak() as traced:
            call()
        # A block of 2**20 values takes 8 MiB as float64, read and once copied, the
        # sample that learning starts from as much, and a copy of the table in CSR
        # format less than 7 MiB. Even a byte for each value would take 57 MiB.
        assert traced.peak < 32 * 2**20, traced.peak


# ---- what becomes of values ----


@pytest.mark.parametrize("threshold", [0.5, 0.2, 0, -1.5, 3])
def test_threshold(threshold):
    X = np.linspace(-4, 4, 360).reshape(60, 6)
    X[0] = threshold
    rbm = make_rbm(binarize=threshold)
    with pytest.warns(
        DataConversionWarning, match=f"above binarize={threshold} are taken as 1"
    ):
        rbm.fit(X)
    bits = np.greater(X, threshold)
    assert_same_parameters(rbm, make_rbm().fit(bits))
    for method in (
        rbm.score_samples,
        rbm.transform,
        rbm.free_energy,
        rbm.pseudo_log_likelihood,
        lambda X: rbm.gibbs(X, random_state=0),
        lambda X: rbm.sample(60, n_steps=0, init=X),
        lambda X: rbm.energy(X, np.ones((60, 3))),
    ):
        with pytest.warns(DataConversionWarning, match="other than 0 and 1"):
            thresholded = method(X)
        np.testing.assert_array_equal(thresholded, method(bits))
    with pytest.warns(DataConversionWarning, match="other than 0 and 1"):
        rbm.partial_fit(X)
    assert_same_parameters(rbm, make_rbm().fit(bits).partial_fit(bits))


def test_one_value_among_bits_is_enough_for_a_warning():
    for make in (np.asarray, sparse.csr_array):
        X = BITS.astype(float)
        X[-1, -1] = 0.4
        with pytest.warns(DataConversionWarning, match="other than 0 and 1"):
            rbm = make_rbm().fit(make(X))
        X[-1, -1] = 0
        assert_same_parameters(rbm, make_rbm().fit(X))


def test_thresholding_of_integers_and_sparse_tables():
    X = np.random.default_rng(0).integers(256, size=(60, 6), dtype=np.uint8)
    X[X < 60] = 0
    for make in (np.asarray, sparse.csr_array, sparse.csc_matrix):
        with pytest.warns(DataConversionWarning, match="binarize=127"):
            rbm = make_rbm(binarize=127).fit(make(X))
        assert_same_parameters(rbm, make_rbm().fit(X > 127))


def test_thresholding_of_implicit_zeros():
    X = sparse.csr_array(np.where(BITS, -2.0, 0.0))
    with pytest.warns(DataConversionWarning, match="binarize=-1"):
        rbm = make_rbm(binarize=-1).fit(X)
    assert_same_parameters(rbm, make_rbm().fit(1 - BITS))


@pytest.mark.filterwarnings("ignore:No column of X varies")
@pytest.mark.parametrize("binarize", [-1.0, 1, 127])
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_zeros_and_ones_are_not_changed_in_silence(make, binarize):
    rbm = make_rbm(binarize=binarize)
    with pytest.warns(DataConversionWarning, match="threshold changes X"):
        rbm.fit(make(BITS))
    assert_same_parameters(rbm, make_rbm().fit(np.greater(BITS, binarize)))


@pytest.mark.parametrize("binarize", [-1.0, 0.5, 1.0, 127, None])
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_booleans_pass_whatever_the_threshold(make, binarize):
    X = make(BITS.astype(bool))
    rbm = make_rbm(binarize=binarize).fit(X)
    assert_same_parameters(rbm, make_rbm().fit(BITS))
    # The layout of the table may change the order of summation.
    np.testing.assert_allclose(
        rbm.score_samples(X), make_rbm().fit(BITS).score_samples(BITS), rtol=1e-12
    )


def test_scores_of_rows_are_independent_of_what_is_thresholded_beside_them():
    X = np.random.default_rng(0).normal(size=(60, 6))
    X[10:20] = BITS[10:20]
    rbm = make_rbm(binarize=0.2).fit(BITS)
    with pytest.warns(DataConversionWarning, match="other than 0 and 1"):
        together = rbm.score_samples(X)
    # Rows of zeros and ones by themselves give no warning, and the same scores but
    # for the order of summation.
    np.testing.assert_allclose(rbm.score_samples(X[10:20]), together[10:20], rtol=1e-12)
    for row in range(10):
        with pytest.warns(DataConversionWarning, match="other than 0 and 1"):
            alone = rbm.score_samples(X[[row]])
        np.testing.assert_allclose(alone, together[[row]], rtol=1e-12)


# ---- probabilities of being on ----


@pytest.mark.parametrize("make", [np.asarray, np.asfortranarray, sparse.csr_array])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probabilities_are_used_as_they_are(make, dtype):
    X = GREY.astype(dtype)
    X[X < 0.2] = 0
    rbm = make_rbm(binarize=None).fit(make(X))
    log_odds = X @ rbm.components_.T.astype(float) + rbm.intercept_hidden_
    # A few roundings in the output's dtype, float32 or float64.
    rtol = 1e-5 if dtype == np.float32 else 1e-11
    np.testing.assert_allclose(
        rbm.transform(make(X)), expit(log_odds), rtol=rtol, atol=0
    )
    free_energy = -X @ rbm.intercept_visible_ - np.logaddexp(0, log_odds).sum(axis=1)
    np.testing.assert_allclose(rbm.free_energy(make(X)), free_energy, rtol=1e-12)
    assert not np.allclose(rbm.transform(make(X)), rbm.transform(X > 0.5))


def test_log_odds_are_linear_in_the_probabilities():
    rbm = make_rbm(binarize=None).fit(GREY)
    first, second = GREY[:30], GREY[30:]
    mixed = rbm.transform(0.3 * first + 0.7 * second)
    # A few roundings in float64.
    np.testing.assert_allclose(
        logit(mixed),
        0.3 * logit(rbm.transform(first)) + 0.7 * logit(rbm.transform(second)),
        rtol=1e-9,
        atol=1e-12,
    )


def test_learning_from_probabilities_differs_from_learning_from_bits():
    grey = make_rbm(binarize=None).fit(GREY)
    bits = make_rbm(binarize=None).fit(GREY > 0.5)
    assert not np.array_equal(grey.components_, bits.components_)


def test_learning_starts_from_the_means_of_the_probabilities():
    means = np.array([0.1, 0.3, 0.5, 0.6, 0.8, 0.9])
    X = np.tile(means, (1000, 1))
    rbm = make_rbm(binarize=None, learning_rate=1e-9).fit(X)
    # Half a row more on each side pulls a mean by at most 0.5 / 1001, weights of
    # standard deviation 0.01 pull a log-odds by a few hundredths.
    np.testing.assert_allclose(
        rbm.inverse_transform([[0.5] * 3])[0], means, atol=0.02, rtol=0
    )


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_ends_of_the_interval_are_inside(make):
    X = GREY.copy()
    X[0], X[1] = 0, 1
    rbm = make_rbm(binarize=None).fit(make(X))
    assert np.isfinite(rbm.score_samples(make(X))).all()


def test_repeated_entries_of_a_sparse_table_add_up():
    table = sparse.csr_array(
        (np.array([0.25, 0.5]), np.array([0, 0]), np.array([0, 2])), shape=(1, 6)
    )
    rbm = make_rbm(binarize=None).fit(BITS)
    assert rbm.score(table) == rbm.score(table.toarray())
    np.testing.assert_array_equal(table.data, [0.25, 0.5])
    doubled = sparse.csr_array((np.ones(2), table.indices, table.indptr), shape=(1, 6))
    with pytest.raises(ValueError, match="outside"):
        rbm.score(doubled)


@pytest.mark.parametrize("method", ["fit", "partial_fit", "transform", "score"])
def test_warnings_point_at_the_line_of_the_user(method):
    rbm = make_rbm().fit(BITS)
    with pytest.warns(DataConversionWarning) as caught:
        getattr(rbm, method)(3 * BITS)
    assert {warning.filename for warning in caught} == {__file__}


def test_drawing_from_a_sparse_table_makes_blocks_of_it_dense():
    table = sparse.random_array(
        (6_000, 2_000), density=0.001, format="csr", random_state=0
    )
    table.data[:] = 1
    rbm = BinaryRBM.from_parameters(np.zeros((2, 2_000)), np.zeros(2_000), np.zeros(2))
    tracemalloc.start()
    moved = rbm.gibbs(table, random_state=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The result, and a few blocks of 8 MiB.
    assert peak < moved.nbytes + 5 * 8 * 2**20


def test_the_caller_of_a_warning_needs_no_name():
    code = "rbm.score(3 * BITS)"
    with pytest.warns(DataConversionWarning):
        exec(code, {"rbm": make_rbm().fit(BITS), "BITS": BITS})  # noqa: S102
