"""Densities of the plane by networks of torchebm, judged by a sum over a grid.

    python benchmarks/neural_peer.py [--rows 2000] [--updates 5000] [--seed 0]

Needs torch and torchebm, with `ContrastiveDivergence` and `LangevinDynamics`. Rows,
units of the network and the grid are those of ``neural_density.py``. The chains of
torchebm make Langevin steps without a test whether to take them. They are run at the
temperature of the model (noise 1, steps of 0.01), and as its tutorial does (noise 0.1,
steps of 0.1). What lies beyond the grid counts as nothing, in favour of the peer.
"""

import argparse
import time

import numpy as np
import torch
from neural_density import KINDS, integrate, make_plane
from torchebm.core import BaseModel
from torchebm.losses import ContrastiveDivergence
from torchebm.samplers import LangevinDynamics


class _Energy(BaseModel):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(2, 64),
            torch.nn.SiLU(),
            torch.nn.Linear(64, 64),
            torch.nn.SiLU(),
            torch.nn.Linear(64, 1),
        )

    def forward(self, x):
        return self.layers(x).squeeze(-1)


class _Judged:
    """The energy of a module of torch in units of the rows, as `integrate` asks it."""

    def __init__(self, module, mean, scale):
        self.module, self.mean, self.scale = module, mean, scale

    def free_energy(self, rows):
        rows = torch.tensor((rows - self.mean) / self.scale, dtype=torch.float32)
        with torch.no_grad():
            return self.module(rows).numpy().astype(np.float64)


def learn(rows, n_updates, step_size, noise_scale, seed):
    """Train two layers of 64 units by persistent chains, as the tutorial does."""
    torch.manual_seed(seed)
    mean, scale = rows.mean(axis=0), rows.std(axis=0)
    data = torch.tensor((rows - mean) / scale, dtype=torch.float32)
    energy = _Energy()
    sampler = LangevinDynamics(energy, step_size=step_size, noise_scale=noise_scale)
    loss = ContrastiveDivergence(
        energy, sampler, k_steps=10, persistent=True, buffer_size=1000
    )
    optimiser = torch.optim.Adam(energy.parameters(), lr=1e-3)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(n_updates):
        batch = data[torch.randint(len(data), (500,), generator=generator)]
        optimiser.zero_grad()
        value, _ = loss(batch)
        value.backward()
        torch.nn.utils.clip_grad_norm_(energy.parameters(), 1.0)
        optimiser.step()
    return _Judged(energy, mean, scale)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--updates", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print("test nats a row, by a sum over a grid")
    for kind in KINDS:
        seed = arguments.seed
        train = make_plane(kind, arguments.rows, np.random.default_rng(seed))
        test = make_plane(kind, 5000, np.random.default_rng(1000 + seed))
        for step_size, noise_scale in ((0.01, 1.0), (0.1, 0.1)):
            start = time.process_time()
            judged = learn(train, arguments.updates, step_size, noise_scale, seed)
            seconds = time.process_time() - start
            log_partition = integrate(judged, train)
            score = -judged.free_energy(test).mean() - log_partition
            print(
                f"{kind:>13}  steps of {step_size}, noise {noise_scale}: {score:9.3f}"
                f"  {seconds:5.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
