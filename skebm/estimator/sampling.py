"""Rows drawn from a model."""

__all__ = ["MetropolisMixin", "SamplingMixin"]

from numbers import Integral, Real

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from skebm.conditional.clamped_chains import redraw_missing
from skebm.estimator.validation import (
    Interval,
    check_fixed,
    make_generator,
    refuse_missing,
    unqualified,
    validate_params,
)
from skebm.partition.draws import adapt_start, draw_rows
from skebm.partition.enumeration import can_enumerate, draw_enumerated
from skebm.sampling.path import Path
from skebm.sampling.random import UniformNoise
from skebm.sampling.tempering import adapt_ladder, start_replicas, temper
from skebm.units.data import CompletedRows, row_blocks
from skebm.warning import warn_user

# The exchange rates that set the rungs are means over time as well.
_ADAPTING_LADDERS = 8

# At first new draws do not come to the top in all modes alike: with modes learned
# from images, a mean was off by 0.3 standard deviations of a row after ten restarts,
# by less than 0.1 after twenty.
_LEAST_RESTARTS = 20

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

        Where a layer has at most 20 units and no `init` is given, rows are drawn from
        the distribution itself, as log Z is summed. Elsewhere each has a Markov chain
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
            Gibbs sweeps of each chain; any number but 0 where rows are drawn from
            the distribution itself. The distribution of the rows approaches
            the model's as it grows; models with separate modes need more, or
            `tempering`.
        init : {array-like, sparse matrix} of shape (n_rows, n_features), default=None
            Where the chains start, taken in turn; they make no jumps then. None starts
            them from rows that annealing has led to the model.
        temperature : float, default=1.0
            What is drawn from is proportional to exp(-E / temperature). At least
            1e-6.
        tempering : bool, default=False
            Whether to draw by parallel tempering [1]_, which finds the modes of
            the model in their right shares where Gibbs chains cannot leave theirs.
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
            return self._sample_given(given, n_samples, n_steps, temperature, rng)
        n_samples = n_samples or 1
        if init is not None:
            rows = refuse_missing(self._rows(init), "chains start from complete rows.")

        def start(block):
            if init is None:
                n_chains = block.stop - block.start
                return self._start_rows(n_chains, rng)
            return rows.take(np.arange(block.start, block.stop) % rows.n_rows)

        if init is None and n_steps > 0:
            energy = self._energy()
            machine = (1 / temperature) * energy.marginal()[0]
            if can_enumerate(machine):
                noise = UniformNoise(rng, np.float64)
                drawn = draw_enumerated(machine, n_samples, noise)
                drawn = energy.visible_of(drawn, noise, 1 / temperature)
                return self._in_states(drawn.astype(np.float64))
            if not tempering:
                drawn = self._run_jumping_chains(n_samples, n_steps, temperature, rng)
                return self._in_states(drawn)
        run = self._run_ladders if tempering else self._run_chains
        return self._in_states(run(start, n_samples, n_steps, temperature, rng))

    @validate_params(
        {
            **_SWEEP_CONSTRAINTS,
            "X": ["array-like", "sparse matrix"],
            "fixed": ["array-like", None],
        },
        prefer_skip_nested_validation=True,
    )
    def gibbs(self, X, *, fixed=None, n_steps=1, temperature=1.0, random_state=None):
        """Move each row by Gibbs sampling.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Values of the visible units, read as in `fit`.
        fixed : array-like of bool, default=None
            Which values are held as they are, of shape (n_features,) for all rows or
            (n_samples, n_features). None holds none.
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
        rows = refuse_missing(self._check(X), _COMPLETE)
        held = check_fixed(fixed, rows.n_rows, rows.n_columns)
        noise = UniformNoise(make_generator(random_state), np.float32)
        energy = self._energy().at_temperature(temperature).astype(np.float32)
        units = self._drawn(self._in_units(rows).take(slice(None)), noise.rng)
        result = np.empty(units.shape)
        for block in row_blocks(rows.n_rows, energy.n_units):
            part = units[block]
            if n_steps > 0:
                part = redraw_missing(energy, part, held[block], noise, n_steps)
            result[block] = part
        return np.where(held, self._values_of(rows, units), self._in_states(result))

    def _sample_given(self, given, n_samples, n_steps, temperature, rng):
        """Draw what is missing of rows."""
        rows = self._check(given)
        if n_samples not in {None, rows.n_rows}:
            if rows.n_rows != 1:
                raise ValueError(
                    f"given has {rows.n_rows} rows, n_samples={n_samples} asks for "
                    "another number. Leave n_samples out, or give one row."
                )
            rows = rows.subset(np.zeros(n_samples, dtype=int))
        observed, in_units = rows.observed(slice(None)), self._in_units(rows)
        # Fractions are drawn first, and the rest given what they have become.
        units = self._drawn(in_units.take(slice(None)), rng)
        known = CompletedRows(in_units, units, observed, None)
        drawn = self._draw_given(known, n_steps, temperature, rng)
        result = np.where(
            observed, self._values_of(rows, units), self._in_states(drawn)
        )
        empty = ~observed.any(axis=1)
        if empty.any():
            settings = {"n_steps": n_steps, "temperature": temperature}
            seed = int(rng.integers(2**31))
            result[empty] = self.sample(empty.sum(), random_state=seed, **settings)
        return result

    def _move(self, X, kernel, n_steps, temperature, random_state):
        """Move each row by sweeps of one kind."""
        rows = refuse_missing(self._rows(X), _COMPLETE)
        rng = make_generator(random_state)
        n_rows = rows.n_rows
        moved = self._run_chains(
            rows.take, n_rows, n_steps, temperature, rng, kernel=kernel
        )
        return self._in_states(moved)

    def _run_chains(
        self, start, n_chains, n_steps, temperature, rng, *, kernel="gibbs"
    ):
        """Run chains from the rows that `start` gives, a block of them at a time."""
        energy = self._energy().astype(np.float32)
        noise, beta = UniformNoise(rng, np.float32), 1 / temperature
        result = np.empty((n_chains, self.n_features_in_))
        for block in row_blocks(n_chains, energy.n_units):
            rows = start(block)
            if n_steps > 0:
                rows = energy.complete(rows, noise, beta)
                rows = getattr(energy, kernel)(rows, noise, n_steps, beta=beta)
                rows = energy.visible_of(rows, noise, beta)
            result[block] = rows
        return result

    def _path(self, energy, temperature, noise):
        """Give a path from a mixture that knows of groups to the machine of chains."""
        machine = (1 / temperature) * energy.marginal()[0]
        mean = energy.chain_mean(self._visible_mean)
        known = self._chain_rows(energy, self._known_rows, noise.rng)
        return Path(adapt_start(machine, mean, known, noise), machine)

    def _run_jumping_chains(self, n_chains, n_steps, temperature, rng):
        """Run chains that jump between groups, from where annealing has led them."""
        energy = self._energy().astype(np.float32)
        noise = UniformNoise(rng, np.float32)
        path = self._path(energy, temperature, noise)
        draws = draw_rows(path, n_chains, noise, n_steps=n_steps)
        if not draws.agree:
            warn_user(
                "The rows may have wrong shares of the modes of the model: chains that "
                f"started elsewhere differ from them after n_steps={n_steps} sweeps "
                f"and {draws.n_jumps:.1f} jumps between groups of rows. Raise n_steps, "
                "or set tempering=True.",
                ConvergenceWarning,
            )
        return energy.visible_of(draws.rows, noise, 1 / temperature)

    def _run_ladders(self, start, n_ladders, n_steps, temperature, rng):
        """Give the coldest rows of ladders, a block of them at a time."""
        energy = self._energy().astype(np.float32)
        noise = UniformNoise(rng, np.float32)
        path = self._path(energy, temperature, noise)
        adapting = energy.complete(start(slice(0, _ADAPTING_LADDERS)), noise)
        betas = adapt_ladder(path, adapting, noise, n_steps=n_steps).betas
        result = np.empty((n_ladders, self.n_features_in_))
        n_restarts = 0
        for block in row_blocks(n_ladders, energy.n_units * len(betas)):
            replicas = start_replicas(betas, energy.complete(start(block), noise))
            replicas = temper(path, replicas, noise, n_steps=n_steps)
            result[block] = energy.visible_of(replicas.coldest, noise, 1 / temperature)
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
