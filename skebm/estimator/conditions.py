"""What models say of some columns given others: `conditional_proba`."""

__all__ = ["ConditionsMixin"]

from numbers import Integral

import numpy as np
from scipy.special import softmax
from sklearn.utils.validation import check_is_fitted

from skebm.conditional.incomplete_rows import score_incomplete
from skebm.estimator.containers import as_container
from skebm.estimator.validation import (
    column_number,
    feature_names,
    unqualified,
    validate_params,
)


@unqualified
class ConditionsMixin:
    """`conditional_proba`, of models with columns that have few values."""

    @validate_params(
        {"X": ["array-like", "sparse matrix"], "column": [Integral, str]},
        prefer_skip_nested_validation=True,
    )
    def conditional_proba(self, X, column):
        """Compute the probabilities of the values of one column, given the others.

        With a column of labels this makes a classifier of the model, and one that can
        do with missing values: those are summed out.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Values of the visible units, read as in `fit`. What stands in the column
            itself is not looked at; NaN will do.
        column : int or str
            Number of the column, or its name.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_values)
            P(column = value | the others), for the lower of the two values of a binary
            column first, or for those of `categories_`. Rows sum to 1. A frame if
            `set_output` says so, with columns "name_value".

        Raises
        ------
        ValueError
            If there is no such column, or if its values are real numbers.

        Examples
        --------
        >>> from skebm import BinaryRBM
        >>> rbm = BinaryRBM.from_parameters([[2.0, -2.0]], [0.0, 0.0], [0.0])
        >>> rbm.conditional_proba([[float("nan"), 0], [float("nan"), 1]], 0).round(3)
        array([[0.193, 0.807],
               [0.362, 0.638]])
        """
        check_is_fitted(self)
        column = column_number(self, column)
        proba = self._proba_of(self._rows_without(X, column), column)
        name = feature_names(self)[column]
        names = [f"{name}_{value}" for value in self._values_of_column(column)]
        return as_container(self, proba, X, names)

    def _proba_of(self, rows, column):
        """Compute the probabilities of the values of a column, (n_rows, n_values)."""
        energy, levels = self._energy(), self._levels_of(column)
        mean, seed = self._mean_of_rows(), self._partition_seed
        result = np.empty((rows.n_rows, len(levels)))
        for block in rows.blocks(energy.n_units):
            part = rows.take(block).astype(np.float64)
            observed = rows.observed(block)
            scores = []
            for columns, values in levels:
                part[:, columns], observed[:, columns] = values, True
                scores.append(score_incomplete(energy, part, observed, mean, seed)[0])
            result[block] = softmax(np.column_stack(scores), axis=1)
        return result

    def _proba_of_columns(self, rows):
        """Compute the probability of the higher value of each binary column."""
        columns = [
            self._proba_of(rows, column)[:, 1] for column in range(rows.n_columns)
        ]
        return np.column_stack(columns).astype(rows.float_dtype, copy=False)
