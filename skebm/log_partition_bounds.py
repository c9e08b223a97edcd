"""Estimates of log Z from below and from above."""

__all__ = ["log_partition_bounds"]

from numbers import Integral, Real

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skebm.estimator.base import BaseEnergyModel
from skebm.estimator.table_checks import refuse_missing
from skebm.estimator.validation import (
    Interval,
    make_generator,
    validate_params,
)
from skebm.estimator.verbosity import Lines
from skebm.partition.log_partition import compute_log_partition

# Rows given that are looked at, at most.
_MOST_GIVEN_ROWS = 1000


@np.errstate(under="ignore")  # as of the methods of estimators
@validate_params(
    {
        "model": [BaseEnergyModel],
        "X": ["array-like", "sparse matrix", None],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "max_temperatures": [Interval(Integral, 1, None, closed="left")],
        "n_chains": [Interval(Integral, 2, None, closed="left")],
        "n_steps": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def log_partition_bounds(
    model,
    *,
    X=None,
    tol=0.03,
    max_temperatures=20000,
    n_chains=100,
    n_steps=3000,
    random_state=None,
):
    """Estimate log Z from below and from above.

    Annealing from a mixture of groups of rows to the model is unlikely to make Z too
    large, and annealing back from draws of the model unlikely to make it too small
    [1]_. Where both agree, log Z is known; where they do not, it lies between
    them, provided that the draws of the model are in equilibrium. They come from
    parallel tempering, and the result says what speaks for and against it. How far it
    is is printed as `verbose` of the model says.

    Parameters
    ----------
    model : BinaryRBM, GaussianRBM, BoltzmannMachine or LatentBM
        Fitted.
    X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
        Rows that tell of modes beside those learned from, best of all held-out data:
        annealing starts from groups of them, and half of the tempered chains from some
        of them. At most 1000 are looked at. The other half starts from annealed rows.
    tol : float, default=0.03
        Wanted standard error of the lower estimate, in nats. Half of it takes four
        times as long.
    max_temperatures : int, default=20000
        Most steps of the annealing each way. If they do not suffice, the errors
        that are returned are above `tol`.
    n_chains : int, default=100
        Chains of the annealing each way, at least 2.
    n_steps : int, default=3000
        Steps of the tempering, the first half of which is left out.
    random_state : int, RandomState instance or None, default=None
        Pass an int for the same estimates at each call.

    Returns
    -------
    bounds : PartitionEstimate
        With the estimates `lower` and `upper`, their standard errors `lower_std`
        and `upper_std`, effective sample sizes, the `gap` between them with
        `gap_std`, whether log Z is `exact`, `n_temperatures` and `n_chains`, and
        signs of equilibrium: `halves`, `n_restarts` and `in_equilibrium`. All log Z
        are in nats.

    Raises
    ------
    ValueError
        If `X` is not a finite numeric table of the width seen in `fit`, or of
        binary models with ``binarize=None`` is outside their states.

    See Also
    --------
    BinaryRBM.log_partition : The value that scores use.

    References
    ----------
    .. [1] Burda, Y., Grosse, R. and Salakhutdinov, R. (2015). Accurate and
       conservative estimates of MRF log-likelihood using reverse annealing.
       AISTATS, 102-110.

    Examples
    --------
    >>> import numpy as np
    >>> from skebm import BinaryRBM, log_partition_bounds
    >>> weights = np.eye(21)
    >>> rbm = BinaryRBM.from_parameters(weights, np.zeros(21), np.zeros(21))
    >>> bounds = log_partition_bounds(rbm, random_state=0)
    >>> exact = 21 * np.log(3 + np.e)
    >>> bool(abs(bounds.lower - exact) < 0.1 and abs(bounds.upper - exact) < 0.1)
    True
    >>> bounds.in_equilibrium
    True
    """
    check_is_fitted(model)
    rng = make_generator(random_state)
    energy = model._energy()
    machine, log_summed = energy.marginal()
    known = model._known_rows
    if X is not None:
        rows = refuse_missing(model._rows(X), "bounds ask for complete rows.")
        given = model._drawn(rows.take(rows.sample(_MOST_GIVEN_ROWS, rng)), rng)
        known = given if known is None else np.concatenate([known, given])
    with Lines(model).hearing("bounds of log Z"):
        estimate = compute_log_partition(
            machine,
            energy.chain_mean(model._visible_mean),
            tol=tol,
            max_temperatures=max_temperatures,
            n_chains=n_chains,
            n_steps=n_steps,
            rng=rng,
            rows=model._chain_rows(energy, known, rng),
        )
    return estimate.shifted(log_summed - model._energy_constant)
