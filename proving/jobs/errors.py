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
        super().__init__(f"{what}: expected {expected}, got {got}")
        self.expected = expected
        self.got = got


class QueueDamaged(JobsError):
    """What the disk holds is no queue: move the pool's directory away, and submit again."""
