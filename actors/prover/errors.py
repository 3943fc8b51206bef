"""Errors of batch proving. They keep their arguments, so that they cross between processes.

BatchProvingError
├── HistoryIncomplete   the node does not have the blocks (yet)
├── SegmentUnsplittable one block cannot be cut in two
├── BlockTooLarge       one block needs more cycles than one proof covers
├── GuestDisagrees      the guest's statement is not the engine's
└── StatementRejected   a proof file whose statements its proofs do not show, or that do not chain
"""

from __future__ import annotations


class BatchProvingError(Exception):
    """Base of everything that proving a batch raises on purpose."""


class HistoryIncomplete(BatchProvingError):
    """The node does not have the blocks that were asked for."""


class SegmentUnsplittable(BatchProvingError):
    """One block cannot be cut in two."""

    def __init__(self, first_block: int, last_block: int) -> None:
        super().__init__(first_block, last_block)
        self.expected = "at least two blocks"
        self.got = (first_block, last_block)

    def __str__(self) -> str:
        return f"to split a segment: expected {self.expected}, got blocks {self.got}"


class BlockTooLarge(BatchProvingError):
    """One block needs more cycles than one proof covers."""

    def __init__(self, number: int, cycles: int, limit: int) -> None:
        super().__init__(number, cycles, limit)
        self.number = number
        self.cycles = cycles
        self.limit = limit

    def __str__(self) -> str:
        return f"block {self.number} needs {self.cycles} cycles, one proof covers {self.limit}"


class GuestDisagrees(BatchProvingError):
    """The guest commits to another statement than the engine: their builds differ."""

    def __init__(self, first_block: int, last_block: int) -> None:
        super().__init__(first_block, last_block)
        self.first_block = first_block
        self.last_block = last_block

    def __str__(self) -> str:
        return (
            f"blocks {self.first_block} to {self.last_block}: the guest's statement is not the "
            "engine's; stf.elf and stf.wasm are not of one build"
        )


class StatementRejected(BatchProvingError):
    """The statements of a proof file are not what its proofs show, or do not form a chain."""
