"""Builds the payload of a view in which this validator leads.

It waits for something to propose, at most ``idle_interval_ms``, so that idle chains
beat slowly and busy ones follow the network's own pace.
"""

import asyncio
import time
from typing import Final

from actors.validator.block_tree import BlockTree, TreeBlock
from actors.validator.checkpoints import CheckpointDesk
from actors.validator.l1_desk import L1Desk
from actors.validator.operators import OperatorDesk
from actors.validator.pools import TransactionPools
from bridge.membership import expected_next_members
from bridge.proposing import BodyParts, choose_chain, select_parts
from bridge.rules import has_work, next_deliveries
from bridge.state import BridgeState
from bridge.work import FORCED_CYCLES, MAX_ZK_TRANSACTION_BYTES_PER_BLOCK, delivery_cycles
from consensus.effects import RequestProposal
from ledger.block import (
    MAX_TRANSACTIONS_PER_BLOCK,
    BlockBody,
    BlockHeader,
    LedgerBlock,
    body_digest,
    seal,
)
from ledger.genesis import Genesis
from ledger.types import BlockNumber, ChainRole, Height, TimestampMs, ValidatorIndex
from ledger.validators import ValidatorSet

ANY_BASE_FEE_WEI: Final = 0
MAX_TRANSACTION_BYTES_PER_BLOCK: Final = 768 * 1024

PROVABLE_CYCLES: Final = 3_900_000
CYCLES_PER_TRANSACTION: Final = 150_000
MIN_ZK_TRANSACTIONS: Final = 4
"""Taste, not law: about what one proof covers beside what the block delivers. The meter counts
80,000 to 110,000 for a plain transfer and 270,000 for one that sends a message; so 26 at most, and
a few whatever is delivered. What a block has no room for comes back to the pool."""


def _transaction_bytes(role: ChainRole) -> int:
    """How many bytes of transactions a block may hold."""
    if role is ChainRole.ZK:
        return MAX_ZK_TRANSACTION_BYTES_PER_BLOCK
    return MAX_TRANSACTION_BYTES_PER_BLOCK


def unix_milliseconds() -> int:
    """Time of day, for block timestamps only."""
    return time.time_ns() // 1_000_000


class Proposer:
    """Proposals of one validator.

    No transaction is left out for its fee: the engine skips what cannot pay.
    """

    def __init__(
        self,
        index: ValidatorIndex,
        genesis: Genesis,
        validators: ValidatorSet,
        tree: BlockTree,
        pools: TransactionPools,
        checkpoints: CheckpointDesk,
        operators: OperatorDesk,
        l1: L1Desk,
    ) -> None:
        self._index = index
        self._genesis = genesis
        self._validators = validators
        self._tree = tree
        self._pools = pools
        self._checkpoints = checkpoints
        self._operators = operators
        self._l1 = l1
        self._work = asyncio.Event()

    def notice_work(self) -> None:
        """Something to propose has come."""
        self._work.set()

    async def build(self, request: RequestProposal) -> TreeBlock:
        """Wait for work, then build a block on the parent; it is valid and not in the tree yet."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._genesis.timing.idle_interval_ms / 1000
        state = self._tree.state_after(request.parent_payload)
        while True:
            self._work.clear()
            now_ms = max(unix_milliseconds(), state.timestamp_ms)
            parts = self._select_parts(state)
            role = self._choose(parts, now_ms)
            is_due = loop.time() >= deadline
            if role is not None and (is_due or self._has_content(parts, role)):
                return self._assemble(request, state, parts, role, now_ms)
            until = self._next_look(state, deadline, now_ms, loop.time())
            try:
                async with asyncio.timeout_at(until):  # See history.py: wait_for may not end.
                    await self._work.wait()
            except TimeoutError:
                continue

    def _select_parts(self, state: BridgeState) -> BodyParts:
        return select_parts(
            state,
            self._validators,
            self._checkpoints.available(),
            self._operators.evidence(),
            self._operators.votes(),
            self._l1.available(state.next_l1_nonce),
        )

    def _choose(self, parts: BodyParts, now_ms: int) -> ChainRole | None:
        has_zk_transactions = self._has_transactions(ChainRole.ZK)
        return choose_chain(parts.state, self._genesis.timing, now_ms, has_zk_transactions)

    def _has_content(self, parts: BodyParts, role: ChainRole) -> bool:
        has_parts = bool(
            parts.checkpoints or parts.evidence or parts.operator_votes or parts.l1_messages
        )
        return has_parts or has_work(parts.state, role) or self._has_transactions(role)

    def _has_transactions(self, role: ChainRole) -> bool:
        gas_limit = self._genesis.chain(role).gas_limit
        pool = self._pools.pools[role]
        return bool(pool.take(ANY_BASE_FEE_WEI, gas_limit, _transaction_bytes(role), 1))

    def _transaction_limit(self, state: BridgeState, role: ChainRole) -> int:
        """How many transactions to take; ``state`` has the block's parts."""
        if role is ChainRole.FAST:
            return MAX_TRANSACTIONS_PER_BLOCK
        from_l1, from_fast = next_deliveries(state, role)
        forced_count = sum(message.is_forced_transaction for message in from_l1)
        planned = sum(map(delivery_cycles, from_l1 + from_fast)) + FORCED_CYCLES * forced_count
        left = PROVABLE_CYCLES - planned
        return max(MIN_ZK_TRANSACTIONS, left // CYCLES_PER_TRANSACTION)

    def _next_look(
        self, state: BridgeState, deadline: float, now_ms: int, loop_time: float
    ) -> float:
        """When to look again without being woken: when the ZK chain may go on, if work waits."""
        zk_wait_ms = state.zk.timestamp_ms + self._genesis.timing.zk_interval_ms - now_ms
        is_zk_waiting = zk_wait_ms > 0 and (
            has_work(state, ChainRole.ZK) or self._has_transactions(ChainRole.ZK)
        )
        if is_zk_waiting:
            return min(deadline, loop_time + zk_wait_ms / 1000)
        return max(deadline, loop_time + 0.001)

    def _assemble(
        self,
        request: RequestProposal,
        state: BridgeState,
        parts: BodyParts,
        role: ChainRole,
        now_ms: int,
    ) -> TreeBlock:
        taken = self._pools.pools[role].take(
            ANY_BASE_FEE_WEI,
            self._genesis.chain(role).gas_limit,
            _transaction_bytes(role),
            self._transaction_limit(parts.state, role),
        )
        body = BlockBody(
            transactions=tuple(transaction.raw for transaction in taken),
            checkpoints=parts.checkpoints,
            evidence=parts.evidence,
            operator_votes=parts.operator_votes,
            l1_messages=parts.l1_messages,
        )
        header = BlockHeader(
            epoch=self._validators.epoch,
            view=request.view,
            height=Height(state.height + 1),
            parent=request.parent_payload,
            chain=role,
            chain_block_number=BlockNumber(state.chain(role).number + 1),
            timestamp_ms=TimestampMs(now_ms),
            proposer=self._index,
            body=body_digest(body),
            next_members=expected_next_members(parts.state, Height(state.height + 1)),
        )
        return self._tree.check(seal(LedgerBlock(header, body)), self._index)
