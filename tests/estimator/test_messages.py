"""What is called wrongly is named as users call it: no private class, no mixin."""

import inspect
import re

import numpy as np
import pytest
from models import EVERY, random_model, random_parameters, rows_for

from skebm import BinaryRBM, DeepBeliefNetwork, EnergyOutlierDetector, HopfieldNetwork

PRIVATE = re.compile(r"mixin|Base\w*Model|\b_\w+|skebm\.", re.IGNORECASE)
X = np.random.default_rng(0).integers(2, size=(5, 4)).astype(float)


OTHERS = {
    "stack": DeepBeliefNetwork((3, 2), estimator=BinaryRBM(max_iter=5)).fit(X),
    "detector": EnergyOutlierDetector(),
    "memory": HopfieldNetwork(interaction="exponential").fit(X),
}


def public_methods(estimator):
    """List what the package itself defines of an estimator."""
    for name, method in inspect.getmembers(type(estimator), callable):
        if name.startswith("_") or not hasattr(inspect.unwrap(method), "__module__"):
            continue
        if inspect.unwrap(method).__module__.startswith("skebm"):
            yield name


# scikit-learn's own `set_output` and the like say what they say.
METHODS = [
    (name, method)
    for name, model in (EVERY | OTHERS).items()
    for method in public_methods(model)
]
SWEEPS = [pair for pair in METHODS if pair[1] in {"sample", "gibbs", "metropolis"}]
ROWS = [
    (name, method)
    for name, method in METHODS
    if name != "detector"
    and method not in {"log_partition", "from_parameters", "sample"}
]


def bound(name, method):
    return getattr(OTHERS.get(name) or random_model(name), method)


def message_of(error, call, *args, **kwargs):
    with pytest.raises(error) as raised:
        call(*args, **kwargs)
    return str(raised.value)


def assert_plain(message, name):
    """Hold a message to the names of the public, and to naming what was called."""
    assert not PRIVATE.search(message.replace("__init__", "")), message
    assert re.search(rf"\b{name}\b", message), message


def test_all_methods_of_models_are_among_these():
    found = {method for name, method in METHODS if name == "LatentBM"}
    assert {"fit", "partial_fit", "transform", "inverse_transform", "score"} <= found
    assert {"sample", "gibbs", "metropolis", "log_partition", "energy"} <= found
    assert {"from_parameters", "free_energy", "pseudo_log_likelihood"} <= found
    assert {("BoltzmannMachine", "metropolis"), ("detector", "predict")} < set(METHODS)


@pytest.mark.parametrize(("name", "method"), METHODS)
def test_a_wrong_keyword(name, method):
    if (name, method) == ("detector", "fit"):
        return  # passes on what it does not know
    call = bound(name, method)
    given = []
    if method == "from_parameters":
        given = list(random_parameters(name).values())[:4]
        given = given[:3] if name == "LatentBM" else given
    elif method not in {"log_partition", "sample", "get_metadata_routing"}:
        given = [rows_for(name, X)] * (3 if method == "fit_moments" else 1)
        given += [0] * (method == "conditional_proba")
    message = message_of(TypeError, call, *given, wrong_keyword=1)
    assert_plain(message, "wrong_keyword")


@pytest.mark.parametrize(("name", "method"), METHODS)
def test_too_many_arguments(name, method):
    message = message_of(TypeError, bound(name, method), *range(9))
    assert not PRIVATE.search(message.replace("__init__", "")), message


@pytest.mark.parametrize(("name", "method"), SWEEPS)
@pytest.mark.parametrize(
    ("setting", "value"),
    [
        *(("n_steps", value) for value in (-1, 1.5, None)),
        *(("temperature", value) for value in (0, -1.0, np.inf, np.nan, None)),
        *(("random_state", value) for value in (-1, "seed")),
        *(("n_samples", value) for value in (0, -1, 2.0)),
        *(("init", value) for value in ("data", 0.5)),
        *(("given", value) for value in ("data", 0.5)),
        *(("fixed", value) for value in ("data", 0.5)),
        *(("tempering", value) for value in ("yes", 2, None)),
    ],
)
def test_a_bad_setting_of_draws(name, method, setting, value):
    if setting not in inspect.signature(bound(name, method)).parameters:
        return
    given = [] if method == "sample" else [rows_for(name, X)]
    message = message_of(ValueError, bound(name, method), *given, **{setting: value})
    assert_plain(message, method)
    assert re.match(rf"The '{setting}' parameter of .* must be .* Got ", message)


@pytest.mark.parametrize(("name", "method"), ROWS)
@pytest.mark.parametrize("table", [3, "rows", X[:, :0], np.full_like(X, np.inf)])
def test_a_bad_table(name, method, table):
    call = bound(name, method)
    two = method == "energy" and hasattr(EVERY.get(name), "n_components")
    given = (table, table) if two else (table,)
    given += (0,) * (method == "conditional_proba")
    message = message_of((TypeError, ValueError), call, *given)
    assert not PRIVATE.search(message), message


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("learn", ["fit", "partial_fit"])
def test_a_bad_constructor_parameter(name, learn):
    model = random_model(name).set_params(n_chains=0)
    message = message_of(ValueError, getattr(model, learn), rows_for(name, X))
    assert_plain(message, type(model).__name__)
