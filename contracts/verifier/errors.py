"""Errors of the package.

ContractError
├── UnsupportedMachineError  a machine whose proofs the contract cannot verify
├── UnsplittableProofError   a proof with a part that fits in no transaction
└── SessionError             what the chain says about a session makes no sense
"""

from __future__ import annotations

from contracts.errors import ContractError


class UnsupportedMachineError(ContractError):
    """The contract cannot verify proofs of this machine."""


class UnsplittableProofError(ContractError):
    """A part of a proof that has to be in one transaction is too long for one."""

    def __init__(self, part: str, most_bytes: int, got_bytes: int) -> None:
        super().__init__(f"{part}: expected at most {most_bytes} bytes, got {got_bytes}")
        self.part = part


class SessionError(ContractError):
    """What the chain says about a session is not what the contract can say."""
