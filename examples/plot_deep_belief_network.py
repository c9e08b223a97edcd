"""
Digits from a stack of machines
===============================

A deep belief network is a stack of restricted Boltzmann machines that is one model: it
draws from the machine at the top, and passes that down. Here it draws digits beside
those of its first machine alone, and both are judged by their likelihood, by a
classifier, and by how near they are to real digits.
"""

# %%
# Learning
# --------
# The first machine has few hidden units, so that it leaves something to be said. The
# second has as many hidden units as there are pixels, so that it can start as the first
# upside down: the bound of the stack starts where the first machine ends.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neighbors import NearestNeighbors

from skebm import DeepBeliefNetwork

digits = load_digits()
X, y = (digits.data > 7).astype(np.uint8), digits.target
X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, random_state=0, stratify=y)

stack = DeepBeliefNetwork((24, 64), random_state=0).fit(X)
first = stack.estimators_[0]

# %%
# Likelihood
# ----------
# The score of a stack is a lower bound of its log-likelihood. By how much the stack is
# better than its bound, :meth:`~skebm.DeepBeliefNetwork.bound_gap` estimates by
# importance sampling. All in nats a digit, of digits held out; log Z of the top is
# estimated as well.

gap, gap_error = stack.bound_gap(X_test)
alone, bound = first.score_samples(X_test), stack.score_samples(X_test)
difference = bound - alone
error = difference.std() / np.sqrt(len(difference))
print(f"first machine, log-likelihood: {alone.mean():7.2f}")
print(f"stack, lower bound:            {bound.mean():7.2f}")
print(f"    above the first by:        {difference.mean():7.2f} ({error:.2f})")
print(f"    error of log Z:            {stack.log_partition_std_:7.2f}")
print(f"stack, log-likelihood:         {(bound + gap).mean():7.2f}")

# %%
# Draws
# -----
# Pictures lie: digits that look right may be copies, or always the same. So draws are
# compared with digits held out by how sure a classifier of digits is of them, how often
# it names each digit, and how many pixels they are from the nearest digit that was
# learned from. To be nearer than digits held out would be copying.

drawn = {
    "first machine": first.sample(1000, random_state=0),
    "stack": stack.sample(1000, random_state=0),
    "digits, held out": X_test,
}
nearest = NearestNeighbors(n_neighbors=1, metric="hamming").fit(X)
classifier = LogisticRegression(max_iter=2000).fit(X, y)

print(f"{'':18}certainty of     pixels to the    rarest")
print(f"{'':18}a classifier     nearest digit    digit")
for name, images in drawn.items():
    proba = classifier.predict_proba(images)
    certainty = proba.max(axis=1)
    distance = X.shape[1] * nearest.kneighbors(images)[0][:, 0]
    root = np.sqrt(len(images))
    rarest = np.bincount(proba.argmax(axis=1), minlength=10).min() / len(images)
    print(
        f"{name:18}{certainty.mean():5.3f} ({certainty.std() / root:.3f})"
        f"{distance.mean():11.2f} ({distance.std() / root:.2f}){rarest:10.3f}"
    )

# %%
# The first row of each panel has draws, and the second the nearest digit that was
# learned from. By likelihood and by both judges the stack is above its first machine, by
# a third of the way to digits held out at most. All digits are drawn, by both alike, and
# neither copies: its draws are further from what was learned from than other digits are.

figure = plt.figure(figsize=(10, 5.2), layout="constrained")
panels = figure.subfigures(len(drawn), 1, hspace=0.05)
for panel, (name, images) in zip(panels, drawn.items(), strict=True):
    some = images[:16]
    neighbours = X[nearest.kneighbors(some)[1][:, 0]]
    axes = panel.subplots(2, len(some))
    for ax, image in zip(axes.flat, [*some, *neighbours], strict=True):
        ax.imshow(image.reshape(8, 8), cmap="gray_r")
        ax.set_axis_off()
    panel.suptitle(name, fontsize="medium")
figure.savefig("deep_belief_network.png", dpi=120)
