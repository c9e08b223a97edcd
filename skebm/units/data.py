"""Rows of a validated table, read as units a block at a time."""

__all__ = [
    "BLOCK_ELEMENTS",
    "CompletedRows",
    "Rows",
    "ScaledRows",
    "distinct_rows",
    "patterns",
    "relative",
    "row_blocks",
]

from copy import copy

import numpy as np
from scipy import sparse

# About 8 MiB of float64 a block: large enough for full speed, small enough
# that a memory-mapped or sparse table is never held densely as a whole.
BLOCK_ELEMENTS = 2**20

# Elementwise work is quicker on what the second cache holds, about 1 MiB; products of
# fewer rows than these are slower.
_CACHED_ELEMENTS = 2**17
_LEAST_ROWS = 512


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
    unchanged : bool, default=False
        Whether the threshold is known to leave every value as it is.
    has_missing : bool, default=False
        Whether some values are NaN, which means missing. They are read as 0, which
        means nothing: `observed` says where they are not.

    Attributes
    ----------
    weights : ndarray of shape (n_rows,) or None
        What each row counts, all positive; see `weighted`. None: one each.
    """

    weights = None

    def __init__(
        self,
        table,
        threshold,
        chosen=None,
        *,
        lowest=0,
        unchanged=False,
        has_missing=False,
    ):
        self.table = table
        self.threshold = None if table.dtype == bool else threshold
        self.chosen = chosen
        self.lowest = 0 if table.dtype == bool else lowest
        self.unchanged = unchanged
        self.has_missing = has_missing
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

    @property
    def total_weight(self):
        """What all rows count together."""
        return self.n_rows if self.weights is None else float(self.weights.sum())

    def weighted(self, weights):
        """View the rows with what each counts, without those that count nothing.

        Parameters
        ----------
        weights : ndarray of shape (n_rows,) or None
            Not negative. None counts each as 1.
        """
        if weights is None:
            return self
        view = copy(self)
        view.weights = weights
        if not weights.all():
            view = view.subset(np.flatnonzero(weights))
            if view.has_missing:
                view.has_missing = not view.observed(slice(None)).all()
        if (view.weights == 1).all():
            view.weights = None
        return view

    def subset(self, indices):
        """View some of these rows, without a copy of the table."""
        view = copy(self)
        view.chosen = indices if self.chosen is None else self.chosen[indices]
        view.n_rows = len(indices)
        if self.weights is not None:
            view.weights = self.weights[indices]
        return view

    def observed(self, selection):
        """Say which values of some rows are not missing, boolean, dense."""
        return ~np.isnan(_dense(self._selected(selection)))

    def refresh(self, selection, energy, noise):
        """Draw what is missing of some rows anew, where it is drawn at all."""

    def sample(self, n_rows, rng):
        """Choose at most so many rows at random; give their indices, rising.

        Rows with weights are drawn in proportion to these, some of them repeatedly, and
        as many as the weights add up to if that is fewer: whole weights are repeats.
        """
        if self.weights is not None:
            n_rows = min(n_rows, max(self.n_rows, round(self.total_weight)))
            # From a stream of its own: what is drawn next is as of repeated rows.
            return np.sort(self._in_proportion(n_rows, rng.spawn(1)[0]))
        if n_rows >= self.n_rows:
            return np.arange(self.n_rows)
        return np.sort(rng.choice(self.n_rows, n_rows, replace=False))

    def drawn(self, n_rows, rng):
        """View a `sample` of rows, which count alike."""
        view = self.subset(self.sample(n_rows, rng))
        view.weights = None
        return view

    def shuffled(self, rng, n_rows=0):
        """Give the indices of all rows once in random order.

        Rows with weights are drawn in proportion to these, as many as there are, or
        `n_rows` if that is more.
        """
        if self.weights is None:
            return rng.permutation(self.n_rows)
        return rng.permutation(self._in_proportion(max(n_rows, self.n_rows), rng))

    def _in_proportion(self, n_rows, rng):
        """Draw so many rows, each as nearly as often as it counts as can be."""
        order = rng.permutation(self.n_rows)
        ends = np.cumsum(self.weights[order])
        points = (np.arange(n_rows) + rng.random()) * (ends[-1] / n_rows)
        drawn = np.searchsorted(ends, points, side="right")
        return order[np.minimum(drawn, self.n_rows - 1)]

    def take(self, selection):
        """Read the rows that a slice or an index array names, dense."""
        rows = self._selected(selection)
        if sparse.issparse(rows) and self.threshold is not None and self.threshold >= 0:
            # What is not stored is off; bits are quicker to spread out than floats.
            on = rows.data > self.threshold
            return type(rows)((on, rows.indices, rows.indptr), rows.shape).toarray()
        rows = _dense(rows)
        if self.threshold is not None:
            return rows > self.threshold
        if self.has_missing:
            rows = np.where(np.isnan(rows), self.lowest, rows)
        return rows if self.lowest == 0 else (rows - self.lowest) / (1 - self.lowest)

    def read(self, selection, out):
        """Read rows in float64, with as few passes over them as possible.

        Parameters
        ----------
        selection : slice or ndarray
            Which rows.
        out : ndarray of shape (n_selected, n_columns)
            Memory to read into, float64.

        Returns
        -------
        rows : ndarray of shape (n_selected, n_columns)
            Either `out` or a part of the table, which must not be written to.
        """
        if self.has_missing:
            np.copyto(out, self.take(selection))
            return out
        rows = _dense(self._selected(selection))
        if self.threshold is not None and not self.unchanged:
            return np.greater(rows, self.threshold, out=out)
        if self.lowest == 0:
            if rows.dtype == np.float64:
                return rows
            np.copyto(out, rows)
            return out
        np.subtract(rows, self.lowest, out=out, dtype=np.float64)
        out /= 1 - self.lowest
        return out

    def _selected(self, selection):
        if self.chosen is not None:
            selection = self.chosen[selection]
        if isinstance(selection, slice) or not self._is_contiguous:
            return self.table[selection]
        return self.table.take(selection, axis=0)  # indexing takes five times as long

    @property
    def _is_contiguous(self):
        """Whether `take` does not copy the table first, which only arrays have."""
        return not sparse.issparse(self.table) and self.table.flags.c_contiguous

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
        """Sum what is counted in each column, shape (n_columns,), float64.

        Missing values are left out; `ScaledRows` read them as 0.
        """
        blocks = self._read_blocks(self.n_columns)
        return sum(self.sum_of(rows, block) for rows, block in blocks)

    def sum_of(self, values, block):
        """Sum values of the rows of a block, each as often as its row counts."""
        if self.weights is None:
            return values.sum(axis=0)
        return self.weights[block] @ values

    def column_counts(self):
        """Count the values of each column, as often as their rows count.

        Without missing ones this is one number for all, else of shape (n_columns,).
        """
        if not self.has_missing:
            return self.total_weight
        return sum(
            self.sum_of(self.observed(block), block)
            for block in self.blocks(self.n_columns)
        )

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
        for rows, block in self._read_blocks(row_elements):
            part = function(rows, *(other[block] for other in others))
            if result is None:
                result = np.empty((self.n_rows, *part.shape[1:]), dtype=dtype)
            result[block] = part
        return result

    def every(self, condition):
        """Say whether a condition holds for all values of a dense table as it is.

        Parameters
        ----------
        condition : callable
            Of an array, elementwise.
        """
        blocks = self._cached_blocks(self.n_columns)
        return all(condition(self._selected(block)).all() for block in blocks)

    def _read_blocks(self, row_elements):
        memory = None
        for block in self._cached_blocks(row_elements):
            if memory is None:
                memory = np.empty((block.stop, self.n_columns))
            yield self.read(block, out=memory[: block.stop - block.start]), block

    def _cached_blocks(self, row_elements):
        row_elements = max(row_elements, self.n_columns)
        most_rows = max(_LEAST_ROWS, _CACHED_ELEMENTS // row_elements)
        return row_blocks(self.n_rows, row_elements, most_rows)


# Beyond so many standard deviations a density is 0 in all its digits. The products of
# larger values overflow, and their differences would be no numbers.
_FARTHEST = 1e200


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
        with np.errstate(over="ignore"):
            rows = (super().take(selection) - self._location) / self._scale
        np.clip(rows, -_FARTHEST, _FARTHEST, out=rows)
        if self.has_missing:
            rows[~self.observed(selection)] = 0
        return rows

    def read(self, selection, out):
        """Read rows in float64 into `out`."""
        if self.has_missing:
            np.copyto(out, self.take(selection))
            return out
        with np.errstate(over="ignore"):
            np.subtract(super().take(selection), self._location, out=out)
            out /= self._scale
        return np.clip(out, -_FARTHEST, _FARTHEST, out=out)


class CompletedRows(Rows):
    """Rows of which what is missing has been drawn, and is drawn anew as learning goes.

    Parameters
    ----------
    rows : Rows
        Of which some values are missing, in the units of the model.
    values : ndarray of shape (n_rows, n_columns)
        The same rows without gaps; changed in place by `refresh`.
    observed : ndarray of bool of shape (n_rows, n_columns)
        Which values are those of the table.
    redraw : callable
        Of an energy, rows, what is observed of them, and noise: draws the rest.
    """

    def __init__(self, rows, values, observed, redraw):
        super().__init__(values, None, has_missing=True)
        self.weights = rows.weights
        self._binary = rows.is_binary
        self._observed = observed
        self._redraw = redraw

    @property
    def is_binary(self):
        """Whether every value is known to be 0 or 1."""
        return self._binary

    def observed(self, selection):
        """Say which values of some rows are not drawn, boolean."""
        selection = selection if self.chosen is None else self.chosen[selection]
        return self._observed[selection]

    def take(self, selection):
        """Read rows as they are completed now."""
        return self._selected(selection)

    def refresh(self, selection, energy, noise):
        """Draw what is missing of some rows anew, given the rest."""
        if self.chosen is not None:
            selection = self.chosen[selection]
        observed = self._observed[selection]
        gaps = ~observed.all(axis=1)
        if not gaps.any():
            return
        chosen = selection[gaps]
        self.table[chosen] = self._redraw(
            energy, self.table[chosen], observed[gaps], noise
        )


def row_blocks(n_rows, row_elements, most_rows=None):
    """Cut a number of rows into slices that need a bounded number of elements."""
    size = max(1, BLOCK_ELEMENTS // max(1, row_elements))
    if most_rows is not None:
        size = min(size, most_rows)
    for start in range(0, n_rows, size):
        yield slice(start, min(start + size, n_rows))


def relative(weights):
    """Scale weights of which only ratios matter.

    Equal ones become 1. Others that are below 1 on average, as shares are, come to that
    average: those above may be repeats, and stay. Zeros are no rows.
    """
    if weights is None:
        return None
    positive = weights[weights > 0]
    if (positive == positive[0]).all():
        return weights / positive[0]
    return weights / min(1, positive.mean())


def patterns(observed):
    """Group rows of which the same columns are observed.

    Parameters
    ----------
    observed : ndarray of bool of shape (n_rows, n_columns)
        Which columns of each row are.

    Returns
    -------
    patterns : list of (ndarray of bool of shape (n_columns,), ndarray of int)
        The columns, and the numbers of the rows.
    """
    packed = np.packbits(observed, axis=1)
    _, first, which = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(which.ravel(), kind="stable")
    ends = np.cumsum(np.bincount(which.ravel(), minlength=len(first)))[:-1]
    return list(zip(observed[first], np.split(order, ends), strict=True))


def distinct_rows(rows, row_weights=None):
    """Give the distinct ones among rows, and how often each of them occurs.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns)
        Of any dtype.
    row_weights : ndarray of shape (n_rows,), default=None
        What each row counts. None: one each.

    Returns
    -------
    distinct : ndarray of shape (n_distinct, n_columns)
        In the order in which they first occur.
    counts : ndarray of shape (n_distinct,)
        Sums of the weights.
    """
    packed = np.ascontiguousarray(
        np.packbits(rows, axis=1) if rows.dtype == bool else rows
    )
    keys = packed.view(np.dtype((np.void, packed.dtype.itemsize * packed.shape[1])))
    _, first, inverse = np.unique(keys.ravel(), return_index=True, return_inverse=True)
    counts = np.bincount(inverse, row_weights, minlength=len(first))
    order = np.argsort(first)
    return rows[first[order]], counts[order]


def _dense(rows):
    return rows.toarray() if sparse.issparse(rows) else rows
