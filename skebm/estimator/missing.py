"""Rows of which some values are missing: their scores, and how learning reads them."""

__all__ = ["DRAW_STEPS", "MissingValuesMixin", "has_gaps", "parts_of"]

from functools import partial

import numpy as np

from skebm.conditional.clamped_chains import redraw_missing
from skebm.conditional.incomplete_rows import (
    mean_hidden,
    mean_incomplete,
    score_incomplete,
)
from skebm.estimator.containers import as_container
from skebm.estimator.standardised_rows import FAR, FAR_FOR_DIFFERENCES
from skebm.estimator.table_checks import refuse_missing
from skebm.estimator.verbosity import Lines
from skebm.sampling.watching import listening, watched
from skebm.units.data import CompletedRows
from skebm.wording import counted

# Sweeps of chains that draw what is missing, where sums are too long.
DRAW_STEPS = 200


class MissingValuesMixin:
    """What models do with NaN in tables, which they take as missing at random."""

    # Whether the energy knows the conditionals of complete rows by itself.
    _has_conditionals = True

    # What a unit of the model is in those of users, of each feature.
    _scale = 1.0

    def _refuse_far(self, rows, farthest=FAR, among=None):
        """Refuse rows with values too large for what is asked, where they can be.

        Parameters
        ----------
        rows : Rows
            In the units of the model.
        farthest : float
            Standard deviations.
        among : callable, default=None
            Of what is observed of some rows, says which of them to look at.
        """

    def _observed_scores(self, rows):
        """Compute the log of the sum of exp(-E) over all that rows leave open.

        Parameters
        ----------
        rows : Rows
            In the units of the model.

        Returns
        -------
        score, std : ndarray of shape (n_rows,)
            In nats, and the standard error. Of real values the measure is that of the
            units of users, for what is missing.
        """
        energy = self._energy()
        mean, seed = self._mean_of_rows(), self._partition_seed
        log_scale = np.log(self._scale) + np.zeros(rows.n_columns)
        score, std = np.empty(rows.n_rows), np.empty(rows.n_rows)
        self._refuse_far(
            rows, among=lambda known: has_gaps(known) & ~energy.is_summable(known)
        )
        for block, part, observed in parts_of(rows, energy.n_units):
            # Rows beyond all others have no density.
            with np.errstate(over="ignore"), Lines(self).hearing("scores"):
                own = score_incomplete(energy, part, observed, mean, seed)
            score[block], std[block] = own
            score[block] += ~observed @ log_scale
            empty = ~observed.any(axis=1)
            if (empty & (std[block] > 0)).any():
                # All that is open is all there is.
                score[block][empty] = self._estimate_partition().log_partition
                std[block][empty] = 0
        return score, std

    def _observed_conditionals(self, rows):
        """Compute log p(value | other observed values), NaN where it is missing."""
        energy, mean = self._energy(), self._mean_of_rows()
        log_scale = np.log(self._scale) + np.zeros(rows.n_columns)
        result = np.full((rows.n_rows, self.n_features_in_), np.nan)
        by_differences = has_gaps if self._has_conditionals else None
        self._refuse_far(rows, FAR_FOR_DIFFERENCES, by_differences)
        for block, part, observed in parts_of(rows, energy.n_units):
            complete = observed.all(axis=1) & self._has_conditionals
            chosen, values = block.start + np.flatnonzero(complete), part[complete]
            if len(chosen):
                conditional = energy.conditional_log_likelihood(values)
                result[chosen] = conditional - log_scale
            chosen, values = block.start + np.flatnonzero(~complete), part[~complete]
            known = observed[~complete]

            def score(known, values=values):
                with listening(None):  # one line for each feature would be many
                    return score_incomplete(
                        energy, values, known, mean, self._partition_seed
                    )[0]

            both, features = score(known), range(self.n_features_in_)
            task = f"leaving out each of {counted(len(features), 'feature')}"
            with Lines(self).hearing("conditionals"):
                for feature in watched(features, len(features), task, level=2):
                    units, others = self._units_of(feature), known.copy()
                    others[:, units] = False
                    scale = known[:, units] @ log_scale[units]
                    conditional = both - score(others) - scale
                    conditional[~known[:, units].any(axis=1)] = np.nan
                    result[chosen, feature] = conditional
        return result

    def _hidden_means(self, rows):
        """Compute means of hidden units given what is observed of rows."""
        energy, mean = self._energy(), self._mean_of_rows()
        self._refuse_far(rows, among=has_gaps)
        parts = [
            mean_hidden(energy, part, observed, mean, self._partition_seed)
            for _, part, observed in parts_of(rows, energy.n_units)
        ]
        return np.concatenate(parts).astype(rows.float_dtype, copy=False)

    def _completed(self, rows, rng, n_sweeps=1):
        """Draw what is missing of rows that learning is to start from.

        Parameters
        ----------
        rows : Rows
            In the units of the model.
        rng : numpy.random.Generator
            Source of the draws.
        n_sweeps : int, default=1
            Sweeps by which it is drawn anew each time. One will do where rows are read
            often, since they go on from where they are.
        """
        if not rows.has_missing:
            return rows
        observed = rows.observed(slice(None))
        values = self._start_rows(rows.n_rows, rng)
        known = self._drawn(rows.take(slice(None)), rng)
        values = np.where(observed, known, values)
        redraw = partial(redraw_missing, n_sweeps=n_sweeps)
        return CompletedRows(rows, values, observed, redraw)

    def _without_gaps_but_spikes(self, rows, reason):
        """Refuse rows with missing values; other units without values may be open."""
        return refuse_missing(rows, reason)

    def _units_of(self, feature):
        """Give the columns of units that a feature has: here one."""
        return slice(feature, feature + 1)

    def _values_given(self, X, *, mode):
        """Give the columns of a table, what is missing by its mean, or likeliest."""
        raw = self._check(X)
        rows, energy = self._in_units(raw), self._energy()
        self._refuse_far(rows, among=has_gaps)
        mean, seed = self._mean_of_rows(), self._partition_seed
        parts = [
            mean_incomplete(energy, part, observed, mean, seed)
            for _, part, observed in parts_of(rows, energy.n_units)
        ]
        return self._columns_of(self._in_states(self._settled(np.vstack(parts), mode)))

    def _values_drawn(self, X, rng):
        """Give the columns of a table, what is missing drawn."""
        return self._columns_of(self._filled(self._check(X), DRAW_STEPS, 1.0, rng))

    def _settled(self, units, mode):
        """Give the likeliest of units where `mode` asks for it and means are others."""
        return units

    def _columns_of(self, states):
        """List the columns of the table that states of units stand for."""
        return list(states.T)

    def _rows_without(self, X, column):
        """Validate a table of which a column is not looked at."""
        return self._rows(X)

    def _observed_features(self, rows):
        """Say which values of a table are to be held, if not already to the last bit.

        That is where units are no values of the table.
        """

    def _as_rows(self, states, original=None, held=None):
        """Give rows of states as users want them: `set_output` says how."""
        return as_container(self, states, original)

    def _by_unit(self, mask):
        """Repeat what is said of features for their units, of which here each has one.

        Parameters
        ----------
        mask : ndarray of shape (n_rows, n_features)
            What is said.
        """
        return mask

    def _mean_of_rows(self):
        """Give means of visible columns, in the units of the model."""
        if self._visible_mean is None:
            return np.zeros(self.n_features_in_)
        return self._visible_mean


def has_gaps(observed):
    """Say of which rows something is missing."""
    return ~observed.all(axis=1)


def parts_of(rows, row_elements):
    """Read rows in float64, a block at a time, with what is observed of them."""
    for block in rows.blocks(row_elements):
        part = rows.take(block).astype(np.float64, copy=False)
        yield block, part, rows.observed(block)
