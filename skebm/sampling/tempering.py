"""Parallel tempering: chains at many temperatures that change places."""

__all__ = ["Replicas", "adapt_ladder", "respace", "start_replicas", "temper"]

from dataclasses import dataclass, replace

import numpy as np

_FIRST_RUNGS = 8
_SHORTEST_ROUND = 8

# Steps between jumps, beside which these take little time.
_STEPS_A_JUMP = 10

# So that the rungs of a stretch without rejections keep apart.
_LEAST_REJECTION = 1e-3


@dataclass(frozen=True, eq=False)
class Replicas:
    """Rows on ladders of inverse temperatures, and how they have moved there.

    A ladder has one row on each rung. What an exchange moves is the rung of a
    row, and not the row.

    Parameters
    ----------
    betas : ndarray of shape (n_rungs,)
        Inverse temperatures from 0 to 1, rising, the same in every ladder.
    states : ndarray of shape (n_rungs * n_ladders, n_columns)
        The rows.
    rows : ndarray of shape (n_rungs, n_ladders)
        Which row stands on each rung of each ladder.
    renewed : ndarray of shape (n_rungs * n_ladders,)
        Whether a row has been drawn afresh, on rung 0 or by a jump, since it was
        last on top.
    n_steps : int
        Steps since the rungs were set.
    acceptance_sums : ndarray of shape (n_rungs - 1,)
        Over these steps, the probability that rungs k and k + 1 exchange their
        rows, averaged over the ladders.
    n_restarts : ndarray of shape (n_ladders,)
        How often, over these steps, a row drawn afresh has come to the top.
    """

    betas: np.ndarray
    states: np.ndarray
    rows: np.ndarray
    renewed: np.ndarray
    n_steps: int
    acceptance_sums: np.ndarray
    n_restarts: np.ndarray

    @property
    def coldest(self):
        """Rows at inverse temperature 1, shape (n_ladders, n_columns), a copy."""
        return self.states[self.rows[-1]]

    @property
    def acceptance(self):
        """Mean probability of an exchange between neighbours, shape (n_rungs - 1,).

        A pair takes part in every other step; NaN for one that has not yet.
        """
        n_tried = (self.n_steps + 1 - np.arange(len(self.betas) - 1) % 2) // 2
        untried = np.full(len(n_tried), np.nan)
        return np.divide(self.acceptance_sums, n_tried, out=untried, where=n_tried > 0)

    @property
    def barrier(self):
        """Sum of the rejection rates: an estimate of the communication barrier.

        It depends little on the rungs where they are close enough, and sets how
        many are needed [1]_.

        References
        ----------
        .. [1] Syed, S., Bouchard-Côté, A., Deligiannidis, G. and Doucet, A.
           (2022). Non-reversible parallel tempering: a scalable highly parallel
           MCMC scheme. JRSS B 84(2), 321-350.
        """
        return float((1 - self.acceptance).sum())


def start_replicas(betas, states):
    """Put each row on every rung of a ladder of its own.

    Parameters
    ----------
    betas : ndarray of shape (n_rungs,)
        Inverse temperatures from 0 to 1, rising, at least two.
    states : ndarray of shape (n_ladders, n_columns)
        Rows of chains.

    Returns
    -------
    replicas : Replicas
        Before their first step.
    """
    n_rungs, n_ladders = len(betas), len(states)
    rows = np.arange(n_rungs * n_ladders).reshape(n_rungs, n_ladders)
    return _place(betas, np.tile(states, (n_rungs, 1)), rows)


def temper(path, replicas, noise, *, n_steps=1):
    """Exchange rows between neighbouring rungs, then sweep them; repeatedly.

    Even and odd pairs of neighbours take turns [1]_: a row whose exchanges are
    accepted goes on in its direction, where picking pairs at random would make
    it diffuse. Each step leaves the product of the laws on the rungs invariant.

    Parameters
    ----------
    path : Path
        From the start to the machine. It may change from call to call, as it does in
        learning.
    replicas : Replicas
        Left as they are.
    noise : UniformNoise
        Source of the draws.
    n_steps : int, default=1
        Number of steps.

    Returns
    -------
    replicas : Replicas
        After the steps.

    References
    ----------
    .. [1] Syed, S., Bouchard-Côté, A., Deligiannidis, G. and Doucet, A. (2022).
       Non-reversible parallel tempering: a scalable highly parallel MCMC scheme.
       JRSS B 84(2), 321-350.
    """
    for _ in range(n_steps):
        replicas = _step(path, replicas, noise)
    return replicas


