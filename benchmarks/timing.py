"""Interleaved timing, shared by the benchmarks."""

__all__ = ["interleaved_medians"]

import time

import numpy as np


def interleaved_medians(functions, n_repeats):
    """Time functions in turn, so that a drift of the machine meets all alike.

    Returns a dict of name to (median, lower quartile, upper quartile) in seconds.
    """
    times = {name: [] for name in functions}
    for function in functions.values():
        function()
    for _ in range(n_repeats):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            times[name].append(time.perf_counter() - start)
    return {
        name: tuple(np.percentile(values, [50, 25, 75]))
        for name, values in times.items()
    }
