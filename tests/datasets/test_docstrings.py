"""Every generator has a complete numpydoc docstring."""

import pytest
from numpydoc.validate import validate

from skebm import datasets

# As in the test of the estimators.
ALLOWED = {"ES01", "GL01", "RT02", "SA01"}


@pytest.mark.parametrize("name", datasets.__all__)
def test_docstring(name):
    errors = validate(f"skebm.datasets.{name}")["errors"]
    assert not [error for error in errors if error[0] not in ALLOWED]
