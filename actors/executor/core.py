"""Executes one chain in ledger order: speculatively above the final blocks, durably at finality.

An executed block that is not final lives in memory and may be rolled back; at its
finality block, receipts and state changes go to the disk in one atomic batch, so a
killed executor starts again at a block boundary.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from actors.execution_messages import (
    ExecuteBlock,
    ExecutedBlock,
    ExecutorAnswer,
    ExecutorCommand,
    ExecutorProgress,
    FinalBlock,
    FinalizeBlock,
    LoadSnapshot,
    ResetChain,
)
from actors.executor.chain_store import ChainStore
from actors.executor.errors import OutOfStep, StoreDamaged
from actors.executor.export import executed_input
from actors.executor.importing import import_snapshot
from actors.executor.outbox import messages_of
from actors.executor.records import ProgressRecord, ResultRecord
from bridge.triggers import NO_REFUSALS, Refusals
from contracts.refusals import refusals_of
from contracts.system_calls import system_transaction
from execution import skip_reasons
from execution.engine import WasmEngine
from execution.types import (
    AccountChange,
    Address,
    BlockInput,
    BlockOutput,
    ChainSpec,
    Hash32,
    Receipt,
)
from gateway.views import LedgerPosition, StoredBlock, stored_block
from ledger.crossing import Message
from ledger.hashing import keccak
from ledger.types import BlockNumber, ChainId, ChainRole, Digest, EvmHash
from storage.store import WriteBatch

MAX_STEPS_BACK = 256
"""Hashes before the head that BLOCKHASH can ask for."""

UNPROVEN_BLOCKS_RETAINED = 4_096
"""Final blocks of the ZK chain whose state stays readable besides: who withdraws on L1 proves it
under the last block that is final there, which is some way behind. The fast chain, which is
not proven and much busier, keeps 256 in all."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class UnfinalBlock:
    """One executed block that is not final yet."""

    executed: ExecutedBlock
    stored: StoredBlock
    changes: tuple[AccountChange, ...]


