"""The bridge as a Ray actor."""

from collections.abc import Sequence
from typing import Any

import ray

from actors.boot import load_genesis, load_keys
from actors.bridge.desk import BridgeDesk
from actors.config import NodeConfig
from actors.execution_messages import BridgeAnswer, FinalBlock
from actors.logs import configure_logs
from ledger.crossing import Attestation, CheckpointCertificate
from ledger.types import BlockNumber, ChainRole, ValidatorIndex


@ray.remote(num_cpus=0, max_restarts=-1)
class BridgeActor:
    """Signs, collects and verifies checkpoints."""

    def __init__(self, config: NodeConfig) -> None:
        configure_logs(config, "bridge")
        genesis = load_genesis(config)
        self._desk = BridgeDesk(config.index, genesis, load_keys(config, genesis))

    def ready(self) -> bool:
        """Answers once the keys are loaded."""
        return True

    def verify(self, certificates: Sequence[CheckpointCertificate]) -> bool:
        """Whether all certificates are valid."""
        return self._desk.verify(certificates)

    def attest(self, blocks: Sequence[FinalBlock]) -> BridgeAnswer:
        """Attest final blocks that need a checkpoint."""
        return self._desk.attest(blocks)

    def collect(self, attestations: Sequence[tuple[ValidatorIndex, Attestation]]) -> BridgeAnswer:
        """Count attestations of peers."""
        return self._desk.collect(attestations)

    def settled(self, certified: dict[ChainRole, BlockNumber]) -> None:
        """Note the newest checkpoints on the final ledger."""
        self._desk.settled(certified)

    def restart_after(self, role: ChainRole, number: BlockNumber) -> None:
        """Forget what was attested of a chain's later blocks."""
        self._desk.restart_after(role, number)

    def status(self) -> dict[str, Any]:
        """Counts of certificates, rejections and divergences."""
        return {
            "certified": self._desk.certified_count,
            "rejected": dict(self._desk.rejected),
            "divergences": len(self._desk.divergences),
        }
