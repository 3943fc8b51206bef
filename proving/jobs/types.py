"""Names of the queue's things."""

from typing import Final, NewType

BatchId = NewType("BatchId", bytes)
"""Chosen by who submits; 1 to 32 bytes."""

JobId = NewType("JobId", bytes)
"""32 bytes, see :attr:`proving.jobs.job.JobSpec.id`."""

FileDigest = NewType("FileDigest", bytes)
"""SHA-256 of a witness or a proof, under which it is kept."""

Token = NewType("Token", int)
"""Of a lease; a later lease of any job has a larger one."""

FIRST_TOKEN: Final = Token(1)

WorkerId = NewType("WorkerId", str)
"""One life of one worker: a restarted worker has another one."""
