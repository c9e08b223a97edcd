"""Undirected models of categorical columns, with potentials of cliques."""

__all__ = ["MarkovRandomField"]

from numbers import Integral, Real

import numpy as np

from skebm.energy.clique_tables import CliqueTables
from skebm.energy.cliques import CliqueEnergy
from skebm.estimator.base import BaseEnergyModel
from skebm.estimator.categorical_rows import CategoricalRowsMixin
from skebm.estimator.cliques import read_cliques, read_levels, read_potentials
from skebm.estimator.conditions import ConditionsMixin
from skebm.estimator.marginals import MarginalsMixin
from skebm.estimator.missing import parts_of
from skebm.estimator.table_checks import refuse_missing
from skebm.estimator.table_columns import Columns
from skebm.estimator.validation import (
    HasMethods,
    Interval,
    StrOptions,
    check_constructor,
    check_feature_names,
    underflow_is_zero,
)
from skebm.learning.clique_metric import CliqueMetric
from skebm.learning.objectives import Likelihood, PseudoLikelihood
from skebm.learning.proximal import GroupLasso, ProximalAscent

# Of tables of cliques, in the prior of which the penalty is minus the logarithm.
_PRIOR_PRECISION = 2.0

# Terms for all rows with gaps together that exact learning may take at each step where
# nobody has asked for it.
_MOST_TERMS_OF_GAPS = 2**25

# Iterations of learning with a penalty of whole cliques, unless told.
_MOST_PROXIMAL_STEPS = 5000


