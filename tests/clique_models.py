"""Small models of cliques at random, and their laws by enumeration."""

from itertools import product

import numpy as np
from scipy.special import logsumexp

from skebm.energy.clique_tables import CliqueTables
from skebm.energy.cliques import CliqueEnergy


def random_cliques(seed, most_terms=2**20, n_units=None):
    """Draw which units share tables: some with one level, some with none to share."""
    rng = np.random.default_rng(seed)
    n_units = n_units or int(rng.integers(1, 7))
    n_levels = tuple(rng.integers(1, 4, n_units).tolist())
    scopes = {}
    for size in rng.integers(2, 4, rng.integers(0, 6)):
        if size <= n_units:
            scope = tuple(rng.choice(n_units, size, replace=False).tolist())
            scopes[frozenset(scope)] = scope
    cliques = CliqueTables(n_levels, tuple(scopes.values()), most_terms)
    return CliqueEnergy(
        rng.normal(size=cliques.n_entries), rng.normal(size=sum(n_levels)), cliques
    )


class CliqueOracle:
    """Law of a model of cliques from its tables, one configuration after the other."""

    def __init__(self, energy):
        n_levels, scopes = energy.cliques.n_levels, energy.cliques.scopes
        self.levels = np.array(list(product(*map(range, n_levels))))
        self.rows = np.array(
            [
                np.concatenate(
                    [np.eye(n)[i] for n, i in zip(n_levels, own, strict=True)]
                )
                for own in self.levels
            ]
        )
        self.score, start = np.zeros(len(self.levels)), 0
        for scope in scopes:
            shape = [n_levels[i] for i in scope]
            table = energy.tables[start : start + np.prod(shape)].reshape(shape)
            start += np.prod(shape)
            self.score += [table[tuple(own[list(scope)])] for own in self.levels]
        self.score += self.rows @ energy.fields
        self.log_partition = logsumexp(self.score)
        self.law = np.exp(self.score - self.log_partition)
        self.n_levels = n_levels

    def marginal(self, scope):
        """Sum the law to some units."""
        table = np.zeros([self.n_levels[i] for i in scope])
        for own, p in zip(self.levels, self.law, strict=True):
            table[tuple(own[list(scope)])] += p
        return table

    def index(self, levels):
        """Give the numbers of configurations."""
        return np.ravel_multi_index(np.asarray(levels).T, self.n_levels)
