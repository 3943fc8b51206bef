"""The ledger's work items as system transactions to the predeploys, and back where needed."""

from typing import Final

from bridge.work import (
    Delivery,
    RecordZkRoot,
    SetCapHalvings,
    SetQuarantine,
    SkipOutboundNonces,
    WorkItem,
)
from bridge.work import delivery_gas as gas_to_deliver
from contracts.addresses import OWNERSHIP_ORACLE_ADDRESS, PORTAL_ADDRESS, ROUND_GUARD_ADDRESS
from contracts.bindings import (
    decode_deliver_call,
    deliver_call,
    record_call,
    set_cap_halvings_call,
    set_quarantine_call,
    skip_outbound_nonces_call,
)
from execution.types import Hash32, SystemTransaction

BOOKKEEPING_GAS_LIMIT: Final = 300_000
"""Gas limit of every system transaction that calls no further contract; none uses half of it."""


def system_transaction(system_nonce: int, item: WorkItem) -> SystemTransaction:
    """Return the system transaction that does one item of a block's work.

    Parameters
    ----------
    system_nonce
        The item's number in :meth:`bridge.work.ChainWork.numbered_items`.
    item
        What to do. Deliveries go to the Portal of the chain that they are for.

    """
    match item:
        case Delivery(message):
            target, data, gas_limit = PORTAL_ADDRESS, deliver_call(message), gas_to_deliver(message)
        case RecordZkRoot(number, state_root):
            target, gas_limit = OWNERSHIP_ORACLE_ADDRESS, BOOKKEEPING_GAS_LIMIT
            data = record_call(number, Hash32(state_root))
        case SetQuarantine(is_active, last_good_checkpoint):
            target, gas_limit = PORTAL_ADDRESS, BOOKKEEPING_GAS_LIMIT
            data = set_quarantine_call(is_active, last_good_checkpoint)
        case SetCapHalvings(halvings):
            target, gas_limit = ROUND_GUARD_ADDRESS, BOOKKEEPING_GAS_LIMIT
            data = set_cap_halvings_call(halvings)
        case SkipOutboundNonces(next_nonce):
            target, gas_limit = PORTAL_ADDRESS, BOOKKEEPING_GAS_LIMIT
            data = skip_outbound_nonces_call(next_nonce)
    return SystemTransaction(nonce=system_nonce, to=target, gas_limit=gas_limit, data=data)


def forced_transaction(transaction: SystemTransaction, l1_chain_id: int) -> bytes | None:
    """Return the raw transaction that a system transaction of a stored block forces in, if any.

    Raises
    ------
    MessageError
        It is a malformed delivery.

    """
    message = decode_deliver_call(transaction.data) if transaction.to == PORTAL_ADDRESS else None
    if message is None or message.source_chain_id != l1_chain_id:
        return None
    return message.data if message.is_forced_transaction else None
