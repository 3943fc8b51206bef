"""The validator's executors, bridge and view of L1 as Ray actors."""

from collections.abc import Sequence
from typing import Any

from actors.bridge.errors import OtherEpoch
from actors.calls import ActorAway, ActorLink
from actors.execution_messages import (
    BridgeAnswer,
    ExecutorAnswer,
    ExecutorCommand,
    ExecutorProgress,
    FinalBlock,
)
from actors.executor.errors import OutOfStep
from actors.settlement.errors import SettlementUnavailable
from actors.validator.clients import PartUnavailable
from execution.types import Address
from ledger.codec import encode
from ledger.crossing import Attestation, CheckpointCertificate, Message
from ledger.membership import EpochMembers
from ledger.types import BlockNumber, ChainRole, ValidatorIndex
from ledger.validators import ValidatorSet


class _Remote:
    def __init__(self, actor_name: str) -> None:
        self._link = ActorLink(actor_name)

    async def _call(self, method: str, *arguments: Any) -> Any:
        try:
            return await self._link.call(method, *arguments)
        except (ActorAway, OutOfStep, SettlementUnavailable) as error:
            raise PartUnavailable(str(error)) from error


class RemoteExecutor(_Remote):
    """An :class:`~actors.validator.clients.ExecutorClient` over Ray."""

    async def apply(self, commands: Sequence[ExecutorCommand]) -> ExecutorAnswer:
        """Run commands in order."""
        answer: ExecutorAnswer = await self._call("apply", commands)
        return answer

    async def account_nonces(self, addresses: Sequence[Address]) -> Sequence[int]:
        """Nonces at the newest executed block."""
        nonces: Sequence[int] = await self._call("account_nonces", addresses)
        return nonces

    async def progress(self) -> ExecutorProgress:
        """Where the executor stands on disk."""
        progress: ExecutorProgress = await self._call("progress")
        return progress

    async def final_results(self, first_number: int, limit: int) -> tuple[FinalBlock, ...]:
        """Results of final blocks from a number on."""
        results: tuple[FinalBlock, ...] = await self._call("final_results", first_number, limit)
        return results

    async def final_headers(self, first_number: int, count: int) -> Sequence[bytes]:
        """Ethereum headers of final blocks from a number on, as many as there are."""
        headers: Sequence[bytes] = await self._call("final_headers", first_number, count)
        return headers


class RemoteBridge(_Remote):
    """A :class:`~actors.validator.clients.BridgeClient` over Ray.

    The actor knows the set of the genesis when it starts, and may start at any time. So
    each call names the epoch, and an actor that is in another one is told the set first.
    """

    def __init__(self, actor_name: str) -> None:
        super().__init__(actor_name)
        self._validators: ValidatorSet | None = None

    def begin_epoch(self, validators: ValidatorSet) -> None:
        """Have certificates and attestations judged by this set from now on."""
        self._validators = validators

    async def _call(self, method: str, *arguments: Any) -> Any:
        validators = self._validators
        if validators is None:
            raise PartUnavailable("no epoch has begun")
        try:
            return await super()._call(method, validators.epoch, *arguments)
        except OtherEpoch:
            members = EpochMembers(validators.epoch, validators.members)
            await super()._call("begin_epoch", encode(members))
            return await super()._call(method, validators.epoch, *arguments)

    async def verify(self, certificates: Sequence[CheckpointCertificate]) -> bool:
        """Whether all certificates are valid."""
        is_valid: bool = await self._call("verify", certificates)
        return is_valid

    async def attest(self, blocks: Sequence[FinalBlock]) -> BridgeAnswer:
        """Attest final blocks that need a checkpoint."""
        answer: BridgeAnswer = await self._call("attest", blocks)
        return answer

    async def collect(
        self, attestations: Sequence[tuple[ValidatorIndex, Attestation]]
    ) -> BridgeAnswer:
        """Count attestations of peers."""
        answer: BridgeAnswer = await self._call("collect", attestations)
        return answer

    async def settled(self, certified: dict[ChainRole, BlockNumber]) -> None:
        """Note the newest checkpoints that the final ledger holds."""
        await self._call("settled", certified)

    async def restart_after(self, role: ChainRole, number: BlockNumber) -> None:
        """Forget what was attested of a chain's later blocks."""
        await self._call("restart_after", role, number)


class RemoteL1View(_Remote):
    """An :class:`~actors.validator.clients.L1View` over Ray: the node's settlement actor."""

    async def messages(self, first_nonce: int, limit: int) -> tuple[Message, ...]:
        """Confirmed entries of L1's queue, from a nonce on."""
        messages: tuple[Message, ...] = await self._call("l1_messages", first_nonce, limit)
        return messages
