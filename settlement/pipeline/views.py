"""Reads what the plan needs to know of each open batch from L1 and from the provers."""

from collections.abc import Sequence
from dataclasses import replace

from contracts.l1.batches import GENESIS_BATCH, BatchStatus
from execution.types import Address, Hash32
from ledger.hashing import keccak
from settlement import rollup
from settlement.interfaces import BatchToProve, BlockSource, ProofJobs, ProofPoster, SegmentProof
from settlement.l1.account import Call
from settlement.l1.client import L1Client
from settlement.l1.watcher import L1Watcher
from settlement.pipeline.chunks import Chunk, cut_chunks
from settlement.pipeline.plan import BatchView
from settlement.records import BatchCut
from settlement.rollup import BatchOnL1


class BatchReader:
    """L1's side of batches."""

    def __init__(
        self,
        client: L1Client,
        rollup_address: Address,
        watcher: L1Watcher,
        blocks: BlockSource,
        jobs: ProofJobs,
        poster: ProofPoster,
    ) -> None:
        self._client = client
        self._rollup = rollup_address
        self._watcher = watcher
        self._blocks = blocks
        self._jobs = jobs
        self._poster = poster
        self._chunks: dict[Hash32, tuple[Chunk, ...]] = {}

    async def generation(self) -> int:
        """How often verifier or registry were changed."""
        return rollup.decode_word(await self._call(rollup.GENERATION_CALL))

    async def final_batch(self) -> Hash32:
        """The last final batch, in the newest block."""
        return rollup.decode_hash(await self._call(rollup.FINAL_BATCH_CALL))

    async def on_l1(self, batch_id: Hash32, at: int | None = None) -> BatchOnL1:
        """What the contract knows of a batch, as it says it."""
        return rollup.decode_batch(await self._call(rollup.batch_call(batch_id), at))

    async def status(self, batch_id: Hash32, generation: int) -> BatchStatus:
        """Status that still counts: without it the batch has to be committed anew."""
        if batch_id == GENESIS_BATCH:
            return BatchStatus.FINAL
        return _current_status(await self.on_l1(batch_id), generation)

    async def view(self, batch: BatchCut, generation: int) -> BatchView:
        """Everything about one open batch; asks the provers for it as well."""
        known = await self.on_l1(Hash32(batch.batch_id))
        status = _current_status(known, generation)
        chunks = await self._chunks_of(batch)
        posted = await self._posted(batch, chunks, status)
        view = BatchView(batch, chunks, status, posted)
        to_prove = batch_to_prove(batch)
        if status in (BatchStatus.UNKNOWN, BatchStatus.COMMITTED):
            await self._jobs.request(to_prove)
        if status is BatchStatus.COMMITTED:
            proofs = await self._jobs.proofs(to_prove)
            if proofs is not None:
                view = await self._with_proofs(view, proofs)
        if status is BatchStatus.PROVEN:
            consumed = self._watcher.queue.count_with_hash(known.deposits)
            view = replace(view, consumed=consumed)
        return view

    def forget_all_but(self, batches: Sequence[BatchCut]) -> None:
        """Drop the data of batches that are not open any more."""
        open_ids = {batch.batch_id for batch in batches}
        for batch_id in [known for known in self._chunks if known not in open_ids]:
            del self._chunks[batch_id]

    async def _chunks_of(self, batch: BatchCut) -> tuple[Chunk, ...]:
        batch_id = Hash32(batch.batch_id)
        if batch_id not in self._chunks:
            last = batch.certificate.checkpoint.number
            data = await self._blocks.data(batch.first_block, last)
            chunks = cut_chunks(batch.first_block, data, Hash32(batch.chain_before))
            self._chunks[batch_id] = chunks
        return self._chunks[batch_id]

    async def _posted(
        self, batch: BatchCut, chunks: tuple[Chunk, ...], status: BatchStatus
    ) -> frozenset[Hash32]:
        if status is not BatchStatus.UNKNOWN:
            return frozenset(chunk.after for chunk in chunks)
        posted: set[Hash32] = set()
        for chain in (*(chunk.after for chunk in chunks), Hash32(batch.chain_before)):
            output = await self._call(rollup.posted_at_call(chain))
            if rollup.decode_word(output) > 0:
                posted.add(chain)
        return frozenset(posted)

    async def _with_proofs(self, view: BatchView, proofs: Sequence[SegmentProof]) -> BatchView:
        # Asked each time: a change through the timelock must not leave us with the old one.
        verifier = rollup.decode_address(await self._call(rollup.VERIFIER_CALL))
        calls: list[Call] = []
        are_verified = True
        for proof in proofs:
            digest = Hash32(keccak(proof.statement))
            output = await self._client.call(verifier, rollup.is_verified_call(digest))
            if rollup.decode_word(output) == 1:
                continue
            are_verified = False
            calls.extend(await self._poster.remaining_calls(proof, verifier, self._client))
        return replace(view, proofs=proofs, are_verified=are_verified, verifier_calls=tuple(calls))

    async def _call(self, call_data: bytes, at: int | None = None) -> bytes:
        return await self._client.call(self._rollup, call_data, at)


def batch_to_prove(batch: BatchCut) -> BatchToProve:
    """The batch as the provers get it."""
    last_block = batch.certificate.checkpoint.number
    return BatchToProve(Hash32(batch.batch_id), batch.first_block, last_block)


def _current_status(known: BatchOnL1, generation: int) -> BatchStatus:
    is_current = known.status is BatchStatus.FINAL or known.generation == generation
    return known.status if is_current else BatchStatus.UNKNOWN
