"""The documentation shows what there is to see."""

from doctest import DocTestParser
from pathlib import Path

import pytest

DOC = Path(__file__).parent.parent / "doc"
PAGES = sorted(str(page.relative_to(DOC)) for page in DOC.rglob("*.rst"))
SEARCHED = [
    *("inpaint", "impute", "survey", "missing", "text", "recommend", "classify"),
    *("cluster", "sample_weight", "verbose", "progress", "slow", "GPU"),
]
HAND_WRITTEN = [
    page for page in PAGES if not page.startswith(("auto_examples", "api", "_"))
]


@pytest.mark.parametrize("page", HAND_WRITTEN)
def test_no_output_says_only_that_something_is_so(page):
    examples = DocTestParser().get_examples((DOC / page).read_text())
    assert not [e.source for e in examples if e.want.strip() == "True"]


@pytest.mark.parametrize("word", SEARCHED)
def test_the_glossary_leads_on_from_words_that_people_search_for(word):
    where = (DOC / "glossary.rst").read_text().split("You searched for\n")[1]
    entries = [line for line in where.splitlines() if line and line[0].isalpha()]
    assert any(word in line for line in entries)
