"""500 hidden units on thresholded MNIST by rbms [1]_, for the time a fit here takes.

    python benchmarks/mnist_peer.py MNIST.npz --seconds 600 [--learning-rate 0.03]
        [--optimizer sgd] [--batch-size 200] [--n-chains 500] [--n-gibbs-steps 1]

Needs rbms 0.6 (and torch), which needs Python 3.12 or newer. Its own classes do all
the learning, in the loop of its command line without the files that this writes.
The result is judged as in mnist_bounds.py.

.. [1] https://github.com/DsysDML/rbms
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from mnist_bounds import judge
from rbms.bernoulli_bernoulli.classes import BBRBM
from rbms.dataset.dataset_class import RBMDataset
from rbms.optim import setup_optim
from rbms.sampler import PCD
from tables import read_images

from skebm import BinaryRBM


def fit_peer(train, arguments):
    """Learn for so much processor time, on one thread; give also how many updates."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rows = RBMDataset(
        data=train,
        labels=np.zeros(len(train)),
        weights=np.ones(len(train)),
        names=np.arange(len(train)),
        dataset_name="mnist",
        variable_type="bernoulli",
        device="cpu",
    )
    start = time.process_time()
    model = BBRBM.init_parameters(500, rows, "cpu", torch.float32)
    sampler = PCD(model, model.init_chains(arguments.n_chains), arguments.n_gibbs_steps)
    model.init_grad()
    optimizers = setup_optim(
        arguments.optimizer,
        {
            "optim": arguments.optimizer,
            "learning_rate": arguments.learning_rate,
            "max_lr": 10.0,
            "scale_lr": False,
            "mult_optim": False,
        },
        model,
    )
    n_updates = 0
    while time.process_time() - start < arguments.seconds:
        batch = rows.batch(arguments.batch_size)
        data = model.init_chains(
            num_samples=len(batch["data"]),
            weights=batch["weights"],
            start_v=batch["data"],
        )
        chains = sampler.get_conf_grad(batch=batch["data"])
        model.compute_gradient(data=data, chains=chains, centered=True)
        for optimizer in optimizers:
            optimizer.step()
        sampler.post_grad_update(params=model)
        n_updates += 1
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
