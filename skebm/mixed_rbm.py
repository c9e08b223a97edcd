"""Restricted Boltzmann machines of tables with categories and numbers."""

__all__ = ["MixedRBM"]

from numbers import Integral, Real

import numpy as np

from skebm.energy.mixed_rbm import MixedRBMEnergy
from skebm.estimator.base import BaseEnergyModel
from skebm.estimator.conditions import ConditionsMixin
from skebm.estimator.features import HiddenUnitsMixin
from skebm.estimator.mixed_rows import MixedRowsMixin
from skebm.estimator.validation import Interval, StrOptions
from skebm.learning.metric import KroneckerMetric
from skebm.learning.starts.mixed import start_of_mixed
from skebm.units.binary import BinaryUnits
from skebm.units.categorical import CategoricalUnits
from skebm.units.gaussian import GaussianUnits, whiten_covariance
from skebm.units.mixed import MixedUnits

# So few hidden units are summed over for each row with gaps, and for log Z.
_MOST_EXACT_UNITS = 12

# More groups say more of large tables, and take as many times as long.
_MOST_GROUPS = 16

# Of the weights, in the prior of which the penalty is minus the logarithm, by default.
_PRIOR_PRECISION = 2.0


class MixedRBM(HiddenUnitsMixin, ConditionsMixin, MixedRowsMixin, BaseEnergyModel):
    _parameter_constraints: dict = {
        **BaseEnergyModel._parameter_constraints,
        **MixedRowsMixin._parameter_constraints,
        "n_components": [Interval(Integral, 0, None, closed="left")],
        "n_groups": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "alpha": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
        "covariance_type": [StrOptions({"full", "diag"})],
        "reg_covar": [Interval(Real, 0, None, closed="neither")],
        "algorithm": [StrOptions({"auto", "em", "pcd", "cd", "exact"})],
        "solver": [StrOptions({"natural", "sgd"})],
    }
    _structural_parameters = (
        "n_components",
        "n_groups",
        "solver",
        "covariance_type",
        "reg_covar",
    )

    def __init__(
        self,
        n_components=4,
        *,
        n_groups="auto",
        categorical_features="auto",
        handle_unknown="error",
        spike_share=0.2,
        straighten=True,
        covariance_type="full",
        reg_covar=1e-3,
        algorithm="auto",
        solver="natural",
        tempering=False,
        n_gibbs_steps=1,
        n_chains=500,
        learning_rate=0.1,
        decay_fraction=0.5,
        batch_size=200,
        max_iter=None,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=20,
        tol=1e-4,
        alpha="auto",
        l1_ratio=0.0,
        log_partition_tol=0.03,
        max_ais_temperatures=10_000,
        n_ais_chains=100,
        random_state=None,
    ):
        self.n_components = n_components
        self.n_groups = n_groups
        self.categorical_features = categorical_features
        self.handle_unknown = handle_unknown
        self.spike_share = spike_share
        self.straighten = straighten
        self.covariance_type = covariance_type
        self.reg_covar = reg_covar
        self.algorithm = algorithm
        self.solver = solver
        self.tempering = tempering
        self.n_gibbs_steps = n_gibbs_steps
        self.n_chains = n_chains
        self.learning_rate = learning_rate
        self.decay_fraction = decay_fraction
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.log_partition_tol = log_partition_tol
        self.max_ais_temperatures = max_ais_temperatures
        self.n_ais_chains = n_ais_chains
        self.random_state = random_state

    def _algorithm(self, rows):
        if self.algorithm != "auto":
            return self.algorithm
        if rows is None or self.early_stopping:
            return "pcd"
        n_states = self._number_of_groups(rows.n_rows) * 2**self.n_components
        return "em" if n_states <= 2**_MOST_EXACT_UNITS else "pcd"

    def _number_of_groups(self, n_rows):
        """Say how many states the categorical hidden unit has, at least one."""
        if self.n_groups != "auto":
            return self.n_groups
        return int(np.clip(round(np.sqrt(n_rows) / 4), 2, _MOST_GROUPS))

    def _strength(self, algorithm):
        if self.alpha != "auto":
            return self.alpha
        if algorithm not in {"em", "exact"}:
            return 0.0
        return _PRIOR_PRECISION / np.max(self._n_rows_seen)

    def _initial_energy(self, sample, rng):
        vars(self).pop("noise_covariance_", None)  # of an earlier fit
        numbers = sample[:, self._real]
        covariance = numbers.T @ numbers / len(numbers)
        covariance += self.reg_covar * np.eye(len(covariance))
        if self.covariance_type == "full":
            noise = GaussianUnits.of_base(whiten_covariance(covariance))
        else:
            noise = GaussianUnits.of_base(1 / np.sqrt(np.diag(covariance)))
        n_groups = self._number_of_groups(np.max(self._n_rows_seen))
        n_groups = n_groups if n_groups > 1 else 0
        self._layers = self.n_components, n_groups
        start = start_of_mixed(sample, noise, *self._layers, rng)
        return self._of(*start, noise)

    def _of(self, weights, visible_bias, hidden_bias, noise):
        visible = MixedUnits((CategoricalUnits(self._columns.n_levels), noise))
        n_binary, n_groups = self._layers
        hidden = BinaryUnits(n_binary)
        if n_groups > 0:
            hidden = MixedUnits((hidden, CategoricalUnits((n_groups,))))
        energy = MixedRBMEnergy.of(weights, visible_bias, hidden_bias, visible, hidden)
        log_volume = float(np.log(self._scale).sum())
        return energy.replaced(ridge=self.reg_covar, log_volume=log_volume)

    def _metric(self, energy, sample):
        if self.solver == "sgd":
            return None
        return KroneckerMetric.start(energy, sample, diagonal=self._strength("pcd") > 0)

    @property
    def _real(self):
        """Columns of units that hold numbers."""
        return slice(sum(self._columns.n_levels), None)

    def _parameters(self, energy):
        real, noise = self._real, energy.noise
        location, scale = self._location[real], self._scale[real]
        table = np.vstack([energy.weights, energy.visible_bias])
        table, removed = self._columns.centred(table)
        values = noise.states(table[:, real]) * scale
        values[-1] += location
        table[:, real] = values
        # The hidden units see rows that are no longer centred.
        field = energy.weights[:, real] @ noise.statistics(location / scale)
        attributes = {
            "components_": table[:-1],
            "intercept_visible_": table[-1],
            "intercept_hidden_": energy.hidden_bias + removed[:-1] - field,
            "noise_variance_": noise.variances() * scale**2,
        }
        if self.covariance_type == "full":
            covariance = noise.covariance() * np.outer(scale, scale)
            attributes["noise_covariance_"] = covariance
        return attributes

    def _energy(self):
        real = self._real
        location, scale = self._location[real], self._scale[real]
        # Parameters of the constructor may have changed since these were learned.
        if hasattr(self, "noise_covariance_"):
            covariance = self.noise_covariance_ / np.outer(scale, scale)
            noise = GaussianUnits.of_base(whiten_covariance(covariance))
        else:
            noise = GaussianUnits.of_base(scale / np.sqrt(self.noise_variance_))
        table = np.vstack([self.components_, self.intercept_visible_])
        table[-1, real] -= location
        table[:, real] = noise.statistics(table[:, real] / scale)
        field = table[:-1, real] @ noise.statistics(location / scale)
        hidden_bias = self.intercept_hidden_ + field
        return self._of(table[:-1], table[-1], hidden_bias, noise)
