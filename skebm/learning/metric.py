"""Natural gradients: metrics of matrices of weights, made of moments of units."""

__all__ = [
    "HIDDEN_POWER",
    "MAX_FULL_FACTOR",
    "VISIBLE_POWER",
    "KroneckerMetric",
    "Metric",
    "blended",
    "damped_power",
    "diagonal_of",
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
VISIBLE_POWER = -0.5
HIDDEN_POWER = -1.0


class Metric:
    """What metrics have in common: a step, from how each turns a matrix.

    A metric of moments also follows the units as they change, `follow_visible` and
    `follow_hidden`, and can do with the `diagonal` of these; others stay as they are.
    It gives the `scales` of weights where it is diagonal.
    """

    def step(self, energy, gradient, rate, seen=None):
        """Give a step along the natural gradient.

        Parameters
        ----------
        energy, gradient : Energy
            Where the step begins, and the gradient there.
        rate : float
            Step size, which `shortening` may lower.
        seen : tuple of (batch, chains), default=None
            Visible rows, and chains, that made the gradient. Some metrics are made of
            them.

        Returns
        -------
        direction : Energy
            What to add to the energy.
        rate : float
            By how much the natural gradient was multiplied.
        """
        direction = energy.natural(gradient, self.turn)
        pairs = zip(gradient.arrays(), direction.arrays(), strict=True)
        rate *= shortening(sum([float(np.vdot(*pair)) for pair in pairs]))
        direction *= np.float32(rate)
        return direction, rate

    def favours_rows(self, n_rows):
        """Say whether a step is better made of the rows that a gradient is a sum of."""
        return False

    def diagonal(self):
        """Return the metric with the diagonals of its moments, if it has any."""
        return self

    def follow_visible(self, energy, batch):
        """Let moments of visible units follow those of new rows, if there are any."""
        return self

    def follow_hidden(self, energy, batch):
        """Let moments of hidden units follow those given new rows, if there are any."""
        return self


class KroneckerMetric(Metric):
    """Metric of a matrix of weights between layers, as a product of two factors.

    The gradient G of the log-likelihood by the weight between units j and i is a
    difference of means of h_j v_i. Taking the two as independent, its covariance
    is the product of those of the hidden and of the visible units [1]_, and the
    natural gradient [2]_ is C_h^-1 G C_v^-1, which does not depend on how strongly
    the units vary or how they are correlated. What is used is C_h^-1 G C_v^-1/2,
    halfway between the gradient and the natural one in the visible units.

    Parameters
    ----------
    visible_moment : ndarray of shape (n_columns, n_columns) or (n_columns,) or None
        Second moments of the centred visible units and the constant, or their
        diagonal only. None where they are in units of their noise.
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
        self.visible_factor = None
        if visible_moment is not None:
            self.visible_factor = damped_power(visible_moment, VISIBLE_POWER)
        self.hidden_factor = damped_power(hidden_moment, HIDDEN_POWER)

    @classmethod
    def start(cls, energy, sample, *, diagonal=False):
        """Begin with a sample of visible rows, hidden units as often in any state.

        The sample is None where rows are in units of their noise. With `diagonal` the
        diagonals only are used, as wide layers always do.
        """
        n_hidden = energy.n_hidden
        free = energy.hidden.mean(np.zeros((1, n_hidden)))[0]
        hidden_moment = np.append(energy.hidden.variance(free), 1.0)
        if not diagonal and n_hidden < MAX_FULL_FACTOR:
            hidden_moment = np.diag(hidden_moment)
        visible_moment = None
        if sample is not None:
            rows = energy.sides(sample)[1]
            full = not diagonal and rows.shape[1] <= MAX_FULL_FACTOR
            visible_moment = second_moment(rows, full=full)
        return cls(visible_moment, hidden_moment)

    def diagonal(self):
        """Return the metric with the diagonals of the same moments."""
        return KroneckerMetric(
            *map(diagonal_of, (self.visible_moment, self.hidden_moment))
        )

    def follow_visible(self, energy, batch):
        """Let the moments of visible units follow those of new rows."""
        if self.visible_moment is None:
            return self
        after = copy(self)
        rows = energy.sides(batch)[1]
        after.visible_moment = blended(self.visible_moment, rows)
        after.visible_factor = damped_power(after.visible_moment, VISIBLE_POWER)
        return after

    def follow_hidden(self, energy, batch):
        """Let the moments of hidden units follow those given new rows."""
        after = copy(self)
        after.hidden_moment = blended(self.hidden_moment, energy.sides(batch)[0])
        after.hidden_factor = damped_power(after.hidden_moment, HIDDEN_POWER)
        return after

    def turn(self, matrix):
        """Turn the gradient of a matrix of weights into a natural one."""
        if self.hidden_factor.ndim == 1:
            result = matrix * self.hidden_factor[:, np.newaxis]
        else:
            result = np.dot(self.hidden_factor, matrix)
        return _times(result, self.visible_factor)

    def favours_rows(self, n_rows):
        """Say whether `step_of_rows` takes fewer multiplications than `step`."""
        if self.visible_factor is None:
            return False
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
        hidden = self.hidden_factor[:-1, np.newaxis]
        if self.visible_factor is None:
            return hidden
        return hidden * self.visible_factor[:-1]


def _times(rows, factor):
    """Multiply rows by a symmetric factor, by its diagonal, or by 1."""
    if factor is None:
        return rows
    return rows * factor if factor.ndim == 1 else np.dot(rows, factor)


def diagonal_of(moment):
    """Give the diagonal of second moments, or what has none but that."""
    return moment if moment is None or moment.ndim == 1 else np.diag(moment)


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
    # None is as small, unless what is no moment was put in for some.
    values = np.maximum(values, _DAMPING / 10)
    return ((vectors * values**power) @ vectors.T).astype(np.float32)
