"""What every model derives from, and what it must define."""

__all__ = ["BaseBinaryModel", "BaseEnergyModel", "BaseRealModel"]

from abc import ABCMeta, abstractmethod
from numbers import Integral, Real

from sklearn.base import BaseEstimator, TransformerMixin

from skebm.estimator.binary_rows import BinaryRowsMixin
from skebm.estimator.callbacks import CallbackSupportMixin
from skebm.estimator.conditions import ConditionsMixin
from skebm.estimator.doc_link import DocLinkMixin
from skebm.estimator.fitting import FittingMixin
from skebm.estimator.likelihood import LikelihoodMixin
from skebm.estimator.minima import LowestEnergyMixin
from skebm.estimator.missing import MissingValuesMixin
from skebm.estimator.real_rows import RealRowsMixin
from skebm.estimator.sampling import SamplingMixin
from skebm.estimator.validation import Interval, StrOptions


class BaseEnergyModel(
    FittingMixin,
    LikelihoodMixin,
    SamplingMixin,
    LowestEnergyMixin,
    MissingValuesMixin,
    CallbackSupportMixin,
    TransformerMixin,
    DocLinkMixin,
    BaseEstimator,
    metaclass=ABCMeta,
):
    """Methods that every energy-based model shares.

    A model adds its constructor and four private methods of pure mathematics:
    `_initial_energy`, `_metric`, `_parameters` and `_energy`. Those about rows are in
    `BaseBinaryModel` and `BaseRealModel`.
    """

    _parameter_constraints: dict = {
        "tempering": ["boolean"],
        "n_gibbs_steps": [Interval(Integral, 1, None, closed="left")],
        "n_chains": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "decay_fraction": [Interval(Real, 0, 1, closed="both")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left"), None],
        "early_stopping": ["boolean", StrOptions({"auto"})],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "log_partition_tol": [
            Interval(Real, 0, None, closed="neither"),
            StrOptions({"auto"}),
        ],
        "max_ais_temperatures": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "n_ais_chains": [Interval(Integral, 2, None, closed="left")],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    @abstractmethod
    def _initial_energy(self, sample, rng):
        """Build the energy from which learning starts, given a sample of the data."""

    @abstractmethod
    def _metric(self, energy, sample):
        """Build the metric of learning from a sample of visible rows, or None."""

    @abstractmethod
    def _parameters(self, energy):
        """Name the public attributes that an energy without offsets becomes."""

    @abstractmethod
    def _energy(self):
        """Build the energy that the public attributes describe."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class BaseBinaryModel(ConditionsMixin, BinaryRowsMixin, BaseEnergyModel):
    """A model of rows whose values are on or off."""

    _parameter_constraints: dict = {
        **BaseEnergyModel._parameter_constraints,
        **BinaryRowsMixin._parameter_constraints,
    }


class BaseRealModel(RealRowsMixin, BaseEnergyModel):
    """A model of rows of real values."""
