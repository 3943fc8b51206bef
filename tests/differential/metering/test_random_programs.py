"""A search for programs that cost more than the meter says: random ones, the same for each seed."""

import sys
from random import Random
from typing import Final

import pytest

from tests.differential.assembler import OPCODES, assemble
from tests.differential.metering.attacks import ATTACKER, Attack
from tests.differential.metering.lab import Lab
from tests.differential.metering.test_attacks import (
    assert_provable,
    empty_cycles,
    gas_left_in_time,
)

PROGRAMS: Final = 150
OPERANDS: Final = {
    **dict.fromkeys(
        [
            "ADD",
            "MUL",
            "SUB",
            "DIV",
            "SDIV",
            "MOD",
            "SMOD",
            "EXP",
            "SIGNEXTEND",
            "LT",
            "SGT",
            "EQ",
            "AND",
            "BYTE",
            "SHL",
            "SAR",
        ],
        2,
    ),
    **dict.fromkeys(("ADDMOD", "MULMOD"), 3),
    **dict.fromkeys(
        ("ISZERO", "NOT", "BALANCE", "EXTCODESIZE", "EXTCODEHASH", "SLOAD", "TLOAD"), 1
    ),
}
MEMORY: Final = {"KECCAK256": 2, "MCOPY": 3, "CODECOPY": 3, "CALLDATACOPY": 3, "LOG1": 3, "LOG0": 2}


def number(random: Random) -> bytes:
    """A number of any size, with long runs of ones and zeros."""
    length = random.choice((1, 2, 8, 12, 16, 20, 24, 28, 31, 32))
    kind = random.randrange(3)
    if kind == 0:
        return random.randbytes(length)
    if kind == 1:
        return (b"\xff" * length)[:-1] + random.randbytes(1)
    return random.randbytes(1) + bytes(length - 1)


def statement(random: Random) -> bytes:
    """Something that leaves the stack as it was."""
    kind = random.randrange(10)
    if kind < 6:
        opcode = random.choice(list(OPERANDS))
        return assemble(*(number(random) for _ in range(OPERANDS[opcode])), opcode, "POP")
    if kind < 8:
        opcode = random.choice(list(MEMORY))
        operands = [random.choice((0, 1, 31, 100, 1_000)) for _ in range(MEMORY[opcode])]
        return assemble(*operands, opcode, *(["POP"] if opcode == "KECCAK256" else []))
    if kind == 8:
        return assemble(number(random), number(random), random.choice(("SSTORE", "TSTORE")))
    opcode = random.choice(("CALL", "STATICCALL", "DELEGATECALL"))
    value = (random.randrange(2),) if opcode == "CALL" else ()
    target = random.choice((number(random)[:20], b"\x01", b"\x02", b"\x04", bytes(ATTACKER)))
    sizes = [random.choice((0, 32, 200)) for _ in range(4)]
    return assemble(*sizes, *value, target, random.choice((0, 5_000)), opcode, "POP")


def program(seed: int) -> Attack:
    """The program of a seed: a few statements, again and again."""
    random = Random(seed)
    body = b"".join(statement(random) for _ in range(random.choice((1, 2, 4, 12))))
    assert set(OPERANDS) <= set(OPCODES)
    return Attack(f"seed {seed}", body, repeat=2)


def ratio(seed: int) -> float:
    """Real cost over metered cost of a program that ends just in time."""
    lab = Lab(program(seed).accounts)
    threshold = gas_left_in_time(lab)
    block = lab.measure([lab.sign(ATTACKER, threshold.to_bytes(32, "big"))])
    assert_provable(block)
    return (block.cycles - empty_cycles()) / block.metered


@pytest.mark.slow
def test_no_random_program_costs_more_than_the_meter_says() -> None:
    ratios = {seed: ratio(seed) for seed in range(PROGRAMS)}
    tightest = max(ratios, key=ratios.__getitem__)
    report = f"\n{len(ratios)} programs, tightest {ratios[tightest]:.3f} (seed {tightest})\n"
    sys.stdout.write(report)
    assert ratios[tightest] <= 1
