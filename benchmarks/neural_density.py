"""Densities of two columns, and of image patches, by networks and by mixtures.

    python benchmarks/neural_density.py [FOLDER] [--rows 2000] [--seeds 1]

Five sets of rows in the plane are made here; log Z is held to quadrature on a grid. The
number of components of the mixture of normal distributions is chosen on a fifth of the
rows. FOLDER holds bsds500_patches_8x8.npz, with the keys train and test, 8 x 8 grey
patches in uint8, which uniform noise in [0, 1) makes continuous.
"""

__all__ = ["make_plane"]

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from scipy.special import logsumexp
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from skebm import GaussianRBM, NeuralEnergyModel

KINDS = "rings", "moons", "pinwheel", "spirals", "checkerboard"
COMPONENTS = 1, 2, 4, 8, 12, 16, 24, 32, 48


def make_plane(kind, n_rows, rng):
    """Draw rows of a set in the plane."""
    if kind == "rings":
        radius, angle = rng.integers(1, 4, n_rows), rng.uniform(0, 2 * np.pi, n_rows)
        rows = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
        return rows + rng.normal(0, 0.12, rows.shape)
    if kind == "moons":
        upper, angle = rng.random(n_rows) < 0.5, rng.uniform(0, np.pi, n_rows)
        x, y = np.cos(angle), np.sin(angle)
        rows = np.column_stack([np.where(upper, x, 1 - x), np.where(upper, y, 0.5 - y)])
        return rows + rng.normal(0, 0.1, rows.shape)
    if kind == "pinwheel":
        arm = rng.normal(0, 1, (n_rows, 2)) * [0.3, 0.1] + [1, 0]
        angle = 2 * np.pi * rng.integers(0, 5, n_rows) / 5 + 0.25 * np.exp(arm[:, 0])
        x, y = arm.T
        cos, sin = np.cos(angle), np.sin(angle)
        return 2 * np.column_stack([x * cos - y * sin, x * sin + y * cos])
    if kind == "spirals":
        angle, sign = (
            3 * np.pi * np.sqrt(rng.random(n_rows)),
            rng.choice([-1, 1], n_rows),
        )
        rows = (angle / 3 * np.array([-np.cos(angle), np.sin(angle)]) * sign).T
        return rows + rng.normal(0, 0.1, rows.shape)
    x, y = rng.uniform(-2, 2, n_rows), rng.random(n_rows)
    y += 2 * rng.integers(0, 2, n_rows) - 2
    return np.column_stack([x, y + np.floor(x) % 2])


def integrate(model, rows):
    """Compute log Z on a grid far beyond the rows."""
    ends = rows.min(axis=0), rows.max(axis=0)
    axes = [
        np.linspace(low - 1.5 * (high - low), high + 1.5 * (high - low), 600)
        for low, high in zip(*ends, strict=True)
    ]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    cell = np.log([axis[1] - axis[0] for axis in axes]).sum()
    return logsumexp(-model.free_energy(grid)) + cell


def choose_mixture(train, components, seed):
    """Choose the number of components on a fifth of the rows; fit to all of them."""
    n_learned = 4 * len(train) // 5
    learned, held_out = train[:n_learned], train[n_learned:]
    candidates = [GaussianMixture(n, n_init=2, random_state=seed) for n in components]
    best = max(candidates, key=lambda one: one.fit(learned).score(held_out))
    return best.fit(train)


def compare_in_the_plane(n_rows, seed):
    for kind in KINDS:
        train = make_plane(kind, n_rows, np.random.default_rng(seed))
        test = make_plane(kind, 5000, np.random.default_rng(1000 + seed))
        start = time.process_time()
        model = NeuralEnergyModel(random_state=seed).fit(train)
        seconds = time.process_time() - start
        stopped = NeuralEnergyModel(early_stopping=True, random_state=seed).fit(train)
        mixture = choose_mixture(train, COMPONENTS, seed)
        scores, exact = model.score_samples(test), integrate(model, train)
        print(
            f"{n_rows:>6} {kind:>13} {seed:>3}  network {scores.mean():7.3f}, stopped "
            f"{stopped.score(test):7.3f} ({stopped.n_iter_})  mixture of "
            f"{mixture.n_components:>2} {mixture.score(test):7.3f}  log Z "
            f"{model.log_partition_:6.3f} ({model.log_partition_std_:.3f}), exact "
            f"{exact:6.3f}  fit {seconds:5.1f} s",
            flush=True,
        )


def compare_on_patches(file, n_rows):
    if not file.exists():
        print(f"{file} is absent.")
        return
    rng, patches = np.random.default_rng(0), np.load(file)
    train, test = (patches[part].reshape(-1, 64) for part in ("train", "test"))
    train = rng.permutation(train)[:n_rows]
    train, test = (part + rng.random(part.shape) for part in (train, test[:5000]))
    for model in (
        NeuralEnergyModel(early_stopping=True, random_state=0),
        NeuralEnergyModel(128, early_stopping=True, random_state=0),
        GaussianRBM(64, random_state=0),
        choose_mixture(train, (1, 2, 4, 8, 16), 0),
    ):
        start = time.process_time()
        score = model.fit(train).score(test)
        error = getattr(model, "log_partition_std_", 0.0)
        seconds = time.process_time() - start
        print(f"{model!s:>60} {score:9.2f} (log Z {error:.2f})  {seconds:5.0f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--rows", type=int, nargs="+", default=[2000])
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    # The errors are printed.
    warnings.simplefilter("ignore", ConvergenceWarning)
    print("test nats a row")
    if arguments.folder is not None:
        file = arguments.folder / "bsds500_patches_8x8.npz"
        for n_rows in arguments.rows:
            compare_on_patches(file, n_rows)
        return
    for n_rows in arguments.rows:
        for seed in range(arguments.seeds):
            compare_in_the_plane(n_rows, seed)


if __name__ == "__main__":
    main()
