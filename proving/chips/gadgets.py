"""What all instruction chips share: fetching, stepping, register and memory accesses, ranges.

Values are pairs of 16-bit limbs (low, high). Every limb on the register and memory buses is in
range: each chip that *creates* one checks it with `limbs_in_range`, and initial contents are
checked or fixed; so a chip that merely reads may rely on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from proving.air.chip import AirBuilder, Bus
from proving.air.expression import Expression, total
from proving.chips.buses import EXECUTION, MEMORY, PROGRAM, RANGE, REGISTER
from proving.field.koalabear import inverse
from proving.machine.instructions import LIMB_BITS
from proving.machine.layout import TIMESTAMPS_PER_INSTRUCTION, WORD_BYTES

TIMESTAMP_HIGH_BITS = 13
"""Differences of timestamps are below 2^29, far from wrapping modulo P."""


def access_columns(name: str, *, writes: bool) -> dict[str, int]:
    """Columns of one access called `name`: its value, and what it needs to prove its order.

    A write has the value before it too.
    """
    columns = {f"{name}": 2, f"{name}_previous_timestamp": 1, f"{name}_difference": 1}
    return columns | ({f"{name}_previous": 2} if writes else {})


def instruction_columns(flags: Sequence[str]) -> dict[str, int]:
    """Columns that say which instruction a row holds: one flag per opcode, pc and timestamp."""
    return {**dict.fromkeys(flags, 1), "pc": 1, "timestamp": 1}


def select_one(air: AirBuilder, flags: Sequence[str]) -> Expression:
    """At most one flag is set; their sum says that the row is a real one."""
    for flag in flags:
        air.assert_boolean(f"{flag} is boolean", air.local.one(flag))
    is_real = total(air.local.one(flag) for flag in flags)
    if len(flags) > 1:
        air.assert_boolean("at most one opcode", is_real)
    return is_real


def opcode_number(air: AirBuilder, numbers: Mapping[str, int]) -> Expression:
    """Number of the opcode whose flag is set."""
    return total(air.local.one(flag) * number for flag, number in numbers.items())


def fetch(
    air: AirBuilder,
    is_real: Expression,
    *,
    opcode: Expression | int,
    rd: Expression | int = 0,
    rs1: Expression | int = 0,
    rs2: Expression | int = 0,
    immediate: tuple[Expression | int, Expression | int] = (0, 0),
    writes_rd: Expression | int = 0,
) -> None:
    """Look the row's instruction up in the program."""
    pc = air.local.one("pc")
    air.receive(PROGRAM, (pc, opcode, rd, rs1, rs2, *immediate, writes_rd), is_real)


def step(air: AirBuilder, is_real: Expression, next_pc: Expression | None = None) -> None:
    """Take the machine's state and leave the next one; by default at the following instruction."""
    pc, timestamp = air.local.one("pc"), air.local.one("timestamp")
    air.receive(EXECUTION, (pc, timestamp), is_real)
    target = pc + WORD_BYTES if next_pc is None else next_pc
    air.send(EXECUTION, (target, timestamp + TIMESTAMPS_PER_INSTRUCTION), is_real)


def end(air: AirBuilder, is_real: Expression) -> None:
    """Take the machine's state and leave none: the run ends here."""
    air.receive(EXECUTION, (air.local.one("pc"), air.local.one("timestamp")), is_real)


def read_register(
    air: AirBuilder, name: str, index: Expression | int, offset: int, when: Expression
) -> None:
    """Register `index` holds the value `name`."""
    _access(air, name, (REGISTER, index), offset, when, previous=name)


def write_register(
    air: AirBuilder,
    name: str,
    index: Expression | int,
    offset: Expression | int,
    when: Expression,
) -> None:
    """Register `index` holds `name` from now on. The caller proves its limbs' ranges."""
    _access(air, name, (REGISTER, index), offset, when, previous=f"{name}_previous")


def read_memory(
    air: AirBuilder, name: str, word_address: Expression, offset: int, when: Expression
) -> None:
    """The word at `word_address` is the value `name`."""
    _access(air, name, (MEMORY, word_address), offset, when, previous=name)


def write_memory(
    air: AirBuilder, name: str, word_address: Expression, offset: int, when: Expression
) -> None:
    """The word at `word_address` is `name` from now on. The caller proves its limbs' ranges."""
    _access(air, name, (MEMORY, word_address), offset, when, previous=f"{name}_previous")


def limbs_in_range(air: AirBuilder, limbs: Sequence[Expression], when: Expression) -> None:
    """Each limb is below 2^16."""
    for limb in limbs:
        in_range(air, limb, LIMB_BITS, when)


def in_range(air: AirBuilder, value: Expression, bits: Expression | int, when: Expression) -> None:
    """`value` is below 2^bits; bits is at most 16."""
    air.receive(RANGE, (value, bits), when)


def assert_earlier(
    air: AirBuilder,
    previous: Expression,
    now: Expression,
    difference: Expression,
    when: Expression,
) -> None:
    """`previous` is before `now`: their difference less one is a number of 29 bits.

    `difference` holds its low limb; what is left is the high one, in units of 2^16.
    """
    high = (now - previous - 1 - difference) * inverse(1 << LIMB_BITS)
    in_range(air, difference, LIMB_BITS, when)
    in_range(air, high, TIMESTAMP_HIGH_BITS, when)


def _access(
    air: AirBuilder,
    name: str,
    place: tuple[Bus, Expression | int],
    offset: Expression | int,
    when: Expression,
    *,
    previous: str,
) -> None:
    bus, address = place
    now = air.local.one("timestamp") + offset
    before = air.local.one(f"{name}_previous_timestamp")
    assert_earlier(air, before, now, air.local.one(f"{name}_difference"), when)
    air.receive(bus, (address, *air.local.many(previous), before), when)
    air.send(bus, (address, *air.local.many(name), now), when)
