"""A range of blocks as segments, each small enough for one proof, chained by state root."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from actors.prover.errors import BlockTooLarge, GuestDisagrees
from execution.block_data import BatchBlock
from execution.engine import WasmEngine
from execution.statement import Accumulators, Statement, public_values
from execution.types import AccountChange, BlockOutput, ChainSpec
from execution.witness import build_witness, encode_witness, run_batch
from proving.machine.executor import run_only
from proving.machine.layout import MAXIMUM_CYCLES
from proving.machine.program import Program

DEFAULT_SEGMENT_CYCLES: Final = 3_000_000
"""Most cycles of a segment of several blocks; a single block may have up to the machine's limit."""

MAX_SEGMENT_BLOCKS: Final = 64
"""The engine retains 256 blocks."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a builder stands: after a block that is in a segment, or was skipped.

    Attributes
    ----------
    header_rlp
        The block's header.
    accumulators
        The hash chains after it.
    """

    number: int
    header_rlp: bytes
    accumulators: Accumulators


OnAdvance = Callable[[Standing, Sequence[AccountChange]], None]
"""Called with where a builder stands now, and how the state changed since it stood before."""

OnBlock = Callable[[int], None]
"""Called with the number of a block before it is looked at."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Consecutive blocks, proved as one.

    Attributes
    ----------
    witness
        Input of the guest.
    statement
        What the guest is expected to prove.
    cycles
        How long the guest takes.
    transaction_count, system_transaction_count
        Users' transactions, and the ledger's own: deliveries from the fast chain among them.
    """

    witness: bytes
    statement: Statement
    cycles: int
    transaction_count: int
    system_transaction_count: int


class BatchBuilder:
    """Builds witnesses of consecutive blocks, from genesis on, or from where one stood.

    Parameters
    ----------
    guest
        The state transition function as a program of the zkVM.
    l1_chain_id
        L1 whose messages count as deposits, as the genesis names it; 0 where there is none.
    start
        An engine after its last block, and where that is; genesis if it is not given.
    """

    def __init__(
        self,
        spec: ChainSpec,
        guest: Program,
        l1_chain_id: int,
        start: tuple[WasmEngine, Standing] | None = None,
        on_advance: OnAdvance | None = None,
    ) -> None:
        self._spec = spec
        self._guest = guest
        self._l1_chain_id = l1_chain_id
        self._engine = WasmEngine(spec) if start is None else start[0]
        self._accumulators = Accumulators() if start is None else start[1].accumulators
        self._on_advance = on_advance
        self._unreported: deque[BlockOutput] = deque()

    def skip(self, blocks: Sequence[BatchBlock]) -> None:
        """Execute blocks that are not to be proved."""
        for start in range(0, len(blocks), MAX_SEGMENT_BLOCKS):
            chunk = blocks[start : start + MAX_SEGMENT_BLOCKS]
            after = run_batch(self.witness(chunk)).after
            for entry in chunk:
                self._execute(entry)
            self._advance(chunk[-1].block.number, after)

    def witness(self, blocks: Sequence[BatchBlock]) -> bytes:
        """Witness of the next blocks as one segment, whatever its cycles."""
        return encode_witness(
            build_witness(self._engine, self._spec, blocks, self._l1_chain_id, self._accumulators)
        )

    def segments(
        self,
        blocks: Sequence[BatchBlock],
        segment_cycles: int = DEFAULT_SEGMENT_CYCLES,
        on_block: OnBlock | None = None,
    ) -> Iterator[Segment]:
        """Cut blocks into segments of about `segment_cycles` cycles.

        Raises
        ------
        BlockTooLarge
            One block alone takes more cycles than one proof covers.
        GuestDisagrees
            The guest does not say what the engine says.
        """
        chunk: list[BatchBlock] = []
        estimate = 0
        for entry in blocks:
            if on_block:
                on_block(entry.block.number)
            cycles = self._execute_and_measure(entry)
            is_full = len(chunk) == MAX_SEGMENT_BLOCKS or estimate + cycles > segment_cycles
            if chunk and is_full:
                yield self._segment(chunk)
                chunk, estimate = [], 0
            chunk.append(entry)
            estimate += cycles
        if chunk:
            yield self._segment(chunk)

    def _execute_and_measure(self, entry: BatchBlock) -> int:
        """Cycles that a block takes as a segment of its own, which is more than in a longer one."""
        self._execute(entry)
        cycles = run_only(self._guest, self.witness([entry])).cycles
        if cycles > MAXIMUM_CYCLES:
            raise BlockTooLarge(entry.block.number, cycles, MAXIMUM_CYCLES)
        return cycles

    def part(self, blocks: Sequence[BatchBlock], before: Accumulators) -> Segment:
        """Segment of some blocks that are in an earlier segment already.

        Parameters
        ----------
        before
            The hash chains before the first of them.

        Raises
        ------
        UnknownBlockError
            The engine does not retain the state before them any more.
        GuestDisagrees
            The guest does not say what the engine says.
        """
        witness = encode_witness(
            build_witness(self._engine, self._spec, blocks, self._l1_chain_id, before)
        )
        statement = run_batch(witness)
        run = run_only(self._guest, witness)
        if run.public_values != public_values(statement):
            raise GuestDisagrees(statement.first_block, statement.last_block)
        count = sum(len(entry.block.transactions) for entry in blocks)
        deliveries = sum(len(entry.block.system_transactions) for entry in blocks)
        return Segment(witness, statement, run.cycles, count, deliveries)

    def _segment(self, chunk: Sequence[BatchBlock]) -> Segment:
        segment = self.part(chunk, self._accumulators)
        self._advance(segment.statement.last_block, segment.statement.after)
        return segment

    def _execute(self, entry: BatchBlock) -> None:
        output = self._engine.execute(entry.block)
        if self._on_advance:
            self._unreported.append(output)

    def _advance(self, number: int, after: Accumulators) -> None:
        """Stand after a block, which the engine may be beyond."""
        self._accumulators = after
        self._engine.finalize(number)
        if not self._on_advance:
            return
        passed = []
        while self._unreported and self._unreported[0].number <= number:
            passed.append(self._unreported.popleft())
        changes = [change for output in passed for change in output.changes]
        self._on_advance(Standing(number, passed[-1].header_rlp, after), changes)