def respace(replicas, n_rungs=None):
    """Set the rungs anew, so that neighbours reject each other equally often.

    The rejections measured since the rungs were last set say how far apart in
    law these are; the new ones cut the way from 0 to 1 evenly by that measure
    [1]_. Rows are copied from the nearest old rung, and the counts start anew.

    Parameters
    ----------
    replicas : Replicas
        After at least two steps.
    n_rungs : int, default=None
        How many rungs to set, at least two. None takes one more than twice the
        barrier, which makes restarts cheapest.

    Returns
    -------
    replicas : Replicas
        Before their first step on the new rungs.

    References
    ----------
    .. [1] Syed, S., Bouchard-Côté, A., Deligiannidis, G. and Doucet, A. (2022).
       Non-reversible parallel tempering: a scalable highly parallel MCMC scheme.
       JRSS B 84(2), 321-350.
    """
    if n_rungs is None:
        n_rungs = 1 + max(1, int(np.ceil(2 * replicas.barrier)))
    rejection = np.maximum(1 - replicas.acceptance, _LEAST_REJECTION)
    distance = np.concatenate([[0.0], np.cumsum(rejection)])
    even = np.linspace(0, distance[-1], n_rungs)
    betas = np.interp(even, distance, replicas.betas)
    position = np.interp(betas, replicas.betas, np.arange(len(replicas.betas)))
    rows = replicas.rows[np.rint(position).astype(int)]
    states = replicas.states[rows.ravel()]
    return _place(betas, states, np.arange(rows.size).reshape(rows.shape))


def adapt_ladder(path, states, noise, *, n_steps):
    """Find the inverse temperatures at which rows travel best.

    Rounds of measuring and setting the rungs anew, each twice as long as the one
    before, so that the last, half of all, forgets how the first began. The
    result is for other replicas to be started on: rungs that go on changing
    would spoil the law of the rows.

    Parameters
    ----------
    path : Path
        As for `temper`.
    states : ndarray of shape (n_ladders, n_columns)
        Where the ladders start; a few are enough.
    noise : UniformNoise
        Source of the draws.
    n_steps : int
        Length of all rounds together, at most. With fewer than 8 there are none,
        and the rungs stay even.

    Returns
    -------
    replicas : Replicas
        On their new rungs, before the first step there.
    """
    replicas = start_replicas(np.linspace(0, 1, _FIRST_RUNGS), states)
    n_rounds = int(np.log2(n_steps / _SHORTEST_ROUND + 1))
    for n_round in range(n_rounds):
        length = 2**n_round * (n_steps // (2**n_rounds - 1))
        replicas = respace(temper(path, replicas, noise, n_steps=length))
    return replicas


def _place(betas, states, rows):
    return Replicas(
        betas=betas,
        states=states,
        rows=rows,
        renewed=np.zeros(rows.size, dtype=bool),
        n_steps=0,
        acceptance_sums=np.zeros(len(betas) - 1),
        n_restarts=np.zeros(rows.shape[1], dtype=int),
    )


def _step(path, replicas, noise):
    context = path.context(replicas.states)
    rows, acceptance_sums = _exchange(path, replicas, context, noise)
    renewed = replicas.renewed.copy()
    renewed[rows[0]] = True
    restarts = renewed[rows[-1]]
    renewed[rows[-1]] = False
    betas = _beta_of_each_row(replicas.betas, rows)
    states = path.sweep(context, betas, noise)
    if (replicas.n_steps + 1) % _STEPS_A_JUMP == 0:
        states, jumped = path.jump(states, betas, noise)
        renewed |= jumped
    # A sweep would leave rows in the group of the start in which they are.
    states[rows[0]] = path.draw(rows.shape[1], noise)
    return replace(
        replicas,
        states=states,
        rows=rows,
        renewed=renewed,
        n_steps=replicas.n_steps + 1,
        acceptance_sums=acceptance_sums,
        n_restarts=replicas.n_restarts + restarts,
    )


def _exchange(path, replicas, context, noise):
    """Exchange neighbours by Metropolis' rule; give rows and acceptance sums."""
    rows, betas = replicas.rows.copy(), replicas.betas
    lower = np.arange(replicas.n_steps % 2, len(betas) - 1, 2)
    after = rows.copy()
    after[lower], after[lower + 1] = rows[lower + 1], rows[lower]
    log_ratio = path.log_ratio(
        context, _beta_of_each_row(betas, rows), _beta_of_each_row(betas, after)
    )
    log_ratio = log_ratio[rows[lower]] + log_ratio[rows[lower + 1]]
    probability = np.exp(np.minimum(log_ratio, 0))
    accepted = noise.draw(probability.shape) < 2 * probability - 1
    for rung in (lower, lower + 1):
        rows[rung] = np.where(accepted, after[rung], rows[rung])
    acceptance_sums = replicas.acceptance_sums.copy()
    acceptance_sums[lower] += probability.mean(axis=1)
    return rows, acceptance_sums


def _beta_of_each_row(betas, rows):
    result = np.empty(rows.size)
    result[rows] = betas[:, np.newaxis]
    return result
