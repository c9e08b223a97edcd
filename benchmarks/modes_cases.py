"""What modes.py needs to know of its cases: their laws, their models, and true log Z.

Independent of the package, but for the models that are made. A machine here is an
`Rbm`, or `Pairs` of units that are all coupled. Its log Z comes from enumeration, or
from annealing in float64 that starts from the law that made the rows.
"""

__all__ = [
    "Clusters",
    "Mixture",
    "Pairs",
    "Rbm",
    "anneal",
    "block_sums",
    "blocks",
    "complete",
    "estimate",
    "fit_mixture",
    "machine_of",
    "make_case",
    "make_law",
]

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.special import expit, gammaln, logit, logsumexp, softmax
from sklearn.cluster import KMeans

from skebm import BinaryRBM, BoltzmannMachine, LatentBM

_LEAST = 1e-3  # of a probability in a law from which annealing starts


def _softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _bits(n_units):
    """List all configurations of binary units."""
    return (np.arange(2**n_units)[:, None] >> np.arange(n_units) & 1).astype(float)


@dataclass(frozen=True)
class Mixture:
    """A mixture of products of independent bits."""

    shares: np.ndarray
    means: np.ndarray

    def draw(self, n_rows, rng):
        """Draw rows."""
        return self.draw_of(rng.choice(len(self.shares), n_rows, p=self.shares), rng)

    def draw_of(self, components, rng):
        """Draw a row of each component that is given."""
        means = self.means[components]
        return (rng.random(means.shape) < means).astype(float)

    def log_joint(self, X):
        """Give log p(row, component), a column for each component."""
        constant = np.log1p(-self.means).sum(axis=1) + np.log(self.shares)
        return X @ logit(self.means).T + constant

    def log_prob(self, X):
        """Give the log-probability of rows."""
        return logsumexp(self.log_joint(X), axis=1)

    def nearest(self, X):
        """Tell which component each row most likely comes from, one-hot."""
        return np.eye(len(self.shares))[self.log_joint(X).argmax(axis=1)]

    def broadened(self, share=0.05):
        """Add a uniform component, and leave no bit certain."""
        means = np.vstack([self.means, np.full(self.means.shape[1], 0.5)])
        shares = np.append((1 - share) * self.shares, share)
        return Mixture(shares, means.clip(_LEAST, 1 - _LEAST))


def fit_mixture(X, start, *, weights=None, n_iter=20, prior=None):
    """Fit a mixture by EM; `start` is a mixture, or a number of clusters."""
    if weights is None:
        weights = np.full(len(X), 1 / len(X))
    if not isinstance(start, Mixture):
        means = KMeans(start, n_init=1, random_state=0).fit(X).cluster_centers_
        start = Mixture(np.full(start, 1 / start), means.clip(0.02, 0.98))
        prior = X.mean(axis=0)
    prior = start.means if prior is None else prior
    for _ in range(n_iter):
        parts = softmax(start.log_joint(X), axis=1) * (len(X) * weights)[:, None]
        counts = parts.sum(axis=0)[:, None]
        means = ((parts.T @ X + prior) / (counts + 1)).clip(_LEAST, 1 - _LEAST)
        shares = (counts[:, 0] + 0.01) / (counts + 0.01).sum()
        start = Mixture(shares, means)
    return start


@dataclass(frozen=True)
class Clusters:
    """A mixture of spherical normal distributions of variance 1."""

    shares: np.ndarray
    centres: np.ndarray

    @classmethod
    def drawn(cls, n_clusters, n_features, rng):
        """Draw centres far from each other, and shares of 1 % or more."""
        shares = 0.01 + (1 - 0.01 * n_clusters) * rng.dirichlet(np.ones(n_clusters))
        spread = 6 if n_features < 5 else 3
        return cls(shares, rng.normal(0, spread, (n_clusters, n_features)))

    def draw(self, n_rows, rng):
        """Draw rows."""
        centres = self.centres[rng.choice(len(self.shares), n_rows, p=self.shares)]
        return centres + rng.normal(size=centres.shape)

    def log_joint(self, X):
        """Give log p(row, cluster), a column for each cluster."""
        squares = ((X[:, None] - self.centres) ** 2 + np.log(2 * np.pi)).sum(axis=2)
        return np.log(self.shares) - squares / 2

    log_prob, nearest = Mixture.log_prob, Mixture.nearest


