"""Keccak-f[1600], one round per row (FIPS 202, section 3.2).

A permutation is 24 rows in a row. Its first row takes a state from the bus KECCAK_INPUT, its last
one leaves the permuted state on KECCAK_OUTPUT under the same name.

With A the state before theta, C the parity of A's columns and A' the state after theta:

    C'[x, z]   = C[x, z] ^ C[x - 1, z] ^ C[x + 1, z - 1]      is the parity of the columns of A'
    A[x, y, z] = A'[x, y, z] ^ C[x, z] ^ C'[x, z]             defines A' from A

so C needs no constraint of its own: both lines force it to be the parity of A.
"""

from __future__ import annotations

from proving.air.chip import AirBuilder, ChipDefinition, Domain
from proving.air.expression import Expression, packed, total
from proving.chips.buses import KECCAK_INPUT, KECCAK_OUTPUT
from proving.chips.keccak_constants import (
    IOTA_BITS,
    LANE_BITS,
    LANES,
    ROTATIONS,
    ROUND_CONSTANTS,
    ROUNDS,
    lane,
)
from proving.machine.instructions import LIMB_BITS

LIMBS_PER_LANE = LANE_BITS // LIMB_BITS

COLUMNS = {
    "round": ROUNDS,
    "timestamp": 1,
    "state": LANES * LIMBS_PER_LANE,
    "parity": 5 * LANE_BITS,
    "parity_after": 5 * LANE_BITS,
    "theta": LANES * LANE_BITS,
    "iota_bits": len(IOTA_BITS),
    "output": LANES * LIMBS_PER_LANE,
}


def _constrain(air: AirBuilder) -> None:
    _order_rounds(air)
    _assert_theta(air)
    _assert_chi_and_iota(air)

    rounds, timestamp = air.local.many("round"), air.local.one("timestamp")
    air.receive(KECCAK_INPUT, (timestamp, *air.local.many("state")), rounds[0])
    air.send(KECCAK_OUTPUT, (timestamp, *air.local.many("output")), rounds[-1])


def _order_rounds(air: AirBuilder) -> None:
    """Round k + 1 follows round k and nothing else, and goes on with its output."""
    local, following = air.local.many("round"), air.next.many("round")
    for number, flag in enumerate(local):
        air.assert_boolean(f"round flag {number} is boolean", flag)
    air.assert_boolean("at most one round", total(local))
    for number in range(1, ROUNDS):
        air.assert_zero(f"no start in round {number}", local[number], Domain.FIRST_ROW)
        air.assert_equal(
            f"round {number} follows round {number - 1}",
            following[number],
            local[number - 1],
            Domain.TRANSITION,
        )
    goes_on = total(local[:-1])
    carried = [(air.next.one("timestamp"), air.local.one("timestamp"))]
    carried += zip(air.next.many("state"), air.local.many("output"), strict=True)
    for position, (after, before) in enumerate(carried):
        air.assert_zero(
            f"value {position} is carried on", goes_on * (after - before), Domain.TRANSITION
        )


def _assert_theta(air: AirBuilder) -> None:
    parity, parity_after = _lanes(air, "parity"), _lanes(air, "parity_after")
    theta = _lanes(air, "theta")

    for name in ("parity", "theta"):
        for number, bit in enumerate(air.local.many(name)):
            air.assert_boolean(f"{name} {number} is boolean", bit)

    for x in range(5):
        for z in range(LANE_BITS):
            own, left, right = parity[x][z], parity[x - 1][z], parity[(x + 1) % 5][z - 1]
            air.assert_equal(
                f"column parity ({x}, {z}) after theta",
                parity_after[x][z],
                _exclusive_or(_exclusive_or(own, left), right),
            )
            # the sum of five bits differs from its parity by 0, 2 or 4
            surplus = total(theta[lane(x, y)][z] for y in range(5)) - parity_after[x][z]
            air.assert_zero(f"parity of column ({x}, {z})", surplus * (surplus - 2) * (surplus - 4))

    state = air.local.many("state")
    for number in range(LANES):
        x = number % 5
        bits = [
            _exclusive_or(_exclusive_or(theta[number][z], parity[x][z]), parity_after[x][z])
            for z in range(LANE_BITS)
        ]
        _assert_limbs(air, f"lane {number} before theta", bits, state, number)


def _assert_chi_and_iota(air: AirBuilder) -> None:
    theta = _lanes(air, "theta")
    rotated = [_after_rho_and_pi(theta, x, y) for y in range(5) for x in range(5)]
    rounds, output = air.local.many("round"), air.local.many("output")
    for number in range(LANES):
        x, y = number % 5, number // 5
        first, second = rotated[lane(x + 1, y)], rotated[lane(x + 2, y)]
        bits = [
            _exclusive_or(rotated[number][z], (1 - first[z]) * second[z]) for z in range(LANE_BITS)
        ]
        if number == 0:
            for position, cell in zip(IOTA_BITS, air.local.many("iota_bits"), strict=True):
                air.assert_equal(f"bit {position} before iota", cell, bits[position])
                flipped = total(
                    flag
                    for flag, constant in zip(rounds, ROUND_CONSTANTS, strict=True)
                    if constant >> position & 1
                )
                bits[position] = _exclusive_or(cell, flipped)
        _assert_limbs(air, f"lane {number} of the output", bits, output, number)


def _after_rho_and_pi(theta: list[tuple[Expression, ...]], x: int, y: int) -> list[Expression]:
    """Lane (x, y) after rho and pi: another lane of theta's, rotated to the left."""
    source = lane(x + 3 * y, x)
    return [theta[source][(z - ROTATIONS[source]) % LANE_BITS] for z in range(LANE_BITS)]


def _assert_limbs(
    air: AirBuilder,
    name: str,
    bits: list[Expression],
    limbs: tuple[Expression, ...],
    number: int,
) -> None:
    """Lane `number` among the limbs consists of these bits."""
    for position in range(LIMBS_PER_LANE):
        chunk = bits[position * LIMB_BITS : (position + 1) * LIMB_BITS]
        limb = limbs[number * LIMBS_PER_LANE + position]
        air.assert_equal(f"{name}: limb {position}", packed(chunk, 1), limb)


def _lanes(air: AirBuilder, name: str) -> list[tuple[Expression, ...]]:
    bits = air.local.many(name)
    return [bits[start : start + LANE_BITS] for start in range(0, len(bits), LANE_BITS)]


def _exclusive_or(left: Expression, right: Expression) -> Expression:
    return left + right - 2 * left * right


KECCAK_ROUND = ChipDefinition("keccak_round", COLUMNS, _constrain)
