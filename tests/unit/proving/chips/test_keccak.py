"""The ecall KECCAK_F: memory in, memory out, and nothing in between can be changed."""

import numpy as np
import numpy.typing as npt
import pytest

from proving.air.check import Table, imbalance, violations
from proving.air.chip import compile_chip
from proving.chips.keccak import KECCAK
from proving.chips.keccak_round import KECCAK_ROUND
from proving.machine import records as field
from proving.machine.layout import ECALL_ARGUMENT_REGISTERS, Ecall
from proving.traces import keccak
from proving.traces.keccak_round import permute

CALL, ROUND = compile_chip(KECCAK), compile_chip(KECCAK_ROUND)
POINTER = 0x0012_3458
TIMESTAMP = 400
SPAN = field.KECCAK_STATE


def record(state: npt.NDArray[np.uint64], pointer: int = POINTER) -> npt.NDArray[np.uint32]:
    row = np.zeros(field.KECCAK_FIELD_COUNT, np.uint32)
    row[field.PC], row[field.TIMESTAMP] = 0x1_0000, TIMESTAMP
    row[field.ECALL_NUMBER_VALUE] = Ecall.KECCAK_F
    row[field.ECALL_NUMBER_PREVIOUS_TIMESTAMP] = 7
    row[field.argument_value(0)] = pointer
    row[field.argument_previous_timestamp(0)] = 3
    row[SPAN.previous_values] = np.frombuffer(state.tobytes(), "<u4")
    row[SPAN.previous_timestamps] = np.arange(field.KECCAK_STATE.count)
    row[SPAN.new_values] = np.frombuffer(permute(state[np.newaxis]).tobytes(), "<u4")
    return row


@pytest.fixture(scope="module")
def tables() -> tuple[Table, Table]:
    state = np.random.default_rng(3).integers(0, 1 << 64, 25, dtype=np.uint64)
    records = record(state)[np.newaxis]
    return Table(CALL, keccak.trace(records)), Table(ROUND, keccak.rounds_trace(records))


def column(name: str) -> int:
    names = list(KECCAK.columns)
    return sum(KECCAK.columns[before] for before in names[: names.index(name)])


def test_a_call_reads_and_writes_its_fifty_words_and_nothing_else(
    tables: tuple[Table, Table],
) -> None:
    assert [violations(table) for table in tables] == [[], []]
    left = imbalance(tables)
    buses = [bus for bus, _ in left]
    assert {bus for bus in buses if bus.startswith("keccak")} == set()
    written = sorted(
        values[0] for (bus, values), count in left.items() if (bus, count) == ("memory", 1)
    )
    assert written == list(range(POINTER // 4, POINTER // 4 + 50))
    assert {
        values[3] for (bus, values), count in left.items() if (bus, count) == ("memory", 1)
    } == {TIMESTAMP + 2}
    read = {values[0] for (bus, values), count in left.items() if (bus, count) == ("register", 1)}
    assert read == {17, ECALL_ARGUMENT_REGISTERS[0]}


@pytest.mark.parametrize("name", ["before", "after"])
def test_another_state_before_or_after_leaves_the_permutation_unbalanced(
    tables: tuple[Table, Table], name: str
) -> None:
    call, rounds = tables
    for limb in (0, 49, 99):
        main = call.main.copy()
        main[column(name) + limb, 0] ^= 1
        assert any(bus.startswith("keccak") for bus, _ in imbalance([Table(CALL, main), rounds]))


def test_another_call_number_is_rejected(tables: tuple[Table, Table]) -> None:
    main = tables[0].main.copy()
    main[column("number"), 0] = Ecall.MULMOD
    assert violations(Table(CALL, main)) == ["keccak: the call's number fails in row 0"]


@pytest.mark.parametrize("pointer", [POINTER + 1, POINTER + 2, POINTER + 3])
def test_a_misaligned_pointer_asks_for_a_range_that_no_table_has(pointer: int) -> None:
    state = np.zeros(25, np.uint64)
    table = Table(CALL, keccak.trace(record(state, pointer)[np.newaxis]))
    asked = [values for (bus, values), _ in imbalance([table]).items() if bus == "range"]
    assert any(value >= 1 << bits for value, bits in asked)


def test_a_later_previous_access_asks_for_a_range_that_no_table_has(
    tables: tuple[Table, Table],
) -> None:
    main = tables[0].main.copy()
    main[column("before_previous_timestamp") + 5, 0] = TIMESTAMP + 3
    asked = [
        values for (bus, values), _ in imbalance([Table(CALL, main)]).items() if bus == "range"
    ]
    assert any(value >= 1 << bits for value, bits in asked)
