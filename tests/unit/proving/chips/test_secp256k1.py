"""The ecalls SECP256K1_ADD and SECP256K1_DOUBLE: as the curve's library computes, nothing else."""

from collections.abc import Callable, Mapping
from itertools import product as combinations
from random import Random

import coincurve
import numpy as np
import pytest

from proving.air.check import Table, imbalance
from proving.air.chip import AirBuilder, ChipDefinition
from proving.chips.secp256k1 import SECP256K1
from proving.chips.secp256k1_field import assert_canonical, canonical_columns
from proving.chips.secp256k1_identities import (
    BIAS,
    SLOPE_PLAN,
    SQUARED_BIAS,
    X_PLAN,
    Y_PLAN,
)
from proving.chips.wide import NUMBER_LIMBS
from proving.field.koalabear import P, inverse
from proving.machine import records as field
from proving.machine.executor import execute
from proving.machine.instructions import Chip, Opcode
from proving.machine.layout import SECP256K1_FIELD_MODULUS as PRIME
from proving.machine.layout import Ecall
from proving.traces.columns import Matrix, matrix_of
from proving.traces.secp256k1 import (
    Witness,
    canonical_trace,
    point_columns,
    proof_columns,
    trace,
)
from proving.traces.wide import limbs_of_numbers
from tests.support.chip_attacks import (
    assert_accepted,
    assert_deterministic,
    assert_rejected,
    broken_by_each,
    broken_rules,
    compiled,
    named_lookups,
    stacked,
    starts_of,
    with_cells,
)
from tests.support.riscv_catalogue import CATALOGUE

Point = tuple[int, int]
Cells = dict[str | tuple[str, int], int]

AIR = compiled(SECP256K1)
PC, TIMESTAMP = 0x1_0000, 1 << 20
POINT_POINTER, OTHER_POINTER = 0x2_0000, 0x7FFF_FFC0
EDGES = (
    0,
    1,
    2**128,
    2**255,
    PRIME - 1,
    PRIME - 2,
    2**256 - 2**33,
    2**256 - 2**33 - 1,
    2**256 - 2**32 - 2**16,
    2**256 - 2**32 - 2**16 - 1,
)
MARGIN = 2**256 - PRIME
"""Numbers below it have a second form of 256 bits."""


# HONEST ARITHMETIC


def divided(numerator: int, denominator: int) -> int:
    return numerator * pow(denominator, -1, PRIME) % PRIME


def from_slope(slope: int, point: Point, other_x: int) -> Point:
    x = (slope * slope - point[0] - other_x) % PRIME
    return x, (slope * (point[0] - x) - point[1]) % PRIME


def added(point: Point, other: Point) -> Point:
    slope = divided(other[1] - point[1], other[0] - point[0])
    return from_slope(slope, point, other[0])


def doubled(point: Point) -> Point:
    return from_slope(divided(3 * point[0] ** 2, 2 * point[1]), point, point[0])


def words(point: Point) -> Matrix:
    return np.frombuffer(b"".join(part.to_bytes(32, "little") for part in point), "<u4")


def record(point: Point, other: Point | None, result: Point) -> Matrix:
    """One call as the executor records it: a doubling if there is no other point."""
    row = np.zeros(field.SECP256K1_FIELD_COUNT, np.uint32)
    row[field.PC], row[field.TIMESTAMP] = PC, TIMESTAMP
    row[field.ECALL_NUMBER_VALUE] = Ecall.SECP256K1_DOUBLE if other is None else Ecall.SECP256K1_ADD
    row[field.ECALL_NUMBER_PREVIOUS_TIMESTAMP] = 3
    row[field.argument_value(0)] = POINT_POINTER
    row[field.argument_previous_timestamp(0)] = 10
    row[field.SECP256K1_P.previous_values] = words(point)
    row[field.SECP256K1_P.previous_timestamps] = np.arange(16) * 100
    row[field.SECP256K1_P.new_values] = words(result)
    if other is not None:
        row[field.argument_value(1)] = OTHER_POINTER
        row[field.argument_previous_timestamp(1)] = 11
        row[field.SECP256K1_Q.previous_values] = words(other)
        row[field.SECP256K1_Q.previous_timestamps] = np.arange(16) * 7
    return row


