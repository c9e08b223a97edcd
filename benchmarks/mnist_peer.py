"""500 hidden units on thresholded MNIST by rbms [1]_, for the time a fit here takes.

    python benchmarks/mnist_peer.py MNIST.npz --seconds 600 [--learning-rate 0.03]
        [--optimizer sgd] [--batch-size 200] [--n-chains 500] [--n-gibbs-steps 1]

Needs rbms 0.6 (and torch), which needs Python 3.12 or newer. The result is judged as
in mnist_bounds.py.

.. [1] https://github.com/DsysDML/rbms
"""

import argparse
import time
from pathlib import Path

from mnist_bounds import judge
from rbms_loop import learn
from tables import read_images

from skebm import BinaryRBM


def fit_peer(train, arguments):
    """Learn for so many seconds of processor time."""
    start = time.process_time()
    updates = learn(
        train,
        500,
        batch_size=arguments.batch_size,
        n_chains=arguments.n_chains,
        learning_rate=arguments.learning_rate,
        optimizer=arguments.optimizer,
        n_gibbs_steps=arguments.n_gibbs_steps,
    )
    for n_updates, model in enumerate(updates, start=1):
        if time.process_time() - start >= arguments.seconds:
            return model.named_parameters(), n_updates


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--learning-rate", type=float, default=0.03)
    parser.add_argument("--optimizer", choices=("sgd", "cossim", "adam", "nag"))
    parser.add_argument("--batch-size", type=int, default=200)
    parser.add_argument("--n-chains", type=int, default=500)
    parser.add_argument("--n-gibbs-steps", type=int, default=1)
    parser.add_argument("--n-steps", type=int, default=10_000)
    parser.set_defaults(optimizer="sgd")
    arguments = parser.parse_args()
    if not arguments.file.exists():
        parser.exit(1, f"{arguments.file} is absent: this benchmark needs MNIST.\n")
    train, test = read_images(arguments.file)
    parameters, n_updates = fit_peer(train, arguments)
    print(f"fit: {arguments.seconds:.0f} s, {n_updates} updates", flush=True)
    rbm = BinaryRBM.from_parameters(
        parameters["weight_matrix"].T, parameters["vbias"], parameters["hbias"], X=train
    )
    judge(rbm, test, arguments.n_steps)


if __name__ == "__main__":
    main()
