import tracemalloc

import numpy as np
import pytest
from oracle import RBMOracle, random_rbm
from scipy.special import logsumexp

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.partition.enumeration import enumerate_log_partition


@pytest.mark.parametrize(
    ("n_hidden", "n_visible"), [(1, 1), (2, 8), (8, 2), (5, 5), (9, 11), (11, 9)]
)
def test_exact(n_hidden, n_visible):
    parameters = random_rbm(n_hidden, n_visible)
    exact = np.log(RBMOracle(*parameters).partition)
    estimate = enumerate_log_partition(BinaryRBMEnergy.of(*parameters))
    assert estimate.log_partition == pytest.approx(exact, abs=1e-10)
    assert estimate.exact
    assert estimate.lower == estimate.upper == estimate.log_partition
    assert estimate.gap == estimate.gap_std == 0
    assert estimate.lower_std == estimate.upper_std == 0
    assert estimate.lower_effective_sample_size == np.inf
    assert estimate.in_equilibrium


def test_more_units_than_a_block():
    """Twelve and more units are enumerated in several blocks."""
    weights, visible_bias, hidden_bias = random_rbm(13, 14, scale=0.5)
    hidden = np.array(np.unravel_index(np.arange(2**13), (2,) * 13)).T
    fields = visible_bias + hidden @ weights
    exact = logsumexp(hidden @ hidden_bias + np.logaddexp(0, fields).sum(axis=1))
    estimate = enumerate_log_partition(
        BinaryRBMEnergy.of(weights, visible_bias, hidden_bias)
    )
    assert estimate.log_partition == pytest.approx(exact, abs=1e-10)


def test_independent_units_in_closed_form():
    bias = np.linspace(-300, 300, 40)
    energy = BinaryRBMEnergy.of(np.zeros((20, 40)), bias, np.full(20, 2.0))
    exact = np.logaddexp(0, bias).sum() + 20 * np.logaddexp(0, 2.0)
    estimate = enumerate_log_partition(energy)
    assert estimate.log_partition == pytest.approx(exact, rel=1e-13)


def test_memory_is_bounded_whatever_the_width():
    energy = BinaryRBMEnergy.of(np.zeros((10, 50_000)), np.zeros(50_000), np.zeros(10))
    tracemalloc.start()
    estimate = enumerate_log_partition(energy)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert estimate.log_partition == pytest.approx(50_010 * np.log(2), rel=1e-12)
    # A block of at most 8 MiB, and twice that beside it for the free energy.
    assert peak < 3 * 8 * 2**20
