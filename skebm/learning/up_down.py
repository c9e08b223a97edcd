"""The up-down algorithm: a stack of machines learns on with all its layers together."""

__all__ = ["sleep", "wake"]

from dataclasses import replace

import numpy as np


def wake(stack, rows, noise, rate):
    """Draw hidden units upwards from rows, and move what draws downwards to them.

    Each layer becomes likelier given the one above, by its own delta rule. That is a
    step uphill of the bound, with q as it is, but for the top.

    Parameters
    ----------
    stack : DirectedStack
        What learns.
    rows : ndarray of shape (n_rows, n_visible)
        A batch of visible rows.
    noise : UniformNoise
        Source of the draws.
    rate : float
        Share of the largest step that surely goes uphill, of means over the batch.

    Returns
    -------
    stack : DirectedStack
        With other `downward` energies.
    rows : ndarray of shape (n_rows, n_hidden)
        Draws of the layer that is visible to the top.
    """
    downward = []
    for infers, draws in zip(stack.below, stack.downward, strict=True):
        hidden = infers.hidden.draw(infers.hidden_field(rows), noise).astype(np.float64)
        mean = draws.visible.mean(draws.visible_field(hidden))
        error = draws.visible.statistics(rows) - mean
        step = _delta(hidden, error, rate)
        matrix = draws.matrix.copy()
        matrix[:, :-1] += step
        downward.append(draws.replaced(matrix=matrix))
        rows = hidden
    return replace(stack, generating=tuple(downward)), rows


def sleep(stack, rows, noise, rate):
    """Draw downwards from the top, and move what infers to the layers so drawn.

    The top starts from rows that data led to, and makes one sweep: what is inferred
    from rows like the data is all that matters.

    Parameters
    ----------
    stack, noise, rate
        As of `wake`.
    rows : ndarray of shape (n_rows, n_hidden)
        As `wake` returns them.

    Returns
    -------
    stack : DirectedStack
        With other energies below the top.
    """
    hidden = stack.top.sweep(stack.top.context(rows), noise).astype(np.float64)
    below = []
    for infers, draws in zip(stack.below[::-1], stack.downward[::-1], strict=True):
        rows = draws.visible.draw(draws.visible_field(hidden), noise).astype(np.float64)
        error = hidden - infers.hidden_mean(rows)
        step = _delta(infers.visible.statistics(rows), error, rate)
        matrix = infers.matrix.copy()
        matrix[:-1] += step.T
        below.append(infers.replaced(matrix=matrix))
        hidden = rows
    return replace(stack, energies=(*below[::-1], stack.top))


def _delta(inputs, error, rate):
    """Give the step of weights from inputs, and of a bias, by errors of the outputs.

    The curvature of a log-likelihood whose means are linear or logistic is at most the
    mean square of the inputs, that of the bias among them.

    Returns
    -------
    step : ndarray of shape (n_inputs + 1, n_outputs)
        The bias is last.
    """
    inputs = np.column_stack([inputs, np.ones(len(inputs))])
    return rate * (inputs.T @ error) / np.square(inputs).sum()
