"""How other proof systems were broken, tried on ours: constraints.

See `test_known_transcript_attacks` for the other lists; what concerns registers and padding rows is
in `test_known_memory_and_bus_attacks`. Small programs run; the prover then writes
what it likes into a chip's row, and everything else follows honestly.
"""

import importlib
import pkgutil
from dataclasses import replace
from itertools import product
from random import Random

import numpy as np
import pytest

from proving import chips
from proving.air.check import Table as TracedTable
from proving.air.check import violations
from proving.air.chip import Air, ChipDefinition, compile_chip
from proving.air.logup import LookupChallenges, lookup_layout
from proving.chips.divide import DIVIDE
from proving.chips.jump import JUMP
from proving.chips.registry import CHIP_BY_NAME, CHIPS
from proving.field.extension import Extension
from proving.field.koalabear import P
from proving.machine import records as field
from proving.machine.elf import load_elf
from proving.machine.execution import Execution
from proving.machine.executor import execute
from proving.machine.instructions import Chip
from proving.stark.air_digest import air_digest
from proving.stark.constraint_check import ConstraintChallenges, expected_quotient
from proving.stark.instance import Table, Tree
from proving.stark.proof import OpenedValues
from proving.traces.assembly import assemble
from proving.traces.columns import Matrix
from proving.zkvm.machine import ZKVM
from tests.integration.proving.test_malicious_executions import CODE, HONEST, PROGRAM
from tests.integration.proving.whole_machine import (
    Forge,
    rejections,
    row_at,
    with_fields,
    with_register_at_the_end,
    without_record,
)
from tests.support.chip_attacks import Cells, broken_rules, settled, starts_of, with_cells
from tests.support.riscv_assembler import Assembler

WORD = 1 << 32
MOST_RULES_TRIED = 24
NAMES = [chip.name for chip in CHIPS]
DEFINITIONS = {
    value.name: value
    for module in pkgutil.iter_modules(chips.__path__)
    for value in vars(importlib.import_module(f"proving.chips.{module.name}")).values()
    if isinstance(value, ChipDefinition)
}


def sampled(count: int) -> list[int]:
    """Numbers of the rules to try: all, or evenly spaced ones with the first and the last."""
    return sorted({round(it) for it in np.linspace(0, count - 1, min(count, MOST_RULES_TRIED))})


def run_of(mnemonic: str, left: int, right: int) -> Execution:
    """One operation on t0 and t1, whose result is t6's last value."""
    code = Assembler()
    code.li("t0", left)
    code.li("t1", right)
    getattr(code, mnemonic)("t6", "t0", "t1")
    code.halt()
    return execute(load_elf(code.elf()), b"")


def writing(chip: str, row: int, cells: Cells) -> Forge:
    """Writes cells of a chip's row."""
    starts = starts_of(DEFINITIONS[chip])

    def forge(traces: dict[str, Matrix]) -> None:
        for place, value in cells.items():
            name, position = place if isinstance(place, tuple) else (place, 0)
            traces[chip][starts[name] + position, row] = value % P

    return forge


# RULES THAT ARE WIRED


def without(air: Air, rules: str, number: int) -> Air:
    kept = getattr(air, rules)
    return replace(air, **{rules: kept[:number] + kept[number + 1 :]})


def test_every_chip_that_is_written_is_in_the_machine_with_all_its_rules() -> None:
    """A VM that certified 5 < 3: its comparison was written, and never wired into the AIR."""
    assert set(DEFINITIONS) == {rule.air.name for rule in ZKVM.chips}
    for rule in ZKVM.chips:
        assert air_digest(compile_chip(DEFINITIONS[rule.air.name])) == air_digest(rule.air)
        assert len(rule.air.interactions) > 0
        assert len(rule.air.constraints) > 0 or rule.air.preprocessed_width


@pytest.mark.parametrize("name", NAMES)
def test_a_machine_without_one_rule_is_another_machine(name: str) -> None:
    """5 < 3 again: a key says which constraints it is for, so that none is lost unnoticed."""
    air = CHIP_BY_NAME[name].air
    digests = {air_digest(air)}
    for rules in ("constraints", "interactions"):
        for number in sampled(len(getattr(air, rules))):
            digest = air_digest(without(air, rules, number))
            assert digest not in digests
            digests.add(digest)


