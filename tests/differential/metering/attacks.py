"""Programs that do nothing but one kind of work, for as long as they are let."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from execution.types import Address, GenesisAccount
from tests.differential.assembler import assemble, store_in_memory

ATTACKER: Final = Address(b"\xa7" * 20)
MAX_CODE_BYTES: Final = 24_576
WORST: Final = bytes.fromhex("8000000000000000" + "ff" * 24)
DIVISORS: Final = {
    "64 bits": (2**64 - 59).to_bytes(8, "big"),
    "128 bits": (2**127 + 2**63 + 1).to_bytes(16, "big"),
    "160 bits": (2**159 + 2**100 + 3).to_bytes(20, "big"),
    "192 bits": (2**191 + 2**127 + 7).to_bytes(24, "big"),
    "255 bits": (2**254 + 2**190 + 9).to_bytes(32, "big"),
}


@dataclass(frozen=True, slots=True)
class Attack:
    """Code that repeats ``body`` for ever after ``setup``; bodies leave the stack as it was."""

    name: str
    body: bytes
    setup: bytes = b""
    alloc: dict[Address, GenesisAccount] = field(default_factory=dict)

    repeat: int = 400

    @property
    def code(self) -> bytes:
        """The contract: ``body`` many times, again while there is more gas than calldata say."""
        goes_on = assemble(0, "CALLDATALOAD", "GAS", "GT")
        room = MAX_CODE_BYTES // 4 - len(self.setup) - 16
        count = max(1, min(self.repeat, room // max(1, len(self.body))))
        jump = assemble(len(self.setup).to_bytes(2, "big"), "JUMPI", "STOP")
        return self.setup + assemble("JUMPDEST") + self.body * count + goes_on + jump

    @property
    def briefly(self) -> "Attack":
        """The same, asking more often whether to go on: it can end just in time."""
        return replace(self, repeat=3)

    @property
    def accounts(self) -> dict[Address, GenesisAccount]:
        """Genesis accounts that the attack needs."""
        own = GenesisAccount(balance_wei=10**18, nonce=1, code=self.code)
        return {ATTACKER: own, **self.alloc}


_SIMPLE: Final = (
    "ADDRESS ORIGIN CALLER CALLVALUE CALLDATASIZE CODESIZE GASPRICE RETURNDATASIZE COINBASE "
    "TIMESTAMP NUMBER PREVRANDAO GASLIMIT CHAINID SELFBALANCE BASEFEE BLOBBASEFEE PC MSIZE "
    "GAS PUSH0"
)
_MODEXP_LENGTHS: Final = (
    (0, 0, 0),
    (1, 1, 1),
    (32, 1, 32),
    (32, 32, 32),
    (8, 3, 256),
    (64, 3, 64),
    (1, 255, 1),
    (128, 1, 128),
    (32, 4, 31),
)
GENERATOR_X: Final = 0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798


def all_attacks() -> Iterator[Attack]:
    """One for each opcode, precompile and way to reach into the state."""
    yield from _arithmetic()
    yield from _simple()
    yield from _memory()
    yield from _state()
    yield from _calls()
    yield from _precompiles()


def _arithmetic() -> Iterator[Attack]:
    for name in ("ADD", "SUB", "MUL", "LT", "GT", "SLT", "SGT", "EQ", "AND", "OR", "XOR"):
        yield Attack(name, assemble("DUP1", name), assemble(WORST))
    for name, divisor in DIVISORS.items():
        for opcode in ("DIV", "SDIV", "MOD", "SMOD"):
            yield Attack(
                f"{opcode} by {name}",
                assemble("DUP2", "DUP2", opcode, "POP"),
                assemble(divisor, WORST),
            )
        for opcode in ("ADDMOD", "MULMOD"):
            yield Attack(
                f"{opcode} by {name}",
                assemble("DUP2", "DUP2", "DUP1", opcode, "POP"),
                assemble(divisor, b"\xff" * 31 + b"\xf1"),
            )
    for length in (1, 2, 16, 32):
        yield Attack(
            f"EXP by {length} bytes",
            assemble("DUP2", "DUP2", "EXP", "POP"),
            assemble(b"\xff" * length, b"\xff" * 31 + b"\xfd"),
        )
    for shift in (1, 31, 64, 100, 200, 255):
        for opcode in ("SHL", "SHR", "SAR"):
            yield Attack(
                f"{opcode} by {shift}", assemble("DUP1", shift, opcode, "POP"), assemble(WORST)
            )
    yield Attack("SIGNEXTEND", assemble("DUP1", 15, "SIGNEXTEND", "POP"), assemble(WORST))
    yield Attack("BYTE", assemble("DUP1", 15, "BYTE", "POP"), assemble(WORST))
    yield Attack("NOT", assemble("NOT"), assemble(WORST))
    yield Attack("ISZERO", assemble("ISZERO"), assemble(WORST))


def _simple() -> Iterator[Attack]:
    for name in _SIMPLE.split():
        yield Attack(name, assemble(name, "POP"))
    yield Attack("BLOBHASH", assemble("PUSH0", "BLOBHASH", "POP"))
    yield Attack("CALLDATALOAD", assemble(3, "CALLDATALOAD", "POP"))
    for length in (1, 2, 4, 8, 16, 20, 31, 32):
        yield Attack(f"PUSH{length}", assemble(b"\xee" * length, "POP"))
    yield Attack("DUP16", assemble("DUP16", "POP"), assemble(*([1] * 16)))
    yield Attack("SWAP16", assemble("SWAP16"), assemble(*([1] * 17)))
    yield Attack("JUMPDEST", assemble("JUMPDEST"))
    yield Attack("JUMPI not taken", assemble(0, 0, "JUMPI"))
    yield Attack("BLOCKHASH", assemble("DUP1", "NUMBER", "SUB", "BLOCKHASH", "POP"), assemble(1))
    # The jump at the end is to the second byte, a JUMPDEST, at once.
    yield Attack("JUMP", b"", b"")


def _memory() -> Iterator[Attack]:
    yield Attack("MLOAD", assemble(0, "MLOAD", "POP"))
    yield Attack("MLOAD unaligned", assemble(7, "MLOAD", "POP"))
    yield Attack("MSTORE", assemble("DUP1", 0, "MSTORE"), assemble(WORST))
    yield Attack("MSTORE unaligned", assemble("DUP1", 13, "MSTORE"), assemble(WORST))
    yield Attack("MSTORE8", assemble("DUP1", 3, "MSTORE8"), assemble(WORST))
    yield Attack("MSTORE further", assemble("DUP1", "MSIZE", "MSTORE"), assemble(WORST))
    yield Attack("MSTORE far", assemble("DUP1", "MSIZE", 100_000, "ADD", "MSTORE"), assemble(1))
    for length in (1, 32, 1_000, 20_000):
        for opcode in ("CALLDATACOPY", "CODECOPY"):
            yield Attack(f"{opcode} of {length}", assemble(length, 1, 3, opcode))
        yield Attack(f"MCOPY of {length}", assemble(length, 1, 2, "MCOPY"))
        yield Attack(f"MCOPY back of {length}", assemble(length, 2, 1, "MCOPY"))
    for length in (0, 1, 136, 1_000, 20_000):
        yield Attack(f"KECCAK256 of {length}", assemble(length, 1, "KECCAK256", "POP"))
    for length in (0, 1, 32, 1_000, 20_000):
        for topics in range(5):
            name = f"LOG{topics} of {length}"
            yield Attack(name, assemble(*([7] * topics), length, 1, f"LOG{topics}"))


def stranger(number: int) -> Address:
    """An address of the attack's own, one of many."""
    return Address(b"\x77" * 16 + number.to_bytes(4, "big"))


