"""Errors of the validator's shell.

ValidatorError
├── UnknownParent        a block whose parent is not in the tree
├── JournalDamaged       a journal record that this program did not write
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
