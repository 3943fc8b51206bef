"""What a batch needs next, from what L1 shows."""

from dataclasses import replace

import pytest

from contracts.l1.batches import GENESIS_BATCH, BatchStatus
from execution.types import ZERO_HASH, Hash32
from ledger.crossing import Checkpoint, CheckpointCertificate
from ledger.types import BlockNumber, BlsSignature, ChainId, EvmHash
from settlement.interfaces import SegmentProof
from settlement.l1.account import Call
from settlement.pipeline.chunks import cut_chunks
from settlement.pipeline.plan import (
    BatchView,
    Commit,
    Finalize,
    PostData,
    Prove,
    Stage,
    Step,
    Verify,
    plan,
)
from settlement.records import BatchCut

ZERO = EvmHash(bytes(32))
STEP = Call(None, b"step", 0, "a step")
PROOFS = (SegmentProof(b"first", b""), SegmentProof(b"second", b""))


def view(first: int, parent: Hash32 = GENESIS_BATCH, before: Hash32 = ZERO_HASH) -> BatchView:
    chunks = cut_chunks(first, [bytes(70_000)] * 3, before)
    last = BlockNumber(first + 2)
    checkpoint = Checkpoint(ChainId(1), last, ZERO, ZERO, ZERO, ZERO, ZERO, 0)
    batch = BatchCut(
        batch_id=EvmHash(bytes([first]) * 32),
        parent=EvmHash(parent),
        first_block=BlockNumber(first),
        certificate=CheckpointCertificate(checkpoint, b"\x07", BlsSignature(bytes(96))),
        chain_before=EvmHash(before),
        chain_after=EvmHash(chunks[-1].after),
    )
    return BatchView(batch, chunks, BatchStatus.UNKNOWN, frozenset())


ONE = view(1)
TWO = view(4, Hash32(ONE.batch.batch_id), Hash32(ONE.batch.chain_after))
POSTED = frozenset(chunk.after for chunk in ONE.chunks)


def step_of(seen: BatchView, **changes: object) -> tuple[Stage, Step | None]:
    (only,) = plan(
        [replace(seen, **changes)],  # type: ignore[arg-type]  # fields of the view
        BatchStatus.FINAL,
        GENESIS_BATCH,
    )
    return only.stage, only.step


def test_data_are_posted_chunk_by_chunk() -> None:
    first, second, third = ONE.chunks
    assert step_of(ONE) == (Stage.POSTING, PostData(first))
    assert step_of(ONE, posted=frozenset({first.after})) == (Stage.POSTING, PostData(second))
    assert step_of(ONE, posted=frozenset({first.after, second.after})) == (
        Stage.POSTING,
        PostData(third),
    )


def test_a_chunk_before_which_nothing_is_posted_waits() -> None:
    first, second, _ = ONE.chunks
    assert step_of(ONE, posted=frozenset({second.after}))[1] == PostData(first)


def test_posted_data_are_committed_however_they_were_cut() -> None:
    assert step_of(ONE, posted=POSTED) == (Stage.COMMITTING, Commit(ONE.batch))
    whole = frozenset({ONE.chunks[-1].after})
    assert step_of(ONE, posted=whole) == (Stage.COMMITTING, Commit(ONE.batch))


def test_a_committed_batch_waits_for_its_proof_which_then_is_verified() -> None:
    committed = replace(ONE, status=BatchStatus.COMMITTED, posted=POSTED)
    assert step_of(committed) == (Stage.PROVING, None)
    assert step_of(committed, proofs=PROOFS, verifier_calls=(STEP,)) == (
        Stage.VERIFYING,
        Verify((STEP,)),
    )
    assert step_of(committed, proofs=PROOFS) == (Stage.VERIFYING, None)
    assert step_of(committed, proofs=PROOFS, are_verified=True) == (
        Stage.RECORDING,
        Prove(ONE.batch, (b"first", b"second")),
    )


def test_a_proven_batch_is_finalized_once_its_deposits_are_known() -> None:
    proven = replace(ONE, status=BatchStatus.PROVEN, posted=POSTED)
    assert step_of(proven) == (Stage.FINALIZING, None)
    assert step_of(proven, consumed=3) == (Stage.FINALIZING, Finalize(ONE.batch, 3))


def test_a_final_batch_needs_nothing() -> None:
    assert step_of(ONE, status=BatchStatus.FINAL) == (Stage.FINAL, None)


@pytest.mark.parametrize(
    ("parent", "expected"),
    [
        (BatchStatus.UNKNOWN, None),
        (BatchStatus.COMMITTED, Commit(TWO.batch)),
        (BatchStatus.PROVEN, Commit(TWO.batch)),
    ],
)
def test_a_batch_is_committed_on_a_known_parent(parent: BatchStatus, expected: Step | None) -> None:
    first = replace(ONE, status=parent, posted=POSTED)
    second = replace(TWO, posted=frozenset(chunk.after for chunk in TWO.chunks))
    plans = plan([first, second], BatchStatus.FINAL, GENESIS_BATCH)
    assert plans[1].step == expected


def test_data_of_the_next_batch_follow_the_data_of_the_one_before() -> None:
    plans = plan([ONE, TWO], BatchStatus.FINAL, GENESIS_BATCH)
    assert plans[1].step is None
    plans = plan([replace(ONE, posted=POSTED), TWO], BatchStatus.FINAL, GENESIS_BATCH)
    assert plans[1].step == PostData(TWO.chunks[0])


@pytest.mark.parametrize(
    ("parent", "is_recorded"), [(BatchStatus.COMMITTED, False), (BatchStatus.PROVEN, True)]
)
def test_a_proof_is_recorded_on_a_proven_parent(parent: BatchStatus, is_recorded: bool) -> None:
    first = replace(ONE, status=parent, posted=POSTED)
    second = replace(TWO, status=BatchStatus.COMMITTED, proofs=PROOFS, are_verified=True)
    plans = plan([first, second], BatchStatus.FINAL, GENESIS_BATCH)
    assert (plans[1].step is not None) is is_recorded


def test_a_batch_becomes_final_on_the_last_final_one_only() -> None:
    first = replace(ONE, status=BatchStatus.PROVEN, posted=POSTED, consumed=0)
    second = replace(TWO, status=BatchStatus.PROVEN, consumed=0)
    plans = plan([first, second], BatchStatus.FINAL, GENESIS_BATCH)
    assert plans[1].step is None
    done = replace(first, status=BatchStatus.FINAL)
    plans = plan([done, second], BatchStatus.FINAL, Hash32(ONE.batch.batch_id))
    assert plans[1].step == Finalize(TWO.batch, 0)
