"""An L1 penalty as strong as rows held out ask for, found while learning goes on."""

__all__ = ["SHRINKING_PERIOD", "Shrinking", "shrunk", "wanted_strength"]

import numpy as np

# The pull is much the same from one update to the next, and costs as much as one: it
# is applied once for so many.
SHRINKING_PERIOD = 10

# A weight that changes the odds of a unit by less than a tenth is as good as zero: it
# moves back and forth with the steps, and its sign means nothing.
_NEGLIGIBLE_WEIGHT = 0.1

# How far from none the strength is before any rows are seen, times their number n: an
# L1 penalty of strength alpha is a prior of weights that are 1 / (n alpha) in size, and
# tables asked for n alpha of 0 to 9. None is expected where rows tell nothing: with the
# mean of these in its place plants lost 0.09 nats.
_USUAL_SPREAD = 3.0

# Rows learned from that are compared with those held out, drawn anew each time.
_COMPARED_ROWS = 1000

# Share of the way to what is wanted that the strength takes after each stage.
_SHARE = 0.1


class Shrinking:
    """Finds how strong the penalty has to be, in the same run that it is for.

    Parameters
    ----------
    rows : Rows
        Rows learned from.
    held_out : Rows
        Rows held out. Of neither a value is missing.
    rng : numpy.random.Generator
        Source of the rows that are compared.

    Attributes
    ----------
    strength : float
        Of the penalty, by what was seen so far; none at the start.
    """

    def __init__(self, rows, held_out, rng):
        self._rows, self._rng = rows, rng
        self._held_out = held_out.take(slice(None))
        self._weights = held_out.weights
        self._n_rows = rows.total_weight
        self.strength = 0.0

    def follow(self, state):
        """Look at the average of the machines, and give `state` the strength found."""
        learned = self._rows.drawn(_COMPARED_ROWS, self._rng).take(slice(None))
        wanted, error = wanted_strength(
            state.averaged, state.metric, learned, self._held_out, self._weights
        )
        expected = _expected(wanted, error, self._n_rows)
        self.strength = max(0.0, self.strength + _SHARE * (expected - self.strength))
        state.shrinkage = self.strength


def _expected(wanted, error, n_rows):
    """Compute the mean strength given what is wanted, with that error, and a prior."""
    spread = _USUAL_SPREAD / n_rows
    return wanted * spread**2 / (spread**2 + error**2)


def wanted_strength(energy, metric, learned, held_out, weights=None):
    """Compute the strength of an L1 penalty at which rows held out gain no more.

    At the optimum under a penalty of strength alpha, the gradient g of the likelihood
    of the rows learned from is alpha times the signs s of the weights that are not
    zero. A stronger penalty moves the weights along -C s, with a metric C, so that rows
    held out, with a gradient g', gain by it as long as g' . C s < 0 [1]_ [2]_. So they
    gain no more at

        alpha = (g - g') . C s / (s . C s) ,

    in which what the machine says of its own draws cancels: only the statistics of the
    rows are left, and there is no noise of chains.

    Parameters
    ----------
    energy : RBMEnergy
        Near its optimum; before, the value is that at which an optimum like it would be
        left.
    metric : Metric or None
        Natural directions of learning; None are those of the gradient.
    learned, held_out : ndarray of shape (n_rows, n_visible)
        Rows learned from, and others.
    weights : ndarray of shape (n_held_out,), default=None
        What each row held out counts.

    Returns
    -------
    strength : float
        Negative where rows held out agree with the weights more than rows learned from
        do. 0, for sure, where no weight counts: there is nothing to hold back.
    error : float
        Its standard error, by how much rows differ.

    References
    ----------
    .. [1] Larsen, J., Svarer, C., Andersen, L. N. and Hansen, L. K. (1998). Adaptive
       regularization in neural network modeling. Neural Networks: Tricks of the Trade,
       113-132. :doi:`10.1007/3-540-49430-8_6`
    .. [2] Luketina, J., Berglund, M., Greff, K. and Raiko, T. (2016). Scalable
       gradient-based tuning of continuous regularization hyperparameters. ICML,
       2952-2960.
    """
    signs, step = _pull(energy, metric, _NEGLIGIBLE_WEIGHT)
    # Weights of zero stay there.
    step.penalised[signs.penalised == 0] = 0
    length = np.vdot(signs.penalised, step.penalised)
    if length <= 0:
        return 0.0, 0.0
    agreement = _agreement(energy, step, learned)
    each = _agreement(energy, step, held_out)
    shares = np.full(len(each), 1 / len(each)) if weights is None else weights
    shares = shares / shares.sum()
    mean = shares @ each
    # A single row, or equal ones, do not differ at all, and are no surer for that.
    spread = max(np.sqrt(shares @ (each - mean) ** 2), agreement.std())
    error = spread * np.linalg.norm(shares)
    return float((agreement.mean() - mean) / length), float(error / length)


def _agreement(energy, step, rows):
    """Compute how steeply the score of each row rises along a step, (n_rows,)."""
    hidden, visible = energy.sides(rows.astype(energy.dtype))
    rise = np.dot(hidden, step.matrix) * visible
    return rise.sum(axis=1, dtype=np.float64)


def shrunk(energy, metric, amount):
    """Give the energy after a step towards weights of zero.

    The step is natural, as those of learning are. It crosses zero where a weight is
    smaller than the step, so that no weight is exactly zero.

    Parameters
    ----------
    energy : Energy
        Whose weights are to be smaller.
    metric : Metric or None
        As of `wanted_strength`.
    amount : float
        Step size times strength of the penalty.
    """
    _, step = _pull(energy, metric)
    step *= np.float32(-amount)
    return step + energy


def _pull(energy, metric, least=0.0):
    """Give the signs of the weights beyond some size, and their natural direction."""
    signs = energy.with_arrays([np.zeros_like(array) for array in energy.arrays()])
    weights = energy.penalised
    np.copyto(signs.penalised, np.sign(weights), where=np.abs(weights) > least)
    return signs, signs if metric is None else energy.natural(signs, metric.turn)
