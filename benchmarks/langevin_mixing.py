"""How far chains of `GaussianRBM` get in a second, by each kind of moves.

    python benchmarks/langevin_mixing.py [--chains 200] [--steps 2000]

Kinds are Langevin steps of rows; block Gibbs, which draws the hidden units given the
row and then the row; and Gibbs sweeps of the hidden units with the row integrated out,
which are the default. Models are learned from digits with uniform noise and from
correlated columns with heavy tails. For each kind the integrated autocorrelation time
of the free energy F and the longest of the principal components of rows are given, in
steps, with the number of independent values of F and of that component a second beside
those of block Gibbs in the same run. Chains start in equilibrium as well as a thousand
sweeps of hidden units lead there.
"""

__all__ = ["autocorrelation_time"]

import argparse
import time

import numpy as np
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits

from skebm import GaussianRBM
from skebm.energy.langevin_rbm import LangevinGaussianRBMEnergy
from skebm.sampling.random import UniformNoise

# Windows of this many autocorrelation times (Sokal 1997).
_WINDOW = 5

_COMPONENTS = 5
_BURN_IN = 1000
_ADAPTING = 300


def autocorrelation_time(series):
    """Estimate the integrated autocorrelation time of chains, (n_steps, n_chains).

    Of values less the mean over all chains, so that groups which no chain leaves count.
    """
    n_steps = len(series)
    centred = series - series.mean()
    spectrum = np.fft.rfft(centred, 2 * n_steps, axis=0)
    products = np.fft.irfft(np.abs(spectrum) ** 2, axis=0)[:n_steps].mean(axis=1)
    correlation = products / (n_steps - np.arange(n_steps))
    times = 2 * np.cumsum(correlation / correlation[0]) - 1
    windows = np.arange(n_steps) >= _WINDOW * times
    return times[windows.argmax() if windows.any() else -1]


def rows_of(kind):
    rng = np.random.default_rng(0)
    if kind == "digits":
        digits = load_digits().data
        return digits + rng.random(digits.shape)
    sources = rng.laplace(size=(3000, 6)) @ rng.normal(size=(6, 20))
    return sources + rng.normal(0, 0.3, sources.shape)


def moves_of(energy, noise):
    """Give kinds of moves of rows y in units of the noise: one step each."""
    fields = {name: getattr(energy, name) for name in energy.__dataclass_fields__}
    langevin = LangevinGaussianRBMEnergy(**fields)
    block = super(LangevinGaussianRBMEnergy, langevin).with_visible_chains()[0]
    block = block.replaced(visible=langevin.units)
    return langevin, {
        "block Gibbs": lambda rows: block.gibbs(rows, noise),
        "Langevin": None,  # once its length has adapted
        "hidden Gibbs": energy.gibbs,
    }


def adapted(langevin, rows, noise):
    """Let the length of steps adapt, as it does while chains learn."""
    batch = langevin.visible_of(rows[:2], noise)
    for _ in range(_ADAPTING):
        direction, rows = langevin.contrast(batch, rows, noise)
        langevin = langevin.replaced(length=direction.length)
    return langevin


def run(step, rows, n_steps):
    """Give rows after each step, and seconds a step."""
    kept, start = [], time.perf_counter()
    for _ in range(n_steps):
        rows = step(rows)
        kept.append(rows)
    return kept, (time.perf_counter() - start) / n_steps


def compare(model, n_chains, n_steps):
    energy = model._energy().astype(np.float32)
    noise = UniformNoise(np.random.default_rng(1), np.float32)
    langevin, moves = moves_of(energy, noise)
    hidden = noise.rng.random((n_chains, energy.n_hidden)) < 0.5
    hidden = energy.gibbs(hidden, noise, _BURN_IN)
    start = langevin.complete(energy.visible_of(hidden, noise), noise)
    tuned = adapted(langevin, start, noise)
    moves["Langevin"] = lambda rows: tuned.gibbs(rows, noise)
    moves["hidden Gibbs"] = lambda rows: energy.gibbs(rows, noise)
    machine = langevin.marginal()[0]
    axes, results = None, {}
    for kind, step in moves.items():
        of_hidden = kind == "hidden Gibbs"
        kept, seconds = run(step, hidden if of_hidden else start, n_steps)
        if of_hidden:
            kept = [machine.visible.draw(energy.visible_field(h), noise) for h in kept]
        kept = np.array(kept)
        if axes is None:
            flat = kept[:: max(1, n_steps // 50)].reshape(-1, kept.shape[2])
            axes = np.linalg.svd(flat - flat.mean(axis=0), full_matrices=False)[2]
        scores = np.array([machine.score(machine.context(rows)) for rows in kept])
        parts = kept @ axes[:_COMPONENTS].T
        slowest = max(autocorrelation_time(part) for part in np.moveaxis(parts, 2, 0))
        results[kind] = autocorrelation_time(scores), slowest, seconds
    return tuned.length, results


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chains", type=int, default=200)
    parser.add_argument("--steps", type=int, default=2000)
    arguments = parser.parse_args()
    print("autocorrelation times in steps; values a second beside block Gibbs")
    for kind, n_hidden, settings in (
        ("digits", 64, {"covariance_type": "diag"}),
        ("digits", 64, {"covariance_type": "full"}),
        ("correlated", 32, {"covariance_type": "diag"}),
        ("correlated", 32, {"covariance_type": "full"}),
        ("correlated", 32, {"noise_variance": 0.25}),
    ):
        model = GaussianRBM(
            n_hidden, algorithm="pcd", max_iter=1000, random_state=0, **settings
        ).fit(rows_of(kind))
        length, results = compare(model, arguments.chains, arguments.steps)
        print(f"{kind}, {n_hidden} hidden units, {settings}, length {length:.2f}")
        floor = results["block Gibbs"]
        for name, (of_energy, of_rows, seconds) in results.items():
            gains = [
                before * floor[2] / (after * seconds)
                for before, after in zip(floor, (of_energy, of_rows), strict=False)
            ]
            print(
                f"  {name:>12}  F {of_energy:7.1f}  rows {of_rows:7.1f}  "
                f"{1e3 * seconds:6.2f} ms  ratio F {gains[0]:5.2f}  rows "
                f"{gains[1]:5.2f}",
                flush=True,
            )


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
