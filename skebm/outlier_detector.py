"""Detection of outliers: rows that a density finds too improbable."""

__all__ = ["EnergyOutlierDetector"]

from inspect import Parameter, signature
from numbers import Real

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, MetaEstimatorMixin, OutlierMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.validation import check_is_fitted

from skebm.density_ensemble import DensityEnsemble
from skebm.detection.robust_offset import robust_offset, weighted_quantile
from skebm.estimator.doc_link import DocLinkMixin
from skebm.estimator.surprise import SurpriseMixin
from skebm.estimator.validation import (
    Interval,
    StrOptions,
    all_or_nothing,
    check_weights,
    fit_context,
    underflow_is_zero,
    without_rows,
)
from skebm.estimator.verbosity import Lines, passing_verbose

# What the detector knows of its features it has from its estimator.
_OF_THE_ESTIMATOR = "n_features_in_", "feature_names_in_"


@underflow_is_zero
class EnergyOutlierDetector(
    SurpriseMixin, OutlierMixin, MetaEstimatorMixin, DocLinkMixin, BaseEstimator
):
    """Detector of outliers by the scores of any density.

    Use it to find the rows of a table that are unlike the others, and which of their
    values are why. It takes tables as they are: numbers, categories and gaps.

    A density is learned from all rows, without labels. The rows with the lowest score
    are taken for outliers.

    Parameters
    ----------
    estimator : estimator, default=None
        What gives each row a score, higher for the more usual: an estimator with
        the methods `fit` and `score_samples`, such as a model of this package, a
        mixture, a kernel density, a search over them, or a pipeline that ends in
        one. It is cloned; wrap one that is fitted in
        `sklearn.frozen.FrozenEstimator`. None is ``DensityEnsemble()``, which takes
        tables of any columns, and in which outliers among the training rows do not
        hide. If these are known to be clean (novelty detection), pass
        ``DensityEnsemble(n_components=20, max_samples=1024)``.
    contamination : "auto" or float in (0, 0.5], default="auto"
        Share of the training rows, or of their weights, to take for outliers; fewer
        where scores are tied. "auto" does not fix a share: it takes for outliers what
        is less usual than 95 % of the usual rows, and all that is far out. It holds
        from `fit` on: to change it, fit again.
    verbose : int, default=0
        How much is printed in a fit: 0 is nothing, 1 about ten lines, 2 a line at every
        stage. It is passed on to an estimator that prints less.
    random_state : int, RandomState instance or None, default=None
        Determines the learning of the default estimator, and which training rows
        `typical_surprise_` is taken from, where they are more than 1000. An
        estimator that is passed keeps its own.

    Attributes
    ----------
    estimator_ : estimator
        The fitted estimator.
    offset_ : float
        The score below which a row is an outlier.
    typical_surprise_ : ndarray of shape (n_features,)
        Median over training rows of ``-log p(x_i | the other features)``, in nats, for
        which up to 1000 of them are kept. It is computed when it is first asked for.
        Only where `estimator_` has a method `conditional_score_samples`.
    n_features_in_ : int
        Number of features seen in `fit`, if `estimator_` has it.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen in `fit`, if `estimator_` has them.

    See Also
    --------
    DensityEnsemble : What it puts its trust in by default.
    skebm.displays.EnergyHistogramDisplay : Energies of rows beside those of noise.
    sklearn.ensemble.IsolationForest : Outliers by how soon random cuts isolate them.
    sklearn.neighbors.LocalOutlierFactor : Outliers beside the density nearby.

    Notes
    -----
    What the estimator does not take, such as sparse or missing values, the detector
    does not take either: tables are passed on as they are.

    For "auto", a gamma law is shifted, stretched and bent to the quartiles of the
    negative training scores. The negative log-density of Gaussian rows in d dimensions
    follows such a law (half a chi-square with d degrees of freedom, plus a constant).
    Rows more than 2.3 times as far from its median as its 95th percentile are far out;
    somewhat more where rows are few. They are set aside, and the rest is looked at
    again, until no more are found. `offset_` is the score that 5 % of the others fall
    below. Where the middle half of the scores has fewer than ten different ones that
    repeat, as in tables of a few binary columns, no row is set aside. The scores are
    those of rows that were left out of learning, if the estimator has them as
    `oob_scores_`, which the default has; else those of the training rows, which are too
    high if the model fits them closely.

    With the default, 5 to 7 % of new rows from the law of the training rows are below
    the offset on average, at 100 to 10000 training rows; of single tables of two
    columns and 100 rows up to 27 %. With more than a tenth of outliers among the
    training rows, many of one kind, or many that are not far out, give their share as
    `contamination`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.mixture import GaussianMixture
    >>> from skebm import EnergyOutlierDetector
    >>> X = np.random.default_rng(0).normal(size=(1000, 2))
    >>> detector = EnergyOutlierDetector(GaussianMixture()).fit(X)
    >>> detector.predict([[0.5, -0.5], [4.0, 4.0]])
    array([ 1, -1])
    """

    _parameter_constraints: dict = {
        # Checked by hand, to say what a model without a score lacks.
        "estimator": "no_validation",
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator=None,
        *,
        contamination="auto",
        verbose=0,
        random_state=None,
    ):
        self.estimator = estimator
        self.contamination = contamination
        self.verbose = verbose
        self.random_state = random_state

    @all_or_nothing
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, sample_weight=None, **fit_params):
        """Fit the estimator, and find the score below which rows are outliers.

        If fitting fails or is interrupted, the detector is left as it was before
        the call. But where an interrupt from the keyboard ends the learning of a model
        that keeps what it has learned, the detector goes on with that model.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Training data, of the kind that the estimator takes; it may hold outliers.
        y : array-like of shape (n_samples,), default=None
            Passed on to the estimator. Densities ignore it.
        sample_weight : array-like of shape (n_samples,), default=None
            What each row counts, not negative: in the offset, in `typical_surprise_`
            and, passed on, in the estimator's `fit`. A row of weight 2 counts as if it
            were there twice; one of weight 0 is left out. None counts each row once.
        **fit_params : dict
            Passed on to the estimator's `fit`, as they are; or, under
            ``sklearn.set_config(enable_metadata_routing=True)``, as far as it requests
            them, which then holds for `sample_weight` too.

        Returns
        -------
        self : object
            The fitted detector.

        Raises
        ------
        TypeError
            If the estimator has no `score_samples`, or its `fit` takes no weights.
        ValueError
            If it gives a training row a score that is not finite, or `sample_weight`
            has another length, negative values or no positive one.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.neighbors import KernelDensity
        >>> from skebm import EnergyOutlierDetector
        >>> X = np.random.default_rng(0).normal(size=(100, 2))
        >>> detector = EnergyOutlierDetector(KernelDensity(), contamination=0.1)
        >>> int((detector.fit_predict(X) == -1).sum())
        10
        """
        weights = check_weights(sample_weight, X)
        if weights is not None:
            fit_params["sample_weight"] = weights
        if get_config()["enable_metadata_routing"]:
            fit_params = process_routing(self, "fit", **fit_params)["estimator"]["fit"]
        if weights is not None and not weights.all():
            X, y, fit_params = without_rows(weights == 0, X, y, fit_params)
            weights = weights[weights > 0]
        estimator = self._new_estimator()
        if "sample_weight" in fit_params:
            _check_takes_weights(estimator)
        for name in _OF_THE_ESTIMATOR:
            vars(self).pop(name, None)
        lines = Lines(self)
        self.estimator_ = estimator.fit(X, y, **fit_params)
        lines.say_at_end(f"{type(estimator).__name__} learned")
        for name in _OF_THE_ESTIMATOR:
            if hasattr(estimator, name):
                setattr(self, name, getattr(estimator, name))
        self._contamination = self.contamination
        self.offset_ = self._offset(X, weights)
        lines.say_at_end(f"outliers score below {self.offset_:.2f}")
        self._keep_reference(X, weights)
        return self

    def score_samples(self, X):
        """Compute how usual each row is.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows, of the kind that the estimator takes.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            What `estimator_.score_samples` gives: log p(x) in nats if it is a
            density, a mean of log-chances of the default. The lower, the less usual.

        Raises
        ------
        ValueError
            If a score is NaN or positive infinity.

        Examples
        --------
        >>> from sklearn.mixture import GaussianMixture
        >>> from skebm import EnergyOutlierDetector
        >>> detector = EnergyOutlierDetector(GaussianMixture()).fit([[-1.0], [1.0]])
        >>> detector.score_samples([[0.0], [3.0]]).round(2)
        array([-0.92, -5.42])
        """
        check_is_fitted(self)
        scores = np.asarray(self.estimator_.score_samples(X), dtype=np.float64)
        # Minus infinity is a density of zero, which is a row as unusual as can be.
        if not np.all(scores < np.inf):
            raise ValueError(
                f"{type(self.estimator_).__name__} gives {np.sum(~(scores < np.inf))} "
                "rows a score that is NaN or positive infinity. Its density has "
                "collapsed: ask it for a larger least variance."
            )
        return scores

    def decision_function(self, X):
        """Compute by how much the score of each row exceeds the offset.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows, of the kind that the estimator takes.

        Returns
        -------
        decision : ndarray of shape (n_samples,)
            ``score_samples(X) - offset_``, negative for outliers.

        Raises
        ------
        ValueError
            If a score is NaN or positive infinity.

        Examples
        --------
        >>> from sklearn.mixture import GaussianMixture
        >>> from skebm import EnergyOutlierDetector
        >>> detector = EnergyOutlierDetector(GaussianMixture()).fit([[-1.0], [1.0]])
        >>> detector.decision_function([[0.0], [3.0]]).round(2)
        array([ 0.5, -4. ])
        """
        check_is_fitted(self)
        if self.contamination != self._contamination:
            raise ValueError(
                f"contamination was {self._contamination!r} in fit, and is now "
                f"{self.contamination!r}: offset_ follows from training rows. Call fit "
                "again, or compare score_samples with an offset of your own."
            )
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        """Say which rows are outliers.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows, of the kind that the estimator takes.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            -1 for outliers, whose score is below `offset_`, and 1 for others.

        Raises
        ------
        ValueError
            If a score is NaN or positive infinity.

        Examples
        --------
        >>> from sklearn.mixture import GaussianMixture
        >>> from skebm import EnergyOutlierDetector
        >>> detector = EnergyOutlierDetector(GaussianMixture()).fit([[-1.0], [1.0]])
        >>> detector.predict([[0.0], [3.0]])
        array([ 1, -1])
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    def get_metadata_routing(self):
        """Get what `fit` asks for, and what it passes on to the estimator.

        Returns
        -------
        routing : MetadataRouter
            What scikit-learn's metadata routing reads.

        Examples
        --------
        >>> from sklearn import config_context
        >>> from skebm import EnergyOutlierDetector
        >>> with config_context(enable_metadata_routing=True):
        ...     detector = EnergyOutlierDetector().set_fit_request(sample_weight=True)
        ...     routing = detector.get_metadata_routing()
        >>> routing.consumes("fit", ["sample_weight", "groups"])
        {'sample_weight'}
        """
        estimator = self.estimator
        if estimator is None:
            estimator = _asking_for_weights(DensityEnsemble())
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(
            estimator=estimator,
            method_mapping=MethodMapping().add(caller="fit", callee="fit"),
        )

    def _new_estimator(self):
        """Give an estimator to fit, or say what the one that was passed lacks."""
        if self.estimator is None:
            ensemble = DensityEnsemble(
                verbose=self.verbose, random_state=self.random_state
            )
            return _asking_for_weights(ensemble)
        try:
            _ = self.estimator.score_samples
        except AttributeError as error:
            raise TypeError(
                f"The estimator, {self.estimator!r}, has no score_samples, which the "
                "detector is built on. Pass a density, such as a model of skebm, "
                "GaussianMixture or KernelDensity, or a pipeline that ends in one."
            ) from error
        return passing_verbose(clone(self.estimator), self.verbose)

    def _offset(self, X, weights):
        """Find the score below which a row is an outlier."""
        # Those of a frozen one are of other rows.
        scores = vars(self.estimator_).get("oob_scores_")
        if self.contamination == "auto" and scores is not None:
            return robust_offset(scores)  # of rows that are drawn by weight
        scores = self.score_samples(X)
        if not np.isfinite(scores).all():
            raise ValueError(
                f"{type(self.estimator_).__name__} gives some of the rows it was "
                "fitted to a density of zero, from which no offset follows. Change its "
                "parameters, or leave out these rows."
            )
        if self.contamination == "auto":
            return robust_offset(scores, weights)
        return float(weighted_quantile(scores, self.contamination, weights))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        estimator = DensityEnsemble() if self.estimator is None else self.estimator
        tags.input_tags = get_tags(estimator).input_tags
        return tags


def _check_takes_weights(estimator):
    """Refuse weights that the estimator would not learn from."""
    parameters = signature(estimator.fit).parameters.values()
    kinds = {parameter.name: parameter.kind for parameter in parameters}
    if "sample_weight" not in kinds and Parameter.VAR_KEYWORD not in kinds.values():
        raise TypeError(
            f"{type(estimator).__name__}.fit takes no sample_weight. Pass a density "
            "that does, such as a model of skebm or KernelDensity, or no sample_weight."
        )


def _asking_for_weights(estimator):
    """Have an estimator that nobody passed request weights, where requests matter."""
    if get_config()["enable_metadata_routing"]:
        estimator.set_fit_request(sample_weight=True)
    return estimator
