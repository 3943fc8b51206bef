"""JSON-RPC errors of Ethereum nodes as errors of ours: each client has words of its own."""

from typing import Any, Final

from eth_abi.abi import decode as decode_abi
from eth_abi.exceptions import DecodingError

from settlement.errors import (
    AlreadyKnown,
    CallReverted,
    InsufficientFunds,
    L1Refused,
    MalformedAnswer,
    NonceTooLow,
    TooManyResults,
    Underpriced,
)

MAX_MESSAGE_CHARACTERS: Final = 1024
MAX_REVERT_BYTES: Final = 64 * 1024
_REVERTED: Final = 3
_LIMIT_EXCEEDED: Final = -32005
_ERROR_SELECTOR: Final = bytes.fromhex("08c379a0")

_WORDS: Final[tuple[tuple[type[L1Refused], tuple[str, ...]], ...]] = (
    (NonceTooLow, ("nonce too low", "nonce is too low", "oldnonce", "invalid nonce")),
    (AlreadyKnown, ("already known", "alreadyknown", "already imported", "known transaction")),
    (
        Underpriced,
        (
            "underpriced",
            "max fee per gas less than block base fee",
            "fee cap less than",
            "feetoolow",
            "gas price below",
        ),
    ),
    (InsufficientFunds, ("insufficient funds", "insufficientfunds")),
    (TooManyResults, ("query returned more than", "too many results", "block range", "limit exc")),
)


def refusal(error: Any) -> L1Refused | MalformedAnswer:
    """The error that a JSON-RPC error object stands for."""
    if not isinstance(error, dict):
        return MalformedAnswer("an error that is no object")
    code, message = error.get("code"), error.get("message")
    if not isinstance(code, int) or not isinstance(message, str):
        return MalformedAnswer("an error without code and message")
    message = message[:MAX_MESSAGE_CHARACTERS]
    words = message.lower()
    if code == _REVERTED or "revert" in words:
        data = _revert_data(error.get("data"))
        return CallReverted(code, message, data, revert_reason(data))
    for kind, phrases in _WORDS:
        if any(phrase in words for phrase in phrases):
            return kind(code, message)
    if code == _LIMIT_EXCEEDED:
        return TooManyResults(code, message)
    return L1Refused(code, message)


def revert_reason(data: bytes) -> str | None:
    """The text of ``Error(string)``; ``None`` for any other revert data."""
    if data[:4] != _ERROR_SELECTOR:
        return None
    try:
        (reason,) = decode_abi(["string"], data[4:])
    except (DecodingError, UnicodeDecodeError, OverflowError):
        return None
    return str(reason)[:MAX_MESSAGE_CHARACTERS]


def _revert_data(value: Any) -> bytes:
    """Revert data, which some nodes wrap into an object; empty if there is none."""
    if isinstance(value, dict):
        value = value.get("data")
    is_hex = isinstance(value, str) and value.startswith("0x") and len(value) % 2 == 0
    if not is_hex or len(value) > 2 * MAX_REVERT_BYTES:
        return b""
    try:
        return bytes.fromhex(value[2:])
    except ValueError:
        return b""
