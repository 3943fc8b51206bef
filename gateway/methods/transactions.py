"""Methods that send transactions and look them up."""

from asyncio import Future

from gateway import params as read
from gateway import render
from gateway.backend import Json
from gateway.errors import RpcError
from gateway.ingress import Ingress
from gateway.methods.table import MethodTable
from gateway.params import BlockHash, BlockReference, Params
from gateway.reader import ChainReader
from gateway.render_transaction import included_transaction, pending_transaction
from gateway.views import IncludedTransaction, PendingTransaction


class TransactionMethods:
    """Submission through the ingress, and look-ups by hash or place."""

    def __init__(self, reader: ChainReader, ingress: Ingress) -> None:
        self._reader = reader
        self._ingress = ingress

    def table(self) -> MethodTable:
        """The methods by name."""
        return {
            "eth_sendRawTransaction": self.send_raw,
            "eth_getTransactionByHash": self.by_hash,
            "eth_getTransactionReceipt": self.receipt,
            "eth_getRawTransactionByHash": self.raw_by_hash,
            "eth_getTransactionByBlockNumberAndIndex": self.by_number_and_index,
            "eth_getTransactionByBlockHashAndIndex": self.by_block_hash_and_index,
        }

    def send_raw(self, params: Params) -> "Future[str | RpcError]":
        """Check a signed transaction, put it into the mempool, give its hash."""
        params.at_most(1)
        return self._ingress.submit(read.data(params.required(0)))

    async def by_hash(self, params: Params) -> Json:
        """A transaction in a block or in the mempool, or null."""
        params.at_most(1)
        found = await self._reader.transaction(read.hash32(params.required(0)))
        if isinstance(found, IncludedTransaction):
            return included_transaction(found)
        return None if found is None else pending_transaction(found)

    async def receipt(self, params: Params) -> Json:
        """The receipt of an executed transaction, or null."""
        params.at_most(1)
        found = await self._reader.transaction(read.hash32(params.required(0)))
        if found is None or isinstance(found, PendingTransaction):
            return None
        return render.receipt(found)

    async def raw_by_hash(self, params: Params) -> Json:
        """The encoding of a transaction in a block or in the mempool, or null."""
        params.at_most(1)
        found = await self._reader.transaction(read.hash32(params.required(0)))
        return None if found is None else render.to_hex(found.raw)

    async def by_number_and_index(self, params: Params) -> Json:
        """A transaction by its block's number and its place there, or null."""
        return await self._by_index(read.block_reference(params.required(0)), params)

    async def by_block_hash_and_index(self, params: Params) -> Json:
        """A transaction by its block's hash and its place there, or null."""
        return await self._by_index(BlockHash(read.hash32(params.required(0))), params)

    async def _by_index(self, reference: BlockReference, params: Params) -> Json:
        params.at_most(2)
        index = read.quantity(params.required(1))
        return await self._reader.block_view(
            reference,
            lambda block: (
                included_transaction(block.transaction(index))
                if index < len(block.receipts)
                else None
            ),
        )
