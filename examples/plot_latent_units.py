"""
What hidden units buy, and what couplings do
============================================

Columns of a table can depend on each other through couplings of pairs, through
hidden units, or both. Here machines of each kind learn the same 12 pixels. These are
few enough for all scores to be exact: the mean log-probability of images not learned
from, in nats.
"""

# %%
# The data
# --------
# The centre of scikit-learn's handwritten digits, 4 x 3 pixels that are on or off.
# Half of the images are for learning.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skebm import BinaryRBM, BoltzmannMachine, LatentBM

N_PIXELS = 12
centre = load_digits().images[:, 2:6, 2:5].reshape(-1, N_PIXELS) > 7
train, test = train_test_split(centre, test_size=0.5, random_state=0)

# %%
# Bounds
# ------
# Independent pixels are the least that a model should beat. No model at all can score
# higher than the frequencies of the test images themselves, and none that has not
# seen them comes near that.

frequencies = train.mean(axis=0)
independent = np.where(test, frequencies, 1 - frequencies)
independent = np.log(independent).sum(axis=1).mean()
counts = np.unique(test, axis=0, return_counts=True)[1]
ceiling = counts @ np.log(counts / len(test)) / len(test)
print(f"independent pixels                {independent:7.2f}")
print(f"frequencies of the test images    {ceiling:7.2f}")

# %%
# Machines
# --------
# All learn by exact likelihood, with the same weak penalty. Couplings of all pairs of
# pixels have a single optimum.

settings = {"algorithm": "exact", "alpha": 0.001, "random_state": 0}
pairs = BoltzmannMachine(**settings).fit(train)
print(f"all pairs of pixels               {pairs.score(test):7.2f}")

# %%
# Hidden units alone are the restricted machine. :class:`~skebm.LatentBM` adds
# couplings: of the pixels with each other, which leaves the hidden units independent
# given the pixels, or of the hidden units too. The latter are then enumerated
# together with the pixels, so that for exact learning there can be only few.
#
# A deep machine has no couplings within its layers. Of its hidden units three
# quarters see the pixels, and the others see these. A mask takes the weights of the
# second layer to the pixels away, and an adjacency couples the two layers.


def deep_machine(n_hidden):
    """Hidden units in two layers, the first three times as large as the second."""
    n_first = 3 * n_hidden // 4
    mask = np.zeros((n_hidden, N_PIXELS))
    mask[:n_first] = 1
    between = np.zeros((n_hidden, n_hidden))
    between[:n_first, n_first:] = between[n_first:, :n_first] = 1
    return LatentBM(
        n_hidden,
        visible_couplings=False,
        hidden_couplings=between,
        component_mask=mask,
        **settings,
    )


def n_parameters(machine):
    """Weights, couplings and biases that are not zero."""
    twice = sum(
        np.count_nonzero(getattr(machine, couplings, 0))
        for couplings in ("visible_couplings_", "hidden_couplings_")
    )
    weights = machine.components_
    return np.count_nonzero(weights) + twice // 2 + sum(weights.shape)


few, many = (1, 2, 3), (6, 12, 24)
kinds = {
    "restricted": [BinaryRBM(n_hidden, **settings) for n_hidden in few + many],
    "two hidden layers": [deep_machine(n_hidden) for n_hidden in (4, 8, 16)],
    "pixels coupled": [
        LatentBM(n_hidden, hidden_couplings=False, **settings)
        for n_hidden in few + many
    ],
    "all coupled": [LatentBM(n_hidden, **settings) for n_hidden in (2, 4, 6)],
}

pair_scores = pairs.score_samples(test)
curves = {}
print("                    hidden  para-     score of images    held out,")
print("                     units  meters  learned   held out   less pairs")
for kind, machines in kinds.items():
    curves[kind] = []
    for machine in machines:
        machine.fit(train)
        held_out = machine.score_samples(test)
        gain = held_out - pair_scores
        error = gain.std(ddof=1) / np.sqrt(len(test))
        size = n_parameters(machine)
        curves[kind].append((machine.n_components, size, held_out.mean()))
        print(
            f"{kind:19}{machine.n_components:7}{size:8}{machine.score(train):9.2f}"
            f"{held_out.mean():11.2f}{gain.mean():9.2f} ({error:.2f})"
        )

# %%
# What a second layer adds, image by image, to the restricted machine with its first
# layer alone: that machine is where the deep one starts, and its second layer learns
# on from there.

first_alone = dict(zip(few + many, kinds["restricted"], strict=True))
print("hidden units           added, of images")
print("1st and 2nd layer      learned from    held out")
for deep in kinds["two hidden layers"]:
    n_first = 3 * deep.n_components // 4
    added = [
        deep.score_samples(images) - first_alone[n_first].score_samples(images)
        for images in (train, test)
    ]
    print(f"{n_first:8}{deep.n_components - n_first:3}", end="     ")
    for gain in added:
        error = gain.std(ddof=1) / np.sqrt(len(gain))
        print(f"{gain.mean():8.3f} ({error:.3f})", end="")
    print()

# %%
# Three hidden units say less than all pairs of pixels do, six as much, and twelve say
# what no pairs can. With the pixels coupled, hidden units start from what pairs say,
# and have only the rest to add. One is then slightly ahead of pairs, and six are worth
# about twelve without.
#
# A coupling is a parameter too. By number of parameters, the right panel below,
# restricted machines and those with coupled pixels lie nearly on one line, and end
# with the restricted one of 24 hidden units ahead. What couplings of the pixels save
# is hidden units, not parameters.
#
# Couplings of the hidden units add nothing that these images would show. A second layer
# adds little: nothing to three units, two or three thousandths of a nat to six, and to
# twelve a few hundredths for images learned from, which others hardly share. Twelve
# pixels leave it little to say. For 32 pixels of the same digits it adds a tenth of a
# nat held out (:doc:`/user_guide/deep_stacks`).
#
# The gap between images learned from and held out grows with the number of hidden
# units, as it should with 898 images to learn from.
#
# Picture
# -------
# Held-out scores by number of hidden units and by number of parameters. The lines
# across are the optimum of pairs, a star among the parameters, and independent pixels.
# The bound by frequencies is far above.

figure, panels = plt.subplots(
    1, 2, figsize=(10, 4.2), layout="constrained", sharey=True
)
styles = ("o-", "s--", "^-", "x:")
for (kind, curve), style in zip(curves.items(), styles, strict=True):
    hidden, parameters, held_out = zip(*curve, strict=True)
    panels[0].plot(hidden, held_out, style, label=kind)
    panels[1].plot(parameters, held_out, style, label=kind)
pair_parameters = N_PIXELS * (N_PIXELS + 1) // 2
panels[1].plot(pair_parameters, pair_scores.mean(), "k*", markersize=10)
for axes, unit, ticks in zip(
    panels,
    ("hidden units", "parameters"),
    ((1, 2, 4, 8, 16), (25, 50, 100, 200, 400)),
    strict=True,
):
    axes.axhline(pair_scores.mean(), color="black", linewidth=0.8, label="pairs only")
    axes.axhline(
        independent, color="gray", linewidth=0.8, linestyle=":", label="independent"
    )
    axes.set(xscale="log", xlabel=unit)
    axes.set_xticks(ticks, labels=ticks)
    axes.minorticks_off()
panels[0].set_ylabel("held-out score, nats")
panels[1].legend(loc="center right", fontsize="small")
figure.savefig("latent_units.png", dpi=120)
