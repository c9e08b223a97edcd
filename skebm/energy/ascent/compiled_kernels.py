"""Updates one after the other in a loop that numba compiles; only where it is."""

__all__ = ["ascend_in_place"]

import numpy as np

from skebm._compilation import compile_loop
from skebm.energy.ascent.compiled_product import add_product, product
from skebm.energy.layers.compiled_kernels import centre, draw_below, weigh_and_draw


def ascend_in_place(machine, batches, rates, chains, variates):
    """Make one update of a machine for each batch; as in `array_kernels`."""
    offsets = machine.offsets
    sizes = np.array([len(batch) for batch in batches])
    return _ascend(
        machine.matrix,
        (np.concatenate(batches), sizes, np.array(rates)),
        chains,
        variates,
        (offsets.visible, offsets.hidden, offsets.twice_centred),
    )


@compile_loop
def _ascend(matrix, batches, chains, variates, offsets):
    """Make updates by so many rows each, at a rate of its own."""
    rows, sizes, rates = batches
    visible, hidden, twice_centred = offsets
    n_chains = len(chains)
    n_hidden, n_visible = matrix.shape
    n_below, n_above = n_chains * n_visible, n_chains * n_hidden
    start = drawn = 0
    for size, rate in zip(sizes, rates):  # noqa: B905 - numba has no strict zip
        batch = rows[start : start + size]
        start += size
        field = product(centre(chains, hidden), matrix, False)
        uniform = variates[drawn : drawn + n_below].reshape(field.shape)
        drawn += n_below
        both = draw_below(batch, field, uniform, visible)
        means = product(both, matrix, True)
        uniform = variates[drawn : drawn + n_above].reshape(chains.shape)
        drawn += n_above
        weights = rate / size, -rate / n_chains
        chains = weigh_and_draw(means, uniform, twice_centred, *weights)
        add_product(means, both, matrix, (True, False), 1)
    return chains
