"""
A table of categories, numbers and gaps
=======================================

Most tables are not made of numbers alone. This one is the passengers of the Titanic:
class, sex, port and fate are categories, age and fare are numbers, and one age in five
is missing. :class:`~skebm.MixedRBM` learns it as it is. It finds groups of people, draws
new ones, and fills in what is not known.
"""

# %%
# The table
# ---------
# scikit-learn ships the passenger list among the data of its tests, so nothing is
# fetched. Eight of its columns are used. Brothers, sisters, spouses, parents and children
# on board are counts of few values, which are best read as categories. A gap is None.

import csv
import gzip
from importlib.resources import files

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import KFold, cross_val_score

from skebm import EnergyImputer, MixedRBM


def few(count):
    """Read a small count as a category."""
    return "2 or more" if int(count) > 1 else count


READERS = {  # the column in the file, its name, and how to read it
    0: ("class", {"1": "first", "2": "second", "3": "third"}.get),
    1: ("fate", {"0": "died", "1": "survived"}.get),
    3: ("sex", str),
    5: ("siblings, spouse", few),
    6: ("parents, children", few),
    10: ("port", {"C": "Cherbourg", "Q": "Queenstown", "S": "Southampton"}.get),
    4: ("age", float),
    8: ("fare", float),
}
folder = files("sklearn.datasets.tests") / "data" / "openml" / "id_40945"
packed = (folder / "data-v1-dl-16826755.arff.gz").read_bytes()
lines = gzip.decompress(packed).decode().split("@data\n")[-1].strip().splitlines()
X = np.array(
    [
        [None if row[i] == "?" else read(row[i]) for i, (_, read) in READERS.items()]
        for row in csv.reader(lines, escapechar="\\")
    ],
    dtype=object,
)
names = [name for name, _ in READERS.values()]
is_missing = np.equal(X, None)
print(f"{len(X)} passengers")
for name, share in zip(names, is_missing.mean(axis=0), strict=True):
    print(f"{name:18} {share:5.1%} missing")

# %%
# Score
# -----
# The score of rows held out, in nats, ranks models: more groups find more, and so do
# binary hidden units beside them.

folds = KFold(3, shuffle=True, random_state=0)
settings = {"max_iter": 200, "random_state": 0}
print("held-out nats a passenger")
for n_groups, n_components in ((2, 0), (6, 0), (6, 2)):
    model = MixedRBM(n_components, n_groups=n_groups, **settings)
    score = cross_val_score(model, X, cv=folds).mean()
    print(f"{n_groups} groups, {n_components} binary units: {score:7.2f}")

# %%
# What the groups stand for
# -------------------------
# More groups and units would score higher still. Six groups alone are easier to look at:
# each passenger is in one of them, with the probability that `transform` gives. A cell
# shows the share of a level in a group, or the mean of a number. Its colour says how far
# that is from all passengers.

model = MixedRBM(0, n_groups=6, **settings).fit(X)
groups = model.transform(X)
groups = groups[:, np.argsort(-groups.sum(axis=0))]  # the largest first


def describe(weights):
    """Give shares of levels and means of numbers, of rows that count so much."""
    cells = []
    for column, levels, known in zip(
        X.T, model.categories_, ~is_missing.T, strict=True
    ):
        if levels is None:
            cells.append(
                np.average(column[known].astype(float), weights=weights[known])
            )
        else:
            same = column[known, np.newaxis] == levels
            cells += list(np.average(same, axis=0, weights=weights[known]))
    return np.array(cells)


labels, starts = [], []
for name, levels in zip(names, model.categories_, strict=True):
    starts.append(len(labels))
    labels += [f"mean {name}"] if levels is None else list(levels)
everyone = describe(np.ones(len(X)))
profiles = np.array([describe(weights) for weights in groups.T])
is_number = np.array([label.startswith("mean ") for label in labels])
colour = profiles - everyone
colour[:, is_number] = np.log(profiles / everyone)[:, is_number] / 2

figure, axes = plt.subplots(figsize=(11, 4.6), layout="constrained")
table = np.vstack([profiles, everyone])
axes.imshow(
    np.vstack([colour, np.zeros(len(labels))]),
    cmap="RdBu_r",
    vmin=-0.9,
    vmax=0.9,
    aspect="auto",
)
for (row, column), value in np.ndenumerate(table):
    text = f"{value:.0f}" if is_number[column] else f"{100 * value:.0f} %"
    strong = row < len(colour) and abs(colour[row, column]) > 0.45
    axes.text(
        *(column, row, text),
        ha="center",
        va="center",
        fontsize="small",
        color="white" if strong else "black",
    )
sizes = [f"group {i + 1}  ({size:.0f})" for i, size in enumerate(groups.sum(axis=0))]
axes.set_yticks(range(len(table)), [*sizes, f"all  ({len(X)})"])
axes.set_xticks(range(len(labels)), labels, rotation=40, ha="right")
for start, name in zip(starts, names, strict=True):
    axes.axvline(start - 0.5, color="white", linewidth=4)
    if name not in ("age", "fare"):
        axes.text(start - 0.4, -0.65, name, fontsize="small", style="italic")
axes.axhline(len(profiles) - 0.5, color="white", linewidth=4)
axes.spines[:].set_visible(False)
axes.tick_params(length=0)
figure.suptitle("Six groups of passengers: shares, and means of age and fare")
figure.savefig("mixed_table_groups.png", dpi=120)

