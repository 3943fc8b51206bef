"""Errors of the prover pool.

::

    PoolError
    ├── FileDamaged         a witness or proof on disk is not what its name says
    ├── PoolClosed          the pool has stopped
    ├── UnusableOptions     options that no pool can run with
    └── WrongBuild          a program's key is not that of the program
"""

from pathlib import Path


class PoolError(Exception):
    """Base of everything that the pool raises on purpose."""


class FileDamaged(PoolError):
    """A witness or proof on disk is not what its name says."""

    def __init__(self, path: Path, problem: str) -> None:
        # The arguments as they are, so that the error can cross between processes.
        super().__init__(path, problem)
        self.path = path
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}; forget its batch and submit it again"


class PoolClosed(PoolError):
    """The pool has stopped; what it holds is on its disk."""


class UnusableOptions(PoolError):
    """Options that no pool can run with."""


class WrongBuild(PoolError):
    """A program's key is not that of the program: they are not of one build."""
