"""Sampling: draws configurations from an energy."""
