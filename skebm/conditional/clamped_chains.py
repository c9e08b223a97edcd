"""Chains of what is missing of rows, while what is observed is held."""

__all__ = [
    "ClampedChains",
    "average_clamped",
    "evenly_spread",
    "redraw_missing",
    "run_clamped",
]

import numpy as np
from scipy.special import ndtri

from skebm.sampling.random import UniformNoise
from skebm.units.binary import BinaryUnits
from skebm.units.data import row_blocks

# Chains of each row where rows are scored, or means are taken.
N_CHAINS = 20

# Sweeps of these, of which the second half counts.
_SWEEPS = 60


class _SharedNoise:
    """The same noise for every row, whatever rows it is scored with.

    Parameters
    ----------
    seed : int
        Where all randomness comes from.
    n_rows : int
        Rows that share the noise, each with as many chains.
    """

    def __init__(self, seed, n_rows):
        self._noise = UniformNoise(np.random.default_rng(seed), np.float32)
        self._n_rows = n_rows
        self.rng = self

    def draw(self, shape):
        """Draw variates, rows along whichever axis is as long as all chains."""
        return self._shared(self._noise.draw, shape)

    def standard_normal(self, shape, dtype):
        """Draw normal variates, as a generator does."""
        own = self._noise.rng
        return self._shared(lambda shape: own.standard_normal(shape, dtype), shape)

    def _shared(self, draw, shape):
        axis = 0 if shape[0] == self._n_rows * N_CHAINS else 1
        own, times = list(shape), [1, 1]
        own[axis], times[axis] = N_CHAINS, self._n_rows
        return np.tile(draw(own), times)


def evenly_spread(seed, n_draws):
    """List sources of noise for one draw each, the same for every row, even together.

    Of every variate, the draws have the quantiles of its law, each once, in an order of
    its own: a Latin hypercube. So averages over draws have next to no error where
    variates add up.
    """
    orders = _Orders(np.random.default_rng(seed), n_draws)
    return [_EvenNoise(orders, draw) for draw in range(n_draws)]


class _Orders:
    """Quantiles of variates in random order, a column for each variate of a draw."""

    def __init__(self, rng, n_draws):
        self._rng = rng
        self._n_draws = n_draws
        self._of = {}

    def quantiles(self, name, draw, n_variates):
        """Give the quantiles of the variates of one name in one draw."""
        if (name, n_variates) not in self._of:
            order = self._rng.random((self._n_draws, n_variates)).argsort(axis=0)
            self._of[name, n_variates] = (order + 0.5) / self._n_draws
        return self._of[name, n_variates][draw]


class _EvenNoise:
    """Noise of one of several draws; see `evenly_spread`."""

    def __init__(self, orders, draw):
        self._orders = orders
        self._draw = draw
        self._n_asked = 0
        self.rng = self

    def draw(self, shape):
        """Give variates between -1 and 1."""
        self._n_asked += 1
        quantiles = self._orders.quantiles(self._n_asked, self._draw, shape[1])
        return np.broadcast_to(2 * quantiles - 1, shape)

    def standard_normal(self, shape, dtype):
        """Give normal variates, as a generator does."""
        quantiles = self._orders.quantiles("normal", self._draw, shape[1])
        return np.broadcast_to(ndtri(quantiles).astype(dtype), shape).copy()


