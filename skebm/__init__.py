"""Energy-based models with scikit-learn's interface."""

__all__ = [
    "BinaryRBM",
    "BoltzmannMachine",
    "LatentBM",
    "__version__",
    "log_partition_bounds",
]

from skebm.boltzmann import BoltzmannMachine
from skebm.latent import LatentBM
from skebm.log_partition import log_partition_bounds
from skebm.rbm import BinaryRBM

__version__ = "0.1.0"
