"""Gaussian units of which some columns are missing: conditional normal distributions.

With y white given a field f, and rows v = A y, where A is the inverse of B, what is
observed is v_O = A_O y. So y has the mean f + G (v_O - A_O f) and the covariance
P = 1 - G A_O given it, with the gain G = A_O' (A_O A_O')^-1.
"""

__all__ = [
    "Pattern",
    "conditional_products",
    "conditional_sums",
    "conditioned",
    "observed_densities",
    "paired_densities",
]

import numpy as np

from skebm.units.data import patterns

_LOG_ROOT = np.log(2 * np.pi) / 2


class Pattern:
    """Rows in which the same columns are observed, and what follows for these.

    Parameters
    ----------
    rows : ndarray of int
        Which rows.
    columns : ndarray of int
        Which columns are observed.
    root : ndarray of shape (n_columns, n_columns)
        The matrix A.
    """

    def __init__(self, rows, columns, root):
        self.rows = rows
        self.columns = columns
        self.known = root[columns]
        factor = np.linalg.cholesky(self.known @ self.known.T)
        # By NumPy: the threads of SciPy would compete with those of NumPy's products.
        self._whitening = np.tril(np.linalg.inv(factor))
        self.gain = (self._whitening.T @ (self._whitening @ self.known)).T

    @property
    def spread(self):
        """Covariance P of y given what is observed."""
        return np.eye(len(self.gain)) - self.gain @ self.known

    @property
    def log_volume(self):
        """What the log-density has beside half a squared distance."""
        return -np.log(np.diag(self._whitening)).sum() + len(self.columns) * _LOG_ROOT

    def white(self, values):
        """Make observed values white."""
        return values @ self._whitening.T

    def means(self, field):
        """Give the means of what is observed in fields."""
        return field @ self.known.T

    def pull(self, values):
        """Give what surprising values, the means taken off, add to the mean of y."""
        return values @ self.gain.T

    def spread_of(self, field):
        """Multiply fields by the covariance P."""
        return field @ self.spread

    def of(self, states):
        """Take the observed values of the rows."""
        return states[np.ix_(self.rows, self.columns)]


def patterns_of(units, observed):
    """List patterns of what is observed; rows of which nothing is are left out.

    The last list is kept with the units: the same rows are looked at several times.
    """
    key = observed.shape, np.packbits(observed).tobytes()
    kept = vars(units).get("_patterns_of_rows")
    if kept is None or kept[0] != key:
        kept = key, list(_find_patterns(units, observed))
        vars(units)["_patterns_of_rows"] = kept
    return kept[1]


def _find_patterns(units, observed):
    for known, rows in patterns(observed):
        columns = np.flatnonzero(known)
        if len(columns):
            yield units.pattern(rows, columns)


def observed_densities(units, field, states, observed):
    """Compute log p(v_O | f) of each row and each field, (n_rows, n_fields)."""
    result = np.zeros((len(states), len(field)))
    for pattern in patterns_of(units, observed):
        values = pattern.white(pattern.of(states))
        means = pattern.white(pattern.means(field))
        squares = (values**2).sum(axis=1)[:, np.newaxis] + (means**2).sum(axis=1)
        distances = squares - 2 * values @ means.T
        result[pattern.rows] = -distances / 2 - pattern.log_volume
    return result


def paired_densities(units, field, states, observed):
    """Compute log p(v_O | f) of each row and its own field, (n_rows,)."""
    result = np.zeros(len(states))
    for pattern in patterns_of(units, observed):
        values = pattern.of(states) - pattern.means(field[pattern.rows])
        distances = (pattern.white(values) ** 2).sum(axis=1)
        result[pattern.rows] = -distances / 2 - pattern.log_volume
    return result


def conditioned(units, white, states, observed):
    """Condition rows y on what is observed of v; give v.

    Of means this makes conditional means, and of draws conditional draws [1]_.

    Parameters
    ----------
    units : WhiteUnits
        Of noise with any covariance.
    white : ndarray of shape (n_rows, n_columns)
        Rows y.
    states, observed : ndarray of shape (n_rows, n_columns)
        Values v, and which of them are known.

    References
    ----------
    .. [1] Hoffman, Y. and Ribak, E. (1991). Constrained realizations of Gaussian
       fields. Astrophysical Journal 380, L5-L8.
    """
    white = white.copy()
    for pattern in patterns_of(units, observed):
        own = white[pattern.rows]
        surprise = pattern.of(states) - pattern.means(own)
        white[pattern.rows] = own + pattern.pull(surprise)
    return np.where(observed, states, units.states(white))


def conditional_sums(units, field, states, observed, posterior):
    """Sum the means of y given what is observed, by fields, (n_fields, n_columns)."""
    seen = observed.any(axis=1)
    result = posterior[~seen].sum(axis=0)[:, np.newaxis] * field
    for pattern in patterns_of(units, observed):
        counts = posterior[pattern.rows]
        result += counts.sum(axis=0)[:, np.newaxis] * pattern.spread_of(field)
        result += pattern.pull(counts.T @ pattern.of(states))
    return result


def conditional_products(units, field, states, observed, posterior):
    """Sum the mean of (y - f) y' given what is observed, over rows and fields."""
    seen = observed.any(axis=1)
    result = posterior[~seen].sum() * np.eye(units.n_columns)
    for pattern in patterns_of(units, observed):
        counts, gain, spread = posterior[pattern.rows], pattern.gain, pattern.spread
        values = pattern.of(states)
        weighted = values * counts.sum(axis=1)[:, np.newaxis]
        by_field = field.T @ (counts.T @ values)
        means = (field * counts.sum(axis=0)[:, np.newaxis]).T @ field
        inner = by_field.T @ spread + weighted.T @ values @ gain.T
        inner -= pattern.known @ (means @ spread + by_field @ gain.T)
        result += counts.sum() * spread + gain @ inner
    return result
