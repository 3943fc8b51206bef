"""How the validator reaches the other actors of its node, without knowing that they are actors."""

from collections.abc import Sequence
from typing import Protocol

from actors.execution_messages import (
    BridgeAnswer,
    ExecutorAnswer,
    ExecutorCommand,
    ExecutorProgress,
    FinalBlock,
)
from execution.types import Address
from ledger.crossing import Attestation, CheckpointCertificate, Message
from ledger.types import BlockNumber, ChainRole, ValidatorIndex
from ledger.validators import ValidatorSet


class PartUnavailable(Exception):
    """An actor of this node died or restarts; the call may be made again later."""


class ExecutorClient(Protocol):
    """One chain's executor. Every method raises :class:`PartUnavailable` when it is away."""

    async def apply(self, commands: Sequence[ExecutorCommand]) -> ExecutorAnswer:
        """Run commands in order."""
        ...

    async def account_nonces(self, addresses: Sequence[Address]) -> Sequence[int]:
        """Nonces at the newest executed block."""
        ...

    async def progress(self) -> ExecutorProgress:
        """Where the executor stands on disk; forgets executed blocks that are not final."""
        ...

    async def final_results(self, first_number: int, limit: int) -> tuple[FinalBlock, ...]:
        """Results of final blocks from a number on, to attest them again after a restart."""
        ...

    async def final_headers(self, first_number: int, count: int) -> Sequence[bytes]:
        """Ethereum headers of final blocks from a number on, as many as there are."""
        ...


class BridgeClient(Protocol):
    """The node's bridge. Every method raises :class:`PartUnavailable` when it is away."""

    def begin_epoch(self, validators: ValidatorSet) -> None:
        """Have certificates and attestations judged by this set from now on; returns at once."""
        ...

    async def verify(self, certificates: Sequence[CheckpointCertificate]) -> bool:
        """Whether all these checkpoint certificates carry a valid quorum signature."""
        ...

    async def attest(self, blocks: Sequence[FinalBlock]) -> BridgeAnswer:
        """Attest final blocks that need a checkpoint."""
        ...

    async def collect(
        self, attestations: Sequence[tuple[ValidatorIndex, Attestation]]
    ) -> BridgeAnswer:
        """Count attestations of peers."""
        ...

    async def settled(self, certified: dict[ChainRole, BlockNumber]) -> None:
        """Note the newest checkpoints that the final ledger holds."""
        ...

    async def restart_after(self, role: ChainRole, number: BlockNumber) -> None:
        """Forget what was attested of a chain's later blocks: they are executed anew."""
        ...


class L1View(Protocol):
    """L1's queue as this node sees it; raises :class:`PartUnavailable` when it cannot be seen."""

    async def messages(self, first_nonce: int, limit: int) -> tuple[Message, ...]:
        """Confirmed entries in order, from a nonce on, as many as there are up to ``limit``."""
        ...
