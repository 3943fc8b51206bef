"""The ecall MULMOD: honest products are accepted, and the result cannot be any other number."""

from collections.abc import Mapping
from random import Random

import numpy as np
import pytest

from proving.air.check import Table, imbalance
from proving.chips.mulmod import MULMOD, PLAN, POINTERS, QUOTIENT_BYTES, Operands
from proving.chips.wide import Digits
from proving.field.koalabear import P, inverse
from proving.machine import records as field
from proving.machine.executor import execute
from proving.machine.instructions import Chip, Opcode
from proving.machine.layout import Ecall
from proving.traces.columns import Matrix, matrix_of
from proving.traces.mulmod import division_columns, operand_columns, trace
from proving.traces.wide import (
    Integers,
    bytes_of_limbs,
    bytes_of_numbers,
    carry_trace,
    integer_rows,
    limbs_of_numbers,
)
from tests.support.chip_attacks import (
    Cells,
    assert_accepted,
    assert_deterministic,
    assert_rejected,
    broken_by_each,
    broken_rules,
    compiled,
    named_lookups,
    starts_of,
    with_cells,
)
from tests.support.riscv_catalogue import CATALOGUE

AIR = compiled(MULMOD)
MAXIMUM = 2**256 - 1
EDGES = (0, 1, 2, 0xFFFF, 1 << 16, 2**128, 2**255, MAXIMUM - 1, MAXIMUM)
PC, TIMESTAMP = 0x1_0000, 4000
OUT, LEFT, RIGHT, MODULUS = 0x2_0000, 0x3_0004, 0x4_FFF8, 0x7FFF_FFE0
SPANS = {
    "left": field.MULMOD_LEFT,
    "right": field.MULMOD_RIGHT,
    "modulus": field.MULMOD_MODULUS,
}


def words(number: int) -> Matrix:
    return np.frombuffer(number.to_bytes(32, "little"), "<u4")


def record(left: int, right: int, modulus: int, result: int | None = None) -> Matrix:
    """One call as the executor records it; another result if it is given."""
    row = np.zeros(field.MULMOD_FIELD_COUNT, np.uint32)
    row[field.PC], row[field.TIMESTAMP] = PC, TIMESTAMP
    row[field.ECALL_NUMBER_VALUE] = Ecall.MULMOD
    row[field.ECALL_NUMBER_PREVIOUS_TIMESTAMP] = 3
    for argument, pointer in enumerate((OUT, LEFT, RIGHT, MODULUS)):
        row[field.argument_value(argument)] = pointer
        row[field.argument_previous_timestamp(argument)] = 10 + argument
    for span, number in zip(SPANS.values(), (left, right, modulus), strict=True):
        row[span.previous_values] = words(number)
        row[span.previous_timestamps] = np.arange(8) * 400
    row[field.MULMOD_RESULT.previous_values] = words(Random(9).getrandbits(256))
    row[field.MULMOD_RESULT.previous_timestamps] = 77
    row[field.MULMOD_RESULT.new_values] = words(
        left * right % modulus if result is None else result
    )
    return row


def honest(*operands: tuple[int, int, int]) -> Table:
    return Table(AIR, trace(np.stack([record(*each) for each in operands])))


def forged(left: int, right: int, modulus: int, quotient: int, result: int) -> Table:
    """A row that claims the quotient and the result, and has the carries that go with them."""
    columns = operand_columns(record(left, right, modulus, result)[np.newaxis])
    return Table(AIR, matrix_of(MULMOD, columns | division_columns(columns, [quotient])))


def cell(table: Table, name: str, position: int = 0) -> int:
    return int(table.main[starts_of(MULMOD)[name] + position, 0])


