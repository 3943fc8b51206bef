"""Accesses to bytes and halves as a chip: honest ones pass, and none goes beside its bytes."""

import numpy as np
import pytest

from proving.air.check import Table, imbalance
from proving.chips.byte_access import BYTE_ACCESS
from proving.field.koalabear import inverse
from proving.machine.instructions import Instruction, Opcode
from proving.traces.byte_access import trace
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

AIR = compiled(BYTE_ACCESS)
WORD = 1 << 32
BYTES = {Opcode.LB, Opcode.LBU, Opcode.SB}
SIGNED = {Opcode.LB, Opcode.LH}
STORES = {Opcode.SB, Opcode.SH}
OPCODES = (Opcode.LB, Opcode.LBU, Opcode.LH, Opcode.LHU, Opcode.SB, Opcode.SH)
OLD, NEW = 0x89ABCDEF, 0x01234567


def access(
    opcode: Opcode, address: int, value: int = NEW, word: int = OLD, immediate: int = 0, rd: int = 5
) -> Step:
    """A load or store of the bytes at `address`, by the manual's words."""
    size = 1 if opcode in BYTES else 2
    position = address % 4
    memory = bytearray(word.to_bytes(4, "little"))
    is_store = opcode in STORES
    loaded = 0
    if is_store:
        memory[position : position + size] = value.to_bytes(4, "little")[:size]
    else:
        part = memory[position : position + size]
        loaded = int.from_bytes(part, "little", signed=opcode in SIGNED) % WORD
    registers = {"rs2": 7} if is_store else {"rd": rd}
    return Step(
        Instruction(FIRST_PC, opcode, rs1=6, immediate=immediate % WORD, **registers),
        (address - immediate) % WORD,
        value if is_store else 0,
        rd_value=loaded,
        address=address,
        word=word,
        word_after=int.from_bytes(memory[:4], "little"),
    )


def positions(opcode: Opcode) -> tuple[int, ...]:
    return (0, 1, 2, 3) if opcode in BYTES else (0, 2)


def honest_steps() -> list[Step]:
    generator = np.random.default_rng(6)
    words = [0, 0xFFFFFFFF, 0x80808080, 0x7F7F7F7F, 0x00FF8000]
    words += generator.integers(0, WORD, 6).tolist()
    steps = []
    for opcode in OPCODES:
        for position in positions(opcode):
            for word in words:
                address = 4 * int(generator.integers(0, 1 << 29)) + position
                value, offset = generator.integers(0, WORD, 2).tolist()
                immediate = offset % 4096 - 2048
                steps.append(access(opcode, address, value, word, immediate, rd=offset % 3))
    return steps


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
        if instruction.opcode in STORES:
            assert registers == {(7, *limbs(step.right), timestamp + 1)}
        elif instruction.rd:
            assert registers == {(instruction.rd, *limbs(step.rd_value), timestamp + 3)}
        else:
            assert registers == set()


