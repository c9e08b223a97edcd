"""Wide tables of real numbers: likelihood of rows held out, and times of fits.

    python benchmarks/wide_noise.py [--rows 2000] [--columns 1555] [--full] [--seed 0]
        [--faces FREYFACES.npz] [--outliers INTERNETADS.npz]

The tables are drawn: of factors beside noise of each column's own, of factors with
heavy tails, of independent columns, of smooth signals, of blocks of columns that are
alike, and of signals of which neighbours alone are alike. There are as many rows to
score as to learn from. The score by the distribution that drew them is given where it
is known. `FactorAnalysis` has as many factors as `GaussianRBM` chose by rows held out.
``--full`` adds noise of any covariance, which takes minutes.

The faces are split as in ``gaussian_faces.py``, and scored in nats a pixel. The file of
outliers has the keys X and y. The area under the ROC curve is that of scores of the
rows learned from.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.decomposition import FactorAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import roc_auc_score
from sklearn.mixture import GaussianMixture

from skebm import GaussianRBM

N_FACTORS = 20
KINDS = ["factors", "heavy tails", "independent", "smooth", "blocks", "neighbours"]
N_PIXELS, N_TEST = 560, 400


def covariance_of(kind, n_columns, rng):
    """Give a covariance of a kind as own variances, and a root of what is shared."""
    own, place = rng.uniform(0.3, 1.5, n_columns), np.arange(n_columns)
    distance = np.abs(place[:, np.newaxis] - place)
    if kind in {"factors", "heavy tails"}:
        sizes = np.geomspace(3, 0.3, N_FACTORS) / np.sqrt(N_FACTORS)
        return own, rng.normal(size=(n_columns, N_FACTORS)) * sizes
    if kind == "independent":
        return own, np.zeros((n_columns, 1))
    if kind == "blocks":
        block = place // 30
        return own, np.sqrt(0.5) * np.eye(block[-1] + 1)[block]
    own = np.full(n_columns, 0.1)
    if kind == "smooth":
        shared = np.exp(-((distance / (n_columns / 40)) ** 2) / 2)
    else:
        shared = 0.9**distance - 0.1 * np.eye(n_columns)
    values, vectors = np.linalg.eigh(shared)
    # What is below 0 is rounding, but for neighbours, whose own part is a bit smaller.
    return own, vectors * np.sqrt(np.maximum(values, 0))


def draw(kind, n_rows, n_columns, seed):
    """Draw rows to learn from and to score, and say what these score by the truth."""
    rng = np.random.default_rng(seed)
    own, root = covariance_of(kind, n_columns, rng)
    size = 2 * n_rows, root.shape[1]
    hidden = rng.standard_normal(size)
    if kind == "heavy tails":
        hidden = rng.standard_t(4, size) / np.sqrt(2)
    rows = hidden @ root.T + rng.normal(size=(len(hidden), n_columns)) * np.sqrt(own)
    train, test = np.split(rows, 2)
    if kind == "heavy tails":
        return train, test, np.nan
    factor = np.linalg.cholesky(root @ root.T + np.diag(own))
    white = np.linalg.solve(factor, test.T)
    squares = np.square(white).sum(axis=0).mean()
    log_det = np.log(np.diag(factor)).sum()
    return train, test, -(n_columns * np.log(2 * np.pi) + squares) / 2 - log_det


def timed(model, train):
    """Fit a model; give it and the seconds."""
    start = time.perf_counter()
    return model.fit(train), time.perf_counter() - start


def report(label, score, seconds, note=""):
    print(f"{label:>30} {score:10.3f} {seconds:7.1f} s  {note}", flush=True)


def compare(train, test, *, full, seed, scale=1.0):
    """Print scores of rows held out, divided by a scale."""
    rbm, seconds = timed(GaussianRBM(random_state=seed), train)
    factors = getattr(rbm, "noise_factors_", None)
    note = "any covariance" if factors is None else f"{len(factors)} factors"
    report("GaussianRBM", rbm.score(test) / scale, seconds, note)
    if factors is not None:
        model = FactorAnalysis(len(factors), random_state=seed)
        report("FactorAnalysis", *scored(model, train, test, scale))
    for reg_covar in (1e-3, 1e-2):
        model = GaussianMixture(reg_covar=reg_covar * train.var(axis=0).mean())
        label = f"one normal, ridge {reg_covar:g}"
        report(label, *scored(model, train, test, scale))
    if full:
        model = GaussianRBM(covariance_type="full", random_state=seed)
        report("GaussianRBM, full", *scored(model, train, test, scale))


def scored(model, train, test, scale):
    model, seconds = timed(model, train)
    return model.score(test) / scale, seconds


def compare_faces(file, arguments):
    """Print scores of faces, dequantised, in nats a pixel of grey levels."""
    rng = np.random.default_rng(arguments.seed)
    faces = np.load(file)["X"].reshape(-1, N_PIXELS)
    faces = rng.permutation(faces + rng.random(faces.shape))
    train, test = np.split(faces, [-N_TEST])
    print("Frey faces, nats a pixel")
    settings = {"full": arguments.full, "seed": arguments.seed, "scale": N_PIXELS}
    compare(train, test, **settings)
    mixture = GaussianMixture(4, reg_covar=15, random_state=arguments.seed)
    report("GaussianMixture(4)", *scored(mixture, train, test, N_PIXELS))
    for n_components, reg_covar in ((8, 0.01), (64, 0.01), (64, 0.03)):
        rbm = GaussianRBM(
            n_components, reg_covar=reg_covar, random_state=arguments.seed
        )
        label = f"GaussianRBM({n_components}), {reg_covar:g}"
        report(label, *scored(rbm, train, test, N_PIXELS))


def compare_outliers(file, arguments):
    """Print how well scores tell known outliers, learned with these among the rows."""
    data = np.load(file)
    X, y = data["X"].astype(float), data["y"]
    print(f"outliers of {file.stem}, {X.shape[0]} rows of {X.shape[1]} columns")
    kinds = ["auto", "full"] if arguments.full else ["auto"]
    for kind in kinds:
        model = GaussianRBM(covariance_type=kind, random_state=arguments.seed)
        rbm, seconds = timed(model, X)
        area = roc_auc_score(y, -rbm.score_samples(X))
        report(f"GaussianRBM, {kind}", area, seconds)
    model, seconds = timed(FactorAnalysis(random_state=arguments.seed), X)
    report("FactorAnalysis", roc_auc_score(y, -model.score_samples(X)), seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--columns", type=int, default=1555)
    parser.add_argument("--kinds", nargs="*", default=KINDS)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--faces", type=Path)
    parser.add_argument("--outliers", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    for kind in arguments.kinds:
        shape = arguments.rows, arguments.columns
        train, test, truth = draw(kind, *shape, arguments.seed)
        print(f"{kind}, {shape[0]} rows of {shape[1]} columns: truth {truth:.1f}")
        compare(train, test, full=arguments.full, seed=arguments.seed)
    for file, function in (
        (arguments.faces, compare_faces),
        (arguments.outliers, compare_outliers),
    ):
        if file is not None:
            if not file.exists():
                parser.exit(1, f"{file} is absent.\n")
            function(file, arguments)


if __name__ == "__main__":
    main()
