"""Attacks on chips that compute `rd = operation(rs1, second)`, each one caught by one rule only.

So every rule of a chip is shown to be needed: without it, the attack that names it would pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from arithmetic_rows import FIRST_TIMESTAMP, Operation, Trace, table_of
from chip_attacks import Cells, Place, broken_rules, settled, with_cells

from proving.air.check import Table
from proving.air.chip import Air, ChipDefinition
from proving.machine.instructions import LIMB_BITS
from proving.machine.layout import RD_OFFSET, RS1_OFFSET, RS2_OFFSET

LIMB_SIZE = 1 << LIMB_BITS
PADDING_ROW = 1
"""Attacked traces have one honest row."""


@dataclass(frozen=True)
class Attack:
    """What a prover writes instead of the honest row.

    Attributes
    ----------
    rule
        The only constraint or lookup that the row breaks.
    cells
        What is written over the honest row.
    settle
        Cells that are then chosen such that a constraint holds, in order.
    is_on_padding
        Write into a padding row instead.
    """

    name: str
    rule: str
    operation: Operation
    cells: Cells
    settle: Sequence[tuple[Place, str]] = ()
    is_on_padding: bool = False

    def __str__(self) -> str:
        return self.name.replace(" ", "_")


def rules_broken_by(attack: Attack, chip: ChipDefinition, air: Air, trace: Trace) -> set[str]:
    """Rules that the attacked row breaks; all other rows are honest."""
    honest = table_of(air, trace, [attack.operation])
    row = PADDING_ROW if attack.is_on_padding else 0
    altered = with_cells(chip, honest, row, attack.cells)
    for place, constraint in attack.settle:
        altered = settled(chip, altered, row, place, constraint)
    return only_row(altered, row)


def only_row(table: Table, row: int) -> set[str]:
    """What one row breaks, where no other row breaks anything."""
    broken = broken_rules(table)
    assert not any(rules for other, rules in enumerate(broken) if other != row)
    return broken[row]


def frame_attacks(
    flags: Sequence[str], operation: Operation, indifferent: Operation, other_flag: str
) -> list[Attack]:
    """Attacks on the frame, with the chip's own flags.

    Parameters
    ----------
    operation
        Any one without immediate.
    indifferent, other_flag
        An operation that writes no register, and the flag of another opcode such that the chip's
        own rules hold with both flags.
    """
    right = (operation.right % LIMB_SIZE, operation.right >> LIMB_BITS)
    as_immediate: Cells = {("immediate", 0): right[0], ("immediate", 1): right[1]}
    attacks = [
        Attack(
            f"{flag} is minus one beside another flag",
            f"{flag} is boolean",
            operation,
            {flag: -1, other: 1},
            is_on_padding=True,
        )
        for flag, other in zip(flags, (*flags[1:], flags[0]), strict=True)
    ]
    attacks += [
        Attack("two opcodes in one row", "at most one opcode", indifferent, {other_flag: 1}),
        Attack(
            "the immediate form twice",
            "uses_immediate is boolean",
            operation,
            {"uses_immediate": 2, **as_immediate},
        ),
        Attack(
            "a padding row that sends its second operand",
            "uses_immediate only in real rows",
            operation,
            {"uses_immediate": 1},
            is_on_padding=True,
        ),
        Attack("a write that counts twice", "writes_rd is boolean", operation, {"writes_rd": 2}),
        Attack(
            "a padding row that writes a register",
            "writes_rd only in real rows",
            operation,
            {"writes_rd": 1, "rd": 5, "timestamp": 4, "result_difference": 4 + RD_OFFSET - 1},
            is_on_padding=True,
        ),
    ]
    for limb in range(2):
        wrong = {**as_immediate, ("immediate", limb): right[limb] + 1}
        attacks.append(
            Attack(
                f"an operand whose limb {limb} is not the immediate's",
                f"limb {limb} of the immediate is the operand",
                operation,
                {"uses_immediate": 1, **wrong},
            )
        )
    offsets = {"left": RS1_OFFSET, "right": RS2_OFFSET, "result": RD_OFFSET}
    for position, (name, offset) in enumerate(offsets.items()):
        now = FIRST_TIMESTAMP + offset
        attacks += [
            Attack(
                f"{name}: a difference of timestamps whose low limb is too large",
                f"range #{2 * position}",
                operation,
                {
                    f"{name}_previous_timestamp": now - 1 - LIMB_SIZE,
                    f"{name}_difference": LIMB_SIZE,
                },
            ),
            Attack(
                f"{name}: an access to what comes later",
                f"range #{2 * position + 1}",
                operation,
                {f"{name}_previous_timestamp": now, f"{name}_difference": LIMB_SIZE - 1},
            ),
        ]
    return attacks
