"""Expectation maximisation: what is hidden or missing by its law, then the maximum."""

__all__ = ["ExpectationMaximisation"]

from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skebm.energy.expected_rows import expect, expected_phase
from skebm.learning.lbfgs import climb
from skebm.learning.penalty import SplitPenalty
from skebm.learning.weighted_rows import WeightedRows
from skebm.learning.whole_data import WholeDataLearner
from skebm.warning import warn_user

# Iterations of L-BFGS in each maximum, which need not be one: they take as long
# whatever the number of rows, and much less than what is expected of many.
_INNER_ITERATIONS = 20

# What is left to gain after so many iterations is a few hundredths of a nat.
_MOST_ITERATIONS = 50


@dataclass(frozen=True)
class ExpectationMaximisation(WholeDataLearner):
    """Ascent of the exact log-likelihood of rows with gaps, less an L2 penalty [1]_.

    Each iteration goes through the rows once; then the maximum given what is expected
    of them is approached by L-BFGS, which no more looks at them.

    Parameters
    ----------
    max_iter : int or None
        Largest number of iterations. None is 50, of which the last may still gain.
    alpha, l1_ratio : float
        Elastic-net penalty of the weights, for the mean log-likelihood.
    tol : float
        Learning ends when the mean log-likelihood rises by less in an iteration, in
        nats.

    References
    ----------
    .. [1] Dempster, A. P., Laird, N. M. and Rubin, D. B. (1977). Maximum likelihood
       from incomplete data via the EM algorithm. Journal of the Royal Statistical
       Society B 39(1), 1-38.
    """

    max_iter: int | None
    alpha: float
    l1_ratio: float
    tol: float

    @property
    def n_stages(self):
        """Largest number of iterations, each of which is reported."""
        return self.max_iter or _MOST_ITERATIONS

    def run(self, state, rows, report):
        """Learn from rows of data; see `LBFGS.run`."""
        energy = state.model.astype(np.float64)
        rows = WeightedRows(rows)
        scale = energy.deviations().ravel()
        penalty = SplitPenalty(scale[: energy.weights.size], self.alpha, self.l1_ratio)
        history = {"n_iter": [], "train_log_likelihood": []}
        before, rise = -np.inf, np.inf
        while state.n_updates < self.n_stages:
            score, expected = self._expect(energy, rows)
            log_likelihood = score - energy.negative_phase()[0]
            if not np.isfinite(log_likelihood):
                raise FloatingPointError(
                    "The log-likelihood is not finite: the parameters are out of all "
                    "bounds. Raise alpha or reg_covar."
                )
            objective = log_likelihood - penalty.cost(
                penalty.variables(energy.ravel() * scale)
            )
            rise, before = objective - before, objective
            if rise < self.tol:
                break
            report.begin()
            energy = self._maximise(energy, expected, penalty, scale)
            state.model = state.averaged = energy
            state.n_updates += 1
            history["n_iter"].append(state.n_updates)
            history["train_log_likelihood"].append(log_likelihood)
            if report.end(history):
                return history
        else:
            self._warn_of(rise, state.n_updates)
        return history

    def _warn_of(self, rise, n_iterations):
        """Say that a number of iterations that was asked for has not been enough."""
        if self.max_iter is not None:
            warn_user(
                f"Learning has not converged after {n_iterations} iterations: the last "
                f"one but one raised the log-likelihood by {rise:.1e}, above tol="
                f"{self.tol:.1e}. Increase max_iter or tol.",
                ConvergenceWarning,
            )

    def _expect(self, energy, rows):
        """Sum what is expected of the rows."""
        plain, score, expected = energy.plain(), 0.0, None
        for part, known, weights in rows.blocks(energy.n_units):
            observed = np.ones(part.shape, dtype=bool) if known is None else known
            own_score, own = expect(plain, part, observed, weights)
            score += own_score
            expected = own if expected is None else expected + own
        return score, expected

    def _maximise(self, energy, expected, penalty, scale):
        """Approach the maximum given what is expected."""

        def evaluate(vector):
            own = energy.unravel(vector / scale)
            value, gradient = expected_phase(own, expected)
            log_partition, negative = own.negative_phase()
            return value - log_partition, (gradient - negative).ravel() / scale

        start = energy.ravel() * scale
        vector, _ = climb(
            evaluate, penalty, start, n_iterations=_INNER_ITERATIONS, tol=self.tol
        )
        return energy.unravel(vector / scale)
