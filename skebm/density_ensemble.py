"""Ensemble of smooth densities of a table that outliers may hide in."""

__all__ = ["DensityEnsemble"]

from numbers import Integral, Real

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skebm.detection.binned_columns import BinnedColumns
from skebm.detection.normal_mixture import NormalMixture
from skebm.detection.projected_mixture import ProjectedMixture
from skebm.detection.robust_columns import RobustColumns
from skebm.detection.tail import Tail
from skebm.estimator.doc_link import DocLinkMixin
from skebm.estimator.one_hot_rows import OneHotRowsMixin
from skebm.estimator.real_rows import LARGEST_FLOOR, lost_floor
from skebm.estimator.table_checks import has_missing_values, warn_of_constants
from skebm.estimator.validation import (
    Interval,
    StrOptions,
    all_or_nothing,
    check_weights,
    fit_context,
    underflow_is_zero,
)
from skebm.estimator.verbosity import Lines
from skebm.wording import counted

# Wider tables, and those with gaps, are looked at in so many directions.
_MOST_COLUMNS = 100
_DIRECTIONS = 64

# Mixtures learn nothing from values this far out, compressed: 21 deviations. A few of
# them would widen a component until it hid all between.
_FARTHEST = 8.0

# Rows that columns are learned from: of wide tables fewer, so that they fit in memory.
_LEAST_ROWS = 512
_MOST_CELLS = 5_000_000

# Rows that usual scores are learned from: enough to know a quartile to a thirtieth.
_MOST_JUDGED = 2000

# Rows are worked on in blocks of about so many numbers.
_BLOCK = 4_000_000


