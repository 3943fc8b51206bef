"""Errors of the bridge package.

BridgeError
├── BlockRejected                    a block breaks a rule; nobody votes for it
│   ├── HeaderRejected
│   │   ├── WrongEpoch
│   │   ├── WrongHeight
│   │   ├── WrongParent
│   │   ├── ViewNotAfterParent
│   │   ├── WrongChainNumber
│   │   ├── WrongProposer
│   │   ├── TimestampBeforeParent
│   │   ├── TimestampAhead           dated too far ahead of this node's clock
│   │   ├── WrongBody                the header's digest is that of another body
│   │   ├── WrongNextMembers         names another next set, or one where no epoch ends
│   │   ├── BlockTooLarge
│   │   └── ChainTooFarAhead         too many blocks without a checkpoint
│   ├── CheckpointRejected
│   │   ├── UnknownChain
│   │   ├── FastChainQuarantined
│   │   ├── CheckpointNotNewer
│   │   ├── CheckpointAhead          of a block that is not ordered before this one
│   │   ├── WrongLedgerDigest        of a block on another ledger, or before a replay
│   │   ├── MessageOutOfOrder
│   │   ├── WrongNextNonce
│   │   ├── WrongOutboxRoot
│   │   └── QueueFull
│   ├── EvidenceRejected
│   │   ├── InvalidEvidence
│   │   └── AlreadyConvicted
│   ├── OperatorVoteRejected
│   │   ├── InvalidOperatorVote      signature, signer or epoch
│   │   ├── WrongSequence
│   │   ├── DuplicateVote
│   │   ├── NotQuarantined           a resume vote with nothing to resume from
│   │   ├── AlreadyQuarantined
│   │   ├── UnknownResumePoint       not a checkpoint that the ledger has certified
│   │   ├── TooManyResumeVotes
│   │   └── SetChangeRejected
│   │       ├── InvalidSetChange     breaks a bound, or lacks a proof
│   │       ├── WrongNotice          begins too soon, or too late
│   │       ├── AlreadyProposed
│   │       ├── UnknownChange
│   │       └── ChangeDecided
│   └── L1MessageRejected
│       ├── NoL1                     the genesis names no L1
│       ├── L1MessageOutOfOrder      of another chain, or not the next of L1's queue
│       ├── L1MessageTooLarge        more gas or data than the Portal takes
│       ├── MalformedForcedTransaction
│       └── L1QueueFull
└── AttestationRejected              an attestation that the pool does not take
    ├── NotTheSigner                 sent by another validator than its signer
    ├── OutsideWindow
    └── DuplicateAttestation
"""


class BridgeError(Exception):
    """Base of everything that this package raises."""


class BlockRejected(BridgeError):
    """A ledger block breaks a rule of the ledger."""


class HeaderRejected(BlockRejected):
    """A block's header does not follow from the block before it."""


class _Mismatch(HeaderRejected):
    """A header field with another value than the state demands."""

    def __init__(self, got: object, expected: object) -> None:
        super().__init__(f"got {_shown(got)}, expected {_shown(expected)}")
        self.got = got
        self.expected = expected


class WrongEpoch(_Mismatch):
    """Not the epoch of the validator set."""


class WrongHeight(_Mismatch):
    """Not the parent's height plus one."""


class WrongParent(_Mismatch):
    """Not the digest of the block before."""


class WrongChainNumber(_Mismatch):
    """Not the next number of the block's chain."""


class WrongProposer(_Mismatch):
    """Not the leader of the block's view."""


class WrongBody(_Mismatch):
    """The header's digest is that of another body."""


class ViewNotAfterParent(HeaderRejected):
    """Not a later view than the parent's."""


class TimestampBeforeParent(HeaderRejected):
    """Dated before the block that it extends."""


class TimestampAhead(HeaderRejected):
    """Dated too far ahead of this node's clock."""


class WrongNextMembers(_Mismatch):
    """Not the digest of the next epoch's set, or one in the middle of an epoch."""


