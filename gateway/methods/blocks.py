"""Methods about blocks."""

from gateway import params as read
from gateway import render
from gateway.backend import Json
from gateway.methods.table import MethodTable
from gateway.params import BlockHash, BlockReference, Params
from gateway.reader import ChainReader


class BlockMethods:
    """Blocks by number or hash, their transaction counts and receipts."""

    def __init__(self, reader: ChainReader) -> None:
        self._reader = reader

    def table(self) -> MethodTable:
        """The methods by name."""
        return {
            "eth_getBlockByNumber": self.block_by_number,
            "eth_getBlockByHash": self.block_by_hash,
            "eth_getBlockTransactionCountByNumber": self.count_by_number,
            "eth_getBlockTransactionCountByHash": self.count_by_hash,
            "eth_getUncleCountByBlockNumber": self.uncles_by_number,
            "eth_getUncleCountByBlockHash": self.uncles_by_hash,
            "eth_getBlockReceipts": self.receipts,
        }

    async def block_by_number(self, params: Params) -> Json:
        """A block by number or tag, or null."""
        return await self._block(read.block_reference(params.required(0)), params)

    async def block_by_hash(self, params: Params) -> Json:
        """A block by hash, or null."""
        return await self._block(BlockHash(read.hash32(params.required(0))), params)

    async def count_by_number(self, params: Params) -> Json:
        """Transactions in a block, system transactions counted."""
        return await self._count(read.block_reference(params.required(0)), params)

    async def count_by_hash(self, params: Params) -> Json:
        """Transactions in a block, system transactions counted."""
        return await self._count(BlockHash(read.hash32(params.required(0))), params)

    async def uncles_by_number(self, params: Params) -> Json:
        """Zero, or null if there is no such block."""
        return await self._uncles(read.block_reference(params.required(0)), params)

    async def uncles_by_hash(self, params: Params) -> Json:
        """Zero, or null if there is no such block."""
        return await self._uncles(BlockHash(read.hash32(params.required(0))), params)

    async def receipts(self, params: Params) -> Json:
        """All receipts of a block, or null."""
        params.at_most(1)
        reference = read.block_reference(params.required(0))
        return await self._reader.block_view(
            reference,
            lambda block: [render.receipt(item) for item in block.all_transactions()],
        )

    async def _block(self, reference: BlockReference, params: Params) -> Json:
        params.at_most(2)
        is_full = params.optional(1) is not None and read.boolean(params.optional(1))
        return await self._reader.block_view(reference, lambda block: render.block(block, is_full))

    async def _count(self, reference: BlockReference, params: Params) -> Json:
        params.at_most(1)
        return await self._reader.block_view(reference, lambda block: hex(len(block.receipts)))

    async def _uncles(self, reference: BlockReference, params: Params) -> Json:
        params.at_most(1)
        return None if await self._reader.existing_number(reference) is None else "0x0"
