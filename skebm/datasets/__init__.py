"""Data whose law is known, and with it the best score that a model can have.

Each generator gives, beside its rows, the log-probability of every row and the entropy
of the law they come from: no model scores higher, on average, than its negative.
"""

__all__ = [
    "make_bars_and_stripes",
    "make_ising_lattice",
    "make_labelled_shifter",
    "make_laplace_sources",
    "make_shifting_bar",
]

from skebm.datasets.ising import make_ising_lattice
from skebm.datasets.patterns import (
    make_bars_and_stripes,
    make_labelled_shifter,
    make_shifting_bar,
)
from skebm.datasets.sources import make_laplace_sources
