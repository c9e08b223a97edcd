"""Time of one update of persistent contrastive divergence, centring on.

Whole calls of ``fit`` over five epochs, divided by the number of updates, with as
many chains as rows in a batch, as BernoulliRBM has. The floor is the five matrix
products that an update cannot do without, in float32.

    python benchmarks/pcd_update.py [--threads N] [--repeats N]
"""

import argparse

import numpy as np
from sklearn.base import clone
from sklearn.neural_network import BernoulliRBM
from threadpoolctl import threadpool_limits
from timing import interleaved_medians

from skebm import BinaryRBM

N_EPOCHS = 5

# features, hidden units, batch size, updates an epoch
SIZES = [(784, 500, 100, 50), (64, 100, 10, 1000), (64, 100, 64, 300)]


def floor(n_features, n_hidden, batch_size, n_updates):
    rng = np.random.default_rng(0)
    V = rng.random((batch_size, n_features), dtype=np.float32)
    H = rng.random((batch_size, n_hidden), dtype=np.float32)
    W = rng.random((n_hidden, n_features), dtype=np.float32)

    def run():
        for _ in range(n_updates):
            np.dot(V, W.T)
            np.dot(H, W)
            np.dot(V, W.T)
            np.dot(H.T, V)
            np.dot(H.T, V)

    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, help="threads of the matrix products")
    parser.add_argument("--repeats", type=int, default=9)
    arguments = parser.parse_args()

    print("median ms an update (quartiles), and ratios in this run")
    with threadpool_limits(arguments.threads):
        for n_features, n_hidden, batch_size, n_batches in SIZES:
            rng = np.random.default_rng(0)
            n_samples = batch_size * n_batches
            n_updates = N_EPOCHS * n_batches
            X = (rng.random((n_samples, n_features)) < 0.3).astype(np.float64)
            X32 = X.astype(np.float32)
            ours = BinaryRBM(
                n_hidden,
                solver="sgd",
                batch_size=batch_size,
                n_chains=batch_size,
                max_iter=n_updates,
                random_state=0,
            )
            natural = clone(ours).set_params(solver="natural")
            theirs = BernoulliRBM(
                n_hidden, batch_size=batch_size, n_iter=N_EPOCHS, random_state=0
            )
            times = interleaved_medians(
                {
                    "floor": floor(n_features, n_hidden, batch_size, n_updates),
                    "BinaryRBM": lambda ours=ours, X=X: ours.fit(X),
                    "natural gradient": lambda ours=natural, X=X: ours.fit(X),
                    "BernoulliRBM float64": lambda theirs=theirs, X=X: theirs.fit(X),
                    "BernoulliRBM float32": lambda theirs=theirs, X=X32: theirs.fit(X),
                },
                arguments.repeats,
            )
            print(f"\n{n_features} x {n_hidden}, batch {batch_size}")
            for name, quartiles in times.items():
                median, low, high = (1000 * t / n_updates for t in quartiles)
                print(
                    f"{name:>22} {median:8.4f} ({low:.4f} to {high:.4f})"
                    f"  {median / (1000 * times['floor'][0] / n_updates):5.2f} x floor"
                    f"  {quartiles[0] / times['BinaryRBM'][0]:5.2f} x BinaryRBM"
                )


if __name__ == "__main__":
    main()
