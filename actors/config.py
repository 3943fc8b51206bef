"""What one node needs to know to start: its files, where it listens, who its peers are.

A node's directory::

    node-0/
      seed              32 secret bytes, mode 0600: all the validator's keys
      seed-1 seed-2 …   the same for keys that have replaced them, or are to
      journal/          votes, certificates and payloads, synced before they leave
      ledger/           finalized blocks (rocksdict)
      logs/             JSON lines, one file for each actor
      zk/  fast/        blocks, receipts and state of each chain (rocksdict)
      snapshots/        states for nodes that are far behind, and the one that this node began from
      prover/           jobs of the prover pool, witnesses and proofs
      settlement/       what was cut and signed for L1, synced before it leaves
      l1.key            secret of the account that settles; only on nodes that do
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ledger.types import ChainRole, ValidatorIndex

DEFAULT_SPACING_BLOCKS: Final = 4_096
"""Ledger blocks between two snapshots that a node keeps for others."""

DEFAULT_THRESHOLD_BLOCKS: Final = 16_384
"""A node that is further behind fetches a snapshot: blocks would take minutes to execute."""

ACTOR_NAMESPACE: Final = "braid"
L1_ACTOR: Final = "l1"
"""Name of the embedded L1: one for the network, on the machine of its first node."""


MAX_LATER_SEEDS: Final = 32


@dataclass(frozen=True, slots=True)
class PeerAddress:
    """Where a validator's libp2p host listens, or where it is dialled.

    ``ip_version``: 4 or 6 if the host is a name that is to be followed to such addresses only.
    """

    index: ValidatorIndex
    host: str
    port: int
    ip_version: int | None = None


@dataclass(frozen=True, slots=True)
class L1Connection:
    """How a node sees L1, and what it does there.

    Attributes
    ----------
    url
        JSON-RPC endpoint. Each operator should use one that they trust: what it says about the
        queue decides how this node's validator votes.
    deployment_file
        Where the contracts are (:mod:`settlement.deployment`). A node waits for it.
    confirmations
        A block of L1 counts when so many are there, itself included.
    settles
        Whether this node posts and proves batches, with the key in `NodeConfig.l1_key_file`.
    parameter_set
        Of the proofs that the verifier on L1 takes.
    batch_age_seconds
        Age of the oldest block with a transaction at which a batch is cut, full or not.
    deployer_key_file
        Secret of who deploys the contracts where they are not there yet; None leaves that
        to others.
    deployer_nonce
        Of the deployer's first transaction; the genesis names the Rollup that it leads to.
    """

    url: str
    deployment_file: Path
    confirmations: int = 2
    settles: bool = False
    parameter_set: str = "fast"
    batch_age_seconds: float = 60.0
    deployer_key_file: Path | None = None
    deployer_nonce: int = 0


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """Configuration of one node; every actor of the node gets the same one.

    ``automatic_quarantine``: the node casts its own vote to cut the fast chain off when
    what it sees is a reason to (:mod:`bridge.triggers`). The spacing and the threshold of
    snapshots are those of :class:`actors.validator.snapshots.SnapshotSettings`.
    """

    index: ValidatorIndex
    directory: Path
    genesis_file: Path
    listen: PeerAddress
    peers: tuple[PeerAddress, ...]
    rpc_host: str
    rpc_port: int
    l1: L1Connection | None = None
    automatic_quarantine: bool = True
    snapshot_spacing_blocks: int = DEFAULT_SPACING_BLOCKS
    snapshot_threshold_blocks: int = DEFAULT_THRESHOLD_BLOCKS

    @property
    def seed_file(self) -> Path:
        """The validator's secret seed."""
        return self.directory / "seed"

    @property
    def seed_files(self) -> tuple[Path, ...]:
        """The seed, and those of keys that have replaced the first ones, or are to."""
        later = [self.later_seed_file(number) for number in range(1, MAX_LATER_SEEDS + 1)]
        return (self.seed_file, *(file for file in later if file.exists()))

    def later_seed_file(self, number: int) -> Path:
        """Where the seed of the keys lies that came after so many others."""
        return self.directory / f"seed-{number}"

    @property
    def journal_directory(self) -> Path:
        """Votes and payloads."""
        return self.directory / "journal"

    @property
    def ledger_directory(self) -> Path:
        """Finalized ledger blocks."""
        return self.directory / "ledger"

    @property
    def log_directory(self) -> Path:
        """Logs, one file for each actor."""
        return self.directory / "logs"

    @property
    def snapshot_directory(self) -> Path:
        """Snapshots."""
        return self.directory / "snapshots"

    @property
    def prover_directory(self) -> Path:
        """The prover pool's queue, witnesses and proofs."""
        return self.directory / "prover"

    @property
    def settlement_directory(self) -> Path:
        """The settlement journal."""
        return self.directory / "settlement"

    @property
    def l1_key_file(self) -> Path:
        """Secret of the node's account on L1."""
        return self.directory / "l1.key"

    def chain_directory(self, role: ChainRole) -> Path:
        """Blocks, receipts and state of one chain."""
        return self.directory / role.name.lower()

    def actor_name(self, part: str) -> str:
        """Name under which Ray knows one of the node's actors."""
        return f"node-{self.index}/{part}"

    def executor_name(self, role: ChainRole) -> str:
        """Name of the executor actor of one chain."""
        return self.actor_name(f"executor-{role.name.lower()}")
