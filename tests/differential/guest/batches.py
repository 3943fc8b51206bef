"""Batches of random chains, with what has to be proved of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from execution.block_data import BatchBlock, chain_hash, encode_block_data
from execution.engine import WasmEngine
from execution.statement import Accumulators, Statement
from execution.types import BlockInput, BlockOutput, ChainSpec, Hash32
from execution.witness import Witness, build_witness
from ledger.hashing import keccak
from tests.differential.compare import Engines
from tests.differential.scenario import Scenario

L1_CHAIN_ID = 1
SMALL_GAS_LIMIT = 2_000_000
"""So small that not all transactions of a block fit."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Executed blocks of one chain; ``previous`` is the output before the first, if there is one.

    Every output is that of the wasm engine and of py-evm, bit for bit.
    """

    spec: ChainSpec
    engine: WasmEngine
    previous_hash: Hash32
    previous_state_root: Hash32
    blocks: tuple[BatchBlock, ...]
    outputs: tuple[BlockOutput, ...]

    def witness(self, before: Accumulators = Accumulators()) -> Witness:
        """Witness of the whole batch."""
        return build_witness(self.engine, self.spec, self.blocks, L1_CHAIN_ID, before)

    def parts(self) -> tuple["Batch", ...]:
        """The same blocks, one to a batch."""
        hashes = (self.previous_hash, *(output.block_hash for output in self.outputs))
        roots = (self.previous_state_root, *(output.state_root for output in self.outputs))
        return tuple(
            Batch(self.spec, self.engine, hashes[at], roots[at], (block,), (output,))
            for at, (block, output) in enumerate(zip(self.blocks, self.outputs, strict=True))
        )

    def statement(self, before: Accumulators = Accumulators()) -> Statement:
        """What is to be proved of blocks without predeploys: nothing crosses the border."""
        block_data, certificates = before.block_data, before.certificates
        for block in self.blocks:
            block_data = chain_hash(block_data, Hash32(keccak(encode_block_data(block))))
            for certificate in block.certificates:
                certificates = chain_hash(certificates, certificate)
        last = self.outputs[-1]
        return Statement(
            chain_id=self.spec.chain_id,
            l1_chain_id=L1_CHAIN_ID,
            is_base_fee_zero=self.spec.is_base_fee_zero,
            first_block=self.outputs[0].number,
            last_block=last.number,
            previous_state_root=self.previous_state_root,
            new_state_root=last.state_root,
            previous_block_hash=self.previous_hash,
            last_block_hash=last.block_hash,
            before=before,
            after=Accumulators(
                block_data, before.deposits, before.inbound, certificates, before.outbox
            ),
            inflows={},
            rounds={},
        )


def random_batch(seed: int, block_count: int, transactions_per_block: int) -> Batch:
    """Blocks of the random chain of a seed, on both engines."""
    scenario = Scenario(seed)
    is_small = seed % 4 == 0
    gas_limit = SMALL_GAS_LIMIT if is_small else scenario.spec.gas_limit
    scenario.spec = replace(scenario.spec, gas_limit=gas_limit, is_metered=True)
    engines = Engines(scenario.spec)
    genesis_hash, genesis_root = engines.reference.head_hash, engines.reference.state_root
    blocks: list[BlockInput] = []
    outputs: list[BlockOutput] = []
    for _ in range(block_count):
        block = scenario.next_block(engines.reference, transactions_per_block)
        block = replace(block, gas_limit=gas_limit)  # The guest lets no block change it.
        outputs.append(engines.execute(block, f"seed {seed}"))
        blocks.append(block)
    return Batch(
        scenario.spec,
        engines.wasm,
        genesis_hash,
        genesis_root,
        _with_certificates(blocks),
        tuple(outputs),
    )


def _with_certificates(blocks: Sequence[BlockInput]) -> tuple[BatchBlock, ...]:
    """As many named certificates as the number of the block, modulo 3."""
    return tuple(
        BatchBlock(
            block,
            tuple(Hash32(keccak(bytes([block.number, at]))) for at in range(block.number % 3)),
        )
        for block in blocks
    )