class ChainExecutor:
    """One chain's execution.

    Parameters
    ----------
    genesis_digest
        Digest that stands for the block before number 1.
    """

    def __init__(
        self, role: ChainRole, spec: ChainSpec, genesis_digest: Digest, store: ChainStore
    ) -> None:
        self.role = role
        self.spec = spec
        self.store = store
        self.unfinal: list[UnfinalBlock] = []
        self._genesis_digest = genesis_digest
        self._unproven_retained = UNPROVEN_BLOCKS_RETAINED if role is ChainRole.ZK else 0
        self.engine = self._start()

    # COMMANDS

    def apply(self, commands: Sequence[ExecutorCommand]) -> ExecutorAnswer:
        """Run commands in order.

        Raises
        ------
        OutOfStep
            If one does not follow from what was executed; those before it have run.
        """
        executed: list[ExecutedBlock] = []
        final: list[FinalBlock] = []
        for command in commands:
            if isinstance(command, ExecuteBlock):
                executed.append(self._execute(command))
            elif isinstance(command, FinalizeBlock):
                final.extend(self._finalize(command))
            elif isinstance(command, ResetChain):
                self._reset(command.replay)
            elif isinstance(command, LoadSnapshot):
                self._load(Path(command.directory))
        return ExecutorAnswer(tuple(executed), tuple(final))

    def account_nonces(self, addresses: Sequence[Address]) -> list[int]:
        """Nonces after the newest executed block."""
        return [state.nonce for state in self.engine.accounts(addresses)]

    def progress(self) -> ExecutorProgress:
        """Forget what is not final, and say what is."""
        self._roll_back_to(self.final_number)
        return ExecutorProgress(
            BlockNumber(self.final_number), self.final_digest, self.store.replay()
        )

    def final_results(self, first_number: int, limit: int) -> tuple[FinalBlock, ...]:
        """Results of final blocks from a number on, to attest them again."""
        results = []
        for number in range(first_number, min(self.final_number, first_number + limit - 1) + 1):
            record = self.store.result(number)
            if record is not None:
                results.append(self._stored_result(record))
        return tuple(results)

    def final_headers(self, first_number: int, count: int) -> list[bytes]:
        """Headers of final blocks from a number on, as many as there are."""
        last = min(self.final_number, first_number + count - 1)
        return [self._header_rlp(number) for number in range(first_number, last + 1)]

    def _stored_result(self, record: ResultRecord) -> FinalBlock:
        block = self.store.block(record.number) if self.role is ChainRole.ZK else None
        refusals = NO_REFUSALS if block is None else refusals_of(block.receipts)
        return _final_block(self.role, record, refusals)

    # WHERE IT STANDS

    @property
    def head_number(self) -> int:
        """Number of the newest executed block."""
        return self.final_number + len(self.unfinal)

    def unfinal_block(self, number: int) -> UnfinalBlock | None:
        """Executed block above the final ones."""
        index = number - self.final_number - 1
        return self.unfinal[index] if 0 <= index < len(self.unfinal) else None

    # STARTING

    def _start(self) -> WasmEngine:
        if self.store.is_importing():
            self.store.clear_import()
        progress = self.store.progress()
        if not self.store.has_genesis():
            self.store.write_genesis(self.spec.alloc)
        if progress is None:
            self.final_number = 0
            self.final_digest = self._genesis_digest
            self.final_message_nonce = 0
            list(self.store.accounts())  # The store learns which accounts have code.
            return WasmEngine(self.spec)
        self.final_number = progress.number
        self.final_digest = progress.digest
        self.final_message_nonce = progress.next_message_nonce
        engine = self._engine_at(progress, self.store.oldest_state())
        self._execute_again(engine)
        self._retire_states(engine, progress.number)
        return engine

    def _engine_at(self, progress: ProgressRecord, base: int) -> WasmEngine:
        """An engine with the state after `base`, a final block."""
        hashes = {}
        if base <= MAX_STEPS_BACK:
            hashes[0] = WasmEngine(self.spec).head_hash
        for number in range(max(1, base - MAX_STEPS_BACK), base):
            block_hash = self._block_hash(number)
            if block_hash is not None:
                hashes[number] = block_hash
        header_rlp = progress.header_rlp if base == progress.number else self._header_rlp(base)
        engine = WasmEngine.from_snapshot(
            self.spec, header_rlp, self.store.accounts_after(base), hashes
        )
        engine.finalize(base)
        return engine

    def _execute_again(self, engine: WasmEngine) -> None:
        """Bring an engine from an older final block to the newest one."""
        for number in range(engine.head_number + 1, self.final_number + 1):
            block = self._stored_block(number)
            if engine.execute(executed_input(block)).block_hash != block.block_hash:
                raise StoreDamaged(f"block {number} executed again is another block")

    def _header_rlp(self, number: int) -> bytes:
        if number == 0:
            return WasmEngine(self.spec).head_header_rlp
        header_rlp = self.store.header_rlp(number)
        if header_rlp is None:
            raise StoreDamaged(f"block {number} is not in the store")
        return header_rlp

    def _block_hash(self, number: int) -> Hash32 | None:
        """Hash of a final block, also of one that is older than the snapshot begun with."""
        record = self.store.result(number)
        if record is not None:
            return Hash32(record.block_hash)
        header_rlp = self.store.header_rlp(number)
        return None if header_rlp is None else Hash32(keccak(header_rlp))

    def _stored_block(self, number: int) -> StoredBlock:
        block = self.store.block(number)
        if block is None:
            raise StoreDamaged(f"block {number} is not in the store")
        return block

    def _reset(self, replay: Digest) -> None:
        log.warning("starting the chain over", chain=self.role.name)
        self.store.clear(replay)
        self.unfinal.clear()
        self.engine = self._start()

    def _load(self, directory: Path) -> None:
        log.info("loading a snapshot", chain=self.role.name)
        self.unfinal.clear()
        import_snapshot(self.store, self.role, directory)
        self.engine = self._start()

    # EXECUTION

    def _execute(self, order: ExecuteBlock) -> ExecutedBlock:
        known = self.unfinal_block(order.number)
        if known is not None and known.executed.digest == order.digest:
            return known.executed
        if order.number <= self.final_number or order.number > self.head_number + 1:
            raise OutOfStep(
                f"block {order.number}, final is {self.final_number}, head {self.head_number}"
            )
        if self._digest_at(order.number - 1) != order.chain_parent:
            raise OutOfStep(f"block {order.number} is on a parent that was not executed")
        self._roll_back_to(order.number - 1)
        block = self._block_input(order)
        output = self.engine.execute(block)
        executed = self._executed_block(order, block, output)
        position = LedgerPosition(order.height, order.view, order.digest, order.timestamp_ms)
        self.unfinal.append(
            UnfinalBlock(executed, stored_block(block, output, position), output.changes)
        )
        return executed

    def _block_input(self, order: ExecuteBlock) -> BlockInput:
        forced = order.work.forced_transactions
        return BlockInput(
            number=order.number,
            timestamp_seconds=order.timestamp_ms // 1000,
            prev_randao=Hash32(order.digest),
            coinbase=order.coinbase,
            gas_limit=self.spec.gas_limit,
            system_transactions=tuple(
                system_transaction(nonce, item) for nonce, item in order.work.numbered_items()
            ),
            transactions=(*forced, *order.transactions),
            senders=(*(None for _ in forced), *order.senders),
        )

    def _executed_block(
        self, order: ExecuteBlock, block: BlockInput, output: BlockOutput
    ) -> ExecutedBlock:
        messages = messages_of(output.receipts, ChainId(self.spec.chain_id))
        senders = list({sender for sender in self._senders(block) if sender is not None})
        states = self.engine.accounts(senders) if senders else []
        return ExecutedBlock(
            role=self.role,
            number=order.number,
            digest=order.digest,
            block_hash=EvmHash(output.block_hash),
            state_root=EvmHash(output.state_root),
            receipts_root=EvmHash(output.receipts_root),
            messages=messages,
            next_message_nonce=self._next_message_nonce(order, messages),
            account_nonces={
                sender: state.nonce for sender, state in zip(senders, states, strict=True)
            },
            refusals=self._refusals(output.receipts),
            left_over=_left_over(block, output),
        )

    def _refusals(self, receipts: Iterable[Receipt]) -> Refusals:
        return refusals_of(receipts) if self.role is ChainRole.ZK else NO_REFUSALS

    def _senders(self, block: BlockInput) -> list[Address | None]:
        missing = [
            raw
            for raw, sender in zip(block.transactions, block.senders, strict=True)
            if sender is None
        ]
        recovered = self.engine.recover_senders(missing) if missing else []
        return [*block.senders, *recovered]

    def _next_message_nonce(self, order: ExecuteBlock, messages: tuple[Message, ...]) -> int:
        if messages:
            return messages[-1].nonce + 1
        if order.work.skip is not None:
            _, skip = order.work.skip
            return skip.next_nonce
        if self.unfinal:
            return self.unfinal[-1].executed.next_message_nonce
        return self.final_message_nonce

    def _roll_back_to(self, number: int) -> None:
        if number < self.head_number:
            self.engine.rollback(number)
            del self.unfinal[number - self.final_number :]

    def _digest_at(self, number: int) -> Digest:
        block = self.unfinal_block(number)
        return self.final_digest if block is None else block.executed.digest

    # FINALITY

    def _finalize(self, command: FinalizeBlock) -> list[FinalBlock]:
        if command.number <= self.final_number:
            return []
        is_next = command.number == self.final_number + 1 and bool(self.unfinal)
        if not is_next or self.unfinal[0].executed.digest != command.digest:
            raise OutOfStep(
                f"finality of block {command.number}, final is {self.final_number}, "
                f"head {self.head_number}"
            )
        block = self.unfinal.pop(0)
        executed = block.executed
        final = FinalBlock(executed, command.attested_digest)
        batch = WriteBatch()
        if self._unproven_retained:
            kept = self._unproven_retained
            self.store.append_undo(command.number, block.changes, kept, batch)
        self.store.append(block.stored, block.changes, _result_record(final), batch)
        self.store.commit(batch)
        if command.snapshot_height is not None:
            self.store.keep_snapshot(command.snapshot_height)
        self._retire_states(self.engine, command.number)
        self.final_number = command.number
        self.final_digest = command.digest
        self.final_message_nonce = executed.next_message_nonce
        return [final]

    def _retire_states(self, engine: WasmEngine, final_number: int) -> None:
        """Let the engine forget old states: it keeps 256 before the block that it is told."""
        if final_number > self._unproven_retained:
            engine.finalize(final_number - self._unproven_retained)


def _left_over(block: BlockInput, output: BlockOutput) -> frozenset[Hash32]:
    return frozenset(
        Hash32(keccak(block.transactions[skipped.index]))
        for skipped in output.skipped
        if skipped.reason == skip_reasons.BLOCK_PROVING_BUDGET
    )


def _result_record(final: FinalBlock) -> ResultRecord:
    executed = final.executed
    return ResultRecord(
        number=executed.number,
        digest=executed.digest,
        attested_digest=final.attested_digest,
        block_hash=executed.block_hash,
        state_root=executed.state_root,
        receipts_root=executed.receipts_root,
        messages=executed.messages,
        next_message_nonce=executed.next_message_nonce,
    )


def _final_block(role: ChainRole, record: ResultRecord, refusals: Refusals) -> FinalBlock:
    executed = ExecutedBlock(
        role=role,
        number=record.number,
        digest=record.digest,
        block_hash=record.block_hash,
        state_root=record.state_root,
        receipts_root=record.receipts_root,
        messages=record.messages,
        next_message_nonce=record.next_message_nonce,
        account_nonces={},
        refusals=refusals,
    )
    return FinalBlock(executed, record.attested_digest)
