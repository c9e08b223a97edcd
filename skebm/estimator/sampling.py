"""Rows drawn from a model."""

__all__ = ["MetropolisMixin", "SamplingMixin"]

from numbers import Integral, Real

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from skebm.conditional.clamped_chains import redraw_missing
from skebm.conditional.incomplete_rows import draw_incomplete
from skebm.estimator.parameter_checks import has_real_columns
from skebm.estimator.table_checks import check_fixed, refuse_missing
from skebm.estimator.validation import (
    Interval,
    make_generator,
    unqualified,
    validate_params,
)
from skebm.partition.draws import adapt_start, draw_rows
from skebm.partition.enumeration import can_enumerate, draw_enumerated
from skebm.sampling.path import Path
from skebm.sampling.random import UniformNoise
from skebm.sampling.tempering import adapt_ladder, start_replicas, temper
from skebm.units.data import row_blocks
from skebm.warning import warn_user

# The exchange rates that set the rungs are means over time as well.
_ADAPTING_LADDERS = 8

# At first new draws do not come to the top in all modes alike: with modes learned
# from images, a mean was off by 0.3 standard deviations of a row after ten restarts,
# by less than 0.1 after twenty.
_LEAST_RESTARTS = 20

# A temperature beyond which float32 does not hold the squares of real values.
_HOTTEST = 1e30

_COMPLETE = "chains move complete rows. Draw what is missing by sample(given=X)."

_SWEEP_CONSTRAINTS = {
    "n_steps": [Interval(Integral, 0, None, closed="left")],
    # Below it the product of a field and 1 / temperature may overflow float32.
    "temperature": [Interval(Real, 1e-6, None, closed="left")],
    "random_state": ["random_state"],
}


