"""Warnings that name the line of the user."""

__all__ = ["warn_user"]

import sys
import warnings


def warn_user(message, category):
    """Warn at the line that called into this package, however deep we are."""
    frame, level = sys._getframe(), 1
    while frame is not None and frame.f_globals.get("__name__", "").startswith(
        ("skebm.", "sklearn.")
    ):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
