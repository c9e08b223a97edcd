"""Step sizes over the course of a fit."""

__all__ = ["hold_then_decay"]


def hold_then_decay(n_done, *, rate, n_updates, decay_fraction):
    """Hold the step size, then let it fall linearly to zero.

    Parameters
    ----------
    n_done : int
        Updates made so far.
    rate : float
        The step size held.
    n_updates : int
        Updates planned.
    decay_fraction : float
        Share of the plan, at its end, over which the step size falls.

    Returns
    -------
    rate : float
        Step size of the next update, positive within the plan.
    """
    falling = decay_fraction * n_updates
    left = n_updates - n_done
    return rate if left >= falling else rate * left / falling
