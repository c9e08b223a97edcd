"""Sweeps over the units of a pairwise machine, each drawn given the others."""

__all__ = ["colour_graph", "gibbs_sweeps", "metropolis_sweeps"]

from skebm.energy.sweeps.colouring import colour_graph
from skebm.energy.sweeps.run import gibbs_sweeps, metropolis_sweeps
