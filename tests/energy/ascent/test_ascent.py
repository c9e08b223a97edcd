"""Many updates in one call against the same ones made one by one."""

import ctypes
from importlib import import_module

import numpy as np
import pytest
from implementations import IMPLEMENTATIONS, use
from steady_noise import SteadyNoise

from skebm import _compilation
from skebm.energy.ascent import ascend, is_small
from skebm.energy.binary_rbm import BinaryRBMEnergy

EPSILON = np.finfo(np.float32).eps


COMPILED = [
    "skebm.energy.compiled_functions",
    "skebm.energy.layers.compiled_kernels",
    "skebm.energy.ascent.compiled_product",
    "skebm.energy.ascent.compiled_kernels",
]


def use_ascent(implementation, monkeypatch):
    use(implementation, monkeypatch, *COMPILED)
    if implementation.endswith("Python"):  # with SciPy's BLAS all the same
        extending = import_module("numba.extending")
        routine = "scipy.linalg.cython_blas", "sgemm"
        address = extending.get_cython_function_address(*routine)
        sgemm = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 13)(address)
        products = import_module("skebm.energy.ascent.compiled_product")
        monkeypatch.setattr(products, "_sgemm", sgemm)


@pytest.fixture(params=IMPLEMENTATIONS)
def implementation(request, monkeypatch):
    use_ascent(request.param, monkeypatch)


@pytest.fixture(params=IMPLEMENTATIONS[1:])
def products(request, monkeypatch):
    use_ascent(request.param, monkeypatch)
    return import_module("skebm.energy.ascent.compiled_product")


def random_machine(rng, n_visible, n_hidden):
    biases = rng.normal(size=n_visible), rng.normal(size=n_hidden)
    energy = BinaryRBMEnergy(rng.normal(0, 1, (n_hidden, n_visible)), *biases)
    offsets = rng.random(n_visible), rng.random(n_hidden)
    return energy.centred(*offsets).astype(np.float32)


# With few rows beside units products are computed as their transposes.
@pytest.mark.usefixtures("implementation")
@pytest.mark.parametrize("shape", [(7, 5), (5, 7), (20, 30), (30, 20), (1, 1)])
@pytest.mark.parametrize("n_chains", [1, 5])
def test_updates_are_those_made_one_by_one(shape, n_chains):
    rng = np.random.default_rng(0)
    machine = random_machine(rng, *shape)
    batches = [machine.prepare(rng.random((n, shape[0])) < 0.4) for n in (4, 4, 1, 5)]
    rates = [0.3, 0.2, 0.0, 0.1]
    chains = rng.random((n_chains, shape[1] + 1)) < 0.5
    given = machine.matrix.copy(), chains.copy()

    one_by_one, noise = (machine, chains), SteadyNoise(1)
    for batch, rate in zip(batches, rates, strict=True):
        before, on = one_by_one
        direction, on = before.contrast(batch, on, noise, rate=rate)
        one_by_one = before.step(direction), on
    at_once = ascend(machine, batches, rates, chains, SteadyNoise(1))

    np.testing.assert_allclose(
        at_once[0].matrix, one_by_one[0].matrix, rtol=0, atol=100 * EPSILON
    )
    np.testing.assert_array_equal(at_once[1][:, :-1], one_by_one[1][:, :-1])
    assert at_once[0].matrix.dtype == np.float32
    assert at_once[0].offsets is machine.offsets
    assert np.abs(at_once[0].matrix - machine.matrix).max() > 0.01
    np.testing.assert_array_equal(machine.matrix, given[0])
    np.testing.assert_array_equal(chains, given[1])


@pytest.mark.parametrize("n_rows", [1, 3, 6, 40])
@pytest.mark.parametrize("shape", [(13, 8), (8, 13), (1, 1)])
@pytest.mark.parametrize("transposed", [False, True])
def test_products_of_rows(products, n_rows, shape, transposed):
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=shape).astype(np.float32)
    factor = matrix.T if transposed else matrix
    rows = rng.normal(size=(n_rows, len(factor))).astype(np.float32)
    result = products.product(rows, matrix, transposed)
    assert result.dtype == np.float32
    assert result.flags.c_contiguous
    exact = rows.astype(float) @ factor
    np.testing.assert_allclose(result, exact, rtol=0, atol=100 * EPSILON)


@pytest.mark.parametrize("a_transposed", [False, True])
@pytest.mark.parametrize("b_transposed", [False, True])
@pytest.mark.parametrize("kept", [0, 1])
def test_products_are_added(products, a_transposed, b_transposed, kept):
    rng = np.random.default_rng(0)
    a, b, total = rng.normal(size=(3, 5)), rng.normal(size=(5, 7)), np.ones((3, 7))
    exact = kept * total + a @ b
    a, b = a.T if a_transposed else a, b.T if b_transposed else b
    a, b, total = (np.ascontiguousarray(part, np.float32) for part in (a, b, total))
    products.add_product(a, b, total, (a_transposed, b_transposed), kept)
    np.testing.assert_allclose(total, exact, rtol=0, atol=20 * EPSILON)


def test_small_is_what_has_products_of_few_numbers():
    assert is_small(128, 64, 100)  # digits, batches of 64 and as many chains
    assert not is_small(200, 784, 500)
    assert is_small(1, 1023, 1023)
    assert not is_small(1, 1023, 1024)


@pytest.mark.parametrize(("n_rows", "alone"), [(1024, True), (1025, False)])
def test_threads_of_scipy_do_not_compete_with_those_of_numpy(
    monkeypatch, n_rows, alone
):
    """A library shares products between its threads from 2**18 numbers on."""
    pytest.importorskip("numba")
    monkeypatch.setattr(_compilation, "numba_is_installed", lambda: True)
    kernels = import_module("skebm.energy.ascent.compiled_kernels")
    called = []

    def ascend_in_place(*arguments):
        called.append(arguments)
        return compiled(*arguments)

    compiled = kernels.ascend_in_place
    monkeypatch.setattr(kernels, "ascend_in_place", ascend_in_place)
    rng = np.random.default_rng(0)
    machine = random_machine(rng, 15, 15)
    batches = [machine.prepare(rng.random((n, 15)) < 0.4) for n in (1, n_rows - 3)]
    chains = rng.random((3, 16)) < 0.5
    ascend(machine, batches, [0.1, 0.1], chains, SteadyNoise(1))
    assert bool(called) == alone