@pytest.mark.parametrize("opcode", [Opcode.LH, Opcode.LHU, Opcode.SH])
@pytest.mark.parametrize("position", [1, 3])
def test_a_misaligned_half_cannot_be_proved(opcode: Opcode, position: int) -> None:
    table = table_of(access(opcode, 0x2000 + position))
    assert_rejected(table)
    for low in (0x2000 // 4, 0x2004 // 4):
        for choice in range(4):
            cells: Cells = {
                "word_address_low": low,
                "is_upper_half": choice & 1,
                "is_upper_byte": choice >> 1,
            }
            assert_rejected(with_cells(BYTE_ACCESS, table, 0, cells))


@pytest.mark.parametrize("opcode", OPCODES)
def test_the_bytes_beside_cannot_be_accessed(opcode: Opcode) -> None:
    for position in positions(opcode):
        honest = table_of(access(opcode, 0x2000 + position))
        for other in positions(opcode):
            if other == position:
                continue
            main = table_of(access(opcode, 0x2000 + other)).main.copy()
            main[address_inputs()] = honest.main[address_inputs()]
            assert_rejected(Table(AIR, main))


def address_inputs() -> list[int]:
    """The columns of base and immediate."""
    starts = np.cumsum([0, *BYTE_ACCESS.columns.values()])[:-1].tolist()
    start_of = dict(zip(BYTE_ACCESS.columns, starts, strict=True))
    return [start_of[name] + limb for name in ("base", "immediate") for limb in (0, 1)]


@pytest.mark.parametrize("address", [1 << 31, WORD - 1])
@pytest.mark.parametrize("opcode", [Opcode.LBU, Opcode.SB])
def test_an_address_beyond_the_input_region_cannot_be_proved(opcode: Opcode, address: int) -> None:
    assert_rejected(table_of(access(opcode, address)))


@pytest.mark.parametrize("opcode", [Opcode.LB, Opcode.LH])
@pytest.mark.parametrize("word", [0x7F7F7F7F, 0x80808080])
def test_the_sign_is_not_the_prover_s_choice(opcode: Opcode, word: int) -> None:
    step = access(opcode, 0x2000, word=word)
    flipped = 0xFFFF * (word < 1 << 31)
    low = step.rd_value & 0xFFFF
    cells: Cells = {
        "sign": int(word < 1 << 31),
        ("value", 0): low if opcode is Opcode.LH else low ^ 0xFF00,
        ("value", 1): flipped,
    }
    assert broken_by(BYTE_ACCESS, table_of(step), 0, cells) == {"range #9"}


def test_an_unsigned_load_does_not_extend() -> None:
    step = access(Opcode.LBU, 0x2000, word=0xFF)
    cells: Cells = {("value", 0): 0xFFFF, ("value", 1): 0xFFFF}
    assert broken_by(BYTE_ACCESS, table_of(step), 0, cells) == {
        "low limb of a loaded byte",
        "high limb of what is loaded",
    }


def test_a_half_does_not_split_into_other_bytes() -> None:
    """0xCDEF as top 0xCC and other 0x1EF, or as a top byte that takes all."""
    table = table_of(access(Opcode.LBU, 0x2001))
    for top in (0xCC, 0xCE, 0xCDEF * inverse(256)):
        cells: Cells = {
            "top": top,
            "other": 0xCDEF - 256 * top,
            "sign": 1,
            ("value", 0): top,
        }
        assert_rejected(with_cells(BYTE_ACCESS, table, 0, cells))


def test_a_stored_byte_is_the_register_s_lowest() -> None:
    """NEW ends in 0x4567: not 0x45 and not 0x167 may be stored."""
    table = table_of(access(Opcode.SB, 0x2000))
    for byte in (0x45, 0x167, 0x66):
        cells: Cells = {
            ("stored_bytes", 0): byte,
            ("stored_bytes", 1): (0x4567 - byte) * inverse(256),
            ("after", 0): (OLD & 0xFF00) + byte,
        }
        assert_rejected(with_cells(BYTE_ACCESS, table, 0, cells))


def test_a_store_keeps_the_other_bytes() -> None:
    for opcode in (Opcode.SB, Opcode.SH):
        for position in positions(opcode):
            table = table_of(access(opcode, 0x2000 + position))
            for limb in (0, 1):
                forged = {("after", limb): 0x1111}
                assert_rejected(with_cells(BYTE_ACCESS, table, 0, forged))


def test_a_load_leaves_the_word() -> None:
    table = table_of(access(Opcode.LHU, 0x2002))
    for limb in (0, 1):
        rejected_by = broken_by(BYTE_ACCESS, table, 0, {("after", limb): 0})
        assert f"a load leaves limb {limb} of the word" in rejected_by


def test_padding_rows_exchange_nothing_and_cannot_write() -> None:
    padding = Table(AIR, table_of(access(Opcode.SB, 0x2000)).main[:, 1:])
    assert imbalance([padding]) == {}
    assert "writes_rd only in loads" in broken_by(BYTE_ACCESS, padding, 0, {"writes_rd": 1})


def test_what_an_access_sends_is_decided_by_what_it_receives() -> None:
    assert assert_deterministic(honest_table(), seed=5) > 0


NOW = LATEST_TIMESTAMP - 4
TAKEN_BACK: Cells = {"value_previous_timestamp": NOW + 1, "value_difference": 0}
"""A register's access at offset 3 - 1, by a row that is a load less a store."""

LONE_ATTACKS: dict[str, tuple[Step, Cells]] = {
    # bytes 1 and 2 of the word, where all bytes are alike
    "a half begins at its lower byte": (access(Opcode.LH, 0x2001, word=0x01010101), {}),
    # no real row, but one that takes a register's value that nobody left
    "is_store_byte is boolean": (
        access(Opcode.LBU, 0x2000, rd=0),
        {
            "is_store_byte": -1,
            ("stored_bytes", 0): 0xEF,
            ("value_previous", 0): 0xEF,
            **TAKEN_BACK,
        },
    ),
    "is_store_half is boolean": (
        access(Opcode.LHU, 0x2000, rd=0),
        {
            "is_store_half": -1,
            "top": 0xEF,
            "other": 0xCD,
            ("value", 0): 0xEFCD,
            ("value_previous", 0): 0xEFCD,
            **TAKEN_BACK,
        },
    ),
    # the word address's low part: a quarter less, and one byte further
    "range #2": (
        access(Opcode.LBU, 0x2000),
        {
            "word_address_low": 0x1FFF * inverse(4),
            "is_upper_byte": 1,
            "top": 0xCD,
            "other": 0xEF,
            ("value", 0): 0xCD,
        },
    ),
    # the byte beside: whatever is left of the half
    "range #8": (
        access(Opcode.LBU, 0x2000),
        {"top": 1, "other": (0xCDEF - 1) * inverse(256), "sign": 0, ("value", 0): 1},
    ),
    # both bytes of what is stored
    "range #10": (
        access(Opcode.SB, 0x2000),
        {("stored_bytes", 0): 0x167, ("stored_bytes", 1): 0x44, ("after", 0): 0xCD00 + 0x167},
    ),
    "range #11": (
        access(Opcode.SB, 0x2000),
        {
            ("stored_bytes", 0): 0x66,
            ("stored_bytes", 1): (0x4567 - 0x66) * inverse(256),
            ("after", 0): 0xCD66,
        },
    ),
}
"""By rule: an access and altered cells that only this rule rejects."""


@pytest.mark.parametrize("rule", LONE_ATTACKS)
def test_one_rule_alone_stands_against_an_attack(rule: str) -> None:
    step, cells = LONE_ATTACKS[rule]
    assert broken_by(BYTE_ACCESS, table_of(step), 0, cells) == {rule}


def test_no_rule_can_be_left_out() -> None:
    assert rule_names(AIR) - rules_that_decide(honest_table(), seed=11) == set(LONE_ATTACKS)
