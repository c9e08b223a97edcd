"""Held-out log-likelihood of the Frey faces, and a picture of what is learned.

    python benchmarks/gaussian_faces.py FREYFACES.npz [--seed 0] [--figure FACES.png]

The file holds the key X, 1965 faces of 28 x 20 grey pixels in uint8, which uniform
noise in [0, 1) makes continuous. The seed splits them into 1265 to learn from, 300 by
which each kind of model has its settings chosen, and 400 to report on, by a fit of the
first two parts together.
"""

import argparse
import time
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA, FactorAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import ParameterGrid

from skebm import GaussianRBM

SHAPE = (28, 20)
N_PIXELS = 560
N_TEST, N_VALID = 400, 300
N_SHOWN = 14

# Up to the number of factors where the held-out likelihood falls.
FACTORS = {"n_components": [32, 64, 128, 160, 200, 256]}
SEARCHES = {
    "normal, LedoitWolf": (LedoitWolf(), {}),
    "PCA": (PCA(), FACTORS),
    "FactorAnalysis": (FactorAnalysis(), FACTORS),
    "GaussianMixture": (
        GaussianMixture(),
        {"n_components": [1, 2, 3, 4, 8], "reg_covar": [8, 15, 25, 45]},
    ),
    "GaussianRBM, diag": (
        GaussianRBM(covariance_type="diag", max_iter=5000),
        {"n_components": [64, 200]},
    ),
    "GaussianRBM, full": (
        GaussianRBM(),
        {"n_components": [32, 128, 256], "reg_covar": [0.01, 0.03]},
    ),
}


def choose(model, candidates, train, valid):
    """Give the settings under which the validation rows are likeliest."""

    def score(settings):
        return clone(model).set_params(**settings).fit(train).score(valid)

    return max(ParameterGrid(candidates), key=score)


def read_faces(parser, file, rng):
    """Read the parts to learn from, to choose by and to report on, dequantised."""
    if not file.exists():
        parser.exit(1, f"{file} is absent: this benchmark needs the Frey faces.\n")
    faces = np.load(file)["X"].reshape(-1, N_PIXELS)
    faces = rng.permutation(faces + rng.random(faces.shape))
    return np.split(faces, [-N_TEST - N_VALID, -N_TEST])


def draw_figure(file, test, diagonal, full):
    """Draw faces held out, what hidden units keep of them, and samples."""
    samples = diagonal.sample(N_SHOWN, n_steps=5000, random_state=0)
    rows = {
        "held out": test[:N_SHOWN],
        "reconstructed, diag": diagonal.inverse_transform(
            diagonal.transform(test[:N_SHOWN])
        ),
        "samples, full": full.sample(N_SHOWN, n_steps=5000, random_state=0),
        "samples, diag": samples,
        "their means, diag": diagonal.inverse_transform(diagonal.transform(samples)),
    }
    figure = plt.figure(figsize=(12, 6.8), layout="constrained")
    strips = figure.subfigures(len(rows), 1)
    for strip, (label, images) in zip(strips, rows.items(), strict=True):
        strip.suptitle(label, x=0.01, ha="left", fontsize="medium")
        for axes, image in zip(strip.subplots(1, N_SHOWN), images, strict=True):
            axes.imshow(image.reshape(SHAPE), cmap="gray", vmin=0, vmax=255)
            axes.set_axis_off()
    figure.savefig(file, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--figure", type=Path)
    arguments = parser.parse_args()
    parts = read_faces(parser, arguments.file, np.random.default_rng(arguments.seed))
    # Candidates are far apart beside the error of log Z, which is printed.
    warnings.simplefilter("ignore", ConvergenceWarning)
    train, valid, test = parts
    both = np.concatenate([train, valid])
    print("held-out nats a pixel")
    fitted = {}
    for label, (model, candidates) in SEARCHES.items():
        if "random_state" in model.get_params():
            model.set_params(random_state=arguments.seed)
        start = time.perf_counter()
        chosen = choose(model, candidates, train, valid)
        searching = time.perf_counter() - start
        fitted[label] = model.set_params(**chosen).fit(both)
        score = model.score(test) / N_PIXELS
        error = getattr(model, "log_partition_std_", 0) / N_PIXELS
        print(
            f"{label:>20} {score:7.3f}  log Z error {error:.4f}  search "
            f"{searching:4.0f} s  {chosen}",
            flush=True,
        )

    if arguments.figure:
        models = [fitted[f"GaussianRBM, {kind}"] for kind in ("diag", "full")]
        draw_figure(arguments.figure, test, *models)


if __name__ == "__main__":
    main()
