"""Weights of rows, of which many are alike."""

__all__ = ["similarity_weights"]

from numbers import Real

import numpy as np

from skebm.estimator.table_checks import as_any_table
from skebm.estimator.table_columns import read_columns
from skebm.estimator.validation import Interval, validate_params
from skebm.units.data import row_blocks


@validate_params(
    {
        "X": ["array-like"],
        "threshold": [Interval(Real, 0, 1, closed="right")],
    },
    prefer_skip_nested_validation=True,
)
def similarity_weights(X, *, threshold=0.8):
    """Weigh each row by one over the number of rows that are like it.

    For rows that are no independent draws, such as the sequences of related species
    [1]_: a group of near copies then counts about as much as a single row. Pass the
    weights to `fit` as `sample_weight`. Their sum says as how many rows the table
    counts.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Categories. Whatever a column holds, values are equal or not.
    threshold : float, default=0.8
        Rows are alike if at least this share of their values is equal, in (0, 1]. By 1
        copies of a row count as one. A missing value equals none.

    Returns
    -------
    weights : ndarray of shape (n_samples,)
        In (0, 1]: each row is like itself, whatever it misses.

    Raises
    ------
    ValueError
        If `X` is not a table of two dimensions with a row and a column at least.

    See Also
    --------
    skebm.MarkovRandomField : The model of direct coupling analysis.

    Notes
    -----
    Each two rows are compared, in all columns: 5000 rows of 100 columns take a second
    or two.

    References
    ----------
    .. [1] Morcos, F. et al. (2011). Direct-coupling analysis of residue coevolution
       captures native contacts across many protein families. PNAS 108(49),
       E1293-E1301. :doi:`10.1073/pnas.1111471108`

    Examples
    --------
    >>> from skebm import similarity_weights
    >>> X = [list("ACDEF"), list("ACDEG"), list("GHIKL")]
    >>> similarity_weights(X)
    array([0.5, 0.5, 1. ])
    """
    columns = read_columns(as_any_table(X, "similarity_weights"))
    codes = np.stack([_codes(column) for column in columns])
    n_columns, n_rows = codes.shape
    # Shares are compared as counts, which rounding cannot move across the threshold.
    least = np.ceil(threshold * n_columns - 1e-9)
    n_alike = np.empty(n_rows)
    for block in row_blocks(n_rows, n_rows):
        n_equal = np.zeros((block.stop - block.start, n_rows), dtype=np.int32)
        for own in codes:
            n_equal += (own[block, np.newaxis] == own) & (own >= 0)
        alike = n_equal >= least
        alike[np.arange(len(alike)), np.arange(block.start, block.stop)] = True
        n_alike[block] = alike.sum(axis=1)
    return 1 / n_alike


def _codes(column):
    """Give values of a column numbers from 0 on, -1 where they are missing."""
    numbers = {}
    return np.array(
        [
            -1 if missing else numbers.setdefault(value, len(numbers))
            for value, missing in zip(column.values, column.missing, strict=True)
        ],
        dtype=np.int32,
    )
