"""Errors of the validator's shell.

ValidatorError
├── UnknownParent        a block whose parent is not in the tree
├── JournalDamaged       a journal record that this program did not write
├── ReplayDiffers        a resumed fast chain is not the one that its checkpoint names
├── GenesisMismatch      the data directory belongs to another network or validator
└── PeerMisbehaved       an answer that an honest peer does not give
    ├── MalformedAnswer      bytes that are no message, or a message that is no answer
    ├── UnaskedAnswer        an answer to a question that was not put
    ├── WrongRange           other heights than those asked for, or far fewer than fit
    ├── WrongBlocks          blocks or headers that do not follow from each other
    ├── WrongCertificate     a certificate that does not prove the blocks
    └── PeerSilent           no answer in time, though connected
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


class PeerMisbehaved(ValidatorError):
    """An answer that an honest peer does not give; the transport has authenticated the peer."""


class MalformedAnswer(PeerMisbehaved):
    """Bytes that are no message, or a message that is no answer."""


class UnaskedAnswer(PeerMisbehaved):
    """An answer to a question that was not put."""


class WrongRange(PeerMisbehaved):
    """Other heights than those asked for, or far fewer than fit into an answer."""


class WrongBlocks(PeerMisbehaved):
    """Blocks or headers that do not follow from each other, or break a rule of the ledger."""


class WrongCertificate(PeerMisbehaved):
    """A certificate that does not prove the blocks."""


class PeerSilent(PeerMisbehaved):
    """No answer in time, though connected: withheld, or the link is slow."""
