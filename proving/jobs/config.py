"""Times and bounds of the queue."""

from dataclasses import dataclass

MAX_BATCH_JOBS = 1024


@dataclass(frozen=True, slots=True)
class QueueConfig:
    """How patient the queue is.

    Attributes
    ----------
    lease_ms
        How long a worker may be silent.
    longest_run_ms
        Longest that one worker may keep one job, heartbeats or not: then it hangs.
    failures_before_split, losses_before_split
        Of a segment of several blocks.
    failures_before_giving_up
        Of a job that cannot be split.
    pause_ms, longest_pause_ms
        Before a job that failed is tried again; doubles each time, up to the longest.
    open_job_limit
        Unfinished jobs at which no new batch is taken.
    batch_limit
        Batches that are kept, finished ones included.

    Raises
    ------
    ValueError
        If a number is not positive.
    """

    lease_ms: int = 60_000
    longest_run_ms: int = 3_600_000
    failures_before_split: int = 2
    losses_before_split: int = 3
    failures_before_giving_up: int = 4
    pause_ms: int = 2_000
    longest_pause_ms: int = 600_000
    open_job_limit: int = 64
    batch_limit: int = 512

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, got {getattr(self, name)}")

    def pause_after(self, troubles: int) -> int:
        """Milliseconds to wait after so many failures, or losses, of one job."""
        return min(self.pause_ms << min(troubles - 1, 32), self.longest_pause_ms)
