"""Witnesses of a node's final blocks, as the prover pool takes them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from actors.prover.batch import DEFAULT_SEGMENT_CYCLES, BatchBuilder, Segment
from actors.prover.errors import SegmentUnsplittable
from actors.prover.history import ChainHistory
from actors.prover.pool.messages import SegmentInput
from execution.block_data import BatchBlock
from execution.errors import UnknownBlockError
from execution.statement import Accumulators, public_values
from execution.statement import encode as encode_statement
from proving.machine.program import Program

UNLIMITED_CYCLES: Final = 1 << 62
"""Cuts nothing but at the longest segment."""

REMEMBERED_SEGMENTS: Final = 256
"""As many as the engine may retain blocks."""


class WitnessMaker:
    """Cuts blocks into segments, and segments into smaller ones.

    It executes the chain from genesis, once: the next blocks are cheap. A request for blocks
    before those of the last one, or for parts of a segment that the engine does not retain any
    more, starts from genesis again, and so does a new process.

    Parameters
    ----------
    open_history
        Opens the node's history, which shows what is final at that moment.
    """

    def __init__(self, open_history: Callable[[], ChainHistory], guest: Program) -> None:
        self._open_history = open_history
        self._guest = guest
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
            builder = self._builder_before(first, history)
            blocks = history.batch_blocks(first, last)
        # Until all segments are made, the builder stands somewhere in between.
        self._builder = None
        segments = list(builder.segments(blocks, segment_cycles))
        self._builder, self._position = builder, last
        for segment in segments:
            self._remember(segment)
        return [segment_input(segment) for segment in segments]

    def split(self, first: int, last: int) -> list[SegmentInput]:
        """Two segments of the blocks of one.

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
                builder = self._new_builder(history)
                builder.skip(history.batch_blocks(1, first - 1) if first > 1 else ())
                halves = list(builder.segments(blocks[: len(blocks) // 2], UNLIMITED_CYCLES))
                halves += builder.segments(blocks[len(blocks) // 2 :], UNLIMITED_CYCLES)
        for half in halves:
            self._remember(half)
        return [segment_input(half) for half in halves]

    def _halves(self, blocks: Sequence[BatchBlock]) -> list[Segment]:
        before = self._before.get(blocks[0].block.number)
        if self._builder is None or before is None:
            raise UnknownBlockError("no engine holds the state before these blocks")
        middle = len(blocks) // 2
        first = self._builder.part(blocks[:middle], before)
        return [first, self._builder.part(blocks[middle:], first.statement.after)]

    def _builder_before(self, first: int, history: ChainHistory) -> BatchBuilder:
        """A builder whose next block is `first`."""
        builder = self._builder
        if builder is None or self._position >= first:
            builder, self._position = self._new_builder(history), 0
        self._builder = None
        if self._position + 1 < first:
            builder.skip(history.batch_blocks(self._position + 1, first - 1))
        return builder

    def _new_builder(self, history: ChainHistory) -> BatchBuilder:
        return BatchBuilder(history.spec, self._guest, history.l1_chain_id)

    def _remember(self, segment: Segment) -> None:
        self._before[segment.statement.first_block] = segment.statement.before
        while len(self._before) > REMEMBERED_SEGMENTS:
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
