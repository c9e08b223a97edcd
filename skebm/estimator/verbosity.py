"""What `verbose` prints: how far an estimator is, and how long it still takes."""

__all__ = ["Lines", "passing_verbose"]

from math import isnan, nan
from numbers import Integral
from time import perf_counter

from skebm.sampling.watching import listening

# Lines of a fit, about, where all stages planned are made and `verbose` is 1.
_LINES = 10

# Seconds between lines of a long run of chains, where `verbose` is 1, and above.
_SECONDS, _SECONDS_OF_ALL = 10.0, 1.0

# What is told of a measurement, under which name, with how many digits.
_TOLD = {
    "train_log_likelihood": ("log-likelihood", ".2f"),
    "train_pseudo_log_likelihood": ("pseudo-log-likelihood", ".2f"),
    "validation_log_likelihood": ("held out", ".2f"),
    "learning_rate": ("step size", ".2g"),
}


class Lines:
    """Prints lines under the name of an estimator.

    Parameters
    ----------
    estimator : estimator
        With a parameter `verbose`.
    """

    def __init__(self, estimator):
        self._name = type(estimator).__name__
        self._verbose = int(estimator.verbose)
        self._started = self._began = perf_counter()

    def say(self, text, level=1):
        """Print a line, if so much is to be printed."""
        if self._verbose >= level:
            print(f"[{self._name}] {text}", flush=True)

    def say_at_end(self, text):
        """Print a line with the time that has passed."""
        self.say(f"{text}, {_seconds(perf_counter() - self._started)}")

    def begin(self):
        """Begin the stages: what is left is told from how long these take."""
        self._began = perf_counter()

    def say_at_stage(self, done, n_done, n_planned, history=None):
        """Print a line of a stage, if it is one of those of which lines are.

        Parameters
        ----------
        done : str
            What is done by now.
        n_done, n_planned : int
            Stages made, and planned at most.
        history : dict of str to list, default=None
            What was measured, the last of which is told.
        """
        now = perf_counter()
        if n_done == 1:
            self._first_ended = now
        if self._verbose < 2 and not _is_told(n_done, n_planned):
            return
        told = [
            done,
            *_measured(history or {}),
            f"{_seconds(now - self._started)} passed",
        ]
        if n_done < n_planned:
            # The first stage takes longer where kernels are compiled.
            began = self._began if n_done == 1 else self._first_ended
            pace = (now - began) / max(1, n_done - 1)
            told.append(f"up to about {_seconds(pace * (n_planned - n_done))} left")
        self.say(", ".join(told))

    def hearing(self, of_what):
        """Print what is told of long runs within this block."""
        if self._verbose == 0:
            return listening(None)
        period = _SECONDS if self._verbose == 1 else _SECONDS_OF_ALL
        return listening(_Listener(self, of_what, period))


class _Listener:
    """Prints where a long run begins, and how far it is from time to time."""

    def __init__(self, lines, of_what, period):
        self._lines, self._of_what, self._period = lines, of_what, period

    def __call__(self, task, n_done, n_steps, level):
        now = perf_counter()
        text = f"{self._of_what}: {task}"
        if n_done == 0:
            self._began = self._last = now
            self._lines.say(text, level)
        elif n_done < n_steps and now - self._last >= self._period:
            self._last = now
            passed = now - self._began
            left = passed / n_done * (n_steps - n_done)
            self._lines.say(
                f"{text}, {n_done / n_steps:.0%} done, {_seconds(passed)} passed, "
                f"about {_seconds(left)} left"
            )


def passing_verbose(estimator, verbose):
    """Have an estimator print as much as one that it is a part of, or more.

    Pipelines and others whose `verbose` is a boolean keep theirs.
    """
    own = estimator.get_params(deep=False).get("verbose")
    counts = isinstance(own, Integral) and not isinstance(own, bool)
    if counts and own < verbose:
        estimator.set_params(verbose=verbose)
    return estimator


def _is_told(n_done, n_planned):
    """Choose powers of two, since many fits end early, and then tenths of the plan."""
    period = max(1, -(-n_planned // _LINES))
    if n_done < period:
        return n_done & (n_done - 1) == 0
    return n_done % period == 0 or n_done == n_planned


def _measured(history):
    """List what was measured last, as far as it was."""
    told = []
    for name, (words, digits) in _TOLD.items():
        value = history[name][-1] if name in history else nan
        if not isnan(value):
            told.append(f"{words} {value:{digits}}")
    return told


def _seconds(seconds):
    """Write a time so that it is quickly read."""
    if seconds < 99.5:
        return f"{seconds:.1f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 99.5 else f"{minutes / 60:.1f} h"
