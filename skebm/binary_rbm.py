"""Restricted Boltzmann machines."""

__all__ = ["BinaryRBM"]

from numbers import Integral, Real

import numpy as np
from scipy.special import logit
from sklearn.utils.validation import check_array

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.estimator.base import BaseBinaryModel
from skebm.estimator.features import HiddenUnitsMixin
from skebm.estimator.parameter_checks import check_bias
from skebm.estimator.validation import (
    Interval,
    StrOptions,
    underflow_is_zero,
)
from skebm.learning.metric import KroneckerMetric
from skebm.learning.shrinking import Shrinking
from skebm.learning.starts.correlations import start_weights

# Step sizes, and longer ones for tables of few rows: in their few updates these go as
# far, and twice as long ones were too noisy.
_RATE, _RATE_OF_FEW_ROWS = 0.1, 0.15
_FEWEST_CHAINS, _MOST_CHAINS = 100, 500


@underflow_is_zero
class BinaryRBM(HiddenUnitsMixin, BaseBinaryModel):
    """Restricted Boltzmann machine with binary visible and hidden units.

    Use it for tables of zeros and ones, also wide or sparse ones: to find features
    without labels, to score how probable rows are, to draw rows, and to fill in what is
    missing of them.

    It is a probability distribution over rows, learned by maximum likelihood. Each
    hidden unit stands for columns that go together.

    Parameters
    ----------
    n_components : int, default=256
        Number of hidden units.
    learning_rate : float or "auto", default="auto"
        Step size at the start. "auto" is 0.1, and 0.15 where `early_stopping` is "auto"
        and acts.
        `fit` raises the step size by a tenth, up to ten times of it, after each
        hundred updates that gain more than 0.1 nats, and lowers it where the
        likelihood falls.
    max_iter : int or None, default=None
        Updates, at most (passes over X: ``max_iter * batch_size / n_samples``). None is
        2000. It is 20000 with ``early_stopping=True`` or "exact", where it counts
        iterations of L-BFGS, each of which sees all rows.
    early_stopping : bool or "auto", default="auto"
        Whether to hold out rows, keep the parameters under which these have the
        highest likelihood, and stop when that no longer rises. True learns for as long
        as it takes. "auto" is quick: with ``max_iter=None`` and less than 3000 rows it
        stops after 300 updates without a rise, or 900 where nothing is overfitted;
        otherwise it is False. Few rows are learned by heart if nothing stops it.

        At the end all rows are learned from, those held out too, by a twentieth as
        many updates ("auto": a third), if `max_iter` has room for them. Their step size
        falls to zero. This is left out where it promises less than 0.01 nats. What it
        promises is half the gap between the likelihoods of rows learned from and rows
        held out, times the share of the latter. It is undone if rows held out become
        less likely.
    alpha : float or "auto", default="auto"
        Strength of the penalty of the weights. What is maximised is the mean
        log-likelihood less ``alpha * (l1_ratio * |W|_1 + (1 - l1_ratio) / 2 *
        |W|_2**2)``; the biases are free. It sets in over the first tenth of
        `max_iter`, or the first thousand updates of `partial_fit`: weights that a
        full L1 penalty keeps at zero from the start would never grow. With it the
        metric of "natural" is diagonal. "auto" is an L1 penalty, whatever `l1_ratio`
        is, with the strength `alpha_` that the rows held out by
        ``early_stopping=True`` ask for: strong where rows are few, next to none where
        they are many. It leaves weights near zero, and the metric as it is. Without
        these rows, and where values are missing, "auto" is no penalty.
    binarize : float or None, default=0.5
        Values above it are 1, others 0. Zeros and ones, and booleans, pass as
        they are, anything else with a warning. None requires values in [0, 1],
        used as probabilities of being on.
    log_partition_tol : float or "auto", default="auto"
        Wanted standard error of `log_partition_`, in nats, where both layers have
        more than 20 units and it is estimated by annealed importance sampling.
        Half of it takes four times as long.
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
        Weights.
    intercept_visible_ : ndarray of shape (n_features,)
        Biases of the visible units.
    intercept_hidden_ : ndarray of shape (n_components,)
        Biases of the hidden units.
    log_partition_ : float
        Log partition function in nats, once it is known; see `log_partition`.
    log_partition_std_ : float
        Standard error of `log_partition_` in nats, 0 when exact.
    log_partition_effective_sample_size_ : float
        Number of equally weighted chains that the annealed ones are worth, or draws
        where none were annealed.
    alpha_ : float
        Strength of the penalty: `alpha`, or what "auto" found.
    n_iter_ : int
        Number of updates of the parameters made.
    history_ : dict of str to ndarray of shape (n_measurements,)
        What the last `fit` measured at its start and after each hundred updates:
        "n_iter", the updates made; "learning_rate"; "train_log_likelihood", the mean
        of at most 1000 rows learned from, in nats; "validation_log_likelihood", that
        of rows held out, NaN where there are none; "log_partition". It ends where
        learning from all rows begins. `partial_fit` goes on with it, by rows of the
        chunk at hand. With "exact" only "n_iter" and
        "train_log_likelihood", after each iteration.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen in `fit`, if all are strings.

    Other Parameters
    ----------------
    algorithm : {"pcd", "cd", "exact"}, default="pcd"
        How the model's side of the gradient is found: "pcd" continues `n_chains`
        persistent chains (persistent contrastive divergence [2]_), which follow
        the likelihood; "cd" starts a chain from each row of the batch
        (contrastive divergence [1]_), which makes good features but leaves
        probability where there are no data; "exact" sums over all configurations
        of the smaller layer, of at most 20 units, and climbs the likelihood of
        all rows by L-BFGS, without noise. It uses `max_iter`, `tol`, `alpha`
        and `l1_ratio` of the parameters of learning, and only `fit`.
    solver : {"natural", "sgd"}, default="natural"
        Which way steps go: "sgd" along the gradient; "natural" along a natural
        gradient [5]_ with a metric in two factors [6]_, in which the covariance of
        the hidden units is inverted, and that of the visible units raised to the
        power -1/2. It needs fewer updates. Its steps are
        `learning_rate` times the natural gradient, shortened where that is longer
        than 1 in this metric. Of fewer rows than columns only the variances are used.
    tempering : bool, default=False
        Whether the persistent chains are drawn by parallel tempering, which finds
        all modes of the model in their right shares, at several times the cost.
        Unused by "cd".
    n_gibbs_steps : int, default=1
        Gibbs sweeps of the chains in each update.
    n_chains : int or "auto", default="auto"
        Number of persistent chains, whatever the batch size. Unused by "cd". "auto" is
        500. Where `early_stopping` is "auto" and acts, it is a tenth of the number of
        rows, and at least 100.
    decay_fraction : float, default=0.5
        Share of `max_iter`, at its end, over which the step size falls linearly to
        zero, so that the noise of the gradient averages out. 0 keeps it, 1 lets
        it fall from the start. `partial_fit` keeps it.
    batch_size : int, default=200
        Largest number of rows in an update; a pass over the data is cut into
        batches of nearly equal size.
    validation_fraction : float, default=0.1
        Share of the rows that `early_stopping` holds out, at least one row and at
        most 1000.
    n_iter_no_change : int, default=20
        Number of measurements of the likelihood, one every 100 updates, without a rise
        by `tol`, after which ``early_stopping=True`` goes back to the best parameters
        and lowers the step size. The third time in a row it stops. The first time it
        takes three times as many where rows learned from do not gain on those held out,
        or `alpha` is "auto". Unlike in scikit-learn it is no number of passes: learning
        takes about as many updates whatever the number of rows.
    tol : float, default=1e-4
        Least rise of the likelihood, in nats, that counts as one. For "exact",
        the largest derivative at which learning ends, by the parameters of
        standardised units.
    centering : bool, default=True
        Whether to learn in centred coordinates, where learning does not depend
        on which value is called 1 [3]_. Unused by "exact".
    l1_ratio : float, default=0.0
        Share of the L1 penalty, under which weights become exactly zero. Where
        chains are drawn, a weak one leaves some of them near zero, by the noise of the
        last update.
    max_ais_temperatures : int or "auto", default="auto"
        Most temperatures of the annealing of log Z. "auto" is 20000, but no more than
        make all of the first estimate half the work of learning by chains, where
        that is known. Where they do not suffice for `log_partition_tol` there is a
        `ConvergenceWarning`.
    n_ais_chains : int, default=100
        Chains of the annealing of log Z, at least 2. Twice as many need half the steps.

    See Also
    --------
    GaussianRBM : For rows of real numbers.
    LatentBM : Has couplings within its layers as well.
    BoltzmannMachine : Has no hidden units, and couplings between features.
    EnergyOutlierDetector : Finds outliers by the score of this model, or another.
    log_partition_bounds : How far its log Z can be trusted.
    skebm.displays.WeightsDisplay : Its weights as images.
    skebm.displays.HistoryDisplay : How its likelihood rose.
    sklearn.neural_network.BernoulliRBM : The same model without a likelihood.
    sklearn.decomposition.PCA : Linear features, with a Gaussian likelihood.
    sklearn.mixture.GaussianMixture : Density of continuous rows.

    Notes
    -----
    The energy of visible units v and hidden units h, all 0 or 1, is

    .. math:: E(v, h) = -v^T a - h^T b - h^T W v,

    and their probability is :math:`e^{-E(v, h)} / Z`. Where a layer has at most 20
    units, Z is summed exactly; else it is estimated by annealed importance sampling
    [4]_ from a mixture of groups of rows that were learned from or drawn.
    Parameters are learned in float32 (in float64 by "exact"), and reported and
    evaluated in float64.

    Stochastic learning starts from weights that follow the correlations of the
    features. Its result is the average of its last iterates, five hundred or a tenth
    of all. The likelihood is measured along the way. For that, log Z is carried from
    one measurement to the next by annealing along the path of learning [7]_ [8]_. It is
    summed instead where that is short, as for 17 columns and 128 hidden units.
    Where the likelihood falls, or a parameter leaves all bounds, learning goes back to
    the best parameters, and on from there in smaller steps. Every ten updates or more
    the persistent chains are offered rows of a mixture that is fitted to the data, by
    Metropolis-Hastings sampling. So they are in all groups of rows, also where no sweep
    leads from one to another.

    With ``alpha="auto"`` the statistics of rows held out are compared with those of
    rows learned from, after every hundred updates. By how much these agree more with
    the signs of the weights is the strength of the L1 penalty under which rows held
    out would gain by no other [9]_. As far as these are too few to tell, it is 3 over
    the number of rows.

    References
    ----------
    .. [1] Hinton, G. E. (2002). Training products of experts by minimizing
       contrastive divergence. Neural Computation 14, 1771-1800.
       :doi:`10.1162/089976602760128018`
    .. [2] Tieleman, T. (2008). Training restricted Boltzmann machines using
       approximations to the likelihood gradient. ICML, 1064-1071.
       :doi:`10.1145/1390156.1390290`
    .. [3] Melchior, J., Fischer, A. and Wiskott, L. (2016). How to center deep
       Boltzmann machines. Journal of Machine Learning Research 17(99), 1-61.
    .. [4] Salakhutdinov, R. and Murray, I. (2008). On the quantitative analysis
       of deep belief networks. ICML, 872-879. :doi:`10.1145/1390156.1390266`
    .. [5] Amari, S. (1998). Natural gradient works efficiently in learning. Neural
       Computation 10(2), 251-276. :doi:`10.1162/089976698300017746`
    .. [6] Martens, J. and Grosse, R. (2015). Optimizing neural networks with
       Kronecker-factored approximate curvature. ICML, 2408-2417.
    .. [7] Krause, O., Fischer, A. and Igel, C. (2020). Algorithms for estimating
       the partition function of restricted Boltzmann machines. Artificial
       Intelligence 278, 103195. :doi:`10.1016/j.artint.2019.103195`
    .. [8] Béreux, N., Decelle, A., Furtlehner, C. and Seoane, B. (2025). Fast
       training and sampling of restricted Boltzmann machines. ICLR.
    .. [9] Luketina, J., Berglund, M., Greff, K. and Raiko, T. (2016). Scalable
       gradient-based tuning of continuous regularization hyperparameters. ICML,
       2952-2960.

    Examples
    --------
    >>> import numpy as np
    >>> from skebm import BinaryRBM
    >>> X = np.array([[0, 0, 1, 1], [1, 1, 0, 0]] * 50)
    >>> rbm = BinaryRBM(n_components=2, max_iter=300, random_state=0).fit(X)
    >>> bool(rbm.score(X) > -1.0)  # two rows, equally likely: at best -0.69
    True
    >>> rbm.transform(X).shape
    (100, 2)
    """

    _parameter_constraints: dict = {
        **BaseBinaryModel._parameter_constraints,
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "algorithm": [StrOptions({"pcd", "cd", "exact"})],
        "solver": [StrOptions({"natural", "sgd"})],
        "centering": ["boolean"],
        "n_chains": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "learning_rate": [
            Interval(Real, 0, None, closed="neither"),
            StrOptions({"auto"}),
        ],
        "alpha": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
    }

    _structural_parameters = ("n_components", "solver")

    def __init__(
        self,
        n_components=256,
        *,
        algorithm="pcd",
        solver="natural",
        tempering=False,
        n_gibbs_steps=1,
        n_chains="auto",
        learning_rate="auto",
        decay_fraction=0.5,
        batch_size=200,
        max_iter=None,
        early_stopping="auto",
        validation_fraction=0.1,
        n_iter_no_change=20,
        tol=1e-4,
        centering=True,
        alpha="auto",
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
        self.solver = solver
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
        self.centering = centering
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.binarize = binarize
        self.log_partition_tol = log_partition_tol
        self.max_ais_temperatures = max_ais_temperatures
        self.n_ais_chains = n_ais_chains
        self.verbose = verbose
        self.random_state = random_state

    @classmethod
    def from_parameters(
        cls, components, intercept_visible, intercept_hidden, *, X=None, **params
    ):
        """Make a fitted estimator from known parameters.

        For instance those of a fitted `sklearn.neural_network.BernoulliRBM`, to
        measure its likelihood or to learn on with `partial_fit`.

        Parameters
        ----------
        components : array-like of shape (n_components, n_features)
            Weights.
        intercept_visible : array-like of shape (n_features,)
            Biases of the visible units.
        intercept_hidden : array-like of shape (n_components,)
            Biases of the hidden units.
        X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            Data of which the model may favour rows. Annealing and sampling start from
            groups of some of them. None starts from independent units, on half of the
            time.
        **params : dict
            Parameters of the constructor except `n_components`.

        Returns
        -------
        rbm : BinaryRBM
            Fitted, with these parameters in float64.

        Examples
        --------
        >>> import numpy as np
        >>> from skebm import BinaryRBM
        >>> rbm = BinaryRBM.from_parameters(np.zeros((1, 2)), [0, 0], [0])
        >>> round(rbm.score([[0, 1]]), 4)  # log(1 / 4)
        -1.3863
        """
        components = check_array(components, dtype=np.float64, copy=True)
        n_components, n_features = components.shape
        rbm = cls(n_components, **params)
        attributes = {
            "components_": components,
            "intercept_visible_": check_bias(
                intercept_visible, "intercept_visible", n_features
            ),
            "intercept_hidden_": check_bias(
                intercept_hidden, "intercept_hidden", n_components
            ),
        }
        rbm._adopt(attributes, n_features, X)
        return rbm

    def _initial_energy(self, sample, rng):
        mean = self._visible_mean
        weights = start_weights(
            sample - sample.mean(axis=0), int(self.n_components), rng
        )
        # Biases at which both layers are balanced where each unit is at its mean.
        visible_bias = logit(mean) - weights.sum(axis=0) / 2
        hidden_bias = -weights @ mean
        return BinaryRBMEnergy.of(weights, visible_bias, hidden_bias)

    def _metric(self, energy, sample):
        if self.solver == "sgd":
            return None
        # The correlations of more columns than rows are mostly noise. Without them rows
        # held out fared as well, in half the time.
        n_rows = self._n_rows_of_fit
        wide = n_rows is not None and n_rows < energy.n_visible
        diagonal = wide or self._strength("pcd") > 0
        return KroneckerMetric.start(energy, sample, diagonal=diagonal)

    def _strength(self, algorithm):
        return 0.0 if self.alpha == "auto" else self.alpha

    def _rate(self, n_rows):
        if self.learning_rate != "auto":
            return self.learning_rate
        return _RATE_OF_FEW_ROWS if self._is_left_to_us(n_rows) else _RATE

    def _n_chains(self, n_rows):
        if self.n_chains != "auto":
            return self.n_chains
        if not self._is_left_to_us(n_rows):
            return _MOST_CHAINS
        # The noise of chains need be no less than that of the rows.
        return int(np.clip(n_rows // 10, _FEWEST_CHAINS, _MOST_CHAINS))

    def _shrinking(self, rows, held_out, rng):
        if self.alpha != "auto" or not self._stops_early:
            return None
        if rows.has_missing or held_out.has_missing:
            return None
        return Shrinking(rows, held_out, rng.spawn(1)[0])

    def _fitted_attributes(self, learner, state, history=None):
        attributes = super()._fitted_attributes(learner, state, history)
        alpha = state.shrinkage if self.alpha == "auto" else self.alpha
        return {**attributes, "alpha_": float(alpha)}

    def _parameters(self, energy):
        return {
            "components_": energy.weights,
            "intercept_visible_": energy.visible_bias,
            "intercept_hidden_": energy.hidden_bias,
        }

    def _energy(self):
        return BinaryRBMEnergy.of(
            self.components_, self.intercept_visible_, self.intercept_hidden_
        )
