"""Units of zeros and ones, and spins of minus and plus one: the same machines.

With x = (1 + s) / 2 every energy of binary units,

    E(x) = -x' W x / 2 - b.x

is one of spins, E(s) = -s' J s / 2 - h.s, but for a constant, which changes log Z
and no probability.
"""

__all__ = ["binary_from_spins", "spins_from_binary"]


def binary_from_spins(couplings, bias):
    """Give couplings W, biases b and a constant, of couplings J and fields h of spins.

    The energy of the spins is that of the binary units plus the constant, in nats, and
    their log Z that of the binary units less it.
    """
    total = couplings.sum(axis=1)
    constant = bias.sum() - total.sum() / 2
    return 4 * couplings, 2 * (bias - total), float(constant)


def spins_from_binary(couplings, bias):
    """Give couplings J, fields h and a constant, of couplings W and biases b.

    The energy of the binary units is that of the spins plus the constant, in nats, and
    their log Z that of the spins less it.
    """
    total = couplings.sum(axis=1)
    constant = -bias.sum() / 2 - total.sum() / 8
    return couplings / 4, bias / 2 + total / 4, float(constant)
