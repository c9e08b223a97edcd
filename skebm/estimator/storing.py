"""Rows stored in a memory: `fit` and `partial_fit`."""

__all__ = ["StoringMixin"]

import numpy as np

from skebm.energy.spins import binary_from_spins, spins_from_binary
from skebm.estimator.binarized import states_of
from skebm.estimator.table_checks import refuse_missing
from skebm.estimator.validation import (
    all_or_nothing,
    check_constructor,
    fit_context,
    unqualified,
)
from skebm.learning.hebbian import RULES
from skebm.warning import warn_user

# Stored rows from which chains are told where the groups are, at most.
_MOST_KNOWN_ROWS = 1000


@unqualified
class StoringMixin:
    """`fit` and `partial_fit`, and what they keep."""

    @all_or_nothing
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Store rows, forgetting any stored before.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Complete rows; `binarize` says how values become units.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If `X` is not a finite numeric table, or has squares that are not finite
            times `beta`; or if `rule`, `states` or `update` is one that `interaction`
            has no use for.

        Warns
        -----
        UserWarning
            If rows span all features under ``rule="pseudoinverse"``, so that no
            couplings are left.

        Examples
        --------
        >>> from skebm import HopfieldNetwork
        >>> HopfieldNetwork().fit([[1, 1, 0], [0, 1, 1]]).memories_
        array([[1, 1, 0],
               [0, 1, 1]], dtype=int8)
        """
        self._check_choices()
        return self._store(X, first=True)

    @all_or_nothing
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None):
        """Store rows beside those that are stored already.

        The result is that of `fit` to all of them, whatever the chunks.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Complete rows, read as in `fit`.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If `X` is not a finite numeric table of the width seen before; or if `rule`,
            `interaction` or `states` has changed since rows were stored.

        Warns
        -----
        UserWarning
            As `fit` does.

        Examples
        --------
        >>> from skebm import HopfieldNetwork
        >>> memory = HopfieldNetwork().fit([[1, 1, 1, 0, 0, 0]])
        >>> memory.partial_fit([[0, 1, 0, 1, 0, 1]]).predict([[0, 1, 0, 1, 0, 0]])
        array([1])
        """
        check_constructor(self)  # scikit-learn does so at the first call only
        self._check_choices()
        first = not hasattr(self, "memories_")
        if not first:
            self._check_structure()
        return self._store(X, first=first)

    def _store(self, X, *, first):
        rows = self._check(X, reset=first)
        reason = "rows are stored complete. Leave out, or fill in, those that are not."
        refuse_missing(rows, reason)
        self._see(rows, first=first)
        added = rows.take(slice(None))
        if self.states is None:
            added = added.astype(np.float64)
        else:
            added = self._in_states(added).astype(np.int8)
        before = added[:0] if first else self.memories_
        self.memories_ = np.concatenate([before, added])
        self._structure = self._choices()
        if self.interaction == "quadratic":
            self._couple(len(added), first=first)
        self._energy()  # which refuses what is too large
        return self

    @property
    def _known_rows(self):
        """Rows that have a low energy: some of the stored ones, and their like."""
        rows = self._memories_in_units()
        chosen = np.linspace(0, len(rows) - 1, _MOST_KNOWN_ROWS).astype(int)
        rows = rows[np.unique(chosen)]
        if self.interaction == "quadratic" or self._has_even_power:
            # The opposite of a row has the same energy; chains would not find it.
            rows = np.concatenate([rows, ~rows])
        return rows

    def _couple(self, n_added, *, first):
        """Store the last so many rows in the couplings."""
        stored, n_features = self._spins(), self.n_features_in_
        if first:
            couplings = np.zeros((n_features, n_features))
        elif states_of(self) == (-1, 1):
            couplings = self.couplings_
        else:
            couplings, _, _ = spins_from_binary(self.couplings_, self.intercept_)
        couplings = RULES[self.rule](couplings, stored[-n_added:], stored)
        if self.rule == "pseudoinverse" and not couplings.any():
            warn_user(
                "The rows that are stored leave no couplings, which makes every row a "
                "fixed point: they span all features, or no two features go together. "
                "Store fewer, or set interaction='exponential'.",
                UserWarning,
            )
        bias = np.zeros(n_features)
        if states_of(self) == (0, 1):
            couplings, bias, _ = binary_from_spins(couplings, bias)
        self.couplings_, self.intercept_ = couplings, bias

    def _check_choices(self):
        """Refuse parameters that do not go together."""
        if self.rule != "hebbian" and self.interaction != "quadratic":
            raise ValueError(
                f"rule={self.rule!r} is for couplings, which interaction="
                f"{self.interaction!r} does not have: it keeps the rows. Leave rule at "
                "'hebbian', or set interaction='quadratic'."
            )
        if self.states is None and self.interaction != "exponential":
            raise ValueError(
                f"states=None takes rows as real numbers, and interaction="
                f"{self.interaction!r} is of binary ones. Set interaction="
                "'exponential', or states."
            )
        if self.states is None and self.update == "asynchronous":
            raise ValueError(
                "Real rows move as a whole, and not one feature after the other. Set "
                "update='auto' where states=None."
            )

    def _choices(self):
        names = "rule", "interaction", "states"
        return {name: getattr(self, name) for name in names}

    def _check_structure(self):
        """Refuse what has been stored otherwise."""
        for name, value in self._structure.items():
            if not np.array_equal(getattr(self, name), value):
                raise ValueError(
                    f"{name} was {value!r} when rows were stored and is "
                    f"{getattr(self, name)!r} now. Set it back, or call fit to store "
                    "them again."
                )

    def _spins(self):
        """Give the stored rows as spins, float64."""
        return np.where(self._memories_in_units(), 1.0, -1.0)
