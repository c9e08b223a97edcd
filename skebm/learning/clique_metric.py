"""Natural gradients of tables of cliques, by the variances of their indicators."""

__all__ = ["CliqueMetric"]

import numpy as np

from skebm.learning.metric import Metric, shortening

# Added to each variance, so that levels that hardly occur take no giant steps.
_DAMPING = 0.01

# The natural gradient has it at -1. Halfway between that and the gradient itself the
# noise of the chains did less harm: 8 columns of 4 levels ended 0.003 nats a row higher
# on rows held out after 2000 updates.
_POWER = -0.5


class CliqueMetric(Metric):
    """Diagonal metric of tables, as units are independent.

    The gradient by an entry is a difference of two means of its indicator, the variance
    of which makes it natural.

    Parameters
    ----------
    variances : list of ndarray
        Of the indicators, in the order of the parameters.
    """

    def __init__(self, variances):
        self._factors = [
            ((variance + _DAMPING) ** _POWER).astype(np.float32)
            for variance in variances
        ]

    @classmethod
    def start(cls, energy):
        """Begin with an energy whose fields are those of independent units."""
        return cls([array**2 for array in energy.deviations().arrays()])

    def step(self, energy, gradient, rate, seen=None):
        """Give a step along the natural gradient; see `Metric`."""
        pairs = list(zip(gradient.arrays(), self._factors, strict=True))
        direction = energy.with_arrays([array * factor for array, factor in pairs])
        squares = [
            float(np.vdot(array, other))
            for (array, _), other in zip(pairs, direction.arrays(), strict=True)
        ]
        rate *= shortening(sum(squares))
        direction *= np.float32(rate)
        return direction, rate

    def scales(self):
        """Give what the gradient by each entry of tables is multiplied by."""
        return self._factors[0]
