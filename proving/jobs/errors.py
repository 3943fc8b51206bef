"""Errors of the job queue.

::

    JobsError
    ├── InvalidSegments     segments that are no batch, or halves that are not the whole
    └── QueueDamaged        what the disk holds is no queue
"""


class JobsError(Exception):
    """Base of everything that this package raises on purpose."""


class InvalidSegments(JobsError):
    """Segments that do not follow one another, or do not cover what they should."""

    def __init__(self, what: str, expected: object, got: object) -> None:
        # The arguments as they are, so that the error can cross between processes.
        super().__init__(what, expected, got)
        self.what = what
        self.expected = expected
        self.got = got

    def __str__(self) -> str:
        return f"{self.what}: expected {self.expected}, got {self.got}"


class QueueDamaged(JobsError):
    """What the disk holds is no queue: move the pool's directory away, and submit again."""
