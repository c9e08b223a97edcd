"""
Has it learned? Four pictures of a fitted model
===============================================

A score is one number. What a model has learned, when it began to learn by heart, and
whether what it draws is like the data, is seen sooner than computed. Each picture
here is one call, and takes axes of yours by `ax=`.
"""

# %%
# Two models of the digits
# ------------------------
# One with hidden units for all 64 pixels, that stops early; and one of few pixels in
# the middle, with couplings that can be looked at one by one.

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skebm import BinaryRBM, BoltzmannMachine
from skebm.displays import (
    CouplingsDisplay,
    EnergyHistogramDisplay,
    HistoryDisplay,
    WeightsDisplay,
)

images = load_digits().images > 7
train, test = train_test_split(images, test_size=0.3, random_state=0)
rbm = BinaryRBM(64, early_stopping=True, random_state=0)
rbm.fit(train.reshape(-1, 64))
test_rows = test.reshape(-1, 64)

rows, columns = slice(2, 6), slice(2, 5)
middle = train[:, rows, columns].reshape(-1, 12)
machine = BoltzmannMachine().fit(middle)

# %%
# Along learning
# --------------
# Where rows held out part from rows learned from, learning begins to overfit. Early
# stopping goes back to the highest point, and on from there in smaller steps, which
# are the jumps. The square is the score of test data, with two standard errors.

display = HistoryDisplay.from_estimator(rbm, test_rows)
display.figure_.savefig("history.png", dpi=120)

# %%
# Energies
# --------
# A model that fits gives rows of its own the energies of data that it has not seen.
# Noise has the same pixels on as often, without what ties them together, and higher
# energies.

display = EnergyHistogramDisplay.from_estimator(rbm, test_rows, random_state=0)
display.figure_.savefig("energies.png", dpi=120)

# %%
# Weights
# -------
# The 30 hidden units with the largest weights. A unit that is on makes its red pixels
# likelier to be on, and its blue ones less likely.

display = WeightsDisplay.from_estimator(rbm, units=30, image_shape=(8, 8))
display.figure_.savefig("weights.png", dpi=120)

# %%
# Couplings
# ---------
# Four rows of three pixels, numbered row by row. Pixels are coupled to the one above or
# below, three places on, and to those beside them.

display = CouplingsDisplay.from_estimator(machine)
display.figure_.savefig("couplings.png", dpi=120)
