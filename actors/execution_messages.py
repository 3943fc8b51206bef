"""What the validator tells its executors and its bridge, and what they answer.

Plain frozen values: they travel between actors of one operator, who trust each other.
"""

from dataclasses import dataclass

from bridge.attestations import Divergence
from bridge.triggers import NO_REFUSALS, Refusals
from bridge.work import ChainWork
from execution.types import Address, Hash32
from ledger.crossing import Attestation, CertifiedCheckpoint, Message
from ledger.types import BlockNumber, ChainRole, Digest, EvmHash, Height, TimestampMs, View


@dataclass(frozen=True, slots=True)
class ExecuteBlock:
    """Execute a block on top of ``chain_parent``, rolling back whatever stands above that."""

    role: ChainRole
    number: BlockNumber
    digest: Digest
    chain_parent: Digest
    height: Height
    view: View
    timestamp_ms: TimestampMs
    coinbase: Address
    work: ChainWork
    transactions: tuple[bytes, ...]
    senders: tuple[Address | None, ...]


@dataclass(frozen=True, slots=True)
class FinalizeBlock:
    """A block that was executed, and all before it, are final: store them.

    ``attested_digest`` is what a checkpoint of the block names as its ledger digest.
    ``snapshot_height`` is the height of the snapshot that the state after it belongs to, if it
    belongs to one.
    """

    number: BlockNumber
    digest: Digest
    attested_digest: Digest
    snapshot_height: Height | None = None


@dataclass(frozen=True, slots=True)
class ResetChain:
    """Forget everything and go back to the genesis state: a replay follows.

    ``replay`` is the digest of the ledger block that orders it.
    """

    replay: Digest


@dataclass(frozen=True, slots=True)
class LoadSnapshot:
    """Forget everything and take the chain's part of a snapshot, which was verified, instead.

    ``directory`` holds the snapshot (:mod:`actors.snapshots.files`).
    """

    directory: str


ExecutorCommand = ExecuteBlock | FinalizeBlock | ResetChain | LoadSnapshot


@dataclass(frozen=True, slots=True)
class ExecutedBlock:
    """Result of one execution, as the rest of the node needs it.

    ``account_nonces`` holds the nonces after the block of everyone who sent a
    transaction in it, included or skipped. ``refusals`` is what a block of the ZK chain
    refused the fast chain. ``left_over`` are hashes of transactions that a block of the ZK chain
    had no room to prove: a later block may take them.
    """

    role: ChainRole
    number: BlockNumber
    digest: Digest
    block_hash: EvmHash
    state_root: EvmHash
    receipts_root: EvmHash
    messages: tuple[Message, ...]
    next_message_nonce: int
    account_nonces: dict[Address, int]
    refusals: Refusals = NO_REFUSALS
    left_over: frozenset[Hash32] = frozenset()


@dataclass(frozen=True, slots=True)
class FinalBlock:
    """An executed block that is final, with the digest that its checkpoint names."""

    executed: ExecutedBlock
    attested_digest: Digest


@dataclass(frozen=True, slots=True)
class ExecutorAnswer:
    """Answer to a batch of commands, each kind in order."""

    executed: tuple[ExecutedBlock, ...]
    final: tuple[FinalBlock, ...]


@dataclass(frozen=True, slots=True)
class ExecutorProgress:
    """Newest final block that an executor has stored; number 0 for the genesis.

    ``replay`` is the digest of the ledger block that ordered the replay which this
    execution is, or None if it is the first execution.
    """

    final_number: BlockNumber
    final_digest: Digest
    replay: Digest | None


@dataclass(frozen=True, slots=True)
class BridgeAnswer:
    """What became possible: own attestations to send, and checkpoints to propose.

    ``rejected`` are the reasons why attestations of peers do not count, ``divergences`` the
    disagreements that were found.
    """

    attestations: tuple[Attestation, ...]
    certified: tuple[CertifiedCheckpoint, ...]
    rejected: tuple[str, ...] = ()
    divergences: tuple[Divergence, ...] = ()
