"""Energy-based models with scikit-learn's interface."""

__all__ = [
    "BinaryRBM",
    "BoltzmannMachine",
    "EnergyOutlierDetector",
    "GaussianRBM",
    "LatentBM",
    "__version__",
    "log_partition_bounds",
]

from skebm.boltzmann import BoltzmannMachine
from skebm.gaussian_rbm import GaussianRBM
from skebm.latent import LatentBM
from skebm.log_partition import log_partition_bounds
from skebm.outlier import EnergyOutlierDetector
from skebm.rbm import BinaryRBM

__version__ = "0.1.0"
