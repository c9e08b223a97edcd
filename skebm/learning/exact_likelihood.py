"""The exact mean log-likelihood of a table, and its gradient, by enumeration."""

__all__ = ["ExactLikelihood", "merge_rows"]

import numpy as np

from skebm._rows import Rows
from skebm.partition.enumeration import MAX_ENUMERATED_UNITS, count_enumerated_units


class ExactLikelihood:
    """Mean log-likelihood of rows as a function of a vector of coordinates.

    Parameters
    ----------
    energy : energy object
        Of the shape that vectors describe; its parameters are not used.
    rows : Rows
        The data.
    row_weights : ndarray of shape (n_rows,), default=None
        What each row counts, not negative. None counts each as 1.

    Raises
    ------
    ValueError
        If no layer is small enough to be enumerated.
    """

    def __init__(self, energy, rows, row_weights=None):
        n_smallest = count_enumerated_units(energy)
        if n_smallest > MAX_ENUMERATED_UNITS:
            raise ValueError(
                f"Exact learning enumerates the smaller layer, which has {n_smallest} "
                f"units: it can have at most {MAX_ENUMERATED_UNITS}. Use fewer "
                "components, or a stochastic algorithm."
            )
        if row_weights is None:
            row_weights = np.ones(rows.n_rows)
        self._rows, weights = merge_rows(rows, row_weights)
        total = weights.sum()
        self._row_weights = weights / total
        self._row_elements = energy.n_units
        sums = sum(weights @ part for weights, part in self._blocks()) * total
        # Half a row more on each side keeps the means off 0 and 1.
        self.coordinates = energy.standardised((sums + 0.5) / (total + 1))

    def evaluate(self, vector):
        """Compute the likelihood and its gradient.

        Parameters
        ----------
        vector : ndarray of shape (n_parameters,)
            Coordinates of an energy.

        Returns
        -------
        log_likelihood : float
            Mean over the rows, in nats.
        gradient : ndarray of shape (n_parameters,)
            By the coordinates.

        Raises
        ------
        FloatingPointError
            If the log-likelihood is not finite.
        """
        # Overflow shows in the likelihood, which is checked.
        with np.errstate(over="ignore", invalid="ignore"):
            energy = self.coordinates.energy(vector)
            log_partition, moments = energy.model_moments()
            log_likelihood = -log_partition
            gradient = -self.coordinates.derivative(moments)
            for weights, part in self._blocks():
                value, moments = energy.row_moments(part, weights)
                log_likelihood += value
                gradient += self.coordinates.derivative(moments)
        if not np.isfinite(log_likelihood):
            raise FloatingPointError(
                "The log-likelihood is not finite: the parameters are out of all "
                "bounds. Start from smaller ones, or penalise the weights by alpha."
            )
        return float(log_likelihood), gradient

    def _blocks(self):
        for block in self._rows.blocks(self._row_elements):
            part = self._rows.take(block).astype(np.float64, copy=False)
            yield self._row_weights[block], part


def merge_rows(rows, row_weights):
    """Merge equal rows where there are so few columns that they can be counted.

    Parameters
    ----------
    rows : Rows
        The data.
    row_weights : ndarray of shape (n_rows,)
        What each row counts.

    Returns
    -------
    rows : Rows
        Each binary row once where its columns could be enumerated, else the
        same as before.
    row_weights : ndarray of shape (n_rows,)
        The sum of what equal rows count.
    """
    n_columns = rows.n_columns
    is_binary = rows.table.dtype == bool or rows.threshold is not None
    if n_columns > MAX_ENUMERATED_UNITS or not is_binary:
        return rows, row_weights
    totals = np.zeros(2**n_columns)
    bits = np.arange(n_columns)
    for block in rows.blocks(n_columns):
        numbers = rows.take(block) @ (1 << bits)
        totals += np.bincount(numbers, row_weights[block], len(totals))
    present = np.flatnonzero(totals)
    table = (present[:, np.newaxis] >> bits & 1).astype(bool)
    return Rows(table, None), totals[present]
