"""What blocks changed, backwards: from the newest state on disk to that after an older block.

The disk holds one state, that after the newest final block. An executor that starts again and
wants older ones too goes back by these records and executes the blocks since once more.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Final

from actors.executor.records import AccountRecord
from execution.types import AccountChange, Address, GenesisAccount
from ledger.bounds import AtMost
from ledger.codec import wire
from ledger.types import EvmAddressField, EvmHash, EvmHashField

_MAX_ENTRIES: Final = 4_194_304


@wire(86)
class OldSlot:
    """A storage slot before a block; all zero where it was empty."""

    slot: EvmHashField
    value: EvmHashField


@wire(87)
class OldAccount:
    """An account before a block.

    ``account`` is empty where there was none, else one record. ``slots`` are those that the
    block changed, or every slot that was there if ``is_storage_whole``.
    """

    address: EvmAddressField
    account: Annotated[tuple[AccountRecord, ...], AtMost(1)]
    is_storage_whole: bool
    slots: Annotated[tuple[OldSlot, ...], AtMost(_MAX_ENTRIES)]


@wire(88)
class UndoRecord:
    """What one block changed, as it was before."""

    accounts: Annotated[tuple[OldAccount, ...], AtMost(_MAX_ENTRIES)]


@dataclass(frozen=True, slots=True)
class StateBefore:
    """How to look up the state that changes are about to be applied to."""

    account: Callable[[Address], AccountRecord | None]
    slot: Callable[[Address, int], int]
    slots: Callable[[Address], dict[int, int]]


def undo_of(changes: Iterable[AccountChange], before: StateBefore) -> UndoRecord:
    """What takes `changes` back."""
    return UndoRecord(tuple(_old_account(change, before) for change in changes))


def _old_account(change: AccountChange, before: StateBefore) -> OldAccount:
    account = before.account(change.address)
    is_storage_whole = change.is_deleted or change.is_storage_wiped
    if is_storage_whole:
        slots = before.slots(change.address)
    else:
        slots = {slot: before.slot(change.address, slot) for slot in change.storage}
    return OldAccount(
        address=change.address,
        account=() if account is None else (account,),
        is_storage_whole=is_storage_whole,
        slots=tuple(
            OldSlot(EvmHash(slot.to_bytes(32, "big")), EvmHash(value.to_bytes(32, "big")))
            for slot, value in slots.items()
        ),
    )


@dataclass(slots=True)
class _Rewound:
    """One account as it was: what is not named in ``slots`` is as now, or empty if whole."""

    account: AccountRecord | None = None
    is_storage_whole: bool = False
    slots: dict[int, int] = field(default_factory=dict)


def rewind(
    accounts: Iterable[tuple[Address, GenesisAccount]],
    undos_newest_first: Iterable[UndoRecord],
    code_of: Callable[[EvmHash], bytes],
) -> Iterator[tuple[Address, GenesisAccount]]:
    """The state before the blocks that `undos_newest_first` take back.

    Parameters
    ----------
    accounts
        The whole state after those blocks; read in one pass.
    code_of
        Code of a code hash.
    """
    rewound = _combine(undos_newest_first)
    for address, account in accounts:
        old = rewound.pop(address, None)
        if old is None:
            yield address, account
        elif old.account is not None:
            yield address, _genesis_account(old.account, old, account.storage, code_of)
    for address, old in rewound.items():
        if old.account is not None:
            yield address, _genesis_account(old.account, old, {}, code_of)


def _combine(undos_newest_first: Iterable[UndoRecord]) -> dict[Address, _Rewound]:
    rewound: dict[Address, _Rewound] = {}
    for undo in undos_newest_first:
        for entry in undo.accounts:
            old = rewound.setdefault(Address(entry.address), _Rewound())
            old.account = entry.account[0] if entry.account else None
            if entry.is_storage_whole:
                old.is_storage_whole = True
                old.slots.clear()
            for item in entry.slots:
                old.slots[int.from_bytes(item.slot, "big")] = int.from_bytes(item.value, "big")
    return rewound


def _genesis_account(
    record: AccountRecord,
    old: _Rewound,
    storage_now: dict[int, int],
    code_of: Callable[[EvmHash], bytes],
) -> GenesisAccount:
    storage = old.slots if old.is_storage_whole else {**storage_now, **old.slots}
    return GenesisAccount(
        balance_wei=record.balance_wei,
        nonce=record.nonce,
        code=code_of(record.code_hash),
        storage={slot: value for slot, value in storage.items() if value},
    )
