"""Interleaved timing, shared by the benchmarks.

A script that the suite collects has a function ``measure(repeats)`` that returns a
list of `Timing`; most print it by `script.run_script` when they are run by
themselves.
"""

__all__ = [
    "Timing",
    "interleaved_medians",
    "interleaved_times",
    "keep_memory",
    "now",
    "print_timings",
    "readable",
    "time_group",
]

import ctypes
import os
import time
from itertools import groupby
from typing import NamedTuple

import numpy as np


class Timing(NamedTuple):
    """The time of one contender in one group.

    Parameters
    ----------
    group : str
        What is timed. Times of one group, and only these, are compared.
    name : str
        The contender; the first of a group is what the others are compared with.
    median, low, high : float
        Median and quartiles, in seconds.
    """

    group: str
    name: str
    median: float
    low: float
    high: float


def now():
    """Read the clock: the processor's if the environment asks for it.

    The time of the processor is that of a machine with nothing else to do, as long as
    work is done by one thread of one process.
    """
    if os.environ.get("BENCHMARK_CLOCK") == "processor":
        return time.process_time()
    return time.perf_counter()


def keep_memory():
    """Have the C library keep all freed memory, if it is glibc.

    A virtual machine takes between nothing and half a second to find 240 MB anew, as
    long as the product that they are the result of, and by no pattern.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter in (-3, -1):  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD
            mallopt(parameter, 2**31 - 1)


def interleaved_times(functions, n_repeats):
    """Time functions in turn, so that a drift of the machine meets all alike.

    A function that returns a float has timed itself, as those must that stand for
    another process.

    Returns a dict of name to a list of `n_repeats` times in seconds.
    """
    times = {name: [] for name in functions}
    for function in functions.values():
        function()
    for _ in range(n_repeats):
        for name, function in functions.items():
            start = now()
            result = function()
            seconds = now() - start
            times[name].append(result if isinstance(result, float) else seconds)
    return times


def interleaved_medians(functions, n_repeats):
    """Summarise what `interleaved_times` gives.

    Returns a dict of name to (median, lower quartile, upper quartile) in seconds.
    """
    times = interleaved_times(functions, n_repeats)
    return {
        name: tuple(np.percentile(values, [50, 25, 75]))
        for name, values in times.items()
    }


def time_group(group, functions, n_repeats):
    """Time functions in turn; give a list of `Timing`."""
    medians = interleaved_medians(functions, n_repeats)
    return [Timing(group, name, *map(float, t)) for name, t in medians.items()]


def print_timings(timings):
    """Print a table of times, and of their ratios to the first of each group."""
    for group, members in groupby(timings, key=lambda timing: timing.group):
        print(f"\n{group}: median (quartiles), times the first")
        first = None
        for _, name, *quartiles in members:
            first = first or quartiles[0]
            median, low, high = map(readable, quartiles)
            ratio = quartiles[0] / first
            print(f"{name:>32} {median:>9} ({low} to {high}) {ratio:8.2f}", flush=True)


def readable(seconds):
    """Write a time with three digits and a unit."""
    units = {"s": 1, "ms": 1e-3, "us": 1e-6}
    unit = next((unit for unit, size in units.items() if seconds >= size), "us")
    value = seconds / units[unit]
    return f"{value:.{max(0, 2 - int(np.log10(max(value, 1))))}f} {unit}"
