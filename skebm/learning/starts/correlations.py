"""Where learning starts: weights that already say which features go together."""

__all__ = ["sample_size", "start_weights"]

import numpy as np

# Small beside the weights that data call for; breaks the symmetry of the units.
_NOISE = 0.01

# Of more columns only the rows of the correlation matrix are made that are asked for.
_MOST_WHOLE_COLUMNS = 1024

# Correlations within so many standard errors of zero are taken as none.
_SIGNIFICANCE = 4

# A unit that stands by one feature alone follows it without freezing to it.
_LARGEST_SCALE = 2.0

# The visible units couple through the hidden ones by about W'W / 4; where this
# times their variances reaches 1 they all order together. Units that are rarely on
# vary more when others turn them on, so the largest variance counts.
_STRONGEST_COUPLING = 0.5
_LARGEST_VARIANCE = 0.25

# What the start of learning knows of the data: enough for their correlations,
# within 32 MiB.
_MAX_SAMPLE_ROWS = 5000
_MAX_SAMPLE_ELEMENTS = 2**22


def sample_size(n_columns):
    """Say how many rows the start of learning looks at."""
    return min(_MAX_SAMPLE_ROWS, 1 + _MAX_SAMPLE_ELEMENTS // n_columns)


def start_weights(centred_rows, n_hidden, rng):
    """Give each hidden unit a feature and those that are correlated with it.

    The weights are rows of the correlation matrix, without the entries that
    could be chance. Their features are picked by pivoted Cholesky decomposition:
    each next one is that which those picked say least about. Learning that
    starts from noise must first tell the units apart, and where most of the
    structure is local, in a small table, or under a penalty, it often does not.
    The scale leaves the machine far from ordered, so that its visible units
    nearly keep the means that their biases give.

    Parameters
    ----------
    centred_rows : ndarray of shape (n_sample, n_visible)
        A sample of the data, less its mean.
    n_hidden : int
        Number of hidden units; those beyond the number of features get noise.
    rng : numpy.random.Generator
        Source of the noise.

    Returns
    -------
    weights : ndarray of shape (n_hidden, n_visible)
        In float64.
    """
    weights = rng.normal(0, _NOISE, (n_hidden, centred_rows.shape[1]))
    chosen = _pivot_rows(*_correlation(centred_rows), n_hidden)
    if len(chosen) > 0:
        coupling = _squared_norm(chosen) * _LARGEST_VARIANCE / 4
        scale = min(_LARGEST_SCALE, np.sqrt(_STRONGEST_COUPLING / coupling))
        weights[: len(chosen)] += scale * chosen
    return weights


def _correlation(centred_rows):
    """Give what gives a row of the correlation matrix, less chance, and who varies."""
    n_rows, n_visible = centred_rows.shape
    chance = _SIGNIFICANCE / np.sqrt(n_rows)
    if n_visible <= _MOST_WHOLE_COLUMNS:
        covariance = centred_rows.T @ centred_rows / n_rows
        deviation = np.sqrt(np.diag(covariance))
        unit = np.where(deviation > 0, deviation, 1)
        correlation = covariance / np.outer(unit, unit)
        correlation[np.abs(correlation) < chance] = 0
        return correlation.__getitem__, np.diag(correlation) > 0
    # Each row is a product of the table with one of its columns: half as many bytes
    # take half the time.
    columns = np.ascontiguousarray(centred_rows.T, dtype=np.float32)
    deviation = np.sqrt(np.einsum("ij,ij->i", columns, columns))
    columns /= np.where(deviation > 0, deviation, 1)[:, np.newaxis]

    def row_of(column):
        row = np.dot(columns, columns[column]).astype(np.float64)
        row[np.abs(row) < chance] = 0
        return row

    return row_of, (deviation > 0) & (chance <= 1)


def _squared_norm(rows):
    """Give the square of the largest singular value."""
    if rows.shape[1] <= _MOST_WHOLE_COLUMNS:
        return np.linalg.norm(rows, 2) ** 2
    return np.linalg.eigvalsh(rows @ rows.T)[-1]


def _pivot_rows(row_of, varies, n_pivots):
    """List rows by pivoted Cholesky decomposition, the least explained first.

    Parameters
    ----------
    row_of : callable
        Gives the row of the correlation matrix of a column.
    varies : ndarray of bool of shape (n_columns,)
        Which columns may be pivots.
    n_pivots : int
        Number of rows at most.

    Returns
    -------
    rows : ndarray of shape (n_rows, n_columns)
        The rows of the pivots.
    """
    # Exactly 1 or 0, so that ties go to the first and not to rounding.
    left = varies.astype(float)
    columns = np.empty((min(n_pivots, len(left)), len(left)))
    rows, pivots = [], []
    for n_done, column in enumerate(columns):
        pivot = int(np.argmax(left))
        if left[pivot] <= 0:
            break
        known, row = columns[:n_done], row_of(pivot)
        column[:] = (row - known[:, pivot] @ known) / np.sqrt(left[pivot])
        left -= column**2
        rows.append(row)
        pivots.append(pivot)
        left[pivots] = 0
    return np.reshape(rows, (-1, len(left)))
