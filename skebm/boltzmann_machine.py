"""Boltzmann machines whose units may all be coupled with each other."""

__all__ = ["BoltzmannMachine"]

import numpy as np
from scipy.special import logit
from sklearn.base import OneToOneFeatureMixin

from skebm.energy.graph import Graph
from skebm.energy.pairwise import PairwiseEnergy
from skebm.energy.spins import binary_from_spins, spins_from_binary
from skebm.estimator.base import BaseBinaryModel
from skebm.estimator.binarized import states_of
from skebm.estimator.moments import MomentsMixin
from skebm.estimator.parameter_checks import (
    check_adjacency,
    check_bias,
    check_couplings,
)
from skebm.estimator.sampling import MetropolisMixin
from skebm.estimator.table_checks import refuse_missing
from skebm.estimator.validation import (
    Pairs,
    StrOptions,
    check_constructor,
    underflow_is_zero,
)
from skebm.learning.pair_metric import PairMetric
from skebm.partition.enumeration import MAX_ENUMERATED_UNITS


@underflow_is_zero
class BoltzmannMachine(
    OneToOneFeatureMixin, MomentsMixin, MetropolisMixin, BaseBinaryModel
):
    r"""Fully visible Boltzmann machine: binary units coupled in pairs.

    Use it where the question is which columns depend on each other directly, and how
    strongly: between spins, neurons, or questions with two answers. It also fits means
    and correlations that were published without the rows.

    It is a probability distribution over binary rows [1]_. It has the means and the
    correlations of pairs that the data have, and no structure beyond. It is also known
    as Ising model, pairwise maximum entropy model or pairwise binary Markov random
    field. There are no hidden units, so its likelihood has a single optimum.

    Parameters
    ----------
    connectivity : {array-like, sparse matrix} or None, default=None
        Adjacency of the features, of shape (n_features, n_features): couplings
        exist only where it is not zero, on a lattice for instance (see
        `sklearn.feature_extraction.image.grid_to_graph`). It must be symmetric; its
        diagonal does not matter. Features that are not coupled are then drawn at
        once. None lets all pairs be coupled. `partial_fit` reads it at its first
        call.
    states : {(0, 1), (-1, 1)}, default=(0, 1)
        What the two values of a unit are called: bits, or spins. Data are
        expected, rows drawn and parameters reported in this convention, which
        changes neither probabilities nor learning.
    learning_rate : float, default=0.1
        Step size of "pcd" at the start. `fit` raises it by a tenth, up to ten times
        of it, after each hundred updates that gain more than 0.1 nats, and lowers
        it where the likelihood falls.
    max_iter : int or None, default=None
        Updates, at most (passes over X: ``max_iter * batch_size / n_samples``).
        None is 2000 for "pcd", or 20000 with ``early_stopping=True``; and 20000
        iterations of L-BFGS, each of which sees all rows.
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
        Strength of the penalty of the couplings. What is maximised is the mean
        log-likelihood (or pseudo-log-likelihood) less ``alpha * (l1_ratio * |W|_1 +
        (1 - l1_ratio) / 2 * |W|_2**2)``, each pair counting once, for units of zeros
        and ones whatever `states`; the biases are free.
    binarize : float or None, default=0.5
        Values above it are the upper state, others the lower. The two states, and
        booleans, pass as they are, anything else with a warning. It is a value of
        the data: for other data than spins under ``states=(-1, 1)`` it may have to
        be 0. None requires values between the states, used as means.
    log_partition_tol : float or "auto", default="auto"
        Wanted standard error of `log_partition_`, in nats, where there are more
        than 20 features and it is estimated by annealed importance sampling.
        Half of it takes four times as long.
        "auto" is half the standard error of the mean log-likelihood of as many rows as
        were learned from, which adds an eighth to that error. It is from 0.03 to 0.25,
        and at most 0.05 with ``early_stopping=True``.
    verbose : int, default=0
        How much is printed in a fit: 0 is nothing, 1 about ten lines, 2 a line at every
        stage. Annealing of log Z is told of as well.
    random_state : int, RandomState instance or None, default=None
        Determines the order of the rows, all draws during learning, and the
        annealing. Pass an int for reproducible results.

    Attributes
    ----------
    couplings_ : ndarray of shape (n_features, n_features)
        Couplings W, symmetric with zero diagonal.
    intercept_ : ndarray of shape (n_features,)
        Biases b.
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
        NaN where none are held out; "log_partition". Otherwise, after each iteration:
        "n_iter" and the objective of all rows without penalty, "train_log_likelihood"
        or "train_pseudo_log_likelihood".
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen in `fit`, if all are strings.

    Other Parameters
    ----------------
    algorithm : {"auto", "exact", "pcd", "pseudolikelihood"}, default="auto"
        How the parameters are found. "exact" sums over all configurations of at
        most 20 features and climbs the likelihood by L-BFGS, to the optimum.
        "pcd" climbs it by persistent contrastive divergence [2]_, with `n_chains`
        Markov chains for the model's side of the gradient. "pseudolikelihood"
        climbs the sum of log p(x_j | the other features) instead, by L-BFGS [3]_:
        without chains, and with the same optimum for many rows that such a machine
        drew. Where features exclude or imply each other it needs a penalty. "auto"
        is "exact" for at most 20 features unless ``early_stopping=True``, and "pcd" for
        more and in `partial_fit`.
    tempering : bool, default=False
        Whether the persistent chains of "pcd" are drawn by parallel tempering,
        which finds all modes of the model in their right shares, at several times
        the cost.
    n_gibbs_steps : int, default=1
        Gibbs sweeps of the chains in each update of "pcd".
    n_chains : int, default=500
        Number of persistent chains of "pcd", whatever the batch size.
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
    tol : float, default=1e-5
        For "exact" and "pseudolikelihood", the largest derivative at which learning
        ends, by the parameters of standardised units. For "pcd", least rise of the
        likelihood, in nats, that counts as one.
    l1_ratio : float, default=0.0
        Share of the L1 penalty, under which couplings become exactly zero. Where
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
    BinaryRBM : Couples features through hidden units, in more than pairs.
    LatentBM : Has both, hidden units and couplings.
    skebm.displays.CouplingsDisplay : Its couplings as a matrix.
    skebm.datasets.make_ising_lattice : Rows of which the true couplings are known.

    Notes
    -----
    The energy of units x in either convention is

    .. math:: E(x) = -\tfrac{1}{2} x^T W x - b^T x,

    and their probability is :math:`e^{-E(x)} / Z`. Z is summed exactly for at most
    20 features, else estimated by annealed importance sampling from a mixture
    of groups of rows that were learned from or drawn. Gibbs sampling
    draws one unit after the other given all others, or with `connectivity` all units
    of a colour at once, where colours are such that no two units of one are coupled.

    References
    ----------
    .. [1] Ackley, D. H., Hinton, G. E. and Sejnowski, T. J. (1985). A learning
       algorithm for Boltzmann machines. Cognitive Science 9(1), 147-169.
       :doi:`10.1207/s15516709cog0901_7`
    .. [2] Tieleman, T. (2008). Training restricted Boltzmann machines using
       approximations to the likelihood gradient. ICML, 1064-1071.
       :doi:`10.1145/1390156.1390290`
    .. [3] Besag, J. (1975). Statistical analysis of non-lattice data. The
       Statistician 24(3), 179-195. :doi:`10.2307/2987782`

    Examples
    --------
    >>> import numpy as np
    >>> from skebm import BoltzmannMachine
    >>> X = np.repeat([[0, 0], [1, 1], [0, 1]], [45, 45, 10], axis=0)
    >>> machine = BoltzmannMachine().fit(X)
    >>> bool(machine.couplings_[0, 1] > 0)
    True
    >>> machine.score_samples([[0, 0], [0, 1]]).round(2)  # log(0.45), log(0.1)
    array([-0.8, -2.3])
    """

    _parameter_constraints: dict = {
        **BaseBinaryModel._parameter_constraints,
        "algorithm": [StrOptions({"auto", "exact", "pcd", "pseudolikelihood"})],
        "connectivity": ["array-like", "sparse matrix", None],
        "states": [Pairs({(0, 1), (-1, 1)})],
    }

    _structural_parameters = ("states",)

    def __init__(
        self,
        *,
        algorithm="auto",
        connectivity=None,
        states=(0, 1),
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
        tol=1e-5,
        alpha=0.0,
        l1_ratio=0.0,
        binarize=0.5,
        log_partition_tol="auto",
        max_ais_temperatures="auto",
        n_ais_chains=100,
        verbose=0,
        random_state=None,
    ):
        self.algorithm = algorithm
        self.connectivity = connectivity
        self.states = states
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

    def transform(self, X):
        """Compute the probability of each unit given all others of its row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Values of the units; `binarize` applies as in `fit`.

        Returns
        -------
        P : ndarray of shape (n_samples, n_features)
            P(x_j is in the upper state | the other features), in float32 for
            float32 input, else in float64. What a row says about a feature does
            not enter its own column. Missing values are summed out.

        Raises
        ------
        ValueError
            If `X` is not a numeric table of the width seen in `fit`, finite where it is
            not missing, or is outside the states with ``binarize=None``.

        Examples
        --------
        >>> from skebm import BoltzmannMachine
        >>> machine = BoltzmannMachine.from_parameters([[0, 2], [2, 0]], [-1, -1])
        >>> machine.transform([[1, 0], [0, 0]]).round(3)
        array([[0.269, 0.731],
               [0.269, 0.269]])
        """
        rows = self._rows(X)
        if rows.has_missing:
            return self._proba_of_columns(rows)
        energy = self._energy()
        return rows.map(
            energy.conditional_mean,
            row_elements=energy.n_units,
            dtype=rows.float_dtype,
        )

    def energy(self, X):
        """Compute the energy of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Values of the units; `binarize` applies as in `fit`.

        Returns
        -------
        energy : ndarray of shape (n_samples,)
            E(x) in nats, in the convention of `states`. Lower is likelier. The same
            as `free_energy`, since there are no hidden units.

        Raises
        ------
        ValueError
            If `X` is not a finite numeric table of the width seen in `fit`, or is
            outside the states with ``binarize=None``.

        Examples
        --------
        >>> from skebm import BoltzmannMachine
        >>> machine = BoltzmannMachine.from_parameters([[0, 2], [2, 0]], [-1, -1])
        >>> machine.energy([[1, 0], [1, 1]])
        array([1., 0.])
        """
        refuse_missing(self._check(X), "an energy is that of complete rows.")
        return self.free_energy(X)

    @classmethod
    def from_parameters(cls, couplings, intercept, *, X=None, **params):
        """Make a fitted estimator from known parameters.

        Parameters
        ----------
        couplings : array-like of shape (n_features, n_features)
            Couplings W, symmetric with zero diagonal.
        intercept : array-like of shape (n_features,)
            Biases b.
        X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            Data of which the model may favour rows. Annealing and sampling start from
            groups of some of them. None starts from independent units, on half of the
            time.
        **params : dict
            Parameters of the constructor. Couplings must be zero where a
            `connectivity` has no edge.

        Returns
        -------
        machine : BoltzmannMachine
            Fitted, with these parameters in float64, taken to be in the
            convention of `states`.

        Raises
        ------
        ValueError
            If the couplings are not symmetric with zero diagonal, or the shapes do
            not fit each other.

        Examples
        --------
        Two spins that would rather be equal:

        >>> from skebm import BoltzmannMachine
        >>> machine = BoltzmannMachine.from_parameters(
        ...     [[0, 1], [1, 0]], [0, 0], states=(-1, 1)
        ... )
        >>> machine.score_samples([[1, 1], [1, -1]]).round(3)
        array([-0.82, -2.82])
        """
        couplings = check_couplings(couplings, "couplings")
        n_features = len(couplings)
        intercept = check_bias(intercept, "intercept", n_features)
        machine = cls(**params)
        check_constructor(machine)
        machine._graph = machine._connect(n_features)
        if machine._graph is not None and couplings[~machine._graph.mask].any():
            raise ValueError(
                "couplings are not zero where connectivity has no edge. Pass an "
                "adjacency that has them all."
            )
        machine._adopt(
            {"couplings_": couplings, "intercept_": intercept}, n_features, X
        )
        return machine

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.algorithm != "pseudolikelihood"
        return tags

    def _algorithm(self, rows):
        if self.algorithm != "auto":
            return self.algorithm
        feasible = rows is not None and rows.n_columns <= MAX_ENUMERATED_UNITS
        return "exact" if feasible and not self._stops_early else "pcd"

    def _initial_energy(self, sample, rng):
        n_features = sample.shape[1]
        self._graph = self._connect(n_features)
        couplings = np.zeros((n_features, n_features))
        return PairwiseEnergy.of(couplings, logit(self._visible_mean), self._graph)

    def _metric(self, energy, sample):
        # Full factors would mix in couplings that do not exist.
        diagonal = self.alpha > 0 or self._graph is not None
        return PairMetric.start(energy, sample, diagonal=diagonal)

    def _connect(self, n_features):
        """Read the graph of the couplings that can exist, None if all can."""
        if self.connectivity is None:
            return None
        return Graph.of(check_adjacency(self.connectivity, "connectivity", n_features))

    def _parameters(self, energy):
        couplings, bias = energy.couplings, energy.bias
        if states_of(self) == (-1, 1):
            couplings, bias, _ = spins_from_binary(couplings, bias)
        return {"couplings_": couplings, "intercept_": bias}

    def _energy(self):
        couplings, bias = self.couplings_, self.intercept_
        if states_of(self) == (-1, 1):
            couplings, bias, _ = binary_from_spins(couplings, bias)
        return PairwiseEnergy.of(couplings, bias, self._graph)

    @property
    def _energy_constant(self):
        if states_of(self) == (0, 1):
            return 0.0
        return binary_from_spins(self.couplings_, self.intercept_)[2]
