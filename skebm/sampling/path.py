"""Paths of distributions from one that is known to one that is not.

Annealing, parallel tempering and the log Z of a machine that learns all go along these.
"""

__all__ = ["IndependentStart", "Line", "Offer", "Path"]

from typing import NamedTuple

import numpy as np

from skebm.energy.metropolis import accepted


class IndependentStart:
    """Independent units, where paths start: log Z is known, and draws are exact.

    Whatever else has these methods can be a start as well.

    Parameters
    ----------
    units : Units
        Of the rows that chains move; their states must be their own statistics.
    mean : ndarray of shape (n_columns,)
        Means of their statistics, strictly within what these can be.
    dtype : dtype, default=numpy.float32
        Of the fields.
    """

    def __init__(self, units, mean, dtype=np.float32):
        self.units = units
        self._field = units.natural(mean).astype(dtype)

    @property
    def log_partition(self):
        """Its log Z in nats, exact."""
        return float(
            self.units.log_normaliser(self._field[np.newaxis].astype(float))[0]
        )

    def draw(self, n_rows, noise):
        """Draw rows."""
        return self.units.draw(np.tile(self._field, (n_rows, 1)), noise)

    def context(self, rows):
        """Compute the score of rows, which is all that other methods need of them."""
        return np.dot(rows.astype(self._field.dtype, copy=False), self._field)

    def log_ratio(self, context, beta, other):
        """Compute by how much the start favours rows more at another beta."""
        return context * np.subtract(other, beta, dtype=np.float64)

    def field(self, context, beta, noise):
        """Give what the start adds to the fields of units at an inverse temperature."""
        beta = np.asarray(beta, dtype=self._field.dtype)
        return np.multiply.outer(beta, self._field)


class Offer(NamedTuple):
    """Rows to jump to.

    Parameters
    ----------
    drawn : ndarray of shape (n_rows, n_columns)
        From the start.
    odds_of_drawn, odds : ndarray of shape (n_rows,)
        The `log_odds` of these, and of the rows that they are offered to.
    """

    drawn: np.ndarray
    odds_of_drawn: np.ndarray
    odds: np.ndarray

    def taken(self, rows, noise):
        """Take offers by Metropolis' rule; give the rows, and which have jumped."""
        jumps = accepted(self.odds_of_drawn - self.odds, noise)
        return np.where(jumps[:, np.newaxis], self.drawn, rows), jumps


