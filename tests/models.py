"""Every model of the package, small and quick, for tests of what they share."""

import pickle

import joblib
import numpy as np
from gaussian_oracle import random_gaussian_rbm
from oracle import RBMOracle, all_states, random_boltzmann, random_rbm
from scipy.linalg import block_diag

from skebm import (
    BinaryRBM,
    BoltzmannMachine,
    GaussianRBM,
    LatentBM,
    MarkovRandomField,
    MixedRBM,
    NeuralEnergyModel,
)

QUICK = {"max_iter": 6, "batch_size": 20, "n_chains": 20, "random_state": 0}

# Each learns by chains.
MODELS = {
    "BinaryRBM": BinaryRBM(3, **QUICK),
    "BoltzmannMachine": BoltzmannMachine(algorithm="pcd", **QUICK),
    "BoltzmannMachine of spins": BoltzmannMachine(
        algorithm="pcd", states=(-1, 1), binarize=0, **QUICK
    ),
    "LatentBM": LatentBM(3, **QUICK),
    "GaussianRBM": GaussianRBM(3, algorithm="pcd", **QUICK),
    "GaussianRBM, diag": GaussianRBM(
        3, algorithm="pcd", covariance_type="diag", **QUICK
    ),
    "GaussianRBM, langevin": GaussianRBM(
        3, algorithm="pcd", sampler="langevin", **QUICK
    ),
}
BINARY = [name for name in MODELS if not name.startswith("Gaussian")]

# Of these log Z is always estimated, which takes a second, and nothing is learned
# exactly.
NETWORKS = {"NeuralEnergyModel": NeuralEnergyModel((4, 3), **QUICK)}
EVERY = MODELS | NETWORKS

# These cannot be made of parameters alone: levels have names.
TABLES = {
    "MixedRBM": MixedRBM(3, n_groups=2, algorithm="pcd", **QUICK),
    "MarkovRandomField": MarkovRandomField(algorithm="pcd", **QUICK),
}


def rows_for(name, bits):
    """Give rows of zeros and ones in the values of a model."""
    return 2 * bits - 1 if name.endswith("spins") else bits


def every_row(name, n_features=4):
    """List every row that a binary model has, in its values."""
    return rows_for(name, all_states(n_features))


def random_parameters(name, n_features=4, n_hidden=3, seed=0):
    """Draw what `from_parameters` of a model takes."""
    if name.startswith("Gaussian"):
        names = "components", "intercept_visible", "intercept_hidden", "noise"
        full = not name.endswith("diag")
        arrays = random_gaussian_rbm(n_hidden, n_features, full=full, seed=seed)
    elif name == "NeuralEnergyModel":
        names = "parameters", "location", "covariance"
        arrays = random_network(n_features, seed)
    elif name == "BinaryRBM":
        names = "components", "intercept_visible", "intercept_hidden"
        arrays = random_rbm(n_hidden, n_features, seed=seed)
    elif name == "LatentBM":
        couplings, bias = random_boltzmann(n_features + n_hidden, seed=seed)
        return {
            "components": couplings[n_features:, :n_features],
            "intercept_visible": bias[:n_features],
            "intercept_hidden": bias[n_features:],
            "visible_couplings": couplings[:n_features, :n_features],
            "hidden_couplings": couplings[n_features:, n_features:],
        }
    else:
        names = "couplings", "intercept"
        arrays = random_boltzmann(n_features, seed=seed)
    return dict(zip(names, arrays, strict=True))


def random_network(n_features, seed=0):
    """Draw parameters of a network with layers of 4 and 3 units, and of its base."""
    rng = np.random.default_rng(seed)
    parameters = rng.normal(0, 1, 4 * n_features + 4 * 3 + 3 + 4 + 3)
    root = rng.normal(0, 0.5, (n_features, n_features)) + np.eye(n_features)
    return parameters, rng.normal(0, 1, n_features), root @ root.T


def model_of(name, parameters, **params):
    """Make a fitted model of known parameters."""
    if name.endswith("spins"):
        params["states"] = (-1, 1)
    if name.endswith("langevin"):
        params["sampler"] = "langevin"
    if name == "NeuralEnergyModel":
        params["hidden_layer_sizes"] = (4, 3)
    make = type(EVERY[name]).from_parameters
    return make(**parameters, random_state=0, **params)


def random_model(name, n_features=4, n_hidden=3, seed=0, **params):
    """Make a fitted model of parameters at random."""
    return model_of(name, random_parameters(name, n_features, n_hidden, seed), **params)


def annealed_rbm(scale, **params):
    """An RBM too large to be summed over, and its log Z: seven small ones at once."""
    parts = [random_rbm(3, 3, scale=scale, seed=seed) for seed in range(7)]
    weights, *biases = zip(*parts, strict=True)
    settings = {"random_state": 0} | params
    rbm = BinaryRBM.from_parameters(
        block_diag(*weights), *map(np.concatenate, biases), **settings
    )
    return rbm, sum(np.log(RBMOracle(*part).partition) for part in parts)


def attribute_of(model, parameter):
    """Name the attribute that holds a parameter of `from_parameters`."""
    if parameter != "noise":
        return f"{parameter}_"
    is_full = hasattr(model, "noise_covariance_")
    return "noise_covariance_" if is_full else "noise_variance_"


def contents(estimator):
    """Hash all that an estimator holds, its generator and chains included."""
    held = vars(estimator).items()
    held = {name: value for name, value in held if name != "_skl_callbacks"}
    # Stored and read again, since how arrays lie in memory would count.
    return joblib.hash(pickle.loads(pickle.dumps(held)))  # noqa: S301


def assert_same_parameters(first, second):
    """Hold all parameters that were learned to those of another model."""
    assert first._parameter_names == second._parameter_names
    for name in first._parameter_names:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