def honest(*calls: tuple[Point, Point | None]) -> Table:
    records = [
        record(point, other, doubled(point) if other is None else added(point, other))
        for point, other in calls
    ]
    return Table(AIR, trace(np.stack(records)))


def random_point(generator: Random) -> Point:
    return generator.randrange(PRIME), generator.randrange(PRIME)


def curve_point(scalar: int) -> Point:
    return coincurve.PublicKey.from_secret(scalar.to_bytes(32, "big")).point()


# FORGERIES


def forged(
    point: Point,
    other: Point | None,
    result: Point,
    slope: int,
    units: tuple[int, int, int] = (0, 0, 0),
) -> Table:
    """A row with any slope and result, where each identity is off by the given unit."""
    if slope + BIAS >= 2**256:
        slope -= PRIME
    (x1, y1), (x3, y3) = point, result
    if other is None:
        x2 = x1
        difference = slope * 2 * y1 - 3 * x1 * x1 + 3 * BIAS * BIAS - SQUARED_BIAS
    else:
        x2 = other[0]
        difference = slope * (x2 - x1) - (other[1] - y1)
    witness = Witness(
        slope,
        (difference - units[0]) // PRIME,
        (slope * slope - x1 - x2 - x3 - units[1]) // PRIME,
        (slope * (x1 - x3) - y1 - y3 - units[2]) // PRIME,
    )
    columns = point_columns(record(point, other, result)[np.newaxis])
    return Table(AIR, matrix_of(SECP256K1, columns | proof_columns(columns, [witness])))


def cell(table: Table, name: str, position: int = 0) -> int:
    return int(table.main[starts_of(SECP256K1)[name] + position, 0])


def canonical_choices(name: str, number: int) -> list[Cells]:
    """Every choice of flags that could say that the number is below p, with every inverse."""
    complement = [0xFFFF - (number >> 16 * limb & 0xFFFF) for limb in range(16)]
    distance = complement[2] + 2 * sum(complement[3:])
    factors = (distance * (distance - 1), complement[1], complement[0])
    inverses = {0, 1, *(inverse(factor) for factor in factors if factor % P)}
    return [
        {
            f"{name}_is_close_by_second": by_second,
            f"{name}_is_close_by_first": by_first,
            f"{name}_inverse": each,
        }
        for by_second, by_first in combinations((0, 1), repeat=2)
        for each in inverses
    ]


# HONEST ROWS


def test_additions_agree_with_the_curves_library() -> None:
    calls, results = [], []
    for scalar in (1, 2, 5, 2**200 + 1):
        for other in (7, 2**255, 2**128 - 1):
            point, second = curve_point(scalar), curve_point(other)
            calls.append((point, second))
            results.append(curve_point(scalar + other))
    records = [
        record(point, other, result) for (point, other), result in zip(calls, results, strict=True)
    ]
    assert_accepted(Table(AIR, trace(np.stack(records))))


def test_doublings_agree_with_the_curves_library() -> None:
    scalars = (1, 2, 3, 2**254 + 12345)
    records = [record(curve_point(scalar), None, curve_point(2 * scalar)) for scalar in scalars]
    assert_accepted(Table(AIR, trace(np.stack(records))))


def test_random_coordinates_are_accepted() -> None:
    generator = Random(1)
    additions = [(random_point(generator), random_point(generator)) for _ in range(100)]
    doublings = [(random_point(generator), None) for _ in range(100)]
    assert_accepted(honest(*additions, *doublings))


def test_edge_coordinates_are_accepted() -> None:
    generator = Random(2)
    points = list(combinations(EDGES, EDGES))
    doublings = [(point, None) for point in points if point[1]]
    additions = [
        (point, (x, generator.choice(EDGES))) for point in points for x in EDGES if x != point[0]
    ]
    assert_accepted(honest(*doublings, *additions))


def test_results_close_to_the_prime_are_accepted() -> None:
    calls = []
    for result_x, result_y in combinations(EDGES, EDGES):
        slope, x1 = 2**251 + 9, 2**200 + result_x % 7
        y1 = (slope * (x1 - result_x) - result_y) % PRIME
        x2 = (slope * slope - x1 - result_x) % PRIME
        y2 = (y1 + slope * (x2 - x1)) % PRIME
        assert added((x1, y1), (x2, y2)) == (result_x, result_y)
        calls.append(((x1, y1), (x2, y2)))
    assert_accepted(honest(*calls))


