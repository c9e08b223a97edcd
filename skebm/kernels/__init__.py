"""Inner loops: in NumPy, and compiled by numba where that is installed.

A room has two modules of the same functions, `numpy_ROOM` and `numba_ROOM`. NumPy's
are the reference and always there; a test holds the compiled ones to the same results,
to rounding, given the same noise. Compiled loops run in one thread and release the
interpreter's lock. They leave products of matrices to NumPy, whose threads another
library's would get in the way of.
"""

__all__ = ["compile_loop", "kernels_of", "numba_compiles"]

import os
from functools import cache
from importlib import import_module
from importlib.util import find_spec

from skebm.warning import warn_user

# Loops that were compiled for this process alone.
_not_kept = []


@cache
def numba_compiles():
    """Say whether loops can be compiled; asked once, at first use.

    Not where numba is told to leave them to Python, which takes far longer than NumPy.
    """
    disabled = int(os.environ.get("NUMBA_DISABLE_JIT", "0"))
    return find_spec("numba") is not None and not disabled


def kernels_of(room, *, compiled=True):
    """Give the compiled kernels of a room, or those in NumPy.

    Parameters
    ----------
    room : {"layers", "random", "sweeps"}
        What the kernels are about.
    compiled : bool, default=True
        Whether what is compiled would serve, where numba is installed.

    Returns
    -------
    kernels : module
        Imported at first use, since numba takes its time to import.
    """
    return _module(room, compiled and numba_compiles())


@cache
def _module(room, compiled):
    module = import_module(f"{__name__}.{'numba' if compiled else 'numpy'}_{room}")
    if _not_kept:
        _warn_of_no_folder()
    return module


def compile_loop(function):
    """Compile a loop, keeping what is compiled where there is a folder for it."""
    import numba  # noqa: PLC0415

    options = {"error_model": "numpy", "fastmath": {"contract"}, "nogil": True}
    try:
        return numba.njit(function, cache=True, **options)
    except RuntimeError:  # no folder that can be written to
        _not_kept.append(function.__name__)
        return numba.njit(function, **options)


@cache
def _warn_of_no_folder():
    """Warn once in a process, at the line that asked for a kernel."""
    warn_user(
        "numba finds no folder to keep compiled loops in: each process compiles them "
        "anew, which can take half a minute. Set the environment variable "
        "NUMBA_CACHE_DIR to a folder that can be written to.",
        UserWarning,
    )
