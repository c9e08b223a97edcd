"""Boltzmann machines with hidden units, and couplings within their layers."""

__all__ = ["LatentBM"]

import warnings
from numbers import Integral

import numpy as np
from scipy.special import logit
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_array, check_is_fitted

from skebm.energy.graph import LayeredGraph
from skebm.energy.latent import LatentEnergy
from skebm.estimator.base import BaseBinaryModel
from skebm.estimator.features import HiddenUnitsMixin
from skebm.estimator.parameter_checks import (
    check_adjacency,
    check_bias,
    check_couplings,
)
from skebm.estimator.sampling import MetropolisMixin
from skebm.estimator.validation import (
    Interval,
    StrOptions,
    check_constructor,
    underflow_is_zero,
)
from skebm.learning.pair_metric import PairMetric
from skebm.learning.starts.correlations import sample_size, start_weights
from skebm.learning.starts.layers import levels_of, weights_above

# Of the couplings between hidden units at the start: hidden units without weights
# to visible ones would else never come to differ.
_HIDDEN_NOISE = 0.1

# Draws of a machine from which its correlations are told.
_MODEL_ROWS, _MODEL_STEPS = 5000, 200


@underflow_is_zero
class LatentBM(HiddenUnitsMixin, MetropolisMixin, BaseBinaryModel):
    r"""Boltzmann machine with hidden units, and couplings within both layers.

    Use it where columns are coupled with each other and hidden units are wanted beside
    that, or for a deep Boltzmann machine of a few dozen hidden units. Without couplings
    within layers `BinaryRBM` is the same model, and several times as fast.

    It is the general Boltzmann machine [1]_. Parameters say which couplings there are.
    Without any within layers it is the restricted machine. With those of columns alone
    it is the semi-restricted one [2]_, and with hidden units in layers a deep one [3]_.

    Parameters
    ----------
    n_components : int, default=16
        Number of hidden units.
    visible_couplings : bool or {array-like, sparse matrix}, default=True
        Which features are coupled with each other directly: all, none, or those
        where a symmetric adjacency of shape (n_features, n_features) is not zero.
    hidden_couplings : bool or {array-like, sparse matrix}, default=True
        Likewise of the hidden units, of shape (n_components, n_components). Without
        such couplings these are independent given a row, and everything that needs
        their probabilities is exact.
    learning_rate : float, default=0.1
        Step size of "pcd" at the start. `fit` raises it by a tenth, up to ten times
        of it, after each hundred updates that gain more than 0.1 nats, and lowers
        it where the likelihood falls.
    max_iter : int or None, default=None
        Updates, at most (passes over X: ``max_iter * batch_size / n_samples``).
        None is 2000, or 20000 with ``early_stopping=True`` or "exact", where it
        counts iterations of L-BFGS, each of which sees all rows.
    early_stopping : bool or "auto", default="auto"
        Whether "pcd" holds out rows, keeps the parameters under which these have
        the highest likelihood, and stops when that no longer rises.
        True learns for as long as it takes. "auto" is quick: with ``max_iter=None`` and
        less than 3000 rows it stops after 300 updates without a rise, or 900 where
        nothing is overfitted; otherwise it is False. Few rows are learned by heart if
        nothing stops it.

        At the end all rows are learned from, those held out too, by a twentieth as
        many updates ("auto": a third), if `max_iter` has room for them. This is left
        out where it promises less than 0.01 nats.
    alpha : float, default=0.0
        Strength of the penalty of weights and couplings. What is maximised is the
        mean log-likelihood less ``alpha * (l1_ratio * |W|_1 + (1 - l1_ratio) / 2 *
        |W|_2**2)``, over all pairs of units, each counting once; the biases are
        free.
    log_partition_tol : float or "auto", default="auto"
        Wanted standard error of `log_partition_`, in nats, where more than 20 units
        would have to be enumerated and it is estimated by annealed importance
        sampling. Half of it takes four times as long.
        "auto" is half the standard error of the mean log-likelihood of as many rows as
        were learned from, which adds an eighth to that error. It is from 0.03 to 0.25,
        and at most 0.05 with ``early_stopping=True``.
    verbose : int, default=0
        How much is printed in a fit: 0 is nothing, 1 about ten lines, 2 a line at every
        stage. Annealing of log Z is told of as well.
    random_state : int, RandomState instance or None, default=None
        Determines the starting weights, the order of the rows, all draws during
        learning, and the annealing. Pass an int for reproducible results.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        Weights W between the layers, a row for each hidden unit.
    visible_couplings_ : ndarray of shape (n_features, n_features)
        Couplings V of the features, symmetric with zero diagonal.
    hidden_couplings_ : ndarray of shape (n_components, n_components)
        Couplings U of the hidden units, symmetric with zero diagonal.
    intercept_visible_ : ndarray of shape (n_features,)
        Biases b of the features.
    intercept_hidden_ : ndarray of shape (n_components,)
        Biases c of the hidden units.
    score_is_exact_ : bool
        Whether `transform`, `free_energy` and `score_samples` sum over the hidden
        units exactly, and not by mean field.
    log_partition_ : float
        Log partition function in nats, once it is known; see `log_partition`.
    log_partition_std_ : float
        Standard error of `log_partition_` in nats, 0 when exact.
    log_partition_effective_sample_size_ : float
        Number of equally weighted chains that the annealed ones are worth, or draws
        where none were annealed.
    n_iter_ : int
        Number of updates of the parameters made.
    history_ : dict of str to ndarray of shape (n_measurements,)
        What the last `fit` measured, and `partial_fit` since, by rows of the chunk at
        hand. With "pcd", at its start and after each hundred updates: "n_iter", the
        updates made; "learning_rate"; "train_log_likelihood", the mean of at most 1000
        rows learned from, in nats; "validation_log_likelihood", that of rows held out,
        NaN where none are held out; "log_partition". With "exact", after each
        iteration: "n_iter" and the "train_log_likelihood" of all rows, without penalty.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen in `fit`, if all are strings.

    Other Parameters
    ----------------
    algorithm : {"pcd", "exact"}, default="pcd"
        How the model's side of the gradient is found: "pcd" continues `n_chains`
        Markov chains over all units (persistent contrastive divergence); "exact"
        sums over all configurations and climbs the likelihood of all rows by
        L-BFGS. The largest set of units without couplings among them, such as a
        layer, need not be enumerated; the others can be at most 20.
    component_mask : array-like of shape (n_components, n_features), default=None
        Which weights between a hidden unit and a feature exist, where it is not
        zero. None is all of them.
    layerwise : bool, default=True
        Whether `fit` learns hidden units in layers layer by layer first, where masks
        leave some of them without weights to features: the machine without its last
        layer, and then, from where that ends, all of it. Each layer takes `max_iter`
        updates more. Without it second layers hardly come into use. No layers, no
        difference; nor is there one in `partial_fit`.
    posterior : {"mean_field", "gibbs"}, default="mean_field"
        What stands for the hidden units of the data in "pcd", where they depend on
        each other: the means of independent ones that come closest, or draws by
        Gibbs sampling, which have no bias when their steps are many. Up to 9 hidden
        units, and more where few of them make the others independent, need
        neither: their posterior is summed exactly.
    n_posterior_steps : int, default=10
        Sweeps over the hidden units to find either, in each update.
    tempering : bool, default=False
        Whether the persistent chains are drawn by parallel tempering, which finds
        all modes of the model in their right shares, at several times the cost.
    n_gibbs_steps : int, default=1
        Gibbs sweeps of the chains in each update.
    n_chains : int, default=500
        Number of persistent chains, whatever the batch size.
    decay_fraction : float, default=0.5
        Share of `max_iter`, at its end, over which the step size of "pcd" falls
        linearly to zero, so that the noise of the gradient averages out. 0 keeps
        it, 1 lets it fall from the start. `partial_fit` keeps it.
    batch_size : int, default=200
        Largest number of rows in an update of "pcd"; a pass over the data is cut
        into batches of nearly equal size.
    validation_fraction : float, default=0.1
        Share of the rows that `early_stopping` holds out, at least one row and at
        most 1000.
    n_iter_no_change : int, default=20
        Number of measurements of the likelihood, one every 100 updates, without a rise
        by `tol`, after which ``early_stopping=True`` goes back to the best parameters
        and lowers the step size. The third time in a row it stops. The first time it
        takes three times as many where rows learned from do not gain on those held out.
        Unlike in scikit-learn it is no number of passes: learning takes about as many
        updates whatever the number of rows.
    tol : float, default=1e-4
        Least rise of the likelihood, in nats, that counts as one. For "exact", the
        largest derivative at which learning ends, by the parameters of
        standardised units.
    l1_ratio : float, default=0.0
        Share of the L1 penalty, under which weights become exactly zero. Where
        chains are drawn, a weak one leaves some of them near zero, by the noise of the
        last update.
    binarize : float or None, default=0.5
        Values above it are 1, others 0. Zeros and ones, and booleans, pass as
        they are, anything else with a warning. None requires values in [0, 1],
        used as probabilities of being on.
    max_ais_temperatures : int or "auto", default="auto"
        Most temperatures of the annealing of log Z. "auto" is 20000, but no more than
        make all of the first estimate half the work of learning by chains, where
        that is known. Where they do not suffice for `log_partition_tol` there is a
        `ConvergenceWarning`.
    n_ais_chains : int, default=100
        Chains of the annealing of log Z, at least 2. Twice as many need half the steps.

    See Also
    --------
    BinaryRBM : The same without couplings within layers, and faster.
    BoltzmannMachine : The same without hidden units.
    skebm.displays.CouplingsDisplay : All its couplings as a matrix of blocks.

    Notes
    -----
    The energy of visible units x and hidden units h, of zeros and ones, is

    .. math::
        E(x, h) = -h^T W x - \tfrac{1}{2} x^T V x - \tfrac{1}{2} h^T U h
                  - b^T x - c^T h.

    The likelihood of a row needs a sum over the hidden units. It is exact where, but
    for at most 12 of them, no two hidden units are coupled with each other: for
    ``hidden_couplings=False``, for ``n_components <= 13``, and for deep machines
    one of whose two layers of hidden units is that small. Elsewhere mean field takes
    its place [4]_: `score_samples` is then a lower bound of the log-likelihood (up
    to the error of `log_partition_`), `free_energy` an upper bound of the free
    energy, and `transform` gives the means of the independent hidden units that are
    closest to the posterior. `score_is_exact_` tells which.

    A deep Boltzmann machine with layers of 8 and 4 hidden units has a
    `component_mask` that is 1 in the first 8 rows only, and `hidden_couplings` that
    are 1 between the first 8 and the last 4 units. It is learned from where the machine
    of its first layer ends: with `layerwise`, each unit of the second layer starts as
    a direction in which that machine lacks correlations of its hidden units.

    References
    ----------
    .. [1] Ackley, D. H., Hinton, G. E. and Sejnowski, T. J. (1985). A learning
       algorithm for Boltzmann machines. Cognitive Science 9(1), 147-169.
       :doi:`10.1207/s15516709cog0901_7`
    .. [2] Osindero, S. and Hinton, G. E. (2008). Modeling image patches with a
       directed hierarchy of Markov random fields. NeurIPS 20, 1121-1128.
    .. [3] Salakhutdinov, R. and Hinton, G. (2009). Deep Boltzmann machines.
       AISTATS, 448-455.
    .. [4] Saul, L. K., Jaakkola, T. and Jordan, M. I. (1996). Mean field theory for
       sigmoid belief networks. Journal of Artificial Intelligence Research 4, 61-76.
       :doi:`10.1613/jair.251`

    Examples
    --------
    Three bits of which an even number are on, which no couplings of pairs can say. It
    takes a while until learning finds that, in which it must not stop:

    >>> import numpy as np
    >>> from skebm import LatentBM
    >>> X = np.tile([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]], (25, 1))
    >>> machine = LatentBM(2, early_stopping=False, random_state=0).fit(X)
    >>> bool(machine.score(X) > -1.6)  # log(1 / 4) at best, log(1 / 8) by chance
    True
    """

    _parameter_constraints: dict = {
        **BaseBinaryModel._parameter_constraints,
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "algorithm": [StrOptions({"pcd", "exact"})],
        "visible_couplings": ["boolean", "array-like", "sparse matrix"],
        "hidden_couplings": ["boolean", "array-like", "sparse matrix"],
        "component_mask": ["array-like", None],
        "layerwise": ["boolean"],
        "posterior": [StrOptions({"gibbs", "mean_field"})],
        "n_posterior_steps": [Interval(Integral, 1, None, closed="left")],
    }

    _structural_parameters = ("n_components",)

    def __init__(
        self,
        n_components=16,
        *,
        algorithm="pcd",
        visible_couplings=True,
        hidden_couplings=True,
        component_mask=None,
        layerwise=True,
        posterior="mean_field",
        n_posterior_steps=10,
        tempering=False,
        n_gibbs_steps=1,
        n_chains=500,
        learning_rate=0.1,
        decay_fraction=0.5,
        batch_size=200,
        max_iter=None,
        early_stopping="auto",
        validation_fraction=0.1,
        n_iter_no_change=20,
        tol=1e-4,
        alpha=0.0,
        l1_ratio=0.0,
        binarize=0.5,
        log_partition_tol="auto",
        max_ais_temperatures="auto",
        n_ais_chains=100,
        verbose=0,
        random_state=None,
    ):
        self.n_components = n_components
        self.algorithm = algorithm
        self.visible_couplings = visible_couplings
        self.hidden_couplings = hidden_couplings
        self.component_mask = component_mask
        self.layerwise = layerwise
        self.posterior = posterior
        self.n_posterior_steps = n_posterior_steps
        self.tempering = tempering
        self.n_gibbs_steps = n_gibbs_steps
        self.n_chains = n_chains
        self.learning_rate = learning_rate
        self.decay_fraction = decay_fraction
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.binarize = binarize
        self.log_partition_tol = log_partition_tol
        self.max_ais_temperatures = max_ais_temperatures
        self.n_ais_chains = n_ais_chains
        self.verbose = verbose
        self.random_state = random_state

    @property
    def score_is_exact_(self):
        """Whether hidden units are summed out exactly, and not by mean field."""
        check_is_fitted(self)
        return self._energy().sums_are_exact

    @classmethod
    def from_parameters(
        cls,
        components,
        intercept_visible,
        intercept_hidden,
        *,
        visible_couplings=None,
        hidden_couplings=None,
        X=None,
        **params,
    ):
        """Make a fitted estimator from known parameters.

        Parameters
        ----------
        components : array-like of shape (n_components, n_features)
            Weights W between the layers.
        intercept_visible : array-like of shape (n_features,)
            Biases b of the features.
        intercept_hidden : array-like of shape (n_components,)
            Biases c of the hidden units.
        visible_couplings : array-like of shape (n_features, n_features), default=None
            Couplings V, symmetric with zero diagonal. Those that are zero do not
            exist, and stay so in `partial_fit`. None is none at all.
        hidden_couplings : array-like of shape (n_components, n_components), \
                default=None
            Couplings U, likewise.
        X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            Data of which the model may favour rows. Annealing and sampling start from
            groups of some of them. None starts from independent units, on half of the
            time.
        **params : dict
            Other parameters of the constructor. Weights must be zero where a
            `component_mask` is.

        Returns
        -------
        machine : LatentBM
            Fitted, with these parameters in float64.

        Raises
        ------
        ValueError
            If couplings are not symmetric with zero diagonal, or the shapes do not
            fit each other.

        Examples
        --------
        >>> import numpy as np
        >>> from skebm import LatentBM
        >>> machine = LatentBM.from_parameters(np.zeros((1, 2)), [0, 0], [0])
        >>> round(machine.score([[0, 1]]), 4)  # log(1 / 4)
        -1.3863
        """
        components = check_array(components, dtype=np.float64, copy=True)
        n_components, n_features = components.shape
        attributes = {
            "components_": components,
            "visible_couplings_": check_couplings(
                visible_couplings, "visible_couplings", n_features
            ),
            "hidden_couplings_": check_couplings(
                hidden_couplings, "hidden_couplings", n_components
            ),
            "intercept_visible_": check_bias(
                intercept_visible, "intercept_visible", n_features
            ),
            "intercept_hidden_": check_bias(
                intercept_hidden, "intercept_hidden", n_components
            ),
        }
        machine = cls(
            n_components,
            visible_couplings=attributes["visible_couplings_"] != 0,
            hidden_couplings=attributes["hidden_couplings_"] != 0,
            **params,
        )
        check_constructor(machine)
        machine._graph = machine._connect(n_features)
        if components[~machine._graph.mask[n_features:, :n_features]].any():
            raise ValueError(
                "components are not zero where component_mask is. Pass a mask that "
                "has them all."
            )
        machine._adopt(attributes, n_features, X)
        return machine

    def _initial_energy(self, sample, rng):
        n_features, n_hidden = sample.shape[1], int(self.n_components)
        self._graph = self._connect(n_features)
        mask = self._graph.mask[n_features:]
        mean = np.append(self._visible_mean, np.full(n_hidden, 0.5))
        weights = start_weights(sample - sample.mean(axis=0), n_hidden, rng)
        hidden = np.triu(rng.normal(0, _HIDDEN_NOISE, (n_hidden, n_hidden)), 1)
        couplings = np.zeros((len(mean), len(mean)))
        couplings[n_features:, :n_features] = weights * mask[:, :n_features]
        couplings[n_features:, n_features:] = hidden * mask[:, n_features:]
        couplings += couplings.T
        # Biases at which all units are balanced where each is at its mean.
        bias = logit(mean) - couplings @ mean
        return self._of(couplings, bias)

    def _pretrained(self, rows, rng):
        """Learn the machine without its last layer, and put that on top of it."""
        n_features = rows.n_columns
        graph = self._connect(n_features)
        mask = graph.mask[n_features:]
        levels = levels_of(mask[:, n_features:], mask[:, :n_features])
        if not self.layerwise or not levels.any():
            return None
        below, above = levels < levels.max(), levels == levels.max()
        sample = rows.take(rows.sample(sample_size(n_features), rng)).astype(float)
        lower = self._lower_machine(below, mask, n_features, rng)
        lower._interrupts_pass = True
        lower.fit(sample)
        with warnings.catch_warnings():
            # Draws that are a little off give directions that are.
            warnings.simplefilter("ignore", ConvergenceWarning)
            seed = int(rng.integers(2**31))
            drawn = lower.sample(_MODEL_ROWS, n_steps=_MODEL_STEPS, random_state=seed)
        weights, mean = weights_above(
            np.asarray(lower.transform(sample)),
            np.asarray(lower.transform(drawn)),
            mask[above][:, n_features:][:, below],
            rng,
        )
        kept = np.append(np.ones(n_features, dtype=bool), below)
        energy = lower._energy()
        couplings, bias = np.zeros((len(kept), len(kept))), np.zeros(len(kept))
        couplings[np.ix_(kept, kept)], bias[kept] = energy.couplings, energy.bias
        units, new = (
            n_features + np.flatnonzero(below),
            n_features + np.flatnonzero(above),
        )
        couplings[np.ix_(new, units)] = weights
        couplings[np.ix_(units, new)] = weights.T
        # New units are on as often as off, which the units below should not feel.
        bias[new] = -weights @ mean
        bias[units] -= weights.sum(axis=0) / 2
        self._graph = graph
        return self._of(couplings, bias)

    def _lower_machine(self, below, mask, n_features, rng):
        """Make a machine of some of the hidden units, to be fitted first."""
        params = self.get_params()
        params |= {
            "n_components": int(below.sum()),
            "hidden_couplings": mask[below][:, n_features:][:, below],
            "component_mask": mask[below][:, :n_features],
            "binarize": None if self.binarize is None else 0.5,
            "random_state": int(rng.integers(2**31)),
        }
        return type(self)(**params)

    def _of(self, couplings, bias):
        return LatentEnergy.of(
            couplings,
            bias,
            self._graph,
            posterior=self.posterior,
            n_posterior_steps=self.n_posterior_steps,
        )

    def _metric(self, energy, sample):
        return PairMetric.start(energy, sample, diagonal=self.alpha > 0)

    def _connect(self, n_features):
        """Read which couplings can exist."""
        n_components = int(self.n_components)
        between = np.ones((n_components, n_features), dtype=bool)
        if self.component_mask is not None:
            mask = check_array(self.component_mask, input_name="component_mask")
            if mask.shape != between.shape:
                raise ValueError(
                    f"component_mask has shape {mask.shape}, but a row for each hidden "
                    f"unit and a column for each feature make {between.shape}."
                )
            between = mask != 0
        return LayeredGraph.of_layers(
            _adjacency(self.visible_couplings, "visible_couplings", n_features),
            _adjacency(self.hidden_couplings, "hidden_couplings", n_components),
            between,
        )

    def _parameters(self, energy):
        n_features = energy.n_visible
        couplings = energy.couplings
        return {
            "components_": couplings[n_features:, :n_features].copy(),
            "visible_couplings_": couplings[:n_features, :n_features].copy(),
            "hidden_couplings_": couplings[n_features:, n_features:].copy(),
            "intercept_visible_": energy.bias[:n_features].copy(),
            "intercept_hidden_": energy.bias[n_features:].copy(),
        }

    def _energy(self):
        return self._of(
            np.block(
                [
                    [self.visible_couplings_, self.components_.T],
                    [self.components_, self.hidden_couplings_],
                ]
            ),
            np.append(self.intercept_visible_, self.intercept_hidden_),
        )


def _adjacency(couplings, name, n_units):
    """Read which units of a layer can be coupled, as a boolean array."""
    if isinstance(couplings, bool | np.bool_):
        return np.full((n_units, n_units), bool(couplings))
    return check_adjacency(couplings, name, n_units).toarray()
