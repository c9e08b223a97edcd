"""What models with hidden units can do beside a likelihood: features, and back."""

__all__ = ["HiddenUnitsMixin"]

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from skebm.estimator.missing import parts_of
from skebm.estimator.table_checks import check_hidden_rows
from skebm.estimator.validation import unqualified


# A transformer itself, since scikit-learn wraps the output of `transform` where a
# transformer defines it.
@unqualified
class HiddenUnitsMixin(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """`transform`, `inverse_transform` and `energy`."""

    def transform(self, X):
        """Compute the probability that each hidden unit is on.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Values of the visible units, read as in `fit`.

        Returns
        -------
        H : ndarray of shape (n_samples, n_components)
            P(h = 1 | v), in float32 for float32 input, else in float64; where values
            of v are missing, given the others. Of a
            `LatentBM` by mean field unless `score_is_exact_`.

        Raises
        ------
        ValueError
            If `X` is not a numeric table of the width seen in `fit`, finite where it is
            not missing, or of binary models with ``binarize=None`` is outside [0, 1].

        Examples
        --------
        >>> from skebm import BinaryRBM
        >>> rbm = BinaryRBM.from_parameters([[2.0, -2.0]], [0.0, 0.0], [0.0])
        >>> rbm.transform([[1, 0], [0, 1]]).round(3)
        array([[0.881],
               [0.119]])
        """
        rows = self._rows(X)
        if rows.has_missing:
            return self._hidden_means(rows)
        energy = self._energy()
        return rows.map(
            energy.hidden_mean, row_elements=energy.n_units, dtype=rows.float_dtype
        )

    def inverse_transform(self, X):
        """Compute the mean of each visible unit given the hidden ones.

        Where visible units are coupled, as in a `LatentBM` with `visible_couplings`,
        means are exact if, but for at most 12 of them, no two are coupled with each
        other, and found by mean field elsewhere.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Values of the hidden units: zeros and ones, or probabilities such as
            `transform` gives, used as they are.

        Returns
        -------
        V : ndarray of shape (n_samples, n_features)
            Means, which are P(v = 1 | h) where visible units are binary, float64. A
            frame if `set_output` says so.

        Raises
        ------
        ValueError
            If `X` is not a finite numeric table of `n_components` columns.

        Examples
        --------
        >>> from skebm import BinaryRBM
        >>> rbm = BinaryRBM.from_parameters([[2.0, -2.0]], [0.0, 0.0], [0.0])
        >>> rbm.inverse_transform([[0], [1]]).round(3)
        array([[0.5  , 0.5  ],
               [0.881, 0.119]])
        """
        check_is_fitted(self)
        energy = self._energy()
        hidden = check_hidden_rows(X, energy.n_hidden)
        return self._as_rows(self._in_states(energy.visible_mean(hidden)), X)

    def energy(self, X, H):
        """Compute the energy of pairs of visible and hidden rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Values of the visible units, read as in `fit`.
        H : array-like of shape (n_samples, n_components)
            Values of the hidden units, zeros and ones.

        Returns
        -------
        energy : ndarray of shape (n_samples,)
            E(v, h) in nats. Lower is likelier.

        Raises
        ------
        ValueError
            If either is not a finite numeric table of the right width, or their
            numbers of rows differ.

        Examples
        --------
        >>> from skebm import BinaryRBM
        >>> rbm = BinaryRBM.from_parameters([[2.0, -2.0]], [0.0, 0.0], [0.0])
        >>> rbm.energy([[1, 0], [0, 1]], [[1], [1]])
        array([-2.,  2.])
        """
        rows = self._without_gaps_but_spikes(
            self._check(X), "an energy is that of complete rows."
        )
        rows, energy = self._in_units(rows), self._energy()
        hidden = check_hidden_rows(H, energy.n_hidden)
        check_consistent_length(rows.table, hidden)
        if rows.has_missing:
            parts = parts_of(rows, energy.n_units)
            return np.concatenate(
                [
                    energy.observed_energy(part, known, hidden[block])
                    for block, part, known in parts
                ]
            )
        return rows.map(energy.energy, hidden, row_elements=energy.n_units)

    @property
    def _n_features_out(self):
        return self.components_.shape[0]
