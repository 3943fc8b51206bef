"""What crosses between the chains: messages, checkpoints and their certificates."""

from typing import Annotated, Final

from ledger.bounds import AtMost
from ledger.codec import encode, wire
from ledger.hashing import Domain, domain_prefix
from ledger.membership import (
    MembershipVote,
    SetChangeProposal,
    SetChangeVote,
    membership_vote_message,
)
from ledger.types import (
    BlockNumberField,
    BlsSignatureField,
    ChainIdField,
    Digest,
    Ed25519SignatureField,
    EpochField,
    EvmAddress,
    EvmAddressField,
    EvmHashField,
    GasField,
    SignerBitmapField,
    ValidatorIndexField,
    WeiField,
)

MAX_MESSAGE_DATA_BYTES: Final = 8192
"""The Portal's own limit, and never more. At a longer message, which only a forged outbox has, the
Portal would revert, and with its nonce never taken nothing behind it could be delivered again."""
MAX_MESSAGES_PER_CHECKPOINT: Final = 1024

FORCED_TRANSACTION_ADDRESS: Final = EvmAddress(
    bytes.fromhex("4200000000000000000000000000000000000005")
)
"""Target of the entries of L1's queue whose data are a raw transaction of the ZK chain."""


@wire(30)
class Message:
    """One entry of a chain's outbox, or of L1's queue; ``nonce`` counts its entries from 0."""

    source_chain_id: ChainIdField
    nonce: GasField
    sender: EvmAddressField
    target: EvmAddressField
    value_wei: WeiField
    gas_limit: GasField
    data: Annotated[bytes, AtMost(MAX_MESSAGE_DATA_BYTES)]

    @property
    def is_forced_transaction(self) -> bool:
        """Whether it is a transaction of the ZK chain that L1 forces into it.

        Only in L1's queue: no outbox gives the address a meaning.
        """
        return self.target == FORCED_TRANSACTION_ADDRESS


@wire(31)
class Checkpoint:
    """Result of executing one block, as a validator attests it.

    ``outbox_root`` is the Merkle root over the messages of this block alone, and
    ``next_message_nonce`` the nonce after its last one.
    """

    chain_id: ChainIdField
    number: BlockNumberField
    ledger_digest: EvmHashField
    block_hash: EvmHashField
    state_root: EvmHashField
    receipts_root: EvmHashField
    outbox_root: EvmHashField
    next_message_nonce: GasField


@wire(32)
class Attestation:
    """One validator's BLS signature over a checkpoint."""

    checkpoint: Checkpoint
    signer: ValidatorIndexField
    signature: BlsSignatureField


@wire(33)
class CheckpointCertificate:
    """A quorum's aggregate BLS signature over a checkpoint."""

    checkpoint: Checkpoint
    signers: SignerBitmapField
    signature: BlsSignatureField


@wire(34)
class CertifiedCheckpoint:
    """A certificate with the bodies of all the messages that its outbox root commits to."""

    certificate: CheckpointCertificate
    messages: Annotated[tuple[Message, ...], AtMost(MAX_MESSAGES_PER_CHECKPOINT)]


@wire(35)
class QuarantineVote:
    """A validator's vote to cut the fast chain off; ``sequence`` counts quarantines from 0."""

    epoch: EpochField
    sequence: GasField
    reason: Annotated[str, AtMost(64)]
    signer: ValidatorIndexField
    signature: Ed25519SignatureField


@wire(36)
class ResumeVote:
    """A validator's vote to end a quarantine by replay from a checkpoint."""

    epoch: EpochField
    sequence: GasField
    checkpoint_number: BlockNumberField
    checkpoint_state_root: EvmHashField
    signer: ValidatorIndexField
    signature: Ed25519SignatureField


FastChainVote = QuarantineVote | ResumeVote
OperatorVote = FastChainVote | MembershipVote


def checkpoint_message(genesis: Digest, checkpoint: Checkpoint) -> bytes:
    """The bytes that an attestation signs."""
    return domain_prefix(Domain.CHECKPOINT) + genesis + encode(checkpoint)


def operator_vote_message(genesis: Digest, vote: OperatorVote) -> bytes:
    """The bytes that an operator's vote signs: all of it but signer and signature."""
    if isinstance(vote, (SetChangeProposal, SetChangeVote)):
        return membership_vote_message(genesis, vote)
    sequence = vote.epoch.to_bytes(8, "big") + vote.sequence.to_bytes(8, "big")
    if isinstance(vote, QuarantineVote):
        return domain_prefix(Domain.QUARANTINE) + genesis + sequence + vote.reason.encode()
    return (
        domain_prefix(Domain.RESUME)
        + genesis
        + sequence
        + vote.checkpoint_number.to_bytes(8, "big")
        + vote.checkpoint_state_root
    )
