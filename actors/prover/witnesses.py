"""Witnesses of a node's final blocks, as the prover pool takes them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from actors.prover.batch import DEFAULT_SEGMENT_CYCLES, BatchBuilder, Segment, Standing
from actors.prover.errors import SegmentUnsplittable
from actors.prover.frontier import Frontier
from actors.prover.history import ChainHistory
from actors.prover.pool.messages import SegmentInput
from execution.block_data import BatchBlock
from execution.engine import WasmEngine
from execution.errors import SnapshotRejectedError, UnknownBlockError
from execution.statement import Accumulators, public_values
from execution.statement import encode as encode_statement
from execution.types import Hash32
from ledger.hashing import keccak
from proving.machine.program import Program

UNLIMITED_CYCLES: Final = 1 << 62
"""Cuts nothing but at the longest segment."""

RETAINED_BLOCKS: Final = 256
"""What the engine can look back on, and BLOCKHASH."""

log = structlog.get_logger(__name__)


class WitnessMaker:
    """Cuts blocks into segments, and segments into smaller ones.

    It executes the chain once: the next blocks are cheap. A new process goes on from the frontier
    on disk. A request for blocks before the last ones, for parts of a segment that the engine does
    not retain any more, or for blocks that look back beyond the frontier, starts from genesis.

    Parameters
    ----------
    open_history
        Opens the node's history, which shows what is final at that moment.
    """

    def __init__(
        self, open_history: Callable[[], ChainHistory], guest: Program, frontier: Frontier
    ) -> None:
        self._open_history = open_history
        self._guest = guest
        self._frontier = frontier
        self._builder: BatchBuilder | None = None
        self._position = 0
        self._before: OrderedDict[int, Accumulators] = OrderedDict()
        """The hash chains before the first block of each segment that was made lately."""

    def segments_for(
        self, first: int, last: int, segment_cycles: int = DEFAULT_SEGMENT_CYCLES
    ) -> list[SegmentInput]:
        """Segments of the blocks `first` to `last`.

        Raises
        ------
        HistoryIncomplete
            The node has not finalized that many.
        BlockTooLarge
            One block alone takes more cycles than one proof covers.
        GuestDisagrees
            `stf.elf` and `stf.wasm` are not of one build.
        """
        with self._open_history() as history:
            blocks = history.batch_blocks(first, last)
            try:
                segments = self._segments(history, blocks, segment_cycles)
            except UnknownBlockError:
                log.info("a block looks back beyond the frontier: starting from genesis")
                self._frontier.reset()
                segments = self._segments(history, blocks, segment_cycles)
        for segment in segments:
            self._remember(segment)
        return [segment_input(segment) for segment in segments]

    def split(self, first: int, last: int) -> list[SegmentInput]:
        """Two segments of the blocks of one, or more if it is long.

        Raises
        ------
        SegmentUnsplittable
            It is one block.
        """
        if last <= first:
            raise SegmentUnsplittable(first, last)
        with self._open_history() as history:
            blocks = history.batch_blocks(first, last)
            try:
                halves = self._halves(blocks)
            except UnknownBlockError:
                # The engine has moved on, or this is another process than cut the segment.
                builder = BatchBuilder(history.spec, self._guest, history.l1_chain_id)
                builder.skip(history.batch_blocks(1, first - 1) if first > 1 else ())
                middle = len(blocks) // 2
                halves = list(builder.segments(blocks[:middle], UNLIMITED_CYCLES))
                halves += builder.segments(blocks[middle:], UNLIMITED_CYCLES)
        for half in halves:
            self._remember(half)
        return [segment_input(half) for half in halves]

    def _segments(
        self, history: ChainHistory, blocks: Sequence[BatchBlock], segment_cycles: int
    ) -> list[Segment]:
        first, last = blocks[0].block.number, blocks[-1].block.number
        if self._builder is None or self._position >= first:
            self._builder, self._position = self._open_builder(history, first)
        builder = self._builder
        # Until all segments are made, the builder stands somewhere in between.
        self._builder = None
        if self._position + 1 < first:
            builder.skip(history.batch_blocks(self._position + 1, first - 1))
        segments = list(builder.segments(blocks, segment_cycles))
        self._builder, self._position = builder, last
        return segments

    def _open_builder(self, history: ChainHistory, first: int) -> tuple[BatchBuilder, int]:
        """A builder that stands before a block: at the frontier, or else at genesis."""
        standing = self._frontier.standing()
        start = None
        if standing is not None and standing.number < first:
            is_of_this_chain = keccak(standing.header_rlp) == history.block_hash(standing.number)
            start = self._start_at(standing, history) if is_of_this_chain else None
        if standing is None or start is None:
            self._frontier.reset()
        builder = BatchBuilder(
            history.spec, self._guest, history.l1_chain_id, start, self._frontier.advance
        )
        return builder, 0 if standing is None or start is None else standing.number

    def _start_at(
        self, standing: Standing, history: ChainHistory
    ) -> tuple[WasmEngine, Standing] | None:
        """An engine at the frontier; None if the stored state is not that of its header."""
        numbers = range(max(1, standing.number - RETAINED_BLOCKS), standing.number)
        hashes = {number: Hash32(history.block_hash(number)) for number in numbers}
        if standing.number <= RETAINED_BLOCKS:
            hashes[0] = WasmEngine(history.spec).head_hash
        try:
            return self._frontier.engine(standing, hashes), standing
        except SnapshotRejectedError as error:
            log.warning("the frontier is damaged: starting from genesis", reason=str(error))
            return None

    def _halves(self, blocks: Sequence[BatchBlock]) -> list[Segment]:
        before = self._before.get(blocks[0].block.number)
        if self._builder is None or before is None:
            raise UnknownBlockError("no engine holds the state before these blocks")
        middle = len(blocks) // 2
        first = self._builder.part(blocks[:middle], before)
        return [first, self._builder.part(blocks[middle:], first.statement.after)]

    def _remember(self, segment: Segment) -> None:
        self._before[segment.statement.first_block] = segment.statement.before
        while len(self._before) > RETAINED_BLOCKS:
            self._before.popitem(last=False)


def segment_input(segment: Segment) -> SegmentInput:
    """A segment as the pool takes it."""
    statement = segment.statement
    return SegmentInput(
        witness=segment.witness,
        statement=encode_statement(statement),
        public_values=public_values(statement),
        first_block=statement.first_block,
        last_block=statement.last_block,
        cycles=segment.cycles,
    )
