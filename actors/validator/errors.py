"""Errors of the validator's shell.

ValidatorError
├── UnknownParent        a block whose parent is not in the tree
├── JournalDamaged       a journal record that this program did not write
├── ReplayDiffers        a resumed fast chain is not the one that its checkpoint names
├── LedgerDamaged        a ledger on disk that is not what validators have agreed on
├── GenesisMismatch      the data directory belongs to another network or validator
├── BeforeSnapshot       a height before the snapshot that this node's ledger begins with
├── ReplayBeforeSnapshot a replay of blocks that this node, begun from a snapshot, never had
└── PeerMisbehaved       an answer that an honest peer does not give
    ├── MalformedAnswer      bytes that are no message, or a message that is no answer
    ├── UnaskedAnswer        an answer to a question that was not put
    ├── WrongRange           other heights than those asked for, or far fewer than fit
    ├── WrongBlocks          blocks or headers that do not follow from each other
    ├── WrongCertificate     a certificate that does not prove the blocks
    ├── WrongStatement       a word about a snapshot that is not the honest one, or badly signed
    ├── WrongManifest        another manifest or proof than that of the snapshot asked for
    ├── WrongChunk           bytes that are not the chunk that the manifest lists
    └── PeerSilent           no answer in time, though connected
"""


class ValidatorError(Exception):
    """Base of everything that this package raises."""


class UnknownParent(ValidatorError):
    """A block whose parent is not in the tree."""


class JournalDamaged(ValidatorError):
    """A journal record that this program did not write."""


class LedgerDamaged(ValidatorError):
    """A ledger on disk that is not what validators have agreed on, from a height on."""

    def __init__(self, height: int, problem: str) -> None:
        super().__init__(f"block {height}: {problem}")
        self.height = height
        self.problem = problem


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


class BeforeSnapshot(ValidatorError):
    """A height before the snapshot that this node's ledger begins with."""

    def __init__(self, height: int, first_height: int) -> None:
        super().__init__(
            f"height {height}: this node began from a snapshot of height {first_height} and has no "
            "older blocks; ask a node that has been there from the start"
        )


class ReplayBeforeSnapshot(ValidatorError):
    """A replay of blocks that this node, begun from a snapshot, never had."""

    def __init__(self, first_number: int, base_number: int) -> None:
        super().__init__(
            f"the fast chain is replayed from block {first_number}, and this node's snapshot is of "
            f"block {base_number}: stop it, delete its folders ledger, zk, fast and snapshots (not "
            "the journal), and start it again"
        )


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


class WrongStatement(PeerMisbehaved):
    """A word about a snapshot that is not the honest one, or badly signed."""


class WrongManifest(PeerMisbehaved):
    """Another manifest or proof than that of the snapshot asked for."""


class WrongChunk(PeerMisbehaved):
    """Bytes that are not the chunk that the manifest lists."""


class PeerSilent(PeerMisbehaved):
    """No answer in time, though connected: withheld, or the link is slow."""
