"""The elastic-net penalty of the weights."""

__all__ = ["SplitPenalty", "elastic_net", "shrink_elastic_net"]

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


class SplitPenalty:
    """Elastic-net penalty of the first coordinates of a vector, the weights.

    Under an L1 part each weight is the difference of two variables that are not
    negative, and the penalty is linear in both [1]_: then it is smooth, and a
    weight is exactly zero where both variables are at their bounds. Without one
    the variables are the vector itself.

    Parameters
    ----------
    weight_scale : ndarray of shape (n_weights,)
        What the penalised weights are multiplied by to give coordinates.
    alpha, l1_ratio : float
        Strength, and share of the L1 part.

    References
    ----------
    .. [1] Schmidt, M., Fung, G. and Rosales, R. (2007). Fast optimization methods
       for L1 regularization: a comparative study and two new approaches. ECML,
       286-297. :doi:`10.1007/978-3-540-74958-5_28`
    """

    def __init__(self, weight_scale, alpha, l1_ratio):
        self.n_weights = len(weight_scale)
        self.has_bounds = alpha * l1_ratio > 0
        self._l1 = alpha * l1_ratio / weight_scale
        self._l2 = alpha * (1 - l1_ratio) / weight_scale**2

    def variables(self, vector):
        """Give the variables of a vector."""
        if not self.has_bounds:
            return vector
        weights, biases = np.split(vector, [self.n_weights])
        return np.concatenate([np.maximum(weights, 0), np.maximum(-weights, 0), biases])

    def vector(self, variables):
        """Give the vector of variables."""
        if not self.has_bounds:
            return variables
        positive, negative, biases = self._split(variables)
        return np.concatenate([positive - negative, biases])

    def bounds(self, n_variables):
        """List the lowest and highest value of each variable, or None."""
        if not self.has_bounds:
            return None
        lowest = np.full(n_variables, -np.inf)
        lowest[: 2 * self.n_weights] = 0
        return np.column_stack([lowest, np.full(n_variables, np.inf)])

    def cost(self, variables):
        """Compute the penalty, in nats."""
        weights = self.vector(variables)[: self.n_weights]
        cost = self._l2 @ weights**2 / 2
        if self.has_bounds:
            positive, negative, _ = self._split(variables)
            cost += self._l1 @ (positive + negative)
        return float(cost)

    def penalised(self, gradient, variables):
        """Turn a gradient by the vector into that less the penalty's, by variables."""
        gradient = gradient.copy()
        weights = self.vector(variables)[: self.n_weights]
        gradient[: self.n_weights] -= self._l2 * weights
        if not self.has_bounds:
            return gradient
        weights, biases = np.split(gradient, [self.n_weights])
        return np.concatenate([weights - self._l1, -weights - self._l1, biases])

    def slope(self, variables, gradient):
        """Compute the largest derivative that no bound stops from being climbed."""
        if self.has_bounds:
            split = slice(2 * self.n_weights)
            gradient = gradient.copy()
            gradient[split] = np.maximum(gradient[split], -variables[split])
        return float(np.abs(gradient).max())

    def _split(self, variables):
        return np.split(variables, [self.n_weights, 2 * self.n_weights])