@unqualified
class SamplingMixin:
    """`sample` and `gibbs`."""

    # Rows that the model may favour, in its units: some of those learned from.
    _known_rows = None

    # Of how many rows learned from that is a sample.
    _n_known = None

    # Draws of the model that learning left, and the fingerprint of its parameters then.
    _draws = None

    @validate_params(
        {
            **_SWEEP_CONSTRAINTS,
            "n_samples": [Interval(Integral, 1, None, closed="left"), None],
            "given": ["array-like", "sparse matrix", None],
            "init": ["array-like", "sparse matrix", None],
            "tempering": ["boolean"],
        },
        prefer_skip_nested_validation=True,
    )
    def sample(
        self,
        n_samples=None,
        *,
        given=None,
        n_steps=1000,
        init=None,
        temperature=1.0,
        tempering=False,
        random_state=None,
    ):
        """Draw rows from the model.

        Where a layer has at most 20 binary units, or a `MarkovRandomField` at most
        `max_exact_terms` terms, and no `init` is given, rows are drawn from the
        distribution itself, as log Z is summed. Elsewhere each has a Markov chain
        of its own. Without `init` the chains start near the model, and jump between
        the groups of rows that it was learned from, or that a search has found.

        Parameters
        ----------
        n_samples : int, default=None
            Number of rows. None is one, or as many as `given` has. If `given` has but
            one row, it is taken so many times.
        given : {array-like, sparse matrix} of shape (n_rows, n_features), default=None
            Rows of which what is missing (NaN) is drawn, and all else held: completion,
            inpainting, what-if. Draws are exact of models with at most 12 hidden units,
            and of binary rows with at most 12 missing values; elsewhere each is that of
            a chain of its own. Takes no `init` and no `tempering`.
        n_steps : int, default=1000
            Gibbs sweeps of each chain, or Langevin steps; any number but 0 where rows
            are drawn from the distribution itself. The distribution of the rows
            approaches the model's as it grows; models with separate modes need more, or
            `tempering`.
        init : {array-like, sparse matrix} of shape (n_rows, n_features), default=None
            Where the chains start, taken in turn; they make no jumps then. None starts
            them from rows that annealing has led to the model.
        temperature : float, default=1.0
            What is drawn from is proportional to exp(-E / temperature). At least
            1e-6.
        tempering : bool, default=False
            Whether to draw by parallel tempering [1]_, which finds the modes of
            the model in their right shares where chains cannot leave theirs.
            Each row then ends on top of a ladder of its own of some 2 to 50
            chains, between groups of rows and the model, that exchange places at each
            step. It takes that many times as long, and as long again for
            eight rows to set the rungs; given these, rows are independent.
        random_state : int, RandomState instance or None, default=None
            Pass an int for the same rows at each call.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            The states of the units, float64; with ``n_steps=0`` the rows at the start.
            A frame if `set_output` says so.

        Warns
        -----
        ConvergenceWarning
            If chains that started from other groups end with other means of columns or
            scores: set `tempering`, or raise `n_steps`. If with `tempering` fewer than
            twenty chains have on average come all the way from the groups to the top of
            a ladder: raise `n_steps`.

        References
        ----------
        .. [1] Syed, S., Bouchard-Côté, A., Deligiannidis, G. and Doucet, A.
           (2022). Non-reversible parallel tempering: a scalable highly parallel
           MCMC scheme. Journal of the Royal Statistical Society B 84(2), 321-350.
           :doi:`10.1111/rssb.12464`

        Examples
        --------
        >>> from skebm import BinaryRBM
        >>> rbm = BinaryRBM.from_parameters([[2.0, -2.0]], [0.0, 0.0], [0.0])
        >>> X = rbm.sample(1000, random_state=0)
        >>> bool(abs(X[:, 0].mean() - 0.768) < 0.05)  # the exact mean is 0.768
        True
        """
        check_is_fitted(self)
        rng = make_generator(random_state)
        if given is not None:
            if init is not None or tempering:
                raise ValueError(
                    "given takes no init and no tempering: chains start from it."
                )
            rows = self._rows_to_fill(given, n_samples)
            filled = self._filled(rows, n_steps, temperature, rng)
            if len(filled) != np.shape(given)[0]:
                return self._as_rows(filled)
            return self._as_rows(filled, given, self._observed_features(rows))
        start = self._where_chains_start(init, temperature, rng)
        settings = {"n_steps": n_steps, "temperature": temperature}
        drawn = self._draw(start, n_samples or 1, rng, tempering=tempering, **settings)
        return self._as_rows(drawn)

    def _draw(self, start, n_samples, rng, *, n_steps, temperature, tempering=False):
        """Draw rows, from the model itself where `start` is None."""
        energy, from_model = self._energy_at(temperature), start is None
        start = start or self._independent_start(rng)
        if from_model and n_steps > 0 and can_enumerate(energy.marginal()[0]):
            noise = UniformNoise(rng, np.float64)
            drawn = draw_enumerated(energy.marginal()[0], n_samples, noise)
            drawn = energy.visible_of(drawn, noise).astype(np.float64)
        elif tempering:
            drawn = self._run_ladders(energy, start, n_samples, n_steps, rng)
        elif from_model and n_steps > 0:
            drawn = self._run_jumping_chains(energy, n_samples, n_steps, rng)
        else:
            drawn = self._run_chains(energy, start, n_samples, n_steps, rng)
        return self._in_states(drawn)

    @validate_params(
        {
            **_SWEEP_CONSTRAINTS,
            "X": ["array-like", "sparse matrix"],
            "fixed": ["array-like", None],
        },
        prefer_skip_nested_validation=True,
    )
    def gibbs(self, X, *, fixed=None, n_steps=1, temperature=1.0, random_state=None):
        """Move each row by Gibbs sampling, or by Langevin steps if chains make these.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Values of the visible units, read as in `fit`.
        fixed : array-like of bool, default=None
            Which values are held as they are, of shape (n_features,) for all rows or
            (n_samples, n_features). None holds none.
        n_steps : int, default=1
            Number of sweeps, or of Langevin steps.
        temperature : float, default=1.0
            They leave the distribution proportional to
            exp(-E / temperature) unchanged.
        random_state : int, RandomState instance or None, default=None
            Pass an int for the same rows at each call.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_features)
            The states of the units, float64; with ``n_steps=0`` the rows at the start.

        Raises
        ------
        ValueError
            If `X` is not a finite numeric table of the width seen in `fit`, or of
            binary models with ``binarize=None`` is outside their states.

        Examples
        --------
        >>> from skebm import BinaryRBM
        >>> rbm = BinaryRBM.from_parameters([[2.0, -2.0]], [0.0, 0.0], [0.0])
        >>> rbm.gibbs([[1, 0], [0, 1]], random_state=0).shape
        (2, 2)
        """
        if fixed is None:
            return self._move(X, "gibbs", n_steps, temperature, random_state)
        rng, rows = make_generator(random_state), self._check(X)
        fixed = check_fixed(fixed, rows.n_rows, self.n_features_in_)
        held = self._by_unit(fixed)
        if rows.has_missing:
            held = held & rows.observed(slice(None))
        rows = self._without_gaps(rows, _COMPLETE, temperature, rng)
        energy = self._energy_at(temperature).astype(np.float32)

        def sweep(part, observed, noise):
            if n_steps == 0:
                return part
            return redraw_missing(energy, part, observed, noise, n_steps)

        observed = self._observed_features(rows)
        moved = self._redrawn(rows, held, sweep, rng)
        return self._as_rows(moved, X, None if observed is None else fixed)

    def _energy_at(self, temperature):
        """Give the energy whose distribution is that of the model at a temperature."""
        energy = self._energy()
        if temperature > _HOTTEST and has_real_columns(energy):
            raise ValueError(
                f"temperature={temperature} spreads real values beyond what float32 "
                f"holds, in which chains move. Set it to at most {_HOTTEST:.0e}."
            )
        return energy if temperature == 1 else energy.at_temperature(temperature)

    def _independent_start(self, rng):
        """Give a function that draws the first rows of a block of chains."""
        return lambda block: self._start_rows(block.stop - block.start, rng)

    def _where_chains_start(self, init, temperature, rng):
        """Give a function that reads the first rows of a block of chains, or None."""
        if init is None:
            return None
        reason = "chains start from complete rows."
        rows = self._without_gaps(self._check(init), reason, temperature, rng)
        rows = self._in_units(rows)
        self._refuse_far(rows)
        return lambda block: rows.take(np.arange(block.start, block.stop) % rows.n_rows)

    def _without_gaps(self, rows, reason, temperature, rng):
        """Give rows of which all units have values; refuse those with missing ones."""
        return refuse_missing(rows, reason)

    def _rows_to_fill(self, given, n_samples):
        """Validate rows of which what is missing is to be drawn."""
        rows = self._check(given)
        if n_samples in {None, rows.n_rows}:
            return rows
        if rows.n_rows != 1:
            raise ValueError(
                f"given has {rows.n_rows} rows, n_samples={n_samples} asks for another "
                "number. Leave n_samples out, or give one row."
            )
        return rows.subset(np.zeros(n_samples, dtype=int))

    def _filled(self, rows, n_steps, temperature, rng):
        """Draw what is missing of rows."""
        energy, mean = self._energy_at(temperature), self._mean_of_rows()

        def draw(part, observed, noise):
            part = part.astype(np.float64)
            return draw_incomplete(energy, part, observed, mean, noise, n_steps)

        observed = rows.observed(slice(None))
        result = self._redrawn(rows, observed, draw, rng)
        empty = ~observed.any(axis=1)
        if empty.any():
            settings = {"n_steps": n_steps, "temperature": temperature}
            result[empty] = self._draw(None, empty.sum(), rng, **settings)
        return result

    def _redrawn(self, rows, held, draw, rng):
        """Draw all but what is held of rows, which stays as it is to the last bit."""
        units, noise = self._in_units(rows), UniformNoise(rng, np.float32)
        self._refuse_far(units)
        result = np.empty((rows.n_rows, rows.n_columns))
        for block in units.blocks(rows.n_columns):
            part = self._drawn(units.take(block), rng)
            moved = self._in_states(draw(part, held[block], noise))
            result[block] = np.where(held[block], self._given(rows, block, part), moved)
        return result

    def _move(self, X, kernel, n_steps, temperature, random_state):
        """Move each row by sweeps of one kind."""
        rng, rows = make_generator(random_state), self._check(X)
        rows = self._without_gaps(rows, _COMPLETE, temperature, rng)
        rows, energy = self._in_units(rows), self._energy_at(temperature)
        self._refuse_far(rows)
        moved = self._run_chains(
            energy, rows.take, rows.n_rows, n_steps, rng, kernel=kernel
        )
        return self._as_rows(self._in_states(moved), X)

    def _run_chains(self, energy, start, n_chains, n_steps, rng, *, kernel="gibbs"):
        """Run chains from the rows that `start` gives, a block of them at a time."""
        energy, noise = energy.astype(np.float32), UniformNoise(rng, np.float32)
        result = np.empty((n_chains, energy.n_visible))
        for block in row_blocks(n_chains, energy.n_units):
            rows = start(block)
            if n_steps > 0:
                rows = energy.complete(rows, noise)
                rows = getattr(energy, kernel)(rows, noise, n_steps)
                rows = energy.visible_of(rows, noise)
            result[block] = rows
        return result

    def _path(self, energy, noise):
        """Give a path from a mixture that knows of groups to the machine of chains."""
        machine, _ = energy.marginal()
        mean = energy.chain_mean(self._visible_mean)
        known = self._chain_rows(energy, self._known_rows, noise.rng)
        return Path(adapt_start(machine, mean, known, noise), machine)

    def _chain_rows(self, energy, rows, rng):
        """Make rows that chains move of visible rows, if there are any."""
        if rows is None:
            return None
        noise = UniformNoise(rng, np.float32)
        return energy.astype(np.float32).complete(rows, noise)

    def _run_jumping_chains(self, energy, n_chains, n_steps, rng):
        """Run chains that jump between groups, from where annealing has led them."""
        energy, noise = energy.astype(np.float32), UniformNoise(rng, np.float32)
        path = self._path(energy, noise)
        draws = draw_rows(path, n_chains, noise, n_steps=n_steps)
        if not draws.agree:
            warn_user(
                "The rows may have wrong shares of the modes of the model: chains that "
                f"started elsewhere differ from them after n_steps={n_steps} steps "
                f"and {draws.n_jumps:.1f} jumps between groups of rows. Raise n_steps, "
                "or set tempering=True.",
                ConvergenceWarning,
            )
        return energy.visible_of(draws.rows, noise)

    def _run_ladders(self, energy, start, n_ladders, n_steps, rng):
        """Give the coldest rows of ladders, a block of them at a time."""
        energy, noise = energy.astype(np.float32), UniformNoise(rng, np.float32)
        path = self._path(energy, noise)
        adapting = energy.complete(start(slice(0, _ADAPTING_LADDERS)), noise)
        betas = adapt_ladder(path, adapting, noise, n_steps=n_steps).betas
        result = np.empty((n_ladders, energy.n_visible))
        n_restarts = 0
        for block in row_blocks(n_ladders, energy.n_units * len(betas)):
            replicas = start_replicas(betas, energy.complete(start(block), noise))
            replicas = temper(path, replicas, noise, n_steps=n_steps)
            result[block] = energy.visible_of(replicas.coldest, noise)
            n_restarts += replicas.n_restarts.sum()
        if n_restarts < _LEAST_RESTARTS * n_ladders:
            warn_user(
                f"The rows may depend on where they started: in n_steps={n_steps} "
                f"steps {n_restarts / n_ladders:.1f} new draws have come to the top "
                f"of a ladder on average, where {_LEAST_RESTARTS} are the least to "
                "rely on. Raise n_steps.",
                ConvergenceWarning,
            )
        return result


