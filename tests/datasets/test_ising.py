import numpy as np
import pytest
from oracle import all_states
from scipy.special import logsumexp
from statistical import assert_draws_from, assert_mean_is

from skebm.datasets import make_ising_lattice


def energies_by_loops(spins, n_side, coupling, field):
    """Energy of each row, site by site."""
    lattices = spins.reshape(-1, n_side, n_side)
    energy = np.zeros(len(spins))
    for i in range(n_side):
        for j in range(n_side):
            right = lattices[:, i, (j + 1) % n_side]
            below = lattices[:, (i + 1) % n_side, j]
            energy -= coupling * lattices[:, i, j] * (right + below)
            energy -= field * lattices[:, i, j]
    return energy


def kaufman_log_partition(n_side, coupling):
    """Log Z of the torus without a field (Kaufman 1949)."""
    angles = np.pi * np.arange(2 * n_side) / n_side
    modes = np.arccosh(np.cosh(2 * coupling) / np.tanh(2 * coupling) - np.cos(angles))
    modes[0] = 2 * coupling + np.log(np.tanh(coupling))
    terms = [
        np.prod(2 * hyperbolic(n_side / 2 * half))
        for half in (modes[1::2], modes[::2])
        for hyperbolic in (np.cosh, np.sinh)
    ]
    return n_side**2 / 2 * np.log(2 * np.sinh(2 * coupling)) + np.log(sum(terms) / 2)


def kaufman_bond(n_side, coupling):
    """Mean product of two neighbours, the derivative of log Z by the coupling."""
    step = 1e-5
    above, below = (
        kaufman_log_partition(n_side, coupling + sign * step) for sign in (1, -1)
    )
    return (above - below) / (2 * step * 2 * n_side**2)


LAWS = [(3, 0.0, 0.0), (3, 0.5, -0.3), (4, 0.4, 0.0), (4, 0.44, 0.1), (4, 2.0, 0.01)]


@pytest.mark.parametrize(("n_side", "coupling", "field"), LAWS)
def test_what_is_exact_is_that_of_the_enumerated_law(n_side, coupling, field):
    spins = 2 * all_states(n_side**2) - 1
    energy = energies_by_loops(spins, n_side, coupling, field)
    log_partition = logsumexp(-energy)
    law = np.exp(-energy - log_partition)
    lattice = make_ising_lattice(
        50, n_side=n_side, coupling=coupling, field=field, random_state=0
    )
    assert lattice.log_partition == pytest.approx(log_partition, rel=1e-12)
    entropy = log_partition + law @ energy
    assert lattice.entropy == pytest.approx(entropy, rel=1e-9)
    rows = energies_by_loops(lattice.data, n_side, coupling, field)
    np.testing.assert_allclose(
        lattice.log_likelihood, -rows - log_partition, rtol=1e-10, atol=1e-12
    )
    assert lattice.n_sweeps == 0
    assert isinstance(lattice.entropy, float)


@pytest.mark.parametrize(("coupling", "field"), [(0.0, 0.0), (0.3, 0.05), (0.6, -0.02)])
def test_draws_are_from_the_enumerated_law(coupling, field):
    spins = 2 * all_states(9) - 1
    energy = energies_by_loops(spins, 3, coupling, field)
    law = np.exp(-energy - logsumexp(-energy))
    data = make_ising_lattice(
        20_000, n_side=3, coupling=coupling, field=field, random_state=0
    ).data
    assert set(np.unique(data)) == {-1.0, 1.0}
    assert_draws_from(law, ((data + 1) / 2 @ 2 ** np.arange(9)[::-1]).astype(int))


@pytest.mark.parametrize("n_side", [5, 8, 10])
@pytest.mark.parametrize("coupling", [0.2, 0.44, 0.7])
def test_log_partition_of_larger_lattices_is_kaufmans(n_side, coupling):
    lattice = make_ising_lattice(1, n_side=n_side, coupling=coupling, random_state=0)
    exact = kaufman_log_partition(n_side, coupling)
    assert lattice.log_partition == pytest.approx(exact, rel=1e-12)
    # A central difference of step s is off by a sixth of s squared times the third
    # derivative; and by rounding of log Z divided by s.
    bonds = 2 * n_side**2 * kaufman_bond(n_side, coupling)
    assert lattice.entropy == pytest.approx(exact - coupling * bonds, abs=2e-7)


