"""log Z of the weights of draws of the mixture, where that takes least."""

import numpy as np
import pytest
from product_mixtures import two_blocks

from skebm.partition import equilibrium, log_partition, pilot
from skebm.partition.enumeration import enumerate_log_partition
from skebm.partition.log_partition import anneal_log_partition
from skebm.partition.pilot import PILOT_TEMPERATURES

N_UNITS = 16
ROWS = np.repeat([[False], [True]], N_UNITS, axis=1)


def estimate(energy, seed, **changes):
    settings = {
        "tol": 0.03,
        "max_temperatures": 10_000,
        "n_chains": 50,
        "n_steps": 60,
        **changes,
    }
    rng = np.random.default_rng(seed)
    return anneal_log_partition(
        energy, np.full(N_UNITS, 0.5), **settings, rows=ROWS, rng=rng
    )


@pytest.fixture(scope="module")
def energy():
    """Two modes, of which one is three times as likely, and a few rows around them."""
    return two_blocks(N_UNITS, log_odds=np.log(3), coupling=0.5)


@pytest.fixture(scope="module")
def estimates(energy):
    """Spend less on what only says how temperatures are best set."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pilot, "PILOT_TEMPERATURES", 50)
        patch.setattr(equilibrium, "_ADAPTING_STEPS", 30)
        return [estimate(energy, seed) for seed in range(30)]


@pytest.mark.slow
def test_draws_are_weighed(estimates):
    for found in estimates:
        # Of annealing backwards, with which what was weighed is compared.
        assert found.n_temperatures == PILOT_TEMPERATURES == 200
        assert found.lower_effective_sample_size > 50
        assert not found.exact


@pytest.mark.slow
def test_weighing_is_within_its_stated_error(estimates, energy):
    exact = enumerate_log_partition(energy).log_partition
    for name in ("lower", "upper"):
        value = np.array([getattr(found, name) for found in estimates])
        std = np.array([getattr(found, f"{name}_std") for found in estimates])
        covered = np.abs(value - exact) <= 2 * std
        # Of 30 that are covered 95 times in 100, 24 or fewer have a chance of 0.003.
        assert covered.sum() >= 25
    assert all(0 < found.lower_std <= 0.03 for found in estimates)


@pytest.mark.slow
def test_weighing_does_not_overstate_its_error_by_much(estimates, energy):
    exact = enumerate_log_partition(energy).log_partition
    ratios = [(found.lower - exact) / found.lower_std for found in estimates]
    # A mean square of 1 +- 0.26, if errors were no more than stated.
    assert 0.1 < np.mean(np.square(ratios)) < 2.0


@pytest.mark.slow
def test_annealing_agrees(monkeypatch, estimates, energy):
    monkeypatch.setattr(log_partition, "_MOST_DRAWS", 0)
    annealed = estimate(energy, 0)
    assert annealed.n_temperatures != 200
    std = np.hypot(annealed.lower_std, estimates[0].lower_std)
    assert abs(annealed.lower - estimates[0].lower) < 4 * std


def test_too_few_draws_are_not_enough(monkeypatch, energy):
    monkeypatch.setattr(log_partition, "_MOST_DRAWS", 10)
    assert estimate(energy, 0).lower_effective_sample_size <= 50
