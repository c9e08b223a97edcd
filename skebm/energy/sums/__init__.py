"""Sums over all configurations, for energies that allow quick ones."""
