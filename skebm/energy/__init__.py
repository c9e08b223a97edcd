"""Energies: how a configuration is scored.

One file an energy. An energy is a small immutable object of parameter arrays;
sampling, learning and partition are written once against its methods, and those of
the machine in the coordinates in which it learns. CONTRIBUTING.rst lists what they
are and which of the layers above calls each.
"""
