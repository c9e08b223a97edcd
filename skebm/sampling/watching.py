"""How far long runs of chains are, for whoever wants to hear of it."""

__all__ = ["listening", "watched"]

from contextlib import contextmanager
from contextvars import ContextVar

_LISTENER = ContextVar("listener", default=None)


@contextmanager
def listening(listener):
    """Have runs within this block tell a listener how far they are.

    Parameters
    ----------
    listener : callable or None
        Of what is done, of how many of its steps are made and planned, and of `level`;
        see `watched`. None: nobody listens.
    """
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def watched(steps, n_steps, task, level=1):
    """Go through steps, and tell the listener of each, if there is one.

    Parameters
    ----------
    steps : iterable
        What to go through.
    n_steps : int
        How many there are.
    task : str
        What is done in these steps.
    level : int, default=1
        How much one must want to hear to be told that they begin.

    Returns
    -------
    steps : iterable
        The same.
    """
    listener = _LISTENER.get()
    if listener is None:
        return steps
    return _told(steps, n_steps, task, level, listener)


def _told(steps, n_steps, task, level, listener):
    listener(task, 0, n_steps, level)
    for n_done, step in enumerate(steps, start=1):
        yield step
        listener(task, n_done, n_steps, level)
