"""Which entries of L1's queue the ledger takes: in order, and only what can be delivered.

An entry that the Portal would revert at, or that no block could begin with, would stop
everything behind it for ever. L1's contract takes no such entry, so one on the ledger
would be invented. Whether the entries are really L1's is each validator's own look at
L1 (``actors/validator/l1_desk.py``), before it votes.
"""

from collections.abc import Iterable
from dataclasses import replace

from bridge.errors import (
    L1MessageOutOfOrder,
    L1MessageTooLarge,
    L1QueueFull,
    MalformedForcedTransaction,
    NoL1,
)
from bridge.state import MAX_PENDING_L1_MESSAGES, BridgeState
from bridge.work import MAX_MESSAGE_GAS
from ledger.crossing import MAX_MESSAGE_DATA_BYTES, Message


def accept_l1_messages(state: BridgeState, messages: Iterable[Message]) -> BridgeState:
    """The state with more entries of L1's queue.

    Raises
    ------
    L1MessageRejected
        One of its subclasses, if an entry does not follow from the state.
    """
    accepted: list[Message] = []
    for nonce, message in enumerate(messages, start=state.next_l1_nonce):
        _check_place(state, message, nonce)
        _check_size(message)
        if message.is_forced_transaction:
            _check_forced(message)
        if len(state.pending_l1) + len(accepted) == MAX_PENDING_L1_MESSAGES:
            raise L1QueueFull(f"expected at most {MAX_PENDING_L1_MESSAGES} waiting, got one more")
        accepted.append(message)
    return replace(
        state,
        next_l1_nonce=state.next_l1_nonce + len(accepted),
        pending_l1=(*state.pending_l1, *accepted),
    )


def _check_place(state: BridgeState, message: Message, nonce: int) -> None:
    if not state.l1_chain_id:
        raise NoL1("the genesis names no L1, and so no queue")
    is_next = message.source_chain_id == state.l1_chain_id and message.nonce == nonce
    if not is_next:
        raise L1MessageOutOfOrder(
            f"got entry {message.nonce} of chain {message.source_chain_id}, "
            f"expected {nonce} of chain {state.l1_chain_id}"
        )


def _check_size(message: Message) -> None:
    if message.gas_limit > MAX_MESSAGE_GAS:
        raise L1MessageTooLarge(f"got {message.gas_limit} gas, expected at most {MAX_MESSAGE_GAS}")
    if len(message.data) > MAX_MESSAGE_DATA_BYTES:
        raise L1MessageTooLarge(
            f"got {len(message.data)} bytes of data, expected at most {MAX_MESSAGE_DATA_BYTES}"
        )


def _check_forced(message: Message) -> None:
    is_bare = message.value_wei == 0 and message.gas_limit == 0
    if not is_bare or not message.data:
        raise MalformedForcedTransaction(
            f"entry {message.nonce}: got {message.value_wei} wei, {message.gas_limit} gas and "
            f"{len(message.data)} bytes, expected 0 wei, 0 gas and a transaction"
        )
