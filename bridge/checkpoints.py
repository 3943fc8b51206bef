"""Which checkpoints the ledger takes, and what they change.

A checkpoint of a block certifies that block's messages alone. The next one must
start with the next nonce, so a block without messages may be passed over, but one
with messages never is.
"""

from dataclasses import replace

from bridge.errors import (
    CheckpointAhead,
    CheckpointNotNewer,
    FastChainQuarantined,
    MessageOutOfOrder,
    QueueFull,
    UnknownChain,
    WrongLedgerDigest,
    WrongNextNonce,
    WrongOutboxRoot,
)
from bridge.outbox import outbox_root
from bridge.state import (
    MAX_PENDING_MESSAGES,
    MAX_PENDING_ZK_ROOTS,
    MAX_QUEUED_MESSAGES,
    MAX_RETAINED_CHECKPOINTS,
    BridgeState,
    ChainState,
    RetainedCheckpoint,
)
from bridge.tightening import relax_if_clean
from ledger.block import LedgerBlock
from ledger.crossing import CertifiedCheckpoint, Checkpoint, CheckpointCertificate, Message
from ledger.genesis import ChainGenesis
from ledger.types import BlockNumber, ChainRole


def needs_checkpoint(chain: ChainGenesis, number: BlockNumber, message_count: int) -> bool:
    """Whether validators attest the block: at every interval, and whenever it sent messages."""
    is_at_interval = number % chain.checkpoint_interval_blocks == 0
    return is_at_interval or message_count > 0


def certificates_of(block: LedgerBlock) -> tuple[CheckpointCertificate, ...]:
    """What to put through ``ValidatorSet.verify_checkpoint`` before voting for a block.

    2 ms each, so :func:`bridge.rules.apply_block` leaves it to the caller, who
    remembers those that its own pool made.
    """
    return tuple(checkpoint.certificate for checkpoint in block.body.checkpoints)


def accept_checkpoint(state: BridgeState, certified: CertifiedCheckpoint) -> BridgeState:
    """The state with one more checkpoint, whose certificate is taken as verified.

    Raises
    ------
    CheckpointRejected
        One of its subclasses, if the checkpoint does not follow from the state.
    """
    checkpoint = certified.certificate.checkpoint
    role = state.role_of(checkpoint.chain_id)
    if role is None:
        raise UnknownChain(f"no chain has the id {checkpoint.chain_id}")
    if role is ChainRole.FAST and state.quarantine.is_active:
        raise FastChainQuarantined(f"quarantined since height {state.quarantine.since_height}")
    source, destination = state.chain(role), state.chain(role.other)
    _check_block(source, checkpoint)
    _check_messages(source, checkpoint, certified.messages)
    pending = destination.pending + certified.messages
    limit = MAX_PENDING_MESSAGES if state.quarantine.is_active else MAX_QUEUED_MESSAGES
    if len(pending) > limit:
        raise QueueFull(f"{len(pending)} messages, at most {limit} may wait")

    retained = RetainedCheckpoint(
        checkpoint.number, checkpoint.state_root, checkpoint.next_message_nonce
    )
    source = replace(
        source,
        checkpoints=(*source.checkpoints, retained)[-MAX_RETAINED_CHECKPOINTS:],
        next_message_nonce=checkpoint.next_message_nonce,
    )
    state = state.with_chain(role, source)
    state = state.with_chain(role.other, replace(destination, pending=pending))
    if role is ChainRole.FAST:
        return relax_if_clean(state)
    roots = (*state.pending_zk_roots, retained)[-MAX_PENDING_ZK_ROOTS:]
    return replace(state, pending_zk_roots=roots)


def _check_block(source: ChainState, checkpoint: Checkpoint) -> None:
    if checkpoint.number <= source.certified.number:
        raise CheckpointNotNewer(f"of block {checkpoint.number}, after {source.certified.number}")
    if checkpoint.number > source.number:
        raise CheckpointAhead(f"of block {checkpoint.number}, the chain has {source.number}")
    expected = source.digests.find(checkpoint.number)
    if expected is None:
        raise WrongLedgerDigest(f"block {checkpoint.number} is too old to be certified")
    if bytes(checkpoint.ledger_digest) != bytes(expected):
        raise WrongLedgerDigest(
            f"block {checkpoint.number}: got {checkpoint.ledger_digest.hex()}, "
            f"expected {expected.hex()}"
        )


def _check_messages(
    source: ChainState, checkpoint: Checkpoint, messages: tuple[Message, ...]
) -> None:
    for nonce, message in enumerate(messages, start=source.next_message_nonce):
        is_in_order = message.source_chain_id == source.chain_id and message.nonce == nonce
        if not is_in_order:
            raise MessageOutOfOrder(
                f"message {message.nonce} of chain {message.source_chain_id}, "
                f"expected {nonce} of chain {source.chain_id}"
            )
    next_nonce = source.next_message_nonce + len(messages)
    if checkpoint.next_message_nonce != next_nonce:
        raise WrongNextNonce(f"got {checkpoint.next_message_nonce}, expected {next_nonce}")
    root = outbox_root(messages)
    if checkpoint.outbox_root != root:
        raise WrongOutboxRoot(f"got {checkpoint.outbox_root.hex()}, expected {root.hex()}")