class Rbm:
    """Binary visible and hidden units; rows are of the visible ones.

    Hidden units are summed out on the way as well: on the way of both layers modes
    would come and go, and the chains with them.
    """

    constant = 0.0

    def __init__(self, weights, visible_bias, hidden_bias):
        self.weights, self.visible_bias = weights, visible_bias
        self.hidden_bias = hidden_bias

    def log_weight(self, X):
        """Give minus the free energy of rows."""
        fields = X @ self.weights.T + self.hidden_bias
        return X @ self.visible_bias + _softplus(fields).sum(axis=1)

    def sweep(self, X, law_field, beta, rng):
        """Draw unit by unit, with the fields of the law added."""
        X, noise = X.copy(), logit(rng.random(X.shape))
        fields = X @ self.weights.T + self.hidden_bias
        on, ups, downs = expit(fields), *(np.expm1(s * self.weights.T) for s in (1, -1))
        chunks = np.arange(0, len(self.hidden_bias), 16)
        for i, weights in enumerate(self.weights.T):
            up = X[:, i] > 0
            factors = 1 + on * np.where(up[:, None], downs[i], ups[i])
            gain = np.log(np.multiply.reduceat(factors, chunks, axis=1)).sum(axis=1)
            gain = np.where(up, -gain, gain) + self.visible_bias[i]
            new = law_field[:, i] + beta * gain > noise[:, i]
            flipped = np.flatnonzero(new != up)
            X[flipped, i] = new[flipped]
            fields[flipped] += np.where(new[flipped, None], weights, -weights)
            on[flipped] = expit(fields[flipped])
        return X


class Pairs:
    """Binary units that are all coupled; `constant` is added to log Z."""

    def __init__(self, couplings, bias, constant=0.0):
        self.couplings, self.bias, self.constant = couplings, bias, constant

    @classmethod
    def of_spins(cls, couplings, bias):
        """Convert from units of minus and plus one."""
        zeros_and_ones = 2 * bias - 2 * couplings.sum(axis=1)
        return cls(4 * couplings, zeros_and_ones, couplings.sum() / 2 - bias.sum())

    def log_weight(self, X):
        """Give minus the energy of rows."""
        return (X @ self.couplings * X).sum(axis=1) / 2 + X @ self.bias

    def sweep(self, X, law_field, beta, rng):
        """Draw unit by unit, with the fields of the law added."""
        noise = logit(rng.random(X.T.shape))
        threshold = (noise - law_field.T) / beta - self.bias[:, None]
        units = X.T.copy()
        for i, couplings in enumerate(self.couplings):
            units[i] = couplings @ units > threshold[i]
        return units.T

    def exact(self, n_rows, rng):
        """Sum over all units, of 26 at most; give log Z and independent rows."""
        half = len(self.bias) // 2
        first, last = _bits(half), _bits(len(self.bias) - half)
        W, b = self.couplings, self.bias
        first_part = (first @ W[:half, :half] * first).sum(axis=1) / 2
        last_part = (last @ W[half:, half:] * last).sum(axis=1) / 2 + last @ b[half:]
        first_part += first @ b[:half]

        def log_weights(i):
            return first_part[i] + last_part + last @ (W[half:, :half] @ first[i])

        sums = np.array([logsumexp(log_weights(i)) for i in range(len(first))])
        rows = []
        for i, count in enumerate(rng.multinomial(n_rows, softmax(sums))):
            if count:
                drawn = last[rng.choice(len(last), count, p=softmax(log_weights(i)))]
                rows.append(np.hstack([np.tile(first[i], (count, 1)), drawn]))
        return logsumexp(sums) + self.constant, np.vstack(rows)


def machine_of(model):
    """Read the parameters of a model; of GaussianRBM those of its hidden units."""
    if isinstance(model, BoltzmannMachine):
        kind = Pairs.of_spins if model.states == (-1, 1) else Pairs
        return kind(model.couplings_, model.intercept_)
    W, a, b = model.components_, model.intercept_visible_, model.intercept_hidden_
    if isinstance(model, BinaryRBM):
        return Rbm(W, a, b)
    if isinstance(model, LatentBM):
        V, U = model.visible_couplings_, model.hidden_couplings_
        return Pairs(np.block([[V, W.T], [W, U]]), np.append(a, b))
    noise = getattr(model, "noise_covariance_", np.diag(model.noise_variance_))
    pulls = W @ np.linalg.inv(noise)
    couplings = pulls @ W.T
    bias = b + pulls @ a + np.diag(couplings) / 2
    log_volume = np.linalg.slogdet(2 * np.pi * noise)[1] / 2
    return Pairs(couplings - np.diag(np.diag(couplings)), bias, log_volume)


