"""Loops that numba compiles, for where it is installed.

Only a few loops are compiled, those that gain clearly; each has a NumPy version that
does the same, to rounding. They run in one thread and release the interpreter's lock.
None calls a library of matrix products, whose threads would get in the way of NumPy's,
but `skebm.energy.ascent`, for products too small to be shared between threads.
"""

__all__ = ["compile_loop", "kernels_of", "numba_is_installed"]

from functools import cache
from importlib import import_module
from importlib.util import find_spec


@cache
def numba_is_installed():
    """Say whether loops can be compiled; asked once, at first use."""
    return find_spec("numba") is not None


def kernels_of(package, *, compiled=True):
    """Give the module `compiled_kernels` of a package, or `array_kernels`, in NumPy.

    Parameters
    ----------
    package : str
        Name of the package that has both.
    compiled : bool, default=True
        Whether what is compiled would serve, where numba is installed.

    Returns
    -------
    kernels : module
        Imported at first use, since numba takes its time to import.
    """
    compiled = compiled and numba_is_installed()
    return _module(package, "compiled" if compiled else "array")


@cache
def _module(package, kind):
    return import_module(f"{package}.{kind}_kernels")


def compile_loop(function):
    """Compile a loop, keeping what is compiled where there is a folder for it."""
    import numba  # noqa: PLC0415

    options = {"error_model": "numpy", "fastmath": {"contract"}, "nogil": True}
    try:
        return numba.njit(function, cache=True, **options)
    except RuntimeError:  # no folder that can be written to
        return numba.njit(function, **options)
