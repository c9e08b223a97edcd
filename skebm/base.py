"""The public edge of every model: validate, then call the private mathematics."""

__all__ = ["BaseEnergyModel"]

from abc import ABCMeta, abstractmethod
from copy import deepcopy
from dataclasses import replace
from functools import partial
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from skebm._callbacks import CallbackSupportMixin, iterate_epochs
from skebm._validation import (
    Interval,
    all_or_nothing,
    check_rows,
    fit_context,
    make_generator,
    validate_params,
    warn_user,
)
from skebm.learning.contrastive import LearningState
from skebm.learning.schedule import Schedule
from skebm.partition.log_partition import compute_log_partition
from skebm.sampling.chains import run_chains, start_visible
from skebm.sampling.noise import UniformNoise

# Below this many equally weighted draws the mean weight rests on a few chains,
# and what the others would have found is anybody's guess.
_LEAST_EFFECTIVE_SAMPLE_SIZE = 10

_COMPUTED_ON_FIRST_USE = {
    "log_partition_",
    "log_partition_std_",
    "log_partition_effective_sample_size_",
}

_SAMPLING_CONSTRAINTS = {
    "n_steps": [Interval(Integral, 0, None, closed="left")],
    # Below it the product of a field and 1 / temperature may overflow float32.
    "temperature": [Interval(Real, 1e-6, None, closed="left")],
    "random_state": ["random_state"],
}


