"""Mean field: the law of independent units that is closest to a coupled one."""

__all__ = ["log_sum_bound", "mean_field"]

import numpy as np
from scipy.special import entr

from skebm.units.binary import logistic

# Rows are done when no mean changes by more in a sweep, or in float32 by more than
# a few roundings. Sweeps only ever improve, so the few that converge slowly may be
# cut short.
_TOLERANCE = 1e-10
_MOST_SWEEPS = 1000


def mean_field(field, couplings, colours, n_sweeps=None):
    """Find the means of independent units that come closest to coupled ones.

    The divergence from the coupled law, in that order the one that mean field
    lowers [1]_, is minimised over units of one colour at a time, given the means of
    the others. No step can raise it, and so nothing has to be damped. Each row
    ends on its own, so that it does not depend on which others are there.

    Parameters
    ----------
    field : ndarray of shape (n_rows, n_units)
        Biases of the units, other in each row.
    couplings : ndarray of shape (n_units, n_units)
        Symmetric with zero diagonal.
    colours : list of ndarray of int
        The units, in classes without couplings inside. Where there is but one, the
        result is exact.
    n_sweeps : int, default=None
        Most sweeps over all units. None makes as many as it takes, up to 1000.

    Returns
    -------
    mean : ndarray of shape (n_rows, n_units)
        Probability of each unit to be on.

    References
    ----------
    .. [1] Saul, L. K., Jaakkola, T. and Jordan, M. I. (1996). Mean field theory for
       sigmoid belief networks. Journal of Artificial Intelligence Research 4, 61-76.
       :doi:`10.1613/jair.251`
    """
    if len(colours) == 1:
        return logistic(field.copy())
    tolerance = max(_TOLERANCE, 16 * np.finfo(field.dtype).eps)
    mean = np.full_like(field, 0.5)
    moving = np.arange(len(field))
    for _ in range(n_sweeps or _MOST_SWEEPS):
        part, bias = mean[moving], field[moving]
        for members in colours:
            own = part @ couplings[:, members]
            own += bias[:, members]
            part[:, members] = logistic(own)
        change = np.abs(part - mean[moving]).max(axis=1)
        mean[moving] = part
        moving = moving[change > tolerance]
        if len(moving) == 0:
            break
    return mean


def log_sum_bound(mean, field, couplings):
    """Bound the log of the sum of exp(-E) over units from below.

    Parameters
    ----------
    mean : ndarray of shape (n_rows, n_units)
        Any means of independent units; those of `mean_field` raise the bound.
    field, couplings
        As for `mean_field`.

    Returns
    -------
    bound : ndarray of shape (n_rows,)
        Mean of -E under the independent law, and its entropy, in nats.
    """
    slope = mean @ couplings
    slope *= 0.5
    slope += field
    bound = np.einsum("ij,ij->i", mean, slope)
    return bound + (entr(mean) + entr(1 - mean)).sum(axis=1)
