"""Replays an execution's records: every access takes exactly what the access before it left.

This is what the buses prove, in plain Python: per register and per word of memory, the tuples
(address, value, timestamp) that accesses take have to be those that others leave, from the initial
contents to the final ones; and the instructions have to form one chain of (pc, timestamp).
"""

from collections import Counter
from collections.abc import Iterator

from proving.machine import records as field
from proving.machine.execution import Execution
from proving.machine.instructions import IMMEDIATE_FLAG, INSTRUCTION_CHIPS, Chip, Opcode
from proving.machine.layout import (
    MEMORY_OFFSET,
    RD_OFFSET,
    RS1_OFFSET,
    RS2_OFFSET,
)

REGISTER, MEMORY, STATE = "register", "memory", "state"
Entry = tuple[str, int, int, int]

LOADS = {Opcode.LB, Opcode.LH, Opcode.LW, Opcode.LBU, Opcode.LHU}
READS_RS1 = set(Opcode) - {Opcode.JAL, Opcode.ECALL}
READS_RS2 = READS_RS1 - LOADS - {Opcode.JALR}
"""Unless the form has an immediate."""
ECALL_SPANS = {
    Chip.HALT: (1, ()),
    Chip.COMMIT: (2, ()),
    Chip.KECCAK: (1, ((field.KECCAK_STATE, 0, 2),)),
    Chip.MULMOD: (
        4,
        (
            (field.MULMOD_LEFT, 1, 0),
            (field.MULMOD_RIGHT, 2, 1),
            (field.MULMOD_MODULUS, 3, 2),
            (field.MULMOD_RESULT, 0, 3),
        ),
    ),
    Chip.SECP256K1: (2, ((field.SECP256K1_P, 0, 2), (field.SECP256K1_Q, 1, 1))),
}
"""(arguments, (span, argument that points to it, offset)...) by chip."""


class ReplayError(AssertionError):
    """The records are not those of one run."""


def check_records(execution: Execution) -> int:
    """Check all accesses of an execution; returns how many there were.

    Raises
    ------
    ReplayError
        An access that takes what no other left, or that comes before it; or a broken chain.
    """
    balance: Counter[Entry] = Counter()
    count = 0
    for taken, left in _accesses(execution):
        if not taken[3] < left[3]:
            raise ReplayError(f"{left} does not come after {taken}")
        balance[taken] += 1
        balance[left] -= 1
        count += 1
    balance.update(_boundary(execution))
    unbalanced = {entry: times for entry, times in balance.items() if times}
    if unbalanced:
        raise ReplayError(
            f"{len(unbalanced)} tuples do not match: {sorted(unbalanced.items())[:4]}"
        )
    return count


def _boundary(execution: Execution) -> Counter[Entry]:
    """Initial contents are left by nobody, final ones taken by nobody."""
    balance: Counter[Entry] = Counter()
    for index, (value, timestamp) in enumerate(execution.registers_final.tolist()):
        balance[REGISTER, index, 0, 0] -= 1
        balance[REGISTER, index, value, timestamp] += 1
    image = execution.program.image
    for address, initial, (final, timestamp) in zip(
        image.word_addresses.tolist(),
        image.values.tolist(),
        execution.image_final.tolist(),
        strict=True,
    ):
        balance[MEMORY, address, initial, 0] -= 1
        balance[MEMORY, address, final, timestamp] += 1
    for address, initial, final, timestamp in execution.touched_memory.tolist():
        balance[MEMORY, address, initial, 0] -= 1
        balance[MEMORY, address, final, timestamp] += 1
    (halt,) = execution.records[Chip.HALT].tolist()
    balance[STATE, 0, execution.program.entry_pc, 4] -= 1
    balance[STATE, 0, halt[field.PC], halt[field.TIMESTAMP]] += 1
    return balance


def _accesses(execution: Execution) -> Iterator[tuple[Entry, Entry]]:
    """(taken, left) of all accesses, and of the machine's state by all steps but the halt."""
    table = execution.program.rows
    row_of_pc = {pc: row for row, pc in enumerate(table.pc.tolist())}
    for chip in INSTRUCTION_CHIPS:
        for record in execution.records[chip].tolist():
            row = row_of_pc[record[field.PC]]
            yield from _instruction_accesses(
                record,
                opcode=int(table.opcode[row]),
                rd=int(table.rd[row]),
                rs1=int(table.rs1[row]),
                rs2=int(table.rs2[row]),
            )
    for chip, (argument_count, spans) in ECALL_SPANS.items():
        for record in execution.records[chip].tolist():
            yield from _ecall_accesses(record, chip, argument_count, spans)


def _instruction_accesses(
    record: list[int], *, opcode: int, rd: int, rs1: int, rs2: int
) -> Iterator[tuple[Entry, Entry]]:
    now = record[field.TIMESTAMP]
    yield (STATE, 0, record[field.PC], now), (STATE, 0, record[field.NEXT_PC], now + 4)
    number = opcode % IMMEDIATE_FLAG
    if number in READS_RS1:
        value, before = record[field.RS1_VALUE], record[field.RS1_PREVIOUS_TIMESTAMP]
        yield (REGISTER, rs1, value, before), (REGISTER, rs1, value, now + RS1_OFFSET)
    if number in READS_RS2 and opcode < IMMEDIATE_FLAG:
        value, before = record[field.RS2_VALUE], record[field.RS2_PREVIOUS_TIMESTAMP]
        yield (REGISTER, rs2, value, before), (REGISTER, rs2, value, now + RS2_OFFSET)
    if Opcode.LB <= number <= Opcode.SW:
        address = record[field.MEMORY_BYTE_ADDRESS] // 4
        before = record[field.MEMORY_PREVIOUS_TIMESTAMP]
        yield (
            (MEMORY, address, record[field.MEMORY_PREVIOUS_VALUE], before),
            (MEMORY, address, record[field.MEMORY_VALUE], now + MEMORY_OFFSET),
        )
    if rd:
        before = record[field.RD_PREVIOUS_TIMESTAMP]
        yield (
            (REGISTER, rd, record[field.RD_PREVIOUS_VALUE], before),
            (REGISTER, rd, record[field.RD_VALUE], now + RD_OFFSET),
        )


def _ecall_accesses(
    record: list[int],
    chip: Chip,
    argument_count: int,
    spans: tuple[tuple[field.WordSpan, int, int], ...],
) -> Iterator[tuple[Entry, Entry]]:
    pc, now = record[field.PC], record[field.TIMESTAMP]
    number = record[field.ECALL_NUMBER_VALUE]
    if chip is not Chip.HALT:
        yield (STATE, 0, pc, now), (STATE, 0, pc + 4, now + 4)
    if number == 5:  # a doubling has one argument
        argument_count, spans = 1, spans[:1]
    registers = [(17, number, record[field.ECALL_NUMBER_PREVIOUS_TIMESTAMP])]
    for argument in range(argument_count):
        value = record[field.argument_value(argument)]
        registers.append(
            (10 + argument, value, record[field.argument_previous_timestamp(argument)])
        )
    for index, value, before in registers:
        yield (REGISTER, index, value, before), (REGISTER, index, value, now)
    for span, argument, offset in spans:
        start = record[field.argument_value(argument)] // 4
        values = record[span.previous_values]
        after = record[span.new_values] if span.is_written else values
        for position, (value, before, new) in enumerate(
            zip(values, record[span.previous_timestamps], after, strict=True)
        ):
            address = start + position
            yield (MEMORY, address, value, before), (MEMORY, address, new, now + offset)