def complete(law, model):
    """Give a law of visible units means of the hidden ones, where these are rows."""
    if not isinstance(model, LatentBM):
        return law
    field = law.means @ model.components_.T + model.intercept_hidden_
    hidden = np.full(field.shape, 0.5)
    for _ in range(30):
        hidden = (hidden + expit(field + hidden @ model.hidden_couplings_)) / 2
    return Mixture(law.shares, np.hstack([law.means, hidden.clip(0.02, 0.98)]))


def anneal(machine, law, n_steps, n_chains, rng):
    """Give log Z, its error, rows and their weights, by annealing from a mixture."""
    n_components = len(law.shares)
    components = rng.choice(n_components, n_chains, p=law.shares)
    log_weights = np.full(n_chains, -np.log(n_chains))
    stratified = 4 * n_components <= n_chains
    if stratified:
        fractions = law.shares / 2 + 0.5 / n_components
        counts = np.maximum(2, (n_chains * fractions).astype(int))
        components = np.repeat(np.arange(n_components), counts)
        log_weights = np.log(law.shares / counts)[components]
    starts, X = components, law.draw_of(components, rng)
    logits = logit(law.means)
    for step in range(n_steps):
        old, beta = step / n_steps, (step + 1) / n_steps
        joint = law.log_joint(X)
        highest = joint.max(axis=1)
        joint -= highest[:, None]
        parts = np.exp((1 - beta) * joint).cumsum(axis=1)
        log_weights += np.log(parts[:, -1] / np.exp((1 - old) * joint).sum(axis=1))
        log_weights += (beta - old) * (machine.log_weight(X) - highest)
        limits = rng.random(len(X)) * parts[:, -1]
        components = (parts < limits[:, None]).sum(axis=1)
        X = machine.sweep(X, (1 - beta) * logits[components], beta, rng)
    log_z = logsumexp(log_weights)
    weights = np.exp(log_weights - log_z)
    groups = [starts == z for z in range(n_components)] if stratified else [...]
    variance = sum(weights[g].size * weights[g].var(ddof=1) for g in groups)
    log_z += machine.constant - np.log(n_components)
    return log_z, np.sqrt(variance), X, weights


def _follow(law, X, weights, rng):
    """Move a mixture to weighted rows, with components where it has none."""
    outside = weights * softmax(law.log_joint(X), axis=1)[:, -1] + 1e-12
    seeds = 0.05 + 0.9 * X[rng.choice(len(X), 8, p=outside / outside.sum())]
    shares = np.append(law.shares[:-1], np.full(8, law.shares[-1] / 8))
    start = Mixture(shares, np.vstack([law.means[:-1], seeds]))
    return fit_mixture(X, start, weights=weights, n_iter=5).broadened()


def estimate(machine, law, rng, *, tol=0.01, n_chains=400, steps=(40, 160, 640)):
    """Anneal until two laws in a row agree; give what `anneal` gives."""
    law, before = law.broadened(), (np.inf, 0.0)
    for _ in range(3):
        X = law.draw(5000, rng)
        weights = softmax(machine.log_weight(X) - law.log_prob(X))
        law = _follow(law, X, weights, rng)
    for n_steps in steps:
        log_z, std, X, weights = anneal(machine, law, n_steps, n_chains, rng)
        gap = abs(log_z - before[0])
        if agrees := gap < 3 * np.hypot(std, before[1]) + 0.01 and std < tol:
            break
        before = log_z, std
        law = _follow(law, X, weights, rng)
    return log_z, max(std, tol, 0 if agrees else gap / 3), X, weights


def block_sums(sizes, couplings, bias):
    """Give the log-weight of each set of block magnetisations, and these."""
    ups = np.array(list(product(*(range(n + 1) for n in sizes))))
    sizes = np.asarray(sizes)
    binomials = gammaln(sizes + 1) - gammaln(ups + 1) - gammaln(sizes - ups + 1)
    spins = 2.0 * ups - sizes
    energy = (spins @ couplings * spins).sum(axis=1) / 2 + spins @ bias
    return binomials.sum(axis=1) + energy - np.diag(couplings) @ sizes / 2, spins


def make_law(rng, n_features, n_modes=None, flips=None, kind="random"):
    """Draw a mixture of noisy prototypes, whose shares are 1 % or more."""
    K = n_modes or int(rng.integers(2, 31))
    flips = flips or np.exp(rng.uniform(np.log(0.001), np.log(0.05)))
    bits = rng.random((K, n_features)) < (0.15 if kind == "sparse" else 0.5)
    if kind == "related":
        bits = bits[0] ^ (rng.random(bits.shape) < 0.2)
    if kind == "blocks":
        bits = np.repeat(bits, 8, axis=1)[:, :n_features]
    shares = 0.01 + (1 - 0.01 * K) * rng.dirichlet(np.ones(K))
    return Mixture(shares, np.where(bits, 1 - flips, flips))


