"""What settlement asks of the rest of a node: blocks, proofs, and how a proof gets on L1."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from execution.types import Address, Hash32
from ledger.crossing import CheckpointCertificate
from settlement.l1.account import Call


@dataclass(frozen=True, slots=True)
class BlockSummary:
    """A final block of the ZK chain, without its data.

    Attributes
    ----------
    size_bytes
        Length of its data, as :func:`execution.block_data.encode_block_data` makes them.
    transaction_count
        Users' and system transactions; 0 makes the block empty.
    estimated_cycles
        What proving it takes, roughly.
    certificate
        The checkpoint certificate of the block, if the ledger has one by now.
    """

    number: int
    size_bytes: int
    timestamp_ms: int
    transaction_count: int
    estimated_cycles: int
    certificate: CheckpointCertificate | None


class BlockSource(Protocol):
    """Final blocks of the ZK chain, as this node executed them."""

    async def summaries(self, first_number: int, limit: int) -> Sequence[BlockSummary]:
        """Consecutive final blocks from a number on, at most ``limit``."""
        ...

    async def data(self, first_number: int, last_number: int) -> Sequence[bytes]:
        """Encoded data of final blocks, both ends included."""
        ...


@dataclass(frozen=True, slots=True)
class BatchToProve:
    """A batch as the prover pool gets it; the same batch always has the same id."""

    batch_id: Hash32
    first_block: int
    last_block: int


@dataclass(frozen=True, slots=True)
class SegmentProof:
    """One proof, and the encoding of the statement that it proves (``execution.statement``)."""

    statement: bytes
    proof: bytes = field(repr=False)


class ProofJobs(Protocol):
    """The prover pool."""

    async def request(self, batch: BatchToProve) -> None:
        """Have a batch proved; asking again changes nothing."""
        ...

    async def proofs(self, batch: BatchToProve) -> Sequence[SegmentProof] | None:
        """Proofs of consecutive segments of the batch, verified; ``None`` until all are there."""
        ...

    async def waiting_jobs(self) -> int:
        """How many proofs are asked for and not there yet."""
        ...


class CallReader(Protocol):
    """Views of contracts on L1; :class:`settlement.l1.client.L1Client` is one."""

    async def call(self, to: Address, call_data: bytes, at: int | None = None) -> bytes:
        """Return data of a view."""
        ...


class ProofPoster(Protocol):
    """How a proof gets into the verifier on L1, over several transactions."""

    async def remaining_calls(
        self, proof: SegmentProof, verifier: Address, reader: CallReader
    ) -> Sequence[Call]:
        """Calls that can be made now, in any order; none when the statement is verified.

        A call with gas limit 0 is estimated before it is sent. Calls that were made already,
        by anybody, are left out.
        """
        ...
