"""Learning from published means and correlations, where there are no rows."""

__all__ = ["MomentsMixin"]

from numbers import Real

import numpy as np
from sklearn.utils import check_array

from skebm.estimator.binarized import states_of
from skebm.estimator.callbacks import SilentReport
from skebm.estimator.parameter_checks import check_bias
from skebm.estimator.table_checks import check_table
from skebm.estimator.validation import (
    Interval,
    all_or_nothing,
    fit_context,
    unqualified,
    validate_params,
)
from skebm.learning.objectives import MomentLikelihood
from skebm.learning.starts.correlations import sample_size
from skebm.partition.enumeration import MAX_ENUMERATED_UNITS

# By how much moments may miss what is possible, as rounding makes them.
_ROUNDING = 1e-6


@unqualified
class MomentsMixin:
    """`fit_moments`, of machines that know their rows by means and products alone."""

    @all_or_nothing
    @fit_context(prefer_skip_nested_validation=False)
    @validate_params(
        {
            "mean": ["array-like"],
            "second_moment": ["array-like"],
            "n_samples": [Interval(Real, 0, None, closed="neither")],
        },
        prefer_skip_nested_validation=True,
    )
    def fit_moments(self, mean, second_moment, n_samples):
        """Fit the model to means of features and of their products, without rows.

        For those who have published statistics only. The result is that of `fit` with
        ``algorithm="exact"`` to rows that have these moments: the likelihood of such a
        machine depends on nothing else. Annealing, sampling and `partial_fit` then know
        no row, as after `from_parameters`.

        Parameters
        ----------
        mean : array-like of shape (n_features,)
            Mean of each feature, in the values that `states` says.
        second_moment : array-like of shape (n_features, n_features)
            Mean of the product of each two features, in the same values, such as
            ``X.T @ X / len(X)``. Its diagonal has the means of squares: the means
            themselves for zeros and ones, and 1 for spins.
        n_samples : float
            Number of rows, or sum of weights, that the moments are of. As in `fit`,
            learning starts from means that half a row more on each side keeps off their
            bounds. Where moments are on the bounds of what is possible, as of a feature
            that is constant or a pair that is never on at once, the optimum is at
            infinity, and how far parameters go before `tol` ends it depends on it.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If `algorithm` is one that needs rows, or `early_stopping` asks for some; if
            there are more than 20 features; if shapes do not fit each other; or if no
            rows can have such moments of a feature or of two, or such covariances.
        FloatingPointError
            If the likelihood is not finite.

        Warns
        -----
        ConvergenceWarning
            If learning has not come to an optimum within `max_iter` iterations. Where
            moments are possible of each pair, but not of all together, there is none.

        Examples
        --------
        >>> import numpy as np
        >>> from skebm import BoltzmannMachine
        >>> X = np.repeat([[0, 0], [1, 1], [0, 1]], [45, 45, 10], axis=0)
        >>> machine = BoltzmannMachine().fit_moments([0.45, 0.55], X.T @ X / 100, 100)
        >>> machine.score_samples([[0, 0], [0, 1]]).round(2)  # log(0.45), log(0.1)
        array([-0.8, -2.3])
        """
        second = check_array(
            second_moment, dtype=np.float64, input_name="second_moment"
        )
        n_features = second.shape[1]
        self._check_exact(n_features)
        mean, second = _in_bits(
            check_bias(mean, "mean", n_features), second, states_of(self)
        )
        check_table(self, second_moment, reset=True)  # the features and their names
        for name in "_known_rows", "_n_known", "_n_rows_of_fit", "_draws":
            vars(self).pop(name, None)  # of an earlier fit
        rng = self._seed()
        self._see_sums(n_samples, n_samples * mean, first=True)
        sample = self._start_rows(sample_size(n_features), rng)
        state = self._start(self._initial_energy(sample, rng), sample, rng, "exact")
        learner = self._learner("exact", state.model, MomentLikelihood)
        moments = np.block([[second, mean[:, np.newaxis]], [mean, np.ones(1)]])
        history = learner.run(state, moments, SilentReport())
        vars(self).update(self._fitted_attributes(learner, state, history))
        self._state = state
        self._note_cheap_partition()
        return self

    def _check_exact(self, n_features):
        """Refuse what cannot be learned without rows."""
        if self.algorithm not in {"auto", "exact"}:
            raise ValueError(
                f"algorithm={self.algorithm!r} needs rows. Set algorithm='exact', or "
                "pass rows to fit."
            )
        if self._stops_early:
            raise ValueError(
                "early_stopping holds out rows, of which there are none. Set "
                "early_stopping=False."
            )
        if n_features > MAX_ENUMERATED_UNITS:
            raise ValueError(
                f"second_moment has {n_features} features. Learning from moments sums "
                f"over all configurations of at most {MAX_ENUMERATED_UNITS}. Leave "
                "features out, or pass rows to fit, which learns more of them by "
                "algorithm='pcd' or 'pseudolikelihood'."
            )


