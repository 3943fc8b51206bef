"""Errors of the embedded L1.

::

    EmbeddedL1Error
    ├── ReorgTooDeep      the blocks to drop are final already
    └── WrongStore        the directory holds another chain
"""


class EmbeddedL1Error(Exception):
    """Base of everything that this package raises."""


class ReorgTooDeep(EmbeddedL1Error):
    """A reorganisation would drop final blocks."""

    def __init__(self, got_blocks: int, limit_blocks: int) -> None:
        super().__init__(f"a reorg of {got_blocks} blocks, at most {limit_blocks} are not final")


class WrongStore(EmbeddedL1Error):
    """The directory holds another chain, or one of another engine's making."""
