"""What a kind of units is asked for."""

__all__ = ["Frozen", "Units", "Vector"]

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

    def __getstate__(self):
        # Copies and files need nothing of what was computed, also of rows.
        own = vars(self)
        return {name: own[name] for name in self.__dataclass_fields__}

    def changed(self):
        """Forget what was computed from arrays that have been changed in place."""
        own = vars(self)
        for name in own.keys() - self.__dataclass_fields__.keys():
            del own[name]
        return self


class Vector:
    """What learns, as one vector, of what has `arrays` and `with_arrays`."""

    def ravel(self):
        """Give all parameters as one vector; of energies the penalised ones first."""
        return np.concatenate([array.ravel() for array in self.arrays()])

    def unravel(self, vector):
        """Return the same with the parameters that a vector has, as of `ravel`."""
        arrays = self.arrays()
        ends = np.cumsum([array.size for array in arrays])[:-1]
        parts = zip(np.split(vector, ends), arrays, strict=True)
        return self.with_arrays([part.reshape(array.shape) for part, array in parts])

    def deviations(self):
        """Give how much each statistic varies where units are independent.

        What has coordinates divided by it, as `ravel` does them, is well scaled for
        optimisers.
        """
        return self.with_arrays([np.ones_like(array) for array in self.arrays()])


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

    # ---- changes of one unit ----

    @property
    def switches(self):
        """Number the units whose states can be listed, by columns, (n_columns,).

        A binary unit has one column, and one of several levels a column for each. -1
        stands for real columns, and for units that have but one level.
        """
        return np.full(self.n_columns, -1)

    def switched(self, states, columns):
        """Change one unit of each row: flip it, or put it in the level of a column.

        Parameters
        ----------
        states : ndarray of shape (n_rows, n_columns)
            Left as they are.
        columns : int or ndarray of shape (n_rows,)
            Of which `switches` is not -1.
        """
        switches = self.switches
        columns = np.broadcast_to(columns, len(states))
        own = switches == switches[columns][:, np.newaxis]
        result, each = np.where(own, 0, states), np.arange(len(states))
        is_binary = own.sum(axis=1) == 1
        result[each, columns] = np.where(is_binary, 1 - states[each, columns], 1)
        return result

    # ---- rows of which some columns are missing ----

    def observed_score(self, field, states, observed):
        """Compute log p(what is observed of each row | each field), in nats.

        Parameters
        ----------
        field : ndarray of shape (n_fields, n_columns)
            Float64; left as it is.
        states : ndarray of shape (n_rows, n_columns)
            Any finite values where they are missing.
        observed : ndarray of bool of shape (n_rows, n_columns)
            Which columns of each row are known; of a unit all or none.

        Returns
        -------
        score : ndarray of shape (n_rows, n_fields)
            0 where nothing is observed.
        """
        raise NotImplementedError

    def observed_statistics(self, field, states, observed, posterior):
        """Sum the expected statistics of rows, given what is observed, by fields.

        Parameters
        ----------
        field, states, observed : ndarray
            As of `observed_score`.
        posterior : ndarray of shape (n_rows, n_fields)
            What each row counts for each field.

        Returns
        -------
        statistics : ndarray of shape (n_fields, n_columns)
            Sum over rows.
        """
        known = posterior.T @ np.where(observed, self.statistics(states), 0.0)
        missing = posterior.T @ ~observed
        return known + missing * self.mean(field.copy())

    def log_missing(self, field, states, observed):
        """Sum exp(field . statistics) over what is missing of each row; its logarithm.

        Parameters
        ----------
        field : ndarray of shape (n_rows, n_columns)
            Of each row its own; left as it is.
        states, observed : ndarray of shape (n_rows, n_columns)
            As of `observed_score`.

        Returns
        -------
        log_sum : ndarray of shape (n_rows,)
            In nats, with the own measure of states.
        """
        raise NotImplementedError

    def draw_missing(self, field, states, observed, noise):
        """Draw what is missing of rows, given what is observed and a field each."""
        drawn = self.draw(field, noise)
        return np.where(observed, states.astype(drawn.dtype, copy=False), drawn)

    def mean_of_fields(self, field, states, observed, law):
        """Put for what is missing of rows its mean, as states.

        Parameters
        ----------
        field, states, observed : ndarray
            As of `observed_score`.
        law : ndarray of shape (n_rows, n_fields)
            Probabilities of the fields, of each row.
        """
        return np.where(observed, states, self.states(law @ self.mean(field.copy())))

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
