"""Tables given back as `set_output` asks for them."""

__all__ = [
    "as_container",
    "as_typed_container",
    "part_of",
]

from copy import copy

from sklearn.utils._set_output import ADAPTERS_MANAGER, _get_output_config

from skebm.estimator.validation import feature_names


def as_container(estimator, table, original=None, names=None):
    """Give rows as what `set_output` asks for, under the names of the features.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    table : ndarray of shape (n_rows, n_features)
        Rows.
    original : object, default=None
        What a user passed with as many rows, of which a frame has the index.
    names : ndarray of str, default=None
        Of the columns. None: those of the features.
    """
    kind = _get_output_config("transform", estimator)["dense"]
    if kind == "default":
        return table
    adapter = ADAPTERS_MANAGER.adapters[kind]
    names = feature_names(estimator) if names is None else names
    return adapter.create_container(table, original, columns=names, inplace=False)


def as_typed_container(estimator, table, columns, original=None):
    """Do as `as_container` with a table of objects, of which frames know the dtypes.

    Parameters
    ----------
    estimator, table, original
        As of `as_container`.
    columns : list of array-like
        The columns of the table.
    """
    frame = as_container(estimator, table, original)
    if hasattr(frame, "infer_objects"):
        return frame.infer_objects()
    if hasattr(frame, "get_columns"):
        return type(frame)(dict(zip(frame.columns, columns, strict=True)))
    return frame


def part_of(estimator, part):
    """View an estimator that is a part of another, giving tables as this one does."""
    part = copy(part)
    vars(part).pop("_sklearn_output_config", None)  # which would be shared
    kind = _get_output_config("transform", estimator)["dense"]
    return part.set_output(transform=kind)
