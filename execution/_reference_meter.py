"""The bound on proving costs, for the reference engine: the rules of ``stf/src/meter`` once more.

What is charged and when is said in ``docs/proving.md``; the costs are in ``proving_costs``.
"""

from collections.abc import Callable, Iterable
from operator import mul
from typing import Any, Final

import rlp
from eth.exceptions import OutOfGas
from trie import HexaryTrie

from execution import proving_costs as costs
from execution._reference_header import EMPTY_TRIE_ROOT
from execution._reference_state import Database
from execution.types import Address, Hash32, SystemTransaction
from ledger.crossing import FORCED_TRANSACTION_ADDRESS
from ledger.hashing import keccak

UNBOUNDED: Final = 1 << 30
WORD_BYTES: Final = 32
MAX_OPERAND: Final = 2**32 - 1
MAX_INITCODE_BYTES: Final = 49_152
BRANCH_ITEMS: Final = 17
SHORT_ITEMS: Final = 2
MAX_DISTANCE: Final = 256
ACCOUNTS, SLOTS, STORED = range(3)
BLOCKHASH: Final = 0x40
EXTCODECOPY: Final = 0x3C
TSTORE: Final = 0x5D
WARM_GAS, COLD_GAS, COPY_GAS = 100, 2_600, 3
PORTAL: Final = bytes.fromhex("4200000000000000000000000000000000000001")
DELIVER: Final = keccak(b"deliver(uint256,uint256,address,address,uint256,uint256,bytes)")[:4]
TARGET_START: Final = 4 + 3 * WORD_BYTES
EMPTY_CODE_HASH: Final = keccak(b"")

# py-evm is untyped.
Computation = Any
Opcode = Callable[[Computation], Any]


class ProvingBudgetExhausted(OutOfGas):  # type: ignore[misc]
    """A frame halts since its transaction has spent its budget."""


