import numpy as np
import pytest
from oracle import RBMOracle, random_rbm
from statistical import assert_draws_from

from skebm.energy.binary_rbm import BinaryRBMEnergy
from skebm.partition import equilibrium
from skebm.partition.equilibrium import draw_in_equilibrium
from skebm.sampling.path import IndependentStart, Path
from skebm.sampling.random import UniformNoise

MEAN = np.array([0.2, 0.5, 0.7, 0.9])


def draw(parameters, n_ladders, **settings):
    energy = BinaryRBMEnergy.of(*parameters).astype(np.float32)
    path = Path(IndependentStart(energy.units, MEAN), energy)
    noise = UniformNoise(np.random.default_rng(0), np.float32)
    starts = np.zeros((n_ladders, 4), dtype=bool)
    return draw_in_equilibrium(path, starts, noise, **settings)


def test_rows_are_draws_of_the_model():
    parameters = random_rbm(3, 4, scale=3.0)
    oracle = RBMOracle(*parameters)
    rows = draw(parameters, 5000, n_members=2, n_steps=120)
    assert rows.states.shape == (5000, 2, 4)
    for member in range(2):
        assert_draws_from(oracle.law, oracle.index(rows.states[:, member]))
    assert rows.n_restarts > 5


@pytest.mark.parametrize(("n_members", "n_steps"), [(5, 3), (3, 100), (1, 2)])
def test_every_ladder_takes_all_its_steps(monkeypatch, n_members, n_steps):
    taken = []
    temper = equilibrium.temper
    monkeypatch.setattr(
        equilibrium,
        "temper",
        lambda *args, n_steps: taken.append(n_steps) or temper(*args, n_steps=n_steps),
    )
    rows = draw(random_rbm(3, 4), 4, n_members=n_members, n_steps=n_steps)
    assert rows.states.shape == (4, n_members, 4)
    assert sum(taken) == n_steps
    assert taken[0] == pytest.approx(n_steps / 2, abs=1)
    assert len(taken) == n_members + 1
