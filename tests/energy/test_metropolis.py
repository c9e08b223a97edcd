import numpy as np

from skebm.energy.metropolis import accepted
from skebm.sampling.random import UniformNoise


def test_moves_are_accepted_by_the_rule_of_metropolis():
    """With probability min(1, ratio), to five standard errors; NaN goes nowhere."""
    noise, n_rows = UniformNoise(np.random.default_rng(0), np.float32), 20_000
    for ratio in (0.1, 0.6):
        taken = accepted(np.full(n_rows, np.log(ratio)), noise)
        error = np.sqrt(ratio * (1 - ratio) / n_rows)
        assert abs(taken.mean() - ratio) < 5 * error
    assert accepted(np.array([0.0, 3.0, np.inf]), noise).all()
    assert not accepted(np.array([-np.inf, np.nan]), noise).any()
