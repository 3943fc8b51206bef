"""What each open batch still needs, from what L1 shows: pure.

::

    post data ──▶ commit ──▶ verify its proofs ──▶ prove ──▶ finalize
       (each chunk)  (parent known)                  (parent proven)  (parent final)

Every step is done when L1 says so, whoever did it, and asked for again when L1 no more
says so. Batches overlap: the next one's data are posted while this one is proved.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from contracts.l1.batches import BatchStatus
from execution.types import ZERO_HASH, Hash32
from settlement.interfaces import SegmentProof
from settlement.l1.account import Call
from settlement.pipeline.chunks import Chunk
from settlement.records import BatchCut


class Stage(StrEnum):
    """How far a batch is."""

    POSTING = "posting data"
    COMMITTING = "committing"
    PROVING = "waiting for its proof"
    VERIFYING = "verifying its proof on L1"
    RECORDING = "recording the proof"
    FINALIZING = "finalizing"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class BatchView:
    """One batch on L1.

    Attributes
    ----------
    status
        Unknown also where it has to be committed anew.
    posted
        Data chains of the batch that are posted.
    proofs
        Proofs of its segments; ``None`` while they are made.
    verifier_calls
        What the verifier still needs and can be given now.
    are_verified
        Whether the verifier knows every statement.
    consumed
        Queue entries that are consumed at its end, once it is proven and they are known.
    """

    batch: BatchCut
    chunks: tuple[Chunk, ...]
    status: BatchStatus
    posted: frozenset[Hash32]
    proofs: Sequence[SegmentProof] | None = None
    verifier_calls: tuple[Call, ...] = ()
    are_verified: bool = False
    consumed: int | None = None


@dataclass(frozen=True, slots=True)
class PostData:
    """Post a chunk."""

    chunk: Chunk


@dataclass(frozen=True, slots=True)
class Commit:
    """Commit the batch."""

    batch: BatchCut


@dataclass(frozen=True, slots=True)
class Verify:
    """Give the verifier what it needs."""

    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Prove:
    """Have the contract record that the batch is proven."""

    batch: BatchCut
    statements: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Finalize:
    """Make the batch final."""

    batch: BatchCut
    consumed: int


Step = PostData | Commit | Verify | Prove | Finalize


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """Where a batch stands, and what can be done for it now."""

    batch: BatchCut
    stage: Stage
    step: Step | None


def plan(
    views: Sequence[BatchView], tip_status: BatchStatus, final_batch: Hash32
) -> tuple[BatchPlan, ...]:
    """Next step of each open batch, oldest first.

    Parameters
    ----------
    tip_status
        Of the batch before the oldest open one.
    final_batch
        The last final batch on L1.
    """
    plans: list[BatchPlan] = []
    parent_status = tip_status
    parent_posted = True
    for view in views:
        plans.append(_plan_batch(view, parent_status, parent_posted, final_batch))
        parent_status = view.status
        parent_posted = view.batch.chain_after in view.posted
    return tuple(plans)


def _plan_batch(
    view: BatchView, parent_status: BatchStatus, parent_posted: bool, final_batch: Hash32
) -> BatchPlan:
    batch = view.batch
    if view.status is BatchStatus.FINAL:
        return BatchPlan(batch, Stage.FINAL, None)
    if view.status is BatchStatus.PROVEN:
        can_finalize = batch.parent == final_batch and view.consumed is not None
        if not can_finalize or view.consumed is None:
            return BatchPlan(batch, Stage.FINALIZING, None)
        return BatchPlan(batch, Stage.FINALIZING, Finalize(batch, view.consumed))
    if view.status is BatchStatus.COMMITTED:
        return _plan_proof(view, parent_status)
    missing = [chunk for chunk in view.chunks if chunk.after not in view.posted]
    is_posted = batch.chain_after in view.posted
    if missing and not is_posted:
        first = missing[0]
        is_first_of_batch = first.before == batch.chain_before
        has_ground = parent_posted or first.before == ZERO_HASH
        can_post = has_ground if is_first_of_batch else first.before in view.posted
        return BatchPlan(batch, Stage.POSTING, PostData(first) if can_post else None)
    can_commit = parent_status is not BatchStatus.UNKNOWN
    return BatchPlan(batch, Stage.COMMITTING, Commit(batch) if can_commit else None)


def _plan_proof(view: BatchView, parent_status: BatchStatus) -> BatchPlan:
    if view.proofs is None:
        return BatchPlan(view.batch, Stage.PROVING, None)
    if not view.are_verified:
        step = Verify(view.verifier_calls) if view.verifier_calls else None
        return BatchPlan(view.batch, Stage.VERIFYING, step)
    if parent_status < BatchStatus.PROVEN:
        return BatchPlan(view.batch, Stage.RECORDING, None)
    statements = tuple(proof.statement for proof in view.proofs)
    return BatchPlan(view.batch, Stage.RECORDING, Prove(view.batch, statements))
