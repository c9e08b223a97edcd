"""Time of drawing a site of an Ising lattice given its neighbours.

    python benchmarks/lattice_sampling.py [--side 64] [--chains 100] [--repeats 5]

At the critical temperature, free edges, two colours. Plain is what one writes with
scipy.sparse: the mean of a colour, and a uniform draw from NumPy's generator. Peers
are timed where they are installed: thrml by the colours too, once compiled, and the
sampler of dwave-samplers, site by site, by its own clock.
"""

import argparse
from functools import partial
from importlib.util import find_spec

import numpy as np
from dense_sampling import dwave_seconds, implementations, in_calls
from scipy.sparse import csr_array, diags_array, eye_array, kron
from scipy.special import expit
from threadpoolctl import threadpool_limits
from timing import interleaved_medians

from skebm.energy.colouring import colour_graph
from skebm.energy.sweeps import gibbs_sweeps
from skebm.sampling.random import UniformNoise

CRITICAL_COUPLING = np.log(1 + np.sqrt(2)) / 2


def lattice(side):
    """Weights and biases, for units of 0 and 1, at the critical temperature."""
    path = diags_array([np.ones(side - 1)] * 2, offsets=[-1, 1])
    one = eye_array(side)
    pattern = csr_array(kron(path, one) + kron(one, path))
    weights = (4 * CRITICAL_COUPLING * pattern).astype(np.float32)
    return weights, -weights.sum(axis=1) / 2


def plain_sweeps(visible, weights, bias, noise, *, n_sweeps, colours):
    states = np.array(visible.T, dtype=weights.dtype)
    couplings = [weights[members] for members in colours]
    for _ in range(n_sweeps):
        for members, rows in zip(colours, couplings, strict=True):
            mean = expit(rows @ states + bias[members, np.newaxis])
            states[members] = noise.rng.random(mean.shape, mean.dtype) < mean
    return states.T == 1


def thrml_sweeps(weights, bias, colours, n_chains, n_sweeps):
    """Give a function that runs the sweeps in thrml, compiled before."""
    import jax  # noqa: PLC0415
    from thrml import Block, SamplingSchedule, SpinNode, sample_states  # noqa: PLC0415
    from thrml.models import IsingEBM, IsingSamplingProgram, hinton_init  # noqa: PLC0415

    nodes = [SpinNode() for _ in bias]
    first, second = weights.nonzero()
    edges = [(nodes[i], nodes[j]) for i, j in zip(first, second, strict=True) if i < j]
    couplings = np.full(len(edges), CRITICAL_COUPLING, dtype=np.float32)
    model = IsingEBM(
        nodes,
        edges,
        jax.numpy.zeros(len(nodes)),
        jax.numpy.asarray(couplings),
        jax.numpy.asarray(1.0),
    )
    blocks = [Block([nodes[unit] for unit in members]) for members in colours]
    program = IsingSamplingProgram(model, blocks, clamped_blocks=[])
    schedule = SamplingSchedule(n_warmup=n_sweeps, n_samples=1, steps_per_sample=1)
    state = hinton_init(jax.random.key(0), model, blocks, (n_chains,))
    keys = jax.random.split(jax.random.key(1), n_chains)

    @jax.jit
    @jax.vmap
    def sample(key, state):
        return sample_states(key, program, schedule, state, [], [Block(nodes)])

    return lambda: jax.block_until_ready(sample(keys, state))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--chains", type=int, default=100)
    parser.add_argument("--sweeps", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    n_chains, n_sweeps = arguments.chains, arguments.sweeps
    weights, bias = lattice(arguments.side)
    colours = colour_graph(weights)
    rng = np.random.default_rng(0)
    noise = UniformNoise(rng, np.float32)
    start = rng.random((n_chains, len(bias))) < 0.5
    settled = gibbs_sweeps(start, weights, bias, noise, n_sweeps=50, colours=colours)
    timed = implementations()
    timed["plain"] = plain_sweeps
    del timed["naive"]
    machine = settled, weights, bias, noise
    calls = {
        f"{name}, {length} a call": partial(
            in_calls, length, sweeps, *machine, n_sweeps=n_sweeps, colours=colours
        )
        for name, sweeps in timed.items()
        for length in (n_sweeps, 1)
    }
    lengths = dict.fromkeys(calls, n_sweeps)
    if find_spec("thrml") is None:
        print("thrml is absent: pip install thrml")
    else:
        calls["thrml"] = thrml_sweeps(weights, bias, colours, n_chains, n_sweeps)
        lengths["thrml"] = n_sweeps + 1
    with threadpool_limits(1):
        times = interleaved_medians(calls, arguments.repeats)
    each = {name: 1e9 * times[name][0] / settled.size / lengths[name] for name in times}
    if find_spec("dwave") is None:
        print("dwave-samplers is absent: pip install dwave-samplers")
    else:
        seconds = dwave_seconds(weights, bias, n_chains, n_sweeps, arguments.repeats)
        each["dwave-samplers"] = 1e9 * seconds / settled.size / n_sweeps
    print(
        f"{arguments.side} x {arguments.side} sites, {n_chains} chains, {len(colours)}"
    )
    print("colours; ns a site and chain, and as a multiple of our NumPy's")
    reference = each[f"NumPy, {n_sweeps} a call"]
    for name, nanoseconds in each.items():
        print(f"{name:>22} {nanoseconds:7.2f}  {nanoseconds / reference:5.2f} x")


if __name__ == "__main__":
    main()
