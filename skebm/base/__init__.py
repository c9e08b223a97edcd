"""The public edge of every model: validate, then call the private mathematics."""

__all__ = ["BaseEnergyModel"]

from abc import ABCMeta, abstractmethod

from sklearn.base import BaseEstimator, TransformerMixin

from skebm._callbacks import CallbackSupportMixin
from skebm.base.drawing import DrawingMixin
from skebm.base.fitting import FittingMixin
from skebm.base.likelihood import LikelihoodMixin


class BaseEnergyModel(
    FittingMixin,
    LikelihoodMixin,
    DrawingMixin,
    CallbackSupportMixin,
    TransformerMixin,
    BaseEstimator,
    metaclass=ABCMeta,
):
    """Methods that every energy-based model shares.

    A model adds its constructor and seven private methods of pure mathematics.
    """

    @abstractmethod
    def _initial_model(self, rows, rng):
        """Build the machine from which learning starts, and its metric or None."""

    @abstractmethod
    def _learnable(self, energy, rng):
        """Give a known machine in learning coordinates, and its metric or None."""

    @abstractmethod
    def _recentred(self, model):
        """Give a machine in learning coordinates that suit the data seen so far."""

    @abstractmethod
    def _learner(self, algorithm):
        """Build a learning algorithm from the constructor's parameters."""

    @abstractmethod
    def _energy_of(self, model):
        """Give the plain energy of a machine in learning coordinates."""

    @abstractmethod
    def _parameters(self, energy):
        """Name the public attributes that a plain energy becomes."""

    @abstractmethod
    def _energy(self):
        """Build the energy that the public attributes describe."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
