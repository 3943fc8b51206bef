"""The pool without Ray: the desk on a real disk, with other processes that tests answer for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from actors.prover.pool.desk import PoolDesk
from actors.prover.pool.keeper import QueueKeeper
from actors.prover.pool.messages import Handed, SegmentInput, WorkOrder
from actors.prover.pool.outside import Away, SplitImpossible
from actors.prover.pool.programs import PoolProgram
from proving.jobs import QueueConfig, WorkerId
from proving.parameters import FAST, Parameters
from proving.zkvm.proof_file import KeyRecord

ANN, BEN = WorkerId("ann"), WorkerId("ben")
GOOD, BAD = b"a good proof of ", b"a bad proof of "
QUICK = QueueConfig(pause_ms=1, longest_pause_ms=1)


def program(root: int = 1, parameters: Parameters = FAST) -> PoolProgram:
    """A program by name only: nothing proves it."""
    key = KeyRecord(parameters.name, 0x10000, 0x5000, 6, 6, bytes([root]) * 32)
    return PoolProgram(Path("program.elf"), parameters, key)


def segment(first: int, last: int | None = None) -> SegmentInput:
    """Blocks `first` to `last`; one block, if `last` is not given."""
    last = first if last is None else last
    witness = f"witness of {first} to {last}".encode()
    return SegmentInput(witness, f"{first} to {last}".encode(), (first, last), first, last)


class Outside:
    """Verification and splitting, as other processes would do it."""

    def __init__(self) -> None:
        self.is_verifier_away = False
        self.can_split = True
        self.verified: list[bytes] = []

    async def verify(
        self, program: PoolProgram, proof: bytes, public_values: tuple[int, ...]
    ) -> str:
        if self.is_verifier_away:
            raise Away("the verifier died")
        self.verified.append(proof)
        return "" if proof.startswith(GOOD) else "it is false"

    async def split(self, first_block: int, last_block: int) -> list[SegmentInput]:
        if not self.can_split:
            raise SplitImpossible("the blocks are gone")
        middle = (first_block + last_block) // 2
        return [segment(first_block, middle), segment(middle + 1, last_block)]


class PoolWorld:
    """One directory, and the lives of the desk that keeps it."""

    def __init__(self, directory: Path, config: QueueConfig = QUICK) -> None:
        self.directory = directory
        self.config = config
        self.outside = Outside()
        self.replaced: list[WorkerId] = []
        self.failures: list[BaseException] = []
        self.programs = [program()]
        self.now_ms = 1_000
        self.desk = self._open()

    def _open(self) -> PoolDesk:
        keeper = QueueKeeper(self.directory, self.config, lambda: self.now_ms)
        return PoolDesk(
            keeper,
            self.programs,
            self.outside.verify,
            self.outside.split,
            self.replaced.append,
            self.failures.append,
        )

    async def close(self) -> None:
        """End in good order."""
        await self.desk.close()

    async def crash(self) -> None:
        """Die between two awaits, and live again: nothing is given back or finished."""
        await self.desk._tasks.close()
        self.desk.keeper.close()
        self.desk = self._open()
        self.desk.start()

    async def order(self, worker: WorkerId) -> WorkOrder:
        """A job that is there."""
        self.now_ms += 10
        answer = await self.desk.order_for(worker)
        assert isinstance(answer, WorkOrder)
        return answer

    async def hand_in(self, worker: WorkerId, order: WorkOrder, quality: bytes = GOOD) -> bytes:
        """Hand in a proof; it is not verified yet."""
        proof = quality + order.witness
        handed = Handed(worker, order.job_id, order.token, proof, 100, 0.5)
        await self.desk.hand_in(handed)
        return proof

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let the desk's tasks run until something is true."""
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.001)

    def files(self, shelf: str) -> list[str]:
        """Names of the files on a shelf."""
        return sorted(path.name for path in (self.directory / shelf).iterdir())

    def stages(self, batch_id: bytes) -> list[str]:
        """Stages of a batch's segments."""
        status = self.desk.batch_status(batch_id)
        assert status is not None
        return [entry.stage for entry in status.segments]
