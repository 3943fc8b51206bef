"""From raw transactions to the JSON objects that Ethereum clients read.

Only transactions that an engine or the mempool has taken come here, so their
encodings are valid.
"""

from typing import Any, Final

import rlp

from execution.types import SYSTEM_TRANSACTION_TYPE
from gateway.views import IncludedTransaction, PendingTransaction

JsonObject = dict[str, Any]

LEGACY: Final = 0
ACCESS_LIST: Final = 1
DYNAMIC_FEE: Final = 2
SET_CODE: Final = 4

FIRST_LEGACY_BYTE: Final = 0xC0

MIN_PROTECTED_V: Final = 35
"""``v`` of a replay-protected legacy transaction is ``35 + 2 * chain_id + parity`` (EIP-155)."""

_FIELDS: Final[dict[int, tuple[str, ...]]] = {
    LEGACY: ("nonce", "gasPrice", "gas", "to", "value", "input", "v", "r", "s"),
    ACCESS_LIST: (
        *("chainId", "nonce", "gasPrice", "gas", "to", "value", "input"),
        *("accessList", "yParity", "r", "s"),
    ),
    DYNAMIC_FEE: (
        *("chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas", "to", "value"),
        *("input", "accessList", "yParity", "r", "s"),
    ),
    SET_CODE: (
        *("chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas", "to", "value"),
        *("input", "accessList", "authorizationList", "yParity", "r", "s"),
    ),
    SYSTEM_TRANSACTION_TYPE: ("nonce", "to", "gas", "input"),
}
"""Fields of each transaction type in the order of its RLP (EIPs 155, 2930, 1559, 7702)."""


def included_transaction(included: IncludedTransaction) -> JsonObject:
    """A transaction in a block."""
    receipt = included.receipt
    result = _fields(included.raw)
    result["gasPrice"] = hex(receipt.effective_gas_price_wei)
    result["hash"] = "0x" + receipt.transaction_hash.hex()
    result["from"] = "0x" + receipt.sender.hex()
    result["blockHash"] = "0x" + included.block_hash.hex()
    result["blockNumber"] = hex(included.block_number)
    result["transactionIndex"] = hex(included.transaction_index)
    return result


def pending_transaction(pending: PendingTransaction) -> JsonObject:
    """A transaction in the mempool; ``gasPrice`` is the most it may cost."""
    result = _fields(pending.raw)
    result.setdefault("gasPrice", result.get("maxFeePerGas"))
    result["hash"] = "0x" + pending.transaction_hash.hex()
    result["from"] = "0x" + pending.sender.hex()
    result["blockHash"] = None
    result["blockNumber"] = None
    result["transactionIndex"] = None
    return result


def _fields(raw: bytes) -> JsonObject:
    kind = LEGACY if raw[0] >= FIRST_LEGACY_BYTE else raw[0]
    items = rlp.decode(raw if kind == LEGACY else raw[1:])
    result: JsonObject = {"type": hex(kind)}
    for name, item in zip(_FIELDS[kind], items, strict=True):
        result[name] = _rendered(name, item)
    if kind == LEGACY:
        v = int(result["v"], 16)
        if v >= MIN_PROTECTED_V:
            result["chainId"] = hex((v - MIN_PROTECTED_V) // 2)
    elif kind == SYSTEM_TRANSACTION_TYPE:
        # Nobody signs or pays; clients expect the fields all the same.
        result |= {"value": "0x0", "v": "0x0", "r": "0x0", "s": "0x0"}
    else:
        result["v"] = result["yParity"]
    return result


def _rendered(name: str, item: Any) -> Any:
    if name == "accessList":
        return [_access_list_entry(entry) for entry in item]
    if name == "authorizationList":
        return [_authorization(entry) for entry in item]
    assert isinstance(item, bytes)
    if name == "to":
        return "0x" + item.hex() if item else None
    if name == "input":
        return "0x" + item.hex()
    return hex(int.from_bytes(item, "big"))


def _access_list_entry(entry: Any) -> JsonObject:
    address, slots = entry
    return {
        "address": "0x" + address.hex(),
        "storageKeys": ["0x" + slot.hex() for slot in slots],
    }


def _authorization(entry: Any) -> JsonObject:
    chain_id, address, nonce, y_parity, r, s = entry
    return {
        "chainId": hex(int.from_bytes(chain_id, "big")),
        "address": "0x" + address.hex(),
        "nonce": hex(int.from_bytes(nonce, "big")),
        "yParity": hex(int.from_bytes(y_parity, "big")),
        "r": hex(int.from_bytes(r, "big")),
        "s": hex(int.from_bytes(s, "big")),
    }
