"""Learning from data: `fit` and `partial_fit`."""

__all__ = ["FittingMixin"]

from copy import deepcopy
from dataclasses import replace
from functools import partial

import numpy as np

from skebm._callbacks import iterate_epochs
from skebm._validation import (
    all_or_nothing,
    check_constructor,
    check_rows,
    fit_context,
    make_generator,
)
from skebm.learning.contrastive import LearningState
from skebm.learning.schedule import Schedule
from skebm.sampling.chains import start_visible
from skebm.sampling.noise import UniformNoise


class FittingMixin:
    """`fit` and `partial_fit`, and what an estimator remembers between them."""

    # Parameters of the constructor that `partial_fit` cannot change.
    _structural_parameters = ("n_components",)

    @all_or_nothing
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Fit the model to data, forgetting any earlier fit.

        If fitting fails, diverges or is interrupted, the estimator is left as it
        was before the call.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data; `binarize` says how values become units.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        FloatingPointError
            If learning diverges: a parameter is not finite, or a weight exceeds
            100 in size, which no data call for. Lower `learning_rate`.
        ValueError
            If `X` is not a finite numeric table, or is outside [0, 1] with
            ``binarize=None``.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from skebm import BinaryRBM
        >>> X = load_digits().data > 7
        >>> BinaryRBM(n_components=16, max_iter=2, random_state=0).fit(X).n_iter_
        2
        """
        rows = check_rows(self, X, reset=True)
        state = self._begin(rows)
        learner = self._learner()
        schedule = Schedule(
            self.learning_rate,
            self.max_iter * learner.n_batches(rows.n_rows),
            self.decay_fraction,
        )
        fitted_attributes = partial(self._fitted_attributes, state)
        # Callbacks score only where there is a y, so there is one, unused.
        y = np.zeros(rows.n_rows) if y is None else y
        for _ in iterate_epochs(
            self, self.max_iter, X=X, y=y, fitted_attributes=fitted_attributes
        ):
            learner.run_epoch(state, rows, schedule)
        vars(self).update(fitted_attributes(), _state=state)
        return self

    @all_or_nothing
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None):
        """Learn from one pass over a chunk of data, from where learning stands.

        The estimator may be fitted or not, and the chunk of any size: its rows
        are cut into batches of at most `batch_size`, and each phase is averaged
        over its own rows. The step size stays at `learning_rate`, because the
        end is not known; lower it with `set_params` for the last passes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            A chunk of training data; `binarize` says how values become units.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        FloatingPointError
            If learning diverges: a parameter is not finite, or a weight exceeds
            100 in size, which no data call for. Lower `learning_rate`.
        ValueError
            If `X` is not a finite numeric table of the width seen before, is
            outside [0, 1] with ``binarize=None``, or `n_components` has changed.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from skebm import BinaryRBM
        >>> X = load_digits().data > 7
        >>> rbm = BinaryRBM(n_components=16, random_state=0)
        >>> for start in range(0, len(X), 500):
        ...     rbm = rbm.partial_fit(X[start : start + 500])
        >>> rbm.n_iter_
        4
        """
        check_constructor(self)  # scikit-learn does so at the first call only
        first = not hasattr(self, "_visible_mean")
        rows = check_rows(self, X, reset=first)
        state = self._begin(rows) if first else self._resume(rows)
        self._learner().run_epoch(state, rows, Schedule(self.learning_rate))
        vars(self).update(self._fitted_attributes(state), _state=state)
        return self

    def _begin(self, rows):
        self._n_rows_seen, self._column_sums = 0, 0.0
        self._see(rows)
        rng = self._seed()
        state = self._start(self._initial_model(self._visible_mean, rng), rng)
        visible = start_visible(self._visible_mean, self.n_chains, rng)
        visible = state.model.prepare(visible)
        state.chains = state.model.start_chains(visible, state.noise)
        return state

    def _resume(self, rows):
        for name, value in self._state.structure.items():
            if getattr(self, name) != value:
                raise ValueError(
                    f"{name} was {value} when learning began and is "
                    f"{getattr(self, name)} now. Set it back, or call fit to begin "
                    "again."
                )
        self._see(rows)
        # A copy of the noise, so that a pass that fails has drawn nothing.
        state = replace(self._state, noise=deepcopy(self._state.noise))
        if self.centering:
            offset = self._visible_mean.astype(np.float32)
            state.model = state.model.recentred(visible_offset=offset)
        else:
            state.model = state.model.uncentred()
        return state

    def _see(self, rows):
        """Add rows to what is known of the means of the visible units."""
        self._n_rows_seen = self._n_rows_seen + rows.n_rows
        self._column_sums = self._column_sums + rows.column_sums()
        # Half a row more on each side keeps the log-odds finite.
        self._visible_mean = (self._column_sums + 0.5) / (self._n_rows_seen + 1)

    def _seed(self):
        """Make the Generator of a fit; draw the seed of its log Z from it."""
        rng = make_generator(self.random_state)
        self._partition_seed = int(rng.integers(2**63))
        return rng

    def _start(self, model, rng):
        """Make the state of a machine that is about to learn, without chains."""
        structure = {name: getattr(self, name) for name in self._structural_parameters}
        return LearningState(model, None, UniformNoise(rng, np.float32), structure)

    def _fitted_attributes(self, state):
        return {
            **self._parameters(state.model),
            "n_iter_": state.n_epochs,
            "_partition_estimate": None,
        }