@unqualified
class MetropolisMixin:
    """`metropolis`, of models whose binary units can all be coupled."""

    @validate_params(
        {**_SWEEP_CONSTRAINTS, "X": ["array-like", "sparse matrix"]},
        prefer_skip_nested_validation=True,
    )
    def metropolis(self, X, *, n_steps=1, temperature=1.0, random_state=None):
        """Move each row by Metropolis-Hastings sampling [1]_.

        Hidden units, if there are any, are drawn given the row. Then each unit in turn,
        visible or hidden, proposes to flip, which is accepted if the energy falls,
        and else with probability exp(-rise / temperature). The distribution it
        leaves unchanged is that of `gibbs`, by other moves: rows that come from both
        are a check of either. Flips are accepted more often than those of Gibbs
        sampling.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Values of the units; `binarize` applies as in `fit`.
        n_steps : int, default=1
            Number of sweeps.
        temperature : float, default=1.0
            The sweeps leave the distribution proportional to
            exp(-E / temperature) unchanged.
        random_state : int, RandomState instance or None, default=None
            Pass an int for the same rows at each call.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_features)
            In the values of `states`, float64; with ``n_steps=0`` the rows at the
            start.

        Raises
        ------
        ValueError
            If `X` is not a finite numeric table of the width seen in `fit`, or is
            outside the states with ``binarize=None``.

        References
        ----------
        .. [1] Metropolis, N., Rosenbluth, A. W., Rosenbluth, M. N., Teller, A. H.
           and Teller, E. (1953). Equation of state calculations by fast computing
           machines. Journal of Chemical Physics 21(6), 1087-1092.
           :doi:`10.1063/1.1699114`

        Examples
        --------
        >>> from skebm import BoltzmannMachine
        >>> machine = BoltzmannMachine.from_parameters([[0, 2], [2, 0]], [-1, -1])
        >>> machine.metropolis([[1, 0], [0, 1]], random_state=0).shape
        (2, 2)
        """
        return self._move(X, "metropolis", n_steps, temperature, random_state)
