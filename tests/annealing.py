"""How tests of energies of two columns anneal."""

import numpy as np

from skebm.partition.log_partition import anneal_log_partition


def annealed(machine):
    """Anneal from the middle of two columns, with 200 chains."""
    return anneal_log_partition(
        machine,
        np.zeros(2),
        tol=0.02,
        max_temperatures=400,
        n_chains=200,
        n_steps=200,
        rng=np.random.default_rng(0),
    )
