"""Settings that the tests need before anything is imported."""

import os

# Without it, scikit-learn skips its array API check in silence.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
