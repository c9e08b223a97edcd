"""Words of messages and of what is printed."""

__all__ = ["counted"]


def counted(number, noun):
    """Write a number with what it counts: "1 row", but "2 rows"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
