"""Identities of 256-bit numbers: digits, carries that cannot wrap, bytes, comparisons."""

from collections.abc import Callable
from itertools import product as pairs
from random import Random

import numpy as np
import pytest

from proving.air.check import Table
from proving.air.chip import AirBuilder, ChipDefinition
from proving.chips import mulmod
from proving.chips import secp256k1_identities as secp256k1
from proving.chips.wide import (
    BYTE,
    BYTES_PER_LIMB,
    NUMBER_BYTES,
    NUMBER_LIMBS,
    CarryPlan,
    Digits,
    Interval,
    assert_less,
    comparison_columns,
    plan_carries,
    product,
    split,
    split_columns,
)
from proving.field.koalabear import P
from proving.traces.columns import matrix_of
from proving.traces.wide import (
    bytes_of_limbs,
    bytes_of_numbers,
    comparison_trace,
    limbs_of_numbers,
    numbers_of_limbs,
    split_trace,
)
from tests.support.chip_attacks import (
    assert_accepted,
    assert_rejected,
    broken_rules,
    compiled,
    with_cells,
)

MAXIMUM = 2**256 - 1
Bounds = Callable[[int, int], Interval]


def digits_of(number: int, count: int = NUMBER_BYTES) -> Digits[int]:
    return Digits(list(number.to_bytes(count, "little")))


# DIGITS


def test_the_windows_of_a_number_add_up_to_it() -> None:
    number = Random(1).getrandbits(256)
    digits = digits_of(number)
    limbs = Digits(limbs_of_numbers([number])[:, 0].tolist(), BYTES_PER_LIMB)
    for length in (1, 2, 3, 4):
        starts = range(0, NUMBER_BYTES, length)
        for each in (digits, limbs):
            assert sum(each.window(start, length) << 8 * start for start in starts) == number


def test_a_window_beside_the_digits_is_zero() -> None:
    digits = digits_of(MAXIMUM)
    assert [digits.window(start, 2) for start in (-2, -1, 31, 32)] == [0, 255 * 256, 255, 0]


def test_the_windows_of_a_product_add_up_to_it() -> None:
    generator = Random(2)
    for left, right in ((0, MAXIMUM), (MAXIMUM, MAXIMUM), *((generator.getrandbits(256),) * 2,)):
        windows = (
            product(digits_of(left), digits_of(right), start, 2) << 8 * start
            for start in range(0, 2 * NUMBER_BYTES, 2)
        )
        assert sum(windows) == left * right


def test_numbers_limbs_and_bytes_agree() -> None:
    numbers = [0, 1, MAXIMUM, *(Random(3).getrandbits(256) for _ in range(5))]
    limbs = limbs_of_numbers(numbers)
    assert numbers_of_limbs(limbs) == numbers
    assert np.array_equal(bytes_of_limbs(limbs), bytes_of_numbers(numbers, NUMBER_BYTES))


def test_intervals_hold_exactly_what_their_members_make() -> None:
    generator = Random(4)
    for _ in range(50):
        bounds = [sorted(generator.randint(-9, 9) for _ in range(2)) for _ in range(2)]
        left, right = (Interval(low, high) for low, high in bounds)
        members = list(pairs(*(range(low, high + 1) for low, high in bounds)))
        for interval, results in (
            (left + right, [a + b for a, b in members]),
            (left - right, [a - b for a, b in members]),
            (left * right, [a * b for a, b in members]),
        ):
            assert (interval.low, interval.high) == (min(results), max(results))


# CARRIES

PLANS: dict[str, tuple[CarryPlan, Bounds, int]] = {
    "mulmod": (mulmod.PLAN, mulmod.BOUNDS.identity, 64),
    "slope": (secp256k1.SLOPE_PLAN, secp256k1.slope_bounds, 65),
    "x": (secp256k1.X_PLAN, secp256k1.x_bounds, 64),
    "y": (secp256k1.Y_PLAN, secp256k1.y_bounds, 65),
}