class BaseEnergyModel(
    CallbackSupportMixin, TransformerMixin, BaseEstimator, metaclass=ABCMeta
):
    """Methods that every energy-based model shares.

    A model adds its constructor and four private methods of pure mathematics:
    `_initial_model` (where learning starts), `_learner` (how it proceeds),
    `_parameters` (the public attributes of what was learned) and `_energy` (the
    energy that those attributes describe, in float64).
    """

    @abstractmethod
    def _initial_model(self, visible_mean, rng):
        """Build the machine from which learning starts."""

    @abstractmethod
    def _learner(self):
        """Build the learning algorithm from the constructor's parameters."""

    @abstractmethod
    def _parameters(self, model):
        """Name the public attributes that a learned machine becomes."""

    @abstractmethod
    def _energy(self):
        """Build the energy that the public attributes describe."""

    # ---- fitting ----

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
            If the parameters do not stay finite.
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
            If the parameters do not stay finite.
        """
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
        return self._start(self._initial_model(self._visible_mean, rng), rng)

    def _resume(self, rows):
        self._see(rows)
        # A copy of the noise, so that a pass that fails has drawn nothing.
        state = replace(self._state, noise=deepcopy(self._state.noise))
        if self.centering:
            offset = self._visible_mean.astype(np.float32)
            state.model = state.model.recentred(visible_offset=offset)
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
        """Start persistent chains of a machine that is about to learn."""
        noise = UniformNoise(rng, np.float32)
        visible = start_visible(self._visible_mean, self.n_chains, rng)
        chains = model.start_chains(model.prepare(visible), noise)
        return LearningState(model, chains, noise)

    def _fitted_attributes(self, state):
        return {
            **self._parameters(state.model),
            "n_iter_": state.n_epochs,
            "_partition_estimate": None,
        }

    # ---- probability ----

    def free_energy(self, X):
        """Compute the free energy of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Values of the visible units; `binarize` applies as in `fit`.

        Returns
        -------
        free_energy : ndarray of shape (n_samples,)
            -log of the sum of exp(-E) over the hidden units, in nats. Lower is
            likelier; comparable between rows, not between models.
        """
        check_is_fitted(self)
        return self._free_energy(check_rows(self, X))

    def score_samples(self, X):
        """Compute the log-likelihood of each row.

        Deterministic, and independent of which rows are passed together.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Values of the visible units; `binarize` applies as in `fit`.

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples,)
            Normalised log p(v), in nats. The error of `log_partition_` shifts all
            rows alike.
        """
        check_is_fitted(self)
        rows = check_rows(self, X)
        return -self._free_energy(rows) - self.log_partition_

    def score(self, X, y=None):
        """Compute the mean log-likelihood of the rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Values of the visible units; `binarize` applies as in `fit`.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        log_likelihood : float
            Mean of `score_samples`, in nats a row. Higher is better, so that
            searches can rank candidates by it.
        """
        return float(self.score_samples(X).mean())

    def pseudo_log_likelihood(self, X):
        """Compute the pseudo-log-likelihood of each row.

        The sum over *all* features of log p(v_i | the other features): no
        feature is left out at random, and no partition function is needed.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Values of the visible units; `binarize` applies as in `fit`.

        Returns
        -------
        pseudo_log_likelihood : ndarray of shape (n_samples,)
            In nats. Takes n_features times as long as `free_energy`.
        """
        check_is_fitted(self)
        energy = self._energy()
        return check_rows(self, X).map(
            lambda visible: energy.conditional_log_likelihood(visible).sum(axis=1),
            row_elements=energy.n_units,
        )

    @property
    def log_partition_(self):
        """Log partition function log Z in nats, computed on first use.

        Exact where a layer has at most 20 units, else estimated by annealed
        importance sampling, from a seed drawn in `fit`: the value does not depend
        on what was called before.
        """
        return self._estimate_partition().log_partition

    @property
    def log_partition_std_(self):
        """Standard error of `log_partition_` in nats, 0 when exact."""
        return self._estimate_partition().std

    @property
    def log_partition_effective_sample_size_(self):
        """Number of equally weighted chains that the annealed ones are worth.

        Infinite where `log_partition_` is exact. Below 10 there is a
        `ConvergenceWarning`: the estimate then rests on a few chains.
        """
        return self._estimate_partition().effective_sample_size

    def _free_energy(self, rows):
        energy = self._energy()
        return rows.map(energy.free_energy, row_elements=energy.n_units)

    def _estimate_partition(self):
        check_is_fitted(self)
        if self._partition_estimate is None:
            estimate = compute_log_partition(
                self._energy(),
                self._visible_mean,
                n_temperatures=self.n_ais_temperatures,
                n_chains=self.n_ais_chains,
                rng=np.random.default_rng(self._partition_seed),
            )
            if estimate.effective_sample_size < _LEAST_EFFECTIVE_SAMPLE_SIZE:
                warn_user(
                    "The log partition function cannot be relied on: the "
                    f"{self.n_ais_chains} chains of its estimate are worth "
                    f"{estimate.effective_sample_size:.1f} independent ones. Raise "
                    "n_ais_temperatures (first) or n_ais_chains.",
                    ConvergenceWarning,
                )
            self._partition_estimate = estimate
        return self._partition_estimate

    def __dir__(self):
        # scikit-learn's own version evaluates every name, and its HTML repr every
        # attribute listed: neither must set off a computation of seconds.
        names = set(object.__dir__(self))
        if getattr(self, "_partition_estimate", None) is None:
            names -= _COMPUTED_ON_FIRST_USE
        return [name for name in names if hasattr(self, name)]

    # ---- drawing ----

    @validate_params(
        {
            **_SAMPLING_CONSTRAINTS,
            "n_samples": [Interval(Integral, 1, None, closed="left")],
            "init": ["array-like", "sparse matrix", None],
        },
        prefer_skip_nested_validation=True,
    )
    def sample(
        self,
        n_samples=1,
        *,
        n_steps=1000,
        init=None,
        temperature=1.0,
        random_state=None,
    ):
        """Draw rows from the model, each by a Gibbs chain of its own.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows.
        n_steps : int, default=1000
            Gibbs sweeps of each chain. The law of the rows approaches the
            model's as it grows; models with separate modes need more, or an
            `init` spread over the modes.
        init : {array-like, sparse matrix} of shape (n_rows, n_features), default=None
            Where the chains start, taken in turn. None starts them from draws
            of independent units with the means of the training data.
        temperature : float, default=1.0
            The law drawn from is proportional to exp(-E / temperature). At least
            1e-6.
        random_state : int, RandomState instance or None, default=None
            Pass an int for the same rows at each call.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            Zeros and ones, float64.
        """
        check_is_fitted(self)
        rng = make_generator(random_state)
        if init is None:
            visible = start_visible(self._visible_mean, n_samples, rng)
        else:
            rows = check_rows(self, init)
            visible = rows.take(np.arange(n_samples) % rows.n_rows)
        return self._run_chains(visible, n_steps, temperature, rng)

    @validate_params(
        {**_SAMPLING_CONSTRAINTS, "X": ["array-like", "sparse matrix"]},
        prefer_skip_nested_validation=True,
    )
    def gibbs(self, X, *, n_steps=1, temperature=1.0, random_state=None):
        """Move each row by Gibbs sampling.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Values of the visible units; `binarize` applies as in `fit`.
        n_steps : int, default=1
            Number of sweeps.
        temperature : float, default=1.0
            The sweeps leave the law proportional to exp(-E / temperature)
            unchanged.
        random_state : int, RandomState instance or None, default=None
            Pass an int for the same rows at each call.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_features)
            Zeros and ones, float64.
        """
        check_is_fitted(self)
        rows = check_rows(self, X)
        rng = make_generator(random_state)
        return self._run_chains(rows.take(slice(None)), n_steps, temperature, rng)

    def _run_chains(self, visible, n_steps, temperature, rng):
        state = run_chains(
            self._energy().astype(np.float32),
            visible,
            UniformNoise(rng, np.float32),
            n_sweeps=n_steps,
            beta=1 / temperature,
        )
        return state.visible.astype(np.float64)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
