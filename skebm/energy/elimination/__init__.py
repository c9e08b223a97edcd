"""Sums over all configurations of units by eliminating one unit after the other."""
