"""What rows with gaps come to, given a model: the E-step of learning."""

__all__ = ["ExpectedRows", "expect", "expected_phase"]

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp, softmax

from skebm.energy.offsets import centred_moments


class ExpectedRows(NamedTuple):
    """Sums over weighted rows of what is expected of them.

    Parameters
    ----------
    moments : ndarray of shape (n_hidden + 1, n_visible + 1)
        Of products of hidden units and the constant with visible statistics and the
        constant, real columns as they are, v, whatever the noise.
    squares : ndarray of shape (n_real, n_real)
        Of products of real columns.
    mass : float
        Sum of the weights of the rows.
    """

    moments: np.ndarray
    squares: np.ndarray
    mass: float

    def __add__(self, other):
        return ExpectedRows(*(a + b for a, b in zip(self, other, strict=True)))


def expect(energy, rows, observed, row_weights):
    """Sum over rows what is expected of hidden units and of what is missing [1]_.

    Parameters
    ----------
    energy : MixedRBMEnergy
        Without offsets.
    rows, observed : ndarray of shape (n_rows, n_visible)
        As of `Energy.observed_score`.
    row_weights : ndarray of shape (n_rows,)
        What each row counts.

    Returns
    -------
    score : float
        Weighted sum of the logs of the sums of exp(-E), in nats.
    expected : ExpectedRows
        Of which `expected_phase` has the derivatives of the score by the parameters of
        this energy, and those of other energies are within reach.

    References
    ----------
    .. [1] Dempster, A. P., Laird, N. M. and Rubin, D. B. (1977). Maximum likelihood
       from incomplete data via the EM algorithm. Journal of the Royal Statistical
       Society B 39(1), 1-38.
    """
    total, expected, hidden = 0.0, None, energy.every_hidden()
    for block, joint, field in energy.hidden_joint(rows, observed):
        weights, known = row_weights[block], (rows[block], observed[block])
        total += weights @ logsumexp(joint, axis=1)
        posterior = softmax(joint, axis=1) * weights[:, np.newaxis]
        part = _sums(energy, field, *known, posterior, hidden)
        expected = part if expected is None else expected + part
    return total, expected


def _sums(energy, field, rows, observed, posterior, hidden):  # noqa: PLR0917
    """Sum what is expected, given what each pair of row and configuration counts."""
    real, noise = energy.real_columns, energy.noise
    visible = energy.visible.observed_statistics(field, rows, observed, posterior)
    own = field[:, real], rows[:, real], observed[:, real], posterior
    white = noise.observed_products(*own) + field[:, real].T @ visible[:, real]
    root = noise.states(np.eye(noise.n_columns))
    visible[:, real] = noise.states(visible[:, real])
    moments = np.block(
        [
            [hidden.T @ visible, (posterior.sum(axis=0) @ hidden)[:, np.newaxis]],
            [visible.sum(axis=0), posterior.sum()],
        ]
    )
    return ExpectedRows(moments, root.T @ white @ root, posterior.sum())


def expected_phase(energy, expected):
    """Compute the expected -E of rows and its derivatives, as `positive_phase` does.

    Parameters
    ----------
    energy : MixedRBMEnergy
        Any of the family.
    expected : ExpectedRows
        Of the rows.

    Returns
    -------
    value : float
        In nats, less what the ridge costs.
    statistics : MixedRBMEnergy
        The derivatives, but for those of log Z.
    """
    plain, noise, real = energy.plain(), energy.noise, energy.real_columns
    whitening = noise.whitening if noise.is_full else np.diag(noise.whitening)
    moments, squares = expected.moments.copy(), expected.squares
    squares = squares + expected.mass * energy.ridge * np.eye(len(squares))
    by_field = plain.matrix[:, real].T @ moments[:, real]
    moments[:, real] = moments[:, real] @ whitening.T
    value = np.vdot(plain.matrix, moments) - plain.matrix[-1, -1] * moments[-1, -1]
    spread = whitening @ squares
    value -= np.vdot(spread, whitening) / 2
    slope = noise.slope_of_map(by_field - spread)
    matrix = centred_moments(moments, energy.hidden_offset, energy.visible_offset)
    return value, energy.with_noise(slope).replaced(matrix=matrix)
