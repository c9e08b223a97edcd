from importlib.util import find_spec

import pytest

from skebm import _compilation
from skebm._compilation import compile_loop, kernels_of, numba_is_installed


def test_numba_is_looked_for_once(monkeypatch):
    numba_is_installed.cache_clear()
    assert numba_is_installed() == (find_spec("numba") is not None)
    monkeypatch.setattr(_compilation, "find_spec", lambda name: 1 / 0)
    numba_is_installed()


@pytest.mark.parametrize(
    "package",
    [
        "skebm.energy.ascent",
        "skebm.energy.layers",
        "skebm.energy.sweeps",
        "skebm.sampling.streams",
    ],
)
def test_kernels_are_compiled_where_numba_is_installed(monkeypatch, package):
    monkeypatch.setattr(_compilation, "numba_is_installed", lambda: False)
    arrays = kernels_of(package)
    assert arrays.__name__ == f"{package}.array_kernels"
    pytest.importorskip("numba")
    monkeypatch.setattr(_compilation, "numba_is_installed", lambda: True)
    compiled = kernels_of(package)
    assert compiled.__name__ == f"{package}.compiled_kernels"
    assert kernels_of(package) is compiled
    assert kernels_of(package, compiled=False) is arrays
    assert set(arrays.__all__) == set(compiled.__all__)


def test_loops_are_compiled_where_there_is_no_folder_to_keep_them(monkeypatch):
    numba = pytest.importorskip("numba")

    def njit(function, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return function, options

    monkeypatch.setattr(numba, "njit", njit)
    function, options = compile_loop(len)
    assert function is len
    assert options["nogil"]
