"""
Does a second layer draw better digits?
=======================================

A deep belief network is a stack of restricted Boltzmann machines: the second learns
the hidden units of the first, and what it draws is passed down. Whether it draws
better than the first alone depends on how the first was learned.
"""

# %%
# Two stacks
# ----------
# In scikit-learn a stack is a pipeline. The second machine takes the probabilities
# that :meth:`~skebm.BinaryRBM.transform` gives as they are, with ``binarize=None``.
# The first machine is learned by contrastive divergence in one stack, as in the
# original recipe, and by persistent chains in the other.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline

from skebm import BinaryRBM

digits = load_digits()
X, y = (digits.data > 7).astype(np.uint8), digits.target
X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, random_state=0, stratify=y)


def stack_of(algorithm):
    """Two layers of 64 hidden units each."""
    return make_pipeline(
        BinaryRBM(64, algorithm=algorithm, random_state=0),
        BinaryRBM(64, binarize=None, random_state=0),
    )


stacks = {name: stack_of(name).fit(X) for name in ("cd", "pcd")}

# %%
# Draws
# -----
# From the first machine alone, and from the second through the first:
# :meth:`~skebm.BinaryRBM.inverse_transform` gives the probability of each pixel.

rng = np.random.default_rng(0)


def draw(stack, n_layers, n_samples=1000):
    """Binary images from the first layers of a stack."""
    rows = stack[n_layers - 1].sample(n_samples, random_state=0)
    for layer in reversed(stack[: n_layers - 1]):
        mean = layer.inverse_transform(rows)
        rows = rng.random(mean.shape) < mean
    return rows


drawn = {
    "contrastive divergence, 1 layer": draw(stacks["cd"], 1),
    "contrastive divergence, 2 layers": draw(stacks["cd"], 2),
    "persistent chains, 1 layer": draw(stacks["pcd"], 1),
    "persistent chains, 2 layers": draw(stacks["pcd"], 2),
    "digits, held out": X_test,
}

# %%
# How far is an image from the nearest digit of the training rows, in pixels? And how
# sure is a classifier of real digits which one it is? Digits that nobody has seen set
# the scale: to be nearer than these would be copying.

nearest = NearestNeighbors(n_neighbors=1, metric="hamming").fit(X)
classifier = LogisticRegression(max_iter=2000).fit(X, y)

print(f"{'':34}pixels to the    certainty of")
print(f"{'':34}nearest digit    a classifier")
for name, images in drawn.items():
    distance = X.shape[1] * nearest.kneighbors(images)[0]
    certainty = classifier.predict_proba(images).max(axis=1)
    error = distance.std() / np.sqrt(len(images))
    print(f"{name:34}{distance.mean():5.2f} ({error:.2f})  {certainty.mean():13.3f}")

# %%
# Contrastive divergence looks at the model only next to the data. Far from them it
# leaves probability, which is where long chains end, and the second layer, itself
# learned by persistent chains, takes that away. A machine learned by maximum
# likelihood needs no such help: the law of its hidden units is already close to that
# which the data give them, and there is nothing left for a second layer to learn but
# noise. Its likelihood says so beforehand. (Of a stack there is a lower bound, by
# :class:`~skebm.DeepBeliefNetwork`, which learns such stacks as one model.)

for name, stack in stacks.items():
    print(
        f"first layer by {name:4} {stack[0].score(X_test):7.2f} nats a digit held out"
    )

figure = plt.figure(figsize=(12.5, 3), layout="constrained")
panels = figure.subfigures(1, len(drawn), wspace=0.04)
for panel, (name, images) in zip(panels, drawn.items(), strict=True):
    for axes, image in zip(panel.subplots(6, 6).flat, images, strict=False):
        axes.imshow(image.reshape(8, 8), cmap="gray_r")
        axes.set_axis_off()
    panel.suptitle(name.replace(", ", ",\n"), fontsize="medium")
figure.savefig("deep_stack.png", dpi=120)
