"""Learning by rbms [1]_: its own classes, in the loop of its command line.

Left out are the files that the command line writes. Needs rbms 0.6 (and torch), which
needs Python 3.12 or newer.

.. [1] https://github.com/DsysDML/rbms
"""

__all__ = ["learn"]

import numpy as np
import torch
from rbms.bernoulli_bernoulli.classes import BBRBM
from rbms.dataset.dataset_class import RBMDataset
from rbms.optim import setup_optim
from rbms.sampler import PCD


def learn(
    train,
    n_hidden,
    *,
    batch_size,
    n_chains,
    learning_rate=0.02,
    optimizer="sgd",
    n_gibbs_steps=1,
):
    """Make one update after another without end; yield the machine after each."""
    torch.manual_seed(0)
    rows = RBMDataset(
        data=train,
        labels=np.zeros(len(train)),
        weights=np.ones(len(train)),
        names=np.arange(len(train)),
        dataset_name="rows",
        variable_type="bernoulli",
        device="cpu",
    )
    model = BBRBM.init_parameters(n_hidden, rows, "cpu", torch.float32)
    sampler = PCD(model, model.init_chains(n_chains), n_gibbs_steps)
    model.init_grad()
    optimizers = setup_optim(
        optimizer,
        {
            "optim": optimizer,
            "learning_rate": learning_rate,
            "max_lr": 10.0,
            "scale_lr": False,
            "mult_optim": False,
        },
        model,
    )
    while True:
        batch = rows.batch(batch_size)
        data = model.init_chains(
            num_samples=len(batch["data"]),
            weights=batch["weights"],
            start_v=batch["data"],
        )
        chains = sampler.get_conf_grad(batch=batch["data"])
        model.compute_gradient(data=data, chains=chains, centered=True)
        for step in optimizers:
            step.step()
        sampler.post_grad_update(params=model)
        yield model
