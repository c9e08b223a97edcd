"""Contenders that are timed in processes of their own.

Libraries that bring their own threads, or need another interpreter, would get in each
other's way in one process. Each process has the same number of threads, and waits while
another has its turn.
"""

__all__ = ["Absent", "Worker", "limits", "serve"]

import json
import os
import subprocess
import sys
import time

from timing import now

# A turn repeats the work until it takes so long, in seconds.
LEAST_TURN = 0.2

# The threads of matrix products look for more to do for a while when there is nothing,
# and would take part of the next turn, of another process, away.
REST = 0.2


class Absent(Exception):  # noqa: N818
    """A process cannot build a contender."""


class Worker:
    """A process in which contenders wait for their turns.

    Parameters
    ----------
    script : Path
        What the process runs; it calls `serve`.
    threads : int
        Threads of the matrix products, and of torch.
    python : str, default=sys.executable
        The interpreter.
    without_numba : bool, default=False
        Whether the process is to find no numba.
    """

    def __init__(self, script, threads, *, python=sys.executable, without_numba=False):
        self._process = subprocess.Popen(  # noqa: S603
            [python, str(script), "--serve"],
            env={
                **os.environ,
                **limits(threads),
                "BENCHMARK_WITHOUT_NUMBA": str(int(without_numba)),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._process.stdin.close()
        self._process.wait()

    def contender(self, *key):
        """Build a contender there; give the function that has it take its turn.

        Raises
        ------
        Absent
            If it cannot be built, saying why.
        """
        self._ask(key, "build")
        return lambda: self._turn(key)

    def _turn(self, key):
        time.sleep(REST)
        return float(self._ask(key, "time")["seconds"])

    def _ask(self, key, what):
        try:
            print(json.dumps([key, what]), file=self._process.stdin, flush=True)
            answer = json.loads(self._process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError):
            answer = {"error": f"the process has ended ({self._process.poll()})"}
        if "error" in answer:
            raise Absent(answer["error"])
        return answer


def limits(threads):
    """Give what the environment of a process needs to have so many threads."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    return dict.fromkeys(names, str(threads))


def serve(build):
    """Answer the requests of a `Worker` until there are no more.

    `build(*key)` gives a function of the number of units of work that it is to do, and
    that number, or None for as many as a turn takes. Times are those of one unit.
    """
    if os.environ.get("BENCHMARK_WITHOUT_NUMBA") == "1":
        sys.modules["numba"] = None
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    contenders = {}
    for line in sys.stdin:
        key, what = json.loads(line)
        key = tuple(key)
        try:
            if what == "build":
                contenders[key] = _prepare(*build(*key))
                answer = {}
            else:
                answer = {"seconds": _time(*contenders[key])}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


def _prepare(function, n_units):
    """Choose how many units a turn does."""
    if n_units is None:
        n_units = 1
        _time(function, n_units)  # compiles, and fills caches
        while n_units * _time(function, n_units) < LEAST_TURN:
            n_units *= 2
    return function, n_units


def _time(function, n_units):
    start = now()
    function(n_units)
    return (now() - start) / n_units
