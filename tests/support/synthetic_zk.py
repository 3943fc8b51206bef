"""A ZK chain out of nothing: blocks with random data, honest certificates, statements that fit.

Proofs are left out (the contract in `part_verifier.vy` takes anything in three parts), so
that settlement itself can be tried at every step within seconds. Everything else is real:
the ledger's keys and codec, block data hashes, statements, the queue's hash chain.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

from eth_abi.abi import encode

from execution import statement as statements
from execution.block_data import block_data_hash
from execution.statement import Accumulators, Statement
from execution.types import ZERO_HASH, Address, Hash32
from ledger.bls import aggregate
from ledger.crossing import (
    Checkpoint,
    CheckpointCertificate,
    Message,
    checkpoint_message,
)
from ledger.genesis import Genesis, genesis_digest
from ledger.hashing import keccak
from ledger.keys import ValidatorKeys
from ledger.signers import pack_signers
from ledger.types import BlockNumber, ChainRole, EvmHash, ValidatorIndex
from settlement.interfaces import BatchToProve, BlockSummary, CallReader, SegmentProof
from settlement.l1.account import Call
from settlement.l1.queue import next_queue_hash

PARTS = 3


@dataclass
class SyntheticBlock:
    """One final block; ``deposits`` is the queue's hash after the entries it consumed."""

    number: int
    data: bytes = field(repr=False)
    timestamp_ms: int
    transaction_count: int
    state_root: Hash32
    block_hash: Hash32
    deposits: Hash32
    is_certified: bool = True


class SyntheticZk:
    """Blocks, and the :class:`settlement.interfaces.BlockSource` of them."""

    def __init__(self, genesis: Genesis, keys: Sequence[ValidatorKeys], seed: int = 1) -> None:
        self.genesis = genesis
        self.state_root, self.block_hash = _hash(b"root", 0), _hash(b"block", 0)
        self._keys = keys
        self._random = Random(seed)
        self._blocks: list[SyntheticBlock] = []
        self._certificates: dict[int, CheckpointCertificate] = {}
        self._deposits = ZERO_HASH

    def add(
        self,
        now_seconds: float,
        *,
        size_bytes: int = 900,
        transactions: int = 1,
        consume: Sequence[Message] = (),
        is_certified: bool = True,
    ) -> SyntheticBlock:
        """One more final block."""
        number = len(self._blocks) + 1
        for message in consume:
            self._deposits = next_queue_hash(self._deposits, message)
        block = SyntheticBlock(
            number=number,
            data=self._random.randbytes(size_bytes),
            timestamp_ms=int(now_seconds * 1000),
            transaction_count=transactions,
            state_root=_hash(b"root", number),
            block_hash=_hash(b"block", number),
            deposits=self._deposits,
            is_certified=is_certified,
        )
        self._blocks.append(block)
        return block

    def falsify(self, number: int) -> None:
        """Another history: the block has other data."""
        self._blocks[number - 1].data = b"another history"

    async def summaries(self, first_number: int, limit: int) -> Sequence[BlockSummary]:
        found = self._blocks[first_number - 1 : first_number - 1 + limit]
        return [
            BlockSummary(
                number=block.number,
                size_bytes=len(block.data),
                timestamp_ms=block.timestamp_ms,
                transaction_count=block.transaction_count,
                estimated_cycles=75_000 * block.transaction_count + 200_000,
                certificate=self.certificate(block.number) if block.is_certified else None,
            )
            for block in found
        ]

    async def data(self, first_number: int, last_number: int) -> Sequence[bytes]:
        return [block.data for block in self._blocks[first_number - 1 : last_number]]

    def certificate(self, number: int) -> CheckpointCertificate:
        """A quorum's certificate over a block: real signatures."""
        if number not in self._certificates:
            block = self._blocks[number - 1]
            checkpoint = Checkpoint(
                chain_id=self.genesis.chain(ChainRole.ZK).chain_id,
                number=BlockNumber(number),
                ledger_digest=EvmHash(_hash(b"ledger", number)),
                block_hash=EvmHash(block.block_hash),
                state_root=EvmHash(block.state_root),
                receipts_root=EvmHash(_hash(b"receipts", number)),
                outbox_root=EvmHash(keccak(b"")),
                next_message_nonce=0,
            )
            message = checkpoint_message(genesis_digest(self.genesis), checkpoint)
            signers = [ValidatorIndex(index) for index in range(3)]
            signature = aggregate([self._keys[index].checkpoint.sign(message) for index in signers])
            self._certificates[number] = CheckpointCertificate(
                checkpoint, pack_signers(signers), signature
            )
        return self._certificates[number]

    def statement(self, first: int, last: int) -> Statement:
        """What a proof of these blocks would state."""
        before = self._accumulators(first - 1)
        return Statement(
            chain_id=self.genesis.chain(ChainRole.ZK).chain_id,
            l1_chain_id=self.genesis.l1.chain_id,
            is_base_fee_zero=self.genesis.chain(ChainRole.ZK).is_base_fee_zero,
            first_block=first,
            last_block=last,
            previous_state_root=self._blocks[first - 2].state_root
            if first > 1
            else self.state_root,
            new_state_root=self._blocks[last - 1].state_root,
            previous_block_hash=self._blocks[first - 2].block_hash
            if first > 1
            else self.block_hash,
            last_block_hash=self._blocks[last - 1].block_hash,
            before=before,
            after=self._accumulators(last),
            inflows={},
            rounds={},
        )

    def _accumulators(self, number: int) -> Accumulators:
        chain = block_data_hash(ZERO_HASH, [block.data for block in self._blocks[:number]])
        deposits = self._blocks[number - 1].deposits if number else ZERO_HASH
        return replace(Accumulators(), block_data=chain, deposits=deposits)


