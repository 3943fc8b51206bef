"""EVM bytecode from Python: names are opcodes, integers and byte strings are pushed."""

from typing import Final

_SINGLE: Final = {
    name: opcode
    for first, names in {
        0x00: "STOP ADD MUL SUB DIV SDIV MOD SMOD ADDMOD MULMOD EXP SIGNEXTEND",
        0x10: "LT GT SLT SGT EQ ISZERO AND OR XOR NOT BYTE SHL SHR SAR",
        0x20: "KECCAK256",
        0x30: "ADDRESS BALANCE ORIGIN CALLER CALLVALUE CALLDATALOAD CALLDATASIZE CALLDATACOPY "
        "CODESIZE CODECOPY GASPRICE EXTCODESIZE EXTCODECOPY RETURNDATASIZE RETURNDATACOPY "
        "EXTCODEHASH",
        0x40: "BLOCKHASH COINBASE TIMESTAMP NUMBER PREVRANDAO GASLIMIT CHAINID SELFBALANCE "
        "BASEFEE BLOBHASH BLOBBASEFEE",
        0x50: "POP MLOAD MSTORE MSTORE8 SLOAD SSTORE JUMP JUMPI PC MSIZE GAS JUMPDEST TLOAD "
        "TSTORE MCOPY PUSH0",
        0xF0: "CREATE CALL CALLCODE RETURN DELEGATECALL CREATE2",
        0xFA: "STATICCALL",
        0xFD: "REVERT INVALID SELFDESTRUCT",
    }.items()
    for opcode, name in enumerate(names.split(), start=first)
}
_NUMBERED: Final = {
    f"{family}{number}": first + number
    for family, first, lowest, highest in (
        ("DUP", 0x7F, 1, 16),
        ("SWAP", 0x8F, 1, 16),
        ("LOG", 0xA0, 0, 4),
    )
    for number in range(lowest, highest + 1)
}
OPCODES: Final = _SINGLE | _NUMBERED
"""Opcode by name, without the PUSH family above PUSH0."""

PUSH0: Final = OPCODES["PUSH0"]
MAX_PUSH_BYTES: Final = 32


def push(value: int | bytes) -> bytes:
    """The shortest push of an integer, or of exactly these bytes."""
    if isinstance(value, int):
        value = value.to_bytes((value.bit_length() + 7) // 8, "big")
    assert len(value) <= MAX_PUSH_BYTES
    return bytes([PUSH0 + len(value)]) + value


def assemble(*items: str | int | bytes) -> bytes:
    """Bytecode of opcode names, pushed integers and pushed byte strings, in order."""
    return b"".join(
        bytes([OPCODES[item]]) if isinstance(item, str) else push(item) for item in items
    )


def store_in_memory(data: bytes, offset: int = 0) -> bytes:
    """Code that writes ``data`` to memory, padded with zeros to whole words."""
    words = range(0, len(data), 32)
    return b"".join(
        assemble(data[word : word + 32].ljust(32, b"\0"), offset + word, "MSTORE") for word in words
    )


def return_data(data: bytes) -> bytes:
    """Code that returns ``data``: as initcode, what deploys it."""
    return store_in_memory(data) + assemble(len(data), 0, "RETURN")


def keep(slot: int) -> bytes:
    """Code that moves the top of the stack into a storage slot."""
    return assemble(slot, "SSTORE")


def call(
    kind: str,
    target: bytes,
    data: bytes = b"",
    value_wei: int = 0,
    gas: int | None = None,
) -> bytes:
    """Code that makes a call and leaves its success on the stack.

    ``kind`` is CALL, CALLCODE, DELEGATECALL or STATICCALL; without ``gas`` it
    forwards all. The first 32 bytes of output are written to memory offset 0.
    """
    has_value = kind in ("CALL", "CALLCODE")
    value = (value_wei,) if has_value else ()
    gas_item: str | int = "GAS" if gas is None else gas
    arguments = assemble(32, 0, len(data), 0, *value, target, gas_item)
    return store_in_memory(data) + arguments + assemble(kind)
