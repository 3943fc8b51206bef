"""One chain on disk: final blocks, where transactions are, and the state after the newest one."""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import structlog

from actors.executor.errors import StoreDamaged
from actors.executor.records import (
    MAX_RECORD_BYTES,
    AccountRecord,
    BlockRecord,
    ProgressRecord,
    ResultRecord,
    block_record,
    stored_block,
)
from actors.executor.snapshot_places import SnapshotPlaces
from actors.executor.undo import StateBefore, UndoRecord, rewind, undo_of
from execution.engine import EMPTY_CODE_HASH
from execution.types import AccountChange, Address, GenesisAccount, Hash32
from gateway.views import StoredBlock
from ledger.codec import decode, encode
from ledger.hashing import keccak
from ledger.types import Digest, EvmHash, Height
from storage.errors import StorageError
from storage.keys import (
    account_key,
    chain_block_key,
    chain_prefix,
    code_key,
    meta_key,
    number_from_key,
    number_key,
    prefix_end,
    slot_key,
    slot_prefix,
    transaction_key,
)
from storage.store import Space, Store, WriteBatch

_PROGRESS: Final = meta_key("progress")
_REPLAY: Final = meta_key("replay")
_HAS_GENESIS: Final = meta_key("has-genesis")
_IMPORTING: Final = meta_key("importing")
_HASH_PREFIX: Final = b"block-hash/"
_HEADER_PREFIX: Final = b"header/"
_RESULT_PREFIX: Final = b"result/"
_UNDO_PREFIX: Final = b"undo/"

log = structlog.get_logger(__name__)


