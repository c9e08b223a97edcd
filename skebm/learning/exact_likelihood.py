"""The exact mean log-likelihood of a table, and its gradient, by enumeration."""

__all__ = ["ExactLikelihood"]

import numpy as np

from skebm.learning.weighted_rows import WeightedRows
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

    measures = "log_likelihood"

    def __init__(self, energy, rows, row_weights=None):
        n_smallest = count_enumerated_units(energy)
        if n_smallest > MAX_ENUMERATED_UNITS:
            raise ValueError(
                f"Exact learning enumerates the smaller layer, which has {n_smallest} "
                f"units: it can have at most {MAX_ENUMERATED_UNITS}. Use fewer "
                "components, or a stochastic algorithm."
            )
        self._rows = WeightedRows(rows, row_weights)
        self._row_elements = energy.n_units
        self.coordinates = energy.standardised(self._rows.mean)

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
            gradient = -self.coordinates.derivative(moments, energy)
            for part, weights in self._rows.blocks(self._row_elements):
                value, moments = energy.row_moments(part, weights)
                log_likelihood += value
                gradient += self.coordinates.derivative(moments, energy)
        if not np.isfinite(log_likelihood):
            raise FloatingPointError(
                "The log-likelihood is not finite: the parameters are out of all "
                "bounds. Start from smaller ones, or penalise the weights by alpha."
            )
        return float(log_likelihood), gradient