@underflow_is_zero
class MarkovRandomField(
    MarginalsMixin, ConditionsMixin, CategoricalRowsMixin, BaseEnergyModel
):
    r"""Markov random field: categorical columns with potentials of cliques.

    Use it for tables of categories where it is known which columns depend on each
    other, as pixels and their neighbours do, or where that is the question, as between
    the sites of a protein. There the pairwise model is the Potts model of direct
    coupling analysis [2]_.

    A clique is a few columns that depend on each other directly. To each belongs a
    table of positive numbers. The probability of a row is their product, normalised
    [1]_.
    Columns that share no clique are independent given those between them.

    Parameters
    ----------
    cliques : "pairwise", list of tuple, or graph, default="pairwise"
        Which columns have a table together. "pairwise": each two. A list names the
        columns of each clique by names or numbers. Of a graph of the columns, an
        adjacency as a sparse matrix or array, or one of networkx whose nodes are names
        or numbers, the maximal cliques are taken. Every column has a table of its own
        as well. `partial_fit` reads it at its first call.
    handle_unknown : {"error", "missing"}, default="error"
        What becomes of levels that were not seen in `fit`: an error, or a value that
        counts as missing.
    learning_rate : float, default=0.1
        Step size of "pcd" at the start; see `BoltzmannMachine`.
    max_iter : int or None, default=None
        Updates, at most (passes over X: ``max_iter * batch_size / n_samples``).
        None is 2000 for "pcd", or 20000 with ``early_stopping=True``; and 20000
        iterations of L-BFGS, each of which sees all rows.
    early_stopping : bool or "auto", default="auto"
        Whether "pcd" holds out rows, keeps the parameters under which these have the
        highest likelihood, and stops when that no longer rises.
        True learns for as long as it takes. "auto" is quick: with ``max_iter=None`` and
        less than 3000 rows it stops after 300 updates without a rise, or 900 where
        nothing is overfitted; otherwise it is False. Few rows are learned by heart if
        nothing stops it.

        At the end all rows are learned from, those held out too, by a twentieth as
        many updates ("auto": a third), if `max_iter` has room for them. This is left
        out where it promises less than 0.01 nats.
    alpha : float or "auto", default="auto"
        Strength of the penalty of the logarithms t of the tables of two columns and
        more. What is maximised is the mean log-likelihood (or pseudo-log-likelihood)
        less ``alpha * (l1_ratio * |t|_1 + (1 - l1_ratio) / 2 * |t|_2**2)``. "auto" is 2
        over the number of rows, which is a normal prior of variance 1/2. Without a
        penalty what never occurs together gets a potential near 0.
    log_partition_tol : float or "auto", default="auto"
        Wanted standard error of `log_partition_`, in nats, where it is estimated by
        annealed importance sampling.
        "auto" is half the standard error of the mean log-likelihood of as many rows as
        were learned from, which adds an eighth to that error. It is from 0.03 to 0.25,
        and at most 0.05 with ``early_stopping=True``.
    verbose : int, default=0
        How much is printed in a fit: 0 is nothing, 1 about ten lines, 2 a line at every
        stage. Annealing of log Z is told of as well.
    random_state : int, RandomState instance or None, default=None
        Determines the order of the rows, all draws during learning, and the annealing.
        Pass an int for reproducible results.

    Attributes
    ----------
    potentials_ : dict of tuple to ndarray
        The positive tables, by their cliques, of which those of each column come first.
        Columns are named as they are in `feature_names_in_`, if there are names, else
        numbered. Axes of a table are the columns of its key, and entries their levels,
        in the order of `categories_`. Many tables describe the same distribution: what
        of one is a factor of a single column may as well stand in the table of that.
    categories_ : list of ndarray
        The levels of each column.
    unit_names_ : ndarray of shape (n_units,)
        What the columns of `transform` stand for: "feature_level".
    log_partition_ : float
        Log partition function in nats, once it is known; see `log_partition`.
    log_partition_std_ : float
        Standard error of `log_partition_` in nats, 0 when exact.
    log_partition_effective_sample_size_ : float
        Number of equally weighted chains that the annealed ones are worth.
    n_iter_ : int
        Number of updates of the parameters made.
    history_ : dict of str to ndarray of shape (n_measurements,)
        What the last `fit` measured; see `BoltzmannMachine`.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen in `fit`, if all are strings.

    Other Parameters
    ----------------
    max_exact_terms : int, default=4194304
        Largest number of terms of an exact sum over all configurations. Columns are
        summed out one after the other, in the order of minimum fill, each from a table
        with those that it is coupled with by then: terms are the entries of these
        tables. On chains and trees there are few, with any number of columns. The
        default takes a tenth of a second and some 200 MB. Beyond it log Z is annealed
        and rows are drawn by chains. `fit` and `from_potentials` read it.
    algorithm : {"auto", "exact", "pseudolikelihood", "pcd"}, default="auto"
        How the potentials are found. "exact" climbs the likelihood by L-BFGS, up to the
        optimum, where sums are exact. "pseudolikelihood" climbs the sum of log p(x_j |
        the other columns) instead [3]_, for complete rows. "pcd" climbs the likelihood
        by persistent contrastive divergence, with `n_chains` Markov chains for the
        model's side of the gradient. "auto" is "exact" where it can be, else
        "pseudolikelihood", and "pcd" with missing values, ``early_stopping=True``, or
        in `partial_fit`.
    tempering : bool, default=False
        Whether the persistent chains of "pcd" are drawn by parallel tempering.
    n_gibbs_steps : int, default=1
        Gibbs sweeps of the chains in each update of "pcd".
    n_chains : int, default=500
        Number of persistent chains of "pcd", whatever the batch size.
    decay_fraction : float, default=0.5
        Share of `max_iter`, at its end, over which the step size of "pcd" falls
        linearly to zero. `partial_fit` keeps it.
    batch_size : int, default=200
        Largest number of rows in an update of "pcd".
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
        For "exact" and "pseudolikelihood", the largest derivative at which learning
        ends, by the parameters of standardised indicators. For "pcd", least rise of the
        likelihood, in nats, that counts as one.
    l1_ratio : float, default=0.0
        Share of the L1 part, under which tables become 1 as a whole, or entry by entry,
        as `sparsity` says.
    sparsity : {"cliques", "entries"}, default="cliques"
        What the L1 part counts: of each clique the root of the number of its entries
        times their norm, so that cliques vanish as a whole, and those that stay are the
        structure that was found; or every entry. "pcd" knows "entries" alone, and so do
        `partial_fit` and `early_stopping`.
    max_ais_temperatures : int or "auto", default="auto"
        Most temperatures of the annealing of log Z. "auto" is 20000, but no more than
        make all of the first estimate half the work of learning by chains, where
        that is known.
    n_ais_chains : int, default=100
        Chains of the annealing of log Z, at least 2.

    See Also
    --------
    BoltzmannMachine : Zeros and ones coupled in pairs, with one number for each pair.
    MixedRBM : Categories and numbers, coupled through hidden units.
    EnergyImputer : Fills in what is missing of a table by this model.

    Notes
    -----
    The energy of a row is minus the sum of the logarithms of its potentials,

    .. math:: E(x) = -\sum_C \log \phi_C(x_C), \quad p(x) = e^{-E(x)} / Z .

    With ``max_exact_terms`` enough, log Z, scores of rows with gaps, marginals, draws
    and conditional draws are exact, by elimination of one column after the other [1]_.
    Else scores of rows with gaps are exact where few enough are missing, and annealed
    elsewhere. Gibbs sampling draws columns that share no clique at once.

    Every distinct value of a column is a level. Cut numbers into bins first; `fit`
    warns of numbers that hardly ever occur twice.

    References
    ----------
    .. [1] Koller, D. and Friedman, N. (2009). Probabilistic graphical models. MIT
       Press.
    .. [2] Ekeberg, M., Lövkvist, C., Lan, Y., Weigt, M. and Aurell, E. (2013).
       Improved contact prediction in proteins: using pseudolikelihoods to infer Potts
       models. Physical Review E 87, 012707. :doi:`10.1103/PhysRevE.87.012707`
    .. [3] Besag, J. (1975). Statistical analysis of non-lattice data. The
       Statistician 24(3), 179-195. :doi:`10.2307/2987782`

    Examples
    --------
    >>> import numpy as np
    >>> from skebm import MarkovRandomField
    >>> rng = np.random.default_rng(0)
    >>> weather = rng.choice(["rain", "sun"], 300)
    >>> coat = np.where(rng.random(300) < 0.9, weather, "sun")
    >>> X = np.column_stack([weather, coat])
    >>> model = MarkovRandomField([(0, 1)]).fit(X)
    >>> model.conditional_proba([["rain", None], ["sun", None]], 1).round(1)
    array([[0.9, 0.1],
           [0. , 1. ]])
    """

    _parameter_constraints: dict = {
        **BaseEnergyModel._parameter_constraints,
        **CategoricalRowsMixin._parameter_constraints,
        "cliques": [
            StrOptions({"pairwise"}),
            "array-like",
            "sparse matrix",
            HasMethods(["nodes", "edges"]),
        ],
        "max_exact_terms": [Interval(Integral, 0, None, closed="left")],
        "algorithm": [StrOptions({"auto", "exact", "pseudolikelihood", "pcd"})],
        "alpha": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
        "sparsity": [StrOptions({"cliques", "entries"})],
    }

    _metric_sees_rows = False

    def __init__(
        self,
        cliques="pairwise",
        *,
        handle_unknown="error",
        max_exact_terms=2**22,
        algorithm="auto",
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
        alpha="auto",
        l1_ratio=0.0,
        sparsity="cliques",
        log_partition_tol="auto",
        max_ais_temperatures="auto",
        n_ais_chains=100,
        verbose=0,
        random_state=None,
    ):
        self.cliques = cliques
        self.handle_unknown = handle_unknown
        self.max_exact_terms = max_exact_terms
        self.algorithm = algorithm
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
        self.sparsity = sparsity
        self.log_partition_tol = log_partition_tol
        self.max_ais_temperatures = max_ais_temperatures
        self.n_ais_chains = n_ais_chains
        self.verbose = verbose
        self.random_state = random_state

    def transform(self, X):
        """Compute the probability of each level of each column given all others.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Values of the columns, read as in `fit`.

        Returns
        -------
        P : ndarray of shape (n_samples, n_units)
            P(x_j = level | the other features), float64, under the names of
            `unit_names_`. What a row says about a feature does not enter its own
            columns. Missing values are summed out.

        Raises
        ------
        ValueError
            If `X` is no table of the width seen in `fit`, or has levels that were not
            seen in `fit` with ``handle_unknown="error"``.

        Examples
        --------
        >>> from skebm import MarkovRandomField
        >>> model = MarkovRandomField.from_potentials({(0, 1): [[4, 1], [2, 3]]})
        >>> model.transform([[0, 1]]).round(2)
        array([[0.25, 0.75, 0.8 , 0.2 ]])
        """
        rows, energy = self._rows(X), self._energy()
        if not rows.has_missing:
            return rows.map(energy.conditional_mean, row_elements=energy.n_units)
        columns = range(self.n_features_in_)
        return np.hstack([self._proba_of(rows, column) for column in columns])

    def get_feature_names_out(self, input_features=None):
        """Name the columns of `transform`.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features; must be those of `fit`, if these had names.

        Returns
        -------
        names : ndarray of str of shape (n_units,)
            As "feature_level".

        Examples
        --------
        >>> from skebm import MarkovRandomField
        >>> model = MarkovRandomField.from_potentials({("a", "d"): [[4, 1], [2, 3]]})
        >>> model.get_feature_names_out()
        array(['a_0', 'a_1', 'd_0', 'd_1'], dtype=object)
        """
        names = check_feature_names(self, input_features)
        return self._columns.unit_names(names)

    def energy(self, X):
        """Compute the energy of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Values of the columns, read as in `fit`.

        Returns
        -------
        energy : ndarray of shape (n_samples,)
            Minus the sum of the logarithms of the potentials, in nats. Lower is
            likelier.

        Raises
        ------
        ValueError
            If `X` is no table of the width seen in `fit`, has missing values, or levels
            that were not seen in `fit`.

        Examples
        --------
        >>> from skebm import MarkovRandomField
        >>> model = MarkovRandomField.from_potentials({(0, 1): [[4, 1], [2, 3]]})
        >>> model.energy([[0, 0], [0, 1]]).round(3)
        array([-1.386,  0.   ])
        """
        refuse_missing(self._check(X), "an energy is that of complete rows.")
        return self.free_energy(X)

    @classmethod
    def from_potentials(cls, potentials, *, categories=None, **params):
        """Make a fitted estimator from known potentials.

        Parameters
        ----------
        potentials : dict of tuple to array-like
            Positive tables, by their cliques: tuples of the numbers of columns, or of
            their names. Axes are the columns of the key. Names are taken in the order
            in which they first occur.
        categories : dict of (int or str) to array-like, default=None
            The levels of columns, in the order of the entries of tables. Columns that
            it leaves out have the levels 0, 1, ...
        **params : dict
            Parameters of the constructor but `cliques`, which are those of the
            potentials.

        Returns
        -------
        model : MarkovRandomField
            Fitted.

        Raises
        ------
        ValueError
            If columns are numbered with gaps; if tables have other numbers of axes than
            their keys, do not agree in the number of levels of a column, or have values
            that are not positive and finite.

        Examples
        --------
        >>> from skebm import MarkovRandomField
        >>> potentials = {
        ...     ("A", "D"): [[4.00, 0.23], [5.00, 9.45]],
        ...     ("A",): [1.0, 2.0],
        ... }
        >>> model = MarkovRandomField.from_potentials(potentials)
        >>> round(model.log_partition(), 4)  # log(4 + 0.23 + 10 + 18.9)
        3.5004
        """
        if "cliques" in params:
            raise ValueError(
                "The cliques are those of the potentials. Leave out cliques."
            )
        tables, scopes, n_levels, names = read_potentials(potentials)
        model = cls(cliques=list(potentials), **params)
        check_constructor(model)
        if names is not None:
            model.feature_names_in_ = np.array(names, dtype=object)
        model.n_features_in_ = len(n_levels)
        levels = read_levels(categories, n_levels, names)
        model._know(Columns(levels, [None] * len(levels)))
        larger = tuple(scope for scope in scopes if len(scope) > 1)
        model._cliques = CliqueTables(tuple(n_levels), larger, model.max_exact_terms)
        fields = np.ones(model._cliques.units.n_columns)
        entries = [np.empty(0)]
        for scope, table in zip(scopes, tables, strict=True):
            if len(scope) == 1:
                fields[model._cliques.columns(scope[0])] = table
            else:
                entries.append(table.ravel())
        model._adopt(
            {"_potentials": np.concatenate(entries), "_own_potentials": fields},
            len(n_levels),
            None,
        )
        return model

    @property
    def potentials_(self):
        """Tables of potentials by their cliques, those of single columns first."""
        if not hasattr(self, "_potentials"):
            raise AttributeError("There are no potentials before fit.")
        cliques = self._cliques
        own = cliques.split_fields(self._own_potentials)
        keys = [self._key(scope) for scope in cliques.scopes]
        tables = dict(zip(keys, cliques.split(self._potentials), strict=True))
        return {self._key((i,)): table for i, table in enumerate(own)} | tables

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.string = tags.input_tags.categorical = True
        tags.input_tags.allow_nan = self.algorithm != "pseudolikelihood"
        tags.transformer_tags.preserves_dtype = ["float64"]
        return tags

    def _algorithm(self, rows):
        algorithm = self.algorithm
        if algorithm == "auto":
            algorithm = self._choose_algorithm(rows)
        elif algorithm == "exact" and self._read_cliques().tree is None:
            raise ValueError(
                "algorithm='exact' sums over all configurations, which for these "
                f"cliques takes more than max_exact_terms={self.max_exact_terms} "
                "terms. Raise that if there is memory, take fewer or smaller cliques, "
                "or set algorithm='pseudolikelihood' or 'pcd'."
            )
        if algorithm == "pcd" and self._has_sparse_cliques:
            raise ValueError(
                "Learning by 'pcd' cannot make whole cliques vanish, and many missing "
                "values or early_stopping need it. Set sparsity='entries' or "
                "l1_ratio=0, or algorithm='pseudolikelihood' or 'exact'."
            )
        return algorithm

    def _choose_algorithm(self, rows):
        if rows is None or self._stops_early:
            return "pcd"
        tree = self._read_cliques().tree
        if rows.has_missing:
            n_terms = np.inf if tree is None else rows.n_rows * tree.n_terms
            return "exact" if n_terms <= _MOST_TERMS_OF_GAPS else "pcd"
        return "pseudolikelihood" if tree is None else "exact"

    @property
    def _has_sparse_cliques(self):
        """Whether the penalty makes whole cliques vanish."""
        strength = self.l1_ratio if self.alpha == "auto" else self.alpha * self.l1_ratio
        return self.sparsity == "cliques" and strength > 0

    @property
    def _needs_all_data(self):
        numbers = self.l1_ratio, 0 if self.alpha == "auto" else self.alpha
        are_numbers = all(isinstance(number, Real) for number in numbers)
        if are_numbers and self._has_sparse_cliques:
            return (
                "Whole cliques vanish where learning sees all data at once. Use fit, "
                "or set sparsity='entries' to learn on with partial_fit."
            )
        return ""

    def _learner(self, algorithm, energy, objective=None):
        if algorithm == "pcd" or not self._has_sparse_cliques:
            return super()._learner(algorithm, energy, objective)
        sizes = np.array([np.prod(shape) for shape in energy.cliques.shapes], dtype=int)
        exact = algorithm == "exact"
        return ProximalAscent(
            max_iter=self.max_iter or _MOST_PROXIMAL_STEPS,
            penalty=GroupLasso(sizes, self._strength(algorithm), self.l1_ratio),
            tol=self.tol,
            objective=Likelihood if exact else PseudoLikelihood,
        )

    def _strength(self, algorithm):
        if self.alpha != "auto":
            return self.alpha
        return _PRIOR_PRECISION / max(1, np.max(self._n_rows_seen))

    def _read_cliques(self):
        """Read which columns have tables together."""
        names = getattr(self, "feature_names_in_", None)
        n_levels = self._columns.n_levels
        scopes = read_cliques(self.cliques, n_levels, names)
        return CliqueTables(n_levels, scopes, self.max_exact_terms)

    def _initial_energy(self, sample, rng):
        self._cliques = self._read_cliques()
        fields = self._cliques.units.natural(self._visible_mean)
        return CliqueEnergy(np.zeros(self._cliques.n_entries), fields, self._cliques)

    def _metric(self, energy, sample):
        return CliqueMetric.start(energy)

    def _key(self, scope):
        """Name the columns of a clique as users do."""
        names = getattr(self, "feature_names_in_", range(self.n_features_in_))
        return tuple(names[i] for i in scope)

    def _parameters(self, energy):
        return {
            "_potentials": np.exp(energy.tables),
            "_own_potentials": np.exp(energy.fields),
        }

    def _energy(self):
        logs = np.log(self._potentials), np.log(self._own_potentials)
        return CliqueEnergy(*logs, self._cliques)

    def _proba_of(self, rows, column):
        """Compute the probabilities of the levels of a column, at once where exact."""
        energy, units = self._energy(), self._units_of(column)
        parts = []
        for _, part, observed in parts_of(rows, energy.n_units):
            observed[:, units] = False
            if not energy.is_summable(observed).all():
                return super()._proba_of(rows, column)
            parts.append(energy.mean_missing(part, observed)[:, units])
        return np.concatenate(parts)
