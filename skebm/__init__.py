"""Energy-based models with scikit-learn's interface."""

__all__ = [
    "BinaryRBM",
    "BoltzmannMachine",
    "DeepBeliefNetwork",
    "DensityEnsemble",
    "EnergyImputer",
    "EnergyOutlierDetector",
    "GaussianRBM",
    "HopfieldNetwork",
    "LatentBM",
    "MarkovRandomField",
    "MixedRBM",
    "NeuralEnergyModel",
    "__version__",
    "log_partition_bounds",
    "similarity_weights",
]

from skebm.binary_rbm import BinaryRBM
from skebm.boltzmann_machine import BoltzmannMachine
from skebm.deep_belief_network import DeepBeliefNetwork
from skebm.density_ensemble import DensityEnsemble
from skebm.gaussian_rbm import GaussianRBM
from skebm.hopfield_network import HopfieldNetwork
from skebm.imputer import EnergyImputer
from skebm.latent_bm import LatentBM
from skebm.log_partition_bounds import log_partition_bounds
from skebm.markov_random_field import MarkovRandomField
from skebm.mixed_rbm import MixedRBM
from skebm.neural_energy_model import NeuralEnergyModel
from skebm.outlier_detector import EnergyOutlierDetector
from skebm.similarity_weights import similarity_weights

__version__ = "0.1.0"