class ReferenceMeter:
    """What is left of a transaction's budget, and what its block has looked at before."""

    def __init__(self, database: Database, parent_root: Hash32) -> None:
        self._database = database
        self._accounts = HexaryTrie(database, parent_root)
        self._seen_accounts: set[Address] = set()
        self._seen_slots: set[tuple[Address, int]] = set()
        self._loaded: set[Address | tuple[Address, int]] = set()
        self._headers = 0
        self._touched = [0, 0, 0]
        self._seen_codes: set[Hash32] = set()
        self._seen_branches: set[tuple[Address | None, str]] = set()
        self._created: set[Address] = set()
        self._deployed: dict[Address, Hash32] = {}
        self._is_protocol = False
        self.has_struck = False
        self._left = self._granted = UNBOUNDED

    # BUDGETS

    def begin(self, limit: int) -> None:
        """Begin a transaction that may spend ``limit``."""
        self._left = self._granted = limit
        self._is_protocol = self.has_struck = False
        self._created.clear()
        self._deployed.clear()
        self._loaded.clear()
        self._touched = [0, 0, 0]

    def begin_protocol(self) -> None:
        """Begin a call of the protocol itself, whose outermost frame has no bound."""
        self.begin(UNBOUNDED)
        self._is_protocol = True

    def begin_inner(self, depth: int, gas: int) -> None:
        """Note a call of the frame at depth ``depth - 1``."""
        if self._is_protocol and depth == 1:
            self._granted += costs.inner_budget(gas) - self._left
            self._left = costs.inner_budget(gas)

    def name(self, entries: int) -> None:
        """Charge for the addresses and slots that a transaction names in advance."""
        self._touched[ACCOUNTS] += entries
        self._touched[SLOTS] += entries
        self.charge(costs.access_list(entries))

    def charge(self, cost: int) -> None:
        """Take off what has no place to stop at."""
        self._left -= cost

    def spend(self, cost: int, depth: int) -> None:
        """Take off the cost of what is about to be done.

        Raises
        ------
        ProvingBudgetExhausted
            Nothing is left, and the frame is not the protocol's own.
        """
        self._left -= min(cost, costs.NEVER)
        if self._left >= 0:
            return
        if self._is_protocol and depth == 0:
            self._granted += UNBOUNDED - self._left
            self._left = UNBOUNDED
            return
        self.has_struck = True
        self._left = -1
        raise ProvingBudgetExhausted("proving budget exceeded")

    @property
    def is_exhausted(self) -> bool:
        """Whether nothing is left."""
        return self._left < 0

    @property
    def settled(self) -> int:
        """What the transaction takes from its block."""
        if self.has_struck and not self._is_protocol:
            return self._granted + costs.OVERSHOOT
        return self._granted - self._left

    # STATE

    def look_at_account(self, address: Address) -> None:
        """Charge for an account, and for its path if that is new to the block."""
        if address not in self._loaded:
            self._loaded.add(address)
            self._touched[ACCOUNTS] += 1
            self.charge(costs.ACCOUNT)
        if address not in self._seen_accounts:
            self._seen_accounts.add(address)
            self._walk(None, self._accounts, keccak(address))

    def look_at_slot(self, address: Address, slot: int) -> None:
        """Charge for a slot, and for its path if that is new to the block."""
        key = (address, slot)
        if address in self._created or key in self._loaded:
            return
        self._loaded.add(key)
        self._touched[SLOTS] += 1
        self.charge(costs.SLOT)
        if key not in self._seen_slots:
            self._seen_slots.add(key)
            storage = HexaryTrie(self._database, self._storage_root(address))
            self._walk(address, storage, keccak(slot.to_bytes(32, "big")))

    def look_back(self, distance: int) -> int:
        """Cost of the headers that BLOCKHASH needs, back to which no earlier one reached."""
        is_in_reach = 0 <= distance <= MAX_DISTANCE
        return costs.HEADER * max(0, distance - self._headers) if is_in_reach else 0

    def note_headers(self, cost: int) -> None:
        """Note that headers of this cost have been paid for."""
        self._headers += cost // costs.HEADER

    def lookup_cost(self, opcode: int) -> int:
        """What an opcode costs more by what the transaction has looked at; TSTORE adds to it."""
        per_touched = costs.LOOKUP.get(opcode, (0, 0, 0))
        cost = sum(map(mul, per_touched, self._touched))
        self._touched[STORED] += opcode == TSTORE
        return int(cost)

    def look_at_code(self, address: Address, code_hash: Hash32, code: bytes) -> None:
        """Charge for a code that the block has not looked at before, nor deployed."""
        is_own = self._deployed.get(address) == code_hash
        if code_hash == EMPTY_CODE_HASH or is_own or code_hash in self._seen_codes:
            return
        self._seen_codes.add(code_hash)
        self.charge(costs.CODE_BYTE * len(code))

    def note_created(self, address: Address) -> None:
        """Note an account that the transaction creates: its storage is empty."""
        self._created.add(address)

    def note_deployed(self, address: Address, code: bytes) -> None:
        """Note a code that the transaction deploys."""
        self._deployed[address] = Hash32(keccak(code))

    def end(self, code_hash_of: Callable[[Address], bytes]) -> None:
        """End a transaction: the codes that it leaves behind are not new to the block."""
        for address, code_hash in self._deployed.items():
            if code_hash_of(address) == code_hash:
                self._seen_codes.add(code_hash)

    def _walk(self, owner: Address | None, trie: HexaryTrie, key: bytes) -> None:
        """Charge for the branches on the way to a key that the block has not come by yet."""
        places = {(owner, place) for place in _branches(trie, key)} - self._seen_branches
        self._seen_branches |= places
        self.charge(costs.BRANCH * len(places))

    def _storage_root(self, address: Address) -> Hash32:
        encoded = self._accounts.get(keccak(address))
        return Hash32(rlp.decode(encoded)[2]) if encoded else EMPTY_TRIE_ROOT


def _branches(trie: HexaryTrie, key: bytes) -> list[str]:
    """Branches on the way to a key, as far as the trie has it, each by the nibbles before it."""
    if trie.root_hash == EMPTY_TRIE_ROOT:
        return []
    places = []
    depth = 0
    for node in trie.get_proof(key):
        if len(node) == BRANCH_ITEMS:
            places.append(key.hex()[:depth])
            depth += 1
        elif len(node) == SHORT_ITEMS:
            is_odd = node[0][0] >> 4 & 1
            depth += 2 * len(node[0]) - 2 + is_odd
    return places


