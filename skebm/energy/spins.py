"""Units of zeros and ones, and spins of minus and plus one: the same machines.

With x = (1 + s) / 2 every energy of binary units,

    E(x) = -x' W x / 2 - b.x

is one of spins, E(s) = -s' J s / 2 - h.s, but for a constant, which changes log Z
and no probability.
"""

__all__ = ["binary_from_spins", "spins_from_binary"]


def binary_from_spins(couplings, bias):
    """Give the parameters of binary units that describe the law of spins.

    Parameters
    ----------
    couplings : ndarray of shape (n_units, n_units)
        J above, symmetric with zero diagonal.
    bias : ndarray of shape (n_units,)
        The fields h.

    Returns
    -------
    couplings : ndarray of shape (n_units, n_units)
        W above.
    bias : ndarray of shape (n_units,)
        The biases b.
    constant : float
        The energy of the spins is that of the binary units plus this, in nats, and
        their log Z that of the binary units less this.
    """
    total = couplings.sum(axis=1)
    constant = bias.sum() - total.sum() / 2
    return 4 * couplings, 2 * (bias - total), float(constant)


def spins_from_binary(couplings, bias):
    """Give the parameters of spins that describe the law of binary units.

    Parameters
    ----------
    couplings : ndarray of shape (n_units, n_units)
        W above, symmetric with zero diagonal.
    bias : ndarray of shape (n_units,)
        The biases b.

    Returns
    -------
    couplings : ndarray of shape (n_units, n_units)
        J above.
    bias : ndarray of shape (n_units,)
        The fields h.
    constant : float
        The energy of the binary units is that of the spins plus this, in nats, and
        their log Z that of the spins less this.
    """
    total = couplings.sum(axis=1)
    constant = -bias.sum() / 2 - total.sum() / 8
    return couplings / 4, bias / 2 + total / 4, float(constant)
