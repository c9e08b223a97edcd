"""The energy that a network gives, beside that of a normal distribution."""

__all__ = ["NeuralEnergy"]

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from skebm.energy.base import Energy
from skebm.energy.conditionals.neural import conditional_log_density
from skebm.energy.langevin_chains import LangevinChains
from skebm.energy.metropolis import accepted
from skebm.energy.network import Network
from skebm.units.gaussian import GaussianUnits

# Of what is missing of a row there are few chains, and few sweeps.
_STEPS_OF_VISIBLE = 5

# Standard deviations of the normal distributions that leaps are drawn of.
_WIDTHS = 1.0, 3.0, 9.0

# Halvings of a step downhill before a row counts as at rest.
_MOST_HALVINGS = 30


@dataclass(frozen=True, eq=False)
class NeuralEnergy(LangevinChains, Energy):
    """E(v) = |z|^2 / 2 + f(z), for z = B v and a network f.

    Chains move rows z. There the distribution at an inverse temperature beta is the
    normal one with unit variances, times exp(-beta f): at 0 it is known.

    Parameters
    ----------
    vector : ndarray of shape (n_parameters,)
        Parameters of the network, see `Network.of`.
    sizes : tuple of int
        Number of columns, and of units in each layer.
    activation : str
        Of `network.ACTIVATIONS`.
    visible : GaussianUnits
        With B, which does not learn.
    length : float, default=1.0
        Of Langevin steps at beta 1. It follows how many are taken while chains learn,
        and at no other time.
    log_volume : float, default=0.0
        Logarithm of the volume, in units that users know, of a unit of volume of v.
    moves_visible : bool, default=False
        Whether chains move rows v, of which some columns may be held.
    """

    vector: np.ndarray
    sizes: tuple
    activation: str
    visible: GaussianUnits
    length: float = 1.0
    log_volume: float = 0.0
    moves_visible: bool = False

    parameters = ("vector",)
    real_columns = slice(None)

    def astype(self, dtype):
        """Return the same energy with parameters of another dtype."""
        return super().astype(dtype).replaced(visible=self.visible.astype(dtype))

    @cached_property
    def network(self):
        """f, whose arrays are views of the vector."""
        return Network.of(self.vector, self.sizes, self.activation)

    @property
    def penalised(self):
        """The weights of all layers, a view; biases are free."""
        return self.vector[: Network.n_parameters(self.sizes)[0]]

    # ---- units ----

    @property
    def units(self):
        """Units of the rows that chains move."""
        return self.visible if self.moves_visible else self._white_units

    @property
    def visible_units(self):
        """Units of rows v."""
        return self.visible

    @property
    def noise(self):
        """Units of which all columns are real: the same."""
        return self.visible

    @property
    def n_units(self):
        """Number of columns of all layers together."""
        return sum(self.sizes)

    @property
    def n_visible(self):
        """Number of columns of rows v."""
        return self.sizes[0]

    @cached_property
    def _white_units(self):
        return GaussianUnits.of_base(np.ones(self.sizes[0], self.dtype))

    # ---- energies ----

    def context(self, rows):
        """Compute the base and the network at rows that chains move."""
        rows = rows.astype(self.dtype, copy=False)
        white = self.visible.statistics(rows) if self.moves_visible else rows
        return _Context(rows, white, self.network.layers(white))

    def score(self, context, beta=1.0):
        """Compute -beta E, (n_rows,)."""
        white = context.statistics
        squares = np.einsum("ij,ij->i", white, white) / 2
        return -beta * (squares + self.network.output(context.layers))

    def log_ratio(self, context, beta, other):
        """Compare rows at two inverse temperatures.

        They keep the measure of the normal distribution, as in `sweep` with a tilt.
        """
        output = self.network.output(context.layers).astype(np.float64)
        return np.subtract(beta, other) * output

    def free_energy(self, rows):
        """Compute E of rows v: nothing is summed out."""
        machine = self.replaced(moves_visible=True)
        return -machine.score(machine.context(rows))

    def gradient(self, rows):
        """Compute the derivatives of E by rows v, (n_rows, n_visible)."""
        white = self.visible.statistics(rows.astype(self.dtype, copy=False))
        slope = white + self.network.row_gradient(self.network.layers(white))
        return self.visible.slope_by_states(slope)

    def conditional_log_likelihood(self, rows):
        """Compute log p(v_i | the others) of every i: `conditional_log_density`."""
        return conditional_log_density(self, rows)

    def hidden_mean(self, rows):
        """Give what the last layer says of rows v."""
        white = self.visible.statistics(rows.astype(self.dtype, copy=False))
        return self.network.layers(white)[0][-1]

    # ---- other machines ----

    def marginal(self):
        """Give the machine of rows z; see `Energy.marginal`."""
        machine = self.replaced(visible=self._white_units, log_volume=0.0)
        return machine, self.log_volume - self.visible.log_det

    def with_visible_chains(self):
        """Give the machine whose chains move visible rows, and what it lacks."""
        return self.replaced(moves_visible=True), 0.0

    def at_temperature(self, temperature):
        """Give the machine whose distribution is proportional to exp(-E / temperature).

        In z / root(temperature) it has its form again.
        """
        root, vector = np.sqrt(temperature), self.vector.copy()
        network = Network.of(vector, self.sizes, self.activation)
        network.weights[0][...] *= root
        network.weights[-1][...] /= temperature
        visible = GaussianUnits.of_base(self.visible.whitening / root)
        return self.replaced(vector=vector, visible=visible)

    # ---- chains ----

    def chain_mean(self, mean):
        """Give means of rows that chains move, without the network."""
        return np.zeros(self.sizes[0])

    def complete(self, visible, noise, beta=1.0):
        """Give the rows that chains move of rows v."""
        return visible if self.moves_visible else self.visible.statistics(visible)

    def visible_of(self, rows, noise, beta=1.0):
        """Give the rows v of rows that chains move."""
        return rows if self.moves_visible else self.visible.states(rows)

    @property
    def steps_a_sweep(self):
        """Steps that count as one sweep."""
        return _STEPS_OF_VISIBLE if self.moves_visible else 1

    def sweep(self, context, noise, *, beta=1.0, tilt=None, fixed=None, reverse=False):
        """Leap, and make Langevin steps; see `Energy`."""
        if fixed is not None or self.moves_visible:
            return super().sweep(context, noise, beta=beta, tilt=tilt, fixed=fixed)
        if not reverse:
            context = self.context(self._leap(context, noise, beta, tilt))
        rows = super().sweep(context, noise, beta=beta, tilt=tilt)
        return self._leap(self.context(rows), noise, beta, tilt) if reverse else rows

    def gibbs(self, rows, noise, n_sweeps=1, **settings):
        """Make so many sweeps, or steps of visible rows."""
        if self.moves_visible:
            return super().gibbs(rows, noise, n_sweeps, **settings)
        return Energy.gibbs(self, rows, noise, n_sweeps, **settings)

    def contrast(self, batch, chains, noise, n_sweeps=1, rate=1.0):
        """Let chains leap once, and then do as `LangevinChains.contrast`."""
        chains = self._leap(self.context(chains), noise, 1.0, None)
        return super().contrast(batch, chains, noise, n_sweeps, rate)

    def _leap(self, context, noise, beta, tilt):
        """Propose rows of wide normal distributions, whatever rows are now.

        Slopes lead nowhere from one group of rows to another, and a network may have
        dug a hole where no data are. Few leaps are taken, and each leaves the law as it
        is. In many columns none is: the hole has to be where slopes lead.
        """
        rows = context.rows
        widths = noise.rng.choice(_WIDTHS, len(rows)).astype(self.dtype)
        proposed = noise.rng.standard_normal(rows.shape, self.dtype)
        proposed *= widths[:, np.newaxis]
        log_ratio = self._log_gain(self.context(proposed), beta, tilt)
        log_ratio -= self._log_gain(context, beta, tilt)
        taken = accepted(log_ratio, noise)[:, np.newaxis]
        return np.where(taken, proposed, rows)

    def _log_gain(self, context, beta, tilt):
        """Give the log of the density of rows over that with which leaps propose them.

        Neither has constants.
        """
        white = context.statistics
        squares = np.einsum("ij,ij->i", white, white)
        wide = [-squares / 2 / w**2 - white.shape[1] * np.log(w) for w in _WIDTHS]
        gain = -squares / 2 - beta * self.network.output(context.layers)
        if tilt is not None:
            gain += (white * tilt).sum(axis=1)
        return gain - np.logaddexp.reduce(wide)

    def bend(self, context, beta):
        """Compute -beta f and its derivatives by z; see `LangevinChains`."""
        slope = self.network.row_gradient(context.layers)
        slope *= -beta[:, np.newaxis]
        return -beta * self.network.output(context.layers), slope

    # ---- learning ----

    def statistics(self, rows, row_weights=None, *, noise=None):
        """Average -dE/dtheta over rows v."""
        return self._statistics(self.visible.statistics(rows), row_weights)

    def chain_statistics(self, chains):
        """Average -dE/dtheta over rows z."""
        return self._statistics(chains, None)

    def _statistics(self, white, row_weights):
        white = white.astype(self.dtype, copy=False)
        if row_weights is None:
            row_weights = np.full(len(white), 1 / len(white))
        weights = -row_weights.astype(self.dtype)
        layers = self.network.layers(white)
        return self.with_arrays([self.network.parameter_gradient(layers, weights)])

    # ---- minima ----

    def relaxed(self, rows, observed, free):
        """Move columns downhill; see `NoiseParameters.relaxed`.

        The first step leads to the minimum if only the slope of the network stays as it
        is. It is halved until the energy falls by a quarter of what the slope promises,
        at least.
        """
        axes, slope = self.visible.axes()[free], self.gradient(rows)
        step = np.zeros_like(rows)
        step[:, free] = -np.linalg.solve(axes @ axes.T, slope[:, free].T).T
        promised = -np.einsum("ij,ij->i", step, slope)
        before, result = self.free_energy(rows), rows.copy()
        active = np.flatnonzero(promised > 0)
        for halving in range(_MOST_HALVINGS):
            factor = 0.5**halving
            tried = rows[active] + factor * step[active]
            falls = before[active] - self.free_energy(tried)
            enough = falls >= factor / 4 * promised[active]
            result[active[enough]] = tried[enough]
            active = active[~enough]
            if not len(active):
                break
        return result


class _Context(NamedTuple):
    """Rows that chains move, z, and what the network makes of them."""

    rows: np.ndarray
    statistics: np.ndarray
    layers: tuple