class ChainStore:
    """The final part of one chain.

    Parameters
    ----------
    store
        A store that holds this chain only.
    chain_id
        Prefix of its keys.
    snapshots
        Where :meth:`keep_snapshot` puts copies; None if none are kept.
    """

    def __init__(
        self, store: Store, chain_id: int, snapshots: SnapshotPlaces | None = None
    ) -> None:
        self._snapshots = snapshots
        self._store = store
        self._chain_id = chain_id
        self._code_hashes: dict[Address, EvmHash] = {}
        """Code hashes of the contracts, so that a changed balance needs no look at the disk."""

    def copy_to(self, target: Path) -> None:
        """Write the chain as it is on disk now into a directory of its own."""
        self._store.checkpoint(target)

    # WRITING

    def append(
        self,
        block: StoredBlock,
        changes: tuple[AccountChange, ...],
        result: ResultRecord,
        batch: WriteBatch,
    ) -> None:
        """Add a final block to a batch: block, index, state changes and progress."""
        if block.ledger is None:
            raise StoreDamaged(f"block {block.number} has no place on the ledger")
        key = chain_block_key(self._chain_id, block.number)
        batch.put(Space.HEADERS, key, encode(block_record(block, block.ledger)))
        batch.put(Space.RECEIPTS, key, block.logs_bloom)
        batch.put(Space.META, _HASH_PREFIX + block.block_hash, number_key(block.number))
        batch.put(Space.META, _RESULT_PREFIX + number_key(block.number), encode(result))
        for index, receipt in enumerate(block.receipts):
            place = number_key(block.number) + number_key(index)
            batch.put(Space.TRANSACTIONS, transaction_key(receipt.transaction_hash), place)
        self.apply(changes, batch)
        progress = ProgressRecord(
            result.number, result.digest, block.header_rlp, result.next_message_nonce
        )
        batch.put(Space.META, _PROGRESS, encode(progress))

    def append_undo(
        self, number: int, changes: tuple[AccountChange, ...], kept: int, batch: WriteBatch
    ) -> None:
        """Add to a batch how to take a block's changes back, for the last `kept` blocks.

        The changes must not be on the disk yet.
        """
        before = StateBefore(self._account, self._slot, self._slots)
        undo = encode(undo_of(changes, before))
        batch.put(Space.META, _undo_key(number), undo)
        if number > kept:
            batch.delete(Space.META, _undo_key(number - kept))

    def apply(self, changes: Iterable[AccountChange], batch: WriteBatch) -> None:
        """Add state changes to a batch."""
        for change in changes:
            self._apply_change(change, batch)

    def write_genesis(self, accounts: dict[Address, GenesisAccount]) -> None:
        """Store the genesis state, so that the state on disk is always whole."""
        batch = WriteBatch()
        for address, account in accounts.items():
            change = AccountChange(
                address=address,
                is_deleted=False,
                nonce=account.nonce,
                balance_wei=account.balance_wei,
                code=account.code or None,
                is_storage_wiped=False,
                storage=account.storage,
            )
            self._apply_change(change, batch)
        batch.put(Space.META, _HAS_GENESIS, b"1")
        self._store.commit(batch, sync=True)

    def has_genesis(self) -> bool:
        """Whether the genesis state was stored."""
        return self._store.get(Space.META, _HAS_GENESIS) is not None

    def clear(self, replay: Digest) -> None:
        """Forget everything, and note at once which replay is to follow."""
        self._start_over(replay)
        if self._snapshots is not None:
            self._snapshots.clear()

    # SNAPSHOTS

    def keep_snapshot(self, height: Height) -> None:
        """Keep a copy of the state as it is now, for the snapshot of a ledger height."""
        if self._snapshots is None:
            return
        place = self._snapshots.of(height)
        shutil.rmtree(place, ignore_errors=True)
        try:
            self._store.checkpoint(place)
        except StorageError as error:
            # It can be done without: peers fetch the next one, or from others.
            log.warning("no snapshot is kept", height=height, reason=str(error))

    def begin_import(self) -> None:
        """Forget everything but the replay, and note that a state is being filled in."""
        self._start_over(self.replay(), is_importing=True)

    def end_import(self, progress: ProgressRecord, header_rlps: Sequence[bytes]) -> None:
        """Note that the state after a block is filled in.

        Parameters
        ----------
        header_rlps
            Headers of blocks before it, oldest first, and its own last.
        """
        batch = WriteBatch()
        batch.delete(Space.META, _IMPORTING)
        batch.put(Space.META, _HAS_GENESIS, b"1")
        first = progress.number + 1 - len(header_rlps)
        for number, header_rlp in enumerate(header_rlps, start=first):
            batch.put(Space.META, _HEADER_PREFIX + number_key(number), header_rlp)
        batch.put(Space.META, _PROGRESS, encode(progress))
        self._store.commit(batch, sync=True)

    def clear_import(self) -> None:
        """Forget a state that was filled in halfway."""
        self._start_over(self.replay())

    def is_importing(self) -> bool:
        """Whether a state was being filled in when the process ended."""
        return self._store.get(Space.META, _IMPORTING) is not None

    def header_rlp(self, number: int) -> bytes | None:
        """Header of a final block, also of one that a snapshot came with."""
        block = self.block(number)
        if block is not None:
            return block.header_rlp
        return self._store.get(Space.META, _HEADER_PREFIX + number_key(number))

    def commit(self, batch: WriteBatch) -> None:
        """Apply a batch; it survives a killed process."""
        self._store.commit(batch)

    # READING

    def progress(self) -> ProgressRecord | None:
        """Newest final block; None before the first."""
        raw = self._store.get(Space.META, _PROGRESS)
        return None if raw is None else decode(raw, ProgressRecord, limit_bytes=MAX_RECORD_BYTES)

    def replay(self) -> Digest | None:
        """Ledger block that ordered the replay which this execution is."""
        raw = self._store.get(Space.META, _REPLAY)
        return None if raw is None else Digest(raw)

    def block(self, number: int) -> StoredBlock | None:
        """Final block with a number."""
        raw = self._store.get(Space.HEADERS, chain_block_key(self._chain_id, number))
        if raw is None:
            return None
        return stored_block(decode(raw, BlockRecord, limit_bytes=MAX_RECORD_BYTES))

    def logs_bloom(self, number: int) -> bytes | None:
        """Bloom of a final block."""
        return self._store.get(Space.RECEIPTS, chain_block_key(self._chain_id, number))

    def result(self, number: int) -> ResultRecord | None:
        """What the node attests of a final block."""
        raw = self._store.get(Space.META, _RESULT_PREFIX + number_key(number))
        return None if raw is None else decode(raw, ResultRecord, limit_bytes=MAX_RECORD_BYTES)

    def number_of(self, block_hash: Hash32) -> int | None:
        """Number of the final block with a hash."""
        raw = self._store.get(Space.META, _HASH_PREFIX + block_hash)
        return None if raw is None else number_from_key(raw)

    def place_of(self, transaction_hash: Hash32) -> tuple[int, int] | None:
        """Block number and index of a final transaction."""
        raw = self._store.get(Space.TRANSACTIONS, transaction_key(transaction_hash))
        return None if raw is None else (number_from_key(raw), number_from_key(raw, 8))

    def accounts(self) -> Iterator[tuple[Address, GenesisAccount]]:
        """The whole state after the newest final block; read once, before anything is written."""
        for key, raw in self._store.iterate(Space.ACCOUNTS, chain_prefix(self._chain_id)):
            address = Address(key[8:28])
            record = decode(raw, AccountRecord, limit_bytes=MAX_RECORD_BYTES)
            if record.code_hash != EMPTY_CODE_HASH:
                self._code_hashes[address] = record.code_hash
            yield (
                address,
                GenesisAccount(
                    balance_wei=record.balance_wei,
                    nonce=record.nonce,
                    code=self._code(record.code_hash),
                    storage=self._slots(address),
                ),
            )

    def oldest_state(self) -> int:
        """Number of the oldest block for which :meth:`accounts_after` knows the state."""
        progress = self.progress()
        number = 0 if progress is None else progress.number
        while number > 0 and self._store.get(Space.META, _undo_key(number)) is not None:
            number -= 1
        return number

    def accounts_after(self, number: int) -> Iterator[tuple[Address, GenesisAccount]]:
        """The whole state after a final block, the newest or one not long before it.

        Raises
        ------
        StoreDamaged
            While it is read: the way back to the block is not on the disk.
        """
        progress = self.progress()
        newest = 0 if progress is None else progress.number
        return rewind(self.accounts(), self._undos(newest, number), self._code)

    def close(self) -> None:
        """Flush and close the store."""
        self._store.close()

    def _start_over(self, replay: Digest | None, *, is_importing: bool = False) -> None:
        """Forget everything but what is to follow, at once."""
        batch = WriteBatch()
        for space in Space:
            batch.delete_range(space, b"", b"\xff" * 64)
        if replay is not None:
            batch.put(Space.META, _REPLAY, replay)
        if is_importing:
            batch.put(Space.META, _IMPORTING, b"1")
        self._store.commit(batch, sync=True)
        self._code_hashes.clear()

    def _undo(self, number: int) -> UndoRecord | None:
        raw = self._store.get(Space.META, _undo_key(number))
        return None if raw is None else decode(raw, UndoRecord, limit_bytes=MAX_RECORD_BYTES)

    def _undos(self, newest: int, base: int) -> Iterator[UndoRecord]:
        for number in range(newest, base, -1):
            undo = self._undo(number)
            if undo is None:
                raise StoreDamaged(f"what block {number} changed is not in the store")
            yield undo

    def _account(self, address: Address) -> AccountRecord | None:
        raw = self._store.get(Space.ACCOUNTS, account_key(self._chain_id, address))
        return None if raw is None else decode(raw, AccountRecord, limit_bytes=MAX_RECORD_BYTES)

    def _slot(self, address: Address, slot: int) -> int:
        key = slot_key(self._chain_id, address, slot.to_bytes(32, "big"))
        return int.from_bytes(self._store.get(Space.SLOTS, key) or b"", "big")

    def _code(self, code_hash: EvmHash) -> bytes:
        if code_hash == EMPTY_CODE_HASH:
            return b""
        code = self._store.get(Space.CODES, code_key(self._chain_id, code_hash))
        if code is None:
            raise StoreDamaged(f"the code {code_hash.hex()} is missing: delete the chain's folder")
        return code

    def _slots(self, address: Address) -> dict[int, int]:
        prefix = slot_prefix(self._chain_id, address)
        return {
            int.from_bytes(key[len(prefix) :], "big"): int.from_bytes(value, "big")
            for key, value in self._store.iterate(Space.SLOTS, prefix)
        }

    def _apply_change(self, change: AccountChange, batch: WriteBatch) -> None:
        key = account_key(self._chain_id, change.address)
        if change.is_deleted or change.is_storage_wiped:
            prefix = slot_prefix(self._chain_id, change.address)
            end = prefix_end(prefix)
            if end is not None:
                batch.delete_range(Space.SLOTS, prefix, end)
        if change.is_deleted:
            batch.delete(Space.ACCOUNTS, key)
            self._code_hashes.pop(change.address, None)
            return
        for slot, value in change.storage.items():
            place = slot_key(self._chain_id, change.address, slot.to_bytes(32, "big"))
            if value:
                batch.put(Space.SLOTS, place, value.to_bytes(32, "big"))
            else:
                batch.delete(Space.SLOTS, place)
        code_hash = self._code_hash(change, batch)
        record = AccountRecord(change.nonce, change.balance_wei, code_hash)
        batch.put(Space.ACCOUNTS, key, encode(record))

    def _code_hash(self, change: AccountChange, batch: WriteBatch) -> EvmHash:
        if change.code is None:
            return self._code_hashes.get(change.address, EvmHash(EMPTY_CODE_HASH))
        if not change.code:
            self._code_hashes.pop(change.address, None)
            return EvmHash(EMPTY_CODE_HASH)
        code_hash = keccak(change.code)
        batch.put(Space.CODES, code_key(self._chain_id, code_hash), change.code)
        self._code_hashes[change.address] = code_hash
        return code_hash


def _undo_key(number: int) -> bytes:
    return _UNDO_PREFIX + number_key(number)
