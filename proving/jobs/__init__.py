"""The queue of proofs to make, without IO: events in, effects out. This page is the protocol.

A *batch* is a run of consecutive blocks, cut into *segments*. Each segment with its witness is a
*job*: one run of one program, to be proved under one parameter set. A *worker* proves one job at a
time. What a job is about (blocks, or any program's input) the queue does not look at.

Rules
-----
1.  **Identity**: a job's id is a hash of verifying key, parameter set and witness. A job that two
    batches contain is proved once. Submitting a batch again changes nothing.
2.  **Order**: the oldest job first, by its first block, whatever batch it came with.
3.  **Lease**: a worker asks, and gets a job with a token, which is a number that grows with every
    lease. A job has at most one lease and a worker at most one; who asks again gets the same one
    again. Heartbeats extend it. While a lease lasts, its token is *current*.
4.  **Loss**: a lease whose worker died, went silent or gave the job back ends, and costs the job
    no retry. A worker that was only silent takes its lease up again, unless the job has gone on.
5.  **Failure**: a job that fails in the worker's hands, takes longer than any job may, or whose
    proof is refused, has failed once. After a pause it is tried again.
6.  **Split**: a segment of several blocks that failed twice, or was lost three times (it may be
    what kills workers), is cut in two by whoever made its witness. The halves start afresh.
7.  **Giving up**: a single block that failed four times, or a segment that cannot be split, is
    given up, with the reason. The batch says so until somebody asks to retry it. Losses alone
    never get there; they only lengthen the pause.
8.  **Publication**: a proof is verified, outside of the worker, against the program and the public
    values that the submitter named, before anybody sees it. Whoever's token it came with: a late
    proof is verified like any other and used if no other came first. A second one is ignored, a
    refused one costs a retry only if its token was current, and its worker is replaced.
9.  **Back-pressure**: while too many jobs are open the queue takes no new batch, except that an
    empty queue takes any.
10. **Draining**: no new leases and no new batches; what runs ends.
11. **Restart**: the state is on the disk before its effects leave. A restart gives every lease its
    full time again and repeats the effects that may have been lost: verifications and splits.

Form
----
:func:`~proving.jobs.step.step` maps a state and an event to a new state and effects.
:mod:`~proving.jobs.records` says what of it is kept on disk. No module here knows a clock,
randomness, IO, asyncio or Ray.
"""

from proving.jobs.config import QueueConfig
from proving.jobs.errors import InvalidSegments, JobsError, QueueDamaged
from proving.jobs.job import Attempt, Batch, Candidate, Job, JobSpec, Lease, Outcome, Stage
from proving.jobs.state import QueueState
from proving.jobs.step import step
from proving.jobs.types import BatchId, FileDigest, JobId, Token, WorkerId

__all__ = [
    "Attempt",
    "Batch",
    "BatchId",
    "Candidate",
    "FileDigest",
    "InvalidSegments",
    "Job",
    "JobId",
    "JobSpec",
    "JobsError",
    "Lease",
    "Outcome",
    "QueueConfig",
    "QueueDamaged",
    "QueueState",
    "Stage",
    "Token",
    "WorkerId",
    "step",
]