# %%
# Nobody told the model of such people, and yet each group has a description. The first
# are in third class, most of them men on their own. The second are couples and families
# in first class, and three of four survived. The third are men alone in second and third
# class, nearly all of whom died. The fourth are mostly women with a husband or children,
# in second and third class. The fifth are men alone in first class. The last are children
# and their large families.
#
# Another random state cuts the table a little otherwise. Groups are a way to describe it,
# and no classes that were there before.
#
# New passengers
# --------------
# `sample` draws whole rows, which are not those of the table. For draws the model may be
# larger.

model = MixedRBM(4, n_groups=8, **settings).fit(X)
drawn = model.sample(len(X), random_state=0)
print("drawn: " + ", ".join(names))
for row in drawn[:6]:
    print("  " + ", ".join(v if isinstance(v, str) else f"{v:.0f}" for v in row))


def column(table, name):
    """Take a column of a table."""
    return table[:, names.index(name)]


def survival(table):
    """Give the share that survived, of women and men in each class."""
    lived = column(table, "fate") == "survived"
    return [
        lived[(column(table, "sex") == sex) & (column(table, "class") == rank)].mean()
        for sex in ("female", "male")
        for rank in ("first", "second", "third")
    ]


figure, panels = plt.subplots(1, 3, figsize=(11, 3.8), layout="constrained")
for axes, rows, title in zip(panels, (X, drawn), ("real", "drawn"), strict=False):
    for rank, dots in zip(("third", "second", "first"), ".x+", strict=True):
        chosen = (column(rows, "class") == rank) & ~np.equal(column(rows, "age"), None)
        axes.plot(
            column(rows, "age")[chosen].astype(float),
            column(rows, "fare")[chosen].astype(float),
            dots,
            markersize=4,
            alpha=0.6,
            label=rank,
        )
    axes.set(title=title, xlabel="age", ylabel="fare", xlim=(-10, 85), ylim=(2, 3000))
    axes.set_yscale("log")
    axes.legend(fontsize="small", loc="upper center", ncols=3, handletextpad=0)
places = np.arange(6)
panels[2].bar(places - 0.2, survival(X), 0.4, label="real")
panels[2].bar(places + 0.2, survival(drawn), 0.4, label="drawn")
panels[2].set_xticks(places, ["first", "second", "third"] * 2)
panels[2].set(title="share that survived", ylim=(0, 1.1))
panels[2].set_xlabel("women" + 28 * " " + "men")
panels[2].legend(fontsize="small")
figure.savefig("mixed_table_draws.png", dpi=120)

# %%
# Draws keep to what goes with what: classes have their fares, and fates go with sex and
# class. They do not keep to everything. Real fares were often a round price that many
# paid, which shows as lines on the left. The model takes a fare for a real number, and
# smears them. It also knows no bounds: some drawn ages are below zero. (The axis of fares
# is logarithmic, and does not show those that paid nothing.)
#
# Filling gaps
# ------------
# How good is what is filled in? A fifth of the known values is hidden, and filled in
# again, three times. Beside it stand the commonest level and the mean, which know nothing
# of the rest of the row.


def judge(truth, guess, known):
    """Give the errors of the commonest value or mean of a column, and of guesses."""
    if isinstance(truth[0], str):
        levels, counts = np.unique(known.astype(str), return_counts=True)
        return np.mean(truth != levels[counts.argmax()]), np.mean(truth != guess)
    # Root mean squares, in standard deviations of the column.
    truth, guess, known = truth.astype(float), guess.astype(float), known.astype(float)
    off = np.array([truth - known.mean(), truth - guess])
    return np.sqrt(np.mean(off**2, axis=1)) / known.std()


N_DRAWS = 3
errors = np.zeros((N_DRAWS, len(names), 2))
for draw in range(N_DRAWS):
    rng = np.random.default_rng(draw)
    hide = ~is_missing & (rng.random(X.shape) < 0.2)
    holes = np.where(hide, None, X)
    imputer = EnergyImputer(MixedRBM(4, n_groups=8, **settings))
    filled = imputer.fit_transform(holes)
    for place, column_of in enumerate(zip(X.T, filled.T, holes.T, strict=True)):
        values, guess, left = column_of
        where, known = hide[:, place], left[~np.equal(left, None)]
        errors[draw, place] = judge(values[where], guess[where], known)

print("errors              commonest or mean   imputed")
for name, (simple, ours) in zip(names, errors.mean(axis=0), strict=True):
    print(f"{name:20}{simple:17.2f}{ours:10.2f}")

figure, panels = plt.subplots(
    1, 2, figsize=(9, 3.4), layout="constrained", width_ratios=(6, 2)
)
parts = (slice(0, 6), "share wrong"), (slice(6, 8), "error / spread of the column")
for axes, (part, label) in zip(panels, parts, strict=True):
    simple, ours = errors.mean(axis=0)[part].T
    places = np.arange(len(simple))
    axes.bar(places - 0.2, simple, 0.4, label="commonest or mean", color="silver")
    axes.bar(places + 0.2, ours, 0.4, label="EnergyImputer")
    axes.set_xticks(places, [name.replace(", ", ",\n") for name in names[part]])
    axes.set_ylabel(label)
panels[0].legend(fontsize="small")
figure.suptitle("Hidden values, filled in again")
figure.savefig("mixed_table_imputing.png", dpi=120)

# %%
# Class, sex and fate follow from the rest of the row, and so does the fare. Of age the
# other columns say little, and nobody can know from them who came from Southampton, as
# most did. A fifth of the row is hidden at a time, and with it some of what would tell.
# What does not follow from the row cannot be filled in well by any method; what
# ``strategy="sample"`` draws says how uncertain it is.
