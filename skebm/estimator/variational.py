"""Scores of models whose likelihood is bounded by sums over draws."""

__all__ = ["VariationalMixin"]

import numpy as np
from scipy.special import logsumexp
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from skebm.estimator.table_checks import refuse_missing
from skebm.estimator.validation import check_weights, unqualified
from skebm.sampling.random import uniform_of_rows
from skebm.units.data import row_blocks
from skebm.warning import warn_user

# Importance weights that are worth fewer draws than these say little of their mean.
_LEAST_EFFECTIVE = 20

_COMPLETE = "a stack scores and transforms complete rows. Fill gaps by EnergyImputer."


@unqualified
class VariationalMixin:
    """Scores of a stack, which bound its log-likelihood, and how far they are off."""

    def score_samples(self, X, *, return_std=False):
        """Compute a lower bound of the log-likelihood of each row.

        It is the variational bound: the mean of log p(v, h) - log q(h | v) over hidden
        units h drawn from q, what `transform` infers layer by layer. Of a stack of one
        layer it is the log-likelihood itself. `bound_gap` says how far it is off.

        Deterministic, and independent of which rows are passed together.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Complete rows, read as in `fit`.
        return_std : bool, default=False
            Whether to give the standard errors of the means over draws as well.

        Returns
        -------
        bound : ndarray of shape (n_samples,)
            At most log p(v) but for its errors, in nats. That of `log_partition_`
            shifts all rows alike.
        std : ndarray of shape (n_samples,)
            Only if `return_std`. 0 where nothing is drawn: layers below the top have
            at most 10 hidden units, or there are none. Errors of different rows are
            independent, so that the mean of many rows is known much better.

        Raises
        ------
        ValueError
            If `X` is not a finite numeric table of the width seen in `fit`.

        Warns
        -----
        ConvergenceWarning
            As `log_partition`.

        Examples
        --------
        >>> import numpy as np
        >>> from skebm import BinaryRBM, DeepBeliefNetwork
        >>> lower = BinaryRBM.from_parameters([[2.0, -2.0]], [0.0, 0.0], [0.0])
        >>> upper = BinaryRBM.from_parameters([[2.0], [-2.0]], [0.0], [0.0, 0.0])
        >>> stack = DeepBeliefNetwork.from_estimators([lower, upper])
        >>> stack.score_samples([[1, 0], [0, 1]]).round(3)
        array([-0.478, -2.478])
        >>> lower.score_samples([[1, 0], [0, 1]]).round(3)
        array([-0.478, -2.478])
        """
        rows, stack = self._complete_rows(X), self._stack()
        constant = self._row_constants(rows) - self._log_partition_of_top()
        if stack.sums_are_exact:
            bound, _ = self._exact(rows, stack)
            std = np.zeros_like(bound)
        else:
            bound, std = self._over_draws(rows, stack, self.n_draws, _mean_and_error)
        bound += constant
        return (bound, std) if return_std else bound

    def score(self, X, y=None, sample_weight=None):
        """Compute the mean lower bound of the log-likelihood of the rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Complete rows, read as in `fit`.
        y : Ignored
            Present for API consistency.
        sample_weight : array-like of shape (n_samples,), default=None
            What each row counts in the mean, not negative. None counts each alike.

        Returns
        -------
        bound : float
            Mean of `score_samples`, in nats a row. Higher is better, so that searches
            can rank sizes of layers by it.

        Raises
        ------
        ValueError
            If `X` is not a finite numeric table of the width seen in `fit`, or
            `sample_weight` has another length, negative values or no positive one.

        Examples
        --------
        >>> from skebm import BinaryRBM, DeepBeliefNetwork
        >>> lower = BinaryRBM.from_parameters([[2.0, -2.0]], [0.0, 0.0], [0.0])
        >>> upper = BinaryRBM.from_parameters([[2.0], [-2.0]], [0.0], [0.0, 0.0])
        >>> stack = DeepBeliefNetwork.from_estimators([lower, upper])
        >>> round(stack.score([[1, 0], [0, 1]]), 3)
        -1.478
        """
        bound = self.score_samples(X)
        weights = check_weights(sample_weight, bound)
        return float(np.average(bound, weights=weights))

    def bound_gap(self, X, *, n_draws=1000):
        """Estimate by how much the log-likelihood of each row exceeds its bound.

        By importance sampling [1]_: hidden units are drawn from q, and weigh
        p(v, h) / q(h | v). The log of the mean weight estimates log p(v), and the mean
        of the logs the bound. Their difference does not depend on log Z.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Complete rows, read as in `fit`.
        n_draws : int, default=1000
            Draws for each row, at least 2. Unused where layers below the top have at
            most 10 hidden units: sums are exact then.

        Returns
        -------
        gap : ndarray of shape (n_samples,)
            In nats, not negative. Add it to `score_samples` for an estimate of the
            log-likelihood. On average over draws it is too small, the less so the more
            draws there are.
        std : ndarray of shape (n_samples,)
            Its standard error, 0 where sums are exact.

        Raises
        ------
        ValueError
            If `X` is not a finite numeric table of the width seen in `fit`, or
            `n_draws` is less than 2.

        Warns
        -----
        ConvergenceWarning
            If the weights of some rows are worth fewer than 20 draws: their gap is too
            small, and so is its error. Raise `n_draws`.

        References
        ----------
        .. [1] Salakhutdinov, R. and Murray, I. (2008). On the quantitative analysis
           of deep belief networks. ICML, 872-879. :doi:`10.1145/1390156.1390266`

        Examples
        --------
        >>> from skebm import BinaryRBM, DeepBeliefNetwork
        >>> lower = BinaryRBM.from_parameters([[2.0, -2.0]], [0.0, 0.0], [0.0])
        >>> upper = BinaryRBM.from_parameters([[1.0]], [0.5], [0.0])
        >>> stack = DeepBeliefNetwork.from_estimators([lower, upper])
        >>> gap, std = stack.bound_gap([[1, 0], [0, 1]])
        >>> bool((gap > 0).all()), std
        (True, array([0., 0.]))
        """
        rows, stack = self._complete_rows(X), self._stack()
        if n_draws < 2:
            raise ValueError(f"n_draws is {n_draws}, but an error needs at least 2.")
        if stack.sums_are_exact:
            bound, exact = self._exact(rows, stack)
            return np.maximum(exact - bound, 0), np.zeros_like(bound)
        gap, std, effective = self._over_draws(rows, stack, n_draws, _gap_and_error)
        n_few = int((effective < _LEAST_EFFECTIVE).sum())
        if n_few:
            warn_user(
                f"The gap of {n_few} of {len(gap)} rows may be larger: their weights "
                f"are worth {effective.min():.1f} of {n_draws} draws at the least, "
                f"where {_LEAST_EFFECTIVE} are few. Raise n_draws.",
                ConvergenceWarning,
            )
        return gap, std

    def log_partition(self):
        """Compute the log partition function of the top machine.

        Exact where one of its layers has at most 20 units, else estimated by annealed
        importance sampling; see `BinaryRBM.log_partition`.

        Returns
        -------
        log_partition : float
            In nats.

        Warns
        -----
        ConvergenceWarning
            As `BinaryRBM.log_partition`, where the value cannot be trusted.

        Examples
        --------
        >>> from skebm import BinaryRBM, DeepBeliefNetwork
        >>> lower = BinaryRBM.from_parameters([[2.0, -2.0]], [0.0, 0.0], [0.0])
        >>> upper = BinaryRBM.from_parameters([[0.0]], [0.0], [0.0])
        >>> stack = DeepBeliefNetwork.from_estimators([lower, upper])
        >>> round(stack.log_partition(), 4)  # log(4), of as many configurations
        1.3863
        """
        check_is_fitted(self)
        return self.estimators_[-1].log_partition()

    @property
    def log_partition_(self):
        """Log partition function of the top in nats: after `log_partition` or a score.

        Elsewhere there is no such attribute, unless it was quick to compute in `fit`.
        """
        check_is_fitted(self)
        return self.estimators_[-1].log_partition_

    @property
    def log_partition_std_(self):
        """Standard error of `log_partition_` in nats, 0 when exact."""
        check_is_fitted(self)
        return self.estimators_[-1].log_partition_std_

    def _complete_rows(self, X):
        """Validate rows as the first layer does, and refuse gaps."""
        check_is_fitted(self)
        return refuse_missing(self.estimators_[0]._rows(X), _COMPLETE)

    def _row_constants(self, rows):
        """Give what log p of each row in users' units has beside that of the units."""
        first = self.estimators_[0]
        energy = first._energy()
        plain = -rows.map(energy.free_energy, row_elements=energy.n_units)
        constant = first._scores(rows)[0] - plain
        if len(self.estimators_) > 1:  # else it is in log Z
            constant -= getattr(energy, "log_volume", 0.0)
        return constant

    def _log_partition_of_top(self):
        return self.estimators_[-1]._estimate_partition().log_partition

    def _exact(self, rows, stack):
        """Compute bound and log-likelihood of rows, both but for log Z."""
        return rows.map(
            lambda part: np.stack(stack.exact(part), axis=1),
            row_elements=stack.row_elements,
        ).T

    def _over_draws(self, rows, stack, n_draws, summary):
        """Summarise the log weights of draws for each row."""
        parts = []
        for block in row_blocks(rows.n_rows, n_draws * stack.row_elements):
            part = rows.take(block).astype(np.float64)
            shape = n_draws, stack.n_inferred
            uniform = uniform_of_rows(part, shape, self._draw_seed)
            parts.append(summary(stack.log_weights(part, uniform)))
        return [np.concatenate(column) for column in zip(*parts, strict=True)]


def _mean_and_error(log_weights):
    error = log_weights.std(axis=1, ddof=1) / np.sqrt(log_weights.shape[1])
    return log_weights.mean(axis=1), error


def _gap_and_error(log_weights):
    """Give the log of the mean less the mean of the logs, its error, and what it is of.

    The error is that of the sum of first-order influences of the draws.
    """
    n_draws = log_weights.shape[1]
    log_mean = logsumexp(log_weights, axis=1, keepdims=True) - np.log(n_draws)
    gap = log_mean[:, 0] - log_weights.mean(axis=1)
    relative = np.exp(log_weights - log_mean)
    influence = relative - log_weights
    std = influence.std(axis=1, ddof=1) / np.sqrt(n_draws)
    effective = n_draws / np.square(relative).mean(axis=1)
    return np.maximum(gap, 0), std, effective
