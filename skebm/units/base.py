"""What a kind of units is asked for."""

__all__ = ["Frozen", "Units"]

import numpy as np


class Frozen:
    """What frozen dataclasses of arrays have in common."""

    def replaced(self, **changes):
        """Return the same with other fields, as `dataclasses.replace` but quicker.

        Of small machines learning makes several in tens of microseconds.
        """
        changed = object.__new__(type(self))
        own = vars(self)
        fields = {name: own[name] for name in self.__dataclass_fields__}
        vars(changed).update(fields, **changes)
        return changed

    def changed(self):
        """Forget what was computed from arrays that have been changed in place."""
        own = vars(self)
        for name in own.keys() - self.__dataclass_fields__.keys():
            del own[name]
        return self


class Units:
    """A layer of units that are independent of each other in a given field.

    A kind of units defines `n_columns`, `draw`, `mean`, `natural`, `log_normaliser`
    and `variance`; where states can be listed, `n_configurations` and
    `configurations`; and where states are not their own statistics, `statistics`,
    `states` and `log_base`.
    """

    # Infinite where states cannot be listed.
    n_configurations = np.inf

    @property
    def n_columns(self):
        """Number of columns that statistics and fields have."""
        raise NotImplementedError

    def draw(self, field, noise, beta=1.0):
        """Draw states in a field.

        Parameters
        ----------
        field : ndarray of shape (n_rows, n_columns)
            At inverse temperature 1; overwritten.
        noise : UniformNoise
            Source of the draws.
        beta : float or ndarray of shape (n_rows,), default=1.0
            Inverse temperature.

        Returns
        -------
        states : ndarray of shape (n_rows, n_columns)
            Independent of each other.
        """
        raise NotImplementedError

    def mean(self, field):
        """Compute the expected statistics in a field, of its shape; overwrites it."""
        raise NotImplementedError

    def free_mean(self):
        """Compute the expected statistics without a field, shape (n_columns,)."""
        return self.mean(np.zeros((1, self.n_columns)))[0]

    def natural(self, mean):
        """Give the field in which statistics have these means."""
        raise NotImplementedError

    def variance(self, mean):
        """Compute the variance of statistics that have these means."""
        raise NotImplementedError

    def log_normaliser(self, field):
        """Sum over units the log of the sum over states of exp(field . statistics).

        Parameters
        ----------
        field : ndarray of shape (n_rows, n_columns)
            Left as it is.

        Returns
        -------
        log_normaliser : ndarray of shape (n_rows,)
            In nats.
        """
        raise NotImplementedError

    def rise(self, field, beta, other):
        """Compute by how much `log_normaliser` rises between inverse temperatures.

        Parameters
        ----------
        field : ndarray of shape (n_rows, n_columns)
            At inverse temperature 1.
        beta, other : float or ndarray of shape (n_rows,)
            From the first to the second.

        Returns
        -------
        rise : ndarray of shape (n_rows,)
            In nats, float64.
        """
        field = field.astype(np.float64)
        after, before = (
            self.log_normaliser(np.reshape(scale, (-1, 1)) * field)
            for scale in (other, beta)
        )
        return after - before

    def configurations(self, numbers):
        """List configurations by their numbers, a row each, float64."""
        raise NotImplementedError

    def statistics(self, states):
        """Give the statistics of states."""
        return states

    def states(self, statistics):
        """Give the states that have these statistics."""
        return statistics

    def astype(self, dtype):
        """Return the same units with parameters, if there are any, of another dtype."""
        return self

    def log_base(self, statistics):
        """Compute what -E of states has beside field times statistics, in nats."""
        return 0.0
