"""What is known of a partition function."""

__all__ = ["PartitionEstimate"]

from dataclasses import dataclass


@dataclass(frozen=True)
class PartitionEstimate:
    """Estimate of log Z with its error.

    Parameters
    ----------
    log_partition : float
        log Z in nats.
    std : float
        Standard error of `log_partition` in nats, 0 when exact.
    effective_sample_size : float
        How many independent equally weighted draws the estimate is worth,
        infinite when exact.
    """

    log_partition: float
    std: float
    effective_sample_size: float
