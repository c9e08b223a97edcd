"""Normal distributions of rows, given that some values of each are not known."""

__all__ = ["Gaps"]

import numpy as np


class Gaps:
    r"""What several normal distributions say of rows with missing values.

    With precision :math:`\Lambda`, what is missing has precision
    :math:`\Lambda_{mm}` given the rest, and mean
    :math:`\mu_m - \Lambda_{mm}^{-1} \Lambda_{mo} (x_o - \mu_o)`. So only matrices as
    large as there are gaps in a row have to be solved, all rows at once.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns)
        NaN where a value is missing.
    means : ndarray of shape (n_components, n_columns)
        Of each distribution.
    precisions : ndarray of shape (n_components, n_columns, n_columns)
        Inverses of the covariances.

    Attributes
    ----------
    known : ndarray of bool of shape (n_rows, n_columns)
        What is not missing.
    residuals : ndarray of shape (n_rows, n_components, n_columns)
        Rows less means; where a value is missing, its mean given the others, less the
        mean.
    fields : ndarray of shape (n_rows, n_components, n_columns)
        Residuals times precisions; 0 where a value is missing.
    distances : ndarray of shape (n_rows, n_components)
        Squared Mahalanobis distances of the known values.
    """

    def __init__(self, rows, means, precisions):
        self.known = ~np.isnan(rows)
        self._precisions = precisions
        counts = (~self.known).sum(axis=1)
        # Columns that are missing come first; those that fill up are masked.
        self._places = np.argsort(self.known, axis=1, kind="stable")
        self._places = self._places[:, : counts.max(initial=0)]
        self._used = np.arange(self._places.shape[1]) < counts[:, np.newaxis]
        self.residuals = np.where(
            self.known[:, np.newaxis], rows[:, np.newaxis] - means, 0.0
        )
        self.fields = np.empty(self.residuals.shape)
        self._between = []
        for k, precision in enumerate(precisions):
            self._fill(k, precision)
        self.distances = np.einsum("ikj,ikj->ik", self.residuals, self.fields)

    @property
    def half_log_dets(self):
        """Half the log-determinants of the covariances of known values, less of all.

        Of shape (n_rows, n_components).
        """
        if not self._between:
            return np.zeros(self.distances.shape)
        factors = np.linalg.cholesky(np.stack(self._between, axis=1))
        diagonals = np.diagonal(factors, axis1=2, axis2=3)
        return np.log(diagonals).sum(axis=2)

    def _fill(self, k, precision):
        """Put the means of what is missing into the residuals of a component."""
        own = self.residuals[:, k]
        if self._places.shape[1]:
            between = self._between_missing(precision)
            self._between.append(between)
            fields = np.take_along_axis(own @ precision, self._places, axis=1)
            fields = np.where(self._used, fields, 0.0)
            shift = np.linalg.solve(between, fields[..., np.newaxis])[..., 0]
            # Those that fill up are shifted by nothing.
            moved = np.take_along_axis(own, self._places, axis=1) - shift
            np.put_along_axis(own, self._places, moved, axis=1)
        self.fields[:, k] = np.where(self.known, own @ precision, 0.0)

    def _between_missing(self, precision):
        """Gather the precisions of what is missing, identities where nothing is."""
        places, used = self._places, self._used
        gathered = precision[places[:, :, np.newaxis], places[:, np.newaxis]]
        both = used[:, :, np.newaxis] & used[:, np.newaxis]
        return np.where(both, gathered, np.eye(places.shape[1]))

    def precisions_of(self, places):
        """Give the precisions of some columns beside the other known ones.

        Parameters
        ----------
        places : ndarray of int of shape (n_blocks, n_in_block)
            Columns, some blocks of them.

        Returns
        -------
        precisions : ndarray of shape (n_rows or 1, n_components, n_blocks, n_in_block,
                n_in_block)
            Of each block.
        """
        own = self._precisions[:, places[:, :, np.newaxis], places[:, np.newaxis]]
        if not self._places.shape[1]:
            return own[np.newaxis]
        result = np.empty((len(self.known), *own.shape))
        for k, (precision, between) in enumerate(
            zip(self._precisions, self._between, strict=True)
        ):
            # Missing values do not hold the others: what they held is taken off.
            ties = precision[self._places] * self._used[..., np.newaxis]
            held = np.linalg.solve(between, ties)[:, :, places]
            taken = np.einsum("rmbi,rmbj->rbij", ties[:, :, places], held)
            result[:, k] = own[k] - taken
        return result
