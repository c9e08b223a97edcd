"""Which values of a row are why it is unusual."""

__all__ = ["SurpriseMixin"]

from copy import deepcopy

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import resample
from sklearn.utils.validation import _num_samples, check_is_fitted

from skebm.detection.robust_offset import weighted_quantile
from skebm.estimator.table_columns import is_missing_table
from skebm.estimator.validation import available_unless, unqualified

# Enough to know a median to a twentieth of the spread.
_MOST_REFERENCE_ROWS = 1000

# Of wide tables fewer are kept.
_LEAST_REFERENCE_ROWS = 100
_MOST_REFERENCE_CELLS = 1_000_000


def _explains_nothing(detector):
    """Say why a fitted detector tells nothing of features, if it does not."""
    estimator = vars(detector).get("estimator_")
    if estimator is None or hasattr(estimator, "conditional_score_samples"):
        return None
    return (
        f"{type(estimator).__name__} has no conditional densities, which tell what "
        "each feature adds to the anomaly of a row. Use a model of skebm; if it is the "
        "last step of a pipeline, let the detector around that model be the last step "
        "instead."
    )


@unqualified
class SurpriseMixin:
    """`feature_surprise`, of detectors whose `estimator_` has conditional densities."""

    @available_unless(_explains_nothing)
    def feature_surprise(self, X):
        """Compute how much more surprising each feature of a row is than usual.

        The surprise at a feature is minus its conditional log-density given all other
        features of the row. `typical_surprise_`, its median over training rows, is
        taken away: what remains does not depend on the units of the feature, compares
        between features, and is negative where a value is less surprising than usual.
        Only where the estimator has a method `conditional_score_samples`, as the
        models of this package have.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows, of the kind that the estimator takes.

        Returns
        -------
        surprise : ndarray or DataFrame of shape (n_samples, n_features)
            In nats, NaN where a value is missing; a DataFrame if `X` is one. The sum
            over features is the anomaly of the row, up to a constant, only where
            features are independent: of two that contradict each other both are
            surprising.

        Raises
        ------
        ValueError
            If a conditional density is positive infinity, or NaN of an estimator that
            takes no missing values.
        AttributeError
            If the estimator has no conditional densities.

        Examples
        --------
        >>> from skebm import BinaryRBM, EnergyOutlierDetector
        >>> rbm = BinaryRBM(n_components=2, max_iter=300, random_state=0)
        >>> X = [[0, 0, 1], [1, 1, 0]] * 50  # the first two features are equal
        >>> detector = EnergyOutlierDetector(rbm).fit(X)
        >>> surprise = detector.feature_surprise([[0, 0, 1], [0, 1, 1]])
        >>> (surprise > 1.0).astype(int)
        array([[0, 0, 0],
               [0, 1, 0]])
        """
        check_is_fitted(self)
        return _like(X, self._surprise(X) - self.typical_surprise_)

    @property
    def typical_surprise_(self):
        """Median surprise of each feature over training rows, in nats."""
        check_is_fitted(self)
        reason = _explains_nothing(self)
        if reason:
            raise AttributeError(reason)
        if not hasattr(self, "_typical_surprise"):
            self._typical_surprise = self._median_surprise()
            del self._reference
        return self._typical_surprise

    def __getstate__(self):
        """Save what typical surprises are, not the rows that they are of."""
        if "_reference" in vars(self):
            _ = self.typical_surprise_
        return super().__getstate__()

    def _surprise(self, X):
        """Compute ``-log p(x_i | the other features)``, (n_samples, n_features)."""
        surprise = -np.asarray(self.estimator_.conditional_score_samples(X))
        collapsed = ~(surprise > -np.inf)
        if collapsed.any():
            # A value that is missing has no surprise.
            missing = is_missing_table(X.toarray() if issparse(X) else X)
            if missing.shape == collapsed.shape:
                collapsed &= ~missing
        if collapsed.any():
            raise ValueError(
                f"{type(self.estimator_).__name__} gives some feature a conditional "
                "density that is NaN or infinite. Ask it for a larger least variance."
            )
        return surprise

    def _keep_reference(self, X, weights):
        """Keep some training rows, and their weights, for their median surprise."""
        for name in ("_typical_surprise", "_reference"):
            vars(self).pop(name, None)
        n_features = getattr(self, "n_features_in_", 1)
        most = max(_LEAST_REFERENCE_ROWS, _MOST_REFERENCE_CELLS // n_features)
        most = min(most, _MOST_REFERENCE_ROWS)
        if not hasattr(self.estimator_, "conditional_score_samples"):
            return
        if _num_samples(X) <= most:
            # What the user does to X after the fit must not matter.
            self._reference = deepcopy(X), weights
            return
        rows = resample(
            X,
            replace=weights is not None,
            n_samples=most,
            random_state=self.random_state,
            sample_weight=weights,
        )
        self._reference = rows, None

    def _median_surprise(self):
        """Compute the median of the surprise at each feature over training rows."""
        rows, weights = self._reference
        surprise = self._surprise(rows)
        known = ~np.isnan(surprise)
        if known.all():
            return weighted_quantile(surprise, 0.5, weights)
        result = np.zeros(surprise.shape[1])
        for feature, own in enumerate(known.T):
            if own.any():
                own_weights = None if weights is None else weights[own]
                column = surprise[own, feature]
                result[feature] = weighted_quantile(column, 0.5, own_weights)
        return result


def _like(X, table):
    """Give a table of numbers as a frame like the one that came in, if one did."""
    if hasattr(X, "iloc"):
        return type(X)(table, index=X.index, columns=X.columns)
    if hasattr(X, "get_columns"):
        return type(X)(dict(zip(X.columns, table.T, strict=True)))
    return table
