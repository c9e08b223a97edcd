"""What is said of the version in more than one place."""

from pathlib import Path

import skebm

ROOT = Path(__file__).parent.parent


def test_what_is_cited_is_this_version():
    lines = (ROOT / "CITATION.cff").read_text().splitlines()
    assert f"version: {skebm.__version__}" in lines
