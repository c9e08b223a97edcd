"""Rows of a validated table, read as units a block at a time."""

__all__ = ["BLOCK_ELEMENTS", "Rows", "ScaledRows", "row_blocks"]

from copy import copy

import numpy as np
from scipy import sparse

# About 8 MiB of float64 a block: large enough for full speed, small enough
# that a memory-mapped or sparse table is never held densely as a whole.
BLOCK_ELEMENTS = 2**20


class Rows:
    """Read-only view of a table whose values are thresholded when read.

    Parameters
    ----------
    table : {ndarray, CSR matrix or array} of shape (n_rows, n_columns)
        Of any numeric dtype; never copied or converted as a whole.
    threshold : float or None
        Values above it are on. None takes the values as probabilities of being
        on. Boolean tables are taken as they are.
    chosen : ndarray of shape (n_rows,), default=None
        Indices of the rows of the table that count. None takes them all.
    lowest : {0, -1}, default=0
        Without a threshold, the value that stands for a probability of 0, that for
        1 being 1.
    """

    def __init__(self, table, threshold, chosen=None, lowest=0):
        self.table = table
        self.threshold = None if table.dtype == bool else threshold
        self.chosen = chosen
        self.lowest = 0 if table.dtype == bool else lowest
        self.n_rows, self.n_columns = table.shape
        if chosen is not None:
            self.n_rows = len(chosen)

    @property
    def is_binary(self):
        """Whether every value is known to be 0 or 1 when read."""
        return self.table.dtype == bool or self.threshold is not None

    @property
    def float_dtype(self):
        """Dtype of results that follow that of the table: float32 for float32."""
        return np.float32 if self.table.dtype == np.float32 else np.float64

    def subset(self, indices):
        """View some of these rows, without a copy of the table."""
        view = copy(self)
        view.chosen = indices if self.chosen is None else self.chosen[indices]
        view.n_rows = len(indices)
        return view

    def sample(self, n_rows, rng):
        """Choose at most so many rows at random; give their indices, rising."""
        if n_rows >= self.n_rows:
            return np.arange(self.n_rows)
        return np.sort(rng.choice(self.n_rows, n_rows, replace=False))

    def take(self, selection):
        """Read the rows that a slice or an index array names, dense."""
        if self.chosen is not None:
            selection = self.chosen[selection]
        rows = self.table[selection]
        if sparse.issparse(rows):
            rows = rows.toarray()
        if self.threshold is not None:
            return rows > self.threshold
        return rows if self.lowest == 0 else (rows - self.lowest) / (1 - self.lowest)

    def blocks(self, row_elements):
        """Cut the table into slices of rows.

        Parameters
        ----------
        row_elements : int
            Array elements that work on one row needs; the more, the shorter
            the blocks.

        Returns
        -------
        blocks : iterator of slice
            Consecutive rows, in order.
        """
        return row_blocks(self.n_rows, max(row_elements, self.n_columns))

    def column_sums(self):
        """Sum the values of each column, shape (n_columns,), float64."""
        sums = np.zeros(self.n_columns)
        for block in self.blocks(self.n_columns):
            sums += self.take(block).sum(axis=0, dtype=np.float64)
        return sums

    def map(self, function, *others, row_elements, dtype=np.float64):
        """Apply a function to float64 rows, block by block.

        Parameters
        ----------
        function : callable
            Of an array of shape (n_block, n_columns), which it must not change,
            and the same rows of `others`; gives one entry a row.
        *others : ndarray of shape (n_rows, ...)
            Further arguments, cut as the table is.
        row_elements : int
            Array elements that `function` needs for each row.
        dtype : dtype, default=numpy.float64
            Of the result.

        Returns
        -------
        result : ndarray of shape (n_rows, ...)
            What `function` gives for each row.
        """
        result = None
        for block in self.blocks(row_elements):
            part = function(
                self.take(block).astype(np.float64, copy=False),
                *(other[block] for other in others),
            )
            if result is None:
                result = np.empty((self.n_rows, *part.shape[1:]), dtype=dtype)
            result[block] = part
        return result


class ScaledRows(Rows):
    """Read-only view of a table of real values, standardised when read.

    Parameters
    ----------
    rows : Rows
        The values as they are.
    location, scale : ndarray of shape (n_columns,)
        What is subtracted from each column, and what it is then divided by.
    """

    is_binary = False

    def __init__(self, rows, location, scale):
        vars(self).update(vars(rows))
        self._location = location
        self._scale = scale

    def take(self, selection):
        """Read the rows that a slice or an index array names, dense, float64."""
        return (super().take(selection) - self._location) / self._scale


def row_blocks(n_rows, row_elements):
    """Cut a number of rows into slices that need a bounded number of elements."""
    size = max(1, BLOCK_ELEMENTS // row_elements)
    for start in range(0, n_rows, size):
        yield slice(start, min(start + size, n_rows))
