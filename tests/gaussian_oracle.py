"""Small Gaussian RBMs as the mixtures of normal distributions that they are.

Written from the definitions alone, without a line of the package, so that an
error would have to be made twice to go unseen.
"""

import numpy as np
from oracle import all_states
from scipy.special import logsumexp
from scipy.stats import multivariate_normal


class GaussianRBMOracle:
    """Exact law exp(-beta E) / Z with few hidden units.

    E(v, h) = (v - a)' S^-1 (v - a) / 2 - h.b - h' W S^-1 v, where W has a row for
    each hidden unit, and S is the covariance of the noise.
    """

    def __init__(self, components, visible_bias, hidden_bias, noise, beta=1.0):
        self.components = np.asarray(components, dtype=float)
        self.visible_bias = np.asarray(visible_bias, dtype=float)
        self.hidden_bias = np.asarray(hidden_bias, dtype=float)
        noise = np.asarray(noise, dtype=float)
        self.noise = np.diag(noise) if noise.ndim == 1 else noise
        self.beta = beta
        self.hidden = all_states(len(self.components))
        self.means = self.visible_bias + self.hidden @ self.components
        # The integral over v of exp(-beta E), one configuration after the other:
        # at the mean E is least, and the rest is that of a normal density.
        energies = self.energy(self.means, self.hidden)
        volume = np.linalg.slogdet(2 * np.pi * self.noise / beta)[1] / 2
        log_masses = volume - beta * energies
        self.log_partition = logsumexp(log_masses)
        self.log_law = log_masses - self.log_partition
        self.law = np.exp(self.log_law)

    def energy(self, visible, hidden):
        precision = np.linalg.inv(self.noise)
        deviation = visible - self.visible_bias
        return (
            np.einsum("ni,ij,nj->n", deviation, precision, deviation) / 2
            - hidden @ self.hidden_bias
            - np.einsum("nk,ki,ij,nj->n", hidden, self.components, precision, visible)
        )

    def index(self, hidden):
        """Find the number of each hidden configuration in `hidden`."""
        powers = 2 ** np.arange(hidden.shape[1])[::-1]
        return np.asarray(hidden).astype(int) @ powers

    def joint_log_density(self, rows, features=slice(None)):
        """log p(h, v) of all configurations, where v has some of the features."""
        noise = (self.noise / self.beta)[features][:, features]
        columns = [
            log_mass
            + np.atleast_1d(multivariate_normal(mean, noise).logpdf(rows[:, features]))
            for log_mass, mean in zip(
                self.log_law, self.means[:, features], strict=True
            )
        ]
        return np.column_stack(columns)

    def log_density(self, rows):
        """log p(v) of each row: that of the mixture."""
        return logsumexp(self.joint_log_density(rows), axis=1)

    def conditional_log_density(self, rows):
        """log p(v_i | the others): two mixtures, of all features and of the others."""
        n_features = rows.shape[1]
        if n_features == 1:
            return self.log_density(rows)[:, np.newaxis]
        others = [
            logsumexp(
                self.joint_log_density(rows, np.delete(np.arange(n_features), i)),
                axis=1,
            )
            for i in range(n_features)
        ]
        return self.log_density(rows)[:, np.newaxis] - np.column_stack(others)

    def posterior_mean(self, rows):
        """P(h = 1 | v) of each row."""
        joint = self.joint_log_density(rows)
        law = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
        return law @ self.hidden

    def moments(self):
        """Mean and covariance of the visible units."""
        mean = self.law @ self.means
        deviation = self.means - mean
        between = deviation.T @ (self.law[:, np.newaxis] * deviation)
        return mean, between + self.noise / self.beta

    def draw(self, n_samples, rng):
        """Draw independent visible and hidden rows from the exact law."""
        chosen = rng.choice(len(self.law), size=n_samples, p=self.law)
        root = np.linalg.cholesky(self.noise / self.beta)
        noise = rng.standard_normal((n_samples, len(root))) @ root.T
        return self.means[chosen] + noise, self.hidden[chosen]


def random_gaussian_rbm(n_hidden, n_visible, *, full=False, scale=1.0, seed=0):
    """Draw parameters: components, visible and hidden biases, and the noise.

    The noise is one variance for each feature, or a covariance where it is full. A
    component has about `scale` standard deviations of the noise in each feature, and
    units are on neither always nor never.
    """
    rng = np.random.default_rng(seed)
    deviation = rng.uniform(0.3, 2.0, n_visible)
    components = rng.normal(0, scale, (n_hidden, n_visible)) * deviation
    visible_bias = rng.normal(0, 1, n_visible) * deviation
    mixing = np.eye(n_visible) + full * rng.normal(0, 0.4, (n_visible, n_visible))
    root = deviation[:, np.newaxis] * mixing
    noise = root @ root.T
    # Against these biases units would be as often on as off.
    slopes = np.linalg.solve(noise, components.T).T
    couplings = slopes @ components.T
    balance = slopes @ visible_bias + couplings.sum(axis=1) / 2
    hidden_bias = rng.normal(0, 1, n_hidden) - balance
    return components, visible_bias, hidden_bias, noise if full else deviation**2