def expected_exchange(point: Point, other: Point | None) -> dict[tuple[str, tuple[int, ...]], int]:
    number = 5 if other is None else 4
    expected: dict[tuple[str, tuple[int, ...]], int] = {
        ("execution", (PC, TIMESTAMP)): -1,
        ("execution", (PC + 4, TIMESTAMP + 4)): 1,
        ("program", (PC, int(Opcode.ECALL), 0, 0, 0, 0, 0, 0)): -1,
        ("register", (17, number, 0, 3)): -1,
        ("register", (17, number, 0, TIMESTAMP)): 1,
    }

    def access(
        pointer: int, previous: Callable[[int], int], offset: int, old: Point, new: Point
    ) -> None:
        for position, (before, after) in enumerate(zip(words(old), words(new), strict=True)):
            for word, timestamp, count in (
                (int(before), previous(position), -1),
                (int(after), TIMESTAMP + offset, 1),
            ):
                key = (pointer // 4 + position, word & 0xFFFF, word >> 16, timestamp)
                expected["memory", key] = count

    def argument(index: int, pointer: int, previous: int) -> None:
        limbs = (pointer & 0xFFFF, pointer >> 16)
        expected["register", (index, *limbs, previous)] = -1
        expected["register", (index, *limbs, TIMESTAMP)] = 1

    argument(10, POINT_POINTER, 10)
    result = doubled(point) if other is None else added(point, other)
    access(POINT_POINTER, lambda position: 100 * position, 2, point, result)
    if other is not None:
        argument(11, OTHER_POINTER, 11)
        access(OTHER_POINTER, lambda position: 7 * position, 1, other, other)
    return expected


@pytest.mark.parametrize("other", [(5, 6), None], ids=["addition", "doubling"])
def test_a_call_exchanges_its_points_and_nothing_else(other: Point | None) -> None:
    point = (2**200 + 3, 2**100 + 1)
    left_over = imbalance([honest((point, other))])
    found = {key: count for key, count in left_over.items() if key[0] not in ("range", "byte and")}
    assert found == expected_exchange(point, other)


def test_a_run_that_multiplies_the_generator_is_accepted() -> None:
    multiplication = CATALOGUE["scalar_multiplication"]
    execution = execute(multiplication.program, multiplication.input_bytes)
    records = execution.records[Chip.SECP256K1]
    numbers = set(records[:, field.ECALL_NUMBER_VALUE].tolist())
    assert numbers == {Ecall.SECP256K1_ADD, Ecall.SECP256K1_DOUBLE}
    assert_accepted(Table(AIR, trace(records)))


# WRONG RESULTS

PLANS = {"slope": SLOPE_PLAN, "x": X_PLAN, "y": Y_PLAN}


@pytest.mark.parametrize("is_double", [False, True], ids=["addition", "doubling"])
@pytest.mark.parametrize("identity", PLANS)
def test_only_one_equation_rejects_an_identity_that_is_off_by_one_of_its_units(
    identity: str, is_double: bool
) -> None:
    generator = Random(3)
    point = random_point(generator)
    other = None if is_double else random_point(generator)
    plan = PLANS[identity]
    tables, rules = [], []
    for group in plan.groups:
        unit = 1 << 8 * group.start
        units = tuple(unit if name == identity else 0 for name in PLANS)
        if other is None:
            x2, slope = point[0], divided(3 * point[0] ** 2 + units[0], 2 * point[1])
        else:
            x2 = other[0]
            slope = divided(other[1] - point[1] + units[0], x2 - point[0])
        x3 = (slope * slope - point[0] - x2 - units[1]) % PRIME
        y3 = (slope * (point[0] - x3) - point[1] - units[2]) % PRIME
        tables.append(forged(point, other, (x3, y3), slope, (units[0], units[1], units[2])))
        is_last = group is plan.groups[-1]
        name = "the highest digits" if is_last else f"digits from {group.start}"
        rules.append({f"{identity}: {name}"})
    assert broken_rules(stacked(tables)) == rules


@pytest.mark.parametrize("slope", [0, 1, 2**255, PRIME - 1])
def test_only_the_distance_rejects_an_addition_of_a_point_to_itself(slope: int) -> None:
    point = curve_point(5)
    table = forged(point, point, from_slope(slope, point, point[0]), slope)
    assert broken_rules(table)[0] == {"an addition has two abscissas"}
    for guess in (1, P - 1, 12345):
        guessed = with_cells(SECP256K1, table, 0, {"distance_inverse": guess})
        assert broken_rules(guessed)[0] == {"an addition has two abscissas"}


def test_an_addition_of_a_point_and_its_negative_is_rejected() -> None:
    point = curve_point(5)
    negative = (point[0], PRIME - point[1])
    for slope in (0, 1, 77):
        assert_rejected(forged(point, negative, from_slope(slope, point, point[0]), slope))


@pytest.mark.parametrize("slope", [0, 1, 2**255, PRIME - 1])
def test_only_the_ordinate_rejects_a_doubling_without_slope(slope: int) -> None:
    table = forged((0, 0), None, from_slope(slope, (0, 0), 0), slope)
    assert broken_rules(table)[0] == {"a doubling has an ordinate"}


@pytest.mark.parametrize("name", ["x1", "y1", "x2", "y2", "x3", "y3"])
def test_only_their_ranges_reject_coordinates_from_the_prime_on(name: str) -> None:
    small = 5
    slope, x1, x3 = 2**251 + 9, 2**200, 2**201
    y3 = 2**202
    match name:
        case "x1":
            x1 = small
        case "x3":
            x3 = small
        case "y3":
            y3 = small
    y1 = (slope * (x1 - x3) - y3) % PRIME
    x2 = (slope * slope - x1 - x3) % PRIME
    if name == "x2":
        x2, x3 = small, (slope * slope - x1 - small) % PRIME
        y1 = (slope * (x1 - x3) - y3) % PRIME
    if name == "y1":
        y1, y3 = small, (slope * (x1 - x3) - small) % PRIME
    y2 = (y1 + slope * (x2 - x1)) % PRIME
    if name == "y2":
        y1 = (small - slope * (x2 - x1)) % PRIME
        y2, y3 = small, (slope * (x1 - x3) - y1) % PRIME
    coordinates = {"x1": x1, "y1": y1, "x2": x2, "y2": y2, "x3": x3, "y3": y3}

    def points(numbers: Mapping[str, int]) -> tuple[Point, Point, Point]:
        return (
            (numbers["x1"], numbers["y1"]),
            (numbers["x2"], numbers["y2"]),
            (numbers["x3"], numbers["y3"]),
        )

    assert coordinates[name] == small
    assert_accepted(forged(*points(coordinates), slope))
    high = small + PRIME
    table = forged(*points(coordinates | {name: high}), slope)
    for broken in broken_by_each(SECP256K1, table, canonical_choices(name, high)):
        assert broken
        assert all(rule.startswith((f"{name}: ", "range")) for rule in broken)


@pytest.mark.parametrize("limb", range(NUMBER_LIMBS))
def test_only_its_copy_rejects_another_ordinate_in_the_slope_of_a_doubling(limb: int) -> None:
    point = (2**200 + 3, 2**100 + 1)
    ordinate = point[1] + (1 << 16 * limb)
    slope = divided(3 * point[0] ** 2, 2 * ordinate)
    result = from_slope(slope, point, point[0])
    columns = point_columns(record(point, None, result)[np.newaxis])
    columns["other"][:NUMBER_LIMBS] = limbs_of_numbers([ordinate])
    signed = slope - PRIME if slope + BIAS >= 2**256 else slope
    difference = signed * 2 * ordinate - 3 * point[0] ** 2 + 3 * BIAS * BIAS - SQUARED_BIAS
    witness = Witness(
        signed,
        difference // PRIME,
        (signed * signed - 2 * point[0] - result[0]) // PRIME,
        (signed * (point[0] - result[0]) - point[1] - result[1]) // PRIME,
    )
    table = Table(AIR, matrix_of(SECP256K1, columns | proof_columns(columns, [witness])))
    assert broken_rules(table)[0] == {f"a doubling has limb {limb} of y1 as x2"}


@pytest.mark.parametrize("limb", range(15))
def test_only_its_range_rejects_a_limb_of_y_that_keeps_what_it_should_carry_on(limb: int) -> None:
    slope, x1, x3 = 2**251 + 9, 2**200, 2**201
    y3 = 3 << 16 * (limb + 1)
    y1 = (slope * (x1 - x3) - y3) % PRIME
    x2 = (slope * slope - x1 - x3) % PRIME
    y2 = (y1 + slope * (x2 - x1)) % PRIME
    table = forged((x1, y1), (x2, y2), (x3, y3), slope)
    assert_accepted(table)
    cells: Cells = {
        ("after", 16 + limb): 1 << 16,
        ("after", 16 + limb + 1): 2,
        ("y_carry", limb): cell(table, "y_carry", limb) - 1,
    }
    complement = [0xFFFF] * 16
    complement[limb], complement[limb + 1] = -1, 0xFFFD
    distance = complement[2] + 2 * sum(complement[3:])
    cells["y3_inverse"] = inverse(distance * (distance - 1))
    broken = broken_rules(with_cells(SECP256K1, table, 0, cells))[0]
    assert len(broken) == 1
    assert broken <= set(named_lookups(AIR))


@pytest.mark.parametrize("name", ["x1", "x2", "x3", "slope"])
def test_only_their_own_lookup_rejects_two_bytes(name: str) -> None:
    table = honest((curve_point(3), curve_point(4)))
    attacks: list[Cells] = [{(f"{name}_conjunction", position): 256} for position in range(16)]
    lookups = {lookup for (lookup,) in broken_by_each(SECP256K1, table, attacks)}
    assert len(lookups) == 16
    assert lookups <= set(named_lookups(AIR))


@pytest.mark.parametrize("identity", PLANS)
def test_only_its_range_rejects_a_limb_of_a_quotient_that_is_none(identity: str) -> None:
    table = honest((curve_point(3), curve_point(4)))
    attacks: list[Cells] = []
    for limb in range(2, 15):
        # 2^16 units here, one less above: the same number, with the carries that go with it;
        # from limb 2 on, where the carries have room for it
        moved = {
            (f"{identity}_quotient", limb): 1 << 16,
            (f"{identity}_quotient", limb + 1): -1,
            (f"{identity}_carry", limb): 977,
            (f"{identity}_carry", limb + 2): 1,
            (f"{identity}_carry", limb + 16): -1,
        }
        attacks.append({place: cell(table, *place) + by for place, by in moved.items()})
    lookups = {lookup for (lookup,) in broken_by_each(SECP256K1, table, attacks)}
    assert len(lookups) == 13
    assert lookups <= set(named_lookups(AIR))


def test_only_its_constraint_rejects_a_sign_that_is_none() -> None:
    table = honest((curve_point(3), curve_point(4)))
    low, high = (cell(table, "slope_quotient_signs", position) for position in range(2))
    assert high in (0, 1)
    moved: Cells = {
        ("slope_quotient_signs", 0): low + 3,
        ("slope_quotient_signs", 1): high - 1,
    }
    broken = broken_rules(with_cells(SECP256K1, table, 0, moved))[0]
    assert broken == {"sign 0 is -1, 0 or 1"}


def test_signs_that_are_none_are_rejected() -> None:
    table = honest((curve_point(3), curve_point(4)))
    for position, sign in ((0, 2), (0, P - 2), (1, 2), (1, P - 2), (1, P // 2)):
        attacked = with_cells(SECP256K1, table, 0, {("slope_quotient_signs", position): sign})
        assert f"sign {position} is -1, 0 or 1" in broken_rules(attacked)[0]


def test_a_sign_of_the_last_quotient_that_is_no_bit_is_rejected() -> None:
    table = honest((curve_point(3), curve_point(4)))
    for sign in (2, P - 1, P // 2):
        attacked = with_cells(SECP256K1, table, 0, {"y_quotient_is_negative": sign})
        assert "the sign of y's quotient is boolean" in broken_rules(attacked)[0]


# BELOW THE PRIME


def _canonical_only(air: AirBuilder) -> None:
    assert_canonical(air, "number", air.local.many("number"), air.local.one("is_real"))


CANONICAL = ChipDefinition(
    "canonical",
    {"is_real": 1, "number": NUMBER_LIMBS, **canonical_columns("number")},
    _canonical_only,
)


def canonical_table(numbers: list[int]) -> Table:
    limbs, is_real = limbs_of_numbers(numbers), np.ones(len(numbers), np.uint32)
    columns = {
        "is_real": is_real,
        "number": limbs,
        **canonical_trace("number", limbs, is_real),
    }
    return Table(compiled(CANONICAL), matrix_of(CANONICAL, columns))


def test_all_numbers_below_the_prime_are_canonical() -> None:
    near = [2**256 - 2**power - step for power in range(34, 256, 3) for step in (-1, 0, 1)]
    closest = [PRIME - step for step in range(1, 70)]
    second = [2**256 - 2**32 - (1 << 16) * limb - step for limb in (1, 2, 3) for step in (-1, 0, 1)]
    wide = [2**256 - 2**33 + step for step in (-70000, -1, 0, 1, 70000)]
    generator = Random(5)
    others = [generator.randrange(PRIME) for _ in range(50)]
    assert_accepted(canonical_table([*EDGES, *near, *closest, *second, *wide, *others]))


def test_no_number_from_the_prime_on_is_canonical_whatever_its_flags() -> None:
    generator = Random(6)
    numbers = [PRIME, PRIME + 1, PRIME + 977, 2**256 - 2**32, 2**256 - 2**32 - 1, 2**256 - 1]
    numbers += [2**256 - 2**16, 2**256 - 2**31, PRIME + 976, PRIME + 2**16]
    numbers += [generator.randrange(PRIME, 2**256) for _ in range(10)]
    for number in numbers:
        choices = canonical_choices("number", number)
        assert all(broken_by_each(CANONICAL, canonical_table([number]), choices))


def test_only_its_constraint_rejects_closeness_that_is_none() -> None:
    number = 2**256 - 1 - (5 << 16)
    cells: Cells = {"number_is_close_by_second": 1, "number_is_close_by_first": 0}
    attacked = with_cells(
        CANONICAL, canonical_table([number]), 0, {**cells, "number_inverse": inverse(5)}
    )
    assert broken_rules(attacked)[0] == {"number: close is at distance 1"}


def test_only_its_constraint_rejects_a_lookup_that_is_given_back() -> None:
    number = 2**256 - 1 - (2 << 32) - (2 << 16) - 1000
    cells: Cells = {"number_is_close_by_second": 1, "number_is_close_by_first": -1}
    attacked = with_cells(
        CANONICAL, canonical_table([number]), 0, {**cells, "number_inverse": inverse(2)}
    )
    assert broken_rules(attacked)[0] == {"number: close by the first limb is boolean"}


def test_only_its_constraint_rejects_a_lookup_in_a_padding_row() -> None:
    number = 2**256 - 1 - (1 << 32) - (1 << 16) - 1000
    cells: Cells = {"number_is_close_by_second": -1, "number_is_close_by_first": 1}
    attacked = with_cells(
        CANONICAL,
        canonical_table([number]),
        0,
        {**cells, "number_inverse": 1, "is_real": 0},
    )
    assert broken_rules(attacked)[0] == {"number: close by the second limb is boolean"}


# CALL


@pytest.mark.parametrize(
    ("is_double", "number"), [(False, 5), (True, 4), (False, 3), (True, 6), (False, 9)]
)
def test_only_the_calls_number_rejects_another_operation(is_double: bool, number: int) -> None:
    table = honest((curve_point(3), None if is_double else curve_point(4)))
    attacked = with_cells(SECP256K1, table, 0, {"number": number})
    assert broken_rules(attacked)[0] == {"the call's number"}


def test_an_addition_passed_off_as_a_doubling_is_rejected() -> None:
    table = honest((curve_point(3), curve_point(4)))
    broken = broken_rules(with_cells(SECP256K1, table, 0, {"is_double": 1, "number": 5}))[0]
    assert any(rule.startswith("slope: ") for rule in broken)
    assert "a doubling has an ordinate" in broken


def test_a_flag_that_is_no_bit_is_rejected() -> None:
    table = honest((curve_point(3), curve_point(4)))
    for value in (2, P - 1, inverse(2)):
        attacked = with_cells(SECP256K1, table, 0, {"is_double": value, "number": 4 + value})
        assert "is_double is boolean" in broken_rules(attacked)[0]


def test_a_doubling_in_a_padding_row_is_rejected() -> None:
    row = with_cells(SECP256K1, honest((curve_point(3), None)), 0, {"is_real": 0, "number": 0})
    assert "is_double only in real rows" in broken_rules(row)[0]


@pytest.mark.parametrize("argument", [0, 1])
@pytest.mark.parametrize("offset", [1, 2, 3])
def test_a_misaligned_pointer_is_rejected(argument: int, offset: int) -> None:
    point, other = curve_point(3), curve_point(4)
    row = record(point, other, added(point, other))
    row[field.argument_value(argument)] += offset
    broken = broken_rules(Table(AIR, trace(row[np.newaxis])))[0]
    assert len(broken) == 1
    assert broken <= set(named_lookups(AIR))


def test_only_their_own_lookups_keep_accesses_in_order() -> None:
    table = honest((curve_point(3), curve_point(4)))
    offsets = {"number": 0, "point": 0, "other_pointer": 0, "other": 1, "before": 2}
    accesses = [
        (name, offset, position)
        for name, offset in offsets.items()
        for position in range(SECP256K1.columns[f"{name}_previous_timestamp"])
    ]
    attacks: list[Cells] = []
    for name, offset, position in accesses:
        difference = (f"{name}_difference", position)
        low = cell(table, *difference)
        previous = (f"{name}_previous_timestamp", position)
        not_before = {previous: TIMESTAMP + offset, difference: 0xFFFF}
        attacks += [not_before, {difference: low + (1 << 16)}]
    lookups = {lookup for (lookup,) in broken_by_each(SECP256K1, table, attacks)}
    assert len(accesses) == 35
    assert len(lookups) == 2 * len(accesses)


def test_points_that_overlap_in_memory_are_accepted() -> None:
    # Q starts at P's ordinate: Q is read first, then P is taken and written
    shared, x1, y2 = 2**77 + 1, 2**99 + 7, 2**55 + 3
    point, other = (x1, shared), (shared, y2)
    row = record(point, other, added(point, other))
    row[field.argument_value(1)] = POINT_POINTER + 32
    previous = np.arange(16) * 100
    previous[8:] = TIMESTAMP + 1
    row[field.SECP256K1_P.previous_timestamps] = previous
    assert_accepted(Table(AIR, trace(row[np.newaxis])))


def test_padding_rows_exchange_nothing_whatever_else_they_hold() -> None:
    generator = np.random.default_rng(6)
    main = generator.integers(0, P, (AIR.main_width, 32), dtype=np.uint32)
    starts = starts_of(SECP256K1)
    flags = ["is_real", "is_double"]
    flags += [name for name in SECP256K1.columns if "_is_close_by_" in name]
    for name in flags:
        main[starts[name]] = 0
    assert imbalance([Table(AIR, main)]) == {}


def test_no_flag_that_a_lookup_counts_by_can_be_set_in_a_padding_row() -> None:
    zeros = Table(AIR, np.zeros((AIR.main_width, 32), np.uint32))
    assert_accepted(zeros)
    attacks: list[Cells] = [
        {f"{name}_is_close_by_{limb}": 1, f"{name}_inverse": each}
        for name in ("x1", "y1", "x2", "y2", "x3", "y3")
        for limb in ("second", "first")
        for each in (0, 1, P - 1)
    ]
    assert all(broken_by_each(SECP256K1, zeros, attacks))
    close = canonical_table([2**256 - 2**32 - 1000])
    attacks = [{"is_real": 0, "number_inverse": each} for each in (0, 1, P - 1)]
    assert all(broken_by_each(CANONICAL, close, attacks))


def test_no_altered_cells_give_another_result_for_the_same_points() -> None:
    generator = Random(8)
    calls: list[tuple[Point, Point | None]] = [
        (curve_point(3), curve_point(4)),
        (curve_point(3), None),
        ((PRIME - 1, PRIME - 2), (1, PRIME - 1)),
        ((0, 1), None),
        (random_point(generator), random_point(generator)),
        (random_point(generator), None),
    ]
    rows = honest(*calls)
    table = Table(AIR, np.ascontiguousarray(rows.main[:, : len(calls)]))
    assert_deterministic(table, seed=9, attempts=1 << 13)
