"""LW and SW as a chip: honest ones pass, and no row touches another word or another value."""

import numpy as np
import pytest

from proving.air.check import Table, imbalance
from proving.chips.word_access import WORD_ACCESS
from proving.field.koalabear import P, inverse
from proving.machine.instructions import Instruction, Opcode
from proving.traces.word_access import trace
from tests.support.chip_attacks import (
    Cells,
    assert_accepted,
    assert_deterministic,
    assert_rejected,
    compiled,
    exchanges,
    rule_names,
    with_cells,
)
from tests.support.machine_rows import (
    FIRST_PC,
    LATEST_TIMESTAMP,
    Step,
    broken_by,
    rules_that_decide,
    table_of_steps,
)

AIR = compiled(WORD_ACCESS)
WORD = 1 << 32
HIGHEST_ADDRESS = (1 << 31) - 4
INPUT = 1 << 30
OLD, NEW = 0x89ABCDEF, 0x01234567


def load(base: int, immediate: int = 0, rd: int = 5, word: int = OLD) -> Step:
    return Step(
        Instruction(FIRST_PC, Opcode.LW, rd=rd, rs1=6, immediate=immediate % WORD),
        base,
        rd_value=word,
        address=(base + immediate) % WORD,
        word=word,
        word_after=word,
    )


def store(base: int, immediate: int = 0, value: int = NEW, word: int = OLD) -> Step:
    return Step(
        Instruction(FIRST_PC, Opcode.SW, rs1=6, rs2=7, immediate=immediate % WORD),
        base,
        value,
        address=(base + immediate) % WORD,
        word=word,
        word_after=value,
    )


ADDRESSES = [
    (0, 0),
    (4, -4),
    (0x10000, -4),
    (0xFFFC, 4),
    (0xFFFF, 1),
    (3, -3),
    (INPUT, 0),
    (INPUT, -4),
    (HIGHEST_ADDRESS, 0),
    (HIGHEST_ADDRESS + 4, -4),
    (WORD - 4, 8),
    (WORD - 2048, 2047 - 3 + 4),
]


def honest_steps() -> list[Step]:
    generator = np.random.default_rng(4)
    addresses = list(ADDRESSES)
    for word_address, offset in generator.integers(0, 1 << 29, (30, 2)).tolist():
        immediate = offset % 4096 - 2048
        addresses.append(((4 * word_address - immediate) % WORD, immediate))
    words = generator.integers(0, WORD, (len(addresses), 2)).tolist()
    loads = [load(*at, rd=w[1] % 3, word=w[0]) for at, w in zip(addresses, words, strict=True)]
    return loads + [store(*at, *w) for at, w in zip(addresses, words, strict=True)]


def table_of(*steps: Step) -> Table:
    return table_of_steps(AIR, trace, steps)


def honest_table() -> Table:
    return table_of(*honest_steps())


def limbs(value: int) -> tuple[int, int]:
    return value & 0xFFFF, value >> 16


def test_honest_accesses_are_accepted() -> None:
    assert_accepted(honest_table())


