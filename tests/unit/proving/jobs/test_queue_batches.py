"""Batches: taken once, bounded, drained, forgotten; and the queue on disk."""

from dataclasses import replace

import pytest

from proving.jobs import BatchId, InvalidSegments, JobSpec, QueueDamaged, Stage
from proving.jobs.effects import (
    BatchRefused,
    BatchTaken,
    Drained,
    DropFiles,
    LeaseRevoked,
    Refusal,
    SplitJob,
    VerifyProof,
    WorkAvailable,
)
from proving.jobs.events import BatchForgotten, DrainRequested, ProofVerified, Started
from proving.jobs.records import recover
from proving.jobs.scaling import desired_workers
from tests.support.job_world import (
    ALICE,
    BATCH,
    BOB,
    CONFIG,
    KEY,
    QueueWorld,
    of_type,
    proof_named,
    spec,
)

OTHER = BatchId(b"other")


@pytest.fixture
def world() -> QueueWorld:
    return QueueWorld()


def refusals(effects: object) -> list[Refusal]:
    assert isinstance(effects, tuple)
    return [effect.refusal for effect in of_type(effects, BatchRefused)]


# IDENTITY


def test_a_job_s_id_is_that_of_program_parameters_and_witness() -> None:
    one = spec(1)
    assert one.id == replace(one, statement=b"words", cycles=9).id
    others = [
        replace(one, key_digest=bytes(32)),
        replace(one, parameter_set="settlement"),
        replace(one, witness_digest=bytes(32)),
    ]
    assert len({one.id, *(other.id for other in others)}) == 4


def test_submitting_a_batch_again_changes_nothing(world: QueueWorld) -> None:
    world.submit(spec(1), spec(2))
    before = world.state
    effects = world.submit(spec(1), spec(2))
    assert of_type(effects, BatchTaken) == [BatchTaken(BATCH, is_new=False)]
    assert world.state == before


def test_one_id_cannot_name_two_batches(world: QueueWorld) -> None:
    world.submit(spec(1))
    assert refusals(world.submit(spec(1), spec(2))) == [Refusal.OTHER_SEGMENTS]


def test_a_job_that_two_batches_contain_is_proved_once(world: QueueWorld) -> None:
    world.submit(spec(1), spec(2))
    world.submit(spec(2), spec(3), batch=OTHER)
    for _ in range(3):
        world.prove(world.take(ALICE))
    assert world.lease(ALICE) is None
    for batch in (BATCH, OTHER):
        assert all(job.stage is Stage.PROVEN for job in world.state.jobs_of(batch))


def test_one_witness_cannot_have_two_statements(world: QueueWorld) -> None:
    world.submit(spec(1))
    lie = replace(spec(1), public_values=(9,))
    assert refusals(world.submit(lie, batch=OTHER)) == [Refusal.OTHER_STATEMENT]


@pytest.mark.parametrize(
    ("batch", "jobs"),
    [
        (BatchId(b""), (spec(1),)),
        (BatchId(bytes(33)), (spec(1),)),
        (BATCH, ()),
        (BATCH, (spec(1), spec(3))),
        (BATCH, (spec(1, 2), spec(2))),
        (BATCH, (spec(2, 1),)),
        (BATCH, (spec(1), replace(spec(1), first_block=2, last_block=2))),
    ],
    ids=["no id", "a long id", "nothing", "a gap", "an overlap", "backwards", "one witness twice"],
)
def test_what_is_no_batch_is_the_caller_s_fault(
    world: QueueWorld, batch: BatchId, jobs: tuple[JobSpec, ...]
) -> None:
    with pytest.raises(InvalidSegments, match="expected"):
        world.submit(*jobs, batch=batch)
    assert world.state.batches == {}


# BACK-PRESSURE, DRAINING, FORGETTING


def test_a_deep_queue_takes_no_more_until_proofs_are_made(world: QueueWorld) -> None:
    limit = CONFIG.open_job_limit
    world.submit(*(spec(number) for number in range(limit)))
    assert not world.state.is_accepting
    assert refusals(world.submit(spec(limit), batch=OTHER)) == [Refusal.FULL]
    world.prove(world.take(ALICE))
    assert world.state.is_accepting
    assert refusals(world.submit(spec(limit), batch=OTHER)) == []


def test_an_empty_queue_takes_a_batch_of_any_length(world: QueueWorld) -> None:
    jobs = [spec(number) for number in range(CONFIG.open_job_limit + 5)]
    assert of_type(world.submit(*jobs), BatchTaken)


def test_a_batch_that_is_known_is_taken_by_a_full_queue_too(world: QueueWorld) -> None:
    jobs = [spec(number) for number in range(CONFIG.open_job_limit)]
    world.submit(*jobs)
    assert of_type(world.submit(*jobs), BatchTaken)


def test_a_refused_batch_leaves_no_file(world: QueueWorld) -> None:
    world.submit(*(spec(number) for number in range(CONFIG.open_job_limit)))
    (dropped,) = of_type(world.submit(spec(99), batch=OTHER), DropFiles)
    assert dropped.witnesses == frozenset([spec(99).witness_digest])