class ClampedChains:
    """A block of rows with chains of what is missing, which depend on no other row.

    Parameters
    ----------
    machine : Energy
        Float32, as of `with_visible_chains`.
    rows, observed : ndarray of shape (n_rows, n_columns)
        Of all columns that chains move.
    mean : ndarray of shape (n_columns,)
        Means of statistics, with which chains start.
    seed : int
        Determines all draws.
    """

    def __init__(self, machine, rows, observed, mean, seed):
        self.machine = machine
        self.observed = observed
        self.noise = _SharedNoise(seed, len(rows))
        self.held = np.repeat(observed, N_CHAINS, axis=0)
        self._states = np.repeat(rows.astype(np.float32), N_CHAINS, axis=0)
        field = machine.units.natural(mean).astype(np.float32)
        self.restart(np.tile(field, (len(rows), 1)))

    def restart(self, field):
        """Draw what is missing of each row from independent units in its field."""
        field = np.repeat(field, N_CHAINS, axis=0)
        self.rows = self.machine.units.draw_missing(
            field, self._states, self.held, self.noise
        )

    def average(self, function, n_sweeps):
        """Sweep; average a function of rows over chains and the second half of time."""
        total = 0.0
        for sweep in range(n_sweeps):
            context = self.machine.context(self.rows)
            self.rows = self.machine.sweep(context, self.noise, fixed=self.held)
            if sweep >= n_sweeps // 2:
                total = total + function(self.rows)
        total = total / (n_sweeps - n_sweeps // 2)
        return total.reshape(len(self.observed), N_CHAINS, -1).mean(axis=1)


def clamped_blocks(energy, rows, observed, mean, seed):
    """Start chains of rows, a block of these at a time.

    Parameters
    ----------
    energy : Energy
        Of the model.
    rows, observed : ndarray of shape (n_rows, n_visible)
        As of `Energy.observed_score`.
    mean : ndarray of shape (n_visible,)
        Means of the columns.
    seed : int
        Determines all draws.

    Yields
    ------
    block : slice
        Of rows.
    chains : ClampedChains
        Of these rows.
    rows : ndarray
        The block, of all columns that chains move.
    """
    _refuse_fractions(energy, rows, observed)
    machine, _ = energy.astype(np.float32).with_visible_chains()
    rows, observed, mean = all_columns(machine, rows, observed, mean)
    for block in _blocks(len(rows), rows.shape[1], machine.n_units):
        known = rows[block], observed[block]
        yield block, ClampedChains(machine, *known, mean, seed), mean, known[0]


def average_clamped(energy, rows, observed, mean, seed, function):  # noqa: PLR0917
    """Average a function of visible rows over draws of what is missing of each."""
    n_visible = rows.shape[1]
    parts = [
        chains.average(lambda moved: function(moved[:, :n_visible]), _SWEEPS)
        for _, chains, _, _ in clamped_blocks(energy, rows, observed, mean, seed)
    ]
    return np.concatenate(parts)


def run_clamped(energy, rows, observed, mean, noise, n_sweeps):  # noqa: PLR0917
    """Run chains of what is missing, one a row, from independent draws of it."""
    machine, _ = energy.with_visible_chains()
    n_visible = rows.shape[1]
    rows, observed, mean = all_columns(machine, rows, observed, mean)
    field = machine.units.natural(mean).astype(np.float32)
    field = np.tile(field, (len(rows), 1))
    rows = machine.units.draw_missing(field, rows.astype(np.float32), observed, noise)
    rows = machine.gibbs(rows, noise, n_sweeps, fixed=observed)
    return rows[:, :n_visible]


def redraw_missing(energy, rows, observed, noise, n_sweeps=1):
    """Move what is missing of rows by sweeps, from what stands there."""
    machine, _ = energy.with_visible_chains()
    n_visible = rows.shape[1]
    moved = machine.complete(rows, noise)
    held = np.zeros(moved.shape, dtype=bool)
    held[:, :n_visible] = observed
    return machine.gibbs(moved, noise, n_sweeps, fixed=held)[:, :n_visible]


def all_columns(machine, rows, observed, mean):
    """Append the columns of hidden units that chains move as well, as missing ones."""
    n_more = machine.units.n_columns - rows.shape[1]
    if n_more == 0:
        return rows, observed, mean
    more = np.zeros((len(rows), n_more))
    rows, observed = np.hstack([rows, more]), np.hstack([observed, more > 0])
    return rows, observed, machine.chain_mean(mean)


def _refuse_fractions(energy, rows, observed):
    """Refuse probabilities among what chains of binary units are to hold."""
    if not isinstance(energy.visible_units, BinaryUnits):
        return
    if (observed & (rows != 0) & (rows != 1)).any():
        raise ValueError(
            "X has values between the two states, in rows of which so much is missing "
            "that it is summed over by chains. These hold states alone: set binarize "
            "to a threshold, or draw what is missing by sample(given=X)."
        )


def _blocks(n_rows, n_columns, n_units):
    """Cut rows into blocks in which all chains are more than columns, or of one row."""
    least = n_columns // N_CHAINS + 1
    for block in row_blocks(n_rows, max(1, n_units * N_CHAINS)):
        if block.stop - block.start >= least:
            yield block
        else:
            yield from (slice(i, i + 1) for i in range(block.start, block.stop))
