"""Annealing: rows that are led from one machine to another, and weighed."""

__all__ = ["anneal", "steps"]

import numpy as np

from skebm.sampling.watching import watched

# Steps between jumps, beside which these take little time.
_STEPS_A_JUMP = 10


def anneal(path, rows, betas, noise):
    """Lead rows along a path of machines and weigh them [1]_ [2]_.

    Rows drawn from the machine at the first temperature collect the ratios of
    unnormalised probabilities that they meet on their way. The product of these,
    the weight, has the ratio of the last partition function to the first as its
    mean, whatever the temperatures between, so long as these are chosen
    beforehand.

    The way back is the same with `betas` reversed: `move` to a lower temperature
    is the reversal of that to a higher one, and the weights meet the same sweeps
    between them in both directions. From exact draws at the end it gives the mean
    of the inverse ratio [3]_.

    Parameters
    ----------
    path : Path
        Where they go along.
    rows : ndarray of shape (n_chains, n_columns)
        Drawn at the first temperature.
    betas : ndarray of shape (n_temperatures + 1,)
        Inverse temperatures, rising or falling.
    noise : UniformNoise
        Source of the draws.

    Returns
    -------
    log_weights : ndarray of shape (n_chains,)
        In nats.

    References
    ----------
    .. [1] Neal, R. M. (2001). Annealed importance sampling. Statistics and
       Computing 11, 125-139.
    .. [2] Salakhutdinov, R. and Murray, I. (2008). On the quantitative analysis
       of deep belief networks. ICML, 872-879.
    .. [3] Burda, Y., Grosse, R. and Salakhutdinov, R. (2015). Accurate and
       conservative estimates of MRF log-likelihood using reverse annealing.
       AISTATS, 102-110.
    """
    log_weights = np.zeros(len(rows))
    n_steps, goes_back = len(betas) - 1, betas[-1] < betas[0]
    way = "back " if goes_back else ""
    task = f"annealing {len(rows)} chains {way}at {n_steps} temperatures"
    level = 2 if goes_back else 1
    for beta, next_beta, jumps in watched(steps(betas), n_steps, task, level):
        rows, fall = path.move(rows, beta, next_beta, noise, jumps=jumps)
        log_weights += fall
    return log_weights


def steps(betas):
    """List pairs of successive inverse temperatures, and whether rows jump there.

    They do at the same ones on the way back, where all comes in opposite order.
    """
    n_steps = len(betas) - 1
    places = np.arange(1, n_steps + 1)
    if n_steps > 0 and betas[-1] < betas[0]:
        places = n_steps - places
    return zip(betas[:-1], betas[1:], places % _STEPS_A_JUMP == 0, strict=True)
