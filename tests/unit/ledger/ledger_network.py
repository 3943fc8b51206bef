"""A network of four validators with real keys."""

from dataclasses import replace

from ledger.crossing import (
    Attestation,
    Checkpoint,
    OperatorVote,
    QuarantineVote,
    ResumeVote,
    checkpoint_message,
    operator_vote_message,
)
from ledger.genesis import (
    PROTOCOL_VERSION,
    ChainGenesis,
    Genesis,
    GenesisAllocation,
    L1Anchor,
    StorageSlot,
    Timing,
)
from ledger.keys import ValidatorKeys
from ledger.types import (
    BlockNumber,
    ChainId,
    ChainRole,
    Digest,
    Ed25519Signature,
    Epoch,
    EvmAddress,
    EvmHash,
    TimestampMs,
    ValidatorIndex,
    View,
)
from ledger.validators import ValidatorSet
from ledger.votes import (
    Finalize,
    Notarize,
    Nullify,
    Proposal,
    Round,
    signed_message,
)

KEYS = tuple(ValidatorKeys(bytes([number]) * 32) for number in range(1, 5))


def chain(role: ChainRole, chain_id: int) -> ChainGenesis:
    return ChainGenesis(
        role=role,
        chain_id=ChainId(chain_id),
        gas_limit=30_000_000,
        is_base_fee_zero=False,
        initial_base_fee_wei=10**9,
        checkpoint_interval_blocks=16,
        allocations=(
            GenesisAllocation(EvmAddress(b"\x0a" * 20), 10**18, 0, b"", (StorageSlot(1, 2),)),
            GenesisAllocation(EvmAddress(b"\x0b" * 20), 0, 1, b"\x60\x00", ()),
        ),
    )


GENESIS = Genesis(
    network="test",
    protocol_version=PROTOCOL_VERSION,
    epoch=Epoch(2),
    timestamp_ms=TimestampMs(1_800_000_000_000),
    validators=tuple(keys.genesis_entry(f"v{place}") for place, keys in enumerate(KEYS)),
    timing=Timing(400, 100, 500, 2000, 1000),
    chains=(chain(ChainRole.ZK, 7001), chain(ChainRole.FAST, 7002)),
    l1=L1Anchor(ChainId(1), EvmAddress(b"\x0c" * 20)),
)
NETWORK = ValidatorSet(GENESIS)
OTHER_NETWORK = ValidatorSet(replace(GENESIS, network="other"))
PROPOSAL = Proposal(Epoch(2), View(9), View(8), Digest(b"\x05" * 32))
CHECKPOINT = Checkpoint(
    ChainId(7002), BlockNumber(16), *(EvmHash(bytes([place]) * 32) for place in range(5)), 3
)


def at(number: int) -> ValidatorIndex:
    return ValidatorIndex(number)


def notarize(signer: int, proposal: Proposal = PROPOSAL) -> Notarize:
    message = signed_message(Notarize, NETWORK.digest, proposal)
    return Notarize(proposal, at(signer), KEYS[signer].consensus.sign(message))


def finalize(signer: int, proposal: Proposal = PROPOSAL) -> Finalize:
    message = signed_message(Finalize, NETWORK.digest, proposal)
    return Finalize(proposal, at(signer), KEYS[signer].consensus.sign(message))


def nullify(signer: int, view: int = 9) -> Nullify:
    subject = Round(Epoch(2), View(view))
    message = signed_message(Nullify, NETWORK.digest, subject)
    return Nullify(subject, at(signer), KEYS[signer].consensus.sign(message))


def attest(signer: int, checkpoint: Checkpoint = CHECKPOINT) -> Attestation:
    message = checkpoint_message(NETWORK.digest, checkpoint)
    return Attestation(checkpoint, at(signer), KEYS[signer].checkpoint.sign(message))


def quarantine_vote(signer: int, reason: str = "why") -> QuarantineVote:
    vote = QuarantineVote(Epoch(2), 0, reason, at(signer), Ed25519Signature(bytes(64)))
    return replace(vote, signature=sign_operator_vote(signer, vote))


def resume_vote(signer: int) -> ResumeVote:
    vote = ResumeVote(
        Epoch(2), 0, BlockNumber(3), EvmHash(b"\x01" * 32), at(signer), Ed25519Signature(bytes(64))
    )
    return replace(vote, signature=sign_operator_vote(signer, vote))


def sign_operator_vote(signer: int, vote: OperatorVote) -> Ed25519Signature:
    return KEYS[signer].consensus.sign(operator_vote_message(NETWORK.digest, vote))