@underflow_is_zero
class DensityEnsemble(OneHotRowsMixin, DocLinkMixin, BaseEstimator):
    r"""Ensemble of smooth densities of a table that outliers may hide in.

    Use it to change the settings of `EnergyOutlierDetector`, which takes it unless
    another estimator is passed. It tells usual rows of a table from unusual ones,
    whatever its columns hold and whatever hides among the training rows. Where a
    normalised likelihood is wanted, to compare models or to draw rows, use `MixedRBM`.

    Two kinds of densities are learned, which err in different ways. Smooth mixtures of
    normal distributions see what goes together; each learns a part of the rows. Bins of
    each column alone see what is rare. Either says of a row how usual it is: the
    logarithm of the chance that a usual row scores lower. The score of a row is the
    mean of the two.

    Parameters
    ----------
    n_mixtures : int, default=10
        Number of mixtures. Each leaves out another part of the rows, on which it is
        then judged. More make scores steadier, and take as many times as long.
    n_components : int, default=5
        Normal distributions in each mixture. Few find it hard to learn outliers by
        heart. If the training rows are known to be clean, more are better: 20, with
        ``max_samples=1024``.
    max_samples : int, default=512
        Rows that each mixture learns from, at most.
    reg_covar : float, default=0.1
        Added to the variances of the mixtures, whose columns have a variance of about
        1. Smooth densities rank rows better than those that fit best.
    n_bins : int, default=20
        Bins of each column of numbers. Two more hold what is far out.
    categorical_features : "auto", array-like or None, default="auto"
        Which columns are categories: a mask, numbers, or names. "auto" goes by dtype,
        as in `MixedRBM`: columns of strings, categories and booleans are, and those of
        Python objects with a value that is not a number. But an array of booleans is
        read as numbers 0 and 1, which is faster where it is wide, and hardly another
        model. None: none is.
    add_indicator : bool, default=False
        Whether it matters for itself where values are missing. False leaves it out of
        account: a missing value counts as what is expected of it.
    verbose : int, default=0
        How much is printed in a fit: 0 is nothing, 1 about ten lines, 2 a line at every
        stage. Stages are mixtures. Of each, the mean log-density of rows is told that
        it has not learned from, of values as mixtures see them (see Notes).
    random_state : int, RandomState instance or None, default=None
        Determines which rows mixtures learn from, and where they start. Pass an int
        for reproducible results.

    Attributes
    ----------
    oob_scores_ : ndarray of shape (n_judged,)
        Scores of training rows, drawn by their weights, 2000 at most, by mixtures that
        have not learned from them (out of bag). So they are what scores of new rows
        are like.
    categories_ : list of (ndarray or None)
        Of each feature its levels, or None where it holds numbers.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen in `fit`, if all are strings.

    See Also
    --------
    EnergyOutlierDetector : Says which rows are outliers, and which values are why.
    MixedRBM : A normalised density of a table.
    sklearn.ensemble.IsolationForest : How soon random cuts isolate rows.

    Notes
    -----
    Numbers are turned into deviations z from the median in units of the distance of the
    quartiles, and these into ``3 * arcsinh(z / 3)``: far values keep their order, but
    no single one, such as -9999 where nothing was measured, outweighs the others. Up to
    a quarter of the values of a column can be anything before they can move its scale
    without bound. Mixtures take values beyond 21 deviations for the median when they
    learn, not when they score. Of columns in which most values are the same, it is the
    others that set the scale.

    Categories are one-hot for the mixtures. Levels that were not seen in `fit` are
    those of no level, and surprising. Tables of more than 100 such columns are looked
    at in 64 leading directions, with one variance in all others. Where training rows
    have missing values, these are filled with their mean given the others under one
    normal law, in 64 directions; where only rows to be scored have some, they are
    integrated out.

    The chance is that of the logistic distribution with the quartiles of the scores of
    rows that were left out. It is linear in the log-density for unusual rows, and
    nearly the same for all usual ones, so that the mean of two is low where one is
    very low: that is how Fisher's method [1]_ combines tests. It follows ensembles of
    outlier scores [2]_ and of parts of the rows [3]_.

    References
    ----------
    .. [1] Fisher, R. A. (1932). Statistical methods for research workers, 4th edition,
       section 21.1.
    .. [2] Aggarwal, C. C. and Sathe, S. (2015). Theoretical foundations and algorithms
       for outlier ensembles. SIGKDD Explorations 17(1), 24-47.
    .. [3] Liu, F. T., Ting, K. M. and Zhou, Z.-H. (2008). Isolation forest. IEEE
       International Conference on Data Mining, 413-422.

    Examples
    --------
    >>> import numpy as np
    >>> from skebm import DensityEnsemble
    >>> X = np.random.default_rng(0).normal(size=(1000, 2))
    >>> X[:5] = -9999  # where nothing was measured
    >>> ensemble = DensityEnsemble(random_state=0).fit(X)
    >>> usual, unusual = ensemble.score_samples([[0.5, 0.5], [0.5, 6.0]])
    >>> bool(usual > -1 and unusual < -4)
    True
    """

    _parameter_constraints: dict = {
        "n_mixtures": [Interval(Integral, 2, None, closed="left")],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "max_samples": [Interval(Integral, 2, None, closed="left")],
        "reg_covar": [Interval(Real, 0, LARGEST_FLOOR, closed="right")],
        "n_bins": [Interval(Integral, 1, None, closed="left")],
        "categorical_features": [StrOptions({"auto"}), "array-like", None],
        "add_indicator": ["boolean"],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_mixtures=10,
        *,
        n_components=5,
        max_samples=512,
        reg_covar=0.1,
        n_bins=20,
        categorical_features="auto",
        add_indicator=False,
        verbose=0,
        random_state=None,
    ):
        self.n_mixtures = n_mixtures
        self.n_components = n_components
        self.max_samples = max_samples
        self.reg_covar = reg_covar
        self.n_bins = n_bins
        self.categorical_features = categorical_features
        self.add_indicator = add_indicator
        self.verbose = verbose
        self.random_state = random_state

    @all_or_nothing
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Learn what usual rows are like.

        If fitting fails or is interrupted, the ensemble is left as it was before the
        call.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Training data of numbers and categories, NaN or None where a value is
            missing. It may hold outliers.
        y : Ignored
            Not used.
        sample_weight : array-like of shape (n_samples,), default=None
            What each row counts, not negative: rows are drawn in proportion, as many as
            there are. None: each is taken once.

        Returns
        -------
        self : object
            The fitted ensemble.

        Raises
        ------
        ValueError
            If a column of numbers holds what is none, or infinity, or
            `categorical_features` names a column that does not exist.

        Examples
        --------
        >>> from skebm import DensityEnsemble
        >>> X = [[1.5, "a"], [None, "a"], [2.5, "b"], [2.0, None]] * 10
        >>> DensityEnsemble(random_state=0).fit(X).n_features_in_
        2
        """
        random = check_random_state(self.random_state)
        weights = check_weights(sample_weight, X)
        table = self._read(X, reset=True, weights=weights)
        # Where values are missing varies as well, if that is looked at.
        if not (self.add_indicator and has_missing_values(table)):
            warn_of_constants(table)
        drawn = _draw(table.shape, weights, random)
        rows = _dense(table[drawn])
        self._robust = RobustColumns(
            rows,
            [self._columns.units_of(i) for i in range(self.n_features_in_)],
            [levels is not None for levels in self._columns.levels],
            self.add_indicator,
        )
        rows = self._robust.encode(rows)
        self._bins = BinnedColumns(rows, self._robust.features, int(self.n_bins))
        judged = self._judged(rows)
        self._mixtures, joint, unseen, patterns = [], [], [], _patterns(rows)
        # Rows that are drawn more than once are left out together.
        folds = random.permutation(table.shape[0])[drawn] % self.n_mixtures
        lines = Lines(self)
        lines.say(
            f"learning from {counted(len(rows), 'row')} of "
            f"{counted(self.n_features_in_, 'column')}"
        )
        for fold in range(self.n_mixtures):
            places = np.flatnonzero(folds != fold)
            if not len(places):  # a single row
                places = np.arange(len(rows))
            places = random.permutation(places)[: self.max_samples]
            self._mixtures.append(self._learned(rows[places], random))
            unseen.append(~np.isin(patterns[: len(judged)], patterns[places]))
            joint.append(self._mixtures[-1].expected_log_densities(judged))
            held_out = joint[-1][unseen[-1]]  # none where all rows are equal
            told = [held_out.mean() if len(held_out) else np.nan]
            done = f"{fold + 1} of {counted(self.n_mixtures, 'mixture')}"
            history = {"validation_log_likelihood": told}
            lines.say_at_stage(done, fold + 1, self.n_mixtures, history)
        self._judge(judged, np.array(joint), np.array(unseen))
        usual = np.median(self.oob_scores_)
        lines.say_at_end(f"ended, half of the rows score above {usual:.2f}")
        return self

    def score_samples(self, X):
        """Compute how usual rows are.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows like those of `fit`, NaN or None where a value is missing.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            In nats, negative; the lower, the less usual. Half of the usual rows are
            above about -0.7. It is the mean of two log-chances, not a log-density: do
            not compare it between models.

        Examples
        --------
        >>> import numpy as np
        >>> from skebm import DensityEnsemble
        >>> X = np.random.default_rng(0).normal(size=(1000, 2))
        >>> ensemble = DensityEnsemble(random_state=0).fit(X)
        >>> scores = ensemble.score_samples([[0, 0], [0, np.nan], [0, 5]])
        >>> scores.argsort().tolist()
        [2, 1, 0]
        """
        parts = []
        for rows in self._parts(X):
            joint = [own.expected_log_densities(rows) for own in self._mixtures]
            alone = self._sum_alone(self._bins.log_shares(rows))
            parts.append(self._combined(np.mean(joint, axis=0), alone))
        return np.concatenate(parts)

    def conditional_score_samples(self, X):
        """Compute how usual each value of a row is, given the others.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows like those of `fit`, NaN or None where a value is missing.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_features)
            In nats: half the mean of log p(value | the others) of the mixtures, and
            half the log-probability of its bin. NaN where a value is missing, but with
            `add_indicator` what that tells.

        Examples
        --------
        >>> import numpy as np
        >>> from skebm import DensityEnsemble
        >>> x = np.random.default_rng(0).normal(size=(1000, 1))
        >>> ensemble = DensityEnsemble(random_state=0).fit(np.hstack([x, x, -x]))
        >>> scores = ensemble.conditional_score_samples([[1.0, 1.0, 1.0]])
        >>> int(scores.argmin())
        2
        """
        parts = []
        for rows in self._parts(X):
            features = self._robust.features
            joint = [own.log_conditionals(rows, features) for own in self._mixtures]
            alone = self._bins.log_shares(rows)
            parts.append((np.mean(joint, axis=0) + alone) / 2)
        return self._robust.of_features(np.vstack(parts))

    def _learned(self, rows, random):
        """Learn a mixture of rows, to which values that are far out are the median."""
        rows = np.where(np.abs(rows) > _FARTHEST, 0.0, rows)
        settings = int(self.n_components), self.reg_covar, random
        if rows.shape[1] > _MOST_COLUMNS or np.isnan(rows).any():
            return ProjectedMixture.learn(rows, *settings, _DIRECTIONS)
        try:
            return NormalMixture.learn(rows, *settings)
        except np.linalg.LinAlgError as error:
            raise lost_floor(self.reg_covar) from error

    def _judged(self, rows):
        """Give as many of the rows as are looked at to learn what usual scores are."""
        most = max(_LEAST_ROWS, min(_MOST_JUDGED, _MOST_CELLS // rows.shape[1]))
        return rows[:most]

    def _judge(self, rows, joint, unseen):
        """Learn what usual scores are, of rows that mixtures have not learned from.

        Rows that equal one of each mixture's have been learned by all, as new ones that
        equal it will have been.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_units)
            In robust units.
        joint, unseen : ndarray of shape (n_mixtures, n_rows)
            Log-densities of these, and where their mixture has not learned from them.
        """
        unseen[:, ~unseen.any(axis=0)] = True
        joint = np.average(joint, axis=0, weights=unseen)
        shares = self._bins.log_shares(rows, seen=True)
        known = ~np.isnan(shares)
        sums = np.where(known, shares, 0).sum(axis=0)
        self._usual_shares = sums / np.maximum(known.sum(axis=0), 1)
        alone = self._sum_alone(shares)
        self._tails = Tail(joint), Tail(alone)
        self.oob_scores_ = self._combined(joint, alone)

    def _sum_alone(self, log_shares):
        """Sum over features; a missing value counts as what is expected of it."""
        known = ~np.isnan(log_shares)
        return np.where(known, log_shares, self._usual_shares).sum(axis=1)

    def _combined(self, joint, alone):
        """Give the mean log-chance of scores by two densities."""
        of_joint, of_alone = self._tails
        return (of_joint.log_chances(joint) + of_alone.log_chances(alone)) / 2

    def _parts(self, X):
        """Give rows in robust units, in blocks."""
        check_is_fitted(self)
        table = self._read(X)
        most = max(1, _BLOCK // table.shape[1])
        for start in range(0, table.shape[0], most):
            yield self._robust.encode(_dense(table[start : start + most]))


def _draw(shape, weights, random):
    """Draw rows to learn from, by their weights: all of a table of usual size."""
    n_rows = min(shape[0], max(_LEAST_ROWS, _MOST_CELLS // shape[1]))
    if weights is None or (weights == weights[0]).all():
        return random.permutation(shape[0])[:n_rows]
    return random.choice(shape[0], n_rows, p=weights / weights.sum())


def _patterns(rows):
    """Give equal rows the same number, (n_rows,)."""
    numbers = {}
    return np.array([numbers.setdefault(row.tobytes(), len(numbers)) for row in rows])


def _dense(table):
    """Give an array of float64, also of sparse flags."""
    table = table.toarray() if issparse(table) else table
    return np.asarray(table, dtype=np.float64)
