"""Random programs: sequences of snippets that leave the stack as they found it, and an end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from tests.differential.assembler import assemble, call, keep, push, return_data, store_in_memory

MAX_DEPTH: Final = 2
CALL_KINDS: Final = ("CALL", "CALLCODE", "DELEGATECALL", "STATICCALL")
_BINARY_NAMES: Final = (
    "ADD MUL SUB DIV SDIV MOD SMOD EXP SIGNEXTEND LT GT SLT SGT EQ AND OR XOR BYTE SHL SHR SAR"
)
_ENVIRONMENT_NAMES: Final = (
    "ADDRESS ORIGIN CALLER CALLVALUE CALLDATASIZE CODESIZE GASPRICE COINBASE TIMESTAMP NUMBER "
    "PREVRANDAO GASLIMIT CHAINID SELFBALANCE BASEFEE BLOBBASEFEE GAS MSIZE PC RETURNDATASIZE"
)
BINARY: Final = _BINARY_NAMES.split()
ENVIRONMENT: Final = _ENVIRONMENT_NAMES.split()
ABOUT_ACCOUNT: Final = ("BALANCE", "EXTCODESIZE", "EXTCODEHASH")
CHEAP_PRECOMPILES: Final = tuple(bytes(19) + bytes([number]) for number in (1, 2, 3, 4, 5, 9))


@dataclass
class Programs:
    """Source of random programs over a set of addresses."""

    random: Random
    addresses: Sequence[bytes]
    depth: int = 0
    _snippets: list[Callable[[], bytes]] = field(init=False)

    def __post_init__(self) -> None:
        self._snippets = [
            self._storage,
            self._storage,
            self._clear_storage,
            self._log,
            self._call,
            self._call,
            self._call_precompile,
            self._create,
            self._transient_storage,
            self._environment,
            self._account,
            self._extcodecopy,
            self._block_hash,
            self._arithmetic,
            self._memory,
            self._calldata,
        ]

    def program(self) -> bytes:
        """Some snippets and one of the ways to end."""
        count = self.random.randrange(1, 7)
        body = b"".join(self.random.choice(self._snippets)() for _ in range(count))
        return body + self._end()

    def initcode(self) -> bytes:
        """Creation code: mostly one that deploys a program, else any program."""
        if self.random.random() < 0.6:
            body = self.random.choice(self._snippets)()
            return body + return_data(self._nested())
        return self._nested()

    def data(self, most: int = 100) -> bytes:
        """Random bytes, about half of them zero."""
        count = self.random.randrange(most)
        return bytes(self.random.choice((0, self.random.randrange(256))) for _ in range(count))

    def _nested(self) -> bytes:
        if self.depth >= MAX_DEPTH:
            return assemble(self._slot(), "SLOAD", "POP", "STOP")
        return Programs(self.random, self.addresses, self.depth + 1).program()

    def _slot(self) -> int:
        return self.random.choice((0, 1, 2, 3, 2**256 - 1))

    def _word(self) -> int:
        bits = self.random.choice((0, 1, 8, 64, 160, 255, 256))
        return self.random.getrandbits(bits) if bits else 0

    def _address(self) -> bytes:
        return self.random.choice(self.addresses)

    def _storage(self) -> bytes:
        value = self.random.choice((0, 1, 2, self._word()))
        return assemble(value, self._slot(), "SSTORE")

    def _clear_storage(self) -> bytes:
        slot = self._slot()
        return assemble(slot, "SLOAD", "POP", 0, slot, "SSTORE")

    def _log(self) -> bytes:
        topics = [self._word() for _ in range(self.random.randrange(5))]
        size = self.random.choice((0, 5, 32, 70))
        return assemble(*topics, size, self.random.randrange(40), f"LOG{len(topics)}")

    def _call(self) -> bytes:
        kind = self.random.choice(CALL_KINDS)
        value_wei = self.random.choice((0, 0, 1, 10**6))
        gas = self.random.choice((None, None, 0, 2300, 30_000, 100_000))
        made = call(kind, self._address(), self.data(40), value_wei, gas)
        return made + self._keep_result() + self._keep_return_data()

    def _call_precompile(self) -> bytes:
        target = self.random.choice(CHEAP_PRECOMPILES)
        data = self.data(220)
        if target[-1] == 5:  # modexp: lengths of a sane size
            data = b"".join(self.random.randrange(40).to_bytes(32, "big") for _ in range(3)) + data
        made = call(self.random.choice(CALL_KINDS), target, data, 0, None)
        return made + self._keep_result()

    def _create(self) -> bytes:
        initcode = self.initcode() if self.depth < MAX_DEPTH else b""
        value_wei = self.random.choice((0, 0, 1))
        salt: tuple[int, ...] = (self.random.randrange(2),)
        kind = "CREATE2"
        if self.random.random() < 0.5:
            salt, kind = (), "CREATE"
        arguments = assemble(*salt, len(initcode), 0, value_wei)
        return store_in_memory(initcode) + arguments + assemble(kind) + self._keep_result()

    def _transient_storage(self) -> bytes:
        slot = self._slot()
        if self.random.random() < 0.5:
            return assemble(slot, "TLOAD") + self._keep_result()
        return assemble(self._word(), slot, "TSTORE")

    def _environment(self) -> bytes:
        return assemble(self.random.choice(ENVIRONMENT)) + self._keep_result()

    def _account(self) -> bytes:
        return assemble(self._address(), self.random.choice(ABOUT_ACCOUNT)) + self._keep_result()

    def _extcodecopy(self) -> bytes:
        size = self.random.choice((0, 23, 40))
        copied = assemble(size, self.random.randrange(4), 0, self._address(), "EXTCODECOPY")
        return copied + assemble(64, 0, "KECCAK256") + self._keep_result()

    def _block_hash(self) -> bytes:
        distance = self.random.choice((0, 1, 2, 5, 300))
        return assemble(distance, "NUMBER", "SUB", "BLOCKHASH") + self._keep_result()

    def _arithmetic(self) -> bytes:
        choice = self.random.random()
        if choice < 0.15:
            operator = self.random.choice(("ADDMOD", "MULMOD"))
            made = assemble(self._word(), self._word(), self._word(), operator)
        elif choice < 0.3:
            made = assemble(self._word(), self.random.choice(("ISZERO", "NOT")))
        else:
            made = assemble(self._word(), self._word(), self.random.choice(BINARY))
        return made + self._keep_result()

    def _memory(self) -> bytes:
        offsets = [self.random.randrange(100) for _ in range(3)]
        made = assemble(self._word(), offsets[0], self.random.choice(("MSTORE", "MSTORE8")))
        made += assemble(self.random.randrange(70), offsets[1], offsets[2], "MCOPY")
        return made + assemble(128, 0, "KECCAK256") + self._keep_result()

    def _calldata(self) -> bytes:
        made = assemble(self.random.randrange(40), "CALLDATALOAD") + self._keep_result()
        return made + assemble(self.random.randrange(70), 1, 0, "CALLDATACOPY")

    def _keep_result(self) -> bytes:
        return keep(self._slot()) if self.random.random() < 0.7 else assemble("POP")

    def _keep_return_data(self) -> bytes:
        if self.random.random() < 0.7:
            return b""
        return assemble("RETURNDATASIZE", 0, 0, "RETURNDATACOPY", 0, "MLOAD") + self._keep_result()

    def _end(self) -> bytes:
        ends: tuple[Callable[[], bytes], ...] = (
            lambda: b"",
            lambda: assemble("STOP"),
            lambda: return_data(self.data(70)),
            lambda: store_in_memory(self.data(40)) + assemble(37, 0, "REVERT"),
            lambda: assemble(self._address(), "SELFDESTRUCT"),
            lambda: assemble("ADDRESS", "SELFDESTRUCT"),
            lambda: assemble("INVALID"),
            lambda: assemble("POP"),
            lambda: assemble(3, "JUMP"),
            lambda: assemble("JUMPDEST", "PC", "GAS", "POP", "POP", 2**40, 0, "KECCAK256"),
            lambda: bytes(self.random.randrange(256) for _ in range(20)),
            lambda: push(1) + assemble("RETURNDATASIZE", 0, "RETURNDATACOPY"),
        )
        weights = (4, 3, 4, 2, 2, 1, 1, 1, 1, 1, 1, 1)
        return self.random.choices(ends, weights)[0]()
