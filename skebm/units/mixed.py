"""Units of several kinds side by side in one layer."""

__all__ = ["MixedUnits"]

import math
from dataclasses import dataclass

import numpy as np

from skebm.units.base import Units


@dataclass(frozen=True)
class MixedUnits(Units):
    """A layer of several kinds of units, one kind's columns after the other's.

    Parameters
    ----------
    parts : tuple of Units
        The kinds, in the order of their columns.
    """

    parts: tuple

    @property
    def n_columns(self):
        """Number of columns of all kinds."""
        return sum(part.n_columns for part in self.parts)

    @property
    def n_configurations(self):
        """Number of configurations of all units together."""
        return math.prod(part.n_configurations for part in self.parts)

    @property
    def switches(self):
        """Number the units of all kinds; see `Units`."""
        result, n_before = [], 0
        for part in self.parts:
            own = part.switches
            result.append(np.where(own < 0, -1, own + n_before))
            n_before += own.max(initial=-1) + 1
        return np.concatenate(result)

    def draw(self, field, noise, beta=1.0):
        """Draw the units of each kind."""
        return self._joined(lambda part, own: part.draw(own, noise, beta), field)

    def mean(self, field):
        """Compute the expected statistics of each kind."""
        return self._joined(lambda part, own: part.mean(own), field)

    def natural(self, mean):
        """Give the field in which statistics have these means."""
        return self._joined(lambda part, own: part.natural(own), mean)

    def variance(self, mean):
        """Compute the variance of statistics that have these means."""
        return self._joined(lambda part, own: part.variance(own), mean)

    def log_normaliser(self, field):
        """Sum the log normalisers of all units, in nats."""
        return sum(part.log_normaliser(own) for part, own in self._cut(field))

    def observed_score(self, field, states, observed):
        """Compute log p(what is observed of each row | each field); see `Units`."""
        return self._summed("observed_score", field, states, observed)

    def observed_statistics(self, field, states, observed, posterior):
        """Sum the expected statistics of rows by fields; see `Units`."""
        return self._joined(
            lambda part, *own: part.observed_statistics(*own, posterior),
            field,
            states,
            observed,
        )

    def log_missing(self, field, states, observed):
        """Sum over what is missing of each row; see `Units`."""
        return self._summed("log_missing", field, states, observed)

    def draw_missing(self, field, states, observed, noise):
        """Draw what is missing of rows; see `Units`."""
        return self._joined(
            lambda part, *own: part.draw_missing(*own, noise), field, states, observed
        )

    def mean_of_fields(self, field, states, observed, law):
        """Put for what is missing of rows its mean; see `Units`."""
        return self._joined(
            lambda part, *own: part.mean_of_fields(*own, law), field, states, observed
        )

    def configurations(self, numbers):
        """List configurations by their numbers, the last kind changing fastest."""
        sizes = [part.n_configurations for part in self.parts]
        own = np.unravel_index(numbers, sizes)
        parts = zip(self.parts, own, strict=True)
        return np.hstack([part.configurations(number) for part, number in parts])

    def statistics(self, states):
        """Give the statistics of states of each kind."""
        return self._joined(lambda part, own: part.statistics(own), states)

    def states(self, statistics):
        """Give the states of each kind that have these statistics."""
        return self._joined(lambda part, own: part.states(own), statistics)

    def astype(self, dtype):
        """Return the same units with parameters of another dtype."""
        return MixedUnits(tuple(part.astype(dtype) for part in self.parts))

    def log_base(self, statistics):
        """Sum what -E of states has beside field times statistics, in nats."""
        return sum(part.log_base(own) for part, own in self._cut(statistics))

    def _cut(self, *columns):
        """List the parts, each with its own columns of these tables."""
        ends = np.cumsum([part.n_columns for part in self.parts])[:-1]
        tables = [np.split(table, ends, axis=-1) for table in columns]
        return zip(self.parts, *tables, strict=True)

    def _joined(self, function, *columns):
        parts = [function(part, *own) for part, *own in self._cut(*columns)]
        return np.concatenate(parts, axis=-1)

    def _summed(self, name, *columns):
        return sum(getattr(part, name)(*own) for part, *own in self._cut(*columns))
