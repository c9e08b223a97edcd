"""Robust densities of tables, in which outliers may hide, and offsets of scores."""
