"""Linear maps that give Gaussian noise unit variance, and the steps between them.

A step D takes a map B to (1 + D) B, to first order in D. So it does not matter in
which units the columns are that B maps.

Triangular systems are solved by NumPy, which does not know them for such: the threads
of SciPy would compete with those of NumPy's products, and take more time than is saved.
"""

__all__ = ["DiagonalWhitening", "TriangularWhitening"]

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, eq=False)
class DiagonalWhitening:
    """Division of every column by a standard deviation of its own.

    Steps are tables of one row, with what is added to the logarithm of each scale.

    Parameters
    ----------
    scale : ndarray of shape (n_columns,)
        What columns are multiplied by: one over the standard deviations.
    shared : bool, default=False
        Whether the standard deviations change all in the same ratio.
    fixed : bool, default=False
        Whether they do not change at all.
    """

    scale: np.ndarray
    shared: bool = False
    fixed: bool = False

    @property
    def n_columns(self):
        """Number of columns."""
        return len(self.scale)

    @property
    def log_det(self):
        """Logarithm of the volume that a unit of volume becomes."""
        return np.log(self.scale.astype(np.float64)).sum()

    @property
    def squared_norm(self):
        """Trace of the precision matrix of the noise."""
        return np.vdot(self.scale, self.scale)

    def is_regular(self):
        """Say whether no column is lost, and all numbers are finite."""
        return bool((self.scale > 0).all() and np.isfinite(self.squared_norm))

    def astype(self, dtype):
        """Return the same map with another dtype."""
        return replace(self, scale=self.scale.astype(dtype))

    def variance(self):
        """Compute the variance of the noise in each column."""
        return 1 / self.scale**2

    def columns(self):
        """List what each unit vector is mapped to, a row for each."""
        return np.diag(self.scale)

    def apply(self, rows):
        """Map rows to units of the noise."""
        return rows * self.scale

    def undo(self, rows):
        """Map rows back from units of the noise."""
        return rows / self.scale

    def after(self, other):
        """Return the map that first does another one, then this."""
        return replace(self, scale=self.scale * other.scale)

    def towards(self, other, fraction):
        """Return the map that lies this share of the way to another."""
        return replace(self, scale=self.scale + fraction * (other.scale - self.scale))

    def unexplained(self, covariance):
        """Whiten the noise that is left of this when a share of it is explained.

        Parameters
        ----------
        covariance : ndarray of shape (n_columns, n_columns)
            What is explained, in units of this noise. What correlations it has are
            left out.
        """
        variance = 1 - np.diag(covariance)
        if self.shared:
            variance = variance.mean()
        return replace(self, scale=self.scale / np.sqrt(variance))

    # ---- steps, and derivatives by them ----

    def stepped(self, step):
        """Take a step, however large: scales stay positive."""
        return replace(self, scale=np.exp(step[0]) * self.scale)

    def by_step(self, derivative, mapped):
        """Turn a derivative by mapped rows into one by a step.

        Parameters
        ----------
        derivative, mapped : ndarray of shape (n_rows, n_columns)
            The derivative by each row, and these rows in units of the noise.

        Returns
        -------
        derivative : ndarray of shape (1, n_columns)
            Sum over the rows; only what steps of this kind can follow.
        """
        return self._followed(np.einsum("ij,ij->j", derivative, mapped))

    def log_det_by_step(self):
        """Give the derivative of `log_det` by a step."""
        return self._followed(np.ones_like(self.scale))

    def squared_norm_by_step(self):
        """Give the derivative of `squared_norm` by a step."""
        return self._followed(2 * self.scale**2)

    def _followed(self, derivative):
        if self.fixed:
            derivative = np.zeros_like(derivative)
        elif self.shared:
            derivative = np.full_like(derivative, derivative.mean())
        return derivative[np.newaxis]

    # ---- vectors of coordinates, for optimisers ----

    def coordinates(self, start):
        """Give the vector that says which step from `start` leads here."""
        step = np.log(self.scale / start.scale)
        return step[:0] if self.fixed else step[:1] if self.shared else step

    def from_coordinates(self, vector):
        """Return the map at this vector of coordinates from here."""
        step = np.zeros_like(self.scale) if self.fixed else vector
        return self.stepped(np.broadcast_to(step, (1, self.n_columns)))

    def by_coordinates(self, derivative, start):
        """Turn a derivative by a step into one by coordinates from `start`."""
        if self.fixed:
            return derivative[0, :0]
        return derivative.sum(axis=1) if self.shared else derivative[0]


