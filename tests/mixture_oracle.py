"""Gaussian RBMs written out as the mixtures of normal distributions that they are.

From the definition of the energy alone, without a line of the package.
"""

import numpy as np
from oracle import all_states
from scipy import stats
from scipy.special import logsumexp


class MixtureOracle:
    """Exact law of a Gaussian RBM with few hidden units at inverse temperature beta.

    exp(-beta E) of a configuration of the hidden units is a normal density of the
    visible ones around its mean, but for a factor: the square is completed.
    """

    def __init__(self, components, visible, hidden, covariance, beta=1.0):
        self.covariance = np.atleast_2d(covariance) / beta
        self.hidden = all_states(len(components))
        self.means = visible + self.hidden @ components
        precision = np.linalg.inv(covariance)

        def half_square(rows):
            return np.einsum("ij,jk,ik->i", rows, precision, rows) / 2

        log_factors = beta * (
            self.hidden @ hidden
            + half_square(self.means)
            - half_square(np.atleast_2d(visible))
        )
        _, log_det = np.linalg.slogdet(2 * np.pi * self.covariance)
        self.log_partition = logsumexp(log_factors) + log_det / 2
        self.log_weights = log_factors - logsumexp(log_factors)

    @classmethod
    def of(cls, rbm, beta=1.0):
        """Write out a fitted estimator from its public attributes."""
        covariance = getattr(rbm, "noise_covariance_", np.diag(rbm.noise_variance_))
        return cls(
            rbm.components_,
            rbm.intercept_visible_,
            rbm.intercept_hidden_,
            covariance,
            beta,
        )

    def log_joint(self, rows, kept=slice(None)):
        """Log density of rows of some features, and each configuration."""
        covariance = self.covariance[kept][:, kept]
        densities = [
            stats.multivariate_normal(mean[kept], covariance).logpdf(rows)
            for mean in self.means
        ]
        return np.reshape(densities, (len(self.means), -1)).T + self.log_weights

    def log_density(self, rows, kept=slice(None)):
        return logsumexp(self.log_joint(rows, kept), axis=1)

    def conditional_log_density(self, rows):
        """Log density of each value given the others: a ratio of two densities."""
        joint = self.log_density(rows)
        columns = np.arange(rows.shape[1])
        return np.transpose(
            [
                joint - self.log_density(rows[:, columns != i], columns != i)
                for i in columns
            ]
        )

    def posterior(self, rows):
        """Probability of each configuration of the hidden units given rows."""
        log_joint = self.log_joint(rows)
        return np.exp(log_joint - logsumexp(log_joint, axis=1, keepdims=True))

    def posterior_mean(self, rows):
        return self.posterior(rows) @ self.hidden

    def moments(self):
        """Means of v and of v v'."""
        weights = np.exp(self.log_weights)
        second = self.means.T @ np.diag(weights) @ self.means + self.covariance
        return weights @ self.means, second

    def draw(self, n_samples, rng):
        """Draw independent rows from the exact law."""
        chosen = rng.choice(len(self.means), n_samples, p=np.exp(self.log_weights))
        noise = rng.multivariate_normal(
            np.zeros(len(self.covariance)), self.covariance, n_samples
        )
        return self.means[chosen] + noise


def random_gaussian_rbm(n_hidden, n_visible, *, scale=1.0, seed=0):
    """Draw parameters: components, both biases, and a covariance of the noise."""
    rng = np.random.default_rng(seed)
    root = np.eye(n_visible) + rng.normal(0, 0.4, (n_visible, n_visible))
    return (
        rng.normal(0, scale, (n_hidden, n_visible)),
        rng.normal(0, 2.0, n_visible),
        rng.normal(0, 0.7, n_hidden),
        root @ root.T,
    )


def two_sources(n_samples=500, seed=0):
    """Mix two heavy-tailed sources: what no single normal distribution describes."""
    rng = np.random.default_rng(seed)
    return rng.laplace(size=(n_samples, 2)) @ [[1, 0.5], [0.3, 1]]
