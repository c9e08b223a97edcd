"""
Ising model: its exact solution, and its couplings from samples
===============================================================

The Ising model on a square lattice is a Boltzmann machine in which spins are
coupled to their neighbours alone. Onsager solved it exactly, which makes it a test
in two directions: do samples of known couplings have the energy and the
magnetisation that they should, and do samples give the couplings back?
"""

# %%
# The lattice
# -----------
# Each of 10 x 10 spins has four neighbours; the edges are joined, so that the
# lattice is a torus. (:func:`sklearn.feature_extraction.image.grid_to_graph` builds
# lattices with open edges.) At temperature T every coupling is 1 / T.

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import ellipk

from skebm import BoltzmannMachine

SIDE = 10
N_SITES = SIDE**2
N_ROWS = 2000
CRITICAL = 2 / np.log(1 + np.sqrt(2))  # 2.269

sites = np.arange(N_SITES).reshape(SIDE, SIDE)
neighbours = np.zeros((N_SITES, N_SITES))
for axis in (0, 1):
    neighbours[sites, np.roll(sites, 1, axis=axis)] = 1
neighbours += neighbours.T


def ising_model(temperature):
    """The lattice at one temperature, as a machine with these parameters."""
    return BoltzmannMachine.from_parameters(
        neighbours / temperature,
        np.zeros(N_SITES),
        connectivity=neighbours,
        states=(-1, 1),
        log_partition_tol=0.1,
        random_state=0,
    )


# %%
# What is exact
# -------------
# Energy and magnetisation of an infinite lattice are due to Onsager (1944) and Yang
# (1952). For a finite torus Kaufman (1949) found Z, whose logarithm has the energy as
# its derivative; there is no such formula for the mean of \|magnetisation\|.


def onsager_energy(temperature):
    """Energy per site of an infinite lattice."""
    double = 2 / temperature
    modulus = 2 * np.sinh(double) / np.cosh(double) ** 2
    bracket = 1 + 2 / np.pi * (2 * np.tanh(double) ** 2 - 1) * ellipk(modulus**2)
    return -bracket / np.tanh(double)


def yang_magnetisation(temperature):
    """Spontaneous magnetisation of an infinite lattice."""
    return np.maximum(1 - np.sinh(2 / temperature) ** -4.0, 0) ** (1 / 8)


def kaufman_log_partition(temperature):
    """Log partition function of the torus."""
    double = 2 / temperature
    angles = np.pi * np.arange(2 * SIDE) / SIDE
    modes = np.arccosh(np.cosh(double) / np.tanh(double) - np.cos(angles))
    modes[0] = double + np.log(np.tanh(double / 2))
    signs, logs = [], []
    for half in (modes[1::2], modes[::2]):
        for hyperbolic in (np.cosh, np.sinh):
            factors = 2 * hyperbolic(SIDE / 2 * half)
            signs.append(np.prod(np.sign(factors)))
            logs.append(np.log(np.abs(factors)).sum())
    total = np.log(np.dot(signs, np.exp(np.array(logs) - max(logs)))) + max(logs)
    return N_SITES / 2 * np.log(2 * np.sinh(double)) - np.log(2) + total


def kaufman_energy(temperature):
    """Energy per site of the torus, the derivative of log Z by 1 / temperature."""
    step = 1e-4
    above, below = 1 / (1 / temperature + step), 1 / (1 / temperature - step)
    rise = kaufman_log_partition(above) - kaufman_log_partition(below)
    return -rise / (2 * step * N_SITES)


# %%
# From couplings to samples
# -------------------------
# Every row ends a chain of its own, so rows are independent, and standard errors are
# those of a mean of independent draws. At low temperatures chains that start at
# random can end in stripes, and no chain turns over as a whole in good time. So they
# start from all spins up and all spins down in turn, which are equally probable. A
# Gibbs step draws the black squares of the board at once, and then the white ones.

temperatures = np.array([1.8, 2.0, 2.15, 2.27, 2.4, 2.6, 3.0, 3.5])
aligned = np.repeat([[1], [-1]], N_SITES, axis=1)
machines = [ising_model(temperature) for temperature in temperatures]
samples = [
    machine.sample(N_ROWS, n_steps=300, init=aligned, random_state=number)
    for number, machine in enumerate(machines)
]


def means_and_errors(listed):
    """Means of independent values and their standard errors."""
    table = np.array(listed)
    return table.mean(axis=1), table.std(axis=1, ddof=1) / np.sqrt(N_ROWS)


energy, energy_error = means_and_errors(
    [
        temperature * machine.energy(rows) / N_SITES
        for temperature, machine, rows in zip(
            temperatures, machines, samples, strict=True
        )
    ]
)
magnetisation, magnetisation_error = means_and_errors(
    [np.abs(rows.mean(axis=1)) for rows in samples]
)

print("           energy per site                    |magnetisation|")
print("   T       samples          torus  infinite   samples        infinite")
for number, temperature in enumerate(temperatures):
    print(
        f"{temperature:5.2f}   "
        f"{energy[number]:.4f} ({energy_error[number]:.4f})"
        f"{kaufman_energy(temperature):9.4f}{onsager_energy(temperature):9.4f}"
        f"{magnetisation[number]:9.3f} ({magnetisation_error[number]:.3f})"
        f"{yang_magnetisation(temperature):9.3f}"
    )

