"""Fitted Gaussian RBMs held to the mixtures of normal distributions that they are."""

import numpy as np
from gaussian_oracle import GaussianRBMOracle
from scipy.special import logsumexp


class MixtureOracle(GaussianRBMOracle):
    """Exact law of a machine, with what tests of estimators ask of it."""

    @classmethod
    def of(cls, rbm, beta=1.0):
        """Write out a fitted estimator from its public attributes."""
        return cls(
            rbm.components_,
            rbm.intercept_visible_,
            rbm.intercept_hidden_,
            getattr(rbm, "noise_covariance_", rbm.noise_variance_),
            beta,
        )

    def posterior(self, rows):
        """Probability of each configuration of the hidden units given rows."""
        joint = self.joint_log_density(rows)
        return np.exp(joint - logsumexp(joint, axis=1, keepdims=True))

    def second_moments(self):
        """Means of v v'."""
        mean, covariance = self.moments()
        return covariance + np.outer(mean, mean)

    def draw_rows(self, n_samples, rng):
        """Draw independent visible rows from the exact law."""
        return self.draw(n_samples, rng)[0]


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
