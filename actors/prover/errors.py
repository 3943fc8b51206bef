"""Errors of batch proving.

BatchProvingError
├── HistoryIncomplete   the node does not have the blocks (yet)
├── BlockTooLarge       one block needs more cycles than one proof covers
├── GuestDisagrees      the guest's statement is not the engine's
└── StatementRejected   a proof file whose statements its proofs do not show, or that do not chain
"""

from __future__ import annotations


class BatchProvingError(Exception):
    """Base of everything that proving a batch raises on purpose."""


class HistoryIncomplete(BatchProvingError):
    """The node does not have the blocks that were asked for."""


class BlockTooLarge(BatchProvingError):
    """One block needs more cycles than one proof covers."""

    def __init__(self, number: int, cycles: int, limit: int) -> None:
        super().__init__(f"block {number} needs {cycles} cycles, one proof covers {limit}")
        self.number = number
        self.cycles = cycles


class GuestDisagrees(BatchProvingError):
    """The guest commits to another statement than the engine: their builds differ."""

    def __init__(self, first_block: int, last_block: int) -> None:
        super().__init__(
            f"blocks {first_block} to {last_block}: the guest's statement is not the engine's; "
            "stf.elf and stf.wasm are not of one build"
        )


class StatementRejected(BatchProvingError):
    """The statements of a proof file are not what its proofs show, or do not form a chain."""
