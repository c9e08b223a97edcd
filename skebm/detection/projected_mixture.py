"""Mixtures of normal distributions of tables that are wide, or have gaps."""

__all__ = ["ProjectedMixture"]

import numpy as np
from scipy.special import logsumexp
from sklearn.utils.extmath import randomized_svd

from skebm.detection.conditionals import Fields, log_conditionals
from skebm.detection.normal_mixture import NormalMixture

# Steps of power iteration towards the leading directions.
_POWERS = 2

# Gaps are filled so many times with what the leading directions say of the rest: this
# comes to its mean given the rest.
_FILLS = 10

# Leading directions of rows with gaps are found anew when these are filled.
_ROUNDS = 3

_LOG_2_PI = np.log(2 * np.pi)

# Rows are worked on in blocks of about so many numbers.
_BLOCK = 4_000_000


class ProjectedMixture:
    """A mixture in the leading directions of the rows, and one variance in all others.

    Its covariances are those of factor analysis with one variance, of which nothing as
    large as columns times columns is made. Missing values are filled, not integrated
    out, with their mean given the others under a normal law of all rows.

    Parameters
    ----------
    centre : ndarray of shape (n_columns,)
        Mean of the rows.
    directions : ndarray of shape (n_columns, n_directions)
        Orthonormal columns.
    variances : ndarray of shape (n_directions,)
        Of the rows in these directions.
    rest : float
        Variance in all other directions.
    """

    def __init__(self, centre, directions, variances, rest):
        self._centre = centre
        self._directions = directions
        # What is kept of a deviation, of which some is chance.
        self._kept = variances / (variances + rest)
        self._rest = rest

    @classmethod
    def learn(cls, rows, n_components, ridge, random_state, n_directions):
        """Learn from rows; see `NormalMixture.learn`.

        Parameters
        ----------
        n_directions : int
            Wanted; no more than there are rows are had.
        """
        known = ~np.isnan(rows)
        sums = np.where(known, rows, 0).sum(axis=0)
        centre = sums / np.maximum(known.sum(axis=0), 1)
        centred = np.where(known, rows - centre, 0)
        n_directions = min(n_directions, *centred.shape)
        for _ in range(1 if known.all() else _ROUNDS):
            _, lengths, directions = randomized_svd(
                centred, n_directions, n_iter=_POWERS, random_state=random_state
            )
            variances = np.square(lengths) / len(rows)
            left = np.square(centred).sum() / len(rows) - variances.sum()
            rest = ridge + max(left, 0) / max(1, rows.shape[1] - n_directions)
            result = cls(centre, directions.T, variances, rest)
            centred = result._filled(rows)
        result._mixture = NormalMixture.learn(
            centred @ directions.T, n_components, ridge, random_state
        )
        return result

    def expected_log_densities(self, rows):
        """Compute log-densities; see `NormalMixture.expected_log_densities`."""
        return np.concatenate(
            [
                logsumexp(self._joint_of(self._filled(part)), axis=1)
                # The mean of a missing value is where its squared deviation is 0: what
                # is expected of that is 1 of its units.
                - 0.5 * np.isnan(part).sum(axis=1)
                for part in self._parts(rows)
            ]
        )

    def log_conditionals(self, rows, features):
        """Compute log p(value | the others); see `NormalMixture.log_conditionals`."""
        return np.vstack(
            [self._conditionals(part, features) for part in self._parts(rows)]
        )

    def _parts(self, rows):
        most = max(1, _BLOCK // (len(self._mixture.means) * rows.shape[1]))
        return [rows[i : i + most] for i in range(0, len(rows), most)]

    def _filled(self, rows):
        """Take the mean off rows, and fill their gaps."""
        known = ~np.isnan(rows)
        centred = np.where(known, rows - self._centre, 0)
        if not known.all():
            for _ in range(_FILLS):
                places = centred @ self._directions
                guess = (places * self._kept) @ self._directions.T
                centred = np.where(known, centred, guess)
        return centred

    def _joint_of(self, centred):
        """Compute log-densities of rows and component, (n_rows, n_components)."""
        places = centred @ self._directions
        left = np.square(centred).sum(axis=1) - np.square(places).sum(axis=1)
        n_others = centred.shape[1] - places.shape[1]
        peak = n_others * (_LOG_2_PI + np.log(self._rest))
        rest = -0.5 * (left / self._rest + peak)
        return self._mixture.log_joint(places) + rest[:, np.newaxis]

    def _conditionals(self, rows, features):
        known = ~np.isnan(rows)
        centred = self._filled(rows)
        places = centred @ self._directions
        means, precisions = self._mixture.means, self._mixture.precisions
        inside = np.einsum("rkj,kji->rki", places[:, np.newaxis] - means, precisions)
        others = (centred - places @ self._directions.T) / self._rest
        return log_conditionals(
            Fields(
                self._joint_of(centred),
                others[:, np.newaxis] + inside @ self._directions.T,
                self._precisions_of,
            ),
            np.where(known, rows, self._centre),
            known,
            features,
        )

    def _precisions_of(self, blocks):
        """Give the precisions of some columns; see `Gaps.precisions_of`."""
        own = self._directions[blocks]
        inner = self._mixture.precisions - np.eye(own.shape[2]) / self._rest
        result = np.einsum("bir,krs,bjs->kbij", own, inner, own, optimize=True)
        return (result + np.eye(blocks.shape[1]) / self._rest)[np.newaxis]
