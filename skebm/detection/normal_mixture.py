"""Smooth mixtures of normal distributions, learned from rows with gaps or without."""

__all__ = ["NormalMixture"]

import numpy as np
from scipy.special import logsumexp
from sklearn.cluster import kmeans_plusplus

from skebm.detection.conditionals import Fields, log_conditionals
from skebm.detection.gaps import Gaps

_MOST_ITERATIONS = 15

# From where rows whose gaps hold the means of the columns have led.
_MOST_WITH_GAPS = 10

_TOLERANCE = 1e-3

# So many rows more of each component are spread as those of all components are around
# their means: a few outliers alike are not a component as narrow as they are close.
_SHARED = 20.0

# Rows are worked on in blocks of about so many numbers.
_BLOCK = 4_000_000
_BLOCK_WITH_GAPS = 400_000

_LOG_2_PI = np.log(2 * np.pi)


class NormalMixture:
    """A mixture of normal distributions, each with a covariance of its own.

    Parameters
    ----------
    shares : ndarray of shape (n_components,)
        Positive, of sum 1.
    means : ndarray of shape (n_components, n_columns)
        Of each component.
    covariances : ndarray of shape (n_components, n_columns, n_columns)
        Of each component, positive definite.
    """

    def __init__(self, shares, means, covariances):
        self.shares = shares
        self.means = means
        self.covariances = covariances
        factors = np.linalg.cholesky(covariances)
        # (x - mean) @ whitening has independent columns of variance 1. Contiguous it is
        # when it is loaded from a file too: so nothing is rounded in another way then.
        self._whitening = np.ascontiguousarray(np.linalg.inv(factors).swapaxes(1, 2))
        self.precisions = self._whitening @ self._whitening.swapaxes(1, 2)
        half_log_dets = np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
        self._log_peaks = np.log(shares) - half_log_dets

    @classmethod
    def learn(cls, rows, n_components, ridge, random_state):
        """Learn by expectation maximisation, from rows that are far from each other.

        The ridge is added to every covariance, as scikit-learn's `GaussianMixture`
        adds `reg_covar`. Missing values are integrated out.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_columns)
            NaN where a value is missing.
        n_components : int
            Wanted; no more than half of the rows are had.
        ridge : float
            Positive.
        random_state : RandomState
            Determines the rows to start at, drawn as k-means++ does.
        """
        known = ~np.isnan(rows)
        n_components = max(1, min(n_components, len(rows) // 2))
        sums = np.where(known, rows, 0).sum(axis=0)
        filled = np.where(known, rows, sums / np.maximum(known.sum(axis=0), 1))
        groups = np.zeros(len(rows), dtype=int)
        if n_components > 1:
            centres, _ = kmeans_plusplus(
                filled, n_components, random_state=random_state
            )
            half_norms = 0.5 * np.einsum("kj,kj->k", centres, centres)
            groups = np.argmax(filled @ centres.T - half_norms, axis=1)
            # Of rows that are repeated there may be fewer groups than asked for.
            groups = np.unique(groups, return_inverse=True)[1]
        members = np.eye(groups.max() + 1)[groups]
        mixture = cls._of_members(filled[:, np.newaxis], members, ridge)
        if len(members.T) > 1:
            mixture = mixture._improved(filled, ridge, _MOST_ITERATIONS)
        if not known.all():
            mixture = mixture._improved(rows, ridge, _MOST_WITH_GAPS)
        return mixture

    def log_densities(self, rows):
        """Compute the log-density of each row; missing values are integrated out."""
        return self._by_parts(rows, lambda part: _total(self.log_joint(part)))

    def expected_log_densities(self, rows):
        """Compute the log-density of each row, of missing values what is expected.

        So rows with more gaps are not more usual for it: in each component the
        log-density of the known values gains the mean of that of the others given them,
        minus their entropy.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_columns)
            NaN where a value is missing.

        Returns
        -------
        expected : ndarray of shape (n_rows,)
            In nats. Of complete rows, the log-density.
        """
        return self._by_parts(rows, lambda part: _total(self._expected_joint(part)))

    def log_conditionals(self, rows, features):
        """Compute log p(value | the other known values of the row) of each feature.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_columns)
            NaN where a value is missing.
        features : list of Feature
            Which columns are one feature, see `log_conditionals`.

        Returns
        -------
        log_conditionals : ndarray of shape (n_rows, n_features)
            NaN where a value is missing.
        """
        return self._by_parts(rows, lambda part: self._conditionals(part, features))

    def _improved(self, rows, ridge, most_iterations):
        """Climb until the mean log-likelihood rises by less than the tolerance."""
        mixture, before = self, -np.inf
        for _ in range(most_iterations):
            log_joint, filled, doubt = mixture._expect(rows)
            level = logsumexp(log_joint, axis=1, keepdims=True)
            if abs(level.mean() - before) < _TOLERANCE:
                break
            before = level.mean()
            members = np.exp(log_joint - level)
            mixture = self._of_members(filled, members, ridge, doubt(members))
        return mixture

    @classmethod
    def _of_members(cls, filled, members, ridge, doubt=0.0):
        """Give the mixture of rows that belong to components in part.

        Parameters
        ----------
        filled : ndarray of shape (n_rows, n_components or 1, n_columns)
            Rows whose gaps hold the mean that each component gives them.
        members : ndarray of shape (n_rows, n_components)
            How much of each row each component has.
        doubt : ndarray of shape (n_components, n_columns, n_columns)
            Sums of the covariances of what is missing.
        """
        counts = members.sum(axis=0) + 10 * np.finfo(float).eps
        weighted = members[:, :, np.newaxis] * filled
        means = weighted.sum(axis=0) / counts[:, np.newaxis]
        n_columns = filled.shape[2]
        covariances = np.empty((len(counts), n_columns, n_columns))
        for k, mean in enumerate(means):
            centred = filled[:, min(k, filled.shape[1] - 1)] - mean
            covariances[k] = (members[:, [k]] * centred).T @ centred
        covariances += doubt
        shared = _SHARED * covariances.sum(axis=0) / counts.sum()
        covariances += shared
        covariances /= (counts + _SHARED)[:, np.newaxis, np.newaxis]
        covariances += ridge * np.eye(n_columns)
        return cls(counts / counts.sum(), means, covariances)

    def _expect(self, rows):
        """Give what the mixture says of rows.

        Returns
        -------
        log_joint : ndarray of shape (n_rows, n_components)
            Log-densities of the known values and the component.
        filled : ndarray of shape (n_rows, n_components or 1, n_columns)
            Means of the missing values beside the known ones.
        doubt : callable
            Gives from memberships the sums of the covariances of what is missing.
        """
        if not np.isnan(rows).any():
            return self.log_joint(rows), rows[:, np.newaxis], lambda members: 0.0
        gaps = Gaps(rows, self.means, self.precisions)
        return self._joint_of_gaps(gaps), gaps.residuals + self.means, gaps.doubt

    def _by_parts(self, rows, function):
        """Apply a function to rows in blocks, those with as many gaps together."""
        n_missing = np.isnan(rows).sum(axis=1)
        order = np.argsort(n_missing, kind="stable")
        n_components, n_columns = self.means.shape
        most = _BLOCK // (n_columns * n_components)
        if n_missing.any():
            most = _BLOCK_WITH_GAPS // (n_columns * max(n_columns, n_components))
        starts = range(0, len(rows), max(1, most))
        parts = [function(rows[order[i : i + starts.step]]) for i in starts]
        result = np.concatenate(parts)
        result[order] = result.copy()
        return result

    def log_joint(self, rows):
        """Compute the log-density of known values and component, (n_rows, k)."""
        if np.isnan(rows).any():
            return self._joint_of_gaps(Gaps(rows, self.means, self.precisions))
        result = np.empty((len(rows), len(self.means)))
        for k, (mean, whitening) in enumerate(
            zip(self.means, self._whitening, strict=True)
        ):
            white = rows @ whitening - mean @ whitening
            result[:, k] = -0.5 * np.einsum("ij,ij->i", white, white)
        return result + self._log_peaks - 0.5 * _LOG_2_PI * rows.shape[1]

    def _expected_joint(self, rows):
        if not np.isnan(rows).any():
            return self.log_joint(rows)
        gaps = Gaps(rows, self.means, self.precisions)
        n_missing = (~gaps.known).sum(axis=1)[:, np.newaxis]
        return (
            self._log_peaks
            - 0.5 * (gaps.distances + n_missing)
            - 0.5 * _LOG_2_PI * rows.shape[1]
        )

    def _joint_of_gaps(self, gaps):
        n_known = gaps.known.sum(axis=1)[:, np.newaxis]
        return (
            self._log_peaks
            - gaps.half_log_dets
            - 0.5 * gaps.distances
            - 0.5 * _LOG_2_PI * n_known
        )

    def _conditionals(self, rows, features):
        gaps = Gaps(rows, self.means, self.precisions)
        filled = np.where(gaps.known, rows, 0.0)
        return log_conditionals(
            Fields(self._joint_of_gaps(gaps), gaps.fields, gaps.precisions_of),
            filled,
            gaps.known,
            features,
        )


def _total(log_joint):
    """Sum over components."""
    return logsumexp(log_joint, axis=1)
