"""How tables become rows of real values in the units of a model, and back."""

__all__ = [
    "LARGEST_FLOOR",
    "RealRowsMixin",
    "check_floor",
    "floored_covariance",
    "lost_floor",
    "moments",
]

import numpy as np

from skebm.estimator.standardised_rows import StandardisedRowsMixin
from skebm.estimator.table_checks import check_real_rows
from skebm.units.data import ScaledRows

# The variance of noise is a small share of that of a column, and must be a number of
# all digits.
_LEAST_VARIANCE = 1e-290

# Columns that vary by less than this share of their size vary by rounding.
_ROUNDING = 1e-13


# Of columns of variance 1, the largest that can be added to it: beyond, nothing that
# tells rows apart is left of them.
LARGEST_FLOOR = 1e15

# The inverse of a variance must be within float32, in which chains move.
_LEAST_FLOOR = 1e-30

# Eigenvalues of correlations are rounded by this share for each column.
_ROUNDED_SHARE = 10 * np.finfo(float).eps


class RealRowsMixin(StandardisedRowsMixin):
    """Rows of models whose visible units take real values.

    Learning goes on in columns of mean 0 and variance 1, so that it is the same
    in whatever units they are given.
    """

    # Whether all columns are divided by the same standard deviation.
    _one_scale = False

    # Rows are centred as they are read.
    _visible_mean = None

    def _check(self, X, *, reset=False, sample_weight=None):
        return check_real_rows(self, X, reset=reset)

    def _see(self, rows, *, first):
        if not first:
            return
        mean, variance = moments(rows)
        variance[np.sqrt(variance) <= _ROUNDING * np.abs(mean)] = 0
        if self._one_scale:
            variance[:] = variance.mean()
        self._location = mean
        self._scale = np.sqrt(np.where(variance > 0, variance, 1))

    def _see_nothing(self, n_features):
        self._location = self.intercept_visible_.copy()
        self._scale = np.sqrt(self.noise_variance_)

    def _start_rows(self, n_rows, rng):
        return rng.standard_normal((n_rows, self.n_features_in_))


def moments(rows):
    """Compute mean and variance of each column in passes, float64."""
    with np.errstate(over="ignore", invalid="ignore"):
        # Sums of what differs from the first row have no rounding where none does.
        first = rows.take(slice(1))[0].astype(np.float64)
        counts = rows.column_counts()
        counts = np.where(counts > 0, counts, 1)
        mean = first + ScaledRows(rows, first, 1.0).column_sums() / counts
        centred = ScaledRows(rows, mean, 1.0)
        squares, spread = np.zeros_like(mean), np.zeros_like(mean)
        for block in centred.blocks(rows.n_columns):
            own = centred.take(block)
            squares += rows.sum_of(np.square(own), block)
            spread = np.maximum(spread, np.abs(own).max(axis=0))
        variance = squares / counts
        # That of a constant is 0, but its square is needed as well.
        is_finite = np.isfinite(variance + np.square(mean))
    if not is_finite.all():
        raise ValueError(
            f"The values of X in column {np.argmin(is_finite)} are so large that their "
            "variance is not finite. Divide them by a constant."
        )
    varies = spread > _ROUNDING * np.abs(mean)
    is_lost = varies & (variance < _LEAST_VARIANCE)
    if is_lost.any():
        raise ValueError(
            f"The values of X in column {np.argmax(is_lost)} differ by so little that "
            "their variance is rounded to zero. Multiply them by a constant."
        )
    return mean, variance


def floored_covariance(sample, reg_covar, *, independent=False):
    """Compute the covariance of rows of mean 0 in units of the model, a floor added.

    Raises
    ------
    ValueError
        If variances of columns, or correlations unless these are `independent`, are
        lost to rounding.
    """
    covariance = sample.T @ sample / len(sample)
    covariance += reg_covar * np.eye(len(covariance))
    check_floor(np.diag(covariance), reg_covar)
    if not independent:
        roots = np.sqrt(np.diag(covariance))
        shares = np.linalg.eigvalsh(covariance / np.outer(roots, roots))
        check_floor(shares, reg_covar, least=_ROUNDED_SHARE * len(roots))
    return covariance


def check_floor(variances, reg_covar, least=_LEAST_FLOOR):
    """Refuse a floor that leaves variances below the least to compute with."""
    if variances.min(initial=np.inf) < least:
        raise lost_floor(reg_covar)


def lost_floor(reg_covar):
    """Make the error of a floor of variances that is lost to rounding."""
    return ValueError(
        f"reg_covar={reg_covar} is lost to rounding: columns of X are constant, or "
        "follow from each other, and have no other variance of their own. Set "
        "reg_covar to 1e-12 or more, or leave such columns out."
    )
