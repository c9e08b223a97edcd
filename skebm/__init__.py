"""Energy-based models with scikit-learn's interface."""

__all__ = ["BinaryRBM", "__version__", "log_partition_bounds"]

from skebm.log_partition import log_partition_bounds
from skebm.rbm import BinaryRBM

__version__ = "0.1.0"
