"""How rows held out say that learning has gone on for long enough."""

__all__ = ["QUICK", "Stopping"]

from typing import NamedTuple


class Stopping(NamedTuple):
    """How long learning waits for rows held out to gain, and what it ends with.

    Parameters
    ----------
    patience : int or None
        Measurements without improvement that make a plateau. None: there are none.
    max_plateaus : int, default=3
        Plateaus in a row, each at a smaller step size, that end learning.
    overfitting : float, default=0.01
        By how much, in nats, rows learned from have to gain on those held out for
        plateaus to be overfitting. Others are waited for three times as long.
    finishing_share : float, default=0.05
        Updates in the end that learn from all rows, as a share of those made until the
        best machine. After the third plateau steps are small, and twice as many
        gained no more.
    """

    patience: int
    max_plateaus: int = 3
    overfitting: float = 0.01
    finishing_share: float = 0.05


# Ends at the first plateau. Steps are still long then, and it is left to the last
# updates to make them small: by a tenth instead of a third, up to four nats were lost.
QUICK = Stopping(3, max_plateaus=1, overfitting=0.05, finishing_share=1 / 3)
