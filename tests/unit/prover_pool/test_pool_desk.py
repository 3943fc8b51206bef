"""The pool's desk on a real disk: what is taken, verified, split, and what a crash leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from actors.prover.pool.errors import FileDamaged, PoolClosed
from actors.prover.pool.messages import BatchStage, Rest, Submission
from proving.jobs import InvalidSegments, Token
from storage.errors import StorageFailedError, StorageLockedError
from tests.support.pool_world import ANN, BAD, BEN, GOOD, PoolWorld, program, segment

BATCH = b"batch 1"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[PoolWorld]:
    world = PoolWorld(tmp_path)
    world.desk.start()
    yield world
    await world.close()
    assert world.failures == []


async def test_a_batch_is_proved_verified_and_fetched(world: PoolWorld) -> None:
    assert await world.desk.submit(BATCH, [segment(1), segment(2)]) == Submission(True, True)
    for _ in range(2):
        order = await world.order(ANN)
        await world.hand_in(ANN, order)
    await world.until(lambda: world.stages(BATCH) == ["proven", "proven"])
    proofs = await world.desk.proofs(BATCH)
    assert proofs is not None
    assert [entry.first_block for entry in proofs] == [1, 2]
    assert proofs[0].proof == GOOD + segment(1).witness
    assert proofs[0].statement == segment(1).statement
    assert proofs[0].parameter_set == "fast"


async def test_there_are_no_proofs_before_all_are_there(world: PoolWorld) -> None:
    await world.desk.submit(BATCH, [segment(1), segment(2)])
    await world.hand_in(ANN, await world.order(ANN))
    await world.until(lambda: "proven" in world.stages(BATCH))
    assert await world.desk.proofs(BATCH) is None
    assert await world.desk.proofs(b"another") is None


async def test_a_corrupt_proof_is_not_published_and_another_worker_proves(
    world: PoolWorld,
) -> None:
    await world.desk.submit(BATCH, [segment(1)])
    await world.hand_in(ANN, await world.order(ANN), BAD)
    await world.until(lambda: world.replaced == [ANN])
    assert world.stages(BATCH) == ["open"]
    assert world.files("proofs") == []
    good = await world.hand_in(BEN, await world.order(BEN))
    await world.until(lambda: world.stages(BATCH) == ["proven"])
    (entry,) = await world.desk.proofs(BATCH) or []
    assert entry.proof == good


async def test_a_verifier_that_dies_is_asked_again(
    world: PoolWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.prover.pool.desk.AWAY_SECONDS", 0.001)
    world.outside.is_verifier_away = True
    await world.desk.submit(BATCH, [segment(1)])
    await world.hand_in(ANN, await world.order(ANN))
    await world.until(lambda: world.stages(BATCH) == ["open"])
    world.outside.is_verifier_away = False
    await world.until(lambda: world.stages(BATCH) == ["proven"])


async def test_a_segment_that_fails_is_split_by_whoever_makes_witnesses(world: PoolWorld) -> None:
    await world.desk.submit(BATCH, [segment(1, 2)])
    for _ in range(2):
        order = await world.order(ANN)
        world.desk.report_failure(ANN, order.job_id, order.token, "out of memory")
    await world.until(lambda: len(world.stages(BATCH)) == 2)
    for _ in range(2):
        await world.hand_in(ANN, await world.order(ANN))
    await world.until(lambda: world.stages(BATCH) == ["proven", "proven"])
    proofs = await world.desk.proofs(BATCH) or []
    assert [entry.statement for entry in proofs] == [b"1 to 1", b"2 to 2"]


async def test_a_segment_that_nobody_splits_is_given_up_and_the_batch_says_why(
    world: PoolWorld,
) -> None:
    world.outside.can_split = False
    await world.desk.submit(BATCH, [segment(1, 2)])
    for _ in range(world.config.failures_before_giving_up):
        await world.until(lambda: world.stages(BATCH) == ["open"])
        order = await world.order(ANN)
        world.desk.report_failure(ANN, order.job_id, order.token, "out of memory")
    status = world.desk.batch_status(BATCH)
    assert status is not None
    assert (status.stage, status.reasons) == (BatchStage.FAILED, ("out of memory",))
    world.desk.retry(BATCH)
    assert world.stages(BATCH) == ["open"]


async def test_all_that_was_given_up_is_tried_again_at_once(world: PoolWorld) -> None:
    for first in (1, 2, 3):
        await world.desk.submit(b"%d" % first, [segment(first)])
    for _ in range(2 * world.config.failures_before_giving_up):
        order = await world.order(ANN)
        world.desk.report_failure(ANN, order.job_id, order.token, "fault")
    assert [world.stages(b"%d" % first) for first in (1, 2, 3)].count(["given_up"]) == 2
    assert world.desk.retry_failed() == 2
    assert [world.stages(b"%d" % first) for first in (1, 2, 3)] == [["open"]] * 3
    assert world.desk.retry_failed() == 0


async def test_a_forgotten_batch_leaves_no_file(world: PoolWorld) -> None:
    await world.desk.submit(BATCH, [segment(1), segment(2)])
    await world.hand_in(ANN, await world.order(ANN))
    await world.until(lambda: "proven" in world.stages(BATCH))
    world.desk.forget(BATCH)
    assert (world.files("witnesses"), world.files("proofs")) == ([], [])
    assert world.desk.batch_status(BATCH) is None


async def test_what_is_no_batch_leaves_no_file(world: PoolWorld) -> None:
    with pytest.raises(InvalidSegments):
        await world.desk.submit(BATCH, [segment(1), segment(3)])
    assert world.files("witnesses") == []


async def test_a_lost_witness_ends_its_job_and_no_other(world: PoolWorld) -> None:
    await world.desk.submit(BATCH, [segment(1), segment(2)])
    for name in world.files("witnesses"):
        path = world.directory / "witnesses" / name
        if path.read_bytes() == segment(1).witness:
            path.write_bytes(b"something else")
    order = await world.order(ANN)
    assert order.witness == segment(2).witness
    assert world.stages(BATCH) == ["given_up", "open"]


async def test_a_lost_proof_is_named(world: PoolWorld) -> None:
    await world.desk.submit(BATCH, [segment(1)])
    await world.hand_in(ANN, await world.order(ANN))
    await world.until(lambda: world.stages(BATCH) == ["proven"])
    (name,) = world.files("proofs")
    (world.directory / "proofs" / name).unlink()
    with pytest.raises(FileDamaged, match="is missing"):
        await world.desk.proofs(BATCH)


async def test_heartbeats_say_whether_anybody_wants_the_proof(world: PoolWorld) -> None:
    await world.desk.submit(BATCH, [segment(1)])
    order = await world.order(ANN)
    assert world.desk.heartbeat(ANN, order.job_id, order.token)
    assert not world.desk.heartbeat(ANN, order.job_id, Token(99))
    world.desk.forget(BATCH)
    assert not world.desk.heartbeat(ANN, order.job_id, order.token)


# CRASHES: state is on disk, effects are not


async def test_a_crash_after_a_submission_keeps_the_batch(world: PoolWorld) -> None:
    await world.desk.submit(BATCH, [segment(1)])
    await world.crash()
    assert await world.desk.submit(BATCH, [segment(1)]) == Submission(True, False)
    assert (await world.order(ANN)).witness == segment(1).witness


async def test_a_crash_before_the_queue_knows_a_batch_leaves_no_file(world: PoolWorld) -> None:
    world.desk.keeper.witnesses.put(segment(1).witness)
    world.desk.keeper.proofs.put(b"a proof that was not handed in to the end")
    (world.directory / "witnesses" / "x.part").write_bytes(b"half")
    await world.crash()
    assert (world.files("witnesses"), world.files("proofs")) == ([], [])


async def test_a_crash_between_lease_and_answer_gives_the_same_lease_again(
    world: PoolWorld,
) -> None:
    await world.desk.submit(BATCH, [segment(1), segment(2)])
    lost = await world.order(ANN)
    await world.crash()
    assert await world.order(ANN) == lost


async def test_a_worker_outlives_the_pool_and_hands_in_to_its_next_life(world: PoolWorld) -> None:
    await world.desk.submit(BATCH, [segment(1)])
    order = await world.order(ANN)
    world.now_ms += 10 * world.config.lease_ms
    await world.crash()
    world.desk.tick()
    assert isinstance(await world.desk.order_for(BEN), Rest)
    await world.hand_in(ANN, order)
    await world.until(lambda: world.stages(BATCH) == ["proven"])


async def test_a_crash_before_verification_verifies_later(world: PoolWorld) -> None:
    world.outside.is_verifier_away = True
    await world.desk.submit(BATCH, [segment(1)])
    proof = await world.hand_in(ANN, await world.order(ANN))
    await world.crash()
    world.outside.is_verifier_away = False
    await world.crash()
    await world.until(lambda: world.stages(BATCH) == ["proven"])
    assert world.outside.verified == [proof]


async def test_a_crash_before_a_split_splits_later(
    world: PoolWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.desk.submit(BATCH, [segment(1, 2)])
    for _ in range(2):
        order = await world.order(ANN)
        world.desk.report_failure(ANN, order.job_id, order.token, "fault")
    await world.crash()
    await world.until(lambda: len(world.stages(BATCH)) == 2)
    assert len(world.files("witnesses")) == 2


async def test_what_is_proved_is_still_there_after_a_crash(world: PoolWorld) -> None:
    await world.desk.submit(BATCH, [segment(1)])
    await world.hand_in(ANN, await world.order(ANN))
    await world.until(lambda: world.stages(BATCH) == ["proven"])
    before = await world.desk.proofs(BATCH)
    await world.crash()
    assert await world.desk.proofs(BATCH) == before


# ENDING


async def test_a_drained_pool_has_finished_what_ran_and_kept_what_waited(world: PoolWorld) -> None:
    await world.desk.submit(BATCH, [segment(1), segment(2)])
    order = await world.order(ANN)
    draining = asyncio.create_task(world.desk.drain())
    await world.hand_in(ANN, order)
    await draining
    assert world.stages(BATCH) == ["proven", "open"]
    assert isinstance(await world.desk.order_for(BEN), Rest)
    assert await world.desk.submit(b"2", [segment(3)]) == Submission(False, False, "draining")


async def test_a_closed_pool_gives_leases_back_and_says_that_it_is_closed(tmp_path: Path) -> None:
    world = PoolWorld(tmp_path)
    world.desk.start()
    await world.desk.submit(BATCH, [segment(1)])
    await world.order(ANN)
    await world.close()
    with pytest.raises(PoolClosed, match="start it again"):
        world.desk.tick()
    again = PoolWorld(tmp_path)
    again.desk.start()
    await again.order(BEN)
    (job,) = again.desk.keeper.state.jobs.values()
    assert (job.losses, job.failures) == (0, 0)
    await again.close()


async def test_two_pools_cannot_share_a_directory(world: PoolWorld, tmp_path: Path) -> None:
    with pytest.raises(StorageLockedError):
        PoolWorld(tmp_path)


async def test_a_pool_whose_disk_fails_ends(
    world: PoolWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StorageFailedError("no space left")

    await world.desk.submit(BATCH, [segment(1)])
    with monkeypatch.context() as patch:
        patch.setattr("storage.store.Store.commit", full)
        with pytest.raises(StorageFailedError):
            await world.desk.order_for(ANN)
    (failure,) = world.failures
    assert isinstance(failure, StorageFailedError)
    assert world.desk.keeper.state.leased_to(ANN) is None
    world.failures.clear()


async def test_jobs_of_another_build_are_given_up_at_the_start(world: PoolWorld) -> None:
    await world.desk.submit(BATCH, [segment(1)])
    world.programs = [program(root=2)]
    await world.crash()
    status = world.desk.batch_status(BATCH)
    assert status is not None
    assert "not of this build" in status.reasons[0]
    world.desk.forget(BATCH)
    assert (await world.desk.submit(BATCH, [segment(1)])).is_new


async def test_jobs_of_a_parameter_set_that_was_the_default_go_on(world: PoolWorld) -> None:
    await world.desk.submit(BATCH, [segment(1)])
    world.programs = [program(root=2), program()]
    await world.crash()
    order = await world.order(ANN)
    assert world.desk.program(order.key_digest)[1] == program()
    assert world.desk.program(None)[1] == program(root=2)
    await world.desk.submit(b"2", [replace(segment(1), first_block=2, last_block=2)])
    assert world.desk.program((await world.order(BEN)).key_digest)[1] == program(root=2)
