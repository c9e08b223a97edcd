"""Second moments of wide layers: of a few directions, and of single units otherwise."""

__all__ = ["LowRankFactor", "LowRankMoment"]

from dataclasses import dataclass

import numpy as np
from sklearn.utils.extmath import randomized_svd

# Directions that are told apart, at most. Each is one for so many rows of a sample, so
# that it is more than their noise.
_MOST_DIRECTIONS = 256
_ROWS_A_DIRECTION = 8

# Of units that hardly have a share outside the directions, nothing is left to know.
_LEAST_SHARE = 1e-6


@dataclass(frozen=True, eq=False)
class LowRankFactor:
    """A symmetric positive matrix: a power in some directions, and of units elsewhere.

    It is V diag(inner) V' + (1 - VV') diag(outer) (1 - VV'), and multiplies a row in
    time linear in the number of units.

    Parameters
    ----------
    vectors : ndarray of shape (n_units, n_directions)
        V, with orthonormal columns.
    inner : ndarray of shape (n_directions,)
        By what the directions are multiplied.
    outer : ndarray of shape (n_units,)
        By what units are where rows have no part along the directions.
    """

    vectors: np.ndarray
    inner: np.ndarray
    outer: np.ndarray

    def __len__(self):
        return len(self.vectors)

    @property
    def row_cost(self):
        """Number of multiplications that a row takes."""
        return 4 * self.vectors.size

    def astype(self, dtype):
        """Return the same factor in another dtype."""
        arrays = self.vectors, self.inner, self.outer
        return LowRankFactor(*(array.astype(dtype) for array in arrays))

    def times(self, rows):
        """Compute ``rows @ factor``."""
        along = np.dot(rows, self.vectors)
        rest = rows - np.dot(along, self.vectors.T)
        rest *= self.outer
        along *= self.inner
        along -= np.dot(rest, self.vectors)
        rest += np.dot(along, self.vectors.T)
        return rest


@dataclass(frozen=True, eq=False)
class LowRankMoment:
    """Second moments of rows: of some directions, and what units have besides.

    The diagonal is that of the rows, to rounding. The matrix is never made.

    Parameters
    ----------
    vectors : ndarray of shape (n_units, n_directions)
        Orthonormal columns.
    values : ndarray of shape (n_directions,)
        Second moments along these.
    rest : ndarray of shape (n_units,)
        Second moment of each unit that they leave out, not negative.
    """

    vectors: np.ndarray
    values: np.ndarray
    rest: np.ndarray

    @classmethod
    def of_rows(cls, rows):
        """Find the leading directions of rows."""
        most = min(_MOST_DIRECTIONS, len(rows) // _ROWS_A_DIRECTION)
        return cls._of(rows / float(np.sqrt(len(rows))), 0.0, most)

    @classmethod
    def _of(cls, scaled, rest, n_directions):
        """Split the sum of products of rows, and of units besides, by directions."""
        diagonal = np.einsum("ij,ij->j", scaled, scaled) + rest
        if n_directions == 0:
            empty = np.empty((len(diagonal), 0), scaled.dtype)
            return cls(empty, empty[0], diagonal)
        n_directions = min(n_directions, *scaled.shape)
        if 2 * n_directions < min(scaled.shape):
            # Which directions are found depends on no seed of the learner's.
            _, deviations, axes = randomized_svd(scaled, n_directions, random_state=0)
        else:
            _, deviations, axes = np.linalg.svd(scaled, full_matrices=False)
        vectors = np.ascontiguousarray(axes[:n_directions].T)
        values = deviations[:n_directions] ** 2
        rest = np.maximum(diagonal - np.dot(vectors**2, values), 0)
        return cls(vectors, values, rest)

    def __len__(self):
        return len(self.rest)

    def diagonal(self):
        """Give the second moment of each unit."""
        return np.dot(self.vectors**2, self.values) + self.rest

    def blended(self, rows, share):
        """Let the moments follow those of new rows, by a share of the way."""
        kept = (self.vectors * np.sqrt((1 - share) * self.values)).T
        scaled = np.concatenate([kept, rows * float(np.sqrt(share / len(rows)))])
        most = min(_MOST_DIRECTIONS, len(scaled) // _ROWS_A_DIRECTION)
        most = max(len(self.values), most)
        return self._of(scaled, (1 - share) * self.rest, most)

    def power(self, power, damping):
        """Raise the moments, with what is added to those of units, to a power.

        Along the directions that is exact. Where they leave units out, each has the
        power of its own second moment there.

        Parameters
        ----------
        power : float
            The exponent.
        damping : ndarray of shape (n_units,)
            What is added to each second moment.

        Returns
        -------
        factor : LowRankFactor
        """
        along = np.dot(self.vectors.T * damping, self.vectors) + np.diag(self.values)
        values, turn = np.linalg.eigh(along)
        share = np.maximum(1 - (self.vectors**2).sum(axis=1), _LEAST_SHARE)
        outer = self.rest / share + damping
        # As of whole matrices: none is as small, but by rounding.
        least = damping.max() / 10
        values, outer = np.maximum(values, least), np.maximum(outer, least)
        arrays = np.dot(self.vectors, turn), values**power, outer**power
        return LowRankFactor(*arrays)