def test_every_access_leaves_the_word_and_the_register_as_it_must() -> None:
    steps = honest_steps()
    timestamps = range(LATEST_TIMESTAMP - 4 * len(steps), LATEST_TIMESTAMP, 4)
    effects = exchanges(honest_table(), np.arange(len(steps)))
    for step, timestamp, (_, sent) in zip(steps, timestamps, effects, strict=True):
        assert isinstance(sent, list)
        instruction = step.instruction
        assert ("memory", step.address // 4, *limbs(step.word_after), timestamp + 2) in sent
        registers = {entry[1:] for entry in sent if entry[0] == "register" and entry[1] != 6}
        if instruction.opcode is Opcode.SW:
            assert registers == {(7, *limbs(step.right), timestamp + 1)}
        elif instruction.rd:
            assert registers == {(instruction.rd, *limbs(step.word), timestamp + 3)}
        else:
            assert registers == set()


@pytest.mark.parametrize("offset", [1, 2, 3])
def test_a_misaligned_access_cannot_be_proved(offset: int) -> None:
    for step in (load(0x2000 + offset), store(0x2000 + offset), load(0x2000, offset)):
        assert_rejected(table_of(step))


@pytest.mark.parametrize("offset", [1, 2, 3])
def test_a_misaligned_address_is_not_rounded(offset: int) -> None:
    table = table_of(load(0x2000 + offset))
    for low in (0x2000 // 4, 0x2004 // 4):
        for high in (0, 1, P - 1):
            cells: Cells = {"word_address_low": low, "address_high": high}
            assert_rejected(with_cells(WORD_ACCESS, table, 0, cells))


@pytest.mark.parametrize(("base", "immediate"), [(1 << 31, 0), (HIGHEST_ADDRESS, 4), (0, -4)])
def test_an_address_beyond_the_input_region_cannot_be_proved(base: int, immediate: int) -> None:
    assert_rejected(table_of(load(base, immediate)))
    assert_rejected(table_of(store(base, immediate)))


def test_an_address_that_does_not_wrap_at_two_to_the_32_wraps_nowhere_else() -> None:
    """-8 + -4 as 2^33 - 12: its word address, 2^31 - 3, is a small one modulo P."""
    table = table_of(load(WORD - 8, -4))
    high = 0xFFFF + 0xFFFF + 1
    assert (0xFFF4 // 4 + (high << 14)) % P == (1 << 24) - 4
    cells: Cells = {"address_high": high}
    assert "range #3" in broken_by(WORD_ACCESS, table, 0, cells)


def test_another_value_than_the_word_cannot_be_loaded() -> None:
    assert_rejected(with_cells(WORD_ACCESS, table_of(load(0x2000)), 0, {("value", 0): 1}))


def test_a_load_cannot_write_memory() -> None:
    """The word after a load is what the register holds: so both would have to differ."""
    table = table_of(load(0x2000, rd=0))
    assert_rejected(with_cells(WORD_ACCESS, table, 0, {("value", 1): 1}))


def test_another_value_than_the_register_s_cannot_be_stored() -> None:
    table = table_of(store(0x2000))
    assert broken_by(WORD_ACCESS, table, 0, {("value", 0): 1}) == {"a store leaves limb 0 of rs2"}


def test_a_load_into_x0_accesses_memory_but_no_register() -> None:
    ((_, sent),) = exchanges(table_of(load(0x2000, rd=0)), np.array([0]))
    assert isinstance(sent, list)
    assert [entry[0] for entry in sent] == ["execution", "memory", "register"]


def test_a_store_cannot_write_a_register() -> None:
    table = table_of(store(0x2000))
    assert "writes_rd only in loads" in broken_by(WORD_ACCESS, table, 0, {"writes_rd": 1})


def test_a_load_s_register_cannot_be_left_unwritten() -> None:
    """writes_rd is the program's: no row of it says otherwise."""
    forged = with_cells(WORD_ACCESS, table_of(load(0x2000)), 0, {"writes_rd": 0})
    fetched = {values for (bus, values) in imbalance([forged]) if bus == "program"}
    assert fetched == {(FIRST_PC, int(Opcode.LW), 5, 6, 0, 0, 0, 0)}


def test_padding_rows_exchange_nothing_and_cannot_write() -> None:
    padding = Table(AIR, table_of(store(0x2000)).main[:, 1:])
    assert imbalance([padding]) == {}
    assert broken_by(WORD_ACCESS, padding, 0, {"writes_rd": 1, "rd": 5, "timestamp": 4}) >= {
        "writes_rd only in loads"
    }


def test_what_an_access_sends_is_decided_by_what_it_receives() -> None:
    assert assert_deterministic(honest_table(), seed=5) > 0


NOW = LATEST_TIMESTAMP - 4
OLD_KEPT: Cells = {("value_previous", 0): OLD & 0xFFFF, ("value_previous", 1): OLD >> 16}


def accessed_at(offset: int) -> Cells:
    """The register's access, right after another one."""
    return {"value_previous_timestamp": NOW + offset - 1, "value_difference": 0}


LONE_ATTACKS: dict[str, tuple[Step, Cells]] = {
    # a row that takes part twice
    "at most one opcode": (
        load(0x2000, rd=0),
        {"is_store": 1, **OLD_KEPT, **accessed_at(4)},
    ),
    # no real row, but one that accesses a register, or takes a value that nobody left
    "is_load is boolean": (store(0x2000, value=OLD), {"is_load": -1, **accessed_at(-2)}),
    "is_store is boolean": (load(0x2000, rd=0), {"is_store": -1, **OLD_KEPT, **accessed_at(2)}),
    # the word address's low part: a fraction
    "range #2": (load(0x2001), {"word_address_low": 0x2001 * inverse(4)}),
}
"""By rule: an access and altered cells that only this rule rejects."""


@pytest.mark.parametrize("rule", LONE_ATTACKS)
def test_one_rule_alone_stands_against_an_attack(rule: str) -> None:
    step, cells = LONE_ATTACKS[rule]
    assert broken_by(WORD_ACCESS, table_of(step), 0, cells) == {rule}


def test_no_rule_can_be_left_out() -> None:
    assert rule_names(AIR) - rules_that_decide(honest_table(), seed=11) == set(LONE_ATTACKS)
