"""
A trial wave function
=====================

A restricted Boltzmann machine is a flexible positive function of bits. Here it is the
wave function of a chain of quantum spins, and what it learns from is not data but an
energy, which is to be as low as possible.
"""

# %%
# The chain
# ---------
# Twelve spins in a ring, each 1 or -1 along one axis, with a field across it:
#
# .. math:: H = -J \sum_i s_i s_{i+1} - \Gamma \sum_i X_i,
#
# where :math:`X_i` flips spin i. A state gives each of the 4096 rows of spins an
# amplitude :math:`\psi(s)`, and the one of lowest energy, the ground state, has only
# positive ones. So it is :math:`\psi = \sqrt{p}` of some distribution p, and
# every p that is tried gives an energy above that of the ground state. With twelve spins
# it can be computed exactly, to compare.

import matplotlib.pyplot as plt
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.linalg import eigsh

from skebm import BinaryRBM

N_SPINS, COUPLING, FIELD = 12, 1.0, 1.0

every_row = np.arange(2**N_SPINS)[:, np.newaxis] >> np.arange(N_SPINS) & 1


def classical_energy(bits):
    """The part of H that changes nothing: neighbours that agree lower it."""
    spins = 2.0 * bits - 1
    return -COUPLING * (spins * np.roll(spins, 1, axis=1)).sum(axis=1)


numbers = np.arange(len(every_row))
flipped = numbers[:, np.newaxis] ^ (1 << np.arange(N_SPINS))
off_diagonal = coo_array(
    (
        np.full(flipped.size, -FIELD),
        (np.repeat(numbers, N_SPINS), flipped.ravel()),
    )
)
diagonal = coo_array((classical_energy(every_row), (numbers, numbers)))
levels, states = eigsh((off_diagonal + diagonal).tocsr(), k=1, which="SA")
ground_energy, ground_state = levels[0], np.abs(states[:, 0])
print(f"ground state, exact: {ground_energy:.5f}, {ground_energy / N_SPINS:.5f} a spin")

# %%
# The energy of a machine
# -----------------------
# Draws of p give an estimate of the energy: the mean over rows of the *local energy*,
#
# .. math::
#
#    e(s) = -J \sum_i s_i s_{i+1} - \Gamma \sum_i \frac{\psi(s^{(i)})}{\psi(s)},
#
# with spin i flipped in :math:`s^{(i)}`. Ratios of amplitudes are those of
# :math:`\sqrt{p}`, so they need no log Z, only free energies. In the ground state itself
# all local energies are the same: the closer a machine comes, the less noise there is.


def local_energies(rbm, bits):
    """The energy of each row, whose mean over draws is that of the machine."""
    others = np.repeat(bits[np.newaxis], N_SPINS, axis=0)
    spin = np.arange(N_SPINS)
    others[spin, :, spin] = 1 - others[spin, :, spin]
    others = rbm.free_energy(others.reshape(-1, N_SPINS)).reshape(N_SPINS, -1)
    ratios = np.exp((rbm.free_energy(bits) - others) / 2)
    return classical_energy(bits) - FIELD * ratios.sum(axis=0)


# %%
# The rule
# --------
# The derivative of the energy by a parameter is the covariance of the local energy with
# that of log p. The natural gradient divides it by the covariance of the derivatives
# among themselves, which here are few enough for a matrix. (Physicists call this
# stochastic reconfiguration.) At each step a new machine is made of the parameters;
# :meth:`~skebm.BinaryRBM.sample` draws from it exactly, as its layers are small. In the
# second half of the steps their size falls to zero, so that the noise averages out.
#
# Learning starts from a hidden unit for each pair of neighbours, which makes these
# agree.

N_HIDDEN, N_DRAWS, N_STEPS = 12, 1000, 300


def machine_of(parameters):
    """A fitted machine of a vector of parameters."""
    weights, visible, hidden = np.split(
        parameters, [N_HIDDEN * N_SPINS, N_HIDDEN * N_SPINS + N_SPINS]
    )
    return BinaryRBM.from_parameters(
        weights.reshape(N_HIDDEN, N_SPINS), visible, hidden, random_state=0
    )


def derivatives(rbm, bits):
    """Those of -F by all parameters, a row for each row."""
    hidden = rbm.transform(bits)
    products = hidden[:, :, np.newaxis] * bits[:, np.newaxis]
    return np.hstack([products.reshape(len(bits), -1), bits, hidden])


rng = np.random.default_rng(0)
bonds = np.eye(N_SPINS) + np.roll(np.eye(N_SPINS), 1, axis=1)
weights = 2 * bonds + rng.normal(0, 0.1, (N_HIDDEN, N_SPINS))
# With these biases a row is as likely as that with all spins turned.
parameters = np.concatenate(
    [weights.ravel(), -weights.sum(axis=0) / 2, -weights.sum(axis=1) / 2]
)
history = []
for step in range(N_STEPS):
    rbm = machine_of(parameters)
    bits = rbm.sample(N_DRAWS, random_state=step)
    local, slopes = local_energies(rbm, bits), derivatives(rbm, bits)
    history.append((local.mean(), local.std() / np.sqrt(N_DRAWS)))
    slopes -= slopes.mean(axis=0)
    gradient = slopes.T @ (local - local.mean()) / N_DRAWS
    metric = slopes.T @ slopes / N_DRAWS
    metric[np.diag_indices_from(metric)] += 1e-4
    rate = 0.2 * min(1, 2 * (1 - step / N_STEPS))
    parameters = parameters - rate * np.linalg.solve(metric, gradient)

# %%
# The result
# ----------
# The energy from draws, and the exact one of the machine: a sum over all rows.

rbm = machine_of(parameters)
local = local_energies(rbm, rbm.sample(10_000, random_state=0))
error = local.std() / np.sqrt(len(local))
amplitude = np.exp(rbm.score_samples(every_row) / 2)
exact = amplitude**2 @ local_energies(rbm, every_row)
overlap = amplitude @ ground_state
print(f"machine, by draws: {local.mean():.5f} ({error:.5f})")
print(
    f"machine, exact:    {exact:.5f}, above the ground state {exact - ground_energy:.1e}"
)
print(f"overlap with the ground state: {overlap:.6f}")

# %%
# What the machine knows of the chain can be read off its draws, such as how far spins
# agree with each other along the ring.

spins = 2 * every_row - 1
agreements = (spins * spins[:, :1]).T
by_machine, by_ground = agreements @ amplitude**2, agreements @ ground_state**2

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
means, errors = np.transpose(history)
excess = np.abs(means - ground_energy)
left.semilogy(excess, label="energy above the ground state, by draws")
left.semilogy(errors, color="gray", linewidth=0.8, label="its standard error")
left.axhline(
    exact - ground_energy, color="black", linestyle=":", label="exact, at the end"
)
left.set(xlabel="step", ylabel="energy")
left.legend(fontsize="small")
distance = np.arange(N_SPINS)
right.plot(distance, by_ground, color="black", label="ground state")
right.plot(distance, by_machine, "o", label="machine")
right.set(xlabel="distance along the ring", ylabel="mean of the product of two spins")
right.legend()
figure.savefig("trial_wave_function.png", dpi=120)
