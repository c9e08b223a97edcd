"""The implementations of a loop, each in turn: NumPy, and what numba compiles."""

import pytest

from skebm import kernels

IMPLEMENTATIONS = ["arrays", "compiled", "compiled, as Python"]


def use(implementation, monkeypatch, room):
    """Let one of `IMPLEMENTATIONS` serve, and give its kernels of a room."""
    if implementation == "arrays":
        monkeypatch.setattr(kernels, "numba_compiles", lambda: False)
        return kernels.kernels_of(room)
    if not kernels.numba_compiles():
        pytest.skip("numba is not installed, or told not to compile")
    chosen = kernels.kernels_of(room)
    if implementation.endswith("Python"):
        for name, value in list(vars(chosen).items()):
            if hasattr(value, "py_func"):
                monkeypatch.setattr(chosen, name, value.py_func)
        if room == "random":  # with the compiled instructions all the same
            monkeypatch.setattr(chosen, "draw_words", compiled_words())
    return chosen


def compiled_words():
    """Compile the drawing of words by itself, and anew."""
    import numba  # noqa: PLC0415

    from skebm.kernels.numba_words import draw_words  # noqa: PLC0415

    @numba.njit
    def draw(states, words, n_words):
        draw_words(states, words, n_words)

    return draw
