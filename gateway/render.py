"""From this project's types to the JSON objects that Ethereum clients read.

Quantities are hex without leading zeros, byte strings are 0x-hex.
"""

from typing import Any

import rlp

from execution.types import AccountProof, Receipt, StorageProof
from gateway.log_query import bloom_mask
from gateway.render_transaction import included_transaction
from gateway.views import IncludedTransaction, LedgerPosition, LocatedLog, StoredBlock

JsonObject = dict[str, Any]

_HEADER_FIELDS = (
    ("parentHash", "data"),
    ("sha3Uncles", "data"),
    ("miner", "data"),
    ("stateRoot", "data"),
    ("transactionsRoot", "data"),
    ("receiptsRoot", "data"),
    ("logsBloom", "data"),
    ("difficulty", "quantity"),
    ("number", "quantity"),
    ("gasLimit", "quantity"),
    ("gasUsed", "quantity"),
    ("timestamp", "quantity"),
    ("extraData", "data"),
    ("mixHash", "data"),
    ("nonce", "data"),
    ("baseFeePerGas", "quantity"),
    ("withdrawalsRoot", "data"),
    ("blobGasUsed", "quantity"),
    ("excessBlobGas", "quantity"),
    ("parentBeaconBlockRoot", "data"),
    ("requestsHash", "data"),
)
"""Fields of a block header in the order of its RLP (Yellow Paper 4.3, EIPs 1559, 4895, 4844,
4788, 7685); later forks append."""


def to_hex(raw: bytes) -> str:
    """A byte string as 0x-hex."""
    return "0x" + raw.hex()


def block(stored: StoredBlock, is_full: bool) -> JsonObject:
    """A block with its transactions, in full or as hashes.

    ``ledger`` is this project's addition: where the block stands in the ledger.
    """
    result = header(stored.header_rlp)
    result["hash"] = to_hex(stored.block_hash)
    result["size"] = hex(_block_size_bytes(stored))
    result["totalDifficulty"] = "0x0"
    result["uncles"] = []
    if "withdrawalsRoot" in result:
        result["withdrawals"] = []
    if is_full:
        result["transactions"] = [included_transaction(item) for item in stored.all_transactions()]
    else:
        result["transactions"] = [to_hex(item.transaction_hash) for item in stored.receipts]
    result["ledger"] = None if stored.ledger is None else ledger_position(stored.ledger)
    return result


def header(header_rlp: bytes) -> JsonObject:
    """The fields of an encoded header that one of our own engines made."""
    values = rlp.decode(header_rlp)
    return {
        name: to_hex(value) if kind == "data" else hex(int.from_bytes(value, "big"))
        for (name, kind), value in zip(_HEADER_FIELDS, values, strict=False)
    }


def ledger_position(position: LedgerPosition) -> JsonObject:
    """The ledger block that carries a chain's block."""
    return {
        "height": position.height,
        "view": position.view,
        "digest": to_hex(position.digest),
        "timestampMs": position.timestamp_ms,
    }


def receipt(included: IncludedTransaction) -> JsonObject:
    """The receipt of an included transaction."""
    item = included.receipt
    place = {
        "blockHash": to_hex(included.block_hash),
        "blockNumber": hex(included.block_number),
        "transactionHash": to_hex(item.transaction_hash),
        "transactionIndex": hex(included.transaction_index),
    }
    logs = [
        {
            "address": to_hex(log.address),
            "topics": [to_hex(topic) for topic in log.topics],
            "data": to_hex(log.data),
            "logIndex": hex(included.first_log_index + offset),
            "blockTimestamp": hex(included.timestamp_seconds),
            "removed": False,
            **place,
        }
        for offset, log in enumerate(item.logs)
    ]
    return {
        **place,
        "type": hex(item.transaction_type),
        "from": to_hex(item.sender),
        "to": None if item.to is None else to_hex(item.to),
        "status": "0x1" if item.is_success else "0x0",
        "gasUsed": hex(item.gas_used),
        "cumulativeGasUsed": hex(item.cumulative_gas_used),
        "effectiveGasPrice": hex(item.effective_gas_price_wei),
        "contractAddress": None if item.contract_address is None else to_hex(item.contract_address),
        "logs": logs,
        "logsBloom": to_hex(logs_bloom(item)),
    }


def logs_bloom(item: Receipt) -> bytes:
    """The 256-byte bloom over a receipt's logs."""
    bloom = 0
    for log in item.logs:
        bloom |= bloom_mask(log.address)
        for topic in log.topics:
            bloom |= bloom_mask(topic)
    return bloom.to_bytes(256, "big")


def located_log(item: LocatedLog) -> JsonObject:
    """A log with its place."""
    return {
        "address": to_hex(item.log.address),
        "topics": [to_hex(topic) for topic in item.log.topics],
        "data": to_hex(item.log.data),
        "blockNumber": hex(item.block_number),
        "blockHash": to_hex(item.block_hash),
        "blockTimestamp": hex(item.timestamp_seconds),
        "transactionHash": to_hex(item.transaction_hash),
        "transactionIndex": hex(item.transaction_index),
        "logIndex": hex(item.log_index),
        "removed": False,
    }


def account_proof(proof: AccountProof) -> JsonObject:
    """An EIP-1186 proof."""
    return {
        "address": to_hex(proof.address),
        "balance": hex(proof.state.balance_wei),
        "nonce": hex(proof.state.nonce),
        "codeHash": to_hex(proof.state.code_hash),
        "storageHash": to_hex(proof.storage_root),
        "accountProof": [to_hex(node) for node in proof.nodes],
        "storageProof": [_storage_proof(item) for item in proof.storage],
    }


def _storage_proof(proof: StorageProof) -> JsonObject:
    return {
        "key": hex(proof.slot),
        "value": hex(proof.value),
        "proof": [to_hex(node) for node in proof.nodes],
    }


def _block_size_bytes(stored: StoredBlock) -> int:
    """Length of ``rlp([header, transactions, ommers, withdrawals])``."""
    transactions = 0
    for raw in stored.transactions:
        is_legacy = raw[0] >= 0xC0
        transactions += len(raw) if is_legacy else _rlp_length(len(raw))
    return _rlp_length(len(stored.header_rlp) + _rlp_length(transactions) + 2)


def _rlp_length(payload: int) -> int:
    if payload < 56:
        return payload + 1
    return payload + 1 + (payload.bit_length() + 7) // 8
