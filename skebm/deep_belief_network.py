"""Deep belief networks: restricted machines stacked on each other as one model."""

__all__ = ["DeepBeliefNetwork"]

import warnings
from dataclasses import replace
from itertools import pairwise
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from skebm.binary_rbm import BinaryRBM
from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.energy.directed_stack import DirectedStack
from skebm.estimator.doc_link import DocLinkMixin
from skebm.estimator.interrupts import is_one_of_many, warn_of_interrupt
from skebm.estimator.passing import PassingMixin
from skebm.estimator.table_checks import refuse_missing
from skebm.estimator.validation import (
    Interval,
    all_or_nothing,
    check_constructor,
    check_weights,
    fit_context,
    make_generator,
    underflow_is_zero,
)
from skebm.estimator.variational import VariationalMixin
from skebm.estimator.verbosity import Lines, passing_verbose
from skebm.gaussian_rbm import GaussianRBM
from skebm.learning.trainer import STAGE_UPDATES
from skebm.learning.up_down import sleep, wake
from skebm.mixed_rbm import MixedRBM
from skebm.sampling.random import UniformNoise
from skebm.units.binary import BinaryUnits
from skebm.units.data import row_blocks

# Hidden rows that a layer passes on are drawn this often of each row, so that there
# are so many of them, or each so often at most.
_PASSED_ROWS, _MOST_COPIES = 20_000, 100

# Rows among which the top that was fine tuned looks for its groups.
_KNOWN_ROWS = 1000

# Of the weights of hidden units that a turned machine lacks; breaks their symmetry.
_NOISE = 0.01

_OF_THE_FIRST = "n_features_in_", "feature_names_in_"


