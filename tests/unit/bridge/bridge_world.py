"""Four validators with real keys, and a ledger that grows by real blocks."""

from dataclasses import dataclass, field, replace

from bridge.checkpoints import certificates_of
from bridge.outbox import outbox_root
from bridge.rules import apply_block
from bridge.state import BridgeState, initial_state
from bridge.work import ChainWork
from ledger.block import BlockBody, BlockHeader, LedgerBlock, SealedBlock, body_digest, seal
from ledger.bls import aggregate
from ledger.crossing import (
    FORCED_TRANSACTION_ADDRESS,
    Attestation,
    CertifiedCheckpoint,
    Checkpoint,
    CheckpointCertificate,
    Message,
    OperatorVote,
    QuarantineVote,
    ResumeVote,
    checkpoint_message,
    operator_vote_message,
)
from ledger.evidence import ConflictingNotarize, Evidence
from ledger.genesis import PROTOCOL_VERSION, ChainGenesis, Genesis, L1Anchor, Timing
from ledger.hashing import keccak
from ledger.keys import ValidatorKeys
from ledger.signers import pack_signers
from ledger.types import (
    BlockNumber,
    ChainId,
    ChainRole,
    Digest,
    Ed25519Signature,
    Epoch,
    EvmAddress,
    EvmHash,
    Height,
    TimestampMs,
    ValidatorIndex,
    View,
)
from ledger.validators import ValidatorSet
from ledger.votes import Notarize, Proposal, signed_message

ZK, FAST = ChainRole.ZK, ChainRole.FAST
KEYS = tuple(ValidatorKeys(bytes([index]) * 32) for index in range(1, 5))
START_MS = 1_800_000_000_000
TIMING = Timing(
    delta_ms=400,
    idle_interval_ms=100,
    zk_interval_ms=500,
    zk_idle_interval_ms=2000,
    max_drift_ms=1000,
)


def _chain(role: ChainRole, chain_id: int) -> ChainGenesis:
    return ChainGenesis(
        role=role,
        chain_id=ChainId(chain_id),
        gas_limit=30_000_000,
        is_base_fee_zero=role is FAST,
        initial_base_fee_wei=0,
        checkpoint_interval_blocks=4,
        allocations=(),
    )


GENESIS = Genesis(
    network="test",
    protocol_version=PROTOCOL_VERSION,
    epoch=Epoch(7),
    timestamp_ms=TimestampMs(START_MS),
    validators=tuple(keys.genesis_entry(f"v{index}") for index, keys in enumerate(KEYS)),
    timing=TIMING,
    chains=(_chain(ZK, 7001), _chain(FAST, 7002)),
    l1=L1Anchor(ChainId(7000), EvmAddress(b"\x33" * 20)),
)
VALIDATORS = ValidatorSet(GENESIS)


def index(number: int) -> ValidatorIndex:
    return ValidatorIndex(number)


def root(text: str) -> EvmHash:
    """A state root with a name."""
    return keccak(text.encode())


def message(source: ChainRole, nonce: int, data: bytes = b"", gas_limit: int = 0) -> Message:
    return Message(
        source_chain_id=GENESIS.chain(source).chain_id,
        nonce=nonce,
        sender=EvmAddress(b"\x11" * 20),
        target=EvmAddress(b"\x22" * 20),
        value_wei=nonce,
        gas_limit=gas_limit,
        data=data,
    )


def messages(source: ChainRole, first_nonce: int, count: int) -> tuple[Message, ...]:
    return tuple(message(source, first_nonce + offset) for offset in range(count))


def l1_message(nonce: int, data: bytes = b"", gas_limit: int = 0) -> Message:
    """An entry of L1's queue."""
    return replace(message(ZK, nonce, data, gas_limit), source_chain_id=GENESIS.l1.chain_id)


def forced(nonce: int, raw: bytes = b"\x02 a transaction") -> Message:
    """A forced transaction in L1's queue."""
    entry = l1_message(nonce, raw, gas_limit=0)
    return replace(entry, target=FORCED_TRANSACTION_ADDRESS, value_wei=0)


def checkpoint_of(
    state: BridgeState,
    role: ChainRole,
    number: int,
    sent: tuple[Message, ...] = (),
    state_root: EvmHash | None = None,
) -> Checkpoint:
    """What an honest node attests of a block of this ledger."""
    digest = state.expected_ledger_digest(role, BlockNumber(number))
    next_nonce = sent[-1].nonce + 1 if sent else state.chain(role).next_message_nonce
    return Checkpoint(
        chain_id=state.chain(role).chain_id,
        number=BlockNumber(number),
        ledger_digest=EvmHash(digest if digest is not None else bytes(32)),
        block_hash=root(f"hash {role} {number}"),
        state_root=root(f"state {role} {number}") if state_root is None else state_root,
        receipts_root=root(f"receipts {role} {number}"),
        outbox_root=outbox_root(sent),
        next_message_nonce=next_nonce,
    )


def attest(checkpoint: Checkpoint, signer: int) -> Attestation:
    signature = KEYS[signer].checkpoint.sign(checkpoint_message(VALIDATORS.digest, checkpoint))
    return Attestation(checkpoint, index(signer), signature)


