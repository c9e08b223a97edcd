"""The mean log-pseudolikelihood of a table, and its gradient."""

__all__ = ["PseudoLikelihood"]

import numpy as np

from skebm.energy.boltzmann_conditionals import moments_of_conditionals
from skebm.learning.weighted_rows import WeightedRows


class PseudoLikelihood:
    """Mean log-pseudolikelihood of rows as a function of a vector of coordinates.

    That is the sum over units of the log-probability of each given all others
    [1]_: a concave function without a partition function, whose maximum tends to
    the machine that drew the rows as they get many. Each coupling acts on both of
    its units, so that couplings are symmetric by themselves.

    It has the interface of `ExactLikelihood`, and can be climbed in its place.

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

    References
    ----------
    .. [1] Besag, J. (1975). Statistical analysis of non-lattice data. The
       Statistician 24(3), 179-195. :doi:`10.2307/2987782`
    """

    measures = "pseudo_log_likelihood"

    def __init__(self, energy, rows, row_weights=None):
        self._rows = WeightedRows(rows, row_weights)
        self._row_elements = energy.n_units
        self.coordinates = energy.standardised(self._rows.mean)

    def evaluate(self, vector):
        """Compute the log-pseudolikelihood and its gradient.

        Parameters
        ----------
        vector : ndarray of shape (n_parameters,)
            Coordinates of an energy.

        Returns
        -------
        log_likelihood : float
            Sum over units, mean over rows, in nats.
        gradient : ndarray of shape (n_parameters,)
            By the coordinates.

        Raises
        ------
        FloatingPointError
            If the log-pseudolikelihood is not finite.
        """
        log_likelihood, gradient = 0.0, np.zeros_like(vector)
        # Overflow shows in the log-pseudolikelihood, which is checked.
        with np.errstate(over="ignore", invalid="ignore"):
            energy = self.coordinates.energy(vector)
            for part, weights in self._rows.blocks(self._row_elements):
                value, moments = moments_of_conditionals(energy, part, weights)
                log_likelihood += value
                gradient += self.coordinates.derivative(moments)
        if not np.isfinite(log_likelihood):
            raise FloatingPointError(
                "The log-pseudolikelihood is not finite: the parameters are out of "
                "all bounds. Start from smaller ones, or penalise the couplings by "
                "alpha."
            )
        return log_likelihood, gradient
