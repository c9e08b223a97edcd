"""Missing values filled in by a model of the table."""

__all__ = ["EnergyImputer"]

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from skebm.estimator.base import BaseEnergyModel
from skebm.estimator.containers import as_container
from skebm.estimator.doc_link import DocLinkMixin
from skebm.estimator.table_checks import check_any_table
from skebm.estimator.table_columns import filled_table, is_missing_table
from skebm.estimator.validation import (
    Interval,
    StrOptions,
    all_or_nothing,
    fit_context,
    make_generator,
    underflow_is_zero,
)
from skebm.estimator.verbosity import Lines, passing_verbose
from skebm.mixed_rbm import MixedRBM


@underflow_is_zero
class EnergyImputer(TransformerMixin, DocLinkMixin, BaseEstimator):
    """Fills in missing values by what a model of the table says of them.

    Use it to complete a table of numbers and categories, once or several times over.
    The rows to complete need not be those of `fit`.

    A model is fitted to the table with its gaps. Of each row it knows the distribution
    of what is missing, given what is observed. So a value that is filled in follows
    from all that is known of its row. Values must be *missing at random*:
    whether one is missing may depend on what is observed of its row, and not on the
    value itself.

    Parameters
    ----------
    estimator : estimator, default=None
        A model of this package. None is a `MixedRBM` with its default settings, which
        takes categories and numbers.
    strategy : {"mean", "mode", "sample"}, default="mean"
        What is filled in. "mean" is the expected value of numbers, and of binary
        columns of a model that has only these; of categories it is the likeliest.
        "mode" differs from it in binary columns: it is the likelier of their values.
        "sample" draws from the distribution, all missing values of a row together:
        means and single values hide how uncertain they are, which draws do not.
    n_imputations : int, default=1
        Number of draws of "sample". Of several, `transform` gives a tuple of tables:
        what is computed from each, and how that varies between them, says how
        uncertain it is [1]_.
    add_indicator : bool, default=False
        Whether to append a column for each feature that had missing values in `fit`,
        which says where they are.
    keep_empty_features : bool, default=False
        Whether features that are wholly missing in `fit` stay, filled with 0, or
        "missing" where they hold no numbers. Else they are left out.
    verbose : int, default=0
        How much is printed in a fit: 0 is nothing, 1 about ten lines, 2 a line at every
        stage. It is passed on to an estimator that prints less.
    random_state : int, RandomState instance or None, default=None
        Determines the draws of "sample", and the model where `estimator` is None. Pass
        an int for reproducible results.

    Attributes
    ----------
    estimator_ : estimator
        The fitted model.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen in `fit`, if all are strings.

    See Also
    --------
    MixedRBM : The model, which scores rows with missing values as well.
    sklearn.impute.IterativeImputer : One regression for each column.
    sklearn.impute.KNNImputer : Means of rows that are near.

    References
    ----------
    .. [1] Rubin, D. B. (1987). Multiple imputation for nonresponse in surveys. Wiley.

    Examples
    --------
    >>> import numpy as np
    >>> from skebm import EnergyImputer
    >>> rng = np.random.default_rng(0)
    >>> height = rng.normal(170, 10, 300)
    >>> X = np.column_stack([height, height - 100 + rng.normal(0, 2, 300)])
    >>> imputer = EnergyImputer(random_state=0).fit(X)
    >>> imputer.transform([[180, np.nan]]).round(0)
    array([[180.,  80.]])
    """

    _parameter_constraints: dict = {
        "estimator": [BaseEnergyModel, None],
        "strategy": [StrOptions({"mean", "mode", "sample"})],
        "n_imputations": [Interval(Integral, 1, None, closed="left")],
        "add_indicator": ["boolean"],
        "keep_empty_features": ["boolean"],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator=None,
        *,
        strategy="mean",
        n_imputations=1,
        add_indicator=False,
        keep_empty_features=False,
        verbose=0,
        random_state=None,
    ):
        self.estimator = estimator
        self.strategy = strategy
        self.n_imputations = n_imputations
        self.add_indicator = add_indicator
        self.keep_empty_features = keep_empty_features
        self.verbose = verbose
        self.random_state = random_state

    @all_or_nothing
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Fit the model to a table.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            The table, of the kind that the estimator takes. Missing are NaN, None and
            `pandas.NA`.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        self : object
            The fitted imputer.

        Raises
        ------
        ValueError
            If no column has a value, if several imputations are asked for of another
            strategy than "sample", or if the estimator refuses the table.

        Examples
        --------
        >>> from skebm import EnergyImputer
        >>> imputer = EnergyImputer(random_state=0).fit([[1.0], [2.0], [None]])
        >>> imputer.transform([[None]]).round(1)
        array([[1.5]])
        """
        if self.n_imputations > 1 and self.strategy != "sample":
            raise ValueError(
                f"strategy={self.strategy!r} fills in the same values each time. Set "
                "strategy='sample' to get several imputations, or n_imputations=1."
            )
        X = check_any_table(self, X, reset=True)
        missing = is_missing_table(X)
        self._is_empty = missing.all(axis=0)
        self._is_indicated = missing.any(axis=0)
        if self._is_empty.all():
            raise ValueError("X has no value that is not missing: nothing to learn.")
        estimator = self.estimator
        if estimator is None:
            seed = int(make_generator(self.random_state).integers(2**31))
            estimator = MixedRBM(handle_unknown="missing", random_state=seed)
        estimator, lines = passing_verbose(clone(estimator), self.verbose), Lines(self)
        self.estimator_ = estimator.fit(_columns(X, ~self._is_empty))
        lines.say_at_end(f"{type(estimator).__name__} learned")
        return self

    def transform(self, X):
        """Fill in what is missing of rows, which need not be those of `fit`.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            Rows. Those without gaps pass as they are.

        Returns
        -------
        X_new : {ndarray, dataframe} of shape (n_samples, n_features_out), or a tuple
            The same with nothing missing: a frame for a frame, with its dtypes, unless
            `set_output` asks for another. With `n_imputations` of more than one a tuple
            of so many.

        Raises
        ------
        ValueError
            If `X` has other columns than in `fit`, or the model refuses a value.

        Examples
        --------
        >>> import numpy as np
        >>> from skebm import BinaryRBM, EnergyImputer
        >>> X = np.array([[0, 0, 1], [1, 1, 0]] * 50)
        >>> rbm = BinaryRBM(n_components=2, max_iter=300, random_state=0)
        >>> imputer = EnergyImputer(rbm, strategy="mode").fit(X)
        >>> imputer.transform([[0, np.nan, 1], [np.nan, 1, np.nan]])
        array([[0., 0., 1.],
               [1., 1., 0.]])
        """
        check_is_fitted(self)
        X = check_any_table(self, X)
        known = _columns(X, ~self._is_empty)
        if self.strategy != "sample":
            values = self.estimator_._values_given(known, mode=self.strategy == "mode")
            return self._filled(X, values)
        rng = make_generator(self.random_state)
        tables = [
            self._filled(X, self.estimator_._values_drawn(known, rng))
            for _ in range(self.n_imputations)
        ]
        if self.n_imputations == 1:
            return tables[0]
        # scikit-learn makes a frame of the first of several results alone.
        names = self.get_feature_names_out()
        return tuple(as_container(self, table, X, names) for table in tables)

    def get_feature_names_out(self, input_features=None):
        """Give the names of the columns of what `transform` gives.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features, where they had none in `fit`.

        Returns
        -------
        names : ndarray of str
            Those of the features, and `missingindicator_` before them for where they
            are missing.

        Examples
        --------
        >>> from skebm import EnergyImputer
        >>> EnergyImputer().fit([[1.0], [2.0]]).get_feature_names_out()
        array(['x0'], dtype=object)
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        kept = names if self.keep_empty_features else names[~self._is_empty]
        if not self.add_indicator:
            return kept
        indicators = [f"missingindicator_{name}" for name in names[self._is_indicated]]
        return np.concatenate([kept, np.array(indicators, dtype=object)])

    def _filled(self, X, values):
        """Put values where X has none, and what else is asked for beside them."""
        indicated = np.flatnonzero(self._is_indicated) if self.add_indicator else []
        return filled_table(
            X,
            values,
            is_empty=self._is_empty,
            keeps_empty=self.keep_empty_features,
            indicated=indicated,
            names=self.get_feature_names_out(),
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = self.estimator is None
        tags.input_tags.categorical = self.estimator is None
        return tags


def _columns(X, chosen):
    """Take some columns of a frame or an array."""
    return _safe_indexing(X, np.flatnonzero(chosen), axis=1)
