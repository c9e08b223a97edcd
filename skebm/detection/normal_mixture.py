"""Smooth mixtures of normal distributions, which score rows with gaps too."""

__all__ = ["NormalMixture"]

import numpy as np
from scipy.special import logsumexp
from sklearn.cluster import kmeans_plusplus

from skebm.detection.conditionals import Fields, log_conditionals
from skebm.detection.gaps import Gaps

_MOST_ITERATIONS = 15

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
        adds `reg_covar`.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_columns)
            Complete.
        n_components : int
            Wanted; no more than half of the rows are had.
        ridge : float
            Positive.
        random_state : RandomState
            Determines the rows to start at, drawn as k-means++ does.
        """
        n_components = max(1, min(n_components, len(rows) // 2))
        groups = np.zeros(len(rows), dtype=int)
        if n_components > 1:
            centres, _ = kmeans_plusplus(rows, n_components, random_state=random_state)
            half_norms = 0.5 * np.einsum("kj,kj->k", centres, centres)
            groups = np.argmax(rows @ centres.T - half_norms, axis=1)
            # Of rows that are repeated there may be fewer groups than asked for.
            groups = np.unique(groups, return_inverse=True)[1]
        members = np.eye(groups.max() + 1)[groups]
        mixture, before = cls._of_members(rows, members, ridge), -np.inf
        for _ in range(_MOST_ITERATIONS if members.shape[1] > 1 else 0):
            log_joint = mixture.log_joint(rows)
            level = logsumexp(log_joint, axis=1, keepdims=True)
            if abs(level.mean() - before) < _TOLERANCE:
                break
            before = level.mean()
            mixture = cls._of_members(rows, np.exp(log_joint - level), ridge)
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

    @classmethod
    def _of_members(cls, rows, members, ridge):
        """Give the mixture of rows that belong to components in part.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_columns)
            Complete.
        members : ndarray of shape (n_rows, n_components)
            How much of each row each component has.
        ridge : float
            Added to all variances.
        """
        counts = members.sum(axis=0) + 10 * np.finfo(float).eps
        means = members.T @ rows / counts[:, np.newaxis]
        scatters = []
        for own, mean in zip(members.T, means, strict=True):
            centred = rows - mean
            scatters.append((own[:, np.newaxis] * centred).T @ centred)
        scatters = np.array(scatters)
        shared = _SHARED * scatters.sum(axis=0) / counts.sum()
        covariances = (scatters + shared) / (counts + _SHARED)[
            :, np.newaxis, np.newaxis
        ]
        covariances += ridge * np.eye(rows.shape[1])
        return cls(counts / counts.sum(), means, covariances)

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
