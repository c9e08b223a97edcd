"""Links to the documentation in the HTML representation."""

from email.message import Message
from pathlib import Path

import pytest

import skebm
from skebm.estimator import doc_link

API = (Path(__file__).parent.parent.parent / "doc" / "api.rst").read_text()
CLASSES = [name for name in skebm.__all__ if isinstance(getattr(skebm, name), type)]


@pytest.fixture(name="released")
def release(monkeypatch):
    """Give the package the addresses of a release."""
    addresses = Message()
    addresses["Project-URL"] = "Source, https://source.local"
    addresses["Project-URL"] = "Documentation, https://address.local/stable/"
    monkeypatch.setattr(doc_link, "metadata", lambda name: addresses)


@pytest.mark.usefixtures("released")
@pytest.mark.parametrize("name", CLASSES)
def test_the_representation_links_to_the_page_of_the_class(name):
    link = f"https://address.local/stable/api/generated/skebm.{name}.html"
    assert link in getattr(skebm, name)()._repr_html_()
    assert f"   {name}\n" in API


def test_without_an_address_there_is_no_link(monkeypatch):
    monkeypatch.setattr(doc_link, "metadata", lambda name: Message())
    assert skebm.BinaryRBM()._get_doc_link() == ""
    assert 'rel="noreferrer"' not in skebm.BinaryRBM()._repr_html_()


def test_without_metadata_there_is_no_link(monkeypatch):
    def fail(name):
        raise doc_link.PackageNotFoundError

    monkeypatch.setattr(doc_link, "metadata", fail)
    assert skebm.BinaryRBM()._get_doc_link() == ""
