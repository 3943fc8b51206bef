"""Proofs and failures: what is published, what costs a retry, what is split and given up."""

from dataclasses import replace

import pytest

from proving.jobs import BatchId, JobSpec, Stage
from proving.jobs.effects import (
    DropFiles,
    JobGivenUp,
    JobProven,
    LeaseRevoked,
    ReplaceWorker,
    SplitJob,
    VerifyProof,
)
from proving.jobs.events import (
    JobCondemned,
    ProofRefused,
    ProofVerified,
    RetryRequested,
    SplitMade,
    SplitRefused,
    Tick,
)
from tests.support.job_world import (
    ALICE,
    BATCH,
    BOB,
    CONFIG,
    QueueWorld,
    bogus,
    of_type,
    proof_named,
    spec,
)

GOOD, OTHER, BAD = (proof_named(name) for name in ("good", "other", "bad"))


@pytest.fixture
def world() -> QueueWorld:
    return QueueWorld()


def split_once(world: QueueWorld) -> JobSpec:
    """A segment of four blocks that has failed until it is to be split."""
    whole = spec(1, 4)
    world.submit(whole, spec(5))
    for _ in range(CONFIG.failures_before_split):
        world.fail(world.take(ALICE))
        world.wait_out_pauses()
    assert world.job(whole.id).stage is Stage.SPLITTING
    return whole


def test_a_proof_is_verified_before_it_is_published(world: QueueWorld) -> None:
    world.submit(spec(1))
    granted = world.take(ALICE)
    assert of_type(world.hand_in(granted, GOOD), VerifyProof) == [VerifyProof(granted.job_id, GOOD)]
    assert world.job(granted.job_id).proof is None
    assert of_type(world.send(ProofVerified(granted.job_id, GOOD)), JobProven)
    assert world.job(granted.job_id).proof == GOOD


def test_while_a_proof_is_verified_nobody_else_gets_the_job(world: QueueWorld) -> None:
    world.submit(spec(1))
    world.hand_in(world.take(ALICE), GOOD)
    assert world.lease(BOB) is None


def test_a_refused_proof_is_not_published_and_its_worker_is_replaced(world: QueueWorld) -> None:
    world.submit(spec(1))
    granted = world.take(ALICE)
    effects = world.refuse(granted)
    assert [effect.worker for effect in of_type(effects, ReplaceWorker)] == [ALICE]
    job = world.job(granted.job_id)
    assert (job.stage, job.proof, job.failures) == (Stage.OPEN, None, 1)
    (dropped,) = of_type(effects, DropFiles)
    assert len(dropped.proofs) == 1


def test_a_proof_with_a_token_that_nobody_gave_is_ignored(world: QueueWorld) -> None:
    world.submit(spec(1))
    granted = world.take(ALICE)
    effects = world.hand_in(bogus(granted), GOOD)
    assert effects == (DropFiles(frozenset(), frozenset([GOOD])),)
    assert world.job(granted.job_id).lease == granted.lease


def test_a_proof_under_another_worker_s_token_is_ignored(world: QueueWorld) -> None:
    world.submit(spec(1))
    granted = world.take(ALICE)
    world.hand_in(replace(granted, worker=BOB), GOOD)
    assert world.job(granted.job_id).lease == granted.lease
    assert world.job(granted.job_id).candidates == ()


def test_a_late_proof_is_used_while_the_job_is_open(world: QueueWorld) -> None:
    world.submit(spec(1))
    late = world.take(ALICE)
    world.now_ms += CONFIG.lease_ms
    world.send(Tick())
    world.take(BOB)
    assert of_type(world.hand_in(late, GOOD), VerifyProof)
    effects = world.send(ProofVerified(late.job_id, GOOD))
    assert of_type(effects, JobProven)
    assert of_type(effects, LeaseRevoked) == [LeaseRevoked(BOB, late.job_id)]


def test_a_second_proof_is_ignored(world: QueueWorld) -> None:
    world.submit(spec(1))
    late = world.take(ALICE)
    world.now_ms += CONFIG.lease_ms
    world.send(Tick())
    world.prove(world.take(BOB))
    published = world.job(late.job_id).proof
    assert world.hand_in(late, OTHER) == (DropFiles(frozenset(), frozenset([OTHER])),)
    assert world.job(late.job_id).proof == published


def test_of_two_proofs_under_verification_the_first_good_one_is_published(
    world: QueueWorld,
) -> None:
    world.submit(spec(1))
    late = world.take(ALICE)
    world.now_ms += CONFIG.lease_ms
    world.send(Tick())
    world.hand_in(world.take(BOB), OTHER)
    world.hand_in(late, GOOD)
    assert of_type(world.send(ProofVerified(late.job_id, GOOD)), JobProven)
    assert world.send(ProofVerified(late.job_id, OTHER)) == ()
    assert world.job(late.job_id).proof == GOOD


def test_a_late_proof_that_is_refused_costs_no_retry(world: QueueWorld) -> None:
    world.submit(spec(1))
    late = world.take(ALICE)
    world.now_ms += CONFIG.lease_ms
    world.send(Tick())
    world.hand_in(late, BAD)
    world.send(ProofRefused(late.job_id, BAD, "false"))
    assert world.job(late.job_id).failures == 0
    assert world.lease(BOB) is not None


