"""Calls and logs of contracts by the names of their ABI, whichever chain they are on."""

from collections.abc import Iterable, Sequence
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.abi import (
    function_abi_to_4byte_selector,
    get_abi_input_types,
    get_abi_output_types,
)

from execution.types import Log
from ledger.hashing import keccak

Abi = Sequence[dict[str, Any]]

_ERROR = bytes.fromhex("08c379a0")
"""Selector of Solidity's and Vyper's ``Error(string)``."""


def encode_call(abi: Abi, function: str, *arguments: Any) -> bytes:
    """Call data of one call."""
    entry = _function(abi, function, len(arguments))
    return function_abi_to_4byte_selector(entry) + encode(get_abi_input_types(entry), arguments)


def decode_output(abi: Abi, function: str, argument_count: int, output: bytes) -> Any:
    """What a view returned: its only value, or the tuple of them."""
    values = decode(get_abi_output_types(_function(abi, function, argument_count)), output)
    return values[0] if len(values) == 1 else values


def decode_events(abi: Abi, name: str, logs: Iterable[Log]) -> list[dict[str, Any]]:
    """Those of the logs that are one event."""
    (event,) = (e for e in abi if e.get("name") == name and e["type"] == "event")
    types = [entry["type"] for entry in event["inputs"]]
    topic = keccak(f"{name}({','.join(types)})".encode())
    return [_decode_log(event, log) for log in logs if log.topics[0] == topic]


def revert_text(output: bytes) -> str | None:
    """The text that a call reverted with; None if it is no ``Error(string)``."""
    return str(decode(["string"], output[4:])[0]) if output[:4] == _ERROR else None


def _decode_log(event: dict[str, Any], log: Log) -> dict[str, Any]:
    indexed = [entry for entry in event["inputs"] if entry["indexed"]]
    plain = [entry for entry in event["inputs"] if not entry["indexed"]]
    values = {
        entry["name"]: decode([entry["type"]], value)[0]
        for entry, value in zip(indexed, log.topics[1:], strict=True)
    }
    decoded = decode([entry["type"] for entry in plain], log.data)
    return values | {e["name"]: v for e, v in zip(plain, decoded, strict=True)}


def _function(abi: Abi, name: str, argument_count: int) -> Any:
    (entry,) = (
        e
        for e in abi
        if e["type"] == "function" and e["name"] == name and len(e["inputs"]) == argument_count
    )
    return entry
