"""Estimates of log Z held to exact values, on trained models that are enumerated.

Models with 16 and 20 hidden units are fitted with the default settings, and their
log Z is both summed and estimated, from 50 seeds, with the default settings again.

    python benchmarks/log_partition.py [FOLDER] [--sets NAME ...] [--seeds N]
        [--max-temperatures N]

FOLDER holds images/mnist.npz (x_train, uint8 images) and debd/NAME.npz (packed bits
`train` of `n_features` columns). Without it there are the digits of scikit-learn.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from skebm import BinaryRBM
from skebm.estimator.likelihood import _TEMPERING_STEPS
from skebm.partition.log_partition import anneal_log_partition

SETS = ("nltcs", "msnbc", "plants", "jester", "accidents", "tretail", "dna")


def load(folder):
    """Give the name and the training rows of each data set that is there."""
    yield "digits", load_digits().data > 7
    if folder is None:
        print("No folder: MNIST and the seven debd sets are left out.")
        return
    for name in SETS:
        file = folder / "debd" / f"{name}.npz"
        if file.exists():
            packed = np.load(file)
            n_features = int(packed["n_features"])
            yield name, np.unpackbits(packed["train"], axis=1)[:, :n_features]
        else:
            print(f"{file} is absent: {name} is left out.")
    file = folder / "images" / "mnist.npz"
    if file.exists():
        yield "mnist", np.load(file)["x_train"].reshape(-1, 784) >= 128
    else:
        print(f"{file} is absent: MNIST is left out.")


def measure(rbm, n_seeds, max_temperatures):
    """Estimate log Z from many seeds; give a row of the table."""
    exact = rbm.log_partition()
    lower, upper, seconds = [], [], []
    for seed in range(n_seeds):
        start = time.perf_counter()
        estimate = anneal_log_partition(
            rbm._energy(),
            rbm._visible_mean,
            tol=rbm.log_partition_tol,
            max_temperatures=max_temperatures,
            n_chains=rbm.n_ais_chains,
            n_steps=_TEMPERING_STEPS,
            rng=np.random.default_rng(seed),
        )
        seconds.append(time.perf_counter() - start)
        lower.append((estimate.lower - exact, estimate.lower_std))
        upper.append((estimate.upper - exact, estimate.upper_std))
    columns = []
    for error, std in (np.transpose(lower), np.transpose(upper)):
        inside = np.mean(np.abs(error) <= 2 * std)
        columns.append(f"{np.abs(error).mean():7.3f} {std.mean():6.3f} {inside:5.0%}")
    last = f"{estimate.n_temperatures:6d} {np.median(seconds):6.2f}"
    return f"{exact:9.2f} | " + " | ".join(columns) + f" | {last}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--sets", nargs="+")
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument(
        "--max-temperatures", type=int, default=BinaryRBM().max_ais_temperatures
    )
    arguments = parser.parse_args()
    print("log Z in nats; mean absolute error, mean stated error, exact within two")
    print(f"{'':>12} {'exact':>9} | {'forwards':^21} | {'backwards':^21} | steps   s")
    for name, X in load(arguments.folder):
        if arguments.sets and name not in arguments.sets:
            continue
        for n_components in (16, 20):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                rbm = BinaryRBM(n_components, random_state=0).fit(X)
            row = measure(rbm, arguments.seeds, arguments.max_temperatures)
            print(f"{name:>9} {n_components:2d} {row}", flush=True)


if __name__ == "__main__":
    main()
