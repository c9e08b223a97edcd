"""Learning with the whole gradient: exact maximum likelihood, for small models."""

__all__ = ["ExactFit", "ExactLearning"]

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from skebm._validation import warn_user
from skebm.learning.exact_likelihood import ExactLikelihood
from skebm.learning.split_penalty import SplitPenalty

# Pairs of steps and changes of the gradient that L-BFGS remembers. Likelihoods
# have long narrow valleys: beside the usual ten, a hundred halve the number of
# evaluations. With bounds each pair costs too much for that.
_MEMORY = 100
_MEMORY_WITH_BOUNDS = 20

# Under a full L1 penalty weights never leave the neighbourhood of zero, where
# their gradient vanishes: this share of the iterations goes first without it.
_ONSET_FRACTION = 0.1


class ExactFit(NamedTuple):
    """What exact learning found.

    Parameters
    ----------
    energy : energy object
        The energy learned, float64.
    n_iterations : int
        Iterations of L-BFGS made.
    log_likelihoods : list of float
        Mean log-likelihood of the data after each iteration, in nats, without
        the penalty.
    converged : bool
        Whether the gradient is within its tolerance.
    """

    energy: object
    n_iterations: int
    log_likelihoods: list
    converged: bool


@dataclass(frozen=True)
class ExactLearning:
    """Ascent of a log-likelihood, less an elastic-net penalty, by L-BFGS [1]_.

    Parameters
    ----------
    max_iter : int
        Largest number of iterations; each is one update of the parameters.
    alpha, l1_ratio : float
        Elastic-net penalty of the weights. Under its L1 part weights become
        exactly zero.
    tol : float
        Learning ends when no derivative of the objective by the parameters of
        standardised units exceeds it: without a penalty, when data and model
        agree in all means and correlations to about this much.
    objective : type, default=ExactLikelihood
        What is climbed: made of an energy, rows and their weights, with
        `coordinates` and `evaluate`.

    References
    ----------
    .. [1] Byrd, R. H., Lu, P., Nocedal, J. and Zhu, C. (1995). A limited memory
       algorithm for bound constrained optimization. SIAM Journal on Scientific
       Computing 16(5), 1190-1208. :doi:`10.1137/0916069`
    """

    max_iter: int
    alpha: float
    l1_ratio: float
    tol: float
    objective: type = ExactLikelihood

    def result(self, state):
        """Give the machine learned."""
        return state.averaged

    def run(self, energy, rows, on_iteration=None, row_weights=None):
        """Learn from rows of data.

        Parameters
        ----------
        energy : energy object
            Where to start: with small random weights, since equal hidden units
            stay equal.
        rows : Rows
            The data.
        on_iteration : callable, default=None
            Given the energy and the mean log-likelihood after each iteration;
            learning ends when it returns true.
        row_weights : ndarray of shape (n_rows,), default=None
            What each row counts, not negative. None counts each as 1.

        Returns
        -------
        fit : ExactFit
            The energy and how it was reached.

        Raises
        ------
        ValueError
            If no layer is small enough to be enumerated.
        FloatingPointError
            If the likelihood is not finite.

        Warns
        -----
        ConvergenceWarning
            If the gradient exceeds the tolerance at the end, unless
            `on_iteration` ended it.
        """
        energy = energy.astype(np.float64)
        likelihood = self.objective(energy, rows, row_weights)
        coordinates = likelihood.coordinates
        log_likelihoods, stopped = [], False

        def report(vector, log_likelihood):
            nonlocal stopped
            log_likelihoods.append(log_likelihood)
            if on_iteration is not None:
                energy = coordinates.energy(vector)
                stopped = bool(on_iteration(energy, log_likelihood))
            return stopped

        vector, slope = coordinates.vector(energy), np.inf
        for alpha, l1_ratio, last in self._stages():
            penalty = SplitPenalty(coordinates.weight_scale, alpha, l1_ratio)
            n_left = last - len(log_likelihoods)
            vector, slope = self._climb(likelihood, penalty, vector, n_left, report)
            if stopped:
                break
        converged = not stopped and slope <= self.tol
        if not (stopped or converged):
            warn_user(
                f"Learning has not converged after {len(log_likelihoods)} "
                f"iterations: the largest derivative is {slope:.1e}, above tol="
                f"{self.tol:.1e}. Increase max_iter or tol.",
                ConvergenceWarning,
            )
        energy = coordinates.energy(vector)
        return ExactFit(energy, len(log_likelihoods), log_likelihoods, converged)

    def _stages(self):
        """List strength and L1 share of the penalty, and the last iteration so far."""
        full = (self.alpha, self.l1_ratio, self.max_iter)
        onset = int(_ONSET_FRACTION * self.max_iter)
        if self.alpha * self.l1_ratio == 0 or onset == 0:
            return [full]
        return [(self.alpha * (1 - self.l1_ratio), 0.0, onset), full]

    def _climb(self, likelihood, penalty, vector, n_iterations, report):
        """Run L-BFGS; give the vector reached and the slope there."""

        def evaluate(variables):
            value, gradient = likelihood.evaluate(penalty.vector(variables))
            gradient = penalty.penalised(gradient, variables)
            return penalty.cost(variables) - value, -gradient

        def callback(intermediate_result):
            variables = intermediate_result.x
            value = penalty.cost(variables) - float(intermediate_result.fun)
            if report(penalty.vector(variables), value):
                raise StopIteration

        variables = penalty.variables(vector)
        result = minimize(
            evaluate,
            variables,
            jac=True,
            method="L-BFGS-B",
            bounds=penalty.bounds(len(variables)),
            callback=callback,
            options={
                "maxiter": n_iterations,
                "maxfun": np.iinfo(np.int32).max,
                "maxcor": _MEMORY_WITH_BOUNDS if penalty.has_bounds else _MEMORY,
                "ftol": 0.0,
                "gtol": self.tol,
            },
        )
        return penalty.vector(result.x), penalty.slope(result.x, -result.jac)
