"""The path from independent units to a Boltzmann machine, for parallel tempering."""

__all__ = ["TemperedBoltzmann", "TemperedBoltzmannContext"]

from typing import NamedTuple

import numpy as np
from scipy.special import logit

from skebm.energy.sweeps import gibbs_sweeps


class TemperedBoltzmannContext(NamedTuple):
    """What the exchange and the sweep both need to know of rows.

    Parameters
    ----------
    visible : ndarray of shape (n_rows, n_visible)
        The rows, boolean.
    tilt : ndarray of shape (n_rows,)
        How much inverse temperature 1 favours the row over 0, in nats.
    """

    visible: np.ndarray
    tilt: np.ndarray


class TemperedBoltzmann:
    """A Boltzmann machine at an inverse temperature beta of its own in each row.

    The machines are those that annealing passes through: beta times the couplings,
    and biases that share of the way from the log-odds of `visible_mean` to the
    machine's. At beta 0 the units are independent, so that a sweep there forgets
    where it started.

    Parameters
    ----------
    target : BoltzmannEnergy
        The machine at beta 1.
    visible_mean : ndarray of shape (n_visible,)
        Means of the independent units at beta 0, strictly inside (0, 1).
    """

    def __init__(self, target, visible_mean):
        self.start_bias = logit(visible_mean).astype(target.dtype)
        self.tilt_bias = target.bias - self.start_bias
        self.weights = target.sparse_couplings()
        self.colours = target.colours

    def context(self, visible):
        """Compute what the other methods need of boolean rows."""
        rows = visible.astype(self.start_bias.dtype)
        slope = rows @ self.weights
        slope *= 0.5
        slope += self.tilt_bias
        return TemperedBoltzmannContext(visible, np.einsum("ij,ij->i", rows, slope))

    def log_ratio(self, context, beta, other_beta):
        """Compare the probabilities of each row at two inverse temperatures.

        Parameters
        ----------
        context : TemperedBoltzmannContext
            Of the rows.
        beta, other_beta : ndarray of shape (n_rows,)
            The inverse temperatures.

        Returns
        -------
        log_ratio : ndarray of shape (n_rows,)
            Fall in energy from `beta` to `other_beta`, in nats, float64. It leaves
            out the two log Z.
        """
        return context.tilt * (other_beta - beta)

    def sweep(self, context, beta, noise):
        """Draw the units of each row at its beta, one after the other.

        Returns
        -------
        visible : ndarray of shape (n_rows, n_visible)
            Boolean.
        """
        beta = beta.astype(self.start_bias.dtype)
        # A bias for each row is taken as it is, and not multiplied by beta.
        bias = np.multiply.outer(beta, self.tilt_bias)
        bias += self.start_bias
        return gibbs_sweeps(
            context.visible,
            self.weights,
            bias,
            noise,
            beta=beta,
            colours=self.colours,
        )
