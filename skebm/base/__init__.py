"""The public edge of every model: validate, then call the private mathematics."""

__all__ = ["BaseBinaryModel", "BaseEnergyModel", "BaseRealModel"]

from abc import ABCMeta, abstractmethod
from numbers import Integral, Real

from sklearn.base import BaseEstimator, TransformerMixin

from skebm._callbacks import CallbackSupportMixin
from skebm._validation import Interval
from skebm.base.binary_rows import BinaryRowsMixin
from skebm.base.drawing import DrawingMixin
from skebm.base.fitting import FittingMixin
from skebm.base.likelihood import LikelihoodMixin
from skebm.base.real_rows import RealRowsMixin


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

    A model adds its constructor and private methods of pure mathematics, of which
    `BaseBinaryModel` and `BaseRealModel` have those about rows.
    """

    _parameter_constraints: dict = {
        "tempering": ["boolean"],
        "n_gibbs_steps": [Interval(Integral, 1, None, closed="left")],
        "n_chains": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "decay_fraction": [Interval(Real, 0, 1, closed="both")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left"), None],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "log_partition_tol": [Interval(Real, 0, None, closed="neither")],
        "max_ais_temperatures": [Interval(Integral, 1, None, closed="left")],
        "n_ais_chains": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    }

    @abstractmethod
    def _check(self, X, *, reset=False):
        """Validate a table and give its rows; learn its features if `reset`."""

    @abstractmethod
    def _see(self, rows, *, first):
        """Learn from rows in which units the model works; `first` forgets others."""

    @abstractmethod
    def _in_units(self, rows):
        """View validated rows in the units in which the model works."""

    @abstractmethod
    def _drawn(self, rows, rng):
        """Draw units where rows give probabilities of being on."""

    @abstractmethod
    def _see_nothing(self, n_features):
        """Settle the units in which the model works, its parameters being known."""

    @abstractmethod
    def _start_rows(self, n_rows, rng):
        """Draw rows from which chains start, in the model's units."""

    @abstractmethod
    def _in_states(self, units):
        """Give rows in the model's units the values that users know."""

    @property
    @abstractmethod
    def _chain_mean(self):
        """Means of the independent units from which annealing starts."""

    @abstractmethod
    def _initial_energy(self, sample, rng):
        """Build the energy from which learning starts, given a sample of the data."""

    @abstractmethod
    def _centred(self, energy):
        """Give a plain energy in the coordinates in which it learns, float32."""

    @abstractmethod
    def _metric(self, model, sample):
        """Build the metric of learning from a sample of visible rows, or None."""

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


class BaseBinaryModel(BinaryRowsMixin, BaseEnergyModel):
    """A model of rows whose values are on or off."""

    _parameter_constraints: dict = {
        **BaseEnergyModel._parameter_constraints,
        **BinaryRowsMixin._parameter_constraints,
    }


class BaseRealModel(RealRowsMixin, BaseEnergyModel):
    """A model of rows of real values."""
