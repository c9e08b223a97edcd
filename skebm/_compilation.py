"""Loops that numba compiles, for where it is installed.

Only a few loops are compiled, those that gain clearly; each has a NumPy version that
does the same, to rounding. They run in one thread and release the interpreter's lock.
None calls a library of matrix products, whose threads would get in the way of NumPy's.
"""

__all__ = ["compile_loop", "numba_is_installed"]

from functools import cache
from importlib.util import find_spec


@cache
def numba_is_installed():
    """Say whether loops can be compiled; asked once, at first use."""
    return find_spec("numba") is not None


def compile_loop(function):
    """Compile a loop, keeping what is compiled where there is a folder for it."""
    import numba  # noqa: PLC0415

    options = {"error_model": "numpy", "fastmath": {"contract"}, "nogil": True}
    try:
        return numba.njit(function, cache=True, **options)
    except RuntimeError:  # no folder that can be written to
        return numba.njit(function, **options)
