"""What tests and examples need before anything is imported, and what is collected."""

import os
from importlib.metadata import version
from importlib.util import find_spec

# Without it, scikit-learn skips its array API check in silence; before SciPy 1.14
# it cannot be done.
if tuple(map(int, version("scipy").split(".")[:2])) >= (1, 14):
    os.environ.setdefault("SCIPY_ARRAY_API", "1")

import scipy.linalg  # noqa: F401
from threadpoolctl import threadpool_limits

# Tests and examples work on small tables. There, more threads of the matrix library
# are slower than one: where others compute beside them they wait for each other, at a
# hundred times the cost. Libraries are limited once they are loaded, as SciPy's is now.
BLAS_THREADS = threadpool_limits(1, user_api="blas")

collect_ignore_glob = []
if find_spec("numba") is None:
    collect_ignore_glob += ["skebm/kernels/numba_*.py"]
if find_spec("matplotlib") is None:
    collect_ignore_glob += ["skebm/displays/*.py"]