@pytest.mark.parametrize("name", NAMES)
def test_the_verifier_evaluates_every_rule(name: str) -> None:
    """5 < 3 again: of whatever a chip declares, one more at z changes the sum."""
    chance = Random(name)

    def elements(count: int) -> tuple[Extension, ...]:
        return tuple(Extension([chance.randrange(P) for _ in range(4)]) for _ in range(count))

    air = CHIP_BY_NAME[name].air
    table = Table(air, lookup_layout(air), 5)
    opened = {
        tree: OpenedValues(elements(table.width(tree)), elements(len(table.next_columns(tree))))
        for tree in (Tree.PREPROCESSED, Tree.MAIN, Tree.LOOKUP)
    }
    claimed, gamma, beta, alpha, z = elements(5)
    challenges = ConstraintChallenges(LookupChallenges(gamma, beta), alpha, z)
    numbers = {"image_end_word": 7}
    honest = expected_quotient(table, opened, claimed, challenges, numbers)

    changed = []
    for number in sampled(len(air.constraints))[:: 1 if len(air.constraints) < 100 else 8]:
        rules = list(air.constraints)
        rules[number] = replace(rules[number], expression=rules[number].expression + 1)
        changed.append(replace(table, air=replace(air, constraints=tuple(rules))))
    for number in sampled(len(air.interactions))[:: 1 if len(air.interactions) < 100 else 8]:
        said = list(air.interactions)
        said[number] = replace(said[number], multiplicity=said[number].multiplicity + 1)
        changed.append(replace(table, layout=replace(table.layout, interactions=tuple(said))))
    for other in changed:
        assert expected_quotient(other, opened, claimed, challenges, numbers) != honest


# DIVISION


def best_claim(mnemonic: str, left: int, right: int, quotient: int) -> int:
    """How few rules a row breaks that claims the quotient, whatever signs and hints it has."""
    traces = assemble(run_of(mnemonic, left, right))
    honest = TracedTable(CHIP_BY_NAME["divide"].air, traces["divide"])
    remainder = (left - quotient * right) % WORD
    result = quotient if mnemonic in ("div", "divu") else remainder
    cells: dict[str | tuple[str, int], int] = {}
    for limb in range(2):
        cells["remainder", limb] = remainder >> 16 * limb & 0xFFFF
        cells["result", limb] = result >> 16 * limb & 0xFFFF
    for byte in range(4):
        cells["quotient_bytes", byte] = quotient >> 8 * byte & 0xFF
    for byte in range(3):
        cells["conjunction", byte] = (quotient & right) >> 8 * byte & 0xFF
    fewest = 100
    for signs in product((0, 1), (0, 1), (0, 1), (0, 1, 2)):
        names = ("quotient_sign", "remainder_sign", "is_by_zero", "borrow")
        table = with_cells(DIVIDE, honest, 0, cells | dict(zip(names, signs, strict=True)))
        for limb in range(3):
            rule = f"quotient * divisor + remainder: limb {limb}"
            table = settled(DIVIDE, table, 0, ("carries", limb), rule)
        for limb, rule in enumerate(("low limb of the gap", "high limb of the gap")):
            if not signs[2]:
                table = settled(DIVIDE, table, 0, ("gap", limb), rule)
        fewest = min(fewest, len(broken_rules(table)[0]))
    return fewest


@pytest.mark.parametrize(
    ("mnemonic", "left", "right", "quotient", "others"),
    [
        ("div", 1 << 31, WORD - 1, 1 << 31, (0, 1, (1 << 31) - 1, WORD - 1)),
        ("rem", 1 << 31, WORD - 1, 1 << 31, (0, (1 << 31) - 1)),
        ("divu", 1 << 31, WORD - 1, 0, (1 << 31, 1)),
        ("divu", 5, 0, WORD - 1, (0, 5, WORD - 2)),
        ("div", WORD - 5, 0, WORD - 1, (0, 1)),
        ("divu", 6, 1, 6, (WORD - 1, 5, 7)),
        ("div", 7, 2, 3, (2, 4, WORD - 3)),
        ("rem", WORD - 7, 2, WORD - 3, (WORD - 4, WORD - 2, 3)),
    ],
)
def test_a_division_has_one_valid_output(
    mnemonic: str, left: int, right: int, quotient: int, others: tuple[int, ...]
) -> None:
    """RISC Zero before 2.2: signed overflow, division by zero, two remainders for one quotient."""
    assert rejections(run_of(mnemonic, left, right)) == set()
    assert best_claim(mnemonic, left, right, quotient) == 0
    for other in others:
        assert best_claim(mnemonic, left, right, other) > 0


def test_no_divisor_is_zero_by_the_sum_of_its_limbs() -> None:
    """Zero detected on a sum of halves that were not in range: 1 and P - 1."""
    cells: Cells = {("right", 0): -1, ("right", 1): 1, ("is_by_zero", 0): 1}
    forge = writing("divide", 0, cells)
    assert rejections(run_of("divu", 5, 0), forge=forge) == {"no entry in byte and"}


