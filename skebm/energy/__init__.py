"""Energies: how a configuration is scored.

`base` says what an energy is asked for and has what follows for all; one file each for
those there are. Sampling, learning and partition are written once against `Energy`.
"""
