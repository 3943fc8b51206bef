"""Errors of the executor.

ExecutorError
├── OutOfStep         a command does not follow what was executed: the feed starts again
└── StoreDamaged      the stored state does not fit the stored head
"""


class ExecutorError(Exception):
    """Base of everything that this package raises."""


class OutOfStep(ExecutorError):
    """A command does not follow what was executed."""


class StoreDamaged(ExecutorError):
    """The stored state does not fit the stored head."""