class BlockTooLarge(HeaderRejected):
    """Longer than a block may be."""


class ChainTooFarAhead(HeaderRejected):
    """Too many blocks of the chain since its last certified checkpoint."""


class CheckpointRejected(BlockRejected):
    """A certified checkpoint that does not follow from the ledger."""


class UnknownChain(CheckpointRejected):
    """The chain id is neither chain's."""


class FastChainQuarantined(CheckpointRejected):
    """No checkpoint of the fast chain counts while it is quarantined."""


class CheckpointNotNewer(CheckpointRejected):
    """Not after the chain's last certified checkpoint."""


class CheckpointAhead(CheckpointRejected):
    """Of a block that is not ordered before the block that carries the checkpoint."""


class WrongLedgerDigest(CheckpointRejected):
    """Of another block, or of the execution before a replay."""


class MessageOutOfOrder(CheckpointRejected):
    """A message of another chain, or not with the next nonce."""


class WrongNextNonce(CheckpointRejected):
    """The nonce after the last message is not what the checkpoint says."""


class WrongOutboxRoot(CheckpointRejected):
    """The messages are not those that the outbox root commits to."""


class QueueFull(CheckpointRejected):
    """The other chain has too many messages to deliver already."""


class EvidenceRejected(BlockRejected):
    """Evidence that convicts nobody, or nobody new."""


class InvalidEvidence(EvidenceRejected):
    """The votes do not contradict each other, or are not signed."""


class AlreadyConvicted(EvidenceRejected):
    """The ledger has evidence against this validator."""


class OperatorVoteRejected(BlockRejected):
    """A quarantine or resume vote that does not count."""


class InvalidOperatorVote(OperatorVoteRejected):
    """Wrong epoch, signer or signature."""


class WrongSequence(OperatorVoteRejected):
    """A vote about another quarantine."""


class DuplicateVote(OperatorVoteRejected):
    """The ledger has this vote."""


class NotQuarantined(OperatorVoteRejected):
    """A resume vote while the fast chain is not quarantined."""


class AlreadyQuarantined(OperatorVoteRejected):
    """A quarantine vote while the fast chain is quarantined."""


class UnknownResumePoint(OperatorVoteRejected):
    """Not a checkpoint of the fast chain that the ledger has certified, or too old a one."""


class TooManyResumeVotes(OperatorVoteRejected):
    """The validator has voted for as many checkpoints as it may."""


class SetChangeRejected(OperatorVoteRejected):
    """A proposal of a new validator set, or a vote for one, that does not count."""


class InvalidSetChange(SetChangeRejected):
    """A change that breaks a bound, or lacks a proof."""


class WrongNotice(SetChangeRejected):
    """A change that would begin too soon, or too late."""


class AlreadyProposed(SetChangeRejected):
    """The validator has an open change, or the change is open."""


class UnknownChange(SetChangeRejected):
    """A vote for a change that is not open, or too late a one."""


class ChangeDecided(SetChangeRejected):
    """The end of the epoch is decided."""


class L1MessageRejected(BlockRejected):
    """An entry of L1's queue that cannot be the next on the ledger."""


class NoL1(L1MessageRejected):
    """The genesis names no L1."""


class L1MessageOutOfOrder(L1MessageRejected):
    """An entry of another chain, or not with the next nonce."""


class L1MessageTooLarge(L1MessageRejected):
    """More gas or data than the Portal takes."""


class MalformedForcedTransaction(L1MessageRejected):
    """A forced transaction with value or gas, or with no bytes."""


class L1QueueFull(L1MessageRejected):
    """Too many entries wait to be delivered already."""


class AttestationRejected(BridgeError):
    """An attestation that the pool does not take; its signature was not looked at."""


class NotTheSigner(AttestationRejected):
    """Sent by another validator than its signer: a wrong signature would have no culprit."""


class OutsideWindow(AttestationRejected):
    """Of an unknown chain, or of a block too old or too far ahead."""


class DuplicateAttestation(AttestationRejected):
    """The signer has attested this block before."""


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