# LIMBS


@pytest.mark.parametrize("column", ["link", "target"])
def test_the_top_limb_of_a_program_counter_is_in_range(column: str) -> None:
    """OpenVM's AUIPC: pc + P fits 32 bits, and a loop left the highest limb out."""
    code = Assembler()
    code.jal("t6", 4)
    code.halt()
    honest = execute(load_elf(code.elf()), b"")
    other = 0x1004 + P
    cells: Cells = {(column, limb): other >> 16 * limb & 0xFFFF for limb in range(2)}
    forged = with_register_at_the_end(honest, 31, other) if column == "link" else honest
    assert rejections(forged, forge=writing("jump", 0, cells)) == {"no entry in range"}
    row = with_cells(
        JUMP, TracedTable(CHIP_BY_NAME["jump"].air, assemble(honest)["jump"]), 0, cells
    )
    assert violations(row) == [], "nothing else stands against it"


RESULTS = {
    **dict.fromkeys(("add", "sub"), Chip.ADD_SUB),
    **dict.fromkeys(("and_", "or_", "xor"), Chip.BITWISE),
    **dict.fromkeys(("slt", "sltu"), Chip.LESS_THAN),
    **dict.fromkeys(("sll", "srl", "sra"), Chip.SHIFT),
    **dict.fromkeys(("mul", "mulh", "mulhsu", "mulhu"), Chip.MULTIPLY),
    **dict.fromkeys(("div", "divu", "rem", "remu"), Chip.DIVIDE),
}


def row_of_result(execution: Execution, chip: Chip) -> int:
    rows = execution.program.rows
    return row_at(execution, chip, int(rows.pc[rows.rd == 31][0]))


@pytest.mark.parametrize("mnemonic", RESULTS)
def test_a_result_has_one_pair_of_limbs(mnemonic: str) -> None:
    """Limbs that are not canonical: the packed word is the same, or the same modulo P or 2^32."""
    execution, chip = run_of(mnemonic, 0x80010003, 0x10002), RESULTS[mnemonic]
    row = row_of_result(execution, chip)
    honest = int(execution.records[chip][row, field.RD_VALUE])
    low, high = honest & 0xFFFF, honest >> 16
    wrapped = honest + P
    pairs = [(low + (1 << 16), high - 1), (low - (1 << 16), high + 1), (low, high + (1 << 16))]
    for pair in [*pairs, (wrapped & 0xFFFF, wrapped >> 16)]:
        result: Cells = {("result", limb): value for limb, value in enumerate(pair)}
        final: Cells = {("final", limb): value for limb, value in enumerate(pair)}

        def forge(traces: dict[str, Matrix], result: Cells = result, final: Cells = final) -> None:
            writing(chip.value, row, result)(traces)
            writing("register_boundary", 31, final)(traces)

        reasons = rejections(execution, forge=forge)
        assert reasons, pair
        assert "bus register" not in reasons, "the boundary would take it"


@pytest.mark.parametrize("mnemonic", RESULTS)
def test_no_result_can_be_switched_off(mnemonic: str) -> None:
    """Ziren: the write of a product's high half was the prover's choice."""
    execution, chip = run_of(mnemonic, 0x80010003, 0x10002), RESULTS[mnemonic]
    registers = execution.registers_final.copy()
    registers[31] = 0
    forge = writing(chip.value, row_of_result(execution, chip), {("writes_rd", 0): 0})
    unwritten = replace(execution, registers_final=registers)
    assert rejections(unwritten, forge=forge) == {"bus program"}


# WHAT A PROOF IS ABOUT


def test_exit_code_first_and_last_pc_and_program_are_the_verifier_s() -> None:
    """SP1: a flag "complete" and a root of verifying keys that nothing constrained."""
    elsewhere = replace(PROGRAM, entry_pc=CODE.address_of("last"))
    assert rejections(HONEST, elsewhere) == {"bus execution"}
    assert "bus execution" in rejections(without_record(HONEST, Chip.HALT, 0))
    last = with_fields(HONEST, Chip.HALT, 0, {field.PC: CODE.address_of("one")})
    assert {"bus execution", "bus program"} <= rejections(last)
    failed = with_fields(HONEST, Chip.HALT, 0, {field.argument_value(0): 1})
    assert "halt: low limb of the exit code" in rejections(failed)
    (other := Assembler()).halt()
    assert "bus program" in rejections(HONEST, load_elf(other.elf()))
