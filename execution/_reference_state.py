"""World state of the reference engine: py-evm's account database over a dictionary."""

from collections.abc import Mapping
from typing import Any

from eth.constants import BLANK_ROOT_HASH
from eth.db.account import AccountDB
from eth.db.atomic import AtomicDB
from eth.db.backends.memory import MemoryDB

from execution.types import AccountChange, Address, GenesisAccount, Hash32

# py-evm has no usable type information.
Database = Any
Witness = Any


def new_database() -> Database:
    """An empty node store; old roots stay readable in it."""
    return AtomicDB(MemoryDB())


def write_genesis(database: Database, alloc: Mapping[Address, GenesisAccount]) -> Hash32:
    """Store a genesis state and return its root."""
    accounts = AccountDB(database, BLANK_ROOT_HASH)
    for address, account in alloc.items():
        accounts.touch_account(address)
        accounts.set_balance(address, account.balance_wei)
        accounts.set_nonce(address, account.nonce)
        if account.code:
            accounts.set_code(address, account.code)
        for slot, value in account.storage.items():
            accounts.set_storage(address, slot, value)
    accounts.persist()
    return Hash32(accounts.state_root)


def open_state(database: Database, root: Hash32) -> Any:
    """The accounts under a root, as py-evm's account database."""
    return AccountDB(database, root)


def state_changes(
    database: Database, old_root: Hash32, new_root: Hash32, witness: Witness
) -> tuple[AccountChange, ...]:
    """Differences between two states, sorted by address.

    ``witness`` names all accounts and slots that were read in between; the EVM
    writes none without reading it. A storage is never wiped under an account
    that stays: since EIP-6780 only an account that the same transaction
    created is destroyed, and that one had no storage before.
    """
    old, new = open_state(database, old_root), open_state(database, new_root)
    changes = []
    for address in sorted(witness.accounts_queried):
        slots = sorted(witness.get_slots_queried(address))
        change = _account_change(Address(address), slots, old, new)
        if change is not None:
            changes.append(change)
    return tuple(changes)


def _account_change(address: Address, slots: list[int], old: Any, new: Any) -> AccountChange | None:
    was_there, is_there = old.account_exists(address), new.account_exists(address)
    if not is_there:
        is_deleted = was_there
        return AccountChange(address, True, 0, 0, None, False, {}) if is_deleted else None
    storage = {
        slot: new.get_storage(address, slot)
        for slot in slots
        if new.get_storage(address, slot) != old.get_storage(address, slot)
    }
    is_code_changed = new.get_code_hash(address) != old.get_code_hash(address)
    is_changed = (
        not was_there
        or bool(storage)
        or is_code_changed
        or new.get_nonce(address) != old.get_nonce(address)
        or new.get_balance(address) != old.get_balance(address)
    )
    if not is_changed:
        return None
    return AccountChange(
        address=address,
        is_deleted=False,
        nonce=new.get_nonce(address),
        balance_wei=new.get_balance(address),
        code=new.get_code(address) if is_code_changed else None,
        is_storage_wiped=False,
        storage=storage,
    )
