"""Restricted Boltzmann machines of tables with categories and numbers."""

__all__ = ["MixedRBM"]

from numbers import Integral, Real

import numpy as np

from skebm.energy.mixed_rbm import MixedRBMEnergy
from skebm.estimator.base import BaseEnergyModel
from skebm.estimator.conditions import ConditionsMixin
from skebm.estimator.features import HiddenUnitsMixin
from skebm.estimator.mixed_rows import MixedRowsMixin
from skebm.estimator.real_rows import LARGEST_FLOOR, floored_covariance
from skebm.estimator.validation import (
    Interval,
    StrOptions,
    underflow_is_zero,
)
from skebm.learning.metric import KroneckerMetric
from skebm.learning.starts.mixed import start_of_mixed
from skebm.units.binary import BinaryUnits
from skebm.units.categorical import CategoricalUnits
from skebm.units.gaussian import GaussianUnits, whiten_covariance
from skebm.units.mixed import MixedUnits

# So few hidden units are summed over for each row with gaps, and for log Z.
_MOST_EXACT_UNITS = 12

# More groups say more of large tables, and take as many times as long.
_MOST_GROUPS = 16

# Of the weights, in the prior of which the penalty is minus the logarithm, by default.
_PRIOR_PRECISION = 2.0


@underflow_is_zero
class MixedRBM(HiddenUnitsMixin, ConditionsMixin, MixedRowsMixin, BaseEnergyModel):
    r"""Restricted Boltzmann machine of tables with categories and numbers.

    Use it for data frames as people have them: columns of categories, of numbers, or of
    both, with values missing. It scores rows, complete or not. It draws rows, alone or
    given some of their values, and fills gaps. It finds groups of rows.

    With the default settings all of that is exact, since there are few enough hidden
    configurations to sum over. The score is a normalised density of rows.

    Parameters
    ----------
    n_components : int, default=4
        Number of binary hidden units. Each says something of all columns together, and
        all of their combinations are possible. 0 leaves a mixture of groups.
    n_groups : int or "auto", default="auto"
        Number of states of one categorical hidden unit beside these: groups of rows.
        "auto" is a quarter of the root of the number of rows, from 2 to 16. 1 is no
        such unit. It finds what is separate in a table, where binary units find what
        is graded.
    categorical_features : "auto", array-like or None, default="auto"
        Which columns are categories: a mask, numbers, or names. "auto" goes by dtype:
        columns of strings, categories and booleans are, and those of Python objects
        with a value that is not a number. None: none is. All other columns are numbers.
    learning_rate : float, default=0.1
        Step size of "pcd" and "cd" at the start; see `BinaryRBM`.
    max_iter : int or None, default=None
        Updates, at most (passes over X: ``max_iter * batch_size / n_samples``).
        With "em" and "exact" iterations, each of which sees all rows. None is 50 of
        "em", 2000 updates, and 20000 with ``early_stopping=True`` or "exact".
    early_stopping : bool or "auto", default="auto"
        Whether to hold out rows, keep the parameters under which these have the highest
        likelihood, and stop when that no longer rises. Only for "pcd" and "cd".
        True learns for as long as it takes. "auto" is quick: with ``max_iter=None`` and
        less than 3000 rows it stops after 300 updates without a rise, or 900 where
        nothing is overfitted; otherwise it is False. Few rows are learned by heart if
        nothing stops it.

        At the end all rows are learned from, those held out too, by a twentieth as
        many updates ("auto": a third), if `max_iter` has room for them. This is left
        out where it promises less than 0.01 nats.
    alpha : float or "auto", default="auto"
        Strength of the penalty of the weights: what is maximised is the mean
        log-likelihood less ``alpha * (l1_ratio * |W|_1 + (1 - l1_ratio) / 2 *
        |W|_2**2)``. "auto" is 2 over the number of rows for "em" and "exact", which is
        a normal prior of variance 1/2, and 0 for "pcd" and "cd".
    log_partition_tol : float or "auto", default="auto"
        Wanted standard error of `log_partition_`, in nats, where there are more than
        2**20 hidden configurations and it is estimated by annealing.
        "auto" is half the standard error of the mean log-likelihood of as many rows as
        were learned from, which adds an eighth to that error. It is from 0.03 to 0.25,
        and at most 0.05 with ``early_stopping=True``.
    verbose : int, default=0
        How much is printed in a fit: 0 is nothing, 1 about ten lines, 2 a line at every
        stage. Annealing of log Z is told of as well.
    random_state : int, RandomState instance or None, default=None
        Determines where learning starts, all draws during learning, and the annealing.
        Pass an int for reproducible results.

    Attributes
    ----------
    categories_ : list of (ndarray or None)
        Of each feature its levels, or None where it holds numbers.
    components_ : ndarray of shape (n_components + `n_groups_`, n_units)
        Weights of the binary hidden units, and then of the groups; no groups if
        `n_groups_` is 1. For levels they are log-odds, which sum to 0 over the levels
        of a feature; for numbers, what a unit adds to the mean.
    intercept_visible_ : ndarray of shape (n_units,)
        Log-odds of levels, and means of numbers, with all hidden units off.
    intercept_hidden_ : ndarray of shape (n_components + `n_groups_`,)
        Biases of the hidden units.
    noise_variance_ : ndarray of shape (n_numbers,)
        Variance of each feature of numbers given the hidden units.
    noise_covariance_ : ndarray of shape (n_numbers, n_numbers)
        Covariance of these given the hidden units, if it is "full".
    unit_names_ : ndarray of shape (n_units,)
        What the columns of `components_` stand for: "feature_level" for a level, and
        the name of the feature for numbers. With `straighten`, these are straightened.
    n_groups_ : int
        Number of groups.
    log_partition_ : float
        Log partition function in nats, once it is known; see `log_partition`.
    log_partition_std_ : float
        Standard error of `log_partition_` in nats, 0 when exact.
    log_partition_effective_sample_size_ : float
        Number of equally weighted chains that the annealed ones are worth.
    n_iter_ : int
        Number of iterations, or updates of the parameters, made.
    history_ : dict of str to ndarray of shape (n_measurements,)
        What the last `fit` measured: of "em" and "exact" "n_iter" and
        "train_log_likelihood", but for a constant where numbers are straightened or
        missing; else as of `BinaryRBM`.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen in `fit`, if all are strings.

    Other Parameters
    ----------------
    handle_unknown : {"error", "missing"}, default="error"
        What becomes of levels that were not seen in `fit`: an error, or a value that
        counts as missing.
    spike_share : float, default=0.2
        A number that at least this share of the rows have in a column, and five, gets a
        probability of its own, as a level of a category has one: zeros of a sum that
        most people do not have, for instance. 1 leaves all numbers alone that not all
        rows share.
    straighten : bool, default=True
        Whether numbers of skewed columns are bent to be more like normal ones, by a
        power of Yeo and Johnson [3]_. Densities stay those of the numbers themselves.
    covariance_type : {"full", "diag"}, default="full"
        The noise of numbers given the hidden units: of any covariance, or of variances
        alone.
    reg_covar : float, default=1e-3
        Added to the variance of every column of numbers, as a share of it, when the
        noise is learned. It keeps the density finite where columns follow from others.
    algorithm : {"auto", "em", "exact", "pcd", "cd"}, default="auto"
        How to learn. "em" sums over all hidden configurations, at most 4096 for "auto",
        by expectation maximisation [2]_; "exact" does so by L-BFGS, which takes longer
        and gets a little further; "pcd" and "cd" draw chains, as in `BinaryRBM`. "auto"
        is "em" where it can be, and "pcd" elsewhere, with ``early_stopping=True``, and
        in `partial_fit`.
    solver : {"natural", "sgd"}, default="natural"
        Which way steps of "pcd" and "cd" go; see `BinaryRBM`.
    tempering : bool, default=False
        Whether the persistent chains are drawn by parallel tempering.
    n_gibbs_steps : int, default=1
        Gibbs sweeps of the chains in each update.
    n_chains : int, default=500
        Number of persistent chains, whatever the batch size. Unused by "cd".
    decay_fraction : float, default=0.5
        Share of `max_iter`, at its end, over which the step size falls linearly to
        zero. `partial_fit` keeps it.
    batch_size : int, default=200
        Largest number of rows in an update.
    validation_fraction : float, default=0.1
        Share of the rows that `early_stopping` holds out, at least one row and at most
        1000.
    n_iter_no_change : int, default=20
        Number of measurements of the likelihood, one every 100 updates, without a rise
        by `tol`, after which ``early_stopping=True`` goes back to the best parameters
        and lowers the step size. The third time in a row it stops. The first time it
        takes three times as many where rows learned from do not gain on those held out.
        Unlike in scikit-learn it is no number of passes: learning takes about as many
        updates whatever the number of rows.
    tol : float, default=3e-3
        "em" ends when the mean log-likelihood rises by less in an iteration, in nats.
        For "exact" it is the largest derivative at which learning ends; for
        `early_stopping` the least rise that counts.
    l1_ratio : float, default=0.0
        Share of the L1 penalty, under which weights become exactly zero.
    max_ais_temperatures : int or "auto", default="auto"
        Most temperatures of the annealing of log Z. "auto" is 20000, but no more than
        make all of the first estimate half the work of learning by chains, where
        that is known.
    n_ais_chains : int, default=100
        Chains of the annealing of log Z, at least 2.

    See Also
    --------
    EnergyImputer : Fills in what is missing of a table by this model.
    BinaryRBM : For rows of zeros and ones alone, with many hidden units.
    GaussianRBM : For rows of numbers alone.
    sklearn.compose.ColumnTransformer : Turns columns into numbers of other models.

    Notes
    -----
    The visible units are a softmax unit for each feature of categories, also known as a
    Potts unit, and a Gaussian one for each of numbers [1]_. With s of one-hot levels,
    y of numbers in units of their noise, and hidden units h,

    .. math:: E(s, y, h) = \tfrac12 |y|^2 - a^T (s, y) - h^T b - h^T W (s, y).

    Given h, features of categories are independent of each other and of the numbers,
    which are normal. So what is missing of a row is summed and integrated out given
    each h, and sums over h give what is exact of a row. Values are taken as missing at
    random.

    What `score_samples` gives is a probability of categories, and a density of numbers,
    in their units. A number that has a level of its own has a probability as well: the
    scores of tables where it does and does not are of different kinds, and do not
    compare. Whole numbers are taken as real ones: a score is then that of a density,
    which for numbers that are one apart is near their probability.

    References
    ----------
    .. [1] Tran, T., Phung, D. and Venkatesh, S. (2011). Mixed-variate restricted
       Boltzmann machines. ACML, 213-229.
    .. [2] Dempster, A. P., Laird, N. M. and Rubin, D. B. (1977). Maximum likelihood
       from incomplete data via the EM algorithm. Journal of the Royal Statistical
       Society B 39(1), 1-38.
    .. [3] Yeo, I.-K. and Johnson, R. A. (2000). A new family of power transformations
       to improve normality or symmetry. Biometrika 87(4), 954-959.

    Examples
    --------
    >>> import numpy as np
    >>> from skebm import MixedRBM
    >>> rng = np.random.default_rng(0)
    >>> is_cat = rng.random(400) < 0.5
    >>> animal = np.where(is_cat, "cat", "dog").astype(object)
    >>> weight = np.where(is_cat, 4, 20) + rng.normal(size=400)
    >>> model = MixedRBM(random_state=0).fit(np.column_stack([animal, weight]))
    >>> rows = np.array([[None, 4.5], ["cat", None]], dtype=object)
    >>> model.conditional_proba(rows, 0).round(2)  # of cat, dog
    array([[0.97, 0.03],
           [0.46, 0.54]])
    """

    _parameter_constraints: dict = {
        **BaseEnergyModel._parameter_constraints,
        **MixedRowsMixin._parameter_constraints,
        "n_components": [Interval(Integral, 0, None, closed="left")],
        "n_groups": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "alpha": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
        "covariance_type": [StrOptions({"full", "diag"})],
        "reg_covar": [Interval(Real, 0, LARGEST_FLOOR, closed="right")],
        "algorithm": [StrOptions({"auto", "em", "pcd", "cd", "exact"})],
        "solver": [StrOptions({"natural", "sgd"})],
    }
    _structural_parameters = (
        "n_components",
        "n_groups",
        "solver",
        "covariance_type",
        "reg_covar",
    )

    def __init__(
        self,
        n_components=4,
        *,
        n_groups="auto",
        categorical_features="auto",
        handle_unknown="error",
        spike_share=0.2,
        straighten=True,
        covariance_type="full",
        reg_covar=1e-3,
        algorithm="auto",
        solver="natural",
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
        tol=3e-3,
        alpha="auto",
        l1_ratio=0.0,
        log_partition_tol="auto",
        max_ais_temperatures="auto",
        n_ais_chains=100,
        verbose=0,
        random_state=None,
    ):
        self.n_components = n_components
        self.n_groups = n_groups
        self.categorical_features = categorical_features
        self.handle_unknown = handle_unknown
        self.spike_share = spike_share
        self.straighten = straighten
        self.covariance_type = covariance_type
        self.reg_covar = reg_covar
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
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.log_partition_tol = log_partition_tol
        self.max_ais_temperatures = max_ais_temperatures
        self.n_ais_chains = n_ais_chains
        self.verbose = verbose
        self.random_state = random_state

    def _algorithm(self, rows):
        if self.algorithm != "auto":
            return self.algorithm
        if rows is None or self._stops_early:
            return "pcd"
        n_states = self._number_of_groups(rows.n_rows) * 2 ** int(self.n_components)
        return "em" if n_states <= 2**_MOST_EXACT_UNITS else "pcd"

    def _number_of_groups(self, n_rows):
        """Say how many states the categorical hidden unit has, at least one."""
        if self.n_groups != "auto":
            return int(self.n_groups)
        return int(np.clip(round(np.sqrt(n_rows) / 4), 2, _MOST_GROUPS))

    def _strength(self, algorithm):
        if self.alpha != "auto":
            return self.alpha
        if algorithm not in {"em", "exact"}:
            return 0.0
        return _PRIOR_PRECISION / np.max(self._n_rows_seen)

    def _initial_energy(self, sample, rng):
        vars(self).pop("noise_covariance_", None)  # of an earlier fit
        numbers = sample[:, self._real]
        full = self.covariance_type == "full"
        covariance = floored_covariance(numbers, self.reg_covar, independent=not full)
        if full:
            noise = GaussianUnits.of_base(whiten_covariance(covariance))
        else:
            noise = GaussianUnits.of_base(1 / np.sqrt(np.diag(covariance)))
        n_groups = self._number_of_groups(np.max(self._n_rows_seen))
        n_groups = n_groups if n_groups > 1 else 0
        self._layers = int(self.n_components), n_groups
        start = start_of_mixed(sample, noise, *self._layers, rng)
        return self._of(*start, noise)

    def _of(self, weights, visible_bias, hidden_bias, noise):
        visible = MixedUnits((CategoricalUnits(self._columns.n_levels), noise))
        n_binary, n_groups = self._layers
        hidden = BinaryUnits(n_binary)
        if n_groups > 0:
            hidden = MixedUnits((hidden, CategoricalUnits((n_groups,))))
        energy = MixedRBMEnergy.of(weights, visible_bias, hidden_bias, visible, hidden)
        log_volume = float(np.log(self._scale).sum())
        return energy.replaced(ridge=self.reg_covar, log_volume=log_volume)

    def _metric(self, energy, sample):
        if self.solver == "sgd":
            return None
        return KroneckerMetric.start(energy, sample, diagonal=self._strength("pcd") > 0)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.string = tags.input_tags.categorical = True
        # Rows become units, in float64.
        tags.transformer_tags.preserves_dtype = ["float64"]
        return tags

    @property
    def _real(self):
        """Columns of units that hold numbers."""
        return slice(sum(self._columns.n_levels), None)

    def _parameters(self, energy):
        real, noise = self._real, energy.noise
        location, scale = self._location[real], self._scale[real]
        table = np.vstack([energy.weights, energy.visible_bias])
        table, removed = self._columns.centred(table)
        values = noise.states(table[:, real]) * scale
        values[-1] += location
        table[:, real] = values
        # The hidden units see rows that are no longer centred.
        field = energy.weights[:, real] @ noise.statistics(location / scale)
        attributes = {
            "components_": table[:-1],
            "intercept_visible_": table[-1],
            "intercept_hidden_": energy.hidden_bias + removed[:-1] - field,
            "noise_variance_": noise.variances() * scale**2,
            "n_groups_": max(1, self._layers[1]),
        }
        if self.covariance_type == "full":
            covariance = noise.covariance() * np.outer(scale, scale)
            attributes["noise_covariance_"] = covariance
        return attributes

    def _energy(self):
        real = self._real
        location, scale = self._location[real], self._scale[real]
        # Parameters of the constructor may have changed since these were learned.
        if hasattr(self, "noise_covariance_"):
            covariance = self.noise_covariance_ / np.outer(scale, scale)
            noise = GaussianUnits.of_base(whiten_covariance(covariance))
        else:
            noise = GaussianUnits.of_base(scale / np.sqrt(self.noise_variance_))
        table = np.vstack([self.components_, self.intercept_visible_])
        table[-1, real] -= location
        table[:, real] = noise.statistics(table[:, real] / scale)
        field = table[:-1, real] @ noise.statistics(location / scale)
        hidden_bias = self.intercept_hidden_ + field
        return self._of(table[:-1], table[-1], hidden_bias, noise)