@pytest.mark.parametrize("name", PLANS)
def test_the_groups_of_a_plan_cover_every_digit_once(name: str) -> None:
    plan, _, digit_count = PLANS[name]
    covered = [
        position
        for group in plan.groups
        for position in range(group.start, group.start + group.length)
    ]
    assert covered == list(range(digit_count))


@pytest.mark.parametrize("name", PLANS)
def test_no_equation_of_a_plan_wraps_for_any_carry_in_range(name: str) -> None:
    plan, bounds, _ = PLANS[name]
    carried = Interval(0, 0)
    for group in plan.groups[:-1]:
        assert group.carry_bits <= 16
        left = bounds(group.start, group.length) + carried
        # as left = weight * carry holds modulo P, it holds: the sides differ by less than P
        assert left.high - group.weight * group.carry.low < P
        assert left.low - group.weight * group.carry.high > -P
        carried = group.carry
    last = plan.groups[-1]
    left = bounds(last.start, last.length) + carried
    assert -P < left.low <= left.high < P


@pytest.mark.parametrize("name", PLANS)
def test_every_carry_that_can_come_up_is_in_range(name: str) -> None:
    plan, bounds, _ = PLANS[name]
    carried = Interval(0, 0)
    for group in plan.groups[:-1]:
        left = bounds(group.start, group.length) + carried
        assert group.carry.low * group.weight <= left.low
        assert left.high < (group.carry.high + 1) * group.weight
        carried = Interval(-(-left.low // group.weight), left.high // group.weight)


def test_digits_too_wide_for_the_field_have_no_plan() -> None:
    def bounds(start: int, length: int) -> Interval:
        return Digits([BYTE * (P // 255)] * 4).window(start, length)

    with pytest.raises(ValueError, match="wraps"):
        plan_carries(bounds, 4)


# BYTES


def _split_only(air: AirBuilder) -> None:
    split(air, "number", air.local.many("number"), air.local.one("is_real"))


SPLIT = ChipDefinition(
    "split", {"is_real": 1, "number": NUMBER_LIMBS, **split_columns("number")}, _split_only
)


def split_table(number: int) -> Table:
    limbs = limbs_of_numbers([number])
    columns = {
        "is_real": np.ones(1, np.uint32),
        "number": limbs,
        **split_trace("number", limbs),
    }
    return Table(compiled(SPLIT), matrix_of(SPLIT, columns))


@pytest.mark.parametrize("number", [0, 1, MAXIMUM, 0x1234_00FF_FF00 << 100])
def test_every_number_has_its_bytes(number: int) -> None:
    assert_accepted(split_table(number))


def test_no_other_high_byte_belongs_to_a_limb() -> None:
    table = split_table(0x1280)
    for high in (0, 0x11, 0x13, 0x1280, P - 1, 256):
        low = (0x1280 - 256 * high) % P
        conjunctions = {high & low, (high & 0xFF) & (low & 0xFF), 0}
        for conjunction in conjunctions:
            assert_rejected(
                with_cells(
                    SPLIT,
                    table,
                    0,
                    {"number_high_byte": high, "number_conjunction": conjunction},
                )
            )


# COMPARISON


def _less_only(air: AirBuilder) -> None:
    local = air.local
    assert_less(air, "less", local.many("smaller"), local.many("larger"), local.one("is_real"))


LESS = ChipDefinition(
    "less",
    {
        "is_real": 1,
        "smaller": NUMBER_LIMBS,
        "larger": NUMBER_LIMBS,
        **comparison_columns("less"),
    },
    _less_only,
)


def less_table(pairs_of_numbers: list[tuple[int, int]]) -> Table:
    smaller, larger = (limbs_of_numbers(side) for side in zip(*pairs_of_numbers, strict=True))
    columns = {
        "is_real": np.ones(len(pairs_of_numbers), np.uint32),
        "smaller": smaller,
        "larger": larger,
        **comparison_trace("less", smaller, larger),
    }
    return Table(compiled(LESS), matrix_of(LESS, columns))


def edge_pairs() -> list[tuple[int, int]]:
    generator = Random(5)
    numbers = [0, 1, MAXIMUM - 1, MAXIMUM]
    numbers += [1 << 16 * limb for limb in range(1, NUMBER_LIMBS)]
    numbers += [(1 << 16 * limb) - 1 for limb in range(1, NUMBER_LIMBS)]
    numbers += [generator.getrandbits(256) for _ in range(8)]
    return list(pairs(numbers, numbers))


def test_every_smaller_number_is_accepted() -> None:
    assert_accepted(less_table([pair for pair in edge_pairs() if pair[0] < pair[1]]))


def test_no_choice_of_flags_makes_an_equal_or_larger_number_smaller() -> None:
    wrong = [pair for pair in edge_pairs() if pair[0] >= pair[1]]
    table = less_table(wrong)
    smaller, larger = (
        np.array([[number >> 16 * limb & 0xFFFF for number in side] for limb in range(16)])
        for side in zip(*wrong, strict=True)
    )
    for deciding in range(NUMBER_LIMBS):
        main = table.main[:, : len(wrong)].copy()
        flags = np.zeros((6, len(wrong)), np.uint32)
        for first, choice in ((0, deciding // 4), (3, deciding % 4)):
            if choice < 3:
                flags[first + choice] = 1
        main[-7:-1] = flags
        main[-1] = (larger[deciding] - smaller[deciding]) % P
        broken = broken_rules(Table(table.air, main))
        assert all(broken), (deciding, wrong[broken.index(set())])


@pytest.mark.parametrize("flag", ["less_group", "less_member"])
def test_flags_that_are_none_or_two_or_no_bits_are_rejected(flag: str) -> None:
    equal = less_table([(5, 5)])
    for flags in ((1, 1, 0), (1, 1, 1), (2, 0, 0), (2, P - 1, 0), (P - 1, 0, 0), (0, 0, P // 2)):
        for gap in (0, 1, P - 1):
            cells = {(flag, position): value for position, value in enumerate(flags)}
            attacked = with_cells(LESS, equal, 0, {**cells, "less_gap": gap})
            assert any(f"{flag.replace('_', ': ')}" in rule for rule in broken_rules(attacked)[0])


@pytest.mark.parametrize(
    ("groups", "members", "smaller", "larger", "rules"),
    [
        ((P - 1, 1, 0), (1, 0, 0), {0: 1, 9: 1}, {}, {"group 0"}),
        ((1, P - 1, 0), (1, 0, 0), {9: 1}, {0: 1}, {"group 1"}),
        ((1, 0, P - 1), (1, 0, 0), {9: 1}, {0: 1}, {"group 2"}),
        ((0, 0, 0), (P - 1, 1, 0), {12: 1, 14: 1}, {}, {"member 0"}),
        ((0, 0, 0), (1, P - 1, 0), {14: 1}, {12: 1}, {"member 1"}),
        ((0, 0, 0), (1, 0, P - 1), {15: 1}, {12: 2}, {"member 2"}),
        ((1, 1, 0), (1, 1, 0), {14: 1}, {0: 1}, {"group 3", "member 3"}),
    ],
)
def test_only_their_constraints_reject_flags_that_cancel(
    groups: tuple[int, ...],
    members: tuple[int, ...],
    smaller: dict[int, int],
    larger: dict[int, int],
    rules: set[str],
) -> None:
    first, second = (
        sum(value << 16 * limb for limb, value in limbs.items()) for limbs in (smaller, larger)
    )
    assert first > second
    flags = {("less_group", position): value for position, value in enumerate(groups)}
    flags |= {("less_member", position): value for position, value in enumerate(members)}
    attacked = with_cells(LESS, less_table([(first, second)]), 0, {**flags, "less_gap": 1})
    assert broken_rules(attacked)[0] == {f"less: {rule} is boolean" for rule in rules}
