"""What deterministic learning climbs: likelihoods of a table, and their gradients."""

__all__ = ["Likelihood", "MomentLikelihood", "PseudoLikelihood"]

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skebm.learning.weighted_rows import WeightedRows
from skebm.partition.enumeration import MAX_ENUMERATED_UNITS, can_enumerate
from skebm.warning import warn_user

# Probability, on average, of another value, below which one follows from the others.
_CERTAIN = 1e-3


class Likelihood:
    """Exact mean log-likelihood of rows as a function of an energy, by enumeration.

    Where all units are visible the energy is linear in its parameters: the data matter
    by the means of its derivatives alone, which are taken once.

    Parameters
    ----------
    energy : Energy
        Of the family that is learned, float64, with the offsets that are kept.
    rows : Rows
        The data, with what each of them counts.

    Raises
    ------
    ValueError
        If no layer is small enough to be enumerated.
    """

    measures = "log_likelihood"

    def __init__(self, energy, rows):
        if not can_enumerate(energy):
            raise ValueError(
                "Exact learning sums over all configurations of the smaller layer, or "
                "of all units where there is one: the model has more than "
                f"{MAX_ENUMERATED_UNITS} units of these. Use fewer units, or another "
                "algorithm."
            )
        self._rows = WeightedRows(rows)
        self._row_elements = energy.n_units
        self._data = None
        self._rows.check(energy)
        if energy.n_units == energy.n_visible and not rows.has_missing:
            self._know(energy, self._sum(energy)[1])

    def _know(self, energy, data):
        """Take the means of the derivatives of an energy over the data."""
        self._zeros, self._data = np.zeros((1, energy.n_visible)), data
        self._above_zero = (data - energy.statistics(self._zeros)).ravel()

    def evaluate(self, energy):
        """Compute the likelihood and its gradient.

        Parameters
        ----------
        energy : Energy
            In float64.

        Returns
        -------
        log_likelihood : float
            Mean over the rows, in nats.
        gradient : Energy
            Its derivatives.

        Raises
        ------
        FloatingPointError
            If the log-likelihood is not finite.
        """
        # Overflow shows in the likelihood, which is checked.
        with np.errstate(over="ignore", invalid="ignore"):
            log_partition, negative = energy.negative_phase()
            if self._data is None:
                score, positive = self._sum(energy)
            else:
                score, positive = self._above_zero @ energy.ravel(), self._data
                score -= energy.free_energy(self._zeros)[0]
            log_likelihood = score - log_partition
        return _finite(log_likelihood, self.measures), positive - negative

    def check_end(self, energy):
        """Warn where the end of learning is no maximum; of the likelihood it is."""

    def _sum(self, energy):
        """Sum scores and statistics over blocks of rows."""
        score, positive = 0.0, None
        for part, observed, weights in self._rows.blocks(self._row_elements):
            if observed is None:
                value, statistics = energy.positive_phase(part, weights)
            else:
                value, statistics = energy.observed_phase(part, observed, weights)
            score += value
            positive = statistics if positive is None else positive + statistics
        return score, positive


class MomentLikelihood(Likelihood):
    """The same of rows of which only moments are known.

    Parameters
    ----------
    energy : Energy
        Without hidden units, and with a method `of_moments`; of few enough units to be
        enumerated.
    moments : ndarray of shape (n_units + 1, n_units + 1)
        Means over the rows of products of two units, or of a unit and the constant.
    """

    def __init__(self, energy, moments):
        self._know(energy, energy.of_moments(moments))


class PseudoLikelihood:
    """Mean log-pseudolikelihood of rows as a function of an energy.

    That is the sum over units of the log-probability of each given all others
    [1]_: a concave function without a partition function, whose maximum tends to
    the machine that drew the rows as they get many. Each coupling acts on both of
    its units, so that couplings are symmetric by themselves.

    Parameters are as of `Likelihood`; the energy has a method `conditional_phase`.

    References
    ----------
    .. [1] Besag, J. (1975). Statistical analysis of non-lattice data. The
       Statistician 24(3), 179-195. :doi:`10.2307/2987782`
    """

    measures = "pseudo_log_likelihood"

    def __init__(self, energy, rows):
        if rows.has_missing:
            raise ValueError(
                "X contains NaN, but the pseudolikelihood needs complete rows. Set "
                "algorithm='exact' or 'pcd', which learn from what is observed."
            )
        self._rows = WeightedRows(rows)
        self._row_elements = energy.n_units

    def evaluate(self, energy):
        """Compute the log-pseudolikelihood and its gradient; see `Likelihood`."""
        log_likelihood, gradient = 0.0, None
        # Overflow shows in the log-pseudolikelihood, which is checked.
        with np.errstate(over="ignore", invalid="ignore"):
            for part, _, weights in self._rows.blocks(self._row_elements):
                value, slope = energy.conditional_phase(part, weights)
                log_likelihood += value
                gradient = slope if gradient is None else gradient + slope
        return _finite(log_likelihood, self.measures), gradient

    def check_end(self, energy):
        """Warn of units that vary and that follow with certainty from all others.

        Their couplings grow without end, and what each is given the others says nothing
        of how often they are on together.
        """
        doubt, least, first, varies = 0.0, np.inf, None, False
        for part, _, weights in self._rows.blocks(self._row_elements):
            own = np.exp(energy.conditional_log_likelihood(part))
            doubt = doubt + weights @ (1 - own)
            least = np.minimum(least, own.min(axis=0))
            states = part if own.shape == part.shape else energy.cliques.levels(part)
            first = states[0] if first is None else first
            varies = varies | (states != first).any(axis=0)
        certain = np.flatnonzero((doubt < _CERTAIN) & (least > 0.5) & varies)
        if len(certain):
            warn_user(
                f"Columns {certain.tolist()} follow from the others, as copies do: the "
                "pseudolikelihood then has no maximum, and says nothing of how often "
                "their values occur, by which the model may be nats off. Set a "
                "penalty, as alpha=0.001, or algorithm='exact' or 'pcd', or drop "
                "columns that follow from others.",
                ConvergenceWarning,
            )


def _finite(value, name):
    if not np.isfinite(value):
        raise FloatingPointError(
            f"The {name.replace('_', '-')} is not finite: the parameters are out of "
            "all bounds. Start from smaller ones, or penalise the weights by alpha."
        )
    return float(value)