def test_a_draining_queue_ends_what_runs_and_begins_nothing(world: QueueWorld) -> None:
    world.submit(spec(1), spec(2))
    granted = world.take(ALICE)
    assert of_type(world.send(DrainRequested()), Drained) == []
    assert world.lease(BOB) is None
    assert refusals(world.submit(spec(3), batch=OTHER)) == [Refusal.DRAINING]
    proof = proof_named("good")
    assert of_type(world.hand_in(granted, proof), Drained) == []
    assert of_type(world.send(ProofVerified(granted.job_id, proof)), Drained)


def test_a_queue_where_nothing_runs_is_drained_at_once(world: QueueWorld) -> None:
    world.submit(spec(1))
    assert of_type(world.send(DrainRequested()), Drained)


def test_a_restart_ends_draining(world: QueueWorld) -> None:
    world.submit(spec(1))
    world.send(DrainRequested())
    world.crash()
    assert of_type(world.send(Started()), WorkAvailable)
    assert world.lease(ALICE) is not None


def test_a_forgotten_batch_leaves_no_file_and_stops_its_worker(world: QueueWorld) -> None:
    world.submit(spec(1), spec(2))
    world.prove(world.take(ALICE))
    world.take(BOB)
    effects = world.send(BatchForgotten(BATCH))
    (dropped,) = of_type(effects, DropFiles)
    assert len(dropped.proofs) == 1
    assert dropped.witnesses == frozenset([spec(2).witness_digest])
    assert of_type(effects, LeaseRevoked) == [LeaseRevoked(BOB, spec(2).id)]
    assert (world.state.jobs, world.state.batches) == ({}, {})


def test_what_another_batch_needs_is_not_forgotten(world: QueueWorld) -> None:
    world.submit(spec(1), spec(2))
    world.submit(spec(2), batch=OTHER)
    world.send(BatchForgotten(BATCH))
    assert set(world.state.jobs) == {spec(2).id}


def test_a_witness_is_dropped_once_its_proof_is_published(world: QueueWorld) -> None:
    world.submit(spec(1))
    world.prove(world.take(ALICE))
    assert world.state.witness_files() == frozenset()
    assert len(world.state.proof_files()) == 1


# DISK


def test_a_crash_after_any_step_loses_nothing_but_deadlines(world: QueueWorld) -> None:
    world.submit(spec(1, 4), spec(5), spec(6))
    world.fail(world.take(ALICE))
    world.prove(world.take(ALICE))
    world.hand_in(world.take(ALICE), proof_named("waits"))
    world.wait_out_pauses()
    world.take(BOB)
    before = world.state
    world.crash()
    kept = {
        job_id: replace(job, lease=job.lease and replace(job.lease, deadline_ms=0))
        for job_id, job in before.jobs.items()
    }
    assert world.state == replace(before, jobs=kept)


def test_a_restart_repeats_the_effects_that_a_crash_swallowed(world: QueueWorld) -> None:
    world.submit(spec(1, 2), spec(3))
    for _ in range(CONFIG.failures_before_split):
        world.fail(world.take(ALICE))
        world.now_ms += CONFIG.pause_ms
    waits = proof_named("waits")
    world.hand_in(world.take(ALICE), waits)
    world.crash()
    effects = world.send(Started())
    assert of_type(effects, SplitJob) == [SplitJob(spec(1, 2).id)]
    assert of_type(effects, VerifyProof) == [VerifyProof(spec(3).id, waits)]


def test_a_heartbeat_writes_nothing(world: QueueWorld) -> None:
    world.submit(spec(1))
    granted = world.take(ALICE)
    before = dict(world.disk)
    world.now_ms += 10
    world.beat(granted)
    assert world.disk == before


@pytest.mark.parametrize("damage", ["bytes", "missing job", "other key", "unknown", "token"])
def test_a_damaged_disk_is_named(world: QueueWorld, damage: str) -> None:
    world.submit(spec(1), spec(2))
    world.take(ALICE)
    disk = world.disk
    key = b"job/" + spec(1).id
    if damage == "bytes":
        disk[key] = disk[key][:-1]
    elif damage == "missing job":
        del disk[key]
    elif damage == "other key":
        disk[b"job/" + KEY] = disk.pop(key)
    elif damage == "unknown":
        disk[b"something"] = b""
    else:
        del disk[b"token"]
    with pytest.raises(QueueDamaged):
        recover(CONFIG, disk.items())


# SCALING


@pytest.mark.parametrize(("demand", "workers"), [(0, 1), (1, 1), (2, 2), (3, 3), (9, 3)])
def test_there_is_a_worker_for_each_job_within_bounds(demand: int, workers: int) -> None:
    assert desired_workers(demand, minimum=1, maximum=3) == workers


def test_demand_counts_paused_jobs_and_not_those_under_verification(world: QueueWorld) -> None:
    world.submit(spec(1), spec(2), spec(3))
    assert world.state.demand == 3
    world.fail(world.take(ALICE))
    world.hand_in(world.take(ALICE), proof_named("waits"))
    assert (world.state.demand, world.state.open_count) == (2, 3)
