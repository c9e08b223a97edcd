"""The Ising model on a small torus, exactly."""

__all__ = ["MAX_EXACT_SIDE", "TorusLaw"]

from dataclasses import dataclass

import numpy as np

from skebm.units.binary import all_configurations
from skebm.units.data import row_blocks

# The matrix and its powers, of 1024 x 1024 for this side, take 80 MB.
MAX_EXACT_SIDE = 10


@dataclass(frozen=True, eq=False)
class TorusLaw:
    """exp(-E) / Z of spins on a square lattice with joined edges.

    Row by row, E is a sum of terms of two neighbouring rows of the lattice. With
    exp(-term) as a matrix T, indexed by the configurations of either row, Z is the
    trace of the n-th power of T [1]_, and the rows of the lattice are a Markov chain
    that ends where it began, which can be drawn without error.

    Parameters
    ----------
    states : ndarray of shape (2**n_side, n_side)
        Configurations of a row of the lattice, of minus and plus one.
    powers : list of ndarray of shape (2**n_side, 2**n_side)
        T, its square and so on up to the power `n_side`, each times a constant.
    log_partition : float
        log Z in nats.
    mean_energy : float
        Mean of E in nats.

    References
    ----------
    .. [1] Kramers, H. A. and Wannier, G. H. (1941). Statistics of the two-dimensional
       ferromagnet. Physical Review 60(3), 252-262. :doi:`10.1103/PhysRev.60.252`
    """

    states: np.ndarray
    powers: list
    log_partition: float
    mean_energy: float

    @classmethod
    def of(cls, n_side, coupling, field):
        """Sum the law of ``n_side ** 2`` spins with one coupling and one field."""
        states = 2 * all_configurations(n_side) - 1
        along = (states * np.roll(states, 1, axis=1)).sum(axis=1)
        minus_terms = coupling * (states @ states.T + along)
        minus_terms += field * states.sum(axis=1)
        log_scale = minus_terms.max()
        powers = [np.exp(minus_terms - log_scale)]
        log_partition = n_side * log_scale
        # Products of what is not negative keep all digits, as eigenvalues would not.
        for _ in range(n_side - 1):
            power = powers[-1] @ powers[0]
            largest = power.max()
            powers.append(power / largest)
            log_partition += np.log(largest)
        trace = np.trace(powers[-1])
        log_partition += np.log(trace)
        # Two rows next to each other, the others summed out; all pairs are alike.
        neighbours = powers[0] * powers[-2].T
        mean_term = -(neighbours * minus_terms).sum() / neighbours.sum()
        return cls(states, powers, float(log_partition), float(n_side * mean_term))

    @property
    def entropy(self):
        """Of a configuration, in nats."""
        return self.log_partition + self.mean_energy

    def draw(self, n_samples, rng):
        """Draw independent configurations, shape (n_samples, n_side ** 2)."""
        n_states, n_side = self.states.shape
        result = np.empty((n_samples, n_side, n_side))
        for block in row_blocks(n_samples, n_states):
            n_block = block.stop - block.start
            closing = np.broadcast_to(np.diag(self.powers[-1]), (n_block, n_states))
            first = row = _draw_index(closing, rng)
            result[block, 0] = self.states[row]
            for number in range(1, n_side):
                # From here the chain still has to come back to where it began.
                returning = self.powers[n_side - number - 1].T[first]
                row = _draw_index(self.powers[0][row] * returning, rng)
                result[block, number] = self.states[row]
        return result.reshape(n_samples, -1)


def _draw_index(weights, rng):
    """Draw a column of each row with probabilities proportional to its entries."""
    cumulative = np.cumsum(weights, axis=1)
    threshold = rng.random((len(weights), 1)) * cumulative[:, -1:]
    return (cumulative <= threshold).sum(axis=1)
