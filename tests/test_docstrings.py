"""Every public name has a complete numpydoc docstring."""

import importlib
import inspect

import pytest
from numpydoc.validate import validate

import skebm

# No extended summary or "see also" where the summary says it all and the class has
# them; text may start beside the quotes, and results have names.
ALLOWED = {"ES01", "GL01", "RT02", "SA01"}


def public_names():
    for name in skebm.__all__:
        item = getattr(skebm, name)
        if not inspect.isclass(item):
            continue
        yield f"skebm.{name}"
        for attribute, member in inspect.getmembers(item):
            owner = getattr(
                inspect.unwrap(getattr(member, "fget", member)), "__module__", ""
            )
            if not attribute.startswith("_") and (owner or "").startswith("skebm"):
                yield f"skebm.{name}.{attribute}"


def test_the_list_is_not_empty():
    names = set(public_names())
    assert {"skebm.BinaryRBM", "skebm.BinaryRBM.fit"} <= names
    assert {"skebm.BinaryRBM.log_partition_", "skebm.BinaryRBM.sample"} <= names


@pytest.mark.parametrize("name", list(public_names()))
def test_docstring(name):
    report = validate(name)
    # An attribute needs no example of its own.
    allowed = ALLOWED | ({"EX01"} if report["type"] == "property" else set())
    errors = [error for error in report["errors"] if error[0] not in allowed]
    assert not errors


def test_the_class_documents_every_fitted_attribute():
    rbm = skebm.BinaryRBM(1, max_iter=1).fit([[0, 1]])
    fitted = {name for name in vars(rbm) if name.endswith("_")}
    fitted |= {"log_partition_", "log_partition_std_", "feature_names_in_"}
    documented = inspect.getdoc(skebm.BinaryRBM).split("Attributes\n")[1]
    assert all(f"\n{name} :" in documented for name in fitted)


@pytest.mark.parametrize("layer", ["energy", "learning", "partition", "sampling"])
def test_each_layer_says_what_it_is_for(layer):
    assert importlib.import_module(f"skebm.{layer}").__doc__