@underflow_is_zero
class DeepBeliefNetwork(PassingMixin, VariationalMixin, DocLinkMixin, BaseEstimator):
    r"""Stack of restricted Boltzmann machines: a deep belief network.

    Use it where one machine cannot be learned well, because it is small or its chains
    do not mix. A single `BinaryRBM` that is learned well is seldom beaten: compare
    their scores.

    Each machine learns the hidden units of the one below. Together they are one model
    of the rows [1]_. Hidden units are drawn from the top machine, and each layer below
    is drawn given the one above it. The model gives features, draws, and a lower bound
    of the log-likelihood, by which a search can choose the sizes of layers.

    Parameters
    ----------
    layers : list or tuple of int or estimator, default=(64, 64)
        The layers from the bottom to the top. A number is that of the hidden units of a
        copy of `estimator`. An estimator is taken as it is: a `BinaryRBM` anywhere, a
        `GaussianRBM` or ``MixedRBM(n_groups=1, spike_share=1)`` at the bottom.
    estimator : BinaryRBM, default=None
        The settings of layers of which only the size is given. None is `BinaryRBM()`.
    turned : bool, default=True
        Whether a layer with at least as many hidden units as the layer below has
        visible ones, bits, starts as that machine upside down. The bound then starts at
        its log-likelihood, and rises from there [1]_. Other layers, and all without it,
        start from what their rows say.
    fine_tune_iter : int, default=0
        Updates of all layers together after these are learned one by one, by the
        up-down algorithm [1]_. 0 is none; 2000 are about as many as each layer makes.
        Then weights that infer hidden units are no longer those that draw what is
        below. Unused with one layer. All rows are learned from, whatever
        `early_stopping` layers have. The top has to have ``algorithm="pcd"``, or
        another that learns from batches.
    n_draws : int, default=32
        Draws of hidden units for each row in `score_samples`, at least 2. Unused where
        layers below the top have at most 10 hidden units: sums are exact then.
    verbose : int, default=0
        How much is printed in a fit: 0 is nothing, 1 about ten lines, 2 a line at every
        stage. It is passed on to layers that print less.
    random_state : int, RandomState instance or None, default=None
        Determines all draws, and the `random_state` of each layer that has none. Pass
        an int for reproducible results.

    Attributes
    ----------
    estimators_ : list of estimators
        The fitted machines, bottom first. Those above the bottom have learned from
        draws of hidden units. Fine tuning moves the top, and leaves those below as
        they were: its weights of lower layers are the stack's own.
    log_partition_ : float
        Log partition function of the top in nats, once it is known; see
        `log_partition`.
    log_partition_std_ : float
        Standard error of `log_partition_` in nats, 0 when exact.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen in `fit`, if all are strings.

    See Also
    --------
    BinaryRBM : One layer, with a likelihood in place of a bound.
    LatentBM : A deep Boltzmann machine, all layers of which are learned together.
    sklearn.pipeline.Pipeline : Stacks transformers without being a model of rows.

    Notes
    -----
    With hidden layers :math:`h_1, \ldots, h_k` the model is

    .. math:: p(v) = \sum_h p_1(v \mid h_1)\, p_2(h_1 \mid h_2) \cdots
       p_k(h_{k-1}, h_k),

    where :math:`p_i` is the i-th machine. With
    :math:`q(h \mid v) = p_1(h_1 \mid v)\, p_2(h_2 \mid h_1) \cdots` below the top,
    `score_samples` is the mean over q of :math:`\log p(v, h) - \log q(h \mid v)`, the
    variational lower bound of :math:`\log p(v)` [2]_. A second machine that is the
    first upside down makes it tight, in every draw.

    By how much a better second machine can raise the mean bound is limited by the
    divergence of :math:`p_1(h_1)` from the hidden units of the data, which is at most
    that of :math:`p_1(v)` from the data. A first machine that has learned its data well
    leaves nothing to gain.

    Fine tuning unties the two roles of a lower machine: :math:`p_i(h_{i-1} \mid h_i)`
    and :math:`q_i(h_i \mid h_{i-1})` get weights of their own, which start alike. At
    each update hidden units are drawn from q for a batch of rows. Each layer below the
    top is moved towards being drawn from the one above, and the top learns its rows by
    its own algorithm: that ascends the bound with q held. From one sweep of the top on,
    all layers are then drawn downwards, and q is moved towards the hidden units that
    they came from. So q follows the posterior of the model as this moves, by steps that
    need not ascend the bound. Steps are full for half of the updates, and then fall to
    zero. The bound is one whatever q is.

    There is no `partial_fit`, as a layer can begin only when that below is complete.

    References
    ----------
    .. [1] Hinton, G. E., Osindero, S. and Teh, Y.-W. (2006). A fast learning
       algorithm for deep belief nets. Neural Computation 18, 1527-1554.
       :doi:`10.1162/neco.2006.18.7.1527`
    .. [2] Salakhutdinov, R. and Murray, I. (2008). On the quantitative analysis
       of deep belief networks. ICML, 872-879. :doi:`10.1145/1390156.1390266`

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skebm import BinaryRBM, DeepBeliefNetwork
    >>> X = load_digits().data > 7
    >>> stack = DeepBeliefNetwork(
    ...     (16, 64), estimator=BinaryRBM(max_iter=500), random_state=0
    ... ).fit(X)
    >>> stack.transform(X).shape
    (1797, 64)
    >>> bool(stack.score(X) > stack.estimators_[0].score(X))
    True
    """

    _parameter_constraints: dict = {
        "layers": [list, tuple],
        "estimator": [BinaryRBM, None],
        "turned": ["boolean"],
        "fine_tune_iter": [Interval(Integral, 0, None, closed="left")],
        "n_draws": [Interval(Integral, 2, None, closed="left")],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        layers=(64, 64),
        *,
        estimator=None,
        turned=True,
        fine_tune_iter=0,
        n_draws=32,
        verbose=0,
        random_state=None,
    ):
        self.layers = layers
        self.estimator = estimator
        self.turned = turned
        self.fine_tune_iter = fine_tune_iter
        self.n_draws = n_draws
        self.verbose = verbose
        self.random_state = random_state

    @classmethod
    def from_estimators(cls, estimators, **params):
        """Make a fitted stack of machines that are fitted already.

        Parameters
        ----------
        estimators : list of estimators
            Bottom first, as `layers` has them, fitted. They are shared, not copied.
        **params : dict
            Parameters of the constructor except `layers`. Nothing is fine tuned.

        Returns
        -------
        stack : DeepBeliefNetwork
            Fitted, of these machines.

        Raises
        ------
        ValueError
            If a machine has not as many features as that below has hidden units.

        Examples
        --------
        >>> from skebm import BinaryRBM, DeepBeliefNetwork
        >>> lower = BinaryRBM.from_parameters([[2.0, -2.0]], [0.0, 0.0], [0.0])
        >>> upper = BinaryRBM.from_parameters([[0.0]], [0.0], [0.0])
        >>> stack = DeepBeliefNetwork.from_estimators([lower, upper])
        >>> stack.score_samples([[1, 0]]).round(3)
        array([-0.717])
        """
        stack = cls(list(estimators), **params)
        check_constructor(stack)
        stack._check_layers()
        for estimator in estimators:
            check_is_fitted(estimator)
        for number, (lower, upper) in enumerate(pairwise(estimators)):
            n_hidden = lower.components_.shape[0]
            if upper.n_features_in_ != n_hidden:
                raise ValueError(
                    f"Layer {number + 1} has {upper.n_features_in_} features, but the "
                    f"layer below {n_hidden} hidden units, which are its rows."
                )
        stack._adopt(list(estimators), make_generator(stack.random_state))
        return stack

    @all_or_nothing
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, sample_weight=None):
        """Learn layer by layer, forgetting any earlier fit.

        The first machine learns the rows. Each next one learns draws of the hidden
        units of that below, given its rows: about 20000 in all, or one of each row if
        these are more. Then all layers learn on together, if `fine_tune_iter` says so.

        If fitting fails, or is interrupted before all layers have learned, the stack is
        left as it was before the call. An interrupt from the keyboard ends fine tuning,
        with a warning, and keeps what that has come to.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Complete rows, of the kind that the first layer takes.
        y : Ignored
            Present for API consistency.
        sample_weight : array-like of shape (n_samples,), default=None
            What each row counts, not negative; as in `BinaryRBM.fit`.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        FloatingPointError
            If learning of a layer diverges. Lower its `learning_rate`.
        ValueError
            If `layers` is empty or has what is no machine; if the top cannot learn from
            batches, and `fine_tune_iter` is not 0; if `X` is not a table that
            the first takes, or has gaps; or if `sample_weight` has another length,
            negative values or no positive one.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from skebm import BinaryRBM, DeepBeliefNetwork
        >>> X = load_digits().data > 7
        >>> quick = BinaryRBM(max_iter=10)
        >>> stack = DeepBeliefNetwork((16, 8), estimator=quick, random_state=0).fit(X)
        >>> [rbm.components_.shape for rbm in stack.estimators_]
        [(16, 64), (8, 16)]
        """
        self._check_layers()
        rng = make_generator(self.random_state)
        estimators = [self._new_layer(layer, rng) for layer in self.layers]
        tunes = self.fine_tune_iter > 0 and len(estimators) > 1
        if tunes and not hasattr(estimators[-1], "partial_fit"):
            raise ValueError(
                "fine_tune_iter draws new rows for the top at each update, but its "
                f"algorithm={estimators[-1].algorithm!r} learns from all rows at once. "
                "Set algorithm='pcd' at the top, or fine_tune_iter=0."
            )
        _refuse_gaps(estimators[0], X)
        lines = Lines(self)
        # Rows that are held out must have no copies among those learned from.
        with_copies = not any(above._stops_early for above in estimators[1:])
        rows, weights = X, sample_weight
        for number, estimator in enumerate(estimators):
            if number > 0:
                below = estimators[number - 1]
                # A frame, if all transformers are told to give them.
                mean = np.asarray(below.transform(rows))
                n_copies = 1
                if number == 1 and with_copies:  # these are passed on
                    n_copies = min(-(-_PASSED_ROWS // len(mean)), _MOST_COPIES)
                rows = _draw(mean, n_copies, rng)
                if weights is not None:
                    weights = np.tile(check_weights(weights, mean), n_copies)
                if self.turned:
                    estimator._given_start = _turned(below, estimator.n_components, rng)
            estimator._interrupts_pass = True
            lines.say(f"layer {number + 1} of {len(estimators)}")
            estimator.fit(rows, sample_weight=weights)
            vars(estimator).pop("_given_start", None)
            del estimator._interrupts_pass
        self._adopt(estimators, rng)
        if tunes:
            self._fine_tune(estimators[0]._rows(X), sample_weight, rng, lines)
        lines.say_at_end("ended")
        return self

    def _fine_tune(self, rows, sample_weight, rng, lines):
        """Learn on with all layers together."""
        top, noise = self.estimators_[-1], UniformNoise(rng, np.float64)
        before, stack = top.get_params(deep=False), self._stack()
        top_rate = top._rate(None)
        share = check_weights(sample_weight, rows.table)
        share = None if share is None else share / share.sum()

        def batch(n_rows):
            chosen = rng.choice(rows.n_rows, n_rows, p=share)
            return rows.take(chosen).astype(np.float64)

        n_planned = self.fine_tune_iter
        try:
            for number in range(n_planned):
                # Full steps for the first half, then ever smaller ones.
                rate = min(1, 2 * (1 - number / n_planned))
                stack, drawn = wake(stack, batch(top.batch_size), noise, rate)
                top.set_params(learning_rate=rate * top_rate, verbose=0)
                top.partial_fit(drawn)
                stack = replace(stack, energies=(*stack.below, top._energy()))
                stack = sleep(stack, drawn, noise, rate)
                if (number + 1) % STAGE_UPDATES == 0:
                    done = f"fine tuning, {number + 1} of {n_planned} updates"
                    lines.say_at_stage(
                        done, (number + 1) // STAGE_UPDATES, n_planned // STAGE_UPDATES
                    )
        except KeyboardInterrupt:
            if is_one_of_many():
                raise
            warn_of_interrupt(f"{number} updates of fine tuning")
        finally:
            top.set_params(
                learning_rate=before["learning_rate"], verbose=before["verbose"]
            )
        # Groups of the model, for log Z, are found among more rows than one batch.
        drawn = top._rows(wake(stack, batch(_KNOWN_ROWS), noise, 0.0)[1])
        top._remember(drawn, top._n_known)
        self._tuned = [
            (infers.matrix, draws.matrix)
            for infers, draws in zip(stack.below, stack.downward, strict=True)
        ]

    def _adopt(self, estimators, rng):
        """Become a stack of fitted machines."""
        for name in _OF_THE_FIRST:
            vars(self).pop(name, None)
            if hasattr(estimators[0], name):
                setattr(self, name, getattr(estimators[0], name))
        self.estimators_ = estimators
        self._tuned = []
        self._draw_seed = int(rng.integers(2**63))

    def _check_layers(self):
        """Refuse what cannot be stacked."""
        if len(self.layers) == 0:
            raise ValueError("layers is empty, but a stack has at least one layer.")
        for number, layer in enumerate(self.layers):
            if isinstance(layer, bool) or not isinstance(
                layer, Integral | BinaryRBM | GaussianRBM | MixedRBM
            ):
                raise ValueError(
                    f"layers has {layer!r} at {number}, but a layer is the number of "
                    "its hidden units, or a BinaryRBM, GaussianRBM or MixedRBM."
                )
            if number > 0 and not isinstance(layer, Integral | BinaryRBM):
                raise ValueError(
                    f"Layer {number} is a {type(layer).__name__}, but hidden units are "
                    "bits: above the bottom, pass numbers or BinaryRBM."
                )
            if isinstance(layer, MixedRBM) and (
                layer.n_groups != 1 or layer.spike_share != 1
            ):
                raise ValueError(
                    "A MixedRBM with groups, or with numbers that are levels, has "
                    "hidden units that depend on each other given a row. Set "
                    "n_groups=1 and spike_share=1."
                )
            if isinstance(layer, GaussianRBM) and (
                layer.n_groups != 1 or layer.n_scales != 1
            ):
                raise ValueError(
                    "A GaussianRBM of several groups or scales has hidden units that "
                    "depend on each other given a row, whose group and scale are not "
                    "known. Set n_groups=1 and n_scales=1."
                )

    def _new_layer(self, layer, rng):
        """Make a machine to fit."""
        seed = int(rng.integers(2**31))
        if isinstance(layer, Integral):
            estimator = BinaryRBM() if self.estimator is None else self.estimator
            estimator = clone(estimator).set_params(n_components=layer)
        else:
            estimator = clone(layer)
        if estimator.random_state is None:
            estimator.set_params(random_state=seed)
        return passing_verbose(estimator, self.verbose)

    def _stack(self):
        *below, top = (estimator._energy() for estimator in self.estimators_)
        if not self._tuned:
            return DirectedStack((*below, top))
        infers, draws = (
            [
                energy.replaced(matrix=matrix)
                for energy, matrix in zip(below, matrices, strict=True)
            ]
            for matrices in zip(*self._tuned, strict=True)
        )
        return DirectedStack((*infers, top), tuple(draws))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        first = self.layers[0] if len(self.layers) else None
        tags.input_tags = get_tags(
            first if isinstance(first, BaseEstimator) else BinaryRBM()
        ).input_tags
        tags.input_tags.allow_nan = False
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _refuse_gaps(first, X):
    """Refuse missing values before anything is learned, as the first layer reads X."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `fit` of the layer will say it
        rows = clone(first)._check(X, reset=True)
    refuse_missing(
        rows,
        "layers learn from complete rows. Fill gaps by EnergyImputer, or take the "
        "first layer alone.",
    )


def _draw(mean, n_copies, rng):
    """Draw bits with these means, each row of them so many times."""
    drawn = np.empty((len(mean) * n_copies, mean.shape[1]), dtype=bool)
    for block in row_blocks(len(drawn), mean.shape[1]):
        part = mean[np.arange(block.start, block.stop) % len(mean)]
        drawn[block] = rng.random(part.shape) < part
    return drawn


def _turned(lower, n_hidden, rng):
    """Turn a machine upside down, with further hidden units if there are to be more.

    None where its visible units are not bits, or more than hidden ones are wanted.
    """
    energy = lower._energy()
    n_more = n_hidden - energy.visible.n_columns
    if not isinstance(energy.visible, BinaryUnits) or n_more < 0:
        return None
    more = rng.normal(0, _NOISE, (n_more, energy.n_hidden))
    return BinaryRBMEnergy.of(
        np.vstack([energy.weights.T, more]),
        energy.hidden_bias,
        np.append(energy.visible_bias, -more.sum(axis=1) / 2),
    )