# OPCODES


def metered_opcode(number: int, opcode: Opcode) -> Opcode:
    """An opcode that is charged before it runs, where the chain is metered."""

    def run(computation: Computation) -> Any:
        meter = computation.state.meter
        # py-evm runs a STOP where there is no code at all; revm runs nothing.
        has_code = len(computation.msg.code) > 0
        if meter is not None and has_code:
            if computation.get_gas_remaining() < _static_gas(number, opcode):
                raise OutOfGas("static gas")
            by_size = _size_cost(number, computation)
            cost = costs.BASE[number] + by_size + meter.lookup_cost(number)
            meter.spend(cost, computation.msg.depth)
            if number == BLOCKHASH:
                meter.note_headers(by_size)
            if number == EXTCODECOPY and _cannot_pay_code_copy(computation):
                raise OutOfGas("code copy")
        return opcode(computation=computation)  # type: ignore[call-arg]

    run.mnemonic = getattr(opcode, "mnemonic", "")  # type: ignore[attr-defined]
    return run


def _cannot_pay_code_copy(computation: Computation) -> bool:
    """Whether EXTCODECOPY runs out of gas; py-evm would look at the account before it says so."""
    address, offset, length = (_operand(computation, index) for index in (0, 1, 3))
    if address is None or offset is None or length is None:
        return False
    account = address.to_bytes(WORD_BYTES, "big")[-20:]
    gas = WARM_GAS if computation.state.is_address_warm(account) else COLD_GAS
    gas += COPY_GAS * _words(length)
    if length:
        known, needed = len(computation._memory) // WORD_BYTES, _words(offset + length)
        gas += max(0, _memory_gas(needed) - _memory_gas(known))
    return bool(computation.get_gas_remaining() < gas)


def _static_gas(number: int, opcode: Opcode) -> int:
    """Gas that revm takes before anything else; py-evm takes some of it later."""
    if number in costs.STATIC_GAS:
        return costs.STATIC_GAS[number]
    return int(getattr(opcode, "gas_cost", 0) or 0)


def _size_cost(number: int, computation: Computation) -> int:
    work = _SIZED.get(number)
    return 0 if work is None else work(computation)


def _operand(computation: Computation, index: int) -> int | None:
    """An operand by its distance from the top of the stack."""
    values = computation._stack.values
    if len(values) <= index:
        return None
    value = values[-1 - index]
    return value if isinstance(value, int) else int.from_bytes(value, "big")


def _small(computation: Computation, index: int) -> int | None:
    value = _operand(computation, index)
    return value if value is not None and value <= MAX_OPERAND else None


def _growth(computation: Computation, ranges: Iterable[tuple[int, int]]) -> int | None:
    """Cost of memory up to the end of ranges: index of the offset, and length."""
    end = 0
    for offset_index, length in ranges:
        if length:
            offset = _small(computation, offset_index)
            if offset is None:
                return None
            end = max(end, offset + length)
    known, needed = len(computation._memory) // WORD_BYTES, _words(end)
    if needed <= known:
        return 0
    if _memory_gas(needed) - _memory_gas(known) > computation.get_gas_remaining():
        return None
    return costs.GROWTH + costs.GROWN_WORD * (needed - known)


def _memory_gas(words: int) -> int:
    return 3 * words + words**2 // 512


def _words(length: int) -> int:
    return (length + WORD_BYTES - 1) // WORD_BYTES


def _headers(computation: Computation) -> int:
    asked = _operand(computation, 0) or 0
    return int(computation.state.meter.look_back(computation.state.block_number - asked))


