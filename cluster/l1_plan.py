"""Which L1 a network settles on, and who does what there: a part of ``network.json``.

::

    .braid/
      l1/deployer.key       who deploys the contracts (32 secret bytes)
      l1/deployment.json    where they are
      l1/chain/             the embedded L1's blocks, if there is one
      node-0/l1.key         who settles
"""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from actors.config import L1Connection
from actors.l1.settings import L1_CHAIN_ID, EngineKind
from ledger.types import ChainId

SETTLING_NODES: Final = (0,)
"""More would do no harm and little good: on one machine they would prove the same twice."""

EMBEDDED_CONFIRMATIONS: Final = 1
"""The embedded L1 makes a block when there is a transaction, and drops none."""

EMBEDDED: Final = "embedded"
NONE: Final = "none"

ALLOWANCE_WEI: Final = 1_000 * 10**18
KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class EmbeddedL1Plan:
    """An L1 that the network brings along."""

    port: int
    engine: EngineKind


@dataclass(frozen=True, slots=True)
class L1Plan:
    """How a network settles.

    Attributes
    ----------
    url
        JSON-RPC endpoint.
    embedded
        None where L1 is somebody else's.
    deployer_nonce
        Of the deployer's first transaction: the Rollup's address follows from it.
    provers
        Workers of the settling node's prover pool at most; without any, batches are posted and
        wait for their proofs.
    prover_gpus
        GPUs that Ray sets aside for each; with none it goes where there are processors.
    """

    url: str
    embedded: EmbeddedL1Plan | None
    confirmations: int
    deployer_nonce: int = 0
    provers: int = 0
    prover_gpus: float = 0.0
    parameter_set: str = "fast"
    batch_age_seconds: float = 60.0

    def to_json(self) -> dict[str, Any]:
        """For ``network.json``."""
        embedded = self.embedded
        return {
            "url": self.url,
            "embedded": None
            if embedded is None
            else {"port": embedded.port, "engine": embedded.engine.value},
            "confirmations": self.confirmations,
            "deployer_nonce": self.deployer_nonce,
            "provers": self.provers,
            "prover_gpus": self.prover_gpus,
            "parameter_set": self.parameter_set,
            "batch_age_seconds": self.batch_age_seconds,
        }

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "L1Plan":
        """From ``network.json``; raises what a damaged file makes it raise."""
        embedded = found["embedded"]
        return cls(
            url=str(found["url"]),
            embedded=None
            if embedded is None
            else EmbeddedL1Plan(int(embedded["port"]), EngineKind(embedded["engine"])),
            confirmations=int(found["confirmations"]),
            deployer_nonce=int(found["deployer_nonce"]),
            provers=int(found["provers"]),
            prover_gpus=float(found.get("prover_gpus", 0.0)),
            parameter_set=str(found["parameter_set"]),
            batch_age_seconds=float(found["batch_age_seconds"]),
        )

    def connection(self, directory: Path, index: int) -> L1Connection:
        """How one node of the network sees L1."""
        settles = index in SETTLING_NODES
        return L1Connection(
            url=self.url,
            deployment_file=directory / "l1" / "deployment.json",
            confirmations=self.confirmations,
            settles=settles,
            parameter_set=self.parameter_set,
            batch_age_seconds=self.batch_age_seconds,
            deployer_key_file=directory / "l1" / "deployer.key" if settles else None,
            deployer_nonce=self.deployer_nonce,
        )


def embedded_plan(
    port: int,
    engine: EngineKind,
    provers: int,
    batch_age_seconds: float,
    prover_gpus: float = 0.0,
) -> L1Plan:
    """A network that brings its L1 along."""
    return L1Plan(
        url=f"http://127.0.0.1:{port}",
        embedded=EmbeddedL1Plan(port, engine),
        confirmations=EMBEDDED_CONFIRMATIONS,
        provers=provers,
        prover_gpus=prover_gpus,
        batch_age_seconds=batch_age_seconds,
    )


@dataclass(frozen=True, slots=True)
class L1Keys:
    """Secrets of a new network on L1."""

    deployer: bytes
    settling: dict[int, bytes]


def new_keys(deployer: bytes | None = None) -> L1Keys:
    """Fresh secrets, but for the deployer's if there is one."""
    settling = {index: secrets.token_bytes(KEY_BYTES) for index in SETTLING_NODES}
    return L1Keys(deployer or secrets.token_bytes(KEY_BYTES), settling)


@dataclass(frozen=True, slots=True)
class L1Choice:
    """What a new network is to settle on."""

    plan: L1Plan
    chain_id: ChainId
    keys: L1Keys


def embedded_choice(
    port: int,
    engine: EngineKind,
    provers: int = 0,
    batch_age_seconds: float = 60.0,
    prover_gpus: float = 0.0,
) -> L1Choice:
    """An L1 that the network brings along."""
    plan = embedded_plan(port, engine, provers, batch_age_seconds, prover_gpus)
    return L1Choice(plan, L1_CHAIN_ID, new_keys())


@dataclass(frozen=True, slots=True)
class L1Request:
    """Options of the command line, as they were given."""

    l1: str = EMBEDDED
    port: int | None = None
    engine: str = EngineKind.WASM.value
    key_file: Path | None = None
    provers: int = 0
    prover_gpus: float = 0.0
