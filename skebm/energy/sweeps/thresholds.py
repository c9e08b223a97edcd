"""What the weights of others must exceed for a unit to be on after its update.

All that differs between Gibbs sampling and Metropolis' rule is the law of this
threshold. It does not depend on the others, so that many are drawn at once and an
update is one comparison.
"""

__all__ = ["gibbs_thresholds", "metropolis_thresholds"]

import numpy as np


def gibbs_thresholds(uniform, bias, chains, members):
    """Turn uniform variates into thresholds of Gibbs sampling.

    With the bias they follow the standard logistic law: a unit of log-odds x is on
    with probability 1 / (1 + exp(-x)), whatever it was.

    Parameters
    ----------
    uniform : ndarray of shape (n_members, n_rows)
        Variates between -1 and 1.
    bias : ndarray of shape (n_members, n_rows) or (n_members, 1)
        Log-odds of the units on their own, in each row or in all.
    chains : Chains
        Only looked at for the dtype.
    members : slice or ndarray of int
        Not looked at.

    Returns
    -------
    thresholds : ndarray of shape (n_members, n_rows)
        2 artanh(uniform) less the bias, of the dtype of the chains' beta.
    """
    # The logarithm is vectorised on more machines than the arcus tangent is.
    thresholds = 1 + uniform
    thresholds /= 1 - uniform
    np.log(thresholds, out=thresholds)
    return _less(bias, thresholds, chains)


def metropolis_thresholds(uniform, bias, chains, members):
    """Turn uniform variates into thresholds of Metropolis' rule.

    Each unit proposes to flip, and does so with probability min(1, exp(-rise))
    where `rise` is that of the energy: the field x for a unit that is on, and -x
    for one that is off. It is compared with the logarithm of a variate between 0
    and 1.

    Parameters
    ----------
    uniform, bias
        As for `gibbs_thresholds`.
    chains : Chains
        Before the update.
    members : slice or ndarray of int
        Which units are updated.

    Returns
    -------
    thresholds : ndarray of shape (n_members, n_rows)
        With the bias below 0 for units that are off, above 0 for those that are
        on.
    """
    thresholds = 1 + uniform
    thresholds *= 0.5
    np.log(thresholds, out=thresholds)
    np.negative(thresholds, out=thresholds, where=chains.on[members])
    return _less(bias, thresholds, chains)


def _less(bias, thresholds, chains):
    thresholds = thresholds.astype(chains.beta.dtype, copy=False)
    thresholds -= bias
    return thresholds
