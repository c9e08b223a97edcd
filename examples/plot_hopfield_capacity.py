"""
How much a Hopfield network recalls
===================================

An associative memory stores rows, and takes a row with errors back to the stored one
that it resembles. How many rows it can hold depends on how the energy falls with the
overlap of a row and a stored one. The classical network has couplings of pairs, and
three rules for them; a higher power of the overlap holds more, and an exponential
function most. Theory knows how much, for rows of independent, fair bits. This example
measures it beside the theory, and ends with digits, which are neither.
"""

import math

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from skebm import HopfieldNetwork

rng = np.random.default_rng(0)


def flip(rows, share):
    """Flip so many values of each row."""
    ranks = rng.random(rows.shape).argsort(axis=1)
    return rows ^ (ranks < round(share * rows.shape[1]))


def share_recalled(memory, n_rows, n_features, errors, n_cues=100):
    """Store rows at random; measure which come back with some values flipped."""
    rows = rng.random((n_rows, n_features)) < 0.5
    memory.fit(rows)
    cues = rng.choice(n_rows, min(n_rows, n_cues), replace=False)
    return np.mean(memory.predict(flip(rows[cues], errors)) == cues)


# %%
# Three rules for couplings
# -------------------------
# Of 400 features, at more and more stored rows: the share that `predict` names right,
# when recall begins at the stored row itself, and when a tenth of its values is
# wrong. A row counts as recalled when at most one value in twenty is wrong, which is
# the default of `max_mismatch`.

N_FEATURES = 400
LOADS = np.array([0.02, 0.06, 0.1, 0.12, 0.14, 0.16, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6])
LOADS = np.append(LOADS, [0.7, 0.8, 0.9, 0.97])
LIMITS = {
    "hebbian": (0.138, "0.138 N"),
    "storkey": (1 / np.sqrt(2 * np.log(N_FEATURES)), "N / sqrt(2 log N)"),
    "pseudoinverse": (1.0, "N"),
}
recalled = {
    (rule, errors): [
        share_recalled(
            HopfieldNetwork(rule), round(load * N_FEATURES), N_FEATURES, errors
        )
        for load in LOADS
    ]
    for rule in LIMITS
    for errors in (0.0, 0.1)
}

# %%
# By the Hebbian rule rows are lost from 0.14 N on. Storkey's rule holds some more than
# its theory says, which is of rows without a single error. The pseudo-inverse keeps
# every row where it is, up to N. But the nearer it comes to N, the less it corrects:
# with a tenth of the values wrong half of the rows come back at N / 2.
#
# Powers and exponentials
# -----------------------
# The largest number of rows of which half come back without a single error. It is
# found by steps of a tenth. Of couplings and powers recall begins at the stored row
# itself, as in the theory. That would say nothing of the exponential interaction, of
# which all rows that exist can be fixed points, so it is given rows with a tenth of the
# values wrong. Demircigil et al. prove that exp(0.18 N) rows come back from that. No
# memory can hold more than some exp(0.37 N): another stored row is then as near as the
# right one in half of the cases.


def capacity(memory, n_features, errors, start):
    n_rows = start
    while share_recalled(memory, round(n_rows), n_features, errors, 200) > 0.5:
        n_rows *= 1.1
    return n_rows


def held(errors, sizes, start, **params):
    memory = HopfieldNetwork(max_mismatch=0.0, **params)
    rows = [capacity(memory, n, errors, start(n)) for n in sizes]
    print(", ".join(f"N={n}: {k:.0f}" for n, k in zip(sizes, rows, strict=True)))
    return rows


def chance(n, n_wrong):
    """Compute the probability that a row at random differs in so many values or less."""
    return sum(math.comb(n, k) for k in range(n_wrong + 1)) / 2**n


SIZES, LONG = (30, 60, 120, 240), (10, 20, 30)
rate = np.log(2) + 0.1 * np.log(0.1) + 0.9 * np.log(0.9)
pairs = held(0.0, SIZES, lambda n: n / 20)
cubes = held(0.0, SIZES, lambda n: n**2 / 60, interaction="polynomial", degree=3)
exponentials = held(
    0.1, LONG, lambda n: np.exp(rate * n / 2), interaction="exponential"
)

# %%
# Picture
# -------

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
colours = dict(zip(LIMITS, ("C0", "C1", "C2"), strict=True))
for (rule, errors), shares in recalled.items():
    style = "o-" if errors == 0 else "x--"
    label = rule if errors == 0 else None
    left.plot(LOADS, shares, style, color=colours[rule], label=label, markersize=4)
for rule, (limit, formula) in LIMITS.items():
    left.axvline(limit, color=colours[rule], linewidth=0.8, linestyle=":")
    left.text(
        limit,
        1.1 if rule == "hebbian" else 1.04,
        formula,
        color=colours[rule],
        ha="center",
        fontsize="small",
    )
left.set(xlabel="stored rows, as a share of the features N", ylabel="share recalled")
left.set_ylim(-0.03, 1.17)
left.plot([], [], "kx--", markersize=4, label="a tenth wrong")
left.legend(loc="center right", fontsize="small")

n = np.linspace(9, 260, 500)
few = n < 33
right.plot(SIZES, pairs, "C3o", label="couplings")
right.plot(n, n / (2 * np.log(n)), "C3", linewidth=0.8, label="N / (2 log N)")
right.plot(SIZES, cubes, "C4o", label="cubes")
right.plot(n, n**2 / (6 * np.log(n)), "C4", linewidth=0.8, label="N$^2$ / (6 log N)")
right.plot(LONG, exponentials, "C5o", label="exponential, a tenth wrong")
right.plot(n[few], np.exp(rate * n[few] / 2), "C5", linewidth=0.8, label="exp(0.18 N)")
most = [np.log(2) / chance(n_features, n_features // 10) for n_features in LONG]
right.plot(LONG, most, "k_", markersize=14, label="about the most of any memory")
right.set(xscale="log", yscale="log", xlabel="features N", ylabel="rows held")
right.set_ylim(1.5, 3e7)
right.set_xticks([10, 20, 30, 60, 120, 240], labels=[10, 20, 30, 60, 120, 240])
right.minorticks_off()
right.legend(fontsize="small")
figure.savefig("hopfield_capacity.png", dpi=120)

# %%
# Digits
# ------
# Digits are alike, and the Hebbian rule takes all of them to a state that is none.
# Twenty digits of 64 pixels, each with six pixels flipped:

X = load_digits().data[:20] > 7
cues = flip(X, 0.1)
memories = {
    "hebbian": HopfieldNetwork(),
    "pseudoinverse": HopfieldNetwork("pseudoinverse"),
    "cubic": HopfieldNetwork(interaction="polynomial"),
    "power of 10": HopfieldNetwork(interaction="polynomial", degree=10),
    "exponential": HopfieldNetwork(interaction="exponential"),
}
shown = {"stored": X, "with errors": cues}
for name, memory in memories.items():
    shown[name] = memory.fit(X).transform(cues)
    named = np.mean(memory.predict(cues) == np.arange(len(X)))
    exactly = np.mean((shown[name] == X).all(axis=1))
    print(f"{name:14} named right {named:.2f}  without an error {exactly:.2f}")

figure, axes = plt.subplots(len(shown), 10, figsize=(7, 5), layout="constrained")
for row, (name, images) in zip(axes, shown.items(), strict=True):
    for axis, image in zip(row, images, strict=False):
        axis.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        axis.set(xticks=[], yticks=[])
    row[0].set_ylabel(name, rotation=0, ha="right", va="center")
figure.savefig("hopfield_digits.png", dpi=120)
