"""Errors of the consensus package.

ConsensusError
├── JournalContradiction       the journal holds two votes that an honest validator never casts
├── ConflictingCertificates    two certificates that cannot both exist with at most f traitors
└── InvalidTiming              a configuration that cannot make progress

None of them is an answer to a bad peer: a bad peer is an effect
(:class:`~consensus.effects.PeerFault`, :class:`~consensus.effects.EvidenceFound`).
These errors mean that the node has to stop and its operator has to look.
"""

from ledger.types import View


class ConsensusError(Exception):
    """Base of everything that this package raises."""


class JournalContradiction(ConsensusError):
    """The journal is not one that this validator wrote."""

    def __init__(self, view: View, what: str) -> None:
        super().__init__(
            f"journal, view {view}: {what}; stop this validator: "
            "its key is used elsewhere, or its journal belongs to another node"
        )


class ConflictingCertificates(ConsensusError):
    """More than f validators broke the protocol: the order is no longer agreed."""

    def __init__(self, view: View, held: str, got: str) -> None:
        super().__init__(
            f"view {view}: holding a {held}, got a valid {got} that contradicts it; "
            "more than f validators are traitors"
        )


class InvalidTiming(ConsensusError):
    """A delta below one millisecond, or windows of no views."""
