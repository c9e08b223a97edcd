"""Energy-based models with scikit-learn's interface."""

__all__ = ["BinaryRBM", "__version__"]

from skebm.rbm import BinaryRBM

__version__ = "0.1.0"