def test_a_failure_is_followed_by_a_pause_that_doubles(world: QueueWorld) -> None:
    world.submit(spec(1))
    for failures in range(CONFIG.failures_before_giving_up - 1):
        world.fail(world.take(ALICE))
        world.now_ms += (CONFIG.pause_ms << failures) - 1
        assert world.lease(ALICE) is None
        world.now_ms += 1


def test_a_failure_under_an_old_token_costs_nothing(world: QueueWorld) -> None:
    world.submit(spec(1))
    old = world.take(ALICE)
    world.now_ms += CONFIG.lease_ms
    world.send(Tick())
    taken = world.take(BOB)
    world.fail(old)
    job = world.job(old.job_id)
    assert (job.failures, job.lease) == (0, taken.lease)


def test_a_single_block_that_keeps_failing_is_given_up_with_its_reason(world: QueueWorld) -> None:
    world.submit(spec(1))
    for _ in range(CONFIG.failures_before_giving_up):
        effects = world.fail(world.take(ALICE), "exit code 3")
        world.wait_out_pauses()
    (given_up,) = of_type(effects, JobGivenUp)
    assert given_up.reason == "exit code 3"
    assert world.job(given_up.job_id).stage is Stage.GIVEN_UP
    assert world.lease(ALICE) is None


def test_what_was_given_up_is_tried_again_when_somebody_asks(world: QueueWorld) -> None:
    world.submit(spec(1))
    for _ in range(CONFIG.failures_before_giving_up):
        world.fail(world.take(ALICE))
        world.wait_out_pauses()
    world.send(RetryRequested(BATCH))
    world.prove(world.take(ALICE))
    assert world.job(spec(1).id).stage is Stage.PROVEN


def test_a_late_proof_saves_a_job_that_was_given_up(world: QueueWorld) -> None:
    world.submit(spec(1))
    late = world.take(ALICE)
    world.now_ms += CONFIG.lease_ms
    world.send(Tick())
    for _ in range(CONFIG.failures_before_giving_up):
        world.fail(world.take(BOB))
        world.wait_out_pauses()
    world.prove(late)
    assert world.job(late.job_id).stage is Stage.PROVEN


def test_a_segment_that_fails_twice_is_split_and_its_halves_start_afresh(
    world: QueueWorld,
) -> None:
    whole = split_once(world)
    halves = (spec(1, 2), spec(3, 4))
    effects = world.send(SplitMade(whole.id, halves))
    assert whole.id not in world.state.jobs
    assert [job.spec for job in world.state.jobs_of(BATCH)] == [*halves, spec(5)]
    assert all(job.failures == 0 for job in world.state.jobs.values())
    (dropped,) = of_type(effects, DropFiles)
    assert dropped.witnesses == frozenset([whole.witness_digest])


@pytest.mark.parametrize(
    "parts",
    [
        (spec(1, 4),),
        (spec(1, 2), spec(4)),
        (spec(1, 2), spec(3)),
        (spec(2), spec(3, 4)),
        (spec(1, 2), spec(3, 4, key=bytes(32))),
        (spec(1, 2), spec(3, 2)),
    ],
    ids=["one part", "a gap", "too short", "begins late", "another program", "a part backwards"],
)
def test_parts_that_are_not_the_whole_are_refused(
    world: QueueWorld, parts: tuple[JobSpec, ...]
) -> None:
    whole = split_once(world)
    world.send(SplitMade(whole.id, parts))
    job = world.job(whole.id)
    assert (job.stage, job.cannot_split) == (Stage.OPEN, True)
    assert len(world.state.jobs) == 2


def test_a_segment_that_cannot_be_split_is_given_up_in_the_end(world: QueueWorld) -> None:
    whole = split_once(world)
    world.send(SplitRefused(whole.id, "no such blocks"))
    for _ in range(CONFIG.failures_before_giving_up - CONFIG.failures_before_split):
        world.wait_out_pauses()
        world.fail(world.take(ALICE))
    assert world.job(whole.id).stage is Stage.GIVEN_UP


def test_a_proof_that_comes_during_a_split_ends_it(world: QueueWorld) -> None:
    whole = spec(1, 4)
    world.submit(whole)
    late = world.take(ALICE)
    world.now_ms += CONFIG.lease_ms
    world.send(Tick())
    for _ in range(CONFIG.failures_before_split):
        effects = world.fail(world.take(BOB))
        world.wait_out_pauses()
    assert of_type(effects, SplitJob)
    world.prove(late)
    effects = world.send(SplitMade(whole.id, (spec(1, 2), spec(3, 4))))
    assert world.job(whole.id).stage is Stage.PROVEN
    (dropped,) = of_type(effects, DropFiles)
    assert len(dropped.witnesses) == 2


def test_both_batches_of_a_shared_segment_get_its_halves(world: QueueWorld) -> None:
    whole = split_once(world)
    other = BatchId(b"other")
    world.submit(whole, batch=other)
    world.send(SplitMade(whole.id, (spec(1, 2), spec(3, 4))))
    assert [job.spec for job in world.state.jobs_of(other)] == [spec(1, 2), spec(3, 4)]


def test_a_job_of_another_build_is_given_up_at_once(world: QueueWorld) -> None:
    world.submit(spec(1))
    world.take(ALICE)
    effects = world.send(JobCondemned(spec(1).id, "of another build"))
    assert of_type(effects, JobGivenUp)
    assert of_type(effects, LeaseRevoked)