def blocks(n_features, share):
    """Give the law of copies of one bit, with 1 % flips."""
    means = np.repeat([[0.01], [0.99]], n_features, axis=1)
    return Mixture(np.array([1 - share, share]), means)


def _mixture(law, rng):
    """Give parameters of an RBM with a hidden unit a mode, and others that tilt it."""
    d = law.means.shape[1]
    height = np.log(law.shares) + d * np.log(2 * law.means.max()) + 4
    hidden = height - logit(law.means.max()) * (law.means > 0.5).sum(axis=1)
    weights = np.vstack([logit(law.means), rng.normal(0, 0.5 / d**0.5, (24, d))])
    return weights, np.zeros(d), np.append(hidden, np.zeros(24))


def _pairs(origin, law, rng):
    """Make couplings like a law; give a law of their modes, and log Z or None."""
    d, flips = law.means.shape[1], law.means.min()
    gain = np.arctanh(1 - 2 * flips) / (1 - 2 * flips)
    if origin == "Hopfield":
        means = np.vstack([law.means[:4], 1 - law.means[:4]])
        signs, log_z = np.sign(law.means[:4] - 0.5), None
        W, h = gain / d * signs.T @ signs, rng.normal(0, 0.5 / d, d)
    else:
        sizes = rng.multinomial(d - 15, np.full(3, 1 / 3)) + 5
        block = rng.permutation(np.repeat(np.arange(3), sizes))
        J, h = rng.normal(0, 0.1 / d, (3, 3)), rng.uniform(-1, 1, 3) / sizes
        J = J + J.T + np.diag(gain / sizes)
        log_z = logsumexp(block_sums(sizes, J, h)[0])
        means = np.where(_bits(3)[:, block] > 0, 1 - flips, flips)
        W, h = J[block][:, block], h[block]
    machine = Pairs.of_spins(W - np.diag(np.diag(W)), h)
    log_z = None if log_z is None else log_z - machine.constant
    shares = np.full(len(means), 1 / len(means))
    return machine.couplings, machine.bias, Mixture(shares, means), log_z


_CASES = [
    *["fitted BinaryRBM", "fitted BoltzmannMachine", "blocks BoltzmannMachine"],
    *["fitted BinaryRBM", "fitted LatentBM", "Hopfield BoltzmannMachine"],
    *["fitted BinaryRBM", "fitted BoltzmannMachine", "blocks LatentBM"],
    "mixture BinaryRBM",
]


def make_case(index, seed):
    """Make a model with modes; give its name, itself, its law, and log Z or None."""
    rng = np.random.default_rng([seed, index])
    origin, name = _CASES[index % len(_CASES)].split()
    d = int(rng.integers(21, 201 if name == "BinaryRBM" else 81))
    law = make_law(rng, d, kind=rng.choice(["random", "related", "sparse", "blocks"]))
    known = {"random_state": seed + index}
    title = f"{index} {origin} {name[:6]} d={d} K={len(law.shares)}"
    if origin == "fitted":
        n_hidden = rng.integers(21, 65) if name == "BinaryRBM" else rng.integers(8, 25)
        if name != "BoltzmannMachine":
            known["n_components"] = int(n_hidden)
        make = {"BinaryRBM": BinaryRBM, "LatentBM": LatentBM}
        model = make.get(name, BoltzmannMachine)(**known).fit(law.draw(1000, rng))
        return title, model, complete(law, model), None
    # Rows may tell of all modes, of one alone, or not at all.
    told = int(rng.integers(4))
    title += (" no rows", " one mode", "", "")[told]

    def rows(law):
        drawn = (
            law.draw_of(np.zeros(100, int), rng) if told == 1 else law.draw(1000, rng)
        )
        return None if told == 0 else drawn

    if origin == "mixture":
        parameters = _mixture(law, rng)
        model = BinaryRBM.from_parameters(*parameters, X=rows(law), **known)
        return title, model, law, None
    W, b, law, log_z = _pairs(origin, law, rng)
    if name == "BoltzmannMachine":
        model = BoltzmannMachine.from_parameters(W, b, X=rows(law), **known)
        return title, model, law, log_z
    n = d - int(rng.integers(4, d // 3))
    seen = Mixture(law.shares, law.means[:, :n])
    known |= {"visible_couplings": W[:n, :n], "hidden_couplings": W[n:, n:]}
    model = LatentBM.from_parameters(W[n:, :n], b[:n], b[n:], X=rows(seen), **known)
    return title, model, law, log_z
