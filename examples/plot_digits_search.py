"""
Search by held-out likelihood, then features for few labels
===========================================================

Which restricted Boltzmann machine describes handwritten digits best, and what
are its hidden units worth to a classifier? The first question needs no labels:
every candidate is scored by the log-likelihood of digits that it has not seen.
"""

# %%
# Search
# ------
# The pixels of scikit-learn's digits are made binary, and a grid of models is
# ranked by :meth:`~skebm.BinaryRBM.score`: nats a digit, higher is better.
# Independent pixels are what a model without hidden units would give.

import matplotlib.pyplot as plt
import numpy as np
from joblib import Parallel, delayed
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline

from skebm import BinaryRBM
from skebm.displays import WeightsDisplay

digits = load_digits()
X, y = (digits.data > 7).astype(np.uint8), digits.target
folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, y))

grid = {"n_components": [4, 16, 64], "max_iter": [100, 300, 1000]}
rbm = BinaryRBM(log_partition_tol=0.05, random_state=0)
search = GridSearchCV(rbm, grid, cv=folds, n_jobs=2).fit(X)


def independent_pixels(train, test):
    """Mean log-likelihood of test rows if every pixel were on its own."""
    mean = (train.sum(axis=0) + 0.5) / (len(train) + 1)
    return (test * np.log(mean / (1 - mean)) + np.log1p(-mean)).sum(axis=1).mean()


baseline = np.mean([independent_pixels(X[train], X[test]) for train, test in folds])
scores = search.cv_results_["mean_test_score"]
errors = search.cv_results_["std_test_score"] / np.sqrt(len(folds) - 1)

print("held-out log-likelihood, nats a digit (standard error over 5 folds)")
print(f"{'independent pixels':>30} {baseline:8.2f}")
for number in np.argsort(-scores):
    candidate = search.cv_results_["params"][number]
    label = f"{candidate['n_components']} hidden, {candidate['max_iter']} updates"
    print(f"{label:>30} {scores[number]:8.2f} ({errors[number]:.2f})")

# %%
# The standard errors are those of the folds, which all candidates share, so that
# differences between candidates are known better than each score. The log
# partition function adds an error of its own:

best = search.best_estimator_
print(f"log Z = {best.log_partition():.2f} with error {best.log_partition_std_:.3f}")

# %%
# Features
# --------
# The best candidate learns from all digits of a training fold, without labels.
# A logistic regression on its hidden units then sees only some of the labels,
# and is compared with one on the same binary pixels. The pixels before they were
# made binary hold more information, and stand beside them for honesty.

grey = digits.data / 16
n_labels = [50, 100, 200, None]


def accuracies(train, test):
    """Accuracies on one fold: a row an input, a column a number of labels."""
    rbm = BinaryRBM(random_state=0, **search.best_params_).fit(X[train])
    classifier = LogisticRegression(max_iter=1000)
    candidates = [
        (classifier, X),
        (make_pipeline(FrozenEstimator(rbm), classifier), X),
        (classifier, grey),
    ]
    result = np.empty((len(candidates), len(n_labels)))
    for row, (model, inputs) in enumerate(candidates):
        for column, size in enumerate(n_labels):
            draws = (
                [train]
                if size is None
                else [
                    train_test_split(
                        train, train_size=size, stratify=y[train], random_state=draw
                    )[0]
                    for draw in range(3)
                ]
            )
            result[row, column] = np.mean(
                [
                    model.fit(inputs[draw], y[draw]).score(inputs[test], y[test])
                    for draw in draws
                ]
            )
    return 100 * result


results = np.array(
    Parallel(n_jobs=2)(delayed(accuracies)(train, test) for train, test in folds)
)
binary, features, grey_levels = results.mean(axis=0)
gains = results[:, 1] - results[:, 0]

print("accuracy in percent")
table = {
    "binary pixels": binary,
    "RBM features": features,
    "(grey pixels)": grey_levels,
    "gain over binary": gains.mean(axis=0),
    "its standard error": gains.std(axis=0, ddof=1) / np.sqrt(len(folds)),
}
print(f"{'labels':>22}" + "".join(f"{size or 'all':>8}" for size in n_labels))
for name, values in table.items():
    print(f"{name:>22}" + "".join(f"{value:8.1f}" for value in values))

# %%
# Picture
# -------
# The weights of the hidden units that matter most, digits drawn from the model,
# and the search.

figure = plt.figure(figsize=(12, 4.2), layout="constrained")
left, middle, right = figure.subfigures(1, 3)

WeightsDisplay.from_estimator(best, units=36, ax=left.subplots(), colorbar=False)
left.suptitle("weights of the 36 strongest hidden units")

samples = best.sample(36, n_steps=2000, random_state=0)
for axes, row in zip(middle.subplots(6, 6).flat, samples, strict=True):
    axes.imshow(row.reshape(8, 8), cmap="gray_r")
    axes.set_axis_off()
middle.suptitle("draws from the model")

axes = right.subplots()
for max_iter in grid["max_iter"]:
    chosen = search.cv_results_["param_max_iter"] == max_iter
    axes.errorbar(
        grid["n_components"],
        scores[chosen],
        errors[chosen],
        marker="o",
        capsize=3,
        label=f"{max_iter} updates",
    )
axes.axhline(baseline, color="gray", linestyle=":", label="independent pixels")
axes.set(
    xscale="log",
    xlabel="hidden units",
    ylabel="held-out log-likelihood (nats)",
    xticks=grid["n_components"],
    xticklabels=grid["n_components"],
    ylim=(baseline - 3, None),
)
axes.minorticks_off()
axes.legend(loc="lower center", ncols=2, fontsize="small")
figure.savefig("digits_search.png", dpi=120)
