from dataclasses import FrozenInstanceError, replace

import pytest

from skebm.partition.estimate import PartitionEstimate

GOOD = PartitionEstimate(
    lower=10.0,
    lower_std=0.03,
    lower_effective_sample_size=90.0,
    upper=10.05,
    upper_std=0.04,
    upper_effective_sample_size=85.0,
    exact=False,
    n_temperatures=500,
    n_chains=100,
    halves=(10.0, 10.1),
    halves_std=0.08,
    n_restarts=60.0,
)


def test_gap():
    assert GOOD.gap == pytest.approx(0.05)
    assert GOOD.gap_std == pytest.approx(0.05)
    assert GOOD.log_partition == GOOD.lower


@pytest.mark.parametrize(
    ("change", "in_equilibrium"),
    [
        ({}, True),
        ({"halves": (10.1, 9.87)}, True),
        ({"halves": (10.1, 9.85)}, False),
        ({"halves": (9.85, 10.1)}, False),
        ({"upper": 9.86}, True),
        ({"upper": 9.84}, False),
        ({"upper": 20.0}, True),
        ({"upper": 9.51, "upper_std": 1.0}, True),
        ({"upper": 9.49, "upper_std": 1.0}, False),
        ({"n_restarts": 50.0}, True),
        ({"n_restarts": 49.9}, False),
    ],
)
def test_what_speaks_against_equilibrium(change, in_equilibrium):
    assert replace(GOOD, **change).in_equilibrium is in_equilibrium


def test_an_estimate_is_not_changed():
    with pytest.raises(FrozenInstanceError):
        GOOD.lower = 0.0
