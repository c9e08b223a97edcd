"""Time of drawing a unit of a dense Boltzmann machine given all others.

    python benchmarks/dense_sampling.py [--sweeps 20] [--repeats 5]

Spin glasses at their critical temperature, where a fifth of the updates flip a unit,
and at half of it, where a twelfth does; chains that have settled. The naive sweep
takes one product a unit and draws it by its mean. Peers are timed where they are
installed: the sampler of dwave-samplers by its own clock, at Gibbs' rule.
"""

import argparse
from functools import partial
from importlib.util import find_spec
from unittest import mock

import numpy as np
from scipy.sparse import coo_array, triu
from threadpoolctl import threadpool_limits
from timing import interleaved_medians

from skebm.energy import sweeps
from skebm.energy.sweeps import gibbs_sweeps
from skebm.kernels import kernels_of
from skebm.sampling.random import UniformNoise

SIZES = [(100, 100), (500, 100), (1000, 100), (100, 1000), (500, 1000), (1000, 1000)]
TEMPERATURES = [1.0, 0.5]


def spin_glass(n_units, temperature, rng):
    """Couplings and biases, for units of 0 and 1, of Sherrington and Kirkpatrick."""
    spins = np.triu(rng.normal(0, 1 / np.sqrt(n_units), (n_units, n_units)), 1)
    weights = 4 * (spins + spins.T) / temperature
    bias = -weights.sum(axis=1) / 2
    return weights.astype(np.float32), bias.astype(np.float32)


def naive_sweeps(visible, weights, bias, noise, *, n_sweeps):
    states = np.array(visible.T, dtype=weights.dtype)
    for _ in range(n_sweeps):
        for unit, (couplings, own) in enumerate(zip(weights, bias, strict=True)):
            field = couplings @ states + own
            states[unit] = np.tanh(field / 2) > noise.draw(field.shape)
    return states.T == 1


def implementations():
    """Name what is to be timed; say what is absent."""
    in_numpy = kernels_of("sweeps", compiled=False)
    found = {"naive": naive_sweeps, "NumPy": _with_kernels(in_numpy)}
    if find_spec("numba") is None:
        print("numba is absent: pip install skebm[fast]")
    else:
        found["numba"] = _with_kernels(kernels_of("sweeps"))
    return found


def in_calls(length, sweep, *machine, n_sweeps, **options):
    """Run sweeps in calls of so many each; a short call alone would run cold."""
    for _ in range(n_sweeps // length):
        sweep(*machine, n_sweeps=length, **options)


def _with_kernels(kernels):
    def sweep(*arguments, **options):
        with mock.patch.object(sweeps, "_kernels", return_value=kernels):
            return gibbs_sweeps(*arguments, **options)

    return sweep


def dwave_seconds(weights, bias, n_chains, n_sweeps, n_repeats):
    """Median time of sampling by dwave-samplers; None if it is not installed."""
    if find_spec("dwave.samplers") is None:
        return None
    from dimod import BinaryQuadraticModel  # noqa: PLC0415
    from dwave.samplers import SimulatedAnnealingSampler  # noqa: PLC0415

    couplings = triu(coo_array(weights), 1)
    model = BinaryQuadraticModel("BINARY")
    model.add_linear_from_array(-bias.astype(float))
    model.add_quadratic_from(
        zip(*couplings.coords, -couplings.data.astype(float), strict=True)
    )
    times = []
    for seed in range(n_repeats):
        result = SimulatedAnnealingSampler().sample(
            model,
            num_reads=n_chains,
            num_sweeps=n_sweeps,
            beta_schedule_type="custom",
            beta_schedule=np.ones(n_sweeps),
            proposal_acceptance_criteria="Gibbs",
            seed=seed,
        )
        times.append(result.info["timing"]["sampling_ns"] / 1e9)
    return np.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sweeps", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    n_sweeps, n_repeats = arguments.sweeps, arguments.repeats
    timed = implementations()
    if find_spec("dwave") is None:
        print("dwave-samplers is absent: pip install dwave-samplers")
    print("thrml is not timed here: a dense machine has one colour class a unit")
    print(f"\nns a unit and chain, {n_sweeps} sweeps a call or 1, and against naive")
    for temperature in TEMPERATURES:
        for n_units, n_chains in SIZES:
            rng = np.random.default_rng(0)
            weights, bias = spin_glass(n_units, temperature, rng)
            noise = UniformNoise(rng, np.float32)
            start = rng.random((n_chains, n_units)) < 0.5
            settled = gibbs_sweeps(start, weights, bias, noise, n_sweeps=50)
            after = gibbs_sweeps(settled, weights, bias, noise)
            machine = settled, weights, bias, noise
            calls = {
                (name, length): partial(
                    in_calls, length, sweep, *machine, n_sweeps=n_sweeps
                )
                for name, sweep in timed.items()
                for length in (n_sweeps, 1)
                if (name, length) != ("naive", 1)
            }
            with threadpool_limits(1):
                times = interleaved_medians(calls, n_repeats)
            n_sites = n_units * n_chains
            naive = 1e9 * times["naive", n_sweeps][0] / n_sites / n_sweeps
            print(
                f"\n{n_units} units, {n_chains} chains, temperature {temperature}: "
                f"{100 * np.mean(settled != after):.0f} % flip"
            )
            for (name, length), (median, *_) in times.items():
                each = 1e9 * median / n_sites / n_sweeps
                label = name if length > 1 else f"{name}, 1 a call"
                print(f"{label:>22} {each:7.1f}  {naive / each:5.2f} x")
            if find_spec("dwave") is not None:
                seconds = dwave_seconds(weights, bias, n_chains, n_sweeps, n_repeats)
                each = 1e9 * seconds / n_sites / n_sweeps
                print(f"{'dwave-samplers':>22} {each:7.1f}  {naive / each:5.2f} x")


if __name__ == "__main__":
    main()
