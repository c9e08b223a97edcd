"""Configuration of the documentation."""

import os
import re
from importlib.util import find_spec

import skebm

project = "skebm"
author = "The skebm developers"
copyright = "The skebm developers"
version = release = skebm.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.extlinks",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_templates"]
default_role = "literal"
extlinks = {"doi": ("https://doi.org/%s", "doi:%s")}

# Equations are set by MathJax from the web, or from a copy within the site where
# the package that holds one is installed.
if find_spec("sphinx-mathjax-offline"):
    extensions.append("sphinx-mathjax-offline")

# Links into the documentation of other projects need their inventories from the
# web; without them the same names are plain text, and the build is offline.
LINK_TO_OTHER_PROJECTS = os.environ.get("SKEBM_DOC_INTERSPHINX") == "1"
if LINK_TO_OTHER_PROJECTS:
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "scipy": ("https://docs.scipy.org/doc/scipy", None),
        "sklearn": ("https://scikit-learn.org/stable", None),
    }

# ---- API ----

autosummary_generate = True
autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

# ---- gallery ----

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "abort_on_example_error": True,
    "backreferences_dir": None,
    "capture_repr": (),
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,
}

# ---- HTML ----

html_theme = "pydata_sphinx_theme"
html_title = f"skebm {version}"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_copy_source = False
html_show_sourcelink = False
html_sidebars = {  # pages without others beside them
    page: []
    for page in (
        "install",
        "getting_started",
        "performance",
        "scaling_out",
        "glossary",
        "contributing",
        "references",
        "changelog",
    )
}
html_theme_options = {
    "navbar_align": "left",
    "navbar_persistent": ["search-button"],
    "header_links_before_dropdown": 6,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
}


def unlink_scikit_learn(*event):
    """Turn references to scikit-learn's own pages into their text.

    Methods that come from scikit-learn refer to labels of its documentation,
    which exist only where its inventory was fetched.
    """
    _app, _what, _name, obj, _options, lines = event
    if not getattr(obj, "__module__", "").startswith("sklearn."):
        return
    for number, line in enumerate(lines):
        lines[number] = re.sub(
            r":(?:ref|term):`([^`<]*?)(?:\s*<[^`>]*>)?`", r"\1", line
        )


def setup(app):
    """Connect what the build needs beyond the extensions."""
    if not LINK_TO_OTHER_PROJECTS:
        # Before numpydoc, which rewrites the same lines.
        app.connect("autodoc-process-docstring", unlink_scikit_learn, priority=100)
