"""Where the documentation of an estimator is."""

__all__ = ["DocLinkMixin"]

from importlib.metadata import PackageNotFoundError, metadata


def _documentation():
    """Look up the address that the package was released with; empty without one."""
    try:
        addresses = metadata("skebm").get_all("Project-URL") or []
    except PackageNotFoundError:  # a checkout on the path
        return ""
    named = dict(address.split(", ", 1) for address in addresses)
    return named.get("Documentation", "").rstrip("/")


class DocLinkMixin:
    """The link from the HTML representation to the estimator's page.

    The names are those that scikit-learn gives other packages. They only work for
    classes whose module begins with `_doc_link_module`.
    """

    _doc_link_module = "skebm"

    @property
    def _doc_link_template(self):
        pages = _documentation()
        return f"{pages}/api/generated/skebm.{{estimator_name}}.html" if pages else ""
