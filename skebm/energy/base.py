"""What an energy is asked for, its arithmetic, and what follows from the rest.

An energy is a vector: a frozen object of parameter arrays with ``+``, ``-`` and ``*``
by a number. So a gradient is an energy, and so are an average of iterates, a step
``energy + rate * gradient`` and a point on the line between two machines.
"""

__all__ = ["Energy"]

import numpy as np
from scipy.special import logsumexp

from skebm.energy.completions import CompletionSums
from skebm.units.base import Frozen, Vector
from skebm.units.binary import BinaryUnits, draw_binary, softplus
from skebm.units.data import row_blocks


class Energy(CompletionSums, Vector, Frozen):
    """A score of configurations: exp(-E) / Z is the probability of one.

    A new energy is a frozen dataclass that names its `parameters`, and defines `units`,
    `score` and `statistics`. All else has a default that follows from these, written
    once and as slow as it must be; an energy overrides what it can do faster. With
    hidden units that cannot be summed out it also has `complete` and `visible_of`.
    """

    # Names of the arrays that are learned, the penalised one first.
    parameters = ()

    # Whether the sum that log Z is takes no longer than to follow it by chains. An
    # energy may have a method `enumerated_log_partition`, faster than listing all rows.
    sums_quickly = False

    # No data make one unit change the odds of another by a factor of exp(100).
    largest_weight = 100.0

    # Visible columns that hold real values.
    real_columns = slice(0, 0)

    # ---- what a new energy defines ----

    @property
    def units(self):
        """Units of the rows that chains move: of the visible layer, or of all units."""
        raise NotImplementedError

    def score(self, context, beta=1.0):
        """Compute the log of the sum of exp(-beta E) over what rows leave open.

        Parameters
        ----------
        context : object
            Of rows of configurations of `units`, as `context` gives it.
        beta : float or ndarray of shape (n_rows,), default=1.0
            Inverse temperature.

        Returns
        -------
        score : ndarray of shape (n_rows,)
            In nats; of one layer alone, -beta times the energy.
        """
        raise NotImplementedError

    def statistics(self, rows, row_weights=None, *, noise=None):
        """Average -dE/dtheta over rows of data, the hidden units averaged given them.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_columns)
            Visible units.
        row_weights : ndarray of shape (n_rows,), default=None
            What each row counts in the sum. None counts each 1 / n_rows.
        noise : UniformNoise, default=None
            Source of draws, for energies that average some hidden units by draws.

        Returns
        -------
        statistics : Energy
            A new one. That of data less that of the model is the gradient of the
            mean log-likelihood.
        """
        raise NotImplementedError

    # ---- arithmetic ----

    def arrays(self):
        """List the parameters."""
        return [getattr(self, name) for name in self.parameters]

    def with_arrays(self, arrays):
        """Return this energy with other parameters."""
        return self.replaced(**dict(zip(self.parameters, arrays, strict=True)))

    def __add__(self, other):
        return self._joined(np.add, other)

    def __sub__(self, other):
        return self._joined(np.subtract, other)

    def __mul__(self, factor):
        return self.with_arrays([float(factor) * array for array in self.arrays()])

    __rmul__ = __mul__

    def _joined(self, function, other):
        pairs = zip(self.arrays(), other.arrays(), strict=True)
        return self.with_arrays([function(*pair) for pair in pairs])

    # In place, for gradients on their way, which nobody else holds.

    def __iadd__(self, other):
        for own, others in zip(self.arrays(), other.arrays(), strict=True):
            np.add(own, others, out=own)
        return self.changed()

    def __isub__(self, other):
        for own, others in zip(self.arrays(), other.arrays(), strict=True):
            np.subtract(own, others, out=own)
        return self.changed()

    def __imul__(self, factor):
        for array in self.arrays():
            np.multiply(array, factor, out=array)
        return self.changed()

    def blend(self, other, fraction):
        """Return the energy this share of the way to another, in its offsets."""
        start, arrays = self.like(other), []
        for own, others in zip(start.arrays(), other.arrays(), strict=True):
            array = np.subtract(others, own)
            array *= fraction
            array += own
            arrays.append(array)
        return other.with_arrays(arrays)

    @property
    def dtype(self):
        """Floating dtype of every parameter."""
        return self.arrays()[0].dtype

    def astype(self, dtype):
        """Return the same energy with parameters of another dtype."""
        return self.with_arrays([array.astype(dtype) for array in self.arrays()])

    @property
    def penalised(self):
        """What a penalty of the weights acts on, a view of it."""
        return self.arrays()[0]

    @property
    def weights(self):
        """The weights that a penalty counts, each once."""
        return self.penalised

    def has_diverged(self):
        """Say whether a weight, or a parameter at all, is beyond reason."""
        largest = np.abs(self.penalised).max(initial=0)
        finite = all(np.isfinite(array).all() for array in self.arrays())
        return not (largest <= self.largest_weight and finite)

    # ---- offsets: other descriptions of the same distribution ----

    def shifted(self, visible=None, hidden=None):
        """Describe the same distribution with other offsets of units, where given."""
        return self

    def like(self, other):
        """Describe this distribution with the offsets of another energy."""
        return self

    def centred(self, mean):
        """Shift offsets to means of visible units, and to the middle of hidden ones."""
        return self.shifted(visible=mean)

    def plain(self):
        """Describe the same distribution without offsets."""
        return self.shifted(0.0, 0.0)

    # ---- energies, in nats: lower is likelier ----

    @property
    def n_visible(self):
        """Number of columns of visible rows."""
        return self.units.n_columns

    @property
    def n_units(self):
        """Number of columns of all layers together."""
        return self.n_visible

    def context(self, rows):
        """Compute what `score`, `log_ratio` and `sweep` share of rows."""
        return rows

    def log_ratio(self, context, beta, other):
        """Compare the unnormalised probabilities of rows at two inverse temperatures.

        Returns
        -------
        log_ratio : ndarray of shape (n_rows,)
            By how much `score` is higher at the other one, in nats, float64.
        """
        score = self.score(context, other).astype(np.float64)
        return score - self.score(context, beta)

    def free_energy(self, rows):
        """Compute -log of the sum of exp(-E) over hidden units, shape (n_rows,)."""
        return -self.score(self.context(rows))

    def rises(self, rows):
        """Compute by how much the free energy rises where one visible unit changes.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_visible)
            Float64.

        Returns
        -------
        rises : ndarray of shape (n_rows, n_visible)
            In nats, for each column that its unit is flipped, or put in the level of
            the column: 0 for levels that units are in. Infinite for real columns.
        """
        units, free_energy = self.visible_units, self.free_energy(rows)
        result = np.full(rows.shape, np.inf)
        for column in np.flatnonzero(units.switches >= 0):
            changed = self.free_energy(units.switched(rows, column))
            result[:, column] = changed - free_energy
        return result

    def conditional_log_likelihood(self, rows):
        """Compute log p(x_i | the other visible units) for every binary unit i.

        A value between 0 and 1 weighs the log-probabilities of on and off.

        Returns
        -------
        log_likelihood : ndarray of shape (n_rows, n_visible)
            In nats.
        """
        if not isinstance(self.units, BinaryUnits):
            raise ValueError(
                "This energy has no conditionals of units that are not binary."
            )
        result, flipped = np.empty(rows.shape), rows.copy()
        for unit, value in enumerate(rows.T):
            flipped[:, unit] = 0
            log_odds = self.free_energy(flipped)
            flipped[:, unit] = 1
            log_odds -= self.free_energy(flipped)
            flipped[:, unit] = value
            result[:, unit] = value * log_odds - softplus(log_odds)
        return result

    # ---- chains ----

    def chain_mean(self, mean):
        """Give means of rows that chains move, from those of the visible units."""
        return mean

    def at_temperature(self, temperature):
        """Give the machine whose distribution is proportional to exp(-E / temperature).

        Its hidden units have this temperature as well.
        """
        return (1 / temperature) * self

    def with_visible_chains(self):
        """Give the machine whose chains move visible units, some of which may be held.

        Returns
        -------
        machine : Energy
            Whose rows begin with the visible columns.
        constant : float
            What its score lacks to be that of this energy, in nats.
        """
        return self, 0.0

    def complete(self, visible, noise, beta=1.0):
        """Make rows that chains move of visible rows, by draws where need be."""
        return visible

    def visible_of(self, rows, noise, beta=1.0):
        """Give the visible units of rows that chains move, by draws where need be."""
        return rows

    def sweep(self, context, noise, *, beta=1.0, tilt=None, fixed=None, reverse=False):
        """Draw each unit given all others, which leaves exp(-beta E) / Z as it is.

        Parameters
        ----------
        context : object
            Of the rows; used up.
        noise : UniformNoise
            Source of the draws.
        beta : float or ndarray of shape (n_rows,), default=1.0
            Inverse temperature.
        tilt : ndarray of shape (n_columns,) or (n_rows, n_columns), default=None
            A field of its own for every unit: what is left as it is is the
            distribution proportional to exp(-beta E + tilt . row).
        fixed : ndarray of bool, (n_columns,) or (n_rows, n_columns), default=None
            Where rows are held as they are.
        reverse : bool, default=False
            Whether to do the same backwards, as annealing does on its way back.

        Returns
        -------
        rows : ndarray of shape (n_rows, n_columns)
            After the sweep.
        """
        rows = np.array(context)
        for unit in range(rows.shape[1])[:: -1 if reverse else 1]:
            field = self.unit_field(rows, unit, beta)
            if tilt is not None:
                field = field + tilt[..., unit]
            drawn = draw_binary(field[:, np.newaxis], noise)[:, 0]
            if fixed is not None:
                drawn = np.where(fixed[..., unit], rows[:, unit], drawn)
            rows[:, unit] = drawn
        return rows

    def unit_field(self, rows, unit, beta=1.0):
        """Compute the log-odds of one binary unit given the others, (n_rows,).

        Where this is quick, so are the sweeps that are made of it.
        """
        rows = rows.copy()
        rows[:, unit] = 1
        score = self.score(self.context(rows), beta)
        rows[:, unit] = 0
        return score - self.score(self.context(rows), beta)

    def gibbs(self, rows, noise, n_sweeps=1, **settings):
        """Make so many sweeps."""
        for _ in range(n_sweeps):
            rows = self.sweep(self.context(rows), noise, **settings)
        return rows

    # ---- learning ----

    def start_chains(self, visible, noise):
        """Start chains of the negative phase from visible rows."""
        return self.chains_of(self.complete(visible, noise), noise)

    def chains_of(self, rows, noise):
        """Make chains of the negative phase of rows that chains move."""
        return rows

    def rows_of_chains(self, chains, noise):
        """Make rows that chains move of chains of the negative phase."""
        return chains

    def drifted(self, rows, fraction):
        """Move offsets of hidden units a share of the way to their means given rows."""
        return self

    def natural(self, gradient, turn):
        """Make a gradient natural, given what turns the matrix of its weights."""
        matrix, *others = gradient.arrays()
        return gradient.with_arrays([turn(matrix), *map(np.copy, others)])

    def chain_statistics(self, chains):
        """Average -dE/dtheta over rows of chains, as `statistics` does over data.

        What is known of a row given another part of it may count by its mean.
        """
        return self.statistics(chains)

    def positive_phase(self, rows, row_weights):
        """Sum the score, and the statistics, over weighted rows of data.

        Returns
        -------
        score : float
            Weighted sum of -F, in nats.
        statistics : Energy
            Weighted sum; its derivative by the parameters.
        """
        return row_weights @ -self.free_energy(rows), self.statistics(rows, row_weights)

    def negative_phase(self):
        """Compute log Z and the statistics of the model, by enumeration.

        Returns
        -------
        log_partition : float
            In nats, exact to rounding.
        statistics : Energy
            Its derivative by the parameters.
        """
        units, log_sums, total = self.units, [], None
        blocks = list(row_blocks(units.n_configurations, self.n_units))
        for block in blocks:
            rows = units.configurations(np.arange(block.start, block.stop))
            log_sums.append(logsumexp(self.score(self.context(rows))))
        log_partition = logsumexp(log_sums)
        for block in blocks:
            rows = units.configurations(np.arange(block.start, block.stop))
            law = np.exp(self.score(self.context(rows)) - log_partition)
            part = self.statistics(rows, law)
            total = part if total is None else total + part
        return float(log_partition), total

    # ---- the partition function ----

    def marginal(self):
        """Give the machine whose configurations chains move through.

        Returns
        -------
        machine : Energy
            What annealing and tempering see.
        log_summed : float
            What its log Z lacks to be that of this machine, in nats.
        """
        return self, 0.0

    # Sums over all configurations by another way than listing them: an object with
    # `log_partition` and `draw`. Then `n_terms` says how many terms these have.
    elimination = None

    # Number of terms up to which sums over all configurations are exact.
    most_terms = 2**20

    @property
    def n_terms(self):
        """Number of terms of the shortest exact sum over all configurations."""
        return min(units.n_configurations for units, _, _ in self.enumerable_layers())

    def enumerable_layers(self):
        """List layers, any of which may be enumerated to sum over all configurations.

        Returns
        -------
        layers : list of (units, free_energy, rows_of)
            The units of the layer, the free energy of its configurations, all other
            units summed out, and a function that draws rows that chains move given
            configurations and noise.
        """
        return [(self.units, self.free_energy, lambda rows, noise: rows > 0)]