def _in_bits(mean, second, states):
    """Validate moments, and give those of zeros and ones."""
    if second.shape != (len(mean), len(mean)):
        raise ValueError(
            f"second_moment has shape {second.shape}, which is not square. It must "
            "have a row and a column for each feature."
        )
    if not np.abs(second - second.T).max() <= _ROUNDING:
        raise ValueError(
            "second_moment is not symmetric, as means of products are. Pass "
            "(second_moment + second_moment.T) / 2 if that is what was meant."
        )
    low, high = states
    outside = (mean < low - _ROUNDING) | (mean > high + _ROUNDING)
    if outside.any():
        unit = int(np.argmax(outside))
        raise ValueError(
            f"mean[{unit}]={mean[unit]:.6g} is not between the states {low} and {high}."
        )
    squares = mean if low == 0 else np.ones_like(mean)
    wrong = np.abs(np.diag(second) - squares) > _ROUNDING
    if wrong.any():
        unit = int(np.argmax(wrong))
        raise ValueError(
            f"second_moment[{unit}, {unit}]={second[unit, unit]:.6g} is not the mean "
            f"square {squares[unit]:.6g} of a unit of states {low} and {high} with "
            f"mean[{unit}]={mean[unit]:.6g}."
        )
    width = high - low
    bits = np.clip((mean - low) / width, 0, 1)
    shift = low * (mean + mean[:, np.newaxis]) - low**2
    products = ((second + second.T) / 2 - shift) / width**2
    np.fill_diagonal(products, bits)
    both = bits + bits[:, np.newaxis]
    # Fréchet's bounds: two units cannot be on at once more, or less, often.
    least, most = np.maximum(both - 1, 0), np.minimum(bits, bits[:, np.newaxis])
    outside = (products < least - _ROUNDING) | (products > most + _ROUNDING)
    if outside.any():
        pair = tuple(int(unit) for unit in np.argwhere(outside)[0])
        least, most = (width**2 * bound[pair] + shift[pair] for bound in (least, most))
        raise ValueError(
            f"second_moment[{pair[0]}, {pair[1]}]={second[pair]:.6g} is not between "
            f"{least:.6g} and {most:.6g}, as units of means {mean[pair[0]]:.6g} and "
            f"{mean[pair[1]]:.6g} have it. Are these products of {low} and {high}, and "
            "not covariances or correlations?"
        )
    products = np.clip(products, least, most)
    smallest = np.linalg.eigvalsh(products - np.outer(bits, bits))[0]
    if smallest < -_ROUNDING * len(bits):
        raise ValueError(
            "No rows have such a second_moment: a weighted sum of the features would "
            "have a negative variance, that is, the covariances have the eigenvalue "
            f"{width**2 * smallest:.3g}."
        )
    return bits, products
