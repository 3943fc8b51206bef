"""Leases: one job, one worker; what ends them, and what it costs."""

from dataclasses import replace

import pytest

from proving.jobs import BatchId, Outcome, QueueConfig, Stage, WorkerId
from proving.jobs.effects import LeaseGranted, LeaseRevoked, ReplaceWorker, SplitJob, WorkAvailable
from proving.jobs.events import LeaseReturned, Started, Tick, WorkerLost
from tests.support.job_world import ALICE, BOB, CONFIG, QueueWorld, bogus, of_type, spec


@pytest.fixture
def world() -> QueueWorld:
    return QueueWorld()


def test_the_oldest_job_goes_out_first_whatever_batch_it_came_with(world: QueueWorld) -> None:
    world.submit(spec(5), spec(6))
    world.submit(spec(3), spec(4), batch=BatchId(b"older blocks"))
    taken = [world.take(WorkerId(f"worker {number}")).job_id for number in range(4)]
    assert taken == [spec(number).id for number in (3, 4, 5, 6)]


def test_a_job_is_leased_to_one_worker_only(world: QueueWorld) -> None:
    world.submit(spec(1))
    assert world.lease(ALICE) is not None
    assert world.lease(BOB) is None


def test_a_worker_that_asks_again_gets_the_lease_that_it_has(world: QueueWorld) -> None:
    world.submit(spec(1), spec(2))
    first = world.take(ALICE)
    world.now_ms += 10
    again = world.take(ALICE)
    assert (again.job_id, again.lease.token) == (first.job_id, first.lease.token)
    assert again.lease.deadline_ms > first.lease.deadline_ms


def test_heartbeats_keep_a_lease(world: QueueWorld) -> None:
    world.submit(spec(1))
    granted = world.take(ALICE)
    for _ in range(5):
        world.now_ms += CONFIG.lease_ms - 1
        assert of_type(world.beat(granted), LeaseGranted)
        world.send(Tick())
    assert world.lease(BOB) is None


def test_a_silent_worker_loses_its_lease_and_the_job_loses_no_retry(world: QueueWorld) -> None:
    world.submit(spec(1))
    world.take(ALICE)
    world.now_ms += CONFIG.lease_ms
    assert of_type(world.send(Tick()), WorkAvailable)
    taken = world.take(BOB)
    assert world.job(taken.job_id).failures == 0


def test_a_worker_that_was_only_silent_takes_its_lease_up_again(world: QueueWorld) -> None:
    world.submit(spec(1))
    granted = world.take(ALICE)
    world.now_ms += CONFIG.lease_ms
    world.send(Tick())
    (again,) = of_type(world.beat(granted), LeaseGranted)
    assert again.lease.token == granted.lease.token
    assert world.lease(BOB) is None


def test_a_silent_worker_whose_job_has_gone_on_is_told_to_stop(world: QueueWorld) -> None:
    world.submit(spec(1))
    granted = world.take(ALICE)
    world.now_ms += CONFIG.lease_ms
    world.send(Tick())
    taken = world.take(BOB)
    assert of_type(world.beat(granted), LeaseRevoked)
    assert world.job(taken.job_id).lease == taken.lease


def test_a_silent_worker_that_has_taken_another_job_does_not_get_the_old_one_back(
    world: QueueWorld,
) -> None:
    world.submit(spec(1), spec(2))
    for _ in range(CONFIG.losses_before_split):
        old = world.take(ALICE)
        world.now_ms += CONFIG.lease_ms
        world.send(Tick())
    taken = world.take(ALICE)
    assert taken.job_id != old.job_id
    assert of_type(world.beat(old), LeaseRevoked)


def test_a_heartbeat_with_a_token_that_nobody_gave_extends_nothing(world: QueueWorld) -> None:
    world.submit(spec(1))
    granted = world.take(ALICE)
    world.now_ms += 10
    assert of_type(world.beat(bogus(granted)), LeaseRevoked)
    assert world.job(granted.job_id).lease == granted.lease


def test_a_dead_worker_frees_its_job_at_once_and_costs_no_retry(world: QueueWorld) -> None:
    world.submit(spec(1))
    for life in range(20):
        worker = WorkerId(f"life {life}")
        granted = world.take(worker)
        world.send(WorkerLost(worker))
        world.wait_out_pauses()
    job = world.job(granted.job_id)
    assert (job.stage, job.failures, job.losses) == (Stage.OPEN, 0, 20)


def test_a_single_block_that_kills_workers_is_tried_ever_more_rarely(world: QueueWorld) -> None:
    world.submit(spec(1))
    for life in range(CONFIG.losses_before_split):
        worker = WorkerId(f"life {life}")
        world.take(worker)
        world.send(WorkerLost(worker))
    assert world.lease(BOB) is None
    world.now_ms += CONFIG.pause_ms
    assert world.lease(BOB) is not None


def test_a_segment_that_workers_die_of_is_split(world: QueueWorld) -> None:
    world.submit(spec(1, 4))
    for life in range(CONFIG.losses_before_split):
        worker = WorkerId(f"life {life}")
        world.take(worker)
        effects = world.send(WorkerLost(worker))
    assert of_type(effects, SplitJob) == [SplitJob(spec(1, 4).id)]


def test_the_death_of_a_worker_without_a_job_changes_nothing(world: QueueWorld) -> None:
    world.submit(spec(1))
    before = world.state
    assert world.send(WorkerLost(BOB)) == (WorkAvailable(),)
    assert world.state == before


def test_a_job_that_is_given_back_costs_nothing(world: QueueWorld) -> None:
    world.submit(spec(1))
    granted = world.take(ALICE)
    world.send(LeaseReturned(ALICE, granted.job_id, granted.lease.token))
    job = world.job(world.take(BOB).job_id)
    assert (job.failures, job.losses) == (0, 0)


def test_a_worker_that_hangs_in_a_job_is_replaced_and_the_job_has_failed_once() -> None:
    world = QueueWorld(QueueConfig(longest_run_ms=100_000))
    world.submit(spec(1))
    granted = world.take(ALICE)
    world.now_ms += 50_000
    assert of_type(world.beat(granted), LeaseGranted)
    world.now_ms += 50_000
    effects = world.beat(granted)
    assert [effect.worker for effect in of_type(effects, ReplaceWorker)] == [ALICE]
    job = world.job(granted.job_id)
    assert (job.failures, job.lease) == (1, None)
    assert job.attempts[-1].outcome is Outcome.OVERRAN


def test_a_restart_gives_every_lease_its_full_time_again(world: QueueWorld) -> None:
    world.submit(spec(1))
    granted = world.take(ALICE)
    world.now_ms += 10 * CONFIG.lease_ms
    world.crash()
    world.send(Started())
    assert of_type(world.send(Tick()), WorkAvailable) == []
    (kept,) = of_type(world.beat(granted), LeaseGranted)
    deadline_ms = world.now_ms + CONFIG.lease_ms
    assert kept.lease == replace(granted.lease, deadline_ms=deadline_ms)
