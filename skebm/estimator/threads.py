"""One thread of linear algebra for models whose products are small."""

__all__ = ["ThreadLimit", "threads_for"]

from contextlib import nullcontext
from functools import cache
from threading import Lock

from threadpoolctl import ThreadpoolController  # which scikit-learn installs

# With fewer parameters than this, threads wait for each other longer than they work: on
# two busy cores a fit to digits took up to fifty times as long with two of them.
_WORTH_THREADS = 100_000


class ThreadLimit:
    """Holds linear algebra to one thread while anybody is inside.

    Threads of Python share it: the first to enter sets it, the last to leave ends it.
    """

    def __init__(self):
        self._lock = Lock()
        self._n_inside = 0
        self._limiter = None

    def __enter__(self):
        with self._lock:
            if self._n_inside == 0:
                self._limiter = _controller().limit(limits=1, user_api="blas")
            self._n_inside += 1
        return self

    def __exit__(self, *error):
        with self._lock:
            self._n_inside -= 1
            if self._n_inside == 0:
                self._limiter.restore_original_limits()


_LIMIT = ThreadLimit()


@cache
def _controller():
    """Look for libraries of linear algebra, once: it takes milliseconds."""
    return ThreadpoolController()


def threads_for(energy):
    """Give a context with as many threads as are worth it for a machine."""
    n_parameters = sum(array.size for array in energy.arrays())
    return _LIMIT if n_parameters < _WORTH_THREADS else nullcontext()