def certify(
    checkpoint: Checkpoint, sent: tuple[Message, ...] = (), signers: tuple[int, ...] = (0, 1, 2)
) -> CertifiedCheckpoint:
    """A checkpoint under real signatures."""
    signature = aggregate([attest(checkpoint, signer).signature for signer in signers])
    bitmap = pack_signers(index(signer) for signer in signers)
    return CertifiedCheckpoint(CheckpointCertificate(checkpoint, bitmap, signature), sent)


def quarantine_vote(signer: int, sequence: int = 0, reason: str = "test") -> QuarantineVote:
    vote = QuarantineVote(Epoch(7), sequence, reason, index(signer), Ed25519Signature(bytes(64)))
    signed = KEYS[signer].consensus.sign(operator_vote_message(VALIDATORS.digest, vote))
    return replace(vote, signature=signed)


def resume_vote(signer: int, number: int, state_root: EvmHash, sequence: int = 0) -> ResumeVote:
    vote = ResumeVote(
        Epoch(7),
        sequence,
        BlockNumber(number),
        state_root,
        index(signer),
        Ed25519Signature(bytes(64)),
    )
    signed = KEYS[signer].consensus.sign(operator_vote_message(VALIDATORS.digest, vote))
    return replace(vote, signature=signed)


def notarize(signer: int, view: int, payload: bytes) -> Notarize:
    proposal = Proposal(Epoch(7), View(view), View(0), Digest(payload))
    signature = KEYS[signer].consensus.sign(signed_message(Notarize, VALIDATORS.digest, proposal))
    return Notarize(proposal, index(signer), signature)


def equivocation(signer: int, view: int = 5) -> ConflictingNotarize:
    return ConflictingNotarize(
        notarize(signer, view, b"\x01" * 32), notarize(signer, view, b"\x02" * 32)
    )


def build_block(
    state: BridgeState,
    role: ChainRole,
    checkpoints: tuple[CertifiedCheckpoint, ...] = (),
    evidence: tuple[Evidence, ...] = (),
    operator_votes: tuple[OperatorVote, ...] = (),
    transactions: tuple[bytes, ...] = (),
    l1_messages: tuple[Message, ...] = (),
    **overrides: object,
) -> SealedBlock:
    """A valid block on top of a state, or one with some header fields changed."""
    body = BlockBody(transactions, checkpoints, evidence, operator_votes, l1_messages)
    view = state.view + 1
    header = BlockHeader(
        epoch=Epoch(7),
        view=View(view),
        height=Height(state.height + 1),
        parent=state.digest,
        chain=role,
        chain_block_number=BlockNumber(state.chain(role).number + 1),
        timestamp_ms=TimestampMs(state.timestamp_ms + 30),
        proposer=leader_of(view),
        body=body_digest(body),
    )
    return seal(LedgerBlock(replace(header, **overrides), body))  # type: ignore[arg-type]  # any field


def leader_of(view: int) -> ValidatorIndex:
    return index((7 + view) % 4)


@dataclass
class LedgerWorld:
    """A ledger that grows block by block, with the work that each block had."""

    state: BridgeState = field(default_factory=lambda: initial_state(GENESIS))
    blocks: list[SealedBlock] = field(default_factory=list)
    works: list[ChainWork] = field(default_factory=list)

    def push(
        self,
        role: ChainRole,
        checkpoints: tuple[CertifiedCheckpoint, ...] = (),
        evidence: tuple[Evidence, ...] = (),
        operator_votes: tuple[OperatorVote, ...] = (),
        l1_messages: tuple[Message, ...] = (),
    ) -> ChainWork:
        """Append a valid block; gives its work."""
        sealed = build_block(
            self.state, role, checkpoints, evidence, operator_votes, l1_messages=l1_messages
        )
        return self.push_sealed(sealed)

    def push_sealed(self, sealed: SealedBlock) -> ChainWork:
        self.state, work = apply_block(
            self.state, sealed, VALIDATORS, leader_of(sealed.header.view)
        )
        self.blocks.append(sealed)
        self.works.append(work)
        return work

    def try_push(self, sealed: SealedBlock) -> None:
        """Judge a block without keeping it."""
        apply_block(self.state, sealed, VALIDATORS, leader_of(sealed.header.view))

    def certified(
        self, role: ChainRole, number: int, count: int = 0, state_root: EvmHash | None = None
    ) -> CertifiedCheckpoint:
        """A certified checkpoint of a block that sent ``count`` messages."""
        sent = messages(role, self.state.chain(role).next_message_nonce, count)
        return certify(checkpoint_of(self.state, role, number, sent, state_root), sent)

    def quarantine(self, sequence: int = 0, role: ChainRole = ZK) -> ChainWork:
        """Append a block with a quorum of quarantine votes."""
        votes = tuple(quarantine_vote(signer, sequence) for signer in range(3))
        return self.push(role, operator_votes=votes)

    def resume(
        self, number: int, state_root: EvmHash, sequence: int = 0, role: ChainRole = ZK
    ) -> ChainWork:
        """Append a block with a quorum of resume votes."""
        votes = tuple(resume_vote(signer, number, state_root, sequence) for signer in range(3))
        return self.push(role, operator_votes=votes)


def verify_all_certificates(sealed: SealedBlock) -> None:
    """What a validator does before it votes for a block."""
    for certificate in certificates_of(sealed.block):
        VALIDATORS.verify_checkpoint(certificate)


def delivered(works: list[ChainWork], role: ChainRole) -> list[Message]:
    """Everything that was delivered into a chain, in order."""
    return [item.message for work in works if work.role is role for item in work.deliveries]
