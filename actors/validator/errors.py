"""Errors of the validator's shell.

ValidatorError
├── UnknownParent        a block whose parent is not in the tree
├── JournalDamaged       a journal record that this program did not write
├── ReplayDiffers        a resumed fast chain is not the one that its checkpoint names
└── GenesisMismatch      the data directory belongs to another network or validator
"""


class ValidatorError(Exception):
    """Base of everything that this package raises."""


class UnknownParent(ValidatorError):
    """A block whose parent is not in the tree."""


class JournalDamaged(ValidatorError):
    """A journal record that this program did not write."""


class GenesisMismatch(ValidatorError):
    """The data directory belongs to another network or validator."""


class ReplayDiffers(ValidatorError):
    """The replay of the fast chain reaches the checkpoint of its resume with another state root."""

    def __init__(self, number: int, got: bytes, expected: bytes) -> None:
        super().__init__(
            f"fast block {number}: got the state root {got.hex()}, the checkpoint has "
            f"{expected.hex()}: resume from an earlier checkpoint"
        )
        self.got = got
        self.expected = expected
