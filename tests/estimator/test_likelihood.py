import tracemalloc

import numpy as np
import pytest
from scipy import sparse

from skebm import BinaryRBM

N_ROWS, N_FEATURES, N_HIDDEN = 50_000, 64, 8


@pytest.fixture(scope="module")
def rbm():
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(N_HIDDEN, N_FEATURES))
    rbm = BinaryRBM.from_parameters(weights, np.zeros(N_FEATURES), np.zeros(N_HIDDEN))
    assert rbm.log_partition_std_ == 0
    return rbm


@pytest.fixture(scope="module")
def table():
    return (np.random.default_rng(1).random((N_ROWS, N_FEATURES)) < 0.1).astype(
        np.uint8
    )


@pytest.mark.parametrize("make", [np.asarray, np.asfortranarray, sparse.csr_array])
@pytest.mark.parametrize(
    "name",
    [
        "score_samples",
        "free_energy",
        "transform",
        "pseudo_log_likelihood",
        "conditional_score_samples",
    ],
)
def test_scoring_takes_little_memory_beside_its_result(rbm, table, make, name):
    table = make(table)
    tracemalloc.start()
    try:
        result = getattr(rbm, name)(table)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(result) == N_ROWS
    # One copy of the table in float64 alone would be 24 MiB, one of a block is 1 MiB.
    assert peak - result.nbytes < 12 * 2**20


@pytest.mark.parametrize("binarize", [0.5, None])
@pytest.mark.parametrize(
    "make", [np.bool_, np.uint8, np.float32, np.float64, sparse.csr_array]
)
def test_scores_do_not_depend_on_how_bits_are_stored(rbm, table, make, binarize):
    rbm.set_params(binarize=binarize)
    rows = table[:1000]
    bits = rows.astype(bool)
    for name in ("free_energy", "pseudo_log_likelihood", "transform"):
        expected = getattr(rbm, name)(bits)
        result = getattr(rbm, name)(make(rows))
        # Those of float32 tables are rounded at the end.
        rtol = np.finfo(result.dtype).eps
        np.testing.assert_allclose(result, expected, rtol=rtol, atol=0)
    rbm.set_params(binarize=0.5)


def test_pseudo_log_likelihood_is_the_sum_of_the_conditional_ones(rbm, table):
    conditionals = rbm.conditional_score_samples(table[:3000])
    assert conditionals.shape == (3000, N_FEATURES)
    np.testing.assert_allclose(
        rbm.pseudo_log_likelihood(table[:3000]), conditionals.sum(axis=1), rtol=1e-13
    )


def test_energy_cuts_long_tables_alike():
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(30, 600))
    rbm = BinaryRBM.from_parameters(weights, np.zeros(600), np.zeros(30))
    visible = rng.random((5000, 600)) < 0.5
    hidden = rng.random((5000, 30)) < 0.5
    np.testing.assert_allclose(
        rbm.energy(visible, hidden),
        -np.einsum("ij,jk,ik->i", hidden, weights, visible, optimize=True),
        atol=1e-9,
    )
