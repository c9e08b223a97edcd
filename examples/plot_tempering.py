"""
Chains that get stuck, and tempering
====================================

A model that has learned zeros, ones and fours well keeps them apart: between them
there is nothing. A Gibbs chain that starts at a zero then stays among zeros for
thousands of sweeps. Parallel tempering lets it out.
"""

# %%
# The model
# ---------

import time
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from skebm import BinaryRBM

digits = load_digits()
chosen = np.isin(digits.target, [0, 1, 4])
X, y = (digits.data[chosen] > 7).astype(np.uint8), digits.target[chosen]
rbm = BinaryRBM(128, max_iter=3000, random_state=0).fit(X)
classifier = LogisticRegression(max_iter=2000).fit(X, y)

# %%
# A hundred chains from one zero
# ------------------------------
# :meth:`~skebm.BinaryRBM.sample` starts each of them at the same zero. A classifier of
# real digits says what has become of them. With ``tempering=True`` each row ends on
# top of a ladder of chains, between the model and independent pixels, which change
# places: one that is among zeros may come down the ladder, become something else where
# the landscape is flat, and go up again.

zero = X[y == 0][:1]
runs = {
    "Gibbs": (10, 100, 1000, 4000),
    "tempering": (25, 100, 400, 1000),
}
counts, drawn = {}, {}
print("                     zeros  ones  fours   seconds")
for name, lengths in runs.items():
    for n_steps in lengths:
        begin = time.perf_counter()
        with warnings.catch_warnings():
            # That so few steps do not suffice is what is to be seen here.
            warnings.simplefilter("ignore", ConvergenceWarning)
            rows = rbm.sample(
                100,
                n_steps=n_steps,
                init=zero,
                tempering=name == "tempering",
                random_state=0,
            )
        seconds = time.perf_counter() - begin
        zeros, ones, fours = np.bincount(classifier.predict(rows), minlength=5)[
            [0, 1, 4]
        ]
        counts.setdefault(name, []).append((zeros, ones, fours))
        drawn[name] = rows
        print(f"{name:10}{n_steps:6} steps{zeros:5} {ones:5} {fours:5}{seconds:10.1f}")

# %%
# Below, what the last line of each kind left: colours are the digits. Where to stop
# need not be guessed: `sample` with tempering warns while fewer than twenty new rows
# have come from the bottom of each ladder to its top, and says how many there were.
# How large the shares of the three are in the model only the last runs can tell, and
# they need not be those of the data: 178 zeros, 182 ones and 181 fours.

figure = plt.figure(figsize=(11, 4), layout="constrained")
left, middle, right = figure.subfigures(1, 3, width_ratios=[1.2, 1, 1])
axes = left.subplots()
colours = ["tab:blue", "tab:orange", "tab:green"]
styles = {"Gibbs": "--", "tempering": "-"}
for name, lengths in runs.items():
    for digit, values, colour in zip(
        (0, 1, 4), np.transpose(counts[name]), colours, strict=True
    ):
        axes.plot(
            lengths, values, styles[name], marker="o", color=colour,
            label=f"{digit}, {name}",
        )  # fmt: skip
axes.set(xscale="log", xlabel="steps", ylabel="of 100 chains that began as a zero")
axes.legend(fontsize="small")
for panel, (name, rows) in zip((middle, right), drawn.items(), strict=True):
    labels = classifier.predict(rows)
    for image, row, label in zip(panel.subplots(6, 6).flat, rows, labels, strict=False):
        colour = colours[[0, 1, 4].index(label)]
        image.imshow(row.reshape(8, 8), cmap="gray_r")
        image.set(xticks=[], yticks=[])
        image.spines[:].set(color=colour, linewidth=2)
    panel.suptitle(f"{name}, {runs[name][-1]} steps")
figure.savefig("tempering.png", dpi=120)
