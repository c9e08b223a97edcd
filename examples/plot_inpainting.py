"""
Pictures with missing pixels
============================

A model of whole pictures can be asked for a part of one, given the rest. Here
:class:`~skebm.BinaryRBM` learns digits of which a fifth of the pixels is missing, and
then draws the lower halves of digits that it has not seen. ``sample(given=)`` draws what
is NaN, and leaves all else as it is.
"""

# %%
# The data
# --------
# scikit-learn's digits, 8 x 8 pixels, off or on. A fifth of the pixels of all training
# digits is missing at random places, so that no digit is complete.

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skebm import BinaryRBM

X, y = load_digits(return_X_y=True)
X = (X > 7).astype(float)
train, test, _, labels = train_test_split(X, y, test_size=400, random_state=0)
rng = np.random.default_rng(0)
gaps = np.where(rng.random(train.shape) < 0.2, np.nan, train)
print(f"{np.isnan(gaps).mean():.0%} of the pixels missing, in", end=" ")
print(f"{np.isnan(gaps).any(axis=1).mean():.0%} of the training digits")

# %%
# Learn
# -----
# `fit` takes the table as it is. Beside it is the same model, learned from the complete
# digits, and one from digits whose gaps were filled with the commonest value of the
# pixel.

settings = {"n_components": 64, "max_iter": 1500, "random_state": 0}
common = (train.mean(axis=0) > 0.5).astype(float)
rbm = BinaryRBM(**settings).fit(gaps)
complete = BinaryRBM(**settings).fit(train)
patched = BinaryRBM(**settings).fit(np.where(np.isnan(gaps), common, gaps))

print("held-out nats a digit")
for name, model in (
    ("all pixels", complete),
    ("a fifth missing", rbm),
    ("a fifth filled with the commonest", patched),
):
    print(f"{name:34} {model.score(test):7.2f}")

# %%
# Gaps cost little, and filling them beforehand costs much: a model learns what was
# filled in as if it had been seen.
#
# The training digits themselves
# ------------------------------
# The same method fills in what was missing of the training digits. The true pixels are
# known here.

redrawn = rbm.sample(given=gaps, n_steps=200, random_state=0)
is_gap = np.isnan(gaps)
by_draw = np.mean((redrawn == train)[is_gap])
by_common = np.mean((common == train)[is_gap])
print(f"missing pixels right: drawn {by_draw:.1%}, commonest {by_common:.1%}")

MISSING, OFF_GIVEN, ON_GIVEN, OFF_DRAWN, ON_DRAWN = range(5)
COLOURS = ListedColormap(["#b9d3ee", "white", "black", "white", "#d95f02"])


def show(axes, pixels, is_drawn):
    """Draw a digit; drawn pixels in orange, missing ones in blue."""
    codes = np.where(is_drawn, OFF_DRAWN, OFF_GIVEN) + np.nan_to_num(pixels)
    codes = np.where(np.isnan(pixels), MISSING, codes)
    axes.imshow(codes.reshape(8, 8), cmap=COLOURS, vmin=0, vmax=4)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_color("silver")


figure, cells = plt.subplots(3, 10, figsize=(10, 3.5), layout="constrained")
for row, (name, rows) in enumerate(
    {"true": train, "learned from": gaps, "filled in": redrawn}.items()
):
    for column in range(10):
        show(cells[row, column], rows[column], (row == 2) & is_gap[column])
    cells[row, 0].set_ylabel(name)
figure.suptitle("Ten training digits: missing pixels blue, those drawn orange")
figure.savefig("inpainting_training.png", dpi=120)

# %%
# Lower halves
# ------------
# Of one digit of each kind the upper half is given, and the lower one drawn six times.
# Each draw is a chain of its own, in which the upper half is held.

upper = np.where(np.arange(64) < 32, test, np.nan)
chosen = [np.flatnonzero(labels == digit)[0] for digit in range(10)]
is_lower = np.arange(64) >= 32
figure, cells = plt.subplots(8, 10, figsize=(9, 7.6), layout="constrained")
draws = [rbm.sample(given=upper[chosen], random_state=k) for k in range(6)]
lines = {"true": test[chosen], "given": upper[chosen]}
lines |= {f"draw {k + 1}": rows for k, rows in enumerate(draws)}
for row, (name, rows) in enumerate(lines.items()):
    for column in range(10):
        show(cells[row, column], rows[column], (row >= 2) & is_lower)
    cells[row, 0].set_ylabel(name)
figure.suptitle("Lower halves, drawn given the upper halves")
figure.savefig("inpainting.png", dpi=120)

# %%
# Draws differ where the upper half leaves it open. The 1 goes on as a 1. The top of the 4
# could be that of a 0, and most draws make a 0 of it. That of the 6 could be nearly
# anything. A single most likely picture would hide all that.
#
# How sure is it?
# ---------------
# The mean of many draws of one digit is the probability of each pixel. Where it is near a
# half the model does not know. The commonest value of each pixel is the yardstick.

many = np.mean(
    [rbm.sample(given=upper, n_steps=200, random_state=k) for k in range(30)], axis=0
)
by_draws = np.mean(((many > 0.5) == test)[:, is_lower])
by_common = np.mean((common == test)[:, is_lower])
print(f"lower pixels right: by draws {by_draws:.1%}, commonest {by_common:.1%}")

figure, cells = plt.subplots(2, 10, figsize=(10, 2.5), layout="constrained")
for column, row in enumerate(chosen):
    show(cells[0, column], test[row], False)
    image = cells[1, column].imshow(
        many[row].reshape(8, 8), cmap="gray_r", vmin=0, vmax=1
    )
    cells[1, column].set(xticks=[], yticks=[])
    cells[1, column].axhline(3.5, color="#d95f02")
    cells[1, column].spines[:].set_color("silver")
cells[0, 0].set_ylabel("true")
cells[1, 0].set_ylabel("probability")
figure.colorbar(image, ax=cells, label="P(on)")
figure.savefig("inpainting_probability.png", dpi=120)
