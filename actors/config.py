"""What one node needs to know to start: its files, where it listens, who its peers are.

A node's directory::

    node-0/
      seed              32 secret bytes, mode 0600: all the validator's keys
      journal/          votes, certificates and payloads, synced before they leave
      ledger/           finalized blocks (rocksdict)
      logs/             JSON lines, one file for each actor
      zk/  fast/        blocks, receipts and state of each chain (rocksdict)
      prover/           jobs of the prover pool, witnesses and proofs
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ledger.types import ChainRole, ValidatorIndex

ACTOR_NAMESPACE: Final = "braid"


@dataclass(frozen=True, slots=True)
class PeerAddress:
    """Where a validator's libp2p host listens."""

    index: ValidatorIndex
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """Configuration of one node; every actor of the node gets the same one."""

    index: ValidatorIndex
    directory: Path
    genesis_file: Path
    listen: PeerAddress
    peers: tuple[PeerAddress, ...]
    rpc_host: str
    rpc_port: int

    @property
    def seed_file(self) -> Path:
        """The validator's secret seed."""
        return self.directory / "seed"

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
    def prover_directory(self) -> Path:
        """The prover pool's queue, witnesses and proofs."""
        return self.directory / "prover"

    def chain_directory(self, role: ChainRole) -> Path:
        """Blocks, receipts and state of one chain."""
        return self.directory / role.name.lower()

    def actor_name(self, part: str) -> str:
        """Name under which Ray knows one of the node's actors."""
        return f"node-{self.index}/{part}"

    def executor_name(self, role: ChainRole) -> str:
        """Name of the executor actor of one chain."""
        return self.actor_name(f"executor-{role.name.lower()}")