def test_every_pair_of_neighbours_in_exact_draws_is_alike():
    # Also the last row and the first, and the last column and the first.
    data = make_ising_lattice(3000, n_side=6, coupling=0.35, random_state=0).data
    lattices = data.reshape(-1, 6, 6)
    for axis in (1, 2):
        products = lattices * np.roll(lattices, 1, axis=axis)
        assert_mean_is(np.full((6, 6), kaufman_bond(6, 0.35)), products)
    assert_mean_is(np.zeros((6, 6)), lattices)


def test_lattices_of_strong_coupling_are_all_up_or_all_down():
    lattice = make_ising_lattice(200, n_side=10, coupling=50, random_state=0)
    assert np.all(lattice.data == lattice.data[:, :1])
    assert_mean_is(0.0, lattice.data[:, 0])
    assert lattice.log_partition == pytest.approx(10_000 + np.log(2), rel=1e-12)
    assert lattice.entropy == pytest.approx(np.log(2), rel=1e-9)


@pytest.mark.parametrize("coupling", [0.0, 0.3, 0.6])
def test_chains_of_large_lattices_come_to_the_law(coupling):
    lattice = make_ising_lattice(
        1000, n_side=12, coupling=coupling, n_sweeps=200, random_state=0
    )
    rows = lattice.data.reshape(-1, 12, 12)
    bond = sum((rows * np.roll(rows, 1, axis)).mean(axis=(1, 2)) for axis in (1, 2)) / 2
    exact = kaufman_bond(12, coupling) if coupling else 0.0
    assert_mean_is(exact, bond)
    # As many are magnetised either way.
    assert_mean_is(0.0, rows.mean(axis=(1, 2)))
    assert lattice.n_sweeps == 200
    assert np.isnan([lattice.entropy, lattice.log_partition]).all()
    assert lattice.log_likelihood.shape == (1000,)
    assert np.isnan(lattice.log_likelihood).all()


@pytest.mark.parametrize("n_side", [5, 12])
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_strong_field_turns_all_spins_its_way(n_side, sign):
    lattice = make_ising_lattice(
        20, n_side=n_side, field=sign * 20, n_sweeps=1, random_state=0
    )
    np.testing.assert_array_equal(lattice.data, sign)


def test_a_weak_field_sets_the_odds_of_the_two_phases():
    # Ordered chains stay in the phase in which they start.
    data = make_ising_lattice(
        2000, n_side=11, coupling=2, field=0.004, n_sweeps=20, random_state=0
    ).data
    odds = np.exp(2 * 0.004 * 121)
    assert_mean_is(odds / (1 + odds), (data.mean(axis=1) > 0).astype(float))


def test_parameters_are_those_of_the_energy():
    lattice = make_ising_lattice(5, n_side=4, coupling=0.3, field=0.2, random_state=0)
    energy = -((lattice.data @ lattice.couplings) * lattice.data).sum(axis=1) / 2
    energy -= lattice.data @ lattice.intercept
    by_loops = energies_by_loops(lattice.data, 4, 0.3, 0.2)
    np.testing.assert_allclose(energy, by_loops, rtol=1e-12)
    np.testing.assert_array_equal(lattice.couplings, lattice.couplings.T)
    assert np.count_nonzero(lattice.couplings) == 4 * 16


@pytest.mark.parametrize("n_side", [4, 11])
def test_rows_depend_on_the_random_state_alone(n_side):
    first, second, other = (
        make_ising_lattice(20, n_side=n_side, n_sweeps=2, random_state=seed).data
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_samples", 0),
        ("n_side", 2),
        ("coupling", -0.1),
        ("coupling", np.inf),
        ("field", np.inf),
        ("n_sweeps", 0),
        ("random_state", "seed"),
    ],
)
def test_other_values_are_refused_by_name(name, value):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of make_ising"):
        make_ising_lattice(**{name: value})
