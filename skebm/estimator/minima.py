"""Rows of lowest energy: the local minima of a model."""

__all__ = ["LowestEnergyMixin"]

import math
from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Bunch
from sklearn.utils.validation import check_is_fitted

from skebm.estimator.validation import (
    Interval,
    make_generator,
    unqualified,
    validate_params,
)
from skebm.sampling.cooling import anneal, hot_temperature
from skebm.sampling.descent import find_minima, find_more
from skebm.sampling.landscape import Landscape
from skebm.sampling.minima import list_minima
from skebm.sampling.random import UniformNoise
from skebm.units.binary import BinaryUnits
from skebm.units.data import patterns
from skebm.warning import warn_user

# 2**20 configurations of a Boltzmann machine take about a second.
_MOST_LISTED = 2**20

# Sweeps of annealing where none are asked for.
_ANNEALING_STEPS = 100


class _Held(NamedTuple):
    """What `given` says, of columns of units."""

    row: np.ndarray  # of units
    held: np.ndarray  # which are held
    observed: np.ndarray  # which have values, all where not held
    values: np.ndarray  # in the units of users


@unqualified
class LowestEnergyMixin:
    """`lowest_energy`."""

    @validate_params(
        {
            "X": ["array-like", "sparse matrix", None],
            "given": ["array-like", "sparse matrix", None],
            "n_starts": [Interval(Integral, 1, None, closed="left")],
            "n_steps": [Interval(Integral, 0, None, closed="left"), None],
            "random_state": ["random_state"],
        },
        prefer_skip_nested_validation=True,
    )
    def lowest_energy(
        self, X=None, *, given=None, n_starts=1000, n_steps=None, random_state=None
    ):
        """Find the local minima of the energy landscape, and what descends to each.

        A row is a local minimum if no change of one of its values lowers its free
        energy: no binary value turned over, no other level of a category, and no small
        step of a number. From any other row *steepest descent* makes the change that
        lowers the free energy most, again and again, until it comes to one [1]_. The
        rows that come to the same minimum are its basin.

        Without `X`, all minima are listed if there are at most 2**20 rows, as of 20
        binary columns. Elsewhere they are searched for from rows at random, and some
        may be missed.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            Rows to descend from, read as in `fit`. Values in columns that `given` holds
            are not looked at. None starts from all rows there are, or from rows at
            random.
        given : {array-like, sparse matrix} of shape (1, n_features), default=None
            One row, in which all is held but what is missing (NaN), as in `sample`.
            Minima are then those of rows that have these values.
        n_starts : int, default=1000
            Number of rows at random to descend from, without `X` and where there are
            too many to list. As many more start from annealing, and then, in rounds
            until one finds nothing new, near the minima that were found.
        n_steps : int, default=None
            Gibbs sweeps, or Langevin steps, of simulated annealing [2]_ before the
            descent. An int also asks for a search where all minima could be listed.
            None is none from `X`, and 100 from rows at random.
        random_state : int, RandomState instance or None, default=None
            Pass an int for the same minima at each call. Not used where minima are
            listed. Where rows of `X` descend without annealing, it draws states of
            values between these, and leads numbers off saddles.

        Returns
        -------
        minima : :class:`~sklearn.utils.Bunch`
            With these attributes:

            states : ndarray of shape (n_minima, n_features)
                The minima, those of lowest energy first. A frame if `set_output` says
                so.
            energies : ndarray of shape (n_minima,)
                Their free energies in nats, as `free_energy` gives them, or `energy` of
                a `HopfieldNetwork`; of numbers that are straightened see the notes.
            basin_shares : ndarray of shape (n_minima,)
                Share of rows that descend to each: of all rows where minima are listed,
                else of those of `X`, or of the rows at random that were not annealed. 0
                of minima that annealing alone has found.
            plateau_sizes : ndarray of shape (n_minima,)
                Number of rows that each stands for: 1, but on a plateau.
            labels : ndarray of shape (n_samples,)
                Number of the minimum that each row of `X` comes to. Only with `X`.
            is_complete : bool
                Whether minima were listed, and none can be missing.

        Raises
        ------
        ValueError
            If a table is not one of the width seen in `fit`; if `given` has more than
            one row, or values that are neither one state nor the other; if values of
            `X` are missing that `given` does not hold; or if numbers have levels of
            their own in a model of more than 4096 hidden configurations.
        AttributeError
            Of a `HopfieldNetwork` of real rows.

        Warns
        -----
        ConvergenceWarning
            If a plateau is too large to be looked at, or numbers do not come to rest.

        Notes
        -----
        Energies that differ by at most 1e-9 nats count as equal. Of changes that lower
        the energy equally, the one of the first column is made. Rows of equal energy
        that lead to each other by single changes are a *plateau*. It is left by as few
        changes as possible where one of its rows has a lower neighbour; else it is one
        minimum, given by its first row in the order of the values. Plateaus are not
        looked for while numbers can move.

        Rows at random have each value alike. Where there are numbers, rows are drawn
        given hidden units at random instead. Annealing starts at the mean change of
        energy that one value makes, and cools by a factor of 50. It moves all layers
        of a model at that temperature.

        Numbers move by steps of expectation maximisation, which never raise the free
        energy, until no step is longer than 1e-8 standard deviations of the noise.
        Which density is highest depends on the units. So of numbers that
        :class:`MixedRBM` straightens, minima and energies are those of the straightened
        numbers, on the scale of the numbers themselves. A number that has a level of
        its own there has a probability and not a density. These do not compare: it
        stays as it is, and no other comes to it.

        Where `LatentBM` gives bounds of free energies, the minima are those of the
        bounds.

        References
        ----------
        .. [1] Watanabe, T., Masuda, N., Megumi, F., Kanai, R. and Rees, G. (2014).
           Energy landscape and dynamics of brain activity during human bistable
           perception. Nature Communications 5, 4765. :doi:`10.1038/ncomms5765`
        .. [2] Kirkpatrick, S., Gelatt, C. D. and Vecchi, M. P. (1983). Optimization by
           simulated annealing. Science 220(4598), 671-680.
           :doi:`10.1126/science.220.4598.671`

        Examples
        --------
        >>> from skebm import BinaryRBM
        >>> rbm = BinaryRBM.from_parameters([[4.0, 4.0, -4.0]], [-2, -2, 1], [-1.0])
        >>> minima = rbm.lowest_energy()
        >>> minima.states
        array([[1., 1., 0.],
               [0., 0., 1.]])
        >>> minima.energies.round(2), minima.basin_shares
        (array([-3.  , -1.01]), array([0.875, 0.125]))
        >>> rbm.lowest_energy([[1, 0, 0], [0, 0, 1]]).labels
        array([0, 1])
        """
        check_is_fitted(self)
        rng, energy = make_generator(random_state), self._energy()
        known = self._read_given(given, energy)
        stays = known.held | self._atom_columns(energy)
        everything = Landscape(energy, stays, known.observed)
        n_configurations = math.prod(everything.n_levels)
        is_listed = X is None and n_steps is None and n_configurations <= _MOST_LISTED
        if is_listed and not everything.moving.any():
            _refuse_long_sums(energy, known.observed)
            found = list_minima(everything, known.row)
            parts = [(found, known.observed, np.arange(len(found.labels)))]
            return self._as_minima(parts, energy, known, given, is_complete=True)[0]
        if X is None:
            rows = self._any_rows(energy, known, everything, n_starts, rng)
            observed = self._columns_with_values(rows)
            n_steps = _ANNEALING_STEPS if n_steps is None else n_steps
        else:
            rows, observed = self._rows_to_descend(X, known, rng)
        observed = np.where(known.held, known.observed, observed)
        parts = []
        for own, members in patterns(observed):
            _refuse_long_sums(energy, own)
            starts, landscape = rows[members], Landscape(energy, stays, own)
            if n_steps:
                noise = UniformNoise(rng, np.float32)
                hot = hot_temperature(landscape, starts)
                annealed = anneal(energy, starts, stays, hot, n_steps, noise)
                starts = annealed if X is not None else np.vstack([starts, annealed])
            starts[:, ~own] = 0  # what is integrated out tells no minima apart
            found = find_minima(landscape, starts, rng)
            if X is None:
                found = find_more(landscape, found, n_starts, rng)
            _warn_of(found)
            parts.append((found, own, members))
        found = self._as_minima(parts, energy, known, given, is_complete=False)
        minima, labels = found
        if X is not None:
            minima.labels = labels
        return minima

    def _read_given(self, given, energy):
        """Read the row that is held, and which of its columns are."""
        nothing = np.zeros(energy.n_visible, dtype=bool)
        if given is None:
            row = np.zeros(energy.n_visible)
            return _Held(row, nothing, ~nothing, row)
        rows = self._check(given)
        if rows.n_rows != 1:
            raise ValueError(
                f"given has {rows.n_rows} rows, and each has minima of its own. Call "
                "lowest_energy for one row at a time."
            )
        observed = rows.observed(slice(None))
        held = self._by_unit(self._known_features(rows))[0]
        row = self._in_units(rows).take(slice(None))[0].astype(np.float64)
        is_state = (row == 0) | (row == 1) | ~held
        if isinstance(energy.visible_units, BinaryUnits) and not is_state.all():
            raise ValueError(
                "given holds values between the two states, which are no state. Give "
                "one of the two, or NaN."
            )
        values = self._given(rows, slice(None), row[np.newaxis])[0]
        return _Held(row, held, observed[0] | ~held, values)

    def _rows_to_descend(self, X, known, rng):
        """Read rows, put what is held in them, and say which columns have values."""
        rows = self._check(X)
        features = self._known_features(rows)
        if not (self._by_unit(features) | known.held).all():
            raise ValueError(
                "X contains NaN, but descent starts from complete rows. Draw what is "
                "missing by sample(given=X), or hold what is known of one row by given."
            )
        observed = rows.observed(slice(None))
        units = self._drawn(self._in_units(rows).take(slice(None)), rng)
        return np.where(known.held, known.row, units.astype(np.float64)), observed

    def _any_rows(self, energy, known, landscape, n_rows, rng):
        """Draw rows at random to descend from, with what is held."""
        noise, units = UniformNoise(rng, np.float64), energy.visible_units
        if landscape.moving.any():
            hidden = energy.hidden.draw(np.zeros((n_rows, energy.n_hidden)), noise)
            rows = energy.visible.draw(energy.visible_field(hidden), noise)
        else:
            rows = units.draw(np.zeros((n_rows, energy.n_visible)), noise)
        return np.where(known.held, known.row, rows.astype(np.float64))

    def _as_minima(self, parts, energy, known, given, *, is_complete):
        """Put together minima that were found, of rows with values in other columns.

        Parameters
        ----------
        parts : list of (Minima, ndarray of bool, ndarray of int)
            The minima, which columns have values, and the numbers of the rows that came
            to them; of these the first labels are.

        Returns
        -------
        minima : Bunch
            Without labels.
        labels : ndarray of shape (n_rows,)
            The minimum that each row came to.
        """
        n_rows = sum(len(members) for _, _, members in parts)
        labels, counts, energies, n_before = np.empty(n_rows, dtype=int), [], [], 0
        for found, observed, members in parts:
            own = found.labels[: len(members)]
            labels[members] = own + n_before
            n_before += len(found.rows)
            counts.append(np.bincount(own, minlength=len(found.rows)))
            landscape = Landscape(energy, known.held, observed)
            shift = ~observed @ (np.log(self._scale) + np.zeros(len(observed)))
            shift -= observed @ self._log_units(energy)
            energies.append(landscape.free_energy(found.rows) - shift)
        energies = np.concatenate(energies) + self._energy_constant
        order = np.argsort(energies, kind="stable")
        places = np.argsort(order)
        units = np.vstack([found.rows for found, _, _ in parts])[order]
        states = np.where(known.held, known.values, self._in_states(units))
        sizes = np.concatenate([found.plateau_sizes for found, _, _ in parts])
        minima = Bunch(
            states=self._as_rows_of(states, given),
            energies=energies[order],
            basin_shares=np.concatenate(counts)[order] / n_rows,
            plateau_sizes=sizes[order],
            is_complete=is_complete,
        )
        return minima, places[labels]

    def _known_features(self, rows):
        """Say which values of a table are known, (n_rows, n_features)."""
        features = self._observed_features(rows)
        return rows.observed(slice(None)) if features is None else features

    # ---- numbers with levels of their own, which most models do not have ----

    def _atom_columns(self, energy):
        """Say which columns of units are levels of numbers."""
        return np.zeros(energy.n_visible, dtype=bool)

    def _columns_with_values(self, rows):
        """Say which columns of rows have values: real ones only off these levels."""
        return np.ones(rows.shape, dtype=bool)

    def _log_units(self, energy):
        """Give the logs of what numbers are divided by before they are straightened."""
        return np.zeros(energy.n_visible)

    def _as_rows_of(self, states, given):
        """Give rows of states as users want them, with the values of one row."""
        return self._as_rows(states)


def _refuse_long_sums(energy, observed):
    """Refuse numbers in levels of their own where others cannot be summed out."""
    if not energy.is_summable(observed[np.newaxis])[0]:
        raise ValueError(
            "Some numbers have levels of their own, and the model more than 4096 "
            "hidden configurations: free energies would be estimates. Fit fewer hidden "
            "units, or give numbers no levels by spike_share=1."
        )


def _warn_of(found):
    """Warn of what may be wrong with minima."""
    if found.is_plateau_cut:
        warn_user(
            "Too many rows have equal energies and lead to each other: plateaus that "
            "are minima may count several times, and some that are not may count. "
            "Penalise the weights less, or hold columns that do not matter by given.",
            ConvergenceWarning,
        )
    if found.n_unsettled:
        warn_user(
            f"The numbers of {found.n_unsettled} rows have not come to rest: the free "
            "energy is all but flat there. What they came to may count as several "
            "minima.",
            ConvergenceWarning,
        )