class Path:
    """Distributions from a start (beta 0) to the machine of an energy (beta 1).

    The one at beta is proportional to exp(-(1 - beta) E_start - beta E_end), the hidden
    units of either summed out. So the hidden units of the end are free at beta 0.

    Parameters
    ----------
    start : IndependentStart
        Or anything else with its methods.
    end : Energy
        Of the rows that the start draws.
    """

    def __init__(self, start, end):
        self.start = start
        self.end = end

    @property
    def log_partition(self):
        """Exact log Z at beta 0, in nats."""
        row = np.zeros((1, self.end.units.n_columns), dtype=bool)
        end = self.end.astype(np.float64)
        return self.start.log_partition + float(end.score(end.context(row), 0.0)[0])

    def draw(self, n_rows, noise):
        """Draw rows at beta 0."""
        return self.start.draw(n_rows, noise)

    def context(self, rows):
        """Compute what `log_ratio` and `sweep` share of rows."""
        end = self.end.context(rows)
        # Booleans take time to convert, which the end may have done.
        return self.start.context(getattr(end, "statistics", rows)), end

    def log_ratio(self, context, beta, other):
        """Compare the unnormalised probabilities of rows at two inverse temperatures.

        Parameters
        ----------
        context : tuple
            Of the rows.
        beta, other : float or ndarray of shape (n_rows,)
            The inverse temperatures.

        Returns
        -------
        log_ratio : ndarray of shape (n_rows,)
            By how much the other one favours the row more, in nats, float64. It leaves
            out the two log Z.
        """
        start, end = context
        result = self.start.log_ratio(
            start, np.subtract(1, beta), np.subtract(1, other)
        )
        return result + self.end.log_ratio(end, beta, other)

    def sweep(self, context, beta, noise, *, reverse=False):
        """Move rows by a sweep that leaves the distribution at beta as it is."""
        start, end = context
        tilt = self.start.field(start, np.subtract(1, beta), noise)
        return self.end.sweep(end, noise, beta=beta, tilt=tilt, reverse=reverse)

    def jump(self, rows, beta, noise):
        """Propose to each row a draw of the start, by Metropolis-Hastings sampling.

        That leaves the distribution at beta as it is, and where the start knows of
        groups of rows, leads from one to another [1]_.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_columns)
            Of chains.
        beta : float or ndarray of shape (n_rows,)
            Inverse temperature.
        noise : UniformNoise
            Source of the draws.

        Returns
        -------
        rows : ndarray of shape (n_rows, n_columns)
            After the jumps.
        accepted : ndarray of bool of shape (n_rows,)
            Which have jumped.

        References
        ----------
        .. [1] Hastings, W. K. (1970). Monte Carlo sampling methods using Markov
           chains and their applications. Biometrika 57(1), 97-109.
        """
        offer = self.offer(rows, beta, noise)
        return offer.taken(rows, noise)

    def offer(self, rows, beta, noise):
        """Draw a row of the start for each of these, and compare them by `log_odds`."""
        drawn = self.draw(len(rows), noise)
        beta = np.tile(beta, 2) if np.ndim(beta) > 0 else beta
        odds = self.log_odds(np.concatenate([drawn, rows]), beta)
        return Offer(drawn, *np.split(odds, 2))

    def log_odds(self, rows, beta=1.0):
        """Compute how much likelier rows are at beta than at 0, but for log Z."""
        return self.log_ratio(self.context(rows), 0.0, beta)

    def move(self, rows, beta, next_beta, noise, *, jumps=False):
        """Weigh rows for the next inverse temperature, then move them there.

        To a lower one, the moves are the reversal of those to a higher one.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_columns)
            At `beta`.
        beta, next_beta : float
            Inverse temperatures.
        noise : UniformNoise
            Source of the draws.
        jumps : bool, default=False
            Whether rows jump as well.

        Returns
        -------
        rows : ndarray of shape (n_rows, n_columns)
            After one sweep at `next_beta`.
        log_weight : ndarray of shape (n_rows,)
            The `log_ratio` of the given rows.
        """
        context = self.context(rows)
        log_weight = self.log_ratio(context, beta, next_beta)
        reverse = bool(next_beta < beta)
        if jumps and reverse:
            rows, _ = self.jump(rows, next_beta, noise)
            context = self.context(rows)
        rows = self.sweep(context, next_beta, noise, reverse=reverse)
        if jumps and not reverse:
            rows, _ = self.jump(rows, next_beta, noise)
        return rows, log_weight


class Line:
    """Machines of one family on the line from one energy to another.

    The one at beta is that of (1 - beta) E_before + beta E_after, where both have the
    same hidden units: short where the two are close, as those of a machine that learns.

    Parameters
    ----------
    before, after : Energy
        The ends.
    """

    def __init__(self, before, after):
        self.before = before
        self.after = after
        self._last = 0.0, before

    def context(self, rows):
        """Give what `log_ratio` needs of rows: these."""
        return rows

    def log_ratio(self, context, beta, other):
        """Compare the unnormalised probabilities of rows; see `Path.log_ratio`."""
        return self._log_ratio(context, self._at(beta), self._at(other))[0]

    def move(self, rows, beta, next_beta, noise):
        """Weigh rows for the next machine, then move them there; see `Path.move`."""
        before, after = self._at(beta), self._at(next_beta)
        self._last = next_beta, after
        log_weight, context = self._log_ratio(rows, before, after)
        return after.sweep(context, noise), log_weight

    def _log_ratio(self, rows, before, after):
        context = after.context(rows)
        score = after.score(context).astype(np.float64)
        return score - before.score(before.context(rows)), context

    def _at(self, beta):
        if beta == self._last[0]:
            return self._last[1]
        return self.after if beta == 1 else self.before.blend(self.after, beta)
