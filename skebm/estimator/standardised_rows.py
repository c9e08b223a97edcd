"""Rows of models that work in columns of mean 0 and variance 1."""

__all__ = ["FAR", "FAR_FOR_DIFFERENCES", "OVERFLOWING", "StandardisedRowsMixin"]

import numpy as np

from skebm.units.data import ScaledRows

# Standard deviations whose squares float32 holds, in which chains move. In float64,
# digits are left there that tell hidden configurations apart.
FAR = 1e12

# Of the difference of two log-densities some digits are left: 0.02 nats.
FAR_FOR_DIFFERENCES = 1e7

# Products of values and parameters overflow.
OVERFLOWING = 1e100


class StandardisedRowsMixin:
    """Rows in units of the model, given what is taken off and divided by."""

    def _in_units(self, rows):
        return ScaledRows(rows, self._location, self._scale)

    def _drawn(self, rows, rng):
        return rows

    def _in_states(self, units):
        return self._location + self._scale * units

    def _given(self, rows, block, units):
        """Give the values of rows as users gave them, to the last bit."""
        return rows.take(block)

    def _refuse_far(self, rows, farthest=FAR, among=None):
        for block in rows.blocks(rows.n_columns):
            far = (np.abs(rows.take(block)) > farthest).any(axis=1)
            if among is not None:
                far &= among(rows.observed(block))
            if far.any():
                raise ValueError(
                    f"Row {block.start + far.argmax()} of X has a value more than "
                    f"{farthest:.0e} standard deviations from the others of its "
                    "column, of which too few digits are left for what is asked. Set "
                    "it to NaN, or leave the row out."
                )
