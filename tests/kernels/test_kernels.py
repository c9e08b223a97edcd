from importlib.util import find_spec

import pytest

from skebm import kernels
from skebm.kernels import compile_loop, kernels_of, numba_compiles

# What another module does in NumPy whatever is installed.
ONLY_IN_NUMPY = {"random": {"N_STREAMS"}, "sweeps": {"metropolis_thresholds"}}


def test_numba_is_looked_for_once(monkeypatch):
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "0")
    numba_compiles.cache_clear()
    assert numba_compiles() == (find_spec("numba") is not None)
    monkeypatch.setattr(kernels, "find_spec", lambda name: 1 / 0)
    numba_compiles()


def test_where_numba_does_not_compile_numpy_serves(monkeypatch):
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    numba_compiles.cache_clear()
    assert not numba_compiles()
    assert kernels_of("random").__name__.endswith("numpy_random")
    numba_compiles.cache_clear()


@pytest.mark.parametrize("room", ["layers", "random", "sweeps"])
def test_kernels_are_compiled_where_numba_compiles(monkeypatch, room):
    monkeypatch.setattr(kernels, "numba_compiles", lambda: False)
    arrays = kernels_of(room)
    assert arrays.__name__ == f"skebm.kernels.numpy_{room}"
    pytest.importorskip("numba")
    monkeypatch.setattr(kernels, "numba_compiles", lambda: True)
    compiled = kernels_of(room)
    assert compiled.__name__ == f"skebm.kernels.numba_{room}"
    assert kernels_of(room) is compiled
    assert kernels_of(room, compiled=False) is arrays
    alone = ONLY_IN_NUMPY.get(room, set())
    assert set(arrays.__all__) == set(compiled.__all__) | alone


def test_loops_are_compiled_where_there_is_no_folder_to_keep_them(monkeypatch):
    numba = pytest.importorskip("numba")

    def njit(function, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return function, options

    monkeypatch.setattr(numba, "njit", njit)
    monkeypatch.setattr(kernels, "_not_kept", [])
    function, options = compile_loop(len)
    assert function is len
    assert options["nogil"]
    # Said once, where a kernel is asked for.
    kernels._module.cache_clear()
    kernels._warn_of_no_folder.cache_clear()
    with pytest.warns(UserWarning, match="Set the environment variable NUMBA_CACHE"):
        kernels_of("random", compiled=False)
    kernels_of("layers", compiled=False)
