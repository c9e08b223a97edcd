"""
A first look
============

What a model of whole pictures can be asked, in one figure: to draw new ones, to complete
what is not there, and to say which are odd. It learns from handwritten digits without
their labels.
"""

# %%
# Learn
# -----
# scikit-learn's digits have 8 x 8 pixels, off or on. With ``early_stopping`` learning
# ends where digits that were set aside no longer become more probable.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skebm import BinaryRBM

X, y = load_digits(return_X_y=True)
X = (X > 7).astype(float)
train, test, _, labels = train_test_split(X, y, test_size=400, random_state=0)
rbm = BinaryRBM(128, early_stopping=True, max_iter=4000, random_state=0).fit(train)
print(f"{rbm.score(test):.1f} nats a digit that it has not seen")

# %%
# Ask
# ---
# Rows that are drawn come from :meth:`~skebm.BinaryRBM.sample`, and so does the lower
# half of a digit, given its upper half. The digits with the lowest
# :meth:`~skebm.BinaryRBM.score_samples` are the oddest.

drawn = rbm.sample(12, random_state=0)
chosen = [np.flatnonzero(labels == digit % 10)[digit // 10] for digit in range(12)]
is_lower = np.arange(64) >= 32
upper = np.where(is_lower, np.nan, test[chosen])
completed = rbm.sample(given=upper, n_steps=200, random_state=0)
oddest = test[rbm.score_samples(test).argsort()[:12]]

# %%
# One figure
# ----------

GREY, ORANGE = (0.15, 0.15, 0.2), (0.85, 0.37, 0.01)
lines = {
    "learned from": train[:12],
    "drawn": drawn,
    "lower half\nfilled in": completed,
    "oddest": oddest,
}
figure, cells = plt.subplots(4, 12, figsize=(10, 3.7), layout="constrained")
for line, (name, rows) in zip(cells, lines.items(), strict=True):
    for axes, row in zip(line, rows, strict=True):
        is_new = is_lower if rows is completed else np.full(64, rows is drawn)
        ink = np.where(is_new[:, np.newaxis], ORANGE, GREY)
        pixels = np.where(row[:, np.newaxis] > 0.5, ink, 1.0)
        axes.imshow(pixels.reshape(8, 8, 3))
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color("silver")
    line[0].set_ylabel(name, rotation=0, ha="right", va="center")
figure.savefig("first_look.png", dpi=120)

# %%
# What the model has made is orange. It has learned strokes and how they go together. Of
# the digits that it finds odd, most are written in a way that few of the others are.
