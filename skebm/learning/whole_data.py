"""Learning that goes through all data at each step, and ends at an optimum."""

__all__ = ["WholeDataLearner"]


class WholeDataLearner:
    """What such algorithms share; they have `max_iter`."""

    # What their history counts.
    counts = "iterations"

    @property
    def n_stages(self):
        """Largest number of iterations, each of which is reported."""
        return self.max_iter

    @property
    def n_planned(self):
        """The same: each stage is one iteration."""
        return self.n_stages

    def settle(self, state):
        """Set the state to what learning gives, which is where it stands."""

    def result(self, state):
        """Give the machine learned."""
        return state.averaged

    def n_sweeps(self, state):
        """Count the sweeps of single rows and chains: there are none."""
        return 0
