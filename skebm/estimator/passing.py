"""Rows passed up and down a stack: features, means and draws."""

__all__ = ["PassingMixin"]

from numbers import Integral

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skebm.estimator.containers import part_of
from skebm.estimator.table_checks import check_hidden_rows
from skebm.estimator.validation import (
    Interval,
    make_generator,
    unqualified,
    validate_params,
)
from skebm.sampling.random import UniformNoise
from skebm.units.data import row_blocks


@unqualified
class PassingMixin(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """`transform`, `inverse_transform` and `sample`."""

    def transform(self, X):
        """Pass rows up through all layers, as probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Complete rows, read as in `fit`.

        Returns
        -------
        H : ndarray of shape (n_samples, n_components)
            Probability of each hidden unit of the last layer to be on, the
            probabilities of each layer being taken as values by the next. In float32
            for float32 input, else in float64.

        Raises
        ------
        ValueError
            If `X` is not a finite numeric table of the width seen in `fit`.

        Examples
        --------
        >>> from skebm import BinaryRBM, DeepBeliefNetwork
        >>> lower = BinaryRBM.from_parameters([[2.0, -2.0]], [0.0, 0.0], [0.0])
        >>> upper = BinaryRBM.from_parameters([[2.0]], [0.0], [0.0])
        >>> stack = DeepBeliefNetwork.from_estimators([lower, upper])
        >>> stack.transform([[1, 0], [0, 1]]).round(3)
        array([[0.853],
               [0.559]])
        """
        rows, stack = self._complete_rows(X), self._stack()

        def means(part):
            for energy in stack.energies:
                part = energy.hidden_mean(part)
            return part

        return rows.map(means, row_elements=stack.row_elements, dtype=rows.float_dtype)

    def inverse_transform(self, X):
        """Pass hidden rows down through all layers, as means.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Values of the hidden units of the last layer: zeros and ones, or
            probabilities such as `transform` gives.

        Returns
        -------
        V : {ndarray, dataframe} of shape (n_samples, n_features)
            Means of the visible units, the means of each layer being taken as values by
            the one below. A frame if `set_output` says so.

        Raises
        ------
        ValueError
            If `X` is not a finite numeric table of `n_components` columns.

        Examples
        --------
        >>> from skebm import BinaryRBM, DeepBeliefNetwork
        >>> lower = BinaryRBM.from_parameters([[2.0, -2.0]], [0.0, 0.0], [0.0])
        >>> upper = BinaryRBM.from_parameters([[2.0]], [0.0], [0.0])
        >>> stack = DeepBeliefNetwork.from_estimators([lower, upper])
        >>> stack.inverse_transform([[0], [1]]).round(3)
        array([[0.731, 0.269],
               [0.853, 0.147]])
        """
        check_is_fitted(self)
        stack = self._stack()
        means = check_hidden_rows(X, stack.top.n_hidden)
        for energy in reversed((*stack.downward, stack.top)):
            means = energy.visible_mean(means)
        return self._as_rows(means, X)

    @validate_params(
        {
            "n_samples": [Interval(Integral, 1, None, closed="left")],
            "n_steps": [Interval(Integral, 1, None, closed="left")],
            "tempering": ["boolean"],
            "random_state": ["random_state"],
        },
        prefer_skip_nested_validation=True,
    )
    def sample(self, n_samples=1, *, n_steps=1000, tempering=False, random_state=None):
        """Draw rows from the model.

        The top machine is drawn from as by its own `sample`, and then each layer given
        the one above, down to the visible one.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows.
        n_steps : int, default=1000
            Gibbs sweeps of the top. Unused where one of its layers has at most 20
            units: it is drawn from exactly then.
        tempering : bool, default=False
            Whether the top is drawn from by parallel tempering, which finds its modes
            in their right shares.
        random_state : int, RandomState instance or None, default=None
            Pass an int for the same rows at each call.

        Returns
        -------
        X : {ndarray, dataframe} of shape (n_samples, n_features)
            Values of the visible units. A frame if `set_output` says so.

        Warns
        -----
        ConvergenceWarning
            If chains of the top do not agree: raise `n_steps`, or set `tempering`.

        Examples
        --------
        >>> from skebm import BinaryRBM, DeepBeliefNetwork
        >>> lower = BinaryRBM.from_parameters([[2.0, -2.0]], [0.0, 0.0], [0.0])
        >>> upper = BinaryRBM.from_parameters([[2.0], [-2.0]], [0.0], [0.0, 0.0])
        >>> stack = DeepBeliefNetwork.from_estimators([lower, upper])
        >>> X = stack.sample(1000, random_state=0)
        >>> bool(abs(X[:, 0].mean() - 0.768) < 0.05)  # the exact mean is 0.768
        True
        """
        check_is_fitted(self)
        rng, stack = make_generator(random_state), self._stack()
        top = self.estimators_[-1]
        settings = {"n_steps": n_steps, "temperature": 1.0, "tempering": tempering}
        drawn = top._draw(None, n_samples, rng, **settings)
        if not stack.below:
            return self._as_table(drawn)
        noise = UniformNoise(rng, np.float64)
        result = np.empty((n_samples, stack.energies[0].visible.n_columns))
        for block in row_blocks(n_samples, stack.row_elements):
            result[block] = stack.draw_down(drawn[block], noise)
        return self._as_rows(result)

    def _as_rows(self, units, original=None):
        """Give rows of units of the first layer as users want them."""
        return self._as_table(self.estimators_[0]._in_states(units), original)

    def _as_table(self, states, original=None):
        return part_of(self, self.estimators_[0])._as_rows(states, original)

    @property
    def _n_features_out(self):
        return self.estimators_[-1].components_.shape[0]
