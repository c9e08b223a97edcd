"""Learning with the whole gradient by L-BFGS, up to an optimum."""

__all__ = ["LBFGS", "climb"]

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from skebm.learning.objectives import Likelihood
from skebm.learning.penalty import SplitPenalty
from skebm.learning.whole_data import WholeDataLearner
from skebm.warning import warn_user

# Pairs of steps and changes of the gradient that L-BFGS remembers. Likelihoods
# have long narrow valleys: beside the usual ten, a hundred halve the number of
# evaluations. With bounds each pair costs too much for that.
_MEMORY = 100
_MEMORY_WITH_BOUNDS = 20

# Of millions of parameters so many pairs would take gigabytes: these numbers together,
# half a gigabyte, but ten pairs.
_MEMORY_ELEMENTS = 2**26
_LEAST_MEMORY = 10

# Under a full L1 penalty weights never leave the neighbourhood of zero, where
# their gradient vanishes: this share of the iterations goes first without it.
_ONSET_FRACTION = 0.1


@dataclass(frozen=True)
class LBFGS(WholeDataLearner):
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
    objective : type, default=Likelihood
        What is climbed: made of an energy and rows, with `evaluate`.

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
    objective: type = Likelihood

    def run(self, state, rows, report):
        """Learn from rows of data.

        Parameters
        ----------
        state : LearningState
            Where to start: with small random weights, since equal hidden units stay
            equal. Its machine and its number of updates are changed in place.
        rows : Rows
            The data.
        report : FitReport
            Told of the history after each iteration; it may ask for the end.

        Returns
        -------
        history : dict of str to list
            The likelihood after each iteration, in nats, without the penalty.

        Raises
        ------
        ValueError
            If no layer is small enough to be enumerated.
        FloatingPointError
            If the likelihood is not finite.

        Warns
        -----
        ConvergenceWarning
            If the gradient exceeds the tolerance at the end, unless `report` ended it:
            at `max_iter`, or where no step is found that leads higher.
        """
        start = state.model.astype(np.float64)
        objective = self.objective(start, rows)
        scale = start.deviations().ravel()
        measured = f"train_{objective.measures}"
        history = {"n_iter": [], measured: []}
        stopped = False

        def evaluate(vector):
            value, gradient = objective.evaluate(start.unravel(vector / scale))
            return value, gradient.ravel() / scale

        def on_iteration(vector, value):
            nonlocal stopped
            state.model = state.averaged = start.unravel(vector / scale)
            state.n_updates += 1
            history["n_iter"].append(state.n_updates)
            history[measured].append(value)
            report.begin()
            stopped = report.end(history)
            return stopped

        vector, slope = start.ravel() * scale, np.inf
        for alpha, l1_ratio, last in self._stages():
            penalty = SplitPenalty(scale[: start.weights.size], alpha, l1_ratio)
            n_left = last - state.n_updates
            vector, slope = climb(
                evaluate,
                penalty,
                vector,
                n_iterations=n_left,
                tol=self.tol,
                report=on_iteration,
            )
            if stopped:
                return history
        if slope > self.tol:
            self._warn_of(slope, state.n_updates)
        state.model = state.averaged = start.unravel(vector / scale)
        objective.check_end(state.model)
        # A start that is the optimum takes one look to be known as such.
        state.n_updates = max(1, state.n_updates)
        return history

    def _warn_of(self, slope, n_iterations):
        """Say why learning has ended where it is not flat."""
        found = f"the largest derivative is {slope:.1e}, above tol={self.tol:.1e}"
        if n_iterations >= self.max_iter:
            reason = f"{found}. Increase max_iter or tol."
        else:
            reason = (
                f"it has ended before max_iter={self.max_iter}, since no step raised "
                f"the objective by more than rounding, and {found}. More iterations "
                "would change nothing: increase tol above that if it will do. Else "
                "drop columns that follow from others, or raise what bounds "
                "parameters: alpha, or reg_covar where there is one."
            )
        warn_user(
            f"Learning has not converged after {n_iterations} iterations: {reason}",
            ConvergenceWarning,
        )

    def _stages(self):
        """List strength and L1 share of the penalty, and the last iteration so far."""
        full = (self.alpha, self.l1_ratio, self.max_iter)
        onset = int(_ONSET_FRACTION * self.max_iter)
        if self.alpha * self.l1_ratio == 0 or onset == 0:
            return [full]
        return [(self.alpha * (1 - self.l1_ratio), 0.0, onset), full]


def climb(objective, penalty, vector, *, n_iterations, tol, report=None):
    """Run L-BFGS; give the vector reached and the slope there.

    Parameters
    ----------
    objective : callable
        Of a vector, gives what is climbed, in nats, and its gradient.
    penalty : SplitPenalty
        What is taken off it.
    vector : ndarray
        Where to start.
    n_iterations : int
        At most.
    tol : float
        Largest derivative at which it ends.
    report : callable, default=None
        Of the vector and the value of each iteration; says whether to stop.
    """

    def evaluate(variables):
        value, gradient = objective(penalty.vector(variables))
        gradient = penalty.penalised(gradient, variables)
        return penalty.cost(variables) - value, -gradient

    def callback(intermediate_result):
        variables = intermediate_result.x
        value = penalty.cost(variables) - float(intermediate_result.fun)
        if report is not None and report(penalty.vector(variables), value):
            raise StopIteration

    variables = penalty.variables(vector)
    memory = _MEMORY_WITH_BOUNDS if penalty.has_bounds else _MEMORY
    affordable = max(_LEAST_MEMORY, _MEMORY_ELEMENTS // (2 * len(variables)))
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
            "maxcor": min(memory, affordable),
            "ftol": 0.0,
            "gtol": tol,
        },
    )
    return penalty.vector(result.x), penalty.slope(result.x, -result.jac)
