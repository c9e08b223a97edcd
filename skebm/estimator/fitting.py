"""Learning from data: `fit` and `partial_fit`."""

__all__ = ["FittingMixin"]

from copy import deepcopy
from dataclasses import replace

import numpy as np

from skebm.estimator.callbacks import FitReport
from skebm.estimator.interrupts import is_one_of_many, warn_of_interrupt
from skebm.estimator.likelihood import fingerprint
from skebm.estimator.parameter_checks import check_size
from skebm.estimator.table_checks import warn_of_constants
from skebm.estimator.threads import threads_for
from skebm.estimator.validation import (
    all_or_nothing,
    available_unless,
    check_constructor,
    check_weights,
    fit_context,
    make_generator,
    unqualified,
)
from skebm.estimator.verbosity import Lines
from skebm.learning.backtracking import Backtracking
from skebm.learning.contrastive import ContrastiveLearning, LearningState
from skebm.learning.expectation import ExpectationMaximisation
from skebm.learning.jumping import Jumping
from skebm.learning.lbfgs import LBFGS
from skebm.learning.measuring import Measuring
from skebm.learning.objectives import Likelihood, PseudoLikelihood
from skebm.learning.passing import Pass
from skebm.learning.schedule import Schedule
from skebm.learning.starts.correlations import sample_size
from skebm.learning.stopping import QUICK, Stopping
from skebm.learning.trainer import Trainer
from skebm.sampling.mixture import GROUPED_ROWS, MOST_GROUPS, Groups
from skebm.sampling.path import IndependentStart
from skebm.sampling.random import UniformNoise
from skebm.units.data import relative

# Updates of a fit that is not told how many. Small tables and large ones need
# about as many. Where rows are held out, these say when it is enough.
_DEFAULT_UPDATES = 2000
_MOST_UPDATES = 20_000

# Enough to tell differences of a few hundredths of a nat apart.
_MAX_HELD_OUT = 1000

# Where `early_stopping` is left to us: fewer rows leave none to spare, and more are not
# overfitted by so few updates, which are best spent on all of them.
_FEWEST_TO_SPARE, _MANY_ROWS = 10, 3000

# What is missing of a chunk is drawn once, from nothing, by so many sweeps. By one, two
# patterns of bits with half the values missing were learned 0.2 nats worse.
_SWEEPS_OF_CHUNKS = 20

# What algorithms climb that go through all data at each step, up to an optimum.
_OBJECTIVES = {"exact": Likelihood, "pseudolikelihood": PseudoLikelihood}
_DETERMINISTIC = {*_OBJECTIVES, "em"}


def _has_no_chunks(estimator):
    """Say why there is no `partial_fit`, where the algorithm has no use for it."""
    if estimator.algorithm in _DETERMINISTIC:
        return (
            f"algorithm={estimator.algorithm!r} learns from all data at once, so that "
            f"{type(estimator).__name__} has no partial_fit. Use fit, or set "
            "algorithm='pcd'."
        )
    return estimator._needs_all_data


