"""The bridge as a Ray actor."""

from collections.abc import Sequence
from typing import Any, Final

import ray

from actors.boot import load_genesis, load_keyring
from actors.bridge.desk import BridgeDesk
from actors.bridge.errors import OtherEpoch
from actors.config import NodeConfig
from actors.execution_messages import BridgeAnswer, FinalBlock
from actors.logs import configure_logs
from ledger.codec import decode
from ledger.crossing import Attestation, CheckpointCertificate
from ledger.genesis import genesis_digest
from ledger.membership import EpochMembers
from ledger.types import BlockNumber, ChainRole, ValidatorIndex
from ledger.validators import ValidatorSet

MAX_MEMBERS_BYTES: Final = 1024 * 1024


@ray.remote(num_cpus=0, max_restarts=-1)
class BridgeActor:
    """Signs, collects and verifies checkpoints."""

    def __init__(self, config: NodeConfig) -> None:
        configure_logs(config, "bridge")
        self._config = config
        self._network = load_genesis(config)
        self._desk = BridgeDesk(self._network, *load_keyring(config))

    def ready(self) -> bool:
        """Answers once the keys are loaded."""
        return True

    def begin_epoch(self, encoded_members: bytes) -> None:
        """Judge by the set of this epoch (:class:`~ledger.membership.EpochMembers`)."""
        found = decode(encoded_members, EpochMembers, limit_bytes=MAX_MEMBERS_BYTES)
        digest = genesis_digest(self._network)
        validators = ValidatorSet.of_epoch(digest, found.epoch, found.members)
        self._desk.begin_epoch(validators, *load_keyring(self._config))

    def verify(self, epoch: int, certificates: Sequence[CheckpointCertificate]) -> bool:
        """Whether all certificates are valid."""
        return self._desk_of(epoch).verify(certificates)

    def attest(self, epoch: int, blocks: Sequence[FinalBlock]) -> BridgeAnswer:
        """Attest final blocks that need a checkpoint."""
        return self._desk_of(epoch).attest(blocks)

    def collect(
        self, epoch: int, attestations: Sequence[tuple[ValidatorIndex, Attestation]]
    ) -> BridgeAnswer:
        """Count attestations of peers."""
        return self._desk_of(epoch).collect(attestations)

    def settled(self, epoch: int, certified: dict[ChainRole, BlockNumber]) -> None:
        """Note the newest checkpoints on the final ledger."""
        self._desk_of(epoch).settled(certified)

    def restart_after(self, epoch: int, role: ChainRole, number: BlockNumber) -> None:
        """Forget what was attested of a chain's later blocks."""
        self._desk_of(epoch).restart_after(role, number)

    def _desk_of(self, epoch: int) -> BridgeDesk:
        if epoch != self._desk.epoch:
            raise OtherEpoch(epoch, self._desk.epoch)
        return self._desk

    def status(self) -> dict[str, Any]:
        """Counts of certificates, rejections and divergences."""
        return {
            "epoch": self._desk.epoch,
            "certified": self._desk.certified_count,
            "rejected": dict(self._desk.rejected),
            "divergences": len(self._desk.divergences),
        }
