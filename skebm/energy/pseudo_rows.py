"""Rows of normal distributions of one shape, beside those that groups learn from."""

__all__ = ["PseudoRows"]

from typing import NamedTuple

import numpy as np

# Draws, and draws for each column, before each is reflected: more than enough for the
# covariance, so that hidden units find nothing else in them.
_DRAWS, _DRAWS_A_COLUMN = 100, 2


class PseudoRows(NamedTuple):
    """Rows less the centre of any group, that differ between groups by factors.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns)
        Of a factor of 1.
    roots : ndarray of shape (n_groups, n_rows)
        What rows are multiplied by in each group.
    images : ndarray of int of shape (n_groups, n_rows)
        Numbers of the images that they are of.
    scores : ndarray of shape (n_groups,)
        Mean log-density of the rows of each group by the distributions of their images.
    share : float
        What the rows of a group count, where those of data count 1 in all.
    """

    rows: np.ndarray
    roots: np.ndarray
    images: np.ndarray
    scores: np.ndarray
    share: float

    @classmethod
    def of(cls, mixture, share, rng):
        """Draw rows as those of a `GroupMixture` if its groups have one shape."""
        n_groups, n_scales = mixture.log_scales.shape
        n_columns = len(mixture.common)
        white = rng.normal(size=(_DRAWS + _DRAWS_A_COLUMN * n_columns, n_columns))
        root = np.linalg.cholesky(white.T @ white / len(white))
        rows = white @ np.linalg.solve(root.T, np.linalg.cholesky(mixture.common).T)
        rows = np.vstack([rows, -rows])
        images = np.empty((n_groups, len(rows)), int)
        for number, log_weights in enumerate(mixture.log_weights):
            law = np.exp(log_weights - np.logaddexp.reduce(log_weights))
            images[number] = number * n_scales + rng.choice(n_scales, len(rows), p=law)
        logs = np.log(mixture.factors)[:, np.newaxis]
        logs = logs + mixture.log_scales.ravel()[images]
        log_det = np.linalg.slogdet(mixture.common)[1]
        scores = -log_det - n_columns * (logs.mean(axis=1) + np.log(2 * np.pi) + 1)
        return cls(rows, np.exp(logs / 2), images, scores / 2, share)

    def astype(self, dtype):
        """Give the same in another dtype."""
        rows, roots = self.rows.astype(dtype), self.roots.astype(dtype)
        return self._replace(rows=rows, roots=roots)
