"""Partition functions: turn energies into probabilities."""
