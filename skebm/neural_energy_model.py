"""The energy-based model whose energy is a network."""

__all__ = ["NeuralEnergyModel"]

from copy import copy
from numbers import Integral, Real

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin
from sklearn.utils.validation import check_array

from skebm.energy.network import ACTIVATIONS, Network
from skebm.energy.neural import NeuralEnergy
from skebm.estimator.base import BaseRealModel
from skebm.estimator.validation import (
    Interval,
    StrOptions,
    check_bias,
    check_constructor,
)
from skebm.learning.adam import Adam
from skebm.units.gaussian import GaussianUnits, whiten_covariance


class NeuralEnergyModel(ClassNamePrefixFeaturesOutMixin, BaseRealModel):
    """TODO."""

    _parameter_constraints: dict = {
        **BaseRealModel._parameter_constraints,
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "reg_covar": [Interval(Real, 0, None, closed="neither")],
        "algorithm": [StrOptions({"pcd", "cd"})],
        "n_langevin_steps": [Interval(Integral, 1, None, closed="left")],
    }
    _structural_parameters = ("hidden_layer_sizes", "activation")

    def __init__(
        self,
        hidden_layer_sizes=(64, 64),
        *,
        activation="swish",
        reg_covar=1e-3,
        algorithm="pcd",
        tempering=False,
        n_langevin_steps=5,
        n_chains=500,
        learning_rate=0.003,
        decay_fraction=0.5,
        batch_size=200,
        max_iter=None,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=20,
        tol=1e-4,
        alpha=0.0,
        l1_ratio=0.0,
        log_partition_tol=0.03,
        max_ais_temperatures=10_000,
        n_ais_chains=100,
        random_state=None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.reg_covar = reg_covar
        self.algorithm = algorithm
        self.tempering = tempering
        self.n_langevin_steps = n_langevin_steps
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

    @property
    def n_gibbs_steps(self):
        """Sweeps of the chains in each update."""
        return self.n_langevin_steps

    @property
    def coefs_(self):
        """Weights of the network."""
        return self._network().weights

    @property
    def intercepts_(self):
        """Biases."""
        return self._network().biases

    def _network(self):
        sizes = self._sizes(len(self.location_))
        return Network.of(self.parameters_, sizes, self.activation)

    def transform(self, X):
        """Compute the values of the units in the last layer."""
        rows = self._rows(X)
        if rows.has_missing:
            return self._hidden_means(rows)
        energy = self._energy()
        return rows.map(
            energy.hidden_mean, row_elements=energy.n_units, dtype=rows.float_dtype
        )

    @property
    def _n_features_out(self):
        return self._sizes(self.n_features_in_)[-1]

    def _sizes(self, n_features):
        layers = np.atleast_1d(self.hidden_layer_sizes)
        return (n_features, *(int(size) for size in layers))

    def _initial_energy(self, sample, rng):
        n_features = sample.shape[1]
        covariance = sample.T @ sample / len(sample)
        covariance += self.reg_covar * np.eye(n_features)
        visible = GaussianUnits.of_base(whiten_covariance(covariance), fixed=True)
        sizes = self._sizes(n_features)
        vector = np.zeros(Network.n_parameters(sizes)[1])
        network = Network.of(vector, sizes, self.activation)
        for weights in network.weights[:-1]:
            n_inputs, n_outputs = weights.shape
            weights[...] = rng.normal(0, np.sqrt(1 / n_inputs), weights.shape)
        for bias in network.biases:
            bias[...] = rng.uniform(-1, 1, len(bias))
        # The last weights stay 0: learning starts from a normal distribution.
        return self._of(vector, visible, 1.0)

    def _of(self, vector, visible, length):
        return NeuralEnergy(
            vector,
            self._sizes(visible.n_columns),
            self.activation,
            visible,
            length,
            float(np.log(self._scale).sum()),
        )

    def _metric(self, energy, sample):
        return Adam(len(energy.vector))

    def _resume(self):
        state = super()._resume()
        # A pass that fails must leave the moments as they were.
        state.metric = copy(state.metric)
        return state

    def _parameters(self, energy):
        return {
            "parameters_": energy.vector,
            "location_": self._location.copy(),
            "whitening_": energy.visible.whitening / self._scale,
            "step_size_": energy.length,
        }

    def _energy(self):
        visible = GaussianUnits.of_base(self.whitening_ * self._scale, fixed=True)
        return self._of(self.parameters_, visible, self.step_size_)
