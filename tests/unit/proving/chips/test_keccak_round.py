"""Keccak-f[1600] as a chip: honest permutations pass, every altered one fails."""

import numpy as np
import numpy.typing as npt
import pytest
import sha3

from proving.air.check import Table, evaluator, imbalance, violations
from proving.air.chip import Domain, compile_chip
from proving.chips.keccak_constants import ROUNDS
from proving.chips.keccak_round import KECCAK_ROUND
from proving.traces.keccak_round import permute, trace

AIR = compile_chip(KECCAK_ROUND)
STARTS = dict(
    zip(
        KECCAK_ROUND.columns,
        np.cumsum([0, *KECCAK_ROUND.columns.values()])[:-1].tolist(),
        strict=True,
    )
)


def random_states(count: int, seed: int) -> npt.NDArray[np.uint64]:
    generator = np.random.default_rng(seed)
    return generator.integers(0, 1 << 64, (count, 25), dtype=np.uint64)


def honest_table(count: int = 3, seed: int = 1) -> Table:
    timestamps = np.arange(4, 4 * count + 4, 4, dtype=np.uint32)
    return Table(AIR, trace(timestamps, random_states(count, seed)))


def changed(table: Table, column: str, offset: int, row: int, value: int) -> Table:
    main = table.main.copy()
    main[STARTS[column] + offset, row] = value
    return Table(AIR, main)


def broken_rows(table: Table) -> set[int]:
    """Rows but the last in which some constraint fails that is not of the first row alone."""
    evaluate = evaluator(table, {})
    rules = [it.expression for it in AIR.constraints if it.domain is not Domain.FIRST_ROW]
    return {int(row) for rule in rules for row in np.flatnonzero(evaluate(rule).values[:-1])}


def test_the_permutation_hashes_as_keccak_256_does() -> None:
    message = b"a"
    block = bytearray(136)
    block[: len(message)] = message
    block[len(message)] ^= 0x01
    block[-1] ^= 0x80
    state = np.zeros((1, 25), np.uint64)
    state[0, :17] = np.frombuffer(bytes(block), "<u8")
    assert permute(state)[0, :4].tobytes() == sha3.keccak_256(message).digest()


def test_honest_permutations_are_accepted() -> None:
    assert violations(honest_table()) == []


def test_a_table_takes_each_state_once_and_leaves_its_permutation() -> None:
    states = random_states(2, 7)
    table = Table(AIR, trace(np.array([8, 12], np.uint32), states))
    taken_and_left = imbalance([table])

    def limbs(lanes: npt.NDArray[np.uint64]) -> tuple[int, ...]:
        return tuple(np.frombuffer(lanes.tobytes(), "<u2").tolist())

    expected = {}
    for timestamp, before, after in zip((8, 12), states, permute(states), strict=True):
        expected["keccak input", (timestamp, *limbs(before))] = -1
        expected["keccak output", (timestamp, *limbs(after))] = 1
    assert taken_and_left == expected


@pytest.mark.parametrize("column", [name for name in KECCAK_ROUND.columns if name != "timestamp"])
def test_any_changed_cell_of_a_column_is_rejected(column: str) -> None:
    """Every second permutation of a table has one changed cell."""
    attacks = 8
    honest = honest_table(2 * attacks + 1)
    main = honest.main.copy()
    generator = np.random.default_rng(len(column))
    rows = ROUNDS * (1 + 2 * np.arange(attacks)) + generator.integers(ROUNDS, size=attacks)
    for attack, row in enumerate(rows):
        index = STARTS[column] + int(generator.integers(KECCAK_ROUND.columns[column]))
        old = int(main[index, row])
        nearby, random = old ^ 1, int(generator.integers(2, 1 << 30))
        main[index, row] = nearby if attack % 2 else random
    assert (main != honest.main).any(axis=0).sum() == attacks
    broken = broken_rows(Table(AIR, main))
    for first in rows // ROUNDS * ROUNDS:
        found = broken & set(range(first - 1, first + ROUNDS))
        assert found, (column, first)
        broken -= found
    assert broken == set(), "rows of honest permutations"


def test_a_permutation_under_another_name_halfway_is_rejected() -> None:
    table = honest_table(1)
    main = table.main.copy()
    main[STARTS["timestamp"], 12:ROUNDS] = 400
    assert violations(Table(AIR, main)) == ["keccak_round: value 0 is carried on fails in row 11"]


def test_a_permutation_that_starts_in_its_middle_is_rejected() -> None:
    main = honest_table(2).main.copy()
    main[:, : ROUNDS // 2] = 0
    assert any("follows round" in reason for reason in violations(Table(AIR, main)))


def test_a_first_row_that_is_not_a_first_round_is_rejected() -> None:
    main = np.roll(honest_table(2).main, -5, axis=1)
    assert any("no start" in reason for reason in violations(Table(AIR, main)))


def test_a_skipped_round_is_rejected() -> None:
    main = honest_table(1).main.copy()
    main[:, 5:-1] = main[:, 6:].copy()
    assert any("follows round" in reason for reason in violations(Table(AIR, main)))


def test_padding_rows_take_and_leave_nothing() -> None:
    table = honest_table(1)
    padding = Table(AIR, table.main[:, ROUNDS : ROUNDS + 8])
    assert violations(padding) == []
    assert imbalance([padding]) == {}
