"""The implementations of a loop, each in turn: NumPy, and what numba compiles."""

from importlib import import_module

import pytest

from skebm import _compilation

IMPLEMENTATIONS = ["arrays", "compiled", "compiled, as Python"]


def as_python(monkeypatch, *names):
    """Let what is compiled in modules of these names run in the interpreter."""
    for module in map(import_module, names):
        for name, value in list(vars(module).items()):
            if hasattr(value, "py_func"):
                monkeypatch.setattr(module, name, value.py_func)


def use(implementation, monkeypatch, *names):
    """Let one of `IMPLEMENTATIONS` serve, of compiled modules of these names."""
    if implementation == "arrays":
        monkeypatch.setattr(_compilation, "numba_is_installed", lambda: False)
        return
    pytest.importorskip("numba")
    if implementation.endswith("Python"):
        as_python(monkeypatch, *names)