def with_comparison_at(table: Table, limb: int, gap: int) -> Table:
    """The first row compares at `limb`."""
    cells: dict[str | tuple[str, int], int] = {"remainder_gap": gap}
    for position in range(3):
        cells["remainder_group", position] = int(position == limb // 4)
        cells["remainder_member", position] = int(position == limb % 4)
    return with_cells(MULMOD, table, 0, cells)


def random_operands(count: int, seed: int) -> list[tuple[int, int, int]]:
    generator = Random(seed)
    return [
        (
            generator.getrandbits(256),
            generator.getrandbits(256),
            generator.getrandbits(generator.randrange(1, 257)) or 1,
        )
        for _ in range(count)
    ]


# HONEST ROWS


def test_random_products_are_accepted() -> None:
    assert_accepted(honest(*random_operands(200, seed=1)))


def test_edge_operands_are_accepted_also_above_the_modulus() -> None:
    operands = [(left, right, m) for left in EDGES for right in EDGES for m in EDGES if m]
    assert_accepted(honest(*operands))


def test_moduli_that_differ_from_the_result_in_each_limb_alone_are_accepted() -> None:
    assert_accepted(honest(*(((1 << 16 * limb) - 1, 1, 1 << 16 * limb) for limb in range(1, 16))))


def test_a_call_reads_three_numbers_in_order_and_writes_the_fourth() -> None:
    left, right, modulus = random_operands(1, seed=2)[0]
    left_over = imbalance([honest((left, right, modulus))])
    expected: dict[tuple[str, tuple[int, ...]], int] = {
        ("execution", (PC, TIMESTAMP)): -1,
        ("execution", (PC + 4, TIMESTAMP + 4)): 1,
        ("program", (PC, int(Opcode.ECALL), 0, 0, 0, 0, 0, 0)): -1,
        ("register", (17, 3, 0, 3)): -1,
        ("register", (17, 3, 0, TIMESTAMP)): 1,
    }
    for argument, pointer in enumerate((OUT, LEFT, RIGHT, MODULUS)):
        limbs = (pointer & 0xFFFF, pointer >> 16)
        expected["register", (10 + argument, *limbs, 10 + argument)] = -1
        expected["register", (10 + argument, *limbs, TIMESTAMP)] = 1
    result = left * right % modulus
    before = Random(9).getrandbits(256)
    for offset, (pointer, old, new) in enumerate(
        (
            (LEFT, left, left),
            (RIGHT, right, right),
            (MODULUS, modulus, modulus),
            (OUT, before, result),
        )
    ):
        for position in range(8):
            previous = 77 if pointer == OUT else 400 * position
            for number, timestamp, count in ((old, previous, -1), (new, TIMESTAMP + offset, 1)):
                word = number >> 32 * position & 0xFFFF_FFFF
                key = (pointer // 4 + position, word & 0xFFFF, word >> 16, timestamp)
                expected["memory", key] = count
    found = {key: count for key, count in left_over.items() if key[0] not in ("range", "byte and")}
    assert found == expected


def test_a_square_whose_operands_are_one_array_is_accepted_and_balances() -> None:
    number, modulus = 3**160, 5**109
    row = record(number, number, modulus)
    row[field.argument_value(2)] = LEFT
    row[SPANS["right"].previous_timestamps] = TIMESTAMP
    table = Table(AIR, trace(row[np.newaxis]))
    assert_accepted(table)
    between = [key for key in imbalance([table]) if key[0] == "memory" and key[1][0] == LEFT // 4]
    assert sorted(key[1][3] for key in between) == [0, TIMESTAMP + 1]


def test_a_result_over_its_own_operand_is_accepted() -> None:
    left, right, modulus = random_operands(1, seed=3)[0]
    row = record(left, right, modulus)
    row[field.argument_value(0)] = LEFT
    row[field.MULMOD_RESULT.previous_values] = words(left)
    row[field.MULMOD_RESULT.previous_timestamps] = TIMESTAMP
    assert_accepted(Table(AIR, trace(row[np.newaxis])))


def test_a_run_that_raises_to_a_power_is_accepted() -> None:
    power = CATALOGUE["modular_power"]
    records = execute(power.program, power.input_bytes).records[Chip.MULMOD]
    assert len(records) >= 17
    assert_accepted(Table(AIR, trace(records)))


# WRONG RESULTS


@pytest.mark.parametrize("group", range(len(PLAN.groups)))
def test_only_one_equation_rejects_a_product_that_is_off_by_one_of_its_units(group: int) -> None:
    unit = 1 << 8 * PLAN.groups[group].start
    left, right, modulus = 2**256 - 189, 2**256 - 357, 2**255 - 19
    quotient, result = divmod(left * right - unit, modulus)
    last = group == len(PLAN.groups) - 1
    name = "the highest digits" if last else f"digits from {PLAN.groups[group].start}"
    broken = broken_rules(forged(left, right, modulus, quotient, result))[0]
    assert broken == {f"product: {name}"}


@pytest.mark.parametrize("limb", range(16))
def test_a_result_that_is_not_reduced_is_rejected_wherever_it_is_compared(limb: int) -> None:
    left, right, modulus = 2**200 + 1, 2**210 + 3, 2**252 + 2**130 + 7
    quotient, result = divmod(left * right, modulus)
    table = forged(left, right, modulus, quotient - 1, result + modulus)
    larger = [cell(table, "modulus", position) for position in range(16)]
    smaller = [cell(table, "result", position) for position in range(16)]
    gap = larger[limb] - smaller[limb]
    broken = broken_rules(with_comparison_at(table, limb, gap))[0]
    assert broken
    assert all(rule.startswith(("remainder", "range")) for rule in broken)


@pytest.mark.parametrize("limb", range(1, 16))
def test_only_agreement_above_rejects_a_larger_result(limb: int) -> None:
    result = (1 << 16 * limb) + 3
    table = with_comparison_at(forged(result, 1, 5, 0, result), 0, 2)
    assert broken_rules(table)[0] == {f"remainder: limb {limb} agrees if above"}


def test_only_the_gaps_range_rejects_a_result_that_equals_the_modulus() -> None:
    modulus = 5**100
    broken = broken_rules(forged(modulus, 1, modulus, 0, modulus))[0]
    assert len(broken) == 1
    assert broken <= set(named_lookups(AIR))


def test_only_the_gaps_equation_rejects_a_gap_that_is_made_up() -> None:
    modulus = 5**100
    attacked = with_cells(MULMOD, forged(modulus, 1, modulus, 0, modulus), 0, {"remainder_gap": 1})
    assert broken_rules(attacked)[0] == {"remainder: gap"}


@pytest.mark.parametrize("left", [0, 1, 7])
def test_nothing_is_accepted_modulo_zero(left: int) -> None:
    for limb in range(16):
        gap = (-left if limb == 0 else 0) % P
        assert_rejected(with_comparison_at(forged(left, 1, 0, 0, left), limb, gap))


def test_only_the_quotients_size_rejects_what_the_digits_leave_out() -> None:
    # quotient * modulus has 2^512 too, which no group of digits covers
    left, right, modulus = 256**17, 5 * 256**16, 256**31 + 1
    assert left * right % modulus != 0
    broken = broken_rules(forged(left, right, modulus, 5 * 256**33, 0))[0]
    assert broken == {"the quotient times the modulus fits 64 bytes"}


def test_a_product_that_is_right_modulo_2_to_the_512_is_rejected() -> None:
    left, right, modulus = random_operands(1, seed=4)[0]
    modulus |= 1
    result = 12345 % modulus
    quotient = (left * right - result) * pow(modulus, -1, 2**512) % 2**512
    broken = broken_rules(forged(left, right, modulus, quotient, result))[0]
    assert "the quotient times the modulus fits 64 bytes" in broken


def test_carries_that_solve_the_equations_modulo_p_are_out_of_range() -> None:
    left, right, modulus = random_operands(1, seed=5)[0]
    table = honest((left, right, modulus))
    delta = 1  # added to the lowest limb of the result, and carried on by division modulo P
    cells: dict[str | tuple[str, int], int] = {("result", 0): cell(table, "result", 0) + delta}
    for position in range(PLAN.carry_count):
        delta = delta * inverse(1 << 16) % P
        carry = cell(table, "carry", position)
        cells["carry", position] = carry - delta
    broken = broken_rules(with_cells(MULMOD, table, 0, cells))[0]
    assert {rule for rule in broken if rule.startswith("product")} == {
        "product: the highest digits"
    }
    assert sum(rule.startswith("range") for rule in broken) >= PLAN.carry_count - 1


@pytest.mark.parametrize("limb", range(15))
def test_only_its_range_rejects_a_limb_that_keeps_what_it_should_carry_on(limb: int) -> None:
    result = 3 << 16 * (limb + 1)
    cells: dict[str | tuple[str, int], int] = {
        ("result", limb): 1 << 16,
        ("result", limb + 1): 2,
        ("carry", limb): -1,
        "remainder_gap": 0xFFFD if limb + 1 == 15 else 0xFFFF,
    }
    table = forged(result, 1, MAXIMUM, 0, result)
    broken = broken_rules(with_cells(MULMOD, table, 0, cells))[0]
    assert len(broken) == 1
    assert broken <= set(named_lookups(AIR))


def test_only_the_range_of_the_highest_limb_rejects_a_negative_result() -> None:
    left, right, modulus = 2**250, 3, 2**255 + 2**240
    quotient, result = 1, 2**250 * 3 - modulus
    limbs = [result >> 16 * limb & 0xFFFF for limb in range(15)] + [result >> 240]
    assert limbs[15] < 0
    columns = operand_columns(record(left, right, modulus, 0)[np.newaxis])
    numbers = {
        name: Digits(integer_rows(bytes_of_limbs(columns[name])))
        for name in ("left", "right", "modulus")
    }
    operands = Operands(
        **numbers,
        quotient=Digits(integer_rows(bytes_of_numbers([quotient], QUOTIENT_BYTES))),
        result=Digits([Integers(np.array([limb])) for limb in limbs], 2),
    )
    carries = carry_trace(PLAN, operands.identity)[:, 0].tolist()
    table = forged(left, right, modulus, quotient, 0)
    cells: dict[str | tuple[str, int], int] = {
        **{("result", position): limb for position, limb in enumerate(limbs)},
        **{("carry", position): carry for position, carry in enumerate(carries)},
        "remainder_gap": (modulus >> 240) - limbs[15],
    }
    broken = broken_rules(with_cells(MULMOD, table, 0, cells))[0]
    assert len(broken) == 1
    assert broken <= set(named_lookups(AIR))


@pytest.mark.parametrize("name", ["left", "right", "modulus"])
def test_bytes_that_are_no_bytes_are_rejected(name: str) -> None:
    table = honest((3 << 8, 5 << 8, 7 << 8))
    value = cell(table, name)
    for high in (value // 256 - 1, value // 256 + 1, value // 256 + 256, P - 1):
        low = (value - 256 * high) % P
        for conjunction in (high & low & 0xFF, 0):
            cells: Mapping[str | tuple[str, int], int] = {
                f"{name}_high_byte": high,
                f"{name}_conjunction": conjunction,
            }
            broken = broken_rules(with_cells(MULMOD, table, 0, cells))[0]
            assert any(rule.startswith("byte and") for rule in broken)


@pytest.mark.parametrize("position", range(0, QUOTIENT_BYTES, 7))
def test_a_quotient_of_no_bytes_is_rejected(position: int) -> None:
    # 256 units less here, one more there: the same number, in other digits
    table = honest((MAXIMUM, MAXIMUM, 3))
    position = min(position, QUOTIENT_BYTES - 2)
    here = cell(table, "quotient", position)
    above = cell(table, "quotient", position + 1)
    cells: dict[str | tuple[str, int], int] = {
        ("quotient", position): here + 256,
        ("quotient", position + 1): above - 1,
    }
    broken = broken_rules(with_cells(MULMOD, table, 0, cells))[0]
    assert any(rule.startswith("byte and") for rule in broken)


@pytest.mark.parametrize(
    ("name", "count"), [("left", 16), ("right", 16), ("modulus", 16), ("quotient", 32)]
)
def test_only_their_own_lookup_rejects_two_bytes(name: str, count: int) -> None:
    table = honest((MAXIMUM, MAXIMUM - 1, 2**200 + 1))
    attacks: list[Cells] = [{(f"{name}_conjunction", position): 256} for position in range(count)]
    lookups = {lookup for (lookup,) in broken_by_each(MULMOD, table, attacks)}
    assert len(lookups) == count
    assert lookups <= set(named_lookups(AIR))


# CALL


def test_only_its_constraint_rejects_a_call_that_is_counted_twice() -> None:
    zero = with_cells(MULMOD, honest((0, 0, 1)), 0, {"number": 6, "is_real": 2})
    assert broken_rules(zero)[0] == {"is_real is boolean"}


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        ({"number": int(Ecall.SECP256K1_ADD)}, "the call's number"),
        ({"number": int(Ecall.KECCAK_F)}, "the call's number"),
        ({("number", 1): 1}, "the call's number is small"),
    ],
)
def test_another_call_number_is_rejected(
    cells: Mapping[str | tuple[str, int], int], rule: str
) -> None:
    attacked = with_cells(MULMOD, honest((2, 3, 5)), 0, cells)
    assert broken_rules(attacked)[0] == {rule}


@pytest.mark.parametrize("argument", range(len(POINTERS)))
@pytest.mark.parametrize("offset", [1, 2, 3])
def test_a_misaligned_pointer_is_rejected(argument: int, offset: int) -> None:
    row = record(2, 3, 5)
    row[field.argument_value(argument)] += offset
    broken = broken_rules(Table(AIR, trace(row[np.newaxis])))[0]
    assert len(broken) == 1
    assert broken <= set(named_lookups(AIR))


@pytest.mark.parametrize("name", ["left", "right", "modulus", "before"])
@pytest.mark.parametrize("position", [0, 7])
def test_a_word_from_the_future_is_rejected(name: str, position: int) -> None:
    offset = ["left", "right", "modulus", "before"].index(name)
    for later in (0, 1, 1000):
        attacked = with_cells(
            MULMOD,
            honest((2, 3, 5)),
            0,
            {(f"{name}_previous_timestamp", position): TIMESTAMP + offset + later},
        )
        assert_rejected(attacked)


def test_only_their_own_lookups_keep_accesses_in_order() -> None:
    row = record(2, 3, 5)
    row[field.TIMESTAMP] = now = 1 << 20
    table = Table(AIR, trace(row[np.newaxis]))
    offsets = dict.fromkeys(("number", *POINTERS), 0) | {"left": 0, "right": 1, "modulus": 2}
    offsets["before"] = 3
    accesses = [
        (name, offset, position)
        for name, offset in offsets.items()
        for position in range(MULMOD.columns[f"{name}_previous_timestamp"])
    ]
    attacks: list[Cells] = []
    for name, offset, position in accesses:
        difference = (f"{name}_difference", position)
        low = cell(table, *difference)
        previous = (f"{name}_previous_timestamp", position)
        not_before = {previous: now + offset, difference: 0xFFFF}
        attacks += [not_before, {difference: low + (1 << 16)}]
    lookups = {lookup for (lookup,) in broken_by_each(MULMOD, table, attacks)}
    assert len(accesses) == 37
    assert len(lookups) == 2 * len(accesses)


def test_padding_rows_exchange_nothing_whatever_they_hold() -> None:
    generator = np.random.default_rng(6)
    main = generator.integers(0, P, (AIR.main_width, 32), dtype=np.uint32)
    main[0] = 0
    assert next(iter(MULMOD.columns)) == "is_real"
    assert imbalance([Table(AIR, main)]) == {}


def test_padding_rows_of_zeros_are_accepted() -> None:
    assert_accepted(Table(AIR, np.zeros((AIR.main_width, 32), np.uint32)))


def test_a_real_row_passed_off_as_padding_has_no_effect() -> None:
    attacked = with_cells(MULMOD, honest((2, 3, 5)), 0, {"is_real": 0, "number": 0})
    assert_accepted(attacked)
    assert imbalance([attacked]) == {}


def test_no_altered_cells_give_another_result_for_the_same_operands() -> None:
    operands = [(2, 3, 5), (MAXIMUM, MAXIMUM, MAXIMUM - 1), (7, 9, 1), *random_operands(5, seed=7)]
    rows = honest(*operands)
    table = Table(AIR, np.ascontiguousarray(rows.main[:, : len(operands)]))
    assert_deterministic(table, seed=8, attempts=1 << 13)


def test_the_result_is_what_the_limbs_say() -> None:
    left, right, modulus = random_operands(1, seed=10)[0]
    table = honest((left, right, modulus))
    limbs = [cell(table, "result", position) for position in range(16)]
    assert limbs == limbs_of_numbers([left * right % modulus])[:, 0].tolist()