def _state() -> Iterator[Attack]:
    next_one = assemble(1, "ADD")
    first = assemble(b"\x77" * 16 + b"\0\0\0\x01")
    large = {
        stranger(number): GenesisAccount(
            nonce=1, code=bytes([0x5B]) * (MAX_CODE_BYTES - 4) + number.to_bytes(4, "big")
        )
        for number in range(300)
    }
    yield Attack("SLOAD warm", assemble(0, "SLOAD", "POP"))
    yield Attack("SLOAD cold", next_one + assemble("DUP1", "SLOAD", "POP"), assemble(1))
    yield Attack("SSTORE same", assemble(1, 0, "SSTORE"))
    yield Attack("SSTORE warm", assemble("GAS", 0, "SSTORE"))
    yield Attack("SSTORE new", next_one + assemble("DUP1", "DUP1", "SSTORE"), assemble(1))
    yield Attack("TLOAD", next_one + assemble("DUP1", "TLOAD", "POP"), assemble(1))
    yield Attack("TSTORE", assemble("GAS", 0, "TSTORE"))
    yield Attack("TSTORE new", next_one + assemble("DUP1", "DUP1", "TSTORE"), assemble(1))
    for opcode in ("BALANCE", "EXTCODESIZE", "EXTCODEHASH"):
        yield Attack(f"{opcode} warm", assemble("ADDRESS", opcode, "POP"))
        yield Attack(f"{opcode} of nobody", next_one + assemble("DUP1", opcode, "POP"), first)
        yield Attack(f"{opcode} of code", next_one + assemble("DUP1", opcode, "POP"), first, large)
    copy = assemble(32, 0, 0, "DUP4", "EXTCODECOPY")
    yield Attack("EXTCODECOPY of code", next_one + copy, first, large)
    yield Attack("EXTCODECOPY warm", assemble(32, 0, 0, "ADDRESS", "EXTCODECOPY"))


