"""Fills its blocks with more than the chain's gas limit has room for."""

from collections.abc import Sequence
from dataclasses import replace

from actors.validator.block_tree import TreeBlock
from cluster.chaos.traitors.base import Traitor
from ledger.block import LedgerBlock, body_digest, seal
from ledger.types import ChainRole


class Stuffer(Traitor):
    """A leader that puts transactions into its next block of a chain, whatever room there is.

    Such a block is valid: what finds no gas left is skipped, on all nodes alike.

    Parameters
    ----------
    transactions
        Raw, signed.
    """

    def __init__(self, role: ChainRole, transactions: Sequence[bytes], seed: int = 1) -> None:
        super().__init__(seed)
        self._role = role
        self._transactions = tuple(transactions)

    def builds(self, block: TreeBlock) -> TreeBlock:
        """The block with the transactions behind its own, once."""
        if block.role is not self._role or not self._transactions:
            return block
        old = block.sealed
        body = replace(old.body, transactions=(*old.body.transactions, *self._transactions))
        header = replace(old.header, body=body_digest(body))
        self._transactions = ()
        self.deeds["block past the gas limit"] += 1
        return self.node.tree.check(seal(LedgerBlock(header, body)), self.node.index)
