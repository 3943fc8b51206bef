"""From registers to slots: words of the contract's memory, used again once their value is done.

The first slots hold what every program finds filled (`Interpreter.sol` has the same numbers), then
come parameters, opened cells and lookup columns, in the order in which the contract loads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contracts.verifier.instructions import Instruction, Register, encode
from contracts.verifier.lowering import Inputs, cells_in_order, lower
from proving.air.chip import Air, Domain
from proving.air.logup import lookup_layout

ONE: Final = 1
SUM_PER_ROW: Final = 4
SELECTORS: Final = {Domain.TRANSITION: 5, Domain.FIRST_ROW: 6, Domain.LAST_ROW: 7}
PARAMETERS: Final = 8
"""Slots 2 and 3 hold γ and β."""


@dataclass(frozen=True, slots=True)
class Program:
    """A chip's constraints for the interpreter.

    Attributes
    ----------
    code
        Instructions and the end.
    slot_count
        Words of memory that it works on.
    instructions
        How many there are.
    """

    code: bytes
    slot_count: int
    instructions: int


def compile_program(air: Air, parameter_names: Sequence[str]) -> Program:
    """Compile a chip.

    Parameters
    ----------
    parameter_names
        All parameters of the machine, in the order in which the contract has them.
    """
    inputs, first_free = _inputs(air, parameter_names)
    instructions = lower(air, inputs, first_free)
    slots = _allocate(instructions, first_free)

    def slot(register: Register) -> int:
        return register if register < first_free else slots[register]

    count = max([first_free, *(number + 1 for number in slots.values())])
    return Program(encode(instructions, slot), count, len(instructions))


def _inputs(air: Air, parameter_names: Sequence[str]) -> tuple[Inputs, Register]:
    """Inputs lie in the slots with their registers' numbers."""
    parameters = {name: PARAMETERS + k for k, name in enumerate(parameter_names)}
    next_slot = PARAMETERS + len(parameters)
    cells = {cell: next_slot + k for k, cell in enumerate(cells_in_order(air))}
    next_slot += len(cells)
    groups = lookup_layout(air).column_count
    columns = tuple(range(next_slot, next_slot + groups))
    following_sum = next_slot + groups
    first_free = following_sum + 1 if groups else next_slot
    inputs = Inputs(ONE, SUM_PER_ROW, SELECTORS, cells, parameters, columns, following_sum)
    return inputs, first_free


def _allocate(instructions: Sequence[Instruction], first_free: Register) -> dict[Register, int]:
    """Give each register a slot that no register has whose value is still needed."""
    last_use: dict[Register, int] = {}
    for number, instruction in enumerate(instructions):
        for register in instruction.operation.operands:
            last_use[register] = number
    slots: dict[Register, int] = {}
    free: list[int] = []
    next_slot = first_free
    for number, instruction in enumerate(instructions):
        for register in set(instruction.operation.operands):
            if register >= first_free and last_use[register] == number:
                free.append(slots[register])
        if instruction.destination is not None:
            if not free:
                free.append(next_slot)
                next_slot += 1
            slots[instruction.destination] = free.pop()
            if instruction.destination not in last_use:
                raise ValueError(f"register {instruction.destination} is never read")
    return slots
