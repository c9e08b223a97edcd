"""The exact mean log-likelihood of machines that see of the data its moments alone."""

__all__ = ["MomentLikelihood"]

import numpy as np

from skebm.learning.weighted_rows import WeightedRows
from skebm.partition.enumeration import MAX_ENUMERATED_UNITS, count_enumerated_units


class MomentLikelihood:
    """Mean log-likelihood of rows as a function of a vector, without hidden units.

    Where all units are visible, the energy is linear in the coordinates: the data
    matter by the means of its derivatives alone, which are taken once, and an
    evaluation costs an enumeration however many rows there are.

    Its values are those of `ExactLikelihood`, whose interface it has.

    Parameters
    ----------
    energy : energy object
        Of a fully visible machine, of the shape that vectors describe; its
        parameters are not used.
    rows : Rows
        The data.
    row_weights : ndarray of shape (n_rows,), default=None
        What each row counts, not negative. None counts each as 1.

    Attributes
    ----------
    coordinates : object
        What turns energies into vectors and back, `energy.standardised`.

    Raises
    ------
    ValueError
        If there are too many units to enumerate their configurations.
    """

    measures = "log_likelihood"

    def __init__(self, energy, rows, row_weights=None):
        n_units = count_enumerated_units(energy)
        if n_units > MAX_ENUMERATED_UNITS:
            raise ValueError(
                "Exact learning enumerates the configurations of all units, of which "
                f"there are {n_units}: there can be at most {MAX_ENUMERATED_UNITS}. "
                "Learn by pseudolikelihood, or by a stochastic algorithm."
            )
        weighted = WeightedRows(rows, row_weights)
        self.coordinates = energy.standardised(weighted.mean)
        self._data = sum(
            self.coordinates.derivative(energy.row_moments(part, weights)[1])
            for part, weights in weighted.blocks(energy.n_units)
        )

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
            log_partition, moments = self.coordinates.energy(vector).model_moments()
            log_likelihood = self._data @ vector - log_partition
            gradient = self._data - self.coordinates.derivative(moments)
        if not np.isfinite(log_likelihood):
            raise FloatingPointError(
                "The log-likelihood is not finite: the parameters are out of all "
                "bounds. Start from smaller ones, or penalise the couplings by alpha."
            )
        return float(log_likelihood), gradient
