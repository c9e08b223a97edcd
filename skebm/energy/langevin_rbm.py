"""The Gaussian-binary machine whose chains move real rows, hidden units summed out."""

__all__ = ["LangevinGaussianRBMEnergy", "LangevinRBM"]

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skebm.energy.gaussian_rbm import GaussianRBMEnergy
from skebm.energy.langevin_chains import LangevinChains
from skebm.energy.offsets import centre
from skebm.energy.rbm import RBMEnergy
from skebm.units.gaussian import GaussianUnits

# Of what is missing of a row there are few chains, and few sweeps.
_STEPS_OF_VISIBLE = 5


class _SummedHidden(LangevinChains):
    """Langevin steps along the slope of the free energy of an `RBMEnergy`."""

    def bend(self, context, beta):
        """Compute what hidden units and biases add to the score; see `LangevinChains`.

        The slope of softplus(field) is the mean of the hidden unit.
        """
        beta = beta[:, np.newaxis]
        field = beta * context.field
        linear = np.dot(context.statistics, self.visible_bias)
        score = beta[:, 0] * linear + self.hidden.log_normaliser(field)
        slope = np.dot(self.hidden.mean(field), self.weights)
        slope += self.visible_bias
        slope *= beta
        return score, slope


@dataclass(frozen=True, eq=False)
class LangevinRBM(_SummedHidden, RBMEnergy):
    """A restricted machine with Gaussian visible units, of which chains move the rows.

    Parameters
    ----------
    matrix, visible, hidden, visible_offset, hidden_offset
        As of `RBMEnergy`.
    length : float, default=1.0
        Of Langevin steps at beta 1. In units of the noise the free energy is nowhere
        more curved upwards than that of one normal distribution, so that this suits
        most weights: of random ones of all strengths, of 20 to 500 hidden units and
        fewer columns, 0.4 to 1 of the steps are taken.
    steps_a_sweep : int, default=1
        Steps that count as one sweep.
    """

    length: float = 1.0
    steps_a_sweep: int = 1


@dataclass(frozen=True, eq=False)
class LangevinGaussianRBMEnergy(_SummedHidden, GaussianRBMEnergy):
    """As `GaussianRBMEnergy`, with chains that move y = B v by Langevin steps.

    Parameters
    ----------
    matrix, visible, hidden, visible_offset, hidden_offset, ridge, log_volume
        As of `GaussianRBMEnergy`.
    length : float, default=1.0
        As of `LangevinRBM`.
    """

    length: float = 1.0

    @property
    def units(self):
        """Units of the rows that chains move: y, with unit variance given h."""
        return self.chain_machine.visible

    @cached_property
    def chain_machine(self):
        """The machine of rows y."""
        white = GaussianUnits.of_base(np.ones(self.n_visible, self.dtype))
        return self._machine_of(white)

    def marginal(self):
        """Give the machine of rows y; see `Energy.marginal`."""
        _, constant = self.with_visible_chains()
        return self.chain_machine, self.log_volume - self.visible.log_det + constant

    def with_visible_chains(self):
        """Give the machine whose chains move visible rows, and what it lacks."""
        _, constant = super().with_visible_chains()
        return self._machine_of(self.visible, _STEPS_OF_VISIBLE), constant

    def _machine_of(self, visible, steps_a_sweep=1):
        return LangevinRBM(
            self.matrix,
            visible,
            self.hidden,
            self.visible_offset,
            self.hidden_offset,
            self.length,
            steps_a_sweep,
        )

    def chain_mean(self, mean):
        """Give means of rows that chains move: they are centred."""
        return np.zeros(self.n_visible)

    def complete(self, visible, noise, beta=1.0):
        """Give the rows y of rows v."""
        return self.visible.statistics(visible)

    def visible_of(self, rows, noise, beta=1.0):
        """Give the rows v of rows y."""
        return self.visible.states(rows)

    def chain_statistics(self, chains):
        """Average -dE/dtheta over rows y, those of the noise known of the model."""
        hidden, white = self.sides_of(centre(chains, self.visible_offset))
        matrix = np.dot(hidden.T, white) / len(chains)
        return self._gradient(matrix, self.visible.model_slope())
