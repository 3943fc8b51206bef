"""The ecalls HALT and COMMIT as chips: what ends a run, and what becomes public."""

import numpy as np
import pytest

from proving.air.check import Table, imbalance
from proving.chips.commit import COMMIT
from proving.chips.halt import HALT
from proving.chips.public import BusTerm, verifier_terms
from proving.machine import records as field
from proving.machine.instructions import Opcode
from proving.machine.layout import Ecall
from proving.traces import commit, halt
from proving.traces.columns import Matrix
from tests.support.chip_attacks import (
    Cells,
    assert_accepted,
    assert_deterministic,
    compiled,
    exchanges,
    rule_names,
    with_cells,
)
from tests.support.machine_rows import broken_by, rules_that_decide

HALT_AIR, COMMIT_AIR = compiled(HALT), compiled(COMMIT)
PC, TIMESTAMP = 0x1000, 400


def call_records(number: int, calls: list[tuple[int, ...]], width: int) -> Matrix:
    """One call after the other; all registers were last accessed just before the first."""
    records = np.zeros((len(calls), width), np.uint32)
    for row, arguments in enumerate(calls):
        records[row, field.PC] = PC + 4 * row
        records[row, field.TIMESTAMP] = TIMESTAMP + 4 * row
        records[row, field.ECALL_NUMBER_VALUE] = number
        records[row, field.ECALL_NUMBER_PREVIOUS_TIMESTAMP] = TIMESTAMP - 1
        for position, value in enumerate(arguments):
            records[row, field.argument_value(position)] = value
            records[row, field.argument_previous_timestamp(position)] = TIMESTAMP - 1
    return records


def halt_table(exit_code: int = 0, number: int = Ecall.HALT) -> Table:
    records = call_records(number, [(exit_code,)], field.HALT_FIELD_COUNT)
    return Table(HALT_AIR, halt.trace(records))


def commit_table(*calls: tuple[int, int], number: int = Ecall.COMMIT) -> Table:
    records = call_records(number, list(calls), field.COMMIT_FIELD_COUNT)
    return Table(COMMIT_AIR, commit.trace(records))


COMMITS = ((0, 0), (1, 0xFFFFFFFF), (63, 0x12345678), (7, 0xFFFF), (8, 0x10000))


def test_a_halt_takes_the_state_and_leaves_none() -> None:
    table = halt_table()
    assert_accepted(table)
    ((received, sent),) = exchanges(table, np.array([0]))
    assert received == [
        ("execution", PC, TIMESTAMP),
        ("program", PC, int(Opcode.ECALL), 0, 0, 0, 0, 0, 0),
        ("register", 10, 0, 0, TIMESTAMP - 1),
        ("register", 17, 0, 0, TIMESTAMP - 1),
    ]
    assert sent == [("register", 10, 0, 0, TIMESTAMP), ("register", 17, 0, 0, TIMESTAMP)]


@pytest.mark.parametrize("exit_code", [1, 2, 0x10000, 0xFFFFFFFF])
def test_a_failed_run_cannot_be_proved(exit_code: int) -> None:
    table = halt_table(exit_code)
    assert any("exit code" in rule for rule in broken_by(HALT, table, 0, {}))


@pytest.mark.parametrize("number", [1, 2, 93, 0x10000])
def test_another_ecall_is_no_halt(number: int) -> None:
    assert broken_by(HALT, halt_table(number=number), 0, {})


@pytest.mark.parametrize("number", [0, 2, 0x10001])
def test_another_ecall_is_no_commit(number: int) -> None:
    assert broken_by(COMMIT, commit_table((0, 5), number=number), 0, {})


def test_commits_send_index_and_word() -> None:
    table = commit_table(*COMMITS)
    assert_accepted(table)
    public = {key: count for key, count in imbalance([table]).items() if key[0] == "public"}
    assert public == {("public", (index, word & 0xFFFF, word >> 16)): 1 for index, word in COMMITS}


def test_a_large_index_is_not_its_low_limb() -> None:
    assert broken_by(COMMIT, commit_table((0x10000, 5)), 0, {}) == {"the index is small"}


def test_the_verifier_starts_one_run_and_takes_each_public_value_once() -> None:
    terms = verifier_terms(0x1000, (0x12345678, 5))
    assert [(term.bus.name, term.values, term.multiplicity) for term in terms] == [
        ("execution", (0x1000, 4), 1),
        ("public", (0, 0x5678, 0x1234), -1),
        ("public", (1, 5, 0), -1),
    ]


def public_imbalance(table: Table, terms: tuple[BusTerm, ...]) -> dict[tuple[int, ...], int]:
    public = {(term.bus.name, term.values): term.multiplicity for term in terms}
    return {
        values: count
        for (bus, values), count in imbalance([table], public=public).items()
        if bus == "public"
    }


def test_public_values_balance_with_the_verifier_s_terms_and_no_others_do() -> None:
    terms = verifier_terms(PC, (5, 6))
    assert public_imbalance(commit_table((0, 5), (1, 6)), terms) == {}
    for calls in (
        [(0, 5)],
        [(1, 5), (0, 6)],
        [(0, 5), (1, 6), (2, 0)],
        [(0, 5), (0, 5), (1, 6)],
        [(0, 5), (1, 6), (1, 6)],
        [(0, 5), (0, 7), (1, 6)],
        [(0, 5), (1, 0x10006)],
    ):
        assert public_imbalance(commit_table(*calls), terms) != {}


def test_padding_rows_neither_halt_nor_commit() -> None:
    for table in (halt_table(), commit_table((0, 5))):
        padding = Table(table.air, table.main[:, 1:])
        assert imbalance([padding]) == {}


def test_what_is_sent_is_decided_by_what_is_received() -> None:
    for table in (halt_table(), commit_table(*COMMITS)):
        assert assert_deterministic(table, seed=5, attempts=1 << 12) > 0


NOT_REAL: dict[str, Cells] = {
    # a run ended twice by one row
    "is_real is boolean": {"is_real": 2},
}


def test_one_rule_alone_stands_against_a_row_that_counts_twice() -> None:
    (rule,) = NOT_REAL
    assert broken_by(HALT, halt_table(), 0, NOT_REAL[rule]) == {rule}
    twice: Cells = {"is_real": 2, "number": 2}
    assert broken_by(COMMIT, commit_table((0, 5)), 0, twice) == {rule}


def test_no_rule_can_be_left_out() -> None:
    for table in (halt_table(), commit_table(*COMMITS)):
        missing = rule_names(table.air) - rules_that_decide(table, seed=11)
        assert missing - set(NOT_REAL) == set()


def test_a_row_cannot_be_switched_off_and_still_read() -> None:
    table = with_cells(HALT, halt_table(), 0, {"is_real": 0})
    assert imbalance([table]) == {}
