"""What an associative memory does with rows: `transform`, `predict` and scores."""

__all__ = ["RecallMixin"]

from functools import partial

import numpy as np
from scipy.special import logsumexp
from sklearn.base import OneToOneFeatureMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning

from skebm.estimator.missing import parts_of
from skebm.estimator.table_checks import refuse_missing
from skebm.estimator.validation import available_unless, unqualified
from skebm.sampling.recall import attend, fill_in, recall, step_in_order, step_together
from skebm.warning import warn_user

# Real values that move by less than this share of the largest one have settled.
_SETTLED = 1e-9

# Rounding of energies that scores may have, in nats.
_MOST_ROUNDING = 1e-4


def _has_no_score(memory):
    """Say why there are no scores of the interactions whose log Z is not known."""
    if memory.interaction == "exponential":
        return None
    return (
        f"interaction={memory.interaction!r} has no log-likelihood in closed form, so "
        "that there is no score and no score_samples. Set interaction='exponential'; "
        "or pass couplings_ and intercept_ of a quadratic one to "
        "BoltzmannMachine.from_parameters, which estimates it."
    )


# A transformer itself, since scikit-learn wraps the output of `transform` where a
# transformer defines it.
@unqualified
class RecallMixin(OneToOneFeatureMixin, TransformerMixin):
    """`transform`, `predict`, `energy`, and the scores of mixtures."""

    def transform(self, X):
        """Recall: move each row to where no move lowers its energy.

        Values that are wrong are put right, also where they were observed; what is
        missing (NaN) is filled in first, by what is observed alone. To keep what is
        observed, draw the rest by ``sample(given=X)``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to begin with, read as in `fit`, at least one value of each observed.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_features)
            The rows recalled, float64, in the values of `states`: fixed points, as long
            as `max_sweeps` is enough.

        Raises
        ------
        ValueError
            If `X` is not a numeric table of the width seen in `fit`, finite where it is
            not missing, or has a row with no value at all; or if `rule`, `interaction`
            or `states` has changed since rows were stored.

        Warns
        -----
        ConvergenceWarning
            If rows still move after `max_sweeps` sweeps, unless it is 1.

        Examples
        --------
        >>> from skebm import HopfieldNetwork
        >>> memory = HopfieldNetwork().fit([[1, 1, 1, 1, 0, 0], [1, 0, 1, 0, 1, 0]])
        >>> memory.transform([[1, 1, 1, 1, 1, 0], [1, 0, float("nan"), 0, 1, 0]])
        array([[1., 1., 1., 1., 0., 0.],
               [1., 0., 1., 0., 1., 0.]])
        """
        return self._in_states(self._recalled(self._check(X)))

    def predict(self, X):
        """Recall rows, and say which of those stored they have become.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to begin with, as of `transform`.

        Returns
        -------
        index : ndarray of shape (n_samples,)
            Number of the row in `memories_` that is nearest to the one recalled, the
            first one if several are; -1 if it is farther than `max_mismatch` allows.

        Raises
        ------
        ValueError
            As `transform` does.

        Warns
        -----
        ConvergenceWarning
            As `transform` does.

        Examples
        --------
        >>> from skebm import HopfieldNetwork
        >>> memory = HopfieldNetwork().fit([[1, 1, 1, 1, 0, 0], [1, 0, 1, 0, 1, 0]])
        >>> memory.predict([[1, 1, 1, 1, 1, 0], [1, 0, 1, 0, 1, 0], [0, 1, 0, 1, 0, 1]])
        array([ 0,  1, -1])
        """
        rows = self._check(X)
        recalled = self._recalled(rows)
        memories = self._memories_in_units()
        centre, scale = memories.mean(axis=0), 1.0
        if self.states is None:
            # Of one row alone, which all others become, it is whatever it is.
            scale = memories.var(axis=0).mean() or 1.0
        memories = memories - centre
        index = np.empty(rows.n_rows, dtype=np.intp)
        for block in rows.blocks(max(memories.shape)):
            nearest, distance = _nearest(recalled[block] - centre, memories)
            mismatch = distance / (memories.shape[1] * scale)
            index[block] = np.where(mismatch <= self.max_mismatch, nearest, -1)
        return index

    def energy(self, X):
        """Compute the energy of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Complete rows, read as in `fit`.

        Returns
        -------
        energy : ndarray of shape (n_samples,)
            E(x) in nats. Lower is likelier. Of the quadratic interaction it is that of
            the `BoltzmannMachine` with the same parameters; of the exponential one the
            free energy of a restricted machine, its hidden unit summed out.

        Raises
        ------
        ValueError
            If `X` is not a finite numeric table of the width seen in `fit`; or if
            `rule`, `interaction` or `states` has changed since rows were stored.

        Examples
        --------
        Two spins alike, stored once, want to be alike:

        >>> from skebm import HopfieldNetwork
        >>> memory = HopfieldNetwork(states=(-1, 1), binarize=0).fit([[1, 1]])
        >>> memory.energy([[1, 1], [1, -1]])
        array([-0.5,  0.5])
        """
        rows = refuse_missing(self._check(X), "an energy is that of complete rows.")
        rows, energy = self._in_units(rows), self._energy()
        found = rows.map(energy.free_energy, row_elements=self._row_elements(energy))
        return found + self._energy_constant

    @available_unless(_has_no_score)
    def score_samples(self, X):
        """Compute the log-likelihood of each row, exactly.

        Of the exponential interaction, whose distribution is a mixture with one
        component a stored row. The others have no log partition function in closed
        form.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, read as in `fit`. Missing values (NaN) are summed out.

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples,)
            Normalised log p(x) in nats; of real values a log-density.

        Raises
        ------
        ValueError
            If `X` is not a numeric table of the width seen in `fit`, finite where it is
            not missing; if `states` has changed since rows were stored; or if `beta` is
            so large that rounding would leave no digits.
        AttributeError
            Of the other interactions.

        Examples
        --------
        >>> from skebm import HopfieldNetwork
        >>> memory = HopfieldNetwork(interaction="exponential").fit([[1, 1], [0, 1]])
        >>> memory.score_samples([[1, 1], [1, 0]]).round(3)
        array([-0.82, -2.82])
        """
        rows, energy = self._in_units(self._check(X)), self._energy()
        _refuse_rounding(energy)
        log_partition = logsumexp(-energy.memory_free_energies)
        score = [
            energy.observed_score(part, observed)
            if rows.has_missing
            else -energy.free_energy(part)
            for _, part, observed in parts_of(rows, self._row_elements(energy))
        ]
        return np.concatenate(score) - log_partition

    @available_unless(_has_no_score)
    def score(self, X, y=None):
        """Compute the mean log-likelihood of the rows, exactly.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, as of `score_samples`.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        log_likelihood : float
            Mean of `score_samples`, in nats a row. Higher is better: a search can find
            `beta` by that of rows held out.

        Raises
        ------
        ValueError
            As `score_samples` does.
        AttributeError
            Of the other interactions.

        Examples
        --------
        >>> from skebm import HopfieldNetwork
        >>> memory = HopfieldNetwork(interaction="exponential").fit([[1, 1], [0, 1]])
        >>> round(memory.score([[1, 1], [1, 0]]), 3)
        -1.82
        """
        return float(self.score_samples(X).mean())

    def _recalled(self, rows):
        """Give the rows that others become, in units."""
        energy = self._energy()
        rows = self._in_units(rows)
        recalled = np.empty(
            (rows.n_rows, rows.n_columns), float if self.states is None else bool
        )
        n_moving = 0
        for block in rows.blocks(self._row_elements(energy)):
            part, observed = rows.take(block), rows.observed(block)
            if not observed.any(axis=1).all():
                row = block.start + int(np.argmin(observed.any(axis=1)))
                raise ValueError(
                    f"X has no value in row {row}: there is nothing to recall it by. "
                    "Leave such rows out, or draw them by sample."
                )
            recalled[block], settled = self._recall(energy, part, observed)
            n_moving += int((~settled).sum())
        if n_moving and self.max_sweeps > 1:
            advice = (
                "Raise max_sweeps or beta."
                if self.states is None
                else "Raise max_sweeps; or, where rows alternate, set "
                "update='asynchronous', by which the energy falls with each move."
            )
            warn_user(
                f"{n_moving} of {rows.n_rows} rows still move after "
                f"max_sweeps={self.max_sweeps} sweeps: what they are now is no fixed "
                f"point. {advice}",
                ConvergenceWarning,
            )
        return recalled

    def _recall(self, energy, rows, observed):
        """Move a block of rows; give them, and which have settled."""
        if self.states is None:
            rows = rows.astype(np.float64)
            if not observed.all():
                rows = energy.mean_missing(rows, observed)
            tolerance = _SETTLED * np.abs(self._memories_in_units()).max()
            with np.errstate(over="ignore", invalid="ignore"):
                result = recall(
                    partial(attend, energy), rows, self.max_sweeps, tolerance
                )
            if not np.isfinite(result[0]).all():
                raise ValueError(
                    "X has values so large that products with stored rows are not "
                    "finite. Divide it, and what is stored, by a constant."
                )
            return result
        step = step_together if self._moves_together else step_in_order
        rows = fill_in(energy, rows, observed)
        return recall(partial(step, energy), rows, self.max_sweeps)

    @property
    def _moves_together(self):
        """Whether all units of a row move at once."""
        if self.update != "auto":
            return self.update == "synchronous"
        # Where -E is convex, so that it falls all the same.
        return self.interaction == "exponential" or self._has_even_power

    @property
    def _has_even_power(self):
        """Whether the energy is a sum of even powers, of each overlap one."""
        return self.interaction == "polynomial" and self.degree % 2 == 0

    def _row_elements(self, energy):
        """Say how many array elements work on one row needs."""
        return max(energy.n_units, len(self.memories_))


def _refuse_rounding(energy):
    """Refuse scores that are small differences of huge energies."""
    size = np.abs(energy.memory_free_energies).max()
    if size * np.finfo(np.float64).eps > _MOST_ROUNDING:
        raise ValueError(
            f"Energies are of {size:.0e} nats, so that rounding would leave no digits "
            "of scores. Lower beta; or take real rows near 0, or with "
            "similarity='euclidean'."
        )


def _nearest(rows, memories):
    """Find the nearest memory of each row, and the squared distance to it."""
    squares = np.einsum("ij,ij->i", memories, memories)
    nearest = np.argmin(squares - 2 * np.dot(rows, memories.T), axis=1)
    return nearest, np.square(rows - memories[nearest]).sum(axis=1)