def _exponent(computation: Computation) -> int:
    exponent = _operand(computation, 1) or 0
    return costs.EXPONENT_BYTE * ((exponent.bit_length() + 7) // 8)


def _fixed(length: int) -> Opcode:
    return lambda computation: _growth(computation, [(0, length)]) or 0


def _ranged(offset_index: int, length_index: int, work: Callable[[int], int]) -> Opcode:
    def cost(computation: Computation) -> int:
        length = _small(computation, length_index)
        if length is None:
            return 0
        growth = _growth(computation, [(offset_index, length)])
        return 0 if growth is None else growth + work(length)

    return cost


def _copied(length: int) -> int:
    return costs.COPIED_WORD * _words(length)


def _created(permutation: int) -> Callable[[int], int]:
    def work(length: int) -> int:
        if length > MAX_INITCODE_BYTES:
            return 0
        return costs.INITCODE_WORD * _words(length) + permutation * costs.permutations(length)

    return work


def _moved(computation: Computation) -> int:
    length = _small(computation, 2)
    if length is None:
        return 0
    growth = _growth(computation, [(0, length), (1, length)])
    return 0 if growth is None else growth + costs.MOVED_WORD * _words(length)


def _called(first: int) -> Opcode:
    def cost(computation: Computation) -> int:
        sizes = _small(computation, first + 1), _small(computation, first + 3)
        if sizes[0] is None or sizes[1] is None:
            return 0
        growth = _growth(computation, [(first, sizes[0]), (first + 2, sizes[1])])
        return 0 if growth is None else growth + _copied(sizes[1])

    return cost


def _returned(computation: Computation) -> int:
    deposited = costs.DEPOSITED_WORD if computation.msg.is_create else 0
    per_word = costs.COPIED_WORD + deposited
    return int(_ranged(0, 1, lambda length: per_word * _words(length))(computation))


_SIZED: Final[dict[int, Opcode]] = {
    0x0A: _exponent,
    0x20: _ranged(0, 1, lambda length: costs.PERMUTATION * costs.permutations(length)),
    0x37: _ranged(0, 2, _copied),
    0x39: _ranged(0, 2, _copied),
    0x3C: _ranged(1, 3, _copied),
    0x3E: _ranged(0, 2, _copied),
    0x40: _headers,
    0x51: _fixed(WORD_BYTES),
    0x52: _fixed(WORD_BYTES),
    0x53: _fixed(1),
    0x5E: _moved,
    **{
        log: _ranged(0, 1, lambda length: costs.LOGGED_WORD * _words(length))
        for log in range(0xA0, 0xA5)
    },
    0xF0: _ranged(1, 2, _created(0)),
    0xF1: _called(3),
    0xF2: _called(3),
    0xF3: _returned,
    0xF4: _called(2),
    0xF5: _ranged(1, 2, _created(costs.PERMUTATION)),
    0xFA: _called(2),
    0xFD: _ranged(0, 1, _copied),
}


# PRECOMPILES


def metered_precompile(address: bytes, precompile: Opcode) -> Opcode:
    """A precompile that is charged before it is called, where the chain is metered."""
    number = int.from_bytes(address, "big")

    def run(computation: Computation) -> Any:
        meter = computation.state.meter
        if meter is not None:
            cost = costs.precompile(number, bytes(computation.msg.data_as_bytes))
            meter.spend(cost, depth=1)
        return precompile(computation)

    return run


# BLOCKS


def is_forced_delivery(transaction: SystemTransaction) -> bool:
    """Whether the protocol delivers an entry of L1's queue that is a transaction."""
    is_delivery = transaction.to == PORTAL and transaction.data.startswith(DELIVER)
    target = transaction.data[TARGET_START : TARGET_START + WORD_BYTES]
    return is_delivery and target == bytes(12) + FORCED_TRANSACTION_ADDRESS


class BlockBudget:
    """What is left of a block's budget for its transactions."""

    def __init__(self, transactions: Iterable[bytes]) -> None:
        listed = sum(costs.LISTED + costs.LISTED_BYTE * len(raw) for raw in transactions)
        self._left = costs.BLOCK_BUDGET - listed
        self._is_closed = False

    def spend(self, cost: int) -> None:
        """Take off what a transaction cost."""
        self._left -= cost

    def close(self) -> None:
        """Let nothing more into the block."""
        self._is_closed = True

    def grant(self, *, is_forced: bool) -> int | None:
        """What the next transaction may spend; ``None`` if it may not be tried."""
        if is_forced:
            return costs.TRANSACTION_BUDGET
        room = min(self._left - costs.OVERSHOOT, costs.TRANSACTION_BUDGET)
        return room if room > 0 and not self._is_closed else None
