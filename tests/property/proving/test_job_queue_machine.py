"""The queue under everything that can happen to it, in any order, crashes included.

Invariants: no block of a batch is ever without a job; a job is leased to one worker and a worker
holds one job; one proof is published for a job, and a good one; only failures count, and their
number is bounded; the oldest job goes first; the disk holds the state. In the end, with workers
that do their work, every batch is proved.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from proving.jobs import BatchId, FileDigest, JobId, Stage, Token, WorkerId
from proving.jobs.effects import (
    BatchTaken,
    Effect,
    JobProven,
    LeaseGranted,
    SplitJob,
    VerifyProof,
)
from proving.jobs.events import (
    BatchForgotten,
    DrainRequested,
    Event,
    HeartbeatReceived,
    LeaseReturned,
    ProofReceived,
    ProofRefused,
    ProofVerified,
    RetryRequested,
    RunFailed,
    SplitMade,
    SplitRefused,
    Started,
    Tick,
    WorkerLost,
)
from proving.jobs.records import recover
from tests.support.job_world import CONFIG, QueueWorld, of_type, proof_named, spec

WORKERS = [WorkerId(name) for name in ("ann", "ben", "cleo")]
FIRST_BLOCKS = (1, 9, 17)
"""Of three batches, eight blocks each, cut into segments of 3, 1 and 4."""


class QueueMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = QueueWorld(replace(CONFIG, longest_run_ms=10 * CONFIG.lease_ms))
        self.batches: dict[BatchId, tuple[int, int]] = {}
        self.granted: list[LeaseGranted] = []
        self.to_verify: list[VerifyProof] = []
        self.to_split: list[SplitJob] = []
        self.published: dict[JobId, FileDigest] = {}
        self.faults: Counter[JobId] = Counter()
        self.tokens: dict[Token, JobId] = {}

    # THE SHELL

    def send(self, event: Event, *, crashes: bool = False) -> tuple[Effect, ...]:
        """Step; a crash comes after the state is on disk and before any effect."""
        effects = self.world.send(event)
        for effect in of_type(effects, JobProven):
            proof = self.world.job(effect.job_id).proof
            assert proof is not None
            assert self.published.setdefault(effect.job_id, proof) == proof
        if crashes:
            self.world.crash()
            effects = self.world.send(Started())
            self.to_verify, self.to_split = [], []
        self.to_verify += of_type(effects, VerifyProof)
        self.to_split += of_type(effects, SplitJob)
        return effects

    @initialize()
    def start(self) -> None:
        self.send(Started())

    @rule(first=st.sampled_from(FIRST_BLOCKS), crashes=st.booleans())
    def submit(self, first: int, crashes: bool) -> None:
        batch = BatchId(b"%d" % first)
        jobs = (spec(first, first + 2), spec(first + 3), spec(first + 4, first + 7))
        before = self.world.state
        effects = self.world.submit(*jobs, batch=batch)
        if of_type(effects, BatchTaken):
            self.batches[batch] = (first, first + 7)
        else:
            assert self.world.state == before
        if crashes:
            self.send(Tick(), crashes=True)

    @precondition(lambda self: self.batches)
    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        batch = data.draw(st.sampled_from(sorted(self.batches)))
        for job in self.world.state.jobs_of(batch):
            self.published.pop(job.id, None)
            self.faults.pop(job.id, None)
        self.send(BatchForgotten(batch))
        del self.batches[batch]

    @rule()
    def drain(self) -> None:
        self.send(DrainRequested())

    @rule()
    def restart(self) -> None:
        self.send(Tick(), crashes=True)

    @rule(share=st.sampled_from([0.1, 1.0, 20.0]))
    def time_passes(self, share: float) -> None:
        self.world.now_ms += int(share * CONFIG.lease_ms)
        self._count_overruns(Tick())

    # WORKERS

    @rule(worker=st.sampled_from(WORKERS), crashes=st.booleans())
    def ask(self, worker: WorkerId, crashes: bool) -> None:
        before = self.world.state
        held = before.leased_to(worker)
        waiting = [job for job in before.jobs.values() if job.is_available(self.world.now_ms)]
        granted = self.world.lease(worker)
        if granted is not None:
            if held is None:
                oldest = min(job.spec.first_block for job in waiting)
                assert before.jobs[granted.job_id].spec.first_block == oldest
                assert granted.lease.token not in self.tokens, "a token is new"
            self.tokens[granted.lease.token] = granted.job_id
            self.granted.append(granted)
        else:
            assert before.is_draining or not waiting
        if crashes:
            self.send(Tick(), crashes=True)

    @precondition(lambda self: self.granted)
    @rule(data=st.data(), kind=st.sampled_from(["beat", "return", "fail", "good", "bad"]))
    def act(self, data: st.DataObject, kind: str) -> None:
        """A worker says something under any lease that was ever given, current or not."""
        granted = data.draw(st.sampled_from(self.granted))
        worker, job_id, token = granted.worker, granted.job_id, granted.lease.token
        crashes = data.draw(st.booleans())
        if kind == "beat":
            self._count_overruns(HeartbeatReceived(worker, job_id, token))
        elif kind == "return":
            self.send(LeaseReturned(worker, job_id, token), crashes=crashes)
        elif kind == "fail":
            self.faults[job_id] += 1
            self.send(RunFailed(worker, job_id, token, "fault"), crashes=crashes)
        else:
            proof = proof_named(f"{kind} {token}")
            self.send(ProofReceived(worker, job_id, token, proof), crashes=crashes)

    @rule(worker=st.sampled_from(WORKERS), crashes=st.booleans())
    def die(self, worker: WorkerId, crashes: bool) -> None:
        failures = {job.id: job.failures for job in self.world.state.jobs.values()}
        self.send(WorkerLost(worker), crashes=crashes)
        assert failures == {job.id: job.failures for job in self.world.state.jobs.values()}

    # VERIFYING AND SPLITTING

    @precondition(lambda self: self.to_verify)
    @rule(crashes=st.booleans())
    def verify(self, crashes: bool) -> None:
        wanted = self.to_verify.pop(0)
        good = {proof_named(f"good {token}") for token in self.tokens}
        if wanted.proof in good:
            self.send(ProofVerified(wanted.job_id, wanted.proof), crashes=crashes)
        else:
            self.faults[wanted.job_id] += 1
            self.send(ProofRefused(wanted.job_id, wanted.proof, "false"), crashes=crashes)

    @precondition(lambda self: self.to_split)
    @rule(can_split=st.booleans(), crashes=st.booleans())
    def split(self, can_split: bool, crashes: bool) -> None:
        job_id = self.to_split.pop(0).job_id
        job = self.world.state.jobs.get(job_id)
        if job is None:
            return
        whole = job.spec
        middle = (whole.first_block + whole.last_block) // 2
        parts = (spec(whole.first_block, middle), spec(middle + 1, whole.last_block))
        if can_split:
            self.send(SplitMade(job_id, parts), crashes=crashes)
        else:
            self.send(SplitRefused(job_id, "no such blocks"), crashes=crashes)

    @precondition(lambda self: self.batches)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        batch = data.draw(st.sampled_from(sorted(self.batches)))
        self.send(RetryRequested(batch))

    def _count_overruns(self, event: Event) -> None:
        before = Counter({job.id: job.failures for job in self.world.state.jobs.values()})
        self.send(event)
        for job in self.world.state.jobs.values():
            self.faults[job.id] += max(0, job.failures - before[job.id])

    # INVARIANTS

    @invariant()
    def no_block_is_without_a_job(self) -> None:
        state = self.world.state
        assert set(state.batches) == set(self.batches)
        for batch, (first, last) in self.batches.items():
            blocks = [
                number
                for job in state.jobs_of(batch)
                for number in range(job.spec.first_block, job.spec.last_block + 1)
            ]
            assert blocks == list(range(first, last + 1))

    @invariant()
    def a_lease_is_exclusive(self) -> None:
        leases = [job.lease for job in self.world.state.jobs.values() if job.lease]
        assert len({lease.worker for lease in leases}) == len(leases)
        assert len({lease.token for lease in leases}) == len(leases)
        assert all(job.lease is None for job in self.world.state.jobs.values() if job.is_finished)

    @invariant()
    def what_is_published_is_good_and_stays(self) -> None:
        for job in self.world.state.jobs.values():
            assert (job.stage is Stage.PROVEN) == (job.proof is not None)
            if job.proof is not None:
                assert self.published[job.id] == job.proof
                assert job.proof in {proof_named(f"good {token}") for token in self.tokens}

    @invariant()
    def only_failures_count_and_they_are_bounded(self) -> None:
        for job in self.world.state.jobs.values():
            assert job.failures <= min(self.faults[job.id], CONFIG.failures_before_giving_up)
            if job.stage is Stage.GIVEN_UP:
                assert job.failures == CONFIG.failures_before_giving_up

    @invariant()
    def the_disk_holds_the_state(self) -> None:
        stored = recover(self.world.config, self.world.disk.items())
        assert stored.next_token == self.world.state.next_token
        assert dict(stored.batches) == dict(self.world.state.batches)
        for job_id, job in self.world.state.jobs.items():
            lease = job.lease and replace(job.lease, deadline_ms=0)
            assert stored.jobs[job_id] == replace(job, lease=lease)

    def teardown(self) -> None:
        """Workers that do their work prove everything."""
        self.send(Tick(), crashes=True)
        for batch in list(self.batches):
            self.send(RetryRequested(batch))
        for _ in range(200):
            self.world.wait_out_pauses()
            self.send(Tick())
            while self.to_verify:
                self.verify(crashes=False)
            while self.to_split:
                self.split(can_split=True, crashes=False)
            granted = self.world.lease(WORKERS[0])
            if granted is not None:
                self.tokens[granted.lease.token] = granted.job_id
                proof = proof_named(f"good {granted.lease.token}")
                self.send(ProofReceived(granted.worker, granted.job_id, granted.lease.token, proof))
        assert all(job.stage is Stage.PROVEN for job in self.world.state.jobs.values())


TestJobQueue = QueueMachine.TestCase
TestJobQueue.settings = settings(max_examples=80, stateful_step_count=50, deadline=None)
