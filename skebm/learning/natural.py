"""The natural gradient, with a metric in two factors."""

__all__ = [
    "MAX_FULL_FACTOR",
    "KroneckerMetric",
    "Metric",
    "blended",
    "damped_power",
    "second_moment",
    "shortening",
]

from copy import copy

import numpy as np

# Added to the variance of each unit. The least that keeps units that hardly
# ever change, and noise in the moments, from directing the step.
_DAMPING = 0.01

# Factors of more columns would take longer than the gradient itself; only
# their diagonals are used.
MAX_FULL_FACTOR = 1025

# Share of a new sample in the moments.
_SHARE = 0.2

# The natural gradient has both at -1. Gradients of many data are strongest, and
# least noisy, along the leading correlations of the features: going there somewhat
# faster than the metric says gained up to half a nat, and lost nothing elsewhere.
_VISIBLE_POWER = -0.5
_HIDDEN_POWER = -1.0


class Metric:
    """What metrics have in common: `step`, from the `natural` of each."""

    def step(self, gradient, rate):
        """Give a step along the natural gradient.

        Parameters
        ----------
        gradient : ndarray
            Of the parameters, as the machine has them in learning.
        rate : float
            Step size, which `shortening` may lower.

        Returns
        -------
        direction : ndarray
            What to add to the parameters.
        rate : float
            By how much the natural gradient was multiplied.
        """
        direction = self.natural(gradient)
        rate *= shortening(float(np.vdot(gradient, direction)))
        direction *= np.float32(rate)
        return direction, rate

    def favours_rows(self, n_rows):
        """Say whether a step is better made of the rows that a gradient is a sum of."""
        return False


