"""The likelihood while a model learned."""

__all__ = ["HistoryDisplay"]

import numpy as np

from skebm.displays.drawing import (
    BLUE,
    GREY,
    RED,
    axes_for,
    fitted_attribute,
    require_matplotlib,
)

_SCORES = {
    "log_likelihood": "score_samples",
    "pseudo_log_likelihood": "pseudo_log_likelihood",
}


class HistoryDisplay:
    """Likelihood of the rows learned from, and of rows held out, along learning.

    Where the two part, learning begins to overfit. `from_estimator` makes such a
    display.

    Parameters
    ----------
    n_iter : ndarray of shape (n_measurements,)
        Updates made before each measurement.
    train : ndarray of shape (n_measurements,)
        Mean log-likelihood of rows learned from, in nats.
    validation : ndarray of shape (n_measurements,), default=None
        That of rows held out.
    score : float, default=None
        That of other rows, under the model at the end.
    score_error : float, default=None
        Standard error of `score`, in nats.
    quantity : str, default="log-likelihood"
        What was measured.

    Attributes
    ----------
    lines_ : list of matplotlib Line2D
        The curve of the rows learned from and, if there are any, of those held out.
    best_ : matplotlib Line2D or None
        A point at the highest value of rows held out, which `early_stopping` goes back
        to.
    score_ : matplotlib ErrorbarContainer or None
        The score at the end with two standard errors.
    ax_ : matplotlib Axes
        Axes drawn on.
    figure_ : matplotlib Figure
        Figure of these.

    See Also
    --------
    skebm.BinaryRBM : Its `history_` is what is drawn.
    sklearn.model_selection.LearningCurveDisplay : Scores by the number of rows.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skebm import BinaryRBM
    >>> from skebm.displays import HistoryDisplay
    >>> X = load_digits().data > 7
    >>> rbm = BinaryRBM(16, early_stopping=True, max_iter=500, random_state=0)
    >>> display = HistoryDisplay.from_estimator(rbm.fit(X))
    >>> len(display.lines_)  # learned from, and held out
    2
    """

    def __init__(
        self,
        *,
        n_iter,
        train,
        validation=None,
        score=None,
        score_error=None,
        quantity="log-likelihood",
    ):
        self.n_iter = n_iter
        self.train = train
        self.validation = validation
        self.score = score
        self.score_error = score_error
        self.quantity = quantity

    @classmethod
    def from_estimator(cls, estimator, X=None, *, ax=None, **kwargs):
        """Show what a model measured in its last `fit`.

        Parameters
        ----------
        estimator : BinaryRBM, GaussianRBM, BoltzmannMachine or LatentBM
            Fitted by `fit`, or by `partial_fit`, of which each value is of other rows.
        X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            Rows to score at the end, such as test data. The standard error is that of
            their mean and that of `log_partition_`, which takes its time where it is
            not exact. The curves have errors of log Z too, which are not known.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        **kwargs : dict
            Passed on to `plot` of the axes for both curves, such as `linewidth`.

        Returns
        -------
        display : HistoryDisplay
            What was drawn. After ``algorithm="pseudolikelihood"`` all values are
            pseudo-log-likelihoods.

        Raises
        ------
        AttributeError
            If the estimator was made by `from_parameters` and has learned nothing.
        ValueError
            If `X` is not a numeric table of the width seen in `fit`, finite where it is
            not missing, or has one row alone.

        Examples
        --------
        >>> from skebm import BinaryRBM
        >>> from skebm.datasets import make_bars_and_stripes
        >>> from skebm.displays import HistoryDisplay
        >>> X = make_bars_and_stripes().data
        >>> rbm = BinaryRBM(16, algorithm="exact", random_state=0).fit(X)
        >>> display = HistoryDisplay.from_estimator(rbm, X)
        >>> display.ax_.get_ylabel()
        'log-likelihood (nats a row)'
        """
        require_matplotlib("HistoryDisplay.from_estimator")
        history = fitted_attribute(
            estimator,
            "history_",
            "which learning records, and from_parameters does not. Use fit.",
        )
        name = next(name for name in _SCORES if f"train_{name}" in history)
        validation = history.get(f"validation_{name}")
        if validation is not None and np.isnan(validation).all():
            validation = None
        score = error = None
        if X is not None:
            scores = getattr(estimator, _SCORES[name])(X)
            if len(scores) == 1:
                raise ValueError(
                    "X has one row, and the error of a mean needs two. Pass more rows, "
                    "or X=None for the curves alone."
                )
            score = float(scores.mean())
            error = float(scores.std(ddof=1) / np.sqrt(len(scores)))
            if name == "log_likelihood":
                error = float(np.hypot(error, estimator.log_partition_std_))
        display = cls(
            n_iter=history["n_iter"],
            train=history[f"train_{name}"],
            validation=validation,
            score=score,
            score_error=error,
            quantity=name.replace("_", "-"),
        )
        return display.plot(ax, **kwargs)

    def plot(self, ax=None, **kwargs):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        **kwargs : dict
            Passed on to `plot` of the axes for both curves, such as `linewidth`.

        Returns
        -------
        display : HistoryDisplay
            This one.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> import numpy as np
        >>> from skebm.displays import HistoryDisplay
        >>> display = HistoryDisplay(n_iter=np.arange(3), train=np.array([-5, -3, -2]))
        >>> display.plot().lines_[0].get_ydata()
        array([-5, -3, -2])
        """
        ax = axes_for(self, ax)
        styles = {"train": (BLUE, "-"), "validation": (RED, "--")}
        self.lines_, self.best_, self.score_ = [], None, None
        for (name, (color, style)), values in zip(
            styles.items(), (self.train, self.validation), strict=True
        ):
            if values is not None:
                settings = {"color": color, "linestyle": style, "label": name, **kwargs}
                self.lines_ += ax.plot(self.n_iter, values, **settings)
        if self.validation is not None:
            best = np.nanargmax(self.validation)
            [self.best_] = ax.plot(
                self.n_iter[best],
                self.validation[best],
                color=RED,
                marker="o",
                linestyle="",
                label=f"highest, {self.validation[best]:.2f}",
            )
        if self.score is not None:
            label, error = f"score, {self.score:.2f}", None
            if self.score_error is not None:
                error = 2 * self.score_error
                label += f" ± {error:.2f}"
            self.score_ = ax.errorbar(
                self.n_iter[-1],
                self.score,
                error,
                color=GREY,
                marker="s",
                capsize=4,
                label=label,
            )
        ax.set(xlabel="updates", ylabel=f"{self.quantity} (nats a row)")
        ax.legend(loc="lower right")
        return self
