"""The elastic-net penalty of the weights."""

__all__ = ["elastic_net", "shrink_elastic_net"]

import numpy as np


def elastic_net(weights, *, alpha, l1_ratio):
    """Compute the penalty that `shrink_elastic_net` takes a step against."""
    lasso, ridge = np.abs(weights).sum(), (weights**2).sum()
    return alpha * (l1_ratio * lasso + (1 - l1_ratio) * ridge / 2)


def shrink_elastic_net(weights, *, rate, alpha, l1_ratio):
    """Take the proximal step of an elastic-net penalty, in place.

    Minimises ``(w - weights)**2 / 2 + rate * penalty(w)`` with

        penalty(w) = alpha * (l1_ratio * |w| + (1 - l1_ratio) * w**2 / 2)

    so that weights become exactly zero under the first term, and no rate is so
    large that the second overshoots.

    Parameters
    ----------
    weights : ndarray
        Overwritten.
    rate, alpha, l1_ratio : float
        Step size, strength and share of the L1 term.
    """
    if l1_ratio > 0:
        magnitude = np.abs(weights)
        magnitude -= rate * alpha * l1_ratio
        np.maximum(magnitude, 0, out=magnitude)
        np.copysign(magnitude, weights, out=weights)
    weights /= 1 + rate * alpha * (1 - l1_ratio)