@unqualified
class FittingMixin:
    """`fit` and `partial_fit`, and what an estimator remembers between them."""

    # Parameters of the constructor that `partial_fit` cannot change.
    _structural_parameters = ()

    # Rows that the last `fit` learned from; None where they came in chunks.
    _n_rows_of_fit = None

    # Why there is no `partial_fit`, whatever the algorithm, where there is none.
    _needs_all_data = ""

    # Whether `_metric` looks at the sample of rows that it is given.
    _metric_sees_rows = True
    # Iterations of L-BFGS, at most, of a fit that is not told how many.
    _most_iterations = _MOST_UPDATES

    # An energy that others have learned, from which `fit` starts, or None.
    _given_start = None

    # Whether an interrupt from the keyboard is an error: of a part of a larger model.
    _interrupts_pass = False

    @all_or_nothing
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Fit the model to data, forgetting any earlier fit.

        If fitting fails or diverges, the estimator is left as it was before the call.
        An interrupt from the keyboard ends learning, and keeps what was learned until
        the last measurement; before the first stage is over, and in a search or another
        run of many fits, it goes on as an error.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data. Of binary models `binarize` says how values become units.
        y : Ignored
            Present for API consistency.
        sample_weight : array-like of shape (n_samples,), default=None
            What each row counts, not negative. A row of weight 2 counts as if it were
            there twice, one of weight 0 as if it were not there. Only their ratios
            matter, but for how much the start of learning is smoothed, and for what
            goes by the number of rows: that is their sum, unless all are equal.
            Stochastic algorithms draw rows in proportion to their weights. None counts
            each row once.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        FloatingPointError
            If learning diverges, at ever smaller steps too: a parameter is not
            finite, or a weight is larger than any data call for. Lower
            `learning_rate`.
        ValueError
            If `X` is not a numeric table, finite where it is not missing, or of binary
            models with ``binarize=None`` is outside their states; if `sample_weight`
            has another length, negative values or no positive one; if `early_stopping`
            leaves no row to learn from; if ``algorithm="exact"`` finds no layer of at
            most 20 units, or meets `early_stopping`.

        Warns
        -----
        ConvergenceWarning
            If ``algorithm="exact"`` has not come to an optimum within `max_iter`
            iterations, or if learning was interrupted from the keyboard.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from skebm import BinaryRBM
        >>> X = load_digits().data > 7
        >>> BinaryRBM(n_components=16, max_iter=2, random_state=0).fit(X).n_iter_
        2
        """
        rows = self._check(X, reset=True, sample_weight=sample_weight)
        self._warn_of_constants(rows)
        all_rows = rows.weighted(relative(check_weights(sample_weight, rows.table)))
        algorithm = self._algorithm(all_rows)
        rng = self._seed()
        learned, held_out = self._hold_out(all_rows.n_rows, rng, algorithm)
        rows = all_rows if held_out is None else all_rows.subset(learned)
        self._n_rows_of_fit = rows.n_rows
        lines = Lines(self)
        lines.say(_told_of(rows.n_rows, held_out, self.n_features_in_))
        self._see(rows, first=True)
        all_rows = rows = self._completed(self._in_units(all_rows), rng)
        if held_out is not None:
            rows, held_out = all_rows.subset(learned), all_rows.subset(held_out)
        self._remember(rows)
        state = self._begin(rows, rng, algorithm, self._pretrained(rows, rng))
        trainer = self._trainer(state, rows, held_out, all_rows, algorithm)

        def fitted_attributes(history):
            return self._fitted_attributes(trainer, state, history)

        # Callbacks score only where there is a y, so there is one, unused.
        y = np.zeros(rows.table.shape[0]) if y is None else y
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        reported = X, y, metadata, fitted_attributes
        report = FitReport(self, trainer, state, lines, *reported)
        try:
            with threads_for(state.model):
                history = trainer.run(state, rows, report)
        except KeyboardInterrupt:
            history = report.go_back()
            if history is None or self._interrupts_pass or is_one_of_many():
                raise
            trainer.settle(state)
            warn_of_interrupt(f"{state.n_updates} {trainer.counts}")
        report.close()
        lines.say_at_end(_told_at_end(trainer, state, history))
        vars(self).update(fitted_attributes(history), _state=state)
        if rows.has_missing:
            self._remember(rows)  # as the model completes them
        self._note_cheap_partition()
        return self

    @available_unless(_has_no_chunks)
    @all_or_nothing
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, sample_weight=None):
        """Learn from one pass over a chunk of data, from where learning stands.

        The estimator may be fitted or not, and the chunk of any size: its rows
        are cut into batches of at most `batch_size`, and each phase is averaged
        over its own rows. The step size stays at `learning_rate`, because the
        end is not known; lower it with `set_params` for the last passes.

        The likelihood of rows of the chunk at hand is appended to `history_`, before
        the first update and after each hundred, as in `fit`. It is of other rows each
        time, so that it varies with these as well.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            A chunk of training data, read as in `fit`.
        y : Ignored
            Present for API consistency.
        sample_weight : array-like of shape (n_samples,), default=None
            What each row counts, not negative. The pass draws as many rows as without
            weights, or one batch if that is more, in proportion to their weights. How
            much chunks count beside each other matters only for the means around which
            units are centred. None counts each row once.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        FloatingPointError
            If learning diverges: a parameter is not finite, or a weight is larger
            than any data call for. Lower `learning_rate`.
        ValueError
            If `X` is not a numeric table of the width seen before, finite where it is
            not missing, of binary models with ``binarize=None`` is outside their
            states; if `sample_weight` is not as `fit` asks; or if a parameter has
            changed without which learning cannot go on, such as `n_components`.
        AttributeError
            With an algorithm that learns from all data at once, such as "exact".

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from skebm import BinaryRBM
        >>> X = load_digits().data > 7
        >>> rbm = BinaryRBM(n_components=16, random_state=0)
        >>> for start in range(0, len(X), 500):
        ...     rbm = rbm.partial_fit(X[start : start + 500])
        >>> rbm.n_iter_  # of at most 200 rows each
        11
        """
        check_constructor(self)  # scikit-learn does so at the first call only
        algorithm = self._algorithm(None)
        first = not hasattr(self, "_state")
        rows = self._check(X, reset=first, sample_weight=sample_weight)
        rows = rows.weighted(check_weights(sample_weight, rows.table))
        if not first:
            self._check_structure()
        else:
            self._warn_of_constants(rows)
            self._n_rows_of_fit = None
        self._see(rows, first=first)
        rng = self._seed() if first else deepcopy(self._state.noise.rng)
        rows = self._completed(self._in_units(rows), rng, _SWEEPS_OF_CHUNKS)
        state = self._begin(rows, rng, algorithm) if first else self._resume()
        if state.jumping is None:
            rng = state.noise.rng
            state.jumping = self._jumping(self._sample(rows, rng), rng)
        learner = self._learner(algorithm, state.model)
        lines = Lines(self)

        def report(n_done, n_stages, history):
            done = f"{state.n_updates} updates"
            lines.say_at_stage(done, n_done, n_stages, history)

        one_pass = Pass(
            learner,
            self._rate(None),
            lambda: self._measuring(learner, state, rows, None, _DEFAULT_UPDATES),
        )
        before = {} if first else getattr(self, "history_", {})
        history = one_pass.run(state, rows, before, report)
        attributes = self._fitted_attributes(learner, state, history)
        if state.n_updates > history["n_iter"][-1]:
            attributes["_draws"] = None  # of the machine as it was measured
        vars(self).update(attributes, _state=state)
        self._remember(rows, 0 if first else self._n_known or 0)
        return self

    def _algorithm(self, rows):
        """Choose the algorithm for a fit to rows, or None: to one chunk of them."""
        return self.algorithm

    def _stopping(self, n_rows, algorithm):
        """Say how rows held out are to end learning; None: there are none."""
        is_stochastic = algorithm not in _DETERMINISTIC
        if self._is_left_to_us(n_rows):
            return QUICK if is_stochastic and n_rows >= _FEWEST_TO_SPARE else None
        if not self._stops_early:
            return None
        if not is_stochastic:
            raise ValueError(
                "early_stopping needs a stochastic algorithm: "
                f"algorithm={algorithm!r} ends at the optimum. Use algorithm='pcd', or "
                "limit the weights by alpha."
            )
        return Stopping(self.n_iter_no_change)

    @property
    def _stops_early(self):
        """Whether it was asked for to learn for as long as rows held out gain."""
        return self.early_stopping != "auto" and self.early_stopping

    def _is_left_to_us(self, n_rows):
        """Tell whether how long a fit goes on is for the number of rows to say."""
        few = n_rows is not None and n_rows < _MANY_ROWS
        return few and self.max_iter is None and self.early_stopping == "auto"

    def _hold_out(self, n_rows, rng, algorithm):
        """Choose rows at random to learn from, and rows to score, or None."""
        if self._stopping(n_rows, algorithm) is None:
            return None, None
        n_held_out = min(
            max(1, round(self.validation_fraction * n_rows)), _MAX_HELD_OUT
        )
        if n_rows <= n_held_out:
            raise ValueError(
                f"early_stopping holds out {n_held_out} of n_samples={n_rows}: "
                "no row is left to learn from. Lower validation_fraction, or set "
                "early_stopping=False."
            )
        order = rng.permutation(n_rows)
        return np.sort(order[n_held_out:]), np.sort(order[:n_held_out])

    def _trainer(self, state, rows, held_out, all_rows, algorithm):
        """Build what learns until it is enough."""
        learner = self._learner(algorithm, state.model)
        if algorithm in _DETERMINISTIC:
            return learner
        n_rows = all_rows.n_rows
        n_updates = self._n_updates(n_rows)
        stopping = self._stopping(n_rows, algorithm) or Stopping(None)
        return Trainer(
            learner,
            Schedule(self._rate(n_rows), n_updates, self.decay_fraction),
            self._measuring(learner, state, rows, held_out, n_updates),
            Backtracking(
                stopping.patience, self.tol, stopping.max_plateaus, stopping.overfitting
            ),
            self._shrinking(rows, held_out, state.noise.rng),
            None if held_out is None else all_rows,
            stopping.finishing_share,
        )

    def _measuring(self, learner, state, rows, held_out, n_updates):
        """Build what measures the likelihood along the way."""
        return Measuring(
            rows,
            held_out,
            groups=state.jumping.groups,
            mean=state.model.chain_mean(self._visible_mean),
            mean_of_rows=self._mean_of_rows(),
            noise=UniformNoise(state.noise.rng.spawn(1)[0], np.float32),
            n_updates=n_updates,
            update_rows=learner.batch_size + learner.n_chains,
            trajectory=state.trajectory,
        )

    def _learner(self, algorithm, energy, objective=None):
        """Build a learning algorithm from the constructor's parameters."""
        # Sums of NumPy's narrow integers would overflow, hence `int`.
        # A network's penalty has no L1 part.
        penalty = {
            "alpha": self._strength(algorithm),
            "l1_ratio": getattr(self, "l1_ratio", 0.0),
        }
        if algorithm == "em":
            return ExpectationMaximisation(
                max_iter=self.max_iter, tol=self.tol, **penalty
            )
        if algorithm in _DETERMINISTIC:
            return LBFGS(
                max_iter=int(self.max_iter or self._most_iterations),
                tol=self.tol,
                objective=objective or _OBJECTIVES[algorithm],
                **penalty,
            )
        mean = energy.chain_mean(self._visible_mean)
        return ContrastiveLearning(
            persistent=algorithm == "pcd",
            n_chains=int(self._n_chains(self._n_rows_of_fit)),
            n_gibbs_steps=int(self._n_steps),
            batch_size=int(self.batch_size),
            tempered_from=mean if self.tempering else None,
            drifting_offset=self._centres,
            **penalty,
        )

    @property
    def _n_steps(self):
        """Steps of chains in an update; models name them by their kind."""
        return self.n_gibbs_steps

    def _strength(self, algorithm):
        """Give the strength of the penalty of the weights."""
        return self.alpha

    def _shrinking(self, rows, held_out, rng):
        """Make what finds the strength of the penalty while learning goes on, or None.

        Few models have it.
        """
        return None

    @property
    def _centres(self):
        """Whether offsets of units follow their means; few models leave a choice."""
        return getattr(self, "centering", True)

    def _n_updates(self, n_rows):
        if self.max_iter is not None:
            return int(self.max_iter)
        return _MOST_UPDATES if self._stops_early else _DEFAULT_UPDATES

    def _rate(self, n_rows):
        """Say how long steps are at the start of a fit; None are rows in chunks."""
        return self.learning_rate

    def _n_chains(self, n_rows):
        """Say how many chains there are in a fit; None are rows in chunks."""
        return self.n_chains

    def _pretrained(self, rows, rng):
        """Give the energy from which `fit` starts where learning has led to it."""
        return self._given_start

    def _begin(self, rows, rng, algorithm, start=None):
        """Make the state of a machine that starts from what a sample of rows says."""
        sample = self._sample(rows, rng)
        energy = start or self._initial_energy(sample, rng)
        state = self._start(energy, sample, rng, algorithm)
        machine, _ = state.model.marginal()
        mean = state.model.chain_mean(self._visible_mean)
        start = IndependentStart(machine.units, mean)
        drawn = start.draw(int(self._n_chains(self._n_rows_of_fit)), state.noise)
        state.chains = state.model.chains_of(drawn, state.noise)
        if algorithm not in _DETERMINISTIC:
            state.jumping = self._jumping(sample, rng)
        return state

    def _jumping(self, sample, rng):
        """Find groups of rows, between which chains are to jump."""
        if len(sample) > GROUPED_ROWS:
            sample = sample[rng.choice(len(sample), GROUPED_ROWS, replace=False)]
        return Jumping(Groups(self._drawn(sample, rng), MOST_GROUPS, rng))

    def _adopt(self, attributes, n_features, X):
        """Take on known parameters, of which learning can go on."""
        check_constructor(self)
        vars(self).update(attributes)
        if X is None:
            self._see_nothing(n_features)
            self.n_features_in_ = n_features
        else:
            rows = self._check(X, reset=True)
            if rows.n_columns != n_features:
                raise ValueError(
                    f"X has {rows.n_columns} features, the parameters {n_features}."
                )
            self._see(rows, first=True)
        with np.errstate(over="ignore", invalid="ignore"):  # shows in the parameters
            check_size(self._energy())
        rng = self._seed()
        if X is not None:
            self._remember(self._completed(self._in_units(rows), rng))
        n_rows = sample_size(n_features) if self._metric_sees_rows else 0
        sample = self._start_rows(n_rows, rng)
        state = self._start(self._energy(), sample, rng, "pcd")
        learner = self._learner("pcd", state.model)
        vars(self).update(self._fitted_attributes(learner, state), _state=state)
        # As given, where the learning state has rounded them to float32.
        vars(self).update(attributes)
        self._note_cheap_partition()

    def _check_structure(self):
        """Refuse to learn on where a parameter has changed that cannot."""
        for name, value in self._state.structure.items():
            if not np.array_equal(getattr(self, name), value):
                raise ValueError(
                    f"{name} was {value} when learning began and is "
                    f"{getattr(self, name)} now. Set it back, or call fit to begin "
                    "again."
                )

    def _resume(self):
        # A copy of the noise, so that a pass that fails has drawn nothing.
        state = replace(self._state, noise=deepcopy(self._state.noise))
        if self.alpha != "auto":
            state.shrinkage = 0.0  # found before the strength was given
        for name in "model", "averaged":
            energy = getattr(state, name).astype(np.float32)
            # Means of the data have moved since.
            shifted = (
                energy.shifted(self._visible_mean) if self._centres else energy.plain()
            )
            setattr(state, name, shifted)
        if state.metric is not None and self._strength("pcd") > 0:
            state.metric = state.metric.diagonal()
        return state

    def _seed(self):
        """Make the Generator of a fit; draw the seed of its log Z from it."""
        rng = make_generator(self.random_state)
        self._partition_seed = int(rng.integers(2**63))
        return rng

    def _start(self, energy, sample, rng, algorithm):
        """Make the state of a machine that is about to learn, without chains."""
        energy = energy.astype(np.float32)
        if self._centres or algorithm in _DETERMINISTIC:
            energy = energy.centred(self._visible_mean)
        metric = self._metric(energy, sample)
        structure = {name: getattr(self, name) for name in self._structural_parameters}
        noise = UniformNoise(rng, np.float32)
        return LearningState(energy, energy, None, noise, structure, metric)

    def _fitted_attributes(self, learner, state, history=None):
        energy = learner.result(state).astype(np.float64).plain()
        parameters = self._parameters(energy)
        attributes = {
            **parameters,
            "n_iter_": state.n_updates,
            "_parameter_names": tuple(parameters),
            "_partition_estimate": None,
            "_n_sweeps_of_learning": 0,
        }
        if self._n_rows_of_fit is not None:  # rows in chunks do not end
            attributes["_n_sweeps_of_learning"] = learner.n_sweeps(state)
        if state.trajectory is not None:
            draws = state.trajectory.draws()
            attributes["_draws"] = fingerprint(parameters.values()), draws
        if history is not None:
            attributes["history_"] = {
                name: np.array(values) for name, values in history.items()
            }
        return attributes

    def _warn_of_constants(self, rows):
        """Warn of rows that are all alike, unless they are probabilities of others."""
        if getattr(self, "binarize", 0) is not None:
            warn_of_constants(rows.table)

    def _start_size(self, n_columns):
        """Say how many rows the start of learning looks at."""
        return sample_size(n_columns)

    def _sample(self, rows, rng):
        """Read a sample of rows, always in float64: draws are then the same."""
        sample = rows.take(rows.sample(self._start_size(rows.n_columns), rng))
        return sample.astype(np.float64, copy=False)


def _told_of(n_rows, held_out, n_features):
    """Say what is learned from."""
    told = f"learning from {n_rows} rows of {n_features} columns"
    return told if held_out is None else f"{told}, {len(held_out)} held out"


def _told_at_end(trainer, state, history):
    """Say what learning has come to."""
    told = f"ended after {state.n_updates} {trainer.counts}"
    held_out = history.get("validation_log_likelihood", [np.nan])
    if np.isnan(held_out).all():
        return told
    best = np.nanargmax(held_out)
    return (
        f"{told}, highest held out {held_out[best]:.2f} after {history['n_iter'][best]}"
    )