def _calls() -> Iterator[Attack]:
    next_one = assemble(1, "ADD")
    first = assemble(b"\x77" * 16 + b"\0\0\0\x01")
    callee = Address(b"\xce" * 20)
    for name, code in {
        "nothing": b"",
        "STOP": b"\0",
        "REVERT": assemble(0, 0, "REVERT"),
        "INVALID": b"\xfe",
        "RETURN of 1000": assemble(1_000, 0, "RETURN"),
        "REVERT of 1000": assemble(1_000, 0, "REVERT"),
        "SELFDESTRUCT": assemble("ADDRESS", "SELFDESTRUCT"),
        "SSTORE and REVERT": assemble("GAS", 0, "SSTORE", 0, 0, "REVERT"),
        "LOG and REVERT": assemble(100, 0, "LOG0", 0, 0, "REVERT"),
        "TSTORE and REVERT": assemble("GAS", 0, "TSTORE", 0, 0, "REVERT"),
    }.items():
        alloc = {callee: GenesisAccount(nonce=1, code=code, balance_wei=10**18)}
        for opcode in ("CALL", "CALLCODE", "DELEGATECALL", "STATICCALL"):
            value = (0,) if opcode in ("CALL", "CALLCODE") else ()
            call = assemble(0, 0, 0, 0, *value, callee, 50_000, opcode, "POP")
            yield Attack(f"{opcode} of {name}", call, alloc=alloc)
        with_value = assemble(0, 0, 0, 0, 1, callee, 50_000, "CALL", "POP")
        yield Attack(f"CALL with value of {name}", with_value, alloc=alloc)
    stranger_call = assemble(0, 0, 0, 0, 0, "DUP6", 0, "CALL", "POP")
    yield Attack("CALL of nobody", next_one + stranger_call, first)
    gift = assemble(0, 0, 0, 0, 1, "DUP6", 0, "CALL", "POP")
    yield Attack("CALL with value of nobody", next_one + gift, first)
    large = {
        stranger(number): GenesisAccount(
            nonce=1, code=b"\0" + bytes([0x5B]) * (MAX_CODE_BYTES - 5) + number.to_bytes(4, "big")
        )
        for number in range(300)
    }
    yield Attack("CALL of code", next_one + stranger_call, first, large)
    yield Attack(
        "CALL with 20,000 in and out", assemble(20_000, 0, 20_000, 0, 0, callee, 0, "CALL", "POP")
    )
    recursion = assemble(0, 0, 0, 0, 0, "ADDRESS", "GAS", "CALL", "POP")
    yield Attack("CALL of itself", recursion)
    yield Attack("CREATE of nothing", assemble(0, 0, 0, "CREATE", "POP"))
    yield Attack(
        "CREATE2 of nothing", next_one + assemble("DUP1", 0, 0, 0, "CREATE2", "POP"), assemble(1)
    )
    for length in (1_000, 24_000, 49_152):
        zeros = assemble(length, 0, 0, "CREATE", "POP")
        yield Attack(f"CREATE of {length} that stops", zeros)
        dense = bytes([0x5B]) * 32
        jumps = b"".join(
            assemble(dense, 32 * word, "MSTORE") for word in range(min(100, length // 32))
        )
        yield Attack(f"CREATE of {length} JUMPDEST", zeros, jumps)
        salted = next_one + assemble("DUP1", length, 0, 0, "CREATE2", "POP")
        yield Attack(f"CREATE2 of {length}", salted, jumps + assemble(1))
    for length in (1_000, 24_576):
        leave = assemble(length, 0, "RETURN")
        setup = store_in_memory(leave)
        yield Attack(
            f"CREATE that leaves {length}", assemble(len(leave), 0, 0, "CREATE", "POP"), setup
        )
    fails = store_in_memory(assemble(0, 0, "REVERT"))
    yield Attack("CREATE that fails", assemble(5, 0, 0, "CREATE", "POP"), fails)
    gone = store_in_memory(assemble("CALLER", "SELFDESTRUCT"))
    yield Attack("CREATE that destroys itself", assemble(2, 0, 0, "CREATE", "POP"), gone)


def _precompiles() -> Iterator[Attack]:
    point = GENERATOR_X.to_bytes(32, "big")
    signature = b"\x11" * 32 + (27).to_bytes(32, "big") + point + b"\x22" * 32
    yield _precompile("ECRECOVER", 1, signature)
    yield _precompile("ECRECOVER of nothing", 1, b"")
    for number, name in ((2, "SHA256"), (3, "RIPEMD160"), (4, "IDENTITY")):
        for length in (0, 1, 64, 1_000, 20_000):
            yield _precompile(f"{name} of {length}", number, b"", length)
    for sizes in _MODEXP_LENGTHS:
        base, exponent, modulus = sizes
        lengths = b"".join(length.to_bytes(32, "big") for length in sizes)
        for kind, last in (("odd", b"\xfd"), ("even", b"\xfe")):
            numbers = b"\xff" * (base + exponent) + (b"\xff" * (modulus - 1) + last)[:modulus]
            yield _precompile(f"MODEXP {kind} of {sizes}", 5, lengths + numbers)
    for number, name in ((6, "BN254 ADD"), (7, "BN254 MUL"), (8, "BN254 PAIRING")):
        yield _precompile(name, number, b"", 192)
        yield _precompile(f"{name} of nothing", number, b"")
    for rounds in (0, 1, 12, 1_000):
        yield _precompile(f"BLAKE2F of {rounds}", 9, rounds.to_bytes(4, "big"), 213)
    for number in range(10, 18):
        yield _precompile(f"precompile {number}", number, b"", 512)


def _precompile(name: str, number: int, data: bytes, length: int | None = None) -> Attack:
    """A precompile on an input; its output goes behind that, so that the input stays."""
    size = len(data) if length is None else length
    address = number.to_bytes(1, "big")
    body = assemble(32, size, size, 0, address, 25_000_000, "STATICCALL", "POP")
    return Attack(name, body, store_in_memory(data))
