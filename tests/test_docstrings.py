"""Every public name has a complete numpydoc docstring."""

import importlib
import inspect
import re
from pathlib import Path

import numpy as np
import pytest
from models import EVERY, TABLES, rows_for
from numpydoc.docscrape import ClassDoc
from numpydoc.validate import validate
from sklearn.base import clone

import skebm
from skebm import datasets, displays
from skebm.learning.trainer import STAGE_UPDATES

# No extended summary or "see also" where the summary says it all and the class has
# them; text may start beside the quotes, and results have names.
ALLOWED = {"ES01", "GL01", "RT02", "SA01"}


def members(name, item):
    """Name what the package itself defines in a class, its properties included."""
    for attribute, member in inspect.getmembers(item):
        function = inspect.unwrap(getattr(member, "fget", member))
        owner = getattr(function, "__module__", None) or ""
        if not attribute.startswith("_") and owner.startswith("skebm"):
            yield f"{name}.{attribute}"


def public_names():
    for module in (skebm, datasets, displays):
        for public in module.__all__:
            name, item = f"{module.__name__}.{public}", getattr(module, public)
            if not callable(item):
                continue
            yield name
            if inspect.isclass(item):
                yield from members(name, item)


def test_all_kinds_of_names_are_among_these():
    names = set(public_names())
    assert {"skebm.BinaryRBM.fit", "skebm.BinaryRBM.log_partition_"} <= names
    assert {"skebm.log_partition_bounds", "skebm.LatentBM.metropolis"} <= names
    assert {
        "skebm.displays.WeightsDisplay.plot",
        "skebm.datasets.make_bars_and_stripes",
    } <= names


@pytest.mark.parametrize("name", list(public_names()))
def test_docstring(name):
    report = validate(name)
    # An attribute needs no example of its own.
    allowed = ALLOWED | ({"EX01"} if report["type"] == "property" else set())
    if "\nOther Parameters\n" in report["docstring"]:
        allowed |= {"PR03"}  # these stand apart, whatever the order of the signature
    assert not [error for error in report["errors"] if error[0] not in allowed]


@pytest.mark.parametrize("model", [*EVERY.values(), *TABLES.values()])
def test_what_is_counted_is_said_first(model):
    text = inspect.getdoc(type(model))
    updates = (
        r"Updates, at most \(passes over X: ``max_iter \* batch_size / n_samples``"
    )
    assert re.search(rf"\nmax_iter : .*\n +{updates}", text)
    measurements = "Number of measurements of the likelihood, one every 100 updates,"
    assert re.search(rf"\nn_iter_no_change : .*\n +{measurements}", text)
    assert STAGE_UPDATES == 100


@pytest.mark.parametrize("name", [name for name in skebm.__all__ if name[0].isupper()])
def test_the_few_parameters_to_turn_stand_apart_from_the_others(name):
    item = getattr(skebm, name)
    sections = [ClassDoc(item)[name] for name in ("Parameters", "Other Parameters")]
    first, others = ([entry.name for entry in section] for section in sections)
    assert sorted(first + others) == sorted(inspect.signature(item).parameters)
    assert len(first) <= 10


@pytest.mark.parametrize("model", [*EVERY.values(), *TABLES.values()])
def test_the_page_of_settings_has_every_parameter_in_a_group(model):
    page = Path(__file__).parents[1] / "doc" / "user_guide" / "settings.rst"
    parameters = set(model.get_params(deep=False))
    assert not parameters - set(re.findall(r"`(\w+)`", page.read_text()))


@pytest.mark.parametrize("name", EVERY)
def test_the_class_documents_every_fitted_attribute(name):
    model = clone(EVERY[name]).fit(rows_for(name, np.eye(2)))
    fitted = {name for name in vars(model) if name.endswith("_")}
    fitted |= {"log_partition_", "log_partition_std_", "feature_names_in_"}
    documented = inspect.getdoc(type(model)).split("Attributes\n")[1]
    assert all(f"\n{name} :" in documented for name in fitted)


@pytest.mark.parametrize(
    "layer",
    [
        "datasets",
        "displays",
        "energy",
        "estimator",
        "kernels",
        "learning",
        "partition",
        "sampling",
        "units",
    ],
)
def test_each_layer_says_what_it_is_for(layer):
    assert importlib.import_module(f"skebm.{layer}").__doc__
