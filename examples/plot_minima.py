"""
The valleys of an energy landscape
==================================

Recordings of brain regions are often reduced to whether each region is active, and a
pairwise model is fitted to the patterns: a :class:`~skebm.BoltzmannMachine`. Its
*energy landscape* says which patterns the regions fall into: the local minima, the
patterns that descend to each, and how high the passes between them are.
:meth:`~skebm.BoltzmannMachine.lowest_energy` finds the first two;
:doc:`/user_guide/low_energy_states` says how.
"""

# %%
# Generated recordings
# --------------------
# Ten regions in three networks. Regions of a network excite each other, and two of the
# networks compete. So the truth is known, and what is found can be held to it.

import matplotlib.pyplot as plt
import numpy as np

from skebm import BoltzmannMachine

names = [f"visual {i}" for i in (1, 2, 3)]
names += [f"motor {i}" for i in (1, 2, 3)] + [f"default {i}" for i in (1, 2, 3, 4)]
network = np.repeat([0, 1, 2], [3, 3, 4])
between = np.array([[1.6, 0.1, -0.7], [0.1, 1.6, -0.3], [-0.7, -0.3, 1.4]])
couplings = between[np.ix_(network, network)]
np.fill_diagonal(couplings, 0)
bias = np.array([-1.2, -1.6, -1.8])[network] + np.linspace(-0.1, 0.1, 10)
truth = BoltzmannMachine.from_parameters(couplings, bias)
X = truth.sample(5000, random_state=0)

# %%
# Minima and basins
# -----------------
# With ten regions all 1024 patterns are looked at, and no minimum is missed. Given the
# recordings, `lowest_energy` says for each of them to which minimum it descends.

machine = BoltzmannMachine(random_state=0).fit(X)
minima = machine.lowest_energy()
recorded = machine.lowest_energy(X)

true_minima = truth.lowest_energy()
found = {tuple(state) for state in minima.states}
shared = found & {tuple(state) for state in true_minima.states}
print(
    f"{len(found)} minima, {len(true_minima.states)} of the truth, {len(shared)} both"
)

# %%
# How high are the passes?
# ------------------------
# Flood the landscape: patterns are added from the lowest energy up. Where one joins two
# pools, its energy is the lowest pass between them. Each pool is known by its lowest
# minimum.

patterns = (np.arange(1024)[:, np.newaxis] >> np.arange(10)) & 1
energies = machine.energy(patterns)
pool = np.full(1024, -1)
passes = []  # of each: the energy, and the two minima of the pools that it joins
for number in np.argsort(energies):
    pool[number] = number
    around = pool[number ^ (1 << np.arange(10))]
    for other in sorted(set(around[around >= 0]), key=lambda k: energies[k]):
        first, second = sorted((pool[number], other), key=lambda k: energies[k])
        if second not in {number, first}:
            passes.append((energies[number], first, second))
        pool[pool == second] = first

# %%
# Three views
# -----------
# The minima, lowest first; how many of all patterns, and of the recordings, descend to
# each; and the passes between them as a *disconnectivity graph*: a line ends in each
# minimum, at its energy, and lines join at the lowest pass.

figure, (left, middle, right) = plt.subplots(
    1, 3, figsize=(12, 4.6), layout="constrained", width_ratios=[1, 0.9, 1.1]
)
n_minima = len(minima.states)
labels = [chr(ord("A") + k) for k in range(n_minima)]
left.imshow(minima.states.T, cmap="Blues", vmin=0, vmax=1.3, aspect="auto")
left.set_yticks(range(10), names)
left.set_xticks(range(n_minima), labels)
for edge in (2.5, 5.5):
    left.axhline(edge, color="black", linewidth=0.8)
for edge in range(1, n_minima):
    left.axvline(edge - 0.5, color="white", linewidth=2)
left.set(title="active regions", xlabel="minimum")

recorded_share = np.zeros(n_minima)
for state, share in zip(recorded.states, recorded.basin_shares, strict=True):
    recorded_share[(minima.states == state).all(axis=1)] = share
place = np.arange(n_minima)
middle.bar(place - 0.2, minima.basin_shares, 0.4, label="all patterns", color="silver")
middle.bar(place + 0.2, recorded_share, 0.4, label="recordings", color="tab:blue")
middle.set_xticks(place, labels)
middle.legend(frameon=False)
middle.set(title="basins", xlabel="minimum", ylabel="share that descends there")

codes = (minima.states.astype(int) @ (1 << np.arange(10))).tolist()
# Order the minima so that pools that join are side by side.
groups = {code: [code] for code in codes}
for _, first, second in passes:
    groups[first] += groups.pop(second)
(order,) = groups.values()
at = {code: float(x) for x, code in enumerate(order)}
top = {code: energies[code] for code in codes}
for height, first, second in passes:
    for code in (first, second):
        right.plot([at[code]] * 2, [top[code], height], color="black", linewidth=1.2)
    right.plot([at[first], at[second]], [height] * 2, color="black", linewidth=1.2)
    at[first], top[first] = (at[first] + at[second]) / 2, height
for x, code in enumerate(order):
    right.annotate(
        labels[codes.index(code)],
        (x, energies[code]),
        (0, -4),
        textcoords="offset points",
        ha="center",
        va="top",
    )
right.set(title="passes", ylabel="energy, nats", xticks=[])
right.margins(0.08, 0.12)
right.spines[["top", "right", "bottom"]].set_visible(False)
figure.savefig("minima.png", dpi=120)

# %%
# What regions do while others are held is asked by ``given=``: here the minima of all
# patterns in which the visual network is active.

given = np.where(network == 0, 1.0, np.nan)[np.newaxis]
held = machine.lowest_energy(given=given)
for state, energy in zip(held.states, held.energies, strict=True):
    active = [name for name, on in zip(names, state, strict=True) if on]
    print(f"{energy:5.2f} nats: {', '.join(active)}")
