"""Which moves of chains are taken."""

__all__ = ["accepted"]

import numpy as np


def accepted(log_ratio, noise):
    """Say which moves are taken by the rule of Metropolis and Hastings.

    Parameters
    ----------
    log_ratio : ndarray of shape (n_rows,)
        Of the chance of the row proposed and of the way back, to that of the row now
        and of the way there. NaN is no reason to go anywhere.
    noise : UniformNoise
        Source of the draws.

    Returns
    -------
    accepted : ndarray of bool of shape (n_rows,)
    """
    # Variates lie strictly between -1 and 1.
    log_variates = np.log1p(noise.draw((len(log_ratio), 1)))[:, 0] - np.log(2)
    return log_variates < log_ratio
