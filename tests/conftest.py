"""Settings that the tests need before anything is imported."""

import os
from importlib.metadata import version

# Without it, scikit-learn skips its array API check in silence; before SciPy 1.14
# it cannot be done.
if tuple(map(int, version("scipy").split(".")[:2])) >= (1, 14):
    os.environ.setdefault("SCIPY_ARRAY_API", "1")
