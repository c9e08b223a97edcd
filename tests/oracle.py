"""Small models by brute force: every configuration, straight from the energy.

Written from the definitions alone, without a line of the package, so that an
error would have to be made twice to go unseen.
"""

import itertools

import numpy as np


def all_states(n_units):
    """List the 2**n_units configurations of binary units, one a row."""
    return np.array(list(itertools.product([0.0, 1.0], repeat=n_units)))


class RBMOracle:
    """Exact joint law of a binary RBM with few units at inverse temperature beta."""

    def __init__(self, weights, visible_bias, hidden_bias, beta=1.0):
        self.weights = np.asarray(weights, dtype=float)
        self.visible_bias = np.asarray(visible_bias, dtype=float)
        self.hidden_bias = np.asarray(hidden_bias, dtype=float)
        n_hidden, n_visible = self.weights.shape
        self.visible = all_states(n_visible)
        self.hidden = all_states(n_hidden)
        self.energies = -(
            (self.visible @ self.visible_bias)[:, np.newaxis]
            + self.hidden @ self.hidden_bias
            + self.visible @ self.weights.T @ self.hidden.T
        )
        unnormalised = np.exp(-beta * self.energies)
        self.partition = unnormalised.sum()
        self.joint = unnormalised / self.partition
        self.law = self.joint.sum(axis=1)

    @classmethod
    def of(cls, energy, beta=1.0):
        """Write out a machine from its plain parameters."""
        return cls(energy.weights, energy.visible_bias, energy.hidden_bias, beta)

    def index(self, rows):
        """Find the number of each visible configuration in `visible`."""
        powers = 2 ** np.arange(rows.shape[1])[::-1]
        return np.asarray(rows).astype(int) @ powers

    def draw(self, n_samples, rng):
        """Draw independent visible and hidden rows from the exact law."""
        chosen = rng.choice(self.joint.size, size=n_samples, p=self.joint.ravel())
        visible, hidden = np.unravel_index(chosen, self.joint.shape)
        return self.visible[visible], self.hidden[hidden]

    def mean(self):
        """Exact mean of each visible unit."""
        return self.law @ self.visible

    def log_likelihood(self, rows):
        return np.log(self.law[self.index(rows)])

    def gradient(self, rows):
        """Exact gradient of the mean log-likelihood: weights, visible, hidden."""
        posterior = self.joint / self.law[:, np.newaxis]
        counts = np.bincount(self.index(rows), minlength=len(self.law)) / len(rows)
        difference = (counts - self.law)[:, np.newaxis] * posterior
        return (
            self.hidden.T @ difference.T @ self.visible,
            difference.sum(axis=1) @ self.visible,
            difference.sum(axis=0) @ self.hidden,
        )


def random_rbm(n_hidden, n_visible, *, scale=1.0, seed=0):
    """Draw parameters of an RBM: weights, visible biases, hidden biases."""
    rng = np.random.default_rng(seed)
    return (
        rng.normal(0, scale, (n_hidden, n_visible)),
        rng.normal(0, 0.7, n_visible),
        rng.normal(0, 0.7, n_hidden),
    )


class BoltzmannOracle:
    """Exact law of a fully visible Boltzmann machine with few units at beta."""

    def __init__(self, couplings, bias, beta=1.0):
        self.couplings = np.asarray(couplings, dtype=float)
        self.bias = np.asarray(bias, dtype=float)
        self.visible = all_states(len(self.bias))
        self.energies = np.array([self._energy(row) for row in self.visible])
        unnormalised = np.exp(-beta * self.energies)
        self.partition = unnormalised.sum()
        self.law = unnormalised / self.partition

    @classmethod
    def of(cls, energy, beta=1.0):
        """Write out a machine from its plain parameters."""
        return cls(energy.couplings, energy.bias, beta)

    def _energy(self, row):
        return -row @ self.couplings @ row / 2 - self.bias @ row

    def index(self, rows):
        """Find the number of each configuration in `visible`."""
        powers = 2 ** np.arange(rows.shape[1])[::-1]
        return np.asarray(rows).astype(int) @ powers

    def draw(self, n_samples, rng):
        """Draw independent rows from the exact law."""
        return self.visible[rng.choice(len(self.law), size=n_samples, p=self.law)]

    def moments(self, law=None):
        """Means of x x' and of x, under the exact law or another."""
        law = self.law if law is None else law
        return self.visible.T @ np.diag(law) @ self.visible, law @ self.visible

    def conditional(self, unit):
        """P(x_unit = 1 | the others) of each configuration."""
        result = np.empty(len(self.law))
        for number, row in enumerate(self.visible):
            on, off = row.copy(), row.copy()
            on[unit], off[unit] = 1, 0
            law_on, law_off = self.law[self.index(np.array([on, off]))]
            result[number] = law_on / (law_on + law_off)
        return result

    def log_likelihood(self, rows):
        return np.log(self.law[self.index(rows)])

    def gradient(self, rows):
        """Exact gradient of the mean log-likelihood: couplings i < j, and biases.

        The first is an upper triangle, the derivative by W_ij and W_ji as one.
        """
        counts = np.bincount(self.index(rows), minlength=len(self.law)) / len(rows)
        products, mean = self.moments(counts - self.law)
        return np.triu(products, 1), mean


def random_boltzmann(n_units, *, scale=1.0, seed=0):
    """Draw parameters of a Boltzmann machine: couplings and biases."""
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.normal(0, scale, (n_units, n_units)), 1)
    return upper + upper.T, rng.normal(0, 0.7, n_units)


def random_lattice(*, scale=1.0, seed=0):
    """Draw parameters of a ring of six units, the mask of it, and its two colours."""
    ring = np.roll(np.eye(6, dtype=bool), 1, axis=1)
    mask = ring | ring.T
    couplings, bias = random_boltzmann(6, scale=scale, seed=seed)
    return couplings * mask, bias, mask, [np.arange(0, 6, 2), np.arange(1, 6, 2)]
