"""Where learning starts: weights that already say which features go together."""

__all__ = ["sample_size", "start_weights"]

import numpy as np

# Small beside the weights that data call for; breaks the symmetry of the units.
_NOISE = 0.01

# More columns would take longer than the learning that they spare.
_MAX_CORRELATED = 1024

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
        A sample of the data, less its mean. If wider than 1024, all of the weights
        are noise.
    n_hidden : int
        Number of hidden units; those beyond the number of features get noise.
    rng : numpy.random.Generator
        Source of the noise.

    Returns
    -------
    weights : ndarray of shape (n_hidden, n_visible)
        In float64.
    """
    n_rows, n_visible = centred_rows.shape
    weights = rng.normal(0, _NOISE, (n_hidden, n_visible))
    if n_visible > _MAX_CORRELATED:
        return weights
    covariance = centred_rows.T @ centred_rows / n_rows
    deviation = np.sqrt(np.diag(covariance))
    unit = np.where(deviation > 0, deviation, 1)
    correlation = covariance / np.outer(unit, unit)
    correlation[np.abs(correlation) < _SIGNIFICANCE / np.sqrt(n_rows)] = 0
    chosen = correlation[_pivots(correlation, n_hidden)]
    if len(chosen) > 0:
        coupling = np.linalg.norm(chosen, 2) ** 2 * _LARGEST_VARIANCE / 4
        scale = min(_LARGEST_SCALE, np.sqrt(_STRONGEST_COUPLING / coupling))
        weights[: len(chosen)] += scale * chosen
    return weights


def _pivots(correlation, n_pivots):
    """List features by pivoted Cholesky decomposition, the least explained first."""
    # Exactly 1 or 0, so that ties go to the first and not to rounding.
    left = (np.diag(correlation) > 0).astype(float)
    columns = np.empty((min(n_pivots, len(left)), len(left)))
    pivots = []
    for n_done, column in enumerate(columns):
        pivot = int(np.argmax(left))
        if left[pivot] <= 0:
            break
        known = columns[:n_done]
        column[:] = (correlation[pivot] - known[:, pivot] @ known) / np.sqrt(
            left[pivot]
        )
        left -= column**2
        pivots.append(pivot)
        left[pivots] = 0
    return pivots
