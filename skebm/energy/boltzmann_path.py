"""The path from independent units to a Boltzmann machine, for annealing."""

__all__ = ["BoltzmannPath"]

import numpy as np
from scipy.special import logit

from skebm.energy.layers import draw_layer
from skebm.energy.sweeps import gibbs_sweeps
from skebm.energy.units import softplus


class BoltzmannPath:
    """Machines between independent units (beta 0) and a Boltzmann machine (beta 1).

    At inverse temperature beta the couplings are beta times the target's, and the
    biases lie that share of the way from the log-odds of `visible_mean` to the
    target's.

    Parameters
    ----------
    target : BoltzmannEnergy
        The machine at the end.
    visible_mean : ndarray of shape (n_visible,)
        Means of the independent units at the start, strictly inside (0, 1).
    """

    def __init__(self, target, visible_mean):
        self.start_bias = logit(visible_mean).astype(target.dtype)
        self.tilt_bias = target.bias - self.start_bias
        self.weights = target.sparse_couplings()
        self.colours = target.colours
        if self.colours is None:
            self._weights_back = np.ascontiguousarray(self.weights[::-1, ::-1])

    def start(self, n_chains, noise):
        """Draw rows at beta 0; give the exact log Z there as well."""
        field = np.tile(self.start_bias, (n_chains, 1))
        log_partition = softplus(self.start_bias.astype(np.float64)).sum()
        return draw_layer(field, noise), log_partition

    def move(self, visible, beta, next_beta, noise):
        """Weigh rows for the next temperature, then move them there.

        On the way back, to lower temperatures, units are drawn in the opposite
        order: that makes the sweep the reversal of the one there.

        Returns
        -------
        visible : ndarray of shape (n_chains, n_visible)
            The rows after one Gibbs sweep at `next_beta`.
        log_weight : ndarray of shape (n_chains,)
            Fall in energy of the given rows from `beta` to `next_beta`, which may
            be the lower of the two, in float64.
        """
        rows = visible.astype(self.start_bias.dtype)
        slope = rows @ self.weights
        slope *= 0.5
        slope += self.tilt_bias
        log_weight = np.einsum("ij,ij->i", rows, slope).astype(np.float64)
        log_weight *= next_beta - beta

        # A bias for each row is taken as it is, and not multiplied by beta.
        bias = self.start_bias + self.start_bias.dtype.type(next_beta) * self.tilt_bias
        sweep = self._sweep_there if next_beta >= beta else self._sweep_back
        bias = np.broadcast_to(bias, visible.shape)
        return sweep(visible, bias, noise, float(next_beta)), log_weight

    def _sweep_there(self, visible, bias, noise, beta):
        return gibbs_sweeps(
            visible, self.weights, bias, noise, beta=beta, colours=self.colours
        )

    def _sweep_back(self, visible, bias, noise, beta):
        if self.colours is not None:
            colours = self.colours[::-1]
            return gibbs_sweeps(
                visible, self.weights, bias, noise, beta=beta, colours=colours
            )
        swept = gibbs_sweeps(
            visible[:, ::-1], self._weights_back, bias[:, ::-1], noise, beta=beta
        )
        return np.ascontiguousarray(swept[:, ::-1])
