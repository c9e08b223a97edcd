"""What the field of a unit must exceed for the unit to be on after its update.

All that differs between Gibbs sampling and Metropolis' rule is the law of this
threshold. It does not depend on the field, so that many are drawn at once and an
update is one comparison.
"""

__all__ = ["gibbs_thresholds", "metropolis_thresholds"]

import numpy as np


def gibbs_thresholds(uniform, on):
    """Turn uniform variates into thresholds of Gibbs sampling.

    They follow the standard logistic law: a unit of log-odds x is on with
    probability 1 / (1 + exp(-x)), whatever it was.

    Parameters
    ----------
    uniform : ndarray of shape (n_units, n_rows)
        Variates between -1 and 1.
    on : ndarray of shape (n_units, n_rows)
        Not looked at.

    Returns
    -------
    thresholds : ndarray of shape (n_units, n_rows)
        2 artanh(uniform), of the same dtype.
    """
    # The logarithm is vectorised on more machines than the arcus tangent is.
    thresholds = 1 + uniform
    thresholds /= 1 - uniform
    return np.log(thresholds, out=thresholds)


def metropolis_thresholds(uniform, on):
    """Turn uniform variates into thresholds of Metropolis' rule.

    Each unit proposes to flip, and does so with probability min(1, exp(-rise))
    where `rise` is that of the energy: the field x for a unit that is on, and -x
    for one that is off. It is compared with the logarithm of a variate between 0
    and 1.

    Parameters
    ----------
    uniform : ndarray of shape (n_units, n_rows)
        Variates between -1 and 1.
    on : ndarray of shape (n_units, n_rows)
        Boolean, which units are on before the update.

    Returns
    -------
    thresholds : ndarray of shape (n_units, n_rows)
        Below 0 for units that are off, above 0 for those that are on.
    """
    thresholds = 1 + uniform
    thresholds *= 0.5
    np.log(thresholds, out=thresholds)
    return np.negative(thresholds, out=thresholds, where=on)
