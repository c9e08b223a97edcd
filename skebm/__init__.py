"""Energy-based models with scikit-learn's interface."""

__all__ = [
    "BinaryRBM",
    "BoltzmannMachine",
    "EnergyImputer",
    "EnergyOutlierDetector",
    "GaussianRBM",
    "HopfieldNetwork",
    "LatentBM",
    "MixedRBM",
    "NeuralEnergyModel",
    "__version__",
    "log_partition_bounds",
]

from skebm.binary_rbm import BinaryRBM
from skebm.boltzmann_machine import BoltzmannMachine
from skebm.gaussian_rbm import GaussianRBM
from skebm.hopfield_network import HopfieldNetwork
from skebm.imputer import EnergyImputer
from skebm.latent_bm import LatentBM
from skebm.log_partition_bounds import log_partition_bounds
from skebm.mixed_rbm import MixedRBM
from skebm.neural_energy_model import NeuralEnergyModel
from skebm.outlier_detector import EnergyOutlierDetector

__version__ = "0.1.0"
