"""A chain on both engines that remembers its blocks, so that any run of them makes a batch."""

from collections.abc import Sequence

from execution.block_data import BatchBlock
from execution.types import (
    Address,
    BlockInput,
    BlockOutput,
    ChainSpec,
    GenesisAccount,
    Hash32,
    SystemTransaction,
)
from tests.differential.compare import Engines
from tests.differential.guest.batches import Batch

GENESIS_SECONDS = 1_700_000_000
GAS_LIMIT = 60_000_000
COINBASE = Address(b"\xcb" * 20)


class GrowingChain:
    """Every block has to come out the same on the wasm engine and on py-evm."""

    def __init__(self, chain_id: int, alloc: dict[Address, GenesisAccount]) -> None:
        self.spec = ChainSpec(
            chain_id, GAS_LIMIT, GENESIS_SECONDS, alloc, is_base_fee_zero=True, is_metered=True
        )
        self.engines = Engines(self.spec)
        self.blocks: list[BatchBlock] = []
        self.outputs: list[BlockOutput] = []
        self._hashes = [self.engines.reference.head_hash]
        self._roots = [self.engines.reference.state_root]

    def execute(
        self,
        transactions: Sequence[bytes] = (),
        system: Sequence[SystemTransaction] = (),
        certificates: Sequence[Hash32] = (),
        may_skip: bool = False,
    ) -> BlockOutput:
        """One more block; none of its transactions is skipped, unless that is allowed."""
        number = len(self.blocks) + 1
        block = BlockInput(
            number=number,
            timestamp_seconds=GENESIS_SECONDS + number,
            prev_randao=Hash32(number.to_bytes(32, "big")),
            coinbase=COINBASE,
            gas_limit=GAS_LIMIT,
            system_transactions=tuple(system),
            transactions=tuple(transactions),
            senders=(None,) * len(transactions),
        )
        output = self.engines.execute(block, "block")
        assert may_skip or output.skipped == ()
        self.blocks.append(BatchBlock(block, tuple(certificates)))
        self.outputs.append(output)
        self._hashes.append(output.block_hash)
        self._roots.append(output.state_root)
        return output

    def batch(self, first: int, last: int) -> Batch:
        """The blocks with these numbers, both included."""
        return Batch(
            self.spec,
            self.engines.wasm,
            self._hashes[first - 1],
            self._roots[first - 1],
            tuple(self.blocks[first - 1 : last]),
            tuple(self.outputs[first - 1 : last]),
        )