class SyntheticProver:
    """The :class:`settlement.interfaces.ProofJobs` of a synthetic chain: quick, in two segments.

    Several nodes share it as they share a prover pool.
    """

    def __init__(self, chain: SyntheticZk) -> None:
        self._chain = chain
        self.requested: list[BatchToProve] = []
        self.is_slow = False

    async def request(self, batch: BatchToProve) -> None:
        if batch not in self.requested:
            self.requested.append(batch)

    async def proofs(self, batch: BatchToProve) -> Sequence[SegmentProof] | None:
        assert batch in self.requested
        if self.is_slow:
            return None
        middle = (batch.first_block + batch.last_block) // 2
        parts = [(batch.first_block, middle), (middle + 1, batch.last_block)]
        if batch.first_block == batch.last_block:
            parts = [(batch.first_block, batch.last_block)]
        return [
            SegmentProof(statements.encode(self._chain.statement(first, last)), b"proof")
            for first, last in parts
        ]

    async def waiting_jobs(self) -> int:
        return len(self.requested) if self.is_slow else 0


class PartPoster:
    """The :class:`settlement.interfaces.ProofPoster` of `part_verifier.vy`."""

    async def remaining_calls(
        self, proof: SegmentProof, verifier: Address, reader: CallReader
    ) -> Sequence[Call]:
        digest = keccak(proof.statement)
        output = await reader.call(verifier, keccak(b"parts(bytes32)")[:4] + digest)
        done = int.from_bytes(output, "big")
        return [_part_call(verifier, digest, part) for part in range(PARTS) if not done >> part & 1]


def _part_call(verifier: Address, digest: bytes, part: int) -> Call:
    arguments = encode(("bytes32", "uint256", "bytes"), (digest, part, bytes([part]) * 500))
    data = keccak(b"submit(bytes32,uint256,bytes)")[:4] + arguments
    return Call(verifier, data, 0, f"verify part {part}")


def _hash(label: bytes, number: int) -> Hash32:
    return Hash32(keccak(label + number.to_bytes(8, "big")))
