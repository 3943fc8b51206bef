"""What a call's outcome becomes: return data, or geth's error for it."""

from typing import Final

from eth_abi.abi import decode as decode_abi
from eth_abi.exceptions import DecodingError

from execution.types import CallResult
from gateway.errors import ExecutionHalted, ExecutionReverted, ServerError

ERROR_SELECTOR: Final = bytes.fromhex("08c379a0")
"""``Error(string)``: what ``require`` and ``revert`` with a reason return."""

PANIC_SELECTOR: Final = bytes.fromhex("4e487b71")
"""``Panic(uint256)``: what a failed built-in check returns."""

PANIC_REASONS: Final = {
    0x00: "generic panic",
    0x01: "assert(false)",
    0x11: "arithmetic underflow or overflow",
    0x12: "division or modulo by zero",
    0x21: "enum overflow",
    0x22: "invalid encoded storage byte array accessed",
    0x31: "out-of-bounds array access; popping on an empty array",
    0x32: "out-of-bounds access of an array or bytesN",
    0x41: "out of memory",
    0x51: "uninitialized function",
}

MAX_REASON_CHARACTERS: Final = 1024


def call_output(result: CallResult) -> str:
    """Return data of a call in hex.

    Raises
    ------
    RpcError
        If the call reverted (code 3 with the data) or halted.
    """
    if not result.is_success:
        raise failure(result)
    return "0x" + result.output.hex()


def estimated_gas(result: CallResult, allowance: int) -> str:
    """Gas estimate in hex.

    Raises
    ------
    RpcError
        If no gas limit up to the allowance makes the call succeed.
    """
    if result.is_success:
        return hex(result.gas_used)
    is_out_of_gas = result.halt_reason is not None and "gas" in result.halt_reason.lower()
    if is_out_of_gas:
        raise ServerError(f"gas required exceeds allowance ({allowance})")
    raise failure(result)


def failure(result: CallResult) -> ExecutionReverted | ExecutionHalted:
    """The error of a call that did not succeed."""
    if result.halt_reason is not None:
        return ExecutionHalted(result.halt_reason)
    reason = revert_reason(result.output)
    message = "execution reverted" if reason is None else f"execution reverted: {reason}"
    return ExecutionReverted(message, "0x" + result.output.hex())


def revert_reason(output: bytes) -> str | None:
    """The text of ``Error(string)`` or the meaning of ``Panic(uint256)``, if it is one of them."""
    selector, arguments = output[:4], output[4:]
    try:
        if selector == ERROR_SELECTOR:
            (reason,) = decode_abi(["string"], arguments)
            return str(reason)[:MAX_REASON_CHARACTERS]
        if selector == PANIC_SELECTOR:
            (code,) = decode_abi(["uint256"], arguments)
            return PANIC_REASONS.get(code, f"unknown panic code: {code:#x}")
    except (DecodingError, UnicodeDecodeError, OverflowError):
        return None
    return None
