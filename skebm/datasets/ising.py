"""Samples of the Ising model on a square lattice."""

__all__ = ["make_ising_lattice"]

from numbers import Integral, Real

import numpy as np
from scipy.special import expit
from sklearn.utils import Bunch

from skebm.boltzmann_machine import BoltzmannMachine
from skebm.datasets.transfer_matrix import MAX_EXACT_SIDE, TorusLaw
from skebm.estimator.validation import (
    Interval,
    make_generator,
    validate_params,
)


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "n_side": [Interval(Integral, 3, None, closed="left")],
        "coupling": [Interval(Real, 0, None, closed="left")],
        "field": [Interval(Real, None, None, closed="neither")],
        "n_sweeps": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_ising_lattice(
    n_samples=100,
    *,
    n_side=8,
    coupling=0.4,
    field=0.0,
    n_sweeps=1000,
    random_state=None,
):
    r"""Draw spins of the Ising model on a square lattice with joined edges.

    Each spin is coupled to its four neighbours, on a torus. Up to a side of 10 rows
    are exact and independent draws, by transfer matrices [1]_. Larger lattices are
    drawn by Gibbs sampling.

    Parameters
    ----------
    n_samples : int, default=100
        Number of rows.
    n_side : int, default=8
        Width and height of the lattice, at least 3.
    coupling : float, default=0.4
        Of neighbours, not negative: 1 / T in units of the physicists. An infinite
        lattice begins to magnetise at ``log(1 + sqrt(2)) / 2``, 0.4407 [2]_.
    field : float, default=0.0
        Of each spin.
    n_sweeps : int, default=1000
        Gibbs sweeps before each row of lattices with a side of more than 10.
    random_state : int, RandomState instance or None, default=None
        Determines the rows. Pass an int for the same rows at each call.

    Returns
    -------
    dataset : Bunch
        With the attributes

        data : ndarray of shape (n_samples, n_side ** 2)
            Spins of minus and plus one, a lattice a row.
        log_likelihood : ndarray of shape (n_samples,)
            True log-probability of each row, in nats; NaN for a side of more than 10.
        entropy : float
            Of the law of a row, in nats; NaN for a side of more than 10.
        log_partition : float
            log Z in nats; NaN for a side of more than 10.
        couplings : ndarray of shape (n_side ** 2, n_side ** 2)
            True couplings: what a `BoltzmannMachine` with ``states=(-1, 1)`` should
            find.
        intercept : ndarray of shape (n_side ** 2,)
            True biases.
        n_sweeps : int
            Gibbs sweeps made before each row, 0 where draws are exact.

    See Also
    --------
    skebm.BoltzmannMachine : The model that these rows come from.
    sklearn.feature_extraction.image.grid_to_graph : Lattices with open edges.

    Notes
    -----
    The energy of spins s is

    .. math:: E(s) = -K \sum_{\langle j, k \rangle} s_j s_k - h \sum_j s_j

    with the coupling K, a sum over pairs of neighbours, and the field h. Gibbs
    sampling starts each row from all spins up or all down, with the odds that these
    two have to each other. So rows are in the right phase of an ordered lattice, where
    no chain would turn over in good time, and have to forget the start in a disordered
    one, which takes most sweeps near the critical coupling.

    References
    ----------
    .. [1] Kramers, H. A. and Wannier, G. H. (1941). Statistics of the two-dimensional
       ferromagnet. Physical Review 60(3), 252-262. :doi:`10.1103/PhysRev.60.252`
    .. [2] Onsager, L. (1944). Crystal statistics. I. A two-dimensional model with an
       order-disorder transition. Physical Review 65(3-4), 117-149.
       :doi:`10.1103/PhysRev.65.117`

    Examples
    --------
    >>> from skebm import BoltzmannMachine
    >>> from skebm.datasets import make_ising_lattice
    >>> lattice = make_ising_lattice(2000, n_side=4, random_state=0)
    >>> machine = BoltzmannMachine(states=(-1, 1)).fit(lattice.data)
    >>> found = machine.couplings_[lattice.couplings > 0]
    >>> print(f"{found.mean():.2f}")
    0.41
    >>> machine.score(lattice.data) > -lattice.entropy  # it has learned these rows
    True
    """
    couplings = coupling * _neighbours(n_side)
    intercept = np.full(n_side**2, float(field))
    rng = make_generator(random_state)
    if n_side <= MAX_EXACT_SIDE:
        law = TorusLaw.of(n_side, coupling, field)
        data = law.draw(n_samples, rng)
        log_partition, entropy, n_sweeps = law.log_partition, law.entropy, 0
    else:
        data = _drawn_by_chains(couplings, intercept, n_samples, n_sweeps, rng)
        log_partition = entropy = np.nan
    minus_energy = (data @ couplings * data).sum(axis=1) / 2 + data @ intercept
    return Bunch(
        data=data,
        log_likelihood=minus_energy - log_partition,
        entropy=entropy,
        log_partition=log_partition,
        couplings=couplings,
        intercept=intercept,
        n_sweeps=n_sweeps,
    )


def _neighbours(n_side):
    """Give the adjacency of the sites of a torus, row by row."""
    sites = np.arange(n_side**2).reshape(n_side, n_side)
    adjacency = np.zeros((n_side**2, n_side**2))
    for axis in (0, 1):
        adjacency[sites, np.roll(sites, 1, axis=axis)] = 1
    return adjacency + adjacency.T


def _drawn_by_chains(couplings, intercept, n_samples, n_sweeps, rng):
    machine = BoltzmannMachine.from_parameters(
        couplings, intercept, connectivity=couplings, states=(-1, 1)
    )
    up = rng.random(n_samples) < expit(2 * intercept.sum())
    start = np.where(up, 1, -1)[:, np.newaxis].repeat(len(intercept), axis=1)
    seed = int(rng.integers(2**32))
    return machine.sample(n_samples, n_steps=n_sweeps, init=start, random_state=seed)