@dataclass(frozen=True, eq=False)
class TriangularWhitening:
    """Any whitening: a lower triangular matrix with a positive diagonal.

    The precision matrix of the noise is the product of its transpose and itself.
    Steps are lower triangular matrices.

    Parameters
    ----------
    matrix : ndarray of shape (n_columns, n_columns)
        Zero above the diagonal.
    """

    matrix: np.ndarray

    @classmethod
    def of_covariance(cls, covariance):
        """Whiten noise of a given covariance."""
        return cls(np.tril(np.linalg.inv(np.linalg.cholesky(covariance))))

    @property
    def n_columns(self):
        """Number of columns."""
        return len(self.matrix)

    @property
    def log_det(self):
        """Logarithm of the volume that a unit of volume becomes."""
        return np.log(np.diag(self.matrix).astype(np.float64)).sum()

    @property
    def squared_norm(self):
        """Trace of the precision matrix of the noise."""
        return np.vdot(self.matrix, self.matrix)

    def is_regular(self):
        """Say whether no column is lost, and all numbers are finite."""
        return bool((np.diag(self.matrix) > 0).all() and np.isfinite(self.squared_norm))

    def astype(self, dtype):
        """Return the same map with another dtype."""
        return TriangularWhitening(self.matrix.astype(dtype))

    def covariance(self):
        """Compute the covariance of the noise."""
        root = self.undo(np.eye(self.n_columns))
        return root.T @ root

    def variance(self):
        """Compute the variance of the noise in each column."""
        return np.diag(self.covariance()).copy()

    def columns(self):
        """List what each unit vector is mapped to, a row for each."""
        return self.matrix.T

    def apply(self, rows):
        """Map rows to units of the noise."""
        return np.dot(rows, self.matrix.T)

    def undo(self, rows):
        """Map rows back from units of the noise."""
        return np.linalg.solve(self.matrix, rows.T).T

    def after(self, other):
        """Return the map that first does another one, then this."""
        return TriangularWhitening(np.dot(self.matrix, other.matrix))

    def towards(self, other, fraction):
        """Return the map that lies this share of the way to another."""
        return TriangularWhitening(
            self.matrix + fraction * (other.matrix - self.matrix)
        )

    def unexplained(self, covariance):
        """Whiten the noise that is left of this when a share of it is explained.

        Parameters
        ----------
        covariance : ndarray of shape (n_columns, n_columns)
            What is explained, in units of this noise.
        """
        return self.of_covariance(np.eye(self.n_columns) - covariance).after(self)

    # ---- steps, and derivatives by them ----

    def stepped(self, step):
        """Take a step, however large: the diagonal stays positive."""
        return _exponential(step).after(self)

    def by_step(self, derivative, mapped):
        """Turn a derivative by mapped rows into one by a step.

        Parameters
        ----------
        derivative, mapped : ndarray of shape (n_rows, n_columns)
            The derivative by each row, and these rows in units of the noise.

        Returns
        -------
        derivative : ndarray of shape (n_columns, n_columns)
            Sum over the rows, lower triangular.
        """
        return np.tril(np.dot(derivative.T, mapped))

    def log_det_by_step(self):
        """Give the derivative of `log_det` by a step."""
        return np.eye(self.n_columns, dtype=self.matrix.dtype)

    def squared_norm_by_step(self):
        """Give the derivative of `squared_norm` by a step."""
        return np.tril(2 * np.dot(self.matrix, self.matrix.T))

    # ---- vectors of coordinates, for optimisers ----

    def coordinates(self, start):
        """Give the vector that says which step from `start` leads here."""
        step = self._since(start).matrix.copy()
        np.fill_diagonal(step, np.log(np.diag(step)))
        return step[np.tril_indices_from(step)]

    def from_coordinates(self, vector):
        """Return the map at this vector of coordinates from here."""
        step = np.zeros_like(self.matrix)
        step[np.tril_indices_from(step)] = vector
        return self.stepped(step)

    def by_coordinates(self, derivative, start):
        """Turn a derivative by a step into one by coordinates from `start`."""
        # A change d of the map T from there to here is the step d T^-1.
        since = self._since(start)
        derivative = since.undo(derivative)
        diagonal = np.diag(derivative) * np.diag(since.matrix)
        np.fill_diagonal(derivative, diagonal)
        return derivative[np.tril_indices_from(derivative)]

    def _since(self, start):
        return TriangularWhitening(np.linalg.solve(start.matrix.T, self.matrix.T).T)


def _exponential(step):
    """Give a triangular map that is 1 + step to first order, with positive diagonal."""
    matrix = np.tril(step, -1)
    np.fill_diagonal(matrix, np.exp(np.diag(step)))
    return TriangularWhitening(matrix)
