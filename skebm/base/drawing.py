"""Rows drawn from a model."""

__all__ = ["DrawingMixin"]

from numbers import Integral, Real

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skebm._rows import row_blocks
from skebm._validation import Interval, check_rows, make_generator, validate_params
from skebm.sampling.chains import run_chains, start_visible
from skebm.sampling.noise import UniformNoise

_CONSTRAINTS = {
    "n_steps": [Interval(Integral, 0, None, closed="left")],
    # Below it the product of a field and 1 / temperature may overflow float32.
    "temperature": [Interval(Real, 1e-6, None, closed="left")],
    "random_state": ["random_state"],
}


class DrawingMixin:
    """`sample` and `gibbs`."""

    @validate_params(
        {
            **_CONSTRAINTS,
            "n_samples": [Interval(Integral, 1, None, closed="left")],
            "init": ["array-like", "sparse matrix", None],
        },
        prefer_skip_nested_validation=True,
    )
    def sample(
        self,
        n_samples=1,
        *,
        n_steps=1000,
        init=None,
        temperature=1.0,
        random_state=None,
    ):
        """Draw rows from the model, each by a Gibbs chain of its own.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows.
        n_steps : int, default=1000
            Gibbs sweeps of each chain. The law of the rows approaches the
            model's as it grows; models with separate modes need more, or an
            `init` spread over the modes.
        init : {array-like, sparse matrix} of shape (n_rows, n_features), default=None
            Where the chains start, taken in turn. None starts them from draws
            of independent units with the means of the training data.
        temperature : float, default=1.0
            The law drawn from is proportional to exp(-E / temperature). At least
            1e-6.
        random_state : int, RandomState instance or None, default=None
            Pass an int for the same rows at each call.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            Zeros and ones, float64; with ``n_steps=0`` the rows at the start.

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
        rows = None if init is None else check_rows(self, init)

        def start(block):
            if rows is None:
                n_chains = block.stop - block.start
                return start_visible(self._visible_mean, n_chains, rng)
            return rows.take(np.arange(block.start, block.stop) % rows.n_rows)

        return self._run_chains(start, n_samples, n_steps, temperature, rng)

    @validate_params(
        {**_CONSTRAINTS, "X": ["array-like", "sparse matrix"]},
        prefer_skip_nested_validation=True,
    )
    def gibbs(self, X, *, n_steps=1, temperature=1.0, random_state=None):
        """Move each row by Gibbs sampling.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Values of the visible units; `binarize` applies as in `fit`.
        n_steps : int, default=1
            Number of sweeps.
        temperature : float, default=1.0
            The sweeps leave the law proportional to exp(-E / temperature)
            unchanged.
        random_state : int, RandomState instance or None, default=None
            Pass an int for the same rows at each call.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_features)
            Zeros and ones, float64; with ``n_steps=0`` the rows at the start.

        Raises
        ------
        ValueError
            If `X` is not a finite numeric table of the width seen in `fit`, or is
            outside [0, 1] with ``binarize=None``.

        Examples
        --------
        >>> from skebm import BinaryRBM
        >>> rbm = BinaryRBM.from_parameters([[2.0, -2.0]], [0.0, 0.0], [0.0])
        >>> rbm.gibbs([[1, 0], [0, 1]], random_state=0).shape
        (2, 2)
        """
        rows = check_rows(self, X)
        rng = make_generator(random_state)
        return self._run_chains(rows.take, rows.n_rows, n_steps, temperature, rng)

    def _run_chains(self, start, n_chains, n_steps, temperature, rng):
        """Run chains from the rows that `start` gives, a block of them at a time."""
        energy = self._energy().astype(np.float32)
        noise = UniformNoise(rng, np.float32)
        result = np.empty((n_chains, self.n_features_in_))
        for block in row_blocks(n_chains, energy.n_units):
            result[block] = run_chains(
                energy, start(block), noise, n_sweeps=n_steps, beta=1 / temperature
            ).visible
        return result
