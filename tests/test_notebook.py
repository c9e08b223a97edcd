"""Progress is seen in notebooks, which are run here as a user's are."""

from pathlib import Path

import pytest

import skebm

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
for package in "ipykernel", "ipywidgets", "rich":
    pytest.importorskip(package, reason=f"{package} is not installed")

FIT = """
import numpy as np
from sklearn.callback import ProgressBar
from skebm import BinaryRBM
X = np.random.default_rng(0).integers(2, size=(60, 6))
rbm = BinaryRBM(3, max_iter=300, n_chains=20, random_state=0)
"""


@pytest.fixture(scope="module")
def notebook():
    """Run a notebook whose cells show a bar, and lines; give it and its widgets."""
    cells = (
        FIT,
        "_ = rbm.set_callbacks(ProgressBar()).fit(X)",
        "_ = rbm.set_params(verbose=1).set_callbacks().fit(X)",
    )
    written = nbformat.v4.new_notebook()
    written.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    client = nbclient.NotebookClient(
        written,
        timeout=120,
        kernel_name="python3",
        # From where this package is imported.
        resources={"metadata": {"path": Path(skebm.__file__).parents[1]}},
    )
    client.execute()
    return written, client.widget_state


def test_a_progress_bar_shows(notebook):
    written, widgets = notebook
    outputs = written.cells[1].outputs
    # With no word about what is not installed.
    assert not [output for output in outputs if output["output_type"] == "stream"]
    views = [
        output["data"]["application/vnd.jupyter.widget-view+json"]["model_id"]
        for output in outputs
        if "application/vnd.jupyter.widget-view+json" in output["data"]
    ]
    (view,) = views
    (shown,) = widgets[view]["outputs"]
    text = shown["data"]["text/html"]
    assert "BinaryRBM - fit" in text
    assert "━━━━" in text
    assert "100%" in text


def test_verbose_prints_into_the_cell(notebook):
    outputs = notebook[0].cells[2].outputs
    assert {output["name"] for output in outputs} == {"stdout"}
    text = "".join(output["text"] for output in outputs)
    first, *_, last = text.splitlines()
    assert first == "[BinaryRBM] learning from 60 rows of 6 columns"
    assert last.startswith("[BinaryRBM] ended after 300 updates")
