"""Natural image patches by the Gaussian machines of learnergy [1]_, scored here.

    python benchmarks/gaussian_patches_peer.py PATCHES.npz [--n-components 64]
        [--epochs 10] [--seed 0]

Needs learnergy 2.0 (and torch). Its own `fit` does all the learning, from columns of
mean 0 and variance 1, which it asks for; scores are in raw units, as those of
gaussian_patches.py. ``GaussianRBM`` there has noise of variance 1,
``VarianceGaussianRBM`` learns a variance for each column.

.. [1] https://github.com/gugarosa/learnergy
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from gaussian_patches import read_patches, report
from learnergy.models.gaussian import GaussianRBM as PlainPeer
from learnergy.models.gaussian import VarianceGaussianRBM
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

from skebm import GaussianRBM


def score_here(peer, scaler, train, seed):
    """Load a peer's parameters, in raw units, into the model that has a score."""
    weights, visible_bias, hidden_bias = (
        parameter.detach().double().numpy() for parameter in (peer.W, peer.a, peer.b)
    )
    variance = np.ones_like(visible_bias)
    if hasattr(peer, "sigma"):
        variance = peer.sigma.detach().double().numpy() ** 2
    field = weights.T @ (scaler.mean_ / scaler.scale_ / variance)
    return GaussianRBM.from_parameters(
        weights.T * scaler.scale_,
        visible_bias * scaler.scale_ + scaler.mean_,
        hidden_bias - field,
        variance * scaler.scale_**2,
        X=train,
        random_state=seed,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--n-components", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    train, test = read_patches(parser, arguments.file, rng)
    warnings.simplefilter("ignore", ConvergenceWarning)
    torch.set_num_threads(1)
    scaler = StandardScaler().fit(train)
    rows = torch.tensor(rng.permutation(scaler.transform(train)), dtype=torch.float32)
    dataset = torch.utils.data.TensorDataset(rows, torch.zeros(len(rows)))
    print("test nats a patch (standard error of the test rows)")
    for kind in (PlainPeer, VarianceGaussianRBM):
        for learning_rate in (0.1, 0.01, 0.001, 0.0001):
            torch.manual_seed(arguments.seed)
            peer = kind(64, arguments.n_components, learning_rate=learning_rate)
            label = f"{kind.__name__}({learning_rate=})"
            start = time.perf_counter()
            peer.fit(dataset, epochs=arguments.epochs)
            seconds = time.perf_counter() - start
            if not all(torch.isfinite(value).all() for value in peer.parameters()):
                print(f"{label:>44} is not finite")
                continue
            rbm = score_here(peer, scaler, train, arguments.seed)
            report(label, rbm, test, seconds)


if __name__ == "__main__":
    main()