# %%
# The energies of samples are those of the torus, but for about two of the standard
# errors in brackets at most. Those of the infinite lattice they are only away from the
# critical temperature, 2.269: near it regions of like spins are as large as this
# small torus. For the same reason \|magnetisation\| does not fall to zero there.
#
# Annealed importance sampling knows nothing of either formula, so that log Z is a test
# of it, and of the standard error that it states.

chosen = [1, 3, 6]  # below, near and above the critical temperature

print("   T     log_partition()    exact")
for number in chosen:
    machine = machines[number]
    print(
        f"{temperatures[number]:5.2f}   "
        f"{machine.log_partition():8.3f} ({machine.log_partition_std_:.3f})"
        f"{kaufman_log_partition(temperatures[number]):10.3f}"
    )

# %%
# From samples to couplings
# -------------------------
# The way back is fitting. Told which spins are neighbours, a machine has 200 couplings
# to find. Otherwise it has 4950, one for every pair, and 2000 rows to find them from.

pseudo = {"algorithm": "pseudolikelihood"}
solvers = {
    "lattice, pcd": {"algorithm": "pcd", "connectivity": neighbours},
    "lattice, pseudolikelihood": {**pseudo, "connectivity": neighbours},
    "all pairs, pcd": {"algorithm": "pcd"},
    "all pairs, pseudolikelihood": pseudo,
    "all pairs, with L1 penalty": {**pseudo, "alpha": 0.01, "l1_ratio": 1.0},
}
edges = np.triu(neighbours) > 0
others = np.triu(neighbours == 0, 1)
found = {}
for number in chosen:
    for name, settings in solvers.items():
        machine = BoltzmannMachine(states=(-1, 1), random_state=0, **settings)
        found[number, name] = machine.fit(samples[number]).couplings_

print("couplings relative to 1 / T")
print("                                        neighbours      other pairs")
print("   T    solver                        mean  rms error   rms   zero")
for (number, name), couplings in found.items():
    relative = couplings * temperatures[number]
    error = np.sqrt(np.mean((relative[edges] - 1) ** 2))
    size = np.sqrt(np.mean(relative[others] ** 2))
    print(
        f"{temperatures[number]:5.2f}   {name:27}{relative[edges].mean():7.3f}"
        f"{error:9.3f}{size:9.3f}{np.mean(relative[others] == 0):7.2f}"
    )

# %%
# With the lattice known its couplings are found with hardly any bias, and by
# pseudolikelihood nearly as well as by the likelihood itself, which "pcd" climbs.
# With the lattice unknown it shows in what is found, but so many couplings overfit:
# most of those of neighbours come out too large. At low temperatures most spins
# agree, rows tell less, and errors are larger. The L1 penalty removes most couplings
# that do not exist, and shrinks the others.
#
# Picture
# -------
# A sample at each of three temperatures; both means against temperature, with two
# standard errors, and the critical temperature dotted; and the couplings that
# pseudolikelihood found near it, with the true ones dotted.

figure = plt.figure(figsize=(12, 4.2), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=[1, 7])

for axes, number in zip(left.subplots(3, 1).flat, chosen, strict=True):
    axes.imshow(samples[number][2].reshape(SIDE, SIDE), cmap="gray_r", vmin=-1, vmax=1)
    axes.set_title(f"T = {temperatures[number]:.2f}", fontsize="small")
    axes.set(xticks=[], yticks=[])

panels = right.subplots(1, 3)
fine = np.linspace(1.7, 3.6, 200)
torus = [kaufman_energy(temperature) for temperature in fine]
panels[0].plot(fine, onsager_energy(fine), color="gray", label="infinite lattice")
panels[0].plot(fine, torus, color="tab:blue", linestyle="--", label="torus, exact")
panels[1].plot(fine, yang_magnetisation(fine), color="gray", label="infinite lattice")
for axes, mean, error, title in (
    (panels[0], energy, energy_error, "energy per site"),
    (panels[1], magnetisation, magnetisation_error, "|magnetisation|"),
):
    axes.errorbar(
        temperatures,
        mean,
        2 * error,
        fmt=".",
        color="tab:red",
        capsize=3,
        label="samples",
    )
    axes.axvline(CRITICAL, color="gray", linewidth=0.8, linestyle=":")
    axes.set(xlabel="temperature", title=title)
panels[0].legend(loc="upper left", fontsize="small")
panels[1].legend(loc="upper right", fontsize="small")

bins = np.linspace(-0.6, 1.8, 61)
for name, pairs, color, label in (
    ("all pairs, pseudolikelihood", others, "lightgray", "others, lattice unknown"),
    ("all pairs, pseudolikelihood", edges, "tab:red", "neighbours, lattice unknown"),
    ("lattice, pseudolikelihood", edges, "tab:blue", "neighbours, lattice known"),
):
    relative = found[3, name][pairs] * temperatures[3]
    panels[2].hist(relative, bins, density=True, color=color, alpha=0.6, label=label)
for truth in (0, 1):
    panels[2].axvline(truth, color="black", linewidth=0.8, linestyle=":")
panels[2].set(
    xlabel="coupling times temperature",
    yticks=[],
    ylim=(0, 7),
    title=f"couplings found, T = {temperatures[3]:.2f}",
)
panels[2].legend(loc="upper left", fontsize="small")
figure.savefig("ising_model.png", dpi=120)
