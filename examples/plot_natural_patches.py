"""
Natural images: what hidden units of real values learn
======================================================

Patches of photographs are the classic data for models without labels: what do hidden
units pick out of them, and is the density any good? Here :class:`~skebm.GaussianRBM`
learns 8 x 8 grey patches, beside factor analysis and a mixture of normal
distributions. The score of a patch is its log-density in nats, and a difference of
one nat is a factor of e.
"""

# %%
# The data
# --------
# scikit-learn ships two photographs. They are cut into vertical bands, every other one
# to be held out. Sky and shadow make many patches flat, which say nothing about
# structure and are left out. Grey levels are whole numbers; uniform noise in [0, 1)
# makes a density of them meaningful. There is no further preparation: pixels keep
# their scale.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_images
from sklearn.decomposition import FactorAnalysis
from sklearn.feature_extraction.image import extract_patches_2d
from sklearn.mixture import GaussianMixture

from skebm import GaussianRBM

SIDE = 8
rng = np.random.default_rng(0)
photographs = [image.mean(axis=2).round() for image in load_sample_images().images]


def patches(first_band, n_patches):
    """Take patches of every other band, those with some contrast, a patch a row."""
    rows = [
        extract_patches_2d(band, (SIDE, SIDE), max_patches=n_patches, random_state=0)
        for photograph in photographs
        for band in np.array_split(photograph, 20, axis=1)[first_band::2]
    ]
    rows = np.concatenate(rows).reshape(-1, SIDE**2)
    rows = rows[rows.std(axis=1) > 8]
    return rows + rng.random(rows.shape)


train, test = patches(0, 2000), patches(1, 1000)
print(f"{len(train)} patches to learn from, {len(test)} held out")

# %%
# Scores
# ------
# Factor analysis is the same model but for its hidden units, which are Gaussian. With
# as many factors as there can be it is one normal distribution of any covariance, and
# ends there.
#
# A machine with ``covariance_type="diag"`` has to explain all correlations of pixels
# by its binary units. With "full", the default, covariance is for the noise to
# explain, and hidden units have what no covariance tells.


def machine(covariance_type, n_components):
    """A machine with more updates than by default, and a rougher log Z."""
    return GaussianRBM(
        n_components,
        covariance_type=covariance_type,
        max_iter=3000,
        log_partition_tol=0.1,
        random_state=0,
    )


sizes = (16, 32, 63)
kinds = {
    "factor analysis": [FactorAnalysis(size) for size in sizes],
    "machine, diag": [machine("diag", size) for size in sizes],
    "machine, full": [machine("full", size) for size in sizes],
}
scores = {
    kind: [model.fit(train).score(test) for model in models]
    for kind, models in kinds.items()
}
normal = GaussianMixture().fit(train).score(test)
mixture = GaussianMixture(8, random_state=0).fit(train).score(test)

print("held-out nats a patch    " + "".join(f"{size:9}" for size in sizes))
for kind, values in scores.items():
    print(f"{kind:25}" + "".join(f"{value:9.1f}" for value in values))
print(f"{'one normal distribution':25}{normal:9.1f}")
print(f"{'mixture of 8':25}{mixture:9.1f}")

# %%
# With "full" noise, hidden units are some nats ahead of any model that knows
# covariances only. With "diag" noise they are behind: binary units are a poor way to
# say that neighbouring pixels are alike.
#
# The mixture is far ahead of all. Patches differ most in their contrast, and each
# component of a mixture has a contrast, a covariance, of its own, whereas the noise of
# a machine is the same whatever its hidden units say. Where that is the structure of
# the data, take a mixture.
#
# Hidden units
# ------------
# A row of `components_` is what a hidden unit, when on, adds to the mean of the
# patch. What it looks at is another thing where noise is correlated: its field is
# a product with the inverse covariance, the filter. Components of the "full" machine
# are lines and edges in many orientations, and its filters are local. Its units are
# rarely on, for excursions larger than a normal distribution would make. This is what
# independent component analysis finds in natural images as well.

full, diagonal = kinds["machine, full"][-1], kinds["machine, diag"][-1]
filters = np.linalg.solve(full.noise_covariance_, full.components_.T).T
share_on = np.median(full.transform(train).mean(axis=0))
print(f"half of the hidden units are on in less than {share_on:.1%} of the patches")

# %%
# Picture
# -------
# Samples of the "full" machine have the smoothness of patches and some of their
# edges, but much the same contrast everywhere. Each patch is shown around its own
# mean, all with one range of grey.


def show(figure, rows, title, color, limit=None):
    """Draw the first 36 rows as images; without a limit each has its own range."""
    for axes, row in zip(figure.subplots(6, 6).flat, rows[:36], strict=True):
        largest = limit or np.abs(row).max()
        axes.imshow(row.reshape(SIDE, SIDE), cmap=color, vmin=-largest, vmax=largest)
        axes.set_axis_off()
    figure.suptitle(title, fontsize="medium")


def by_strength(components, filters):
    """Order hidden units by how much they change a patch, in units of the noise."""
    return np.argsort(-(components * filters).sum(axis=1))


def without_mean(rows):
    """Take the mean of each patch from it."""
    return rows - rows.mean(axis=1, keepdims=True)


figure = plt.figure(figsize=(12, 8), layout="constrained")
cells = figure.subfigures(2, 3)
order = by_strength(full.components_, filters)
show(cells[0, 0], full.components_[order], "components, full", "RdBu_r")
show(cells[0, 1], filters[order], "filters of the same units", "RdBu_r")
order = by_strength(
    diagonal.components_, diagonal.components_ / diagonal.noise_variance_
)
show(cells[0, 2], diagonal.components_[order], "components, diag", "RdBu_r")
held_out = test[rng.choice(len(test), 36, replace=False)]
show(cells[1, 0], without_mean(held_out), "patches held out", "gray", 80)
drawn = full.sample(36, random_state=0)
show(cells[1, 1], without_mean(drawn), "samples, full", "gray", 80)

axes = cells[1, 2].subplots()
for (kind, values), style in zip(scores.items(), ("s--", "^:", "o-"), strict=True):
    axes.plot(sizes, values, style, label=kind)
axes.axhline(normal, color="black", linewidth=0.8, label="normal distribution")
axes.axhline(mixture, color="gray", linestyle="-.", label="mixture of 8")
axes.set(xlabel="hidden units or factors", ylabel="held-out score, nats a patch")
axes.set_xticks(sizes)
axes.legend(loc="center", bbox_to_anchor=(0.5, 0.75), fontsize="small")
figure.savefig("natural_patches.png", dpi=120)
