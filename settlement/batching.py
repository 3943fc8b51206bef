"""Where batches end: pure.

A batch costs the same proof verification and the same commit whether it holds one block or
hundreds, so blocks wait for company: until they fill a batch, or the oldest has waited
long enough. Blocks without transactions wait longer, and when the provers are behind
nothing is cut that is not full. A batch ends at a block whose checkpoint certificate is on
the ledger, and nowhere else. If another node has committed a batch here, this node cuts the
same one, so that both work on one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from settlement.interfaces import BlockSummary

_MILLISECONDS: Final = 1000


@dataclass(frozen=True, slots=True)
class BatchPolicy:
    """When to cut.

    Attributes
    ----------
    max_bytes, max_blocks, max_cycles
        A batch with one of these is full. ``max_cycles`` keeps it within the segments that the
        contract takes at once.
    max_age_seconds, max_empty_age_seconds
        Age of the oldest block with, or without, a transaction at which a batch is cut anyway.
    max_open_batches
        So many batches may be cut and not final; then nothing is cut.
    busy_jobs
        With so many proofs outstanding only full batches are cut.
    """

    max_bytes: int = 600_000
    max_blocks: int = 512
    max_cycles: int = 24_000_000
    max_age_seconds: float = 60.0
    max_empty_age_seconds: float = 1800.0
    max_open_batches: int = 8
    busy_jobs: int = 4


@dataclass(frozen=True, slots=True)
class BatchingState:
    """Blocks that are in no batch yet.

    ``others_ends`` are last blocks of batches that somebody committed on our tip.
    """

    policy: BatchPolicy
    next_block: int = 1
    blocks: tuple[BlockSummary, ...] = ()
    open_batches: int = 0
    waiting_jobs: int = 0
    others_ends: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class BlocksSeen:
    """Final blocks from the next one on, as they are known now, certificates included."""

    blocks: tuple[BlockSummary, ...]


@dataclass(frozen=True, slots=True)
class LoadSeen:
    """How much is under way."""

    open_batches: int
    waiting_jobs: int


@dataclass(frozen=True, slots=True)
class OthersSeen:
    """What others have committed on our tip."""

    last_blocks: frozenset[int]


@dataclass(frozen=True, slots=True)
class TipSet:
    """Batches go on after this block."""

    last_block: int


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed; ``is_wanted`` asks for a batch of what is there, young or not."""

    is_wanted: bool = False


Event = BlocksSeen | LoadSeen | OthersSeen | TipSet | Tick


@dataclass(frozen=True, slots=True)
class Cut:
    """A batch of these blocks; the last one has a certificate."""

    blocks: tuple[BlockSummary, ...]


def step(
    state: BatchingState, event: Event, now_seconds: float
) -> tuple[BatchingState, tuple[Cut, ...]]:
    """Take an event in; at a :class:`Tick` a batch may be cut."""
    if isinstance(event, BlocksSeen):
        return replace(state, blocks=_consecutive(event.blocks, state.next_block)), ()
    if isinstance(event, LoadSeen):
        after = replace(state, open_batches=event.open_batches, waiting_jobs=event.waiting_jobs)
        return after, ()
    if isinstance(event, OthersSeen):
        return replace(state, others_ends=event.last_blocks), ()
    if isinstance(event, TipSet):
        next_block = event.last_block + 1
        kept = tuple(block for block in state.blocks if block.number >= next_block)
        blocks = _consecutive(kept, next_block)
        return replace(state, next_block=next_block, blocks=blocks, others_ends=frozenset()), ()
    end = _end_of_batch(state, now_seconds, event.is_wanted)
    if end is None:
        return state, ()
    cut = Cut(state.blocks[:end])
    after = replace(
        state,
        next_block=state.next_block + end,
        blocks=state.blocks[end:],
        open_batches=state.open_batches + 1,
        others_ends=frozenset(),
    )
    return after, (cut,)


def _consecutive(blocks: Sequence[BlockSummary], first: int) -> tuple[BlockSummary, ...]:
    kept: list[BlockSummary] = []
    for block in blocks:
        if block.number == first + len(kept):
            kept.append(block)
    return tuple(kept)


def _end_of_batch(state: BatchingState, now_seconds: float, is_wanted: bool) -> int | None:
    """How many blocks the batch takes; ``None`` for no batch now."""
    policy = state.policy
    if state.open_batches >= policy.max_open_batches:
        return None
    certified = [
        index + 1 for index, block in enumerate(state.blocks) if block.certificate is not None
    ]
    if not certified:
        return None
    for count in certified:
        if state.blocks[count - 1].number in state.others_ends:
            return count
    fitting = _fitting(state)
    # A batch has at least one block, and ends at the first certificate at the earliest.
    end = max((count for count in certified if count <= fitting), default=certified[0])
    is_full = fitting < len(state.blocks) or fitting >= policy.max_blocks
    if is_full or is_wanted:
        return end
    is_busy = state.waiting_jobs >= policy.busy_jobs
    if is_busy:
        return None
    return end if _is_old(state.blocks[:end], policy, now_seconds) else None


def _fitting(state: BatchingState) -> int:
    """How many blocks stay within the limits."""
    policy = state.policy
    size_bytes = cycles = 0
    for index, block in enumerate(state.blocks[: policy.max_blocks]):
        size_bytes += block.size_bytes
        cycles += block.estimated_cycles
        if size_bytes > policy.max_bytes or cycles > policy.max_cycles:
            return index
    return min(len(state.blocks), policy.max_blocks)


def _is_old(blocks: Sequence[BlockSummary], policy: BatchPolicy, now_seconds: float) -> bool:
    busy = [block for block in blocks if block.transaction_count > 0]
    age_of_busy = now_seconds - busy[0].timestamp_ms / _MILLISECONDS if busy else 0.0
    age_of_all = now_seconds - blocks[0].timestamp_ms / _MILLISECONDS
    is_due = bool(busy) and age_of_busy >= policy.max_age_seconds
    return is_due or age_of_all >= policy.max_empty_age_seconds