class KroneckerMetric(Metric):
    """Metric of a matrix of weights, as a product of two factors.

    The gradient G of the log-likelihood by the weight between units j and i is a
    difference of means of h_j v_i. Taking the two as independent, its covariance
    is the product of those of the hidden and of the visible units [1]_, and the
    natural gradient [2]_ is C_h^-1 G C_v^-1, which does not depend on how strongly
    the units vary or how they are correlated. What is used is C_h^-1 G C_v^-1/2,
    halfway between the gradient and the natural one in the visible units.

    Parameters
    ----------
    visible_moment : ndarray of shape (n_columns, n_columns) or (n_columns,)
        Second moments of the centred visible units and the constant, or their
        diagonal only.
    hidden_moment : ndarray of shape (n_rows, n_rows) or (n_rows,)
        Likewise of the hidden units.

    References
    ----------
    .. [1] Martens, J. and Grosse, R. (2015). Optimizing neural networks with
       Kronecker-factored approximate curvature. ICML, 2408-2417.
    .. [2] Amari, S. (1998). Natural gradient works efficiently in learning.
       Neural Computation 10, 251-276.
    """

    def __init__(self, visible_moment, hidden_moment):
        self.visible_moment = visible_moment
        self.hidden_moment = hidden_moment
        self.visible_factor = damped_power(visible_moment, _VISIBLE_POWER)
        self.hidden_factor = damped_power(hidden_moment, _HIDDEN_POWER)

    @classmethod
    def start(cls, visible_rows, n_hidden, *, diagonal=False):
        """Begin with hidden units that are on half of the time, independently.

        Parameters
        ----------
        visible_rows : ndarray of shape (n_sample, n_columns)
            A sample of prepared rows.
        n_hidden : int
            Number of hidden units.
        diagonal : bool, default=False
            Whether to use the diagonals only, as wide layers always do.
        """
        full_visible = not diagonal and visible_rows.shape[1] <= MAX_FULL_FACTOR
        full_hidden = not diagonal and n_hidden < MAX_FULL_FACTOR
        hidden_moment = np.append(np.full(n_hidden, 0.25), 1.0)
        return cls(
            second_moment(visible_rows, full=full_visible),
            np.diag(hidden_moment) if full_hidden else hidden_moment,
        )

    def diagonal(self):
        """Return the metric with the diagonals of the same moments."""
        moments = (self.visible_moment, self.hidden_moment)
        return KroneckerMetric(*(m if m.ndim == 1 else np.diag(m) for m in moments))

    def updated(self, *, visible_rows=None, hidden_rows=None):
        """Follow the moments of new rows of centred units, where given."""
        after = copy(self)
        if visible_rows is not None:
            after.visible_moment = blended(self.visible_moment, visible_rows)
            after.visible_factor = damped_power(after.visible_moment, _VISIBLE_POWER)
        if hidden_rows is not None:
            after.hidden_moment = blended(self.hidden_moment, hidden_rows)
            after.hidden_factor = damped_power(after.hidden_moment, _HIDDEN_POWER)
        return after

    def natural(self, gradient):
        """Turn a gradient into a natural one."""
        if self.hidden_factor.ndim == 1:
            result = gradient * self.hidden_factor[:, np.newaxis]
        else:
            result = np.dot(self.hidden_factor, gradient)
        return _times(result, self.visible_factor)

    def favours_rows(self, n_rows):
        """Say whether `step_of_rows` takes fewer multiplications than `step`."""
        n_hidden, n_visible = len(self.hidden_factor), len(self.visible_factor)
        factors = (self.hidden_factor, self.visible_factor)
        widths = [len(factor) for factor in factors if factor.ndim == 2]
        of_rows = n_rows * sum(width**2 for width in widths)
        of_rows += n_rows**2 * (n_hidden + n_visible)
        return of_rows < n_hidden * n_visible * sum(widths)

    def step_of_rows(self, hidden, visible, rate):
        """Give the `step` along the gradient ``hidden.T @ visible``.

        The factors turn the rows, which are fewer than the units of a layer, and so
        is the squared length a sum over pairs of rows.

        Parameters
        ----------
        hidden : ndarray of shape (n_rows, n_hidden + 1)
            Centred hidden units and the constant, times the weights of the rows.
        visible : ndarray of shape (n_rows, n_visible + 1)
            Centred visible units and the constant.
        rate : float
            Step size, which `shortening` may lower.

        Returns
        -------
        direction : ndarray of shape (n_hidden + 1, n_visible + 1)
            What to add to the parameters.
        rate : float
            By how much the natural gradient was multiplied.
        """
        turned_hidden = _times(hidden, self.hidden_factor)
        turned_visible = _times(visible, self.visible_factor)
        alike_hidden = np.dot(turned_hidden, hidden.T)
        alike_visible = np.dot(turned_visible, visible.T)
        rate *= shortening(float(np.vdot(alike_hidden, alike_visible)))
        turned_hidden *= np.float32(rate)
        return np.dot(turned_hidden.T, turned_visible), rate

    def scales(self):
        """Give what each weight's gradient is multiplied by, of diagonal factors."""
        return np.outer(self.hidden_factor, self.visible_factor)[:-1, :-1]


def _times(rows, factor):
    """Multiply rows by a symmetric factor, or by its diagonal."""
    return rows * factor if factor.ndim == 1 else np.dot(rows, factor)


def shortening(squared_length):
    """Give the factor by which a natural step is shortened to a length of 1 at most.

    The squared length of a natural gradient is its product with the gradient: with
    the full metric, and independent units, twice the divergence in nats of the law
    after a step of that size from the law before it. Where it exceeds 1, most of it
    is the noise of many parameters.
    """
    return 1 / np.sqrt(max(squared_length, 1.0))


def second_moment(rows, *, full):
    """Compute the second moments of rows of units, or their diagonal."""
    if full:
        return np.dot(rows.T, rows) / len(rows)
    return np.einsum("ij,ij->j", rows, rows) / len(rows)


def blended(moment, rows):
    """Let second moments follow those of new rows."""
    return (1 - _SHARE) * moment + _SHARE * second_moment(rows, full=moment.ndim == 2)


def damped_power(moment, power):
    """Raise damped second moments to a power; the constant, last, is not damped."""
    damping = np.full(len(moment), _DAMPING)
    damping[-1] = 0
    if moment.ndim == 1:
        return ((moment + damping) ** power).astype(np.float32)
    damped = moment + np.diag(damping)
    if power == -1:
        return np.linalg.inv(damped).astype(np.float32)
    values, vectors = np.linalg.eigh(damped)
    return ((vectors * values**power) @ vectors.T).astype(np.float32)
