"""Learning with the whole gradient under penalties that make whole cliques zero."""

__all__ = ["GroupLasso", "ProximalAscent"]

from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skebm.learning.whole_data import WholeDataLearner
from skebm.warning import warn_user

# Each step may be this much longer than the last, and is halved where it is too long.
_LONGER, _SHORTER = 1.25, 0.5


class GroupLasso:
    """Penalty of the norms of groups of weights [1]_, beside one of their squares.

    It is ``alpha * (l1_ratio * sum over groups of sqrt(size) * |w|_2 + (1 - l1_ratio)
    / 2 * |w|_2**2)``: a group becomes zero as a whole.

    Parameters
    ----------
    sizes : ndarray of int of shape (n_groups,)
        Numbers of weights of groups, which lie one after the other.
    alpha, l1_ratio : float
        Strength, and share of the norms.

    References
    ----------
    .. [1] Yuan, M. and Lin, Y. (2006). Model selection and estimation in regression
       with grouped variables. Journal of the Royal Statistical Society B 68(1), 49-67.
       :doi:`10.1111/j.1467-9868.2005.00532.x`
    """

    def __init__(self, sizes, alpha, l1_ratio):
        self._sizes = sizes
        self._starts = np.cumsum(sizes) - sizes
        self._norms = alpha * l1_ratio * np.sqrt(sizes)
        self._ridge = alpha * (1 - l1_ratio)

    def cost(self, weights):
        """Compute the penalty, in nats."""
        return float(
            self._norms @ self._norm(weights) + self._ridge / 2 * (weights @ weights)
        )

    def shrunk(self, weights, rate):
        """Minimise the penalty times a rate, and half of |result - weights|**2."""
        norm = self._norm(weights)
        left = np.maximum(norm - rate * self._norms, 0)
        scale = np.divide(left, norm, out=np.zeros_like(norm), where=norm > 0)
        return np.repeat(scale, self._sizes) * weights / (1 + rate * self._ridge)

    def _norm(self, weights):
        if len(self._sizes) == 0:
            return np.zeros(0)
        return np.sqrt(np.add.reduceat(weights**2, self._starts))


@dataclass(frozen=True)
class ProximalAscent(WholeDataLearner):
    """Accelerated proximal ascent of a log-likelihood less a penalty [1]_ [2]_.

    Parameters
    ----------
    max_iter : int
        Largest number of iterations.
    penalty : GroupLasso
        Of the weights, the first parameters.
    tol : float
        Learning ends when no coordinate would move by more than this in a step of
        length 1.
    objective : type
        What is climbed: made of an energy and rows, with `evaluate`.

    References
    ----------
    .. [1] Beck, A. and Teboulle, M. (2009). A fast iterative shrinkage-thresholding
       algorithm for linear inverse problems. SIAM Journal on Imaging Sciences 2(1),
       183-202. :doi:`10.1137/080716542`
    .. [2] O'Donoghue, B. and Candès, E. (2015). Adaptive restart for accelerated
       gradient schemes. Foundations of Computational Mathematics 15, 715-732.
       :doi:`10.1007/s10208-013-9150-3`
    """

    max_iter: int
    penalty: GroupLasso
    tol: float
    objective: type

    def run(self, state, rows, report):
        """Learn from rows of data; see `LBFGS.run`."""
        start = state.model.astype(np.float64)
        objective = self.objective(start, rows)
        measured = f"train_{objective.measures}"
        history = {"n_iter": [], measured: []}
        n_weights = start.weights.size

        def evaluate(vector):
            value, gradient = objective.evaluate(start.unravel(vector))
            return value, gradient.ravel()

        def proximal(vector, rate):
            weights = self.penalty.shrunk(vector[:n_weights], rate)
            return np.append(weights, vector[n_weights:])

        vector = ahead = start.ravel()
        rate, momentum, moved = 1.0, 1.0, np.inf
        value_ahead, slope = evaluate(ahead)
        while state.n_updates < self.max_iter:
            while True:
                after = proximal(ahead + rate * slope, rate)
                value, slope_after = evaluate(after)
                step = after - ahead
                bound = value_ahead + slope @ step - step @ step / (2 * rate)
                if value >= bound - 1e-12 * abs(value):
                    break
                rate *= _SHORTER
            moved = np.abs(step).max() / rate
            next_momentum = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
            if step @ (after - vector) < 0:
                next_momentum = momentum = 1.0
            ahead = after + (momentum - 1) / next_momentum * (after - vector)
            if momentum == 1:
                value_ahead, slope = value, slope_after
                ahead = after
            else:
                value_ahead, slope = evaluate(ahead)
            vector, momentum = after, next_momentum
            rate *= _LONGER
            state.model = state.averaged = start.unravel(vector)
            state.n_updates += 1
            history["n_iter"].append(state.n_updates)
            history[measured].append(value)
            report.begin()
            if report.end(history):
                return history
            if moved <= self.tol:
                break
        if moved > self.tol:
            warn_user(
                f"Learning has not converged after {state.n_updates} iterations: the "
                f"last steps were of {moved:.1e}, above tol={self.tol:.1e}. Increase "
                "max_iter or tol.",
                ConvergenceWarning,
            )
        return history
