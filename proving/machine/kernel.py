"""The interpreter's loop, compiled by numba: RV32IM without the ecalls.

The loop returns whenever something is up to Python: an ecall, the end of the cycles, a fault.
All state lives in arrays, so the next call goes on from there.

Integers are int64 throughout, with 32-bit values in 0 .. 2^32 - 1: numba turns sums of signed
and unsigned 64-bit integers into floats. Numba's cache looks at this file only: functions that
are compiled together stay together here.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from proving.machine import layout, records
from proving.machine.compiled import compiled
from proving.machine.instructions import Opcode

Words = npt.NDArray[np.uint32]


class Status(IntEnum):
    """Why the loop returned."""

    ECALL = 0
    CYCLE_LIMIT = 1
    NO_INSTRUCTION = 2
    MISALIGNED_JUMP = 3
    MISALIGNED_ACCESS = 4
    UNMAPPED = 5
    OUT_OF_MEMORY = 6


# `state`
PC, CYCLE, ADDRESS, STATE_COUNT = range(4)
"""ADDRESS is what a fault is about."""

# `memory` and `registers`
VALUE, TIMESTAMP = range(2)

# `decoded`: what the loop needs of an instruction, one row of the table each
OPERATION, USES_IMMEDIATE, READS_RS1, READS_RS2, RD, RS1, RS2, IMMEDIATE, CHIP = range(9)
DECODED_COUNT = 9

# `bounds`
RAM_WORDS, INPUT_WORDS, IMAGE_END_WORD, FIRST_CODE_WORD, CYCLE_LIMIT, BOUND_COUNT = range(6)

PAGE_WORD_BITS = 10
"""Touched memory is noted by pages of this many words (log2)."""

_ECALL_STATUS, _CYCLES_USED_UP = int(Status.ECALL), int(Status.CYCLE_LIMIT)
_NO_INSTRUCTION, _MISALIGNED_JUMP = int(Status.NO_INSTRUCTION), int(Status.MISALIGNED_JUMP)
_MISALIGNED_ACCESS = int(Status.MISALIGNED_ACCESS)
_UNMAPPED, _OUT_OF_MEMORY = int(Status.UNMAPPED), int(Status.OUT_OF_MEMORY)

_ADD, _SUB, _AND, _OR, _XOR = (int(Opcode[name]) for name in ("ADD", "SUB", "AND", "OR", "XOR"))
_SLT, _SLTU, _SLL, _SRL, _SRA = (int(Opcode[name]) for name in ("SLT", "SLTU", "SLL", "SRL", "SRA"))
_BEQ, _BNE, _BLT, _BGE, _BLTU, _BGEU = (
    int(Opcode[name]) for name in ("BEQ", "BNE", "BLT", "BGE", "BLTU", "BGEU")
)
_JAL, _JALR, _ECALL = int(Opcode.JAL), int(Opcode.JALR), int(Opcode.ECALL)
_LB, _LH, _LW, _LBU, _LHU = (int(Opcode[name]) for name in ("LB", "LH", "LW", "LBU", "LHU"))
_SB, _SH, _SW = (int(Opcode[name]) for name in ("SB", "SH", "SW"))
_MUL, _MULH, _MULHSU, _MULHU = (int(Opcode[name]) for name in ("MUL", "MULH", "MULHSU", "MULHU"))
_DIV, _DIVU, _REM, _REMU = (int(Opcode[name]) for name in ("DIV", "DIVU", "REM", "REMU"))

_INPUT_START, _INPUT_END = layout.INPUT_START, layout.INPUT_END
_RAM_END_WORD = layout.RAM_END // layout.WORD_BYTES
_ECALL_NUMBER_REGISTER = layout.ECALL_NUMBER_REGISTER
_FIRST_ARGUMENT_REGISTER = layout.ECALL_ARGUMENT_REGISTERS[0]
_PER_INSTRUCTION = layout.TIMESTAMPS_PER_INSTRUCTION
_RS2_OFFSET, _MEMORY_OFFSET, _RD_OFFSET = (
    layout.RS2_OFFSET,
    layout.MEMORY_OFFSET,
    layout.RD_OFFSET,
)

_MASK = 0xFFFFFFFF


@compiled
def _number(value: np.uint32 | np.uint64 | np.int64) -> int:
    """As numba's int64, which stands for int."""
    return np.int64(value)  # type: ignore[return-value]  # compiled code has no other integer


@compiled
def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value


@compiled
def _divide(operation: int, left: int, right: int) -> int:
    if right == 0:
        return _MASK if operation in (_DIV, _DIVU) else left
    if operation == _DIVU:
        return left // right
    if operation == _REMU:
        return left % right
    # The quotient is rounded towards zero; -2^31 / -1 wraps to -2^31 by the mask.
    dividend, divisor = _signed(left, 32), _signed(right, 32)
    quotient = abs(dividend) // abs(divisor)
    if (dividend < 0) != (divisor < 0):
        quotient = -quotient
    if operation == _DIV:
        return quotient & _MASK
    return (dividend - quotient * divisor) & _MASK


@compiled
def _compute(operation: int, left: int, right: int) -> int:
    """Result of an operation on two words."""
    if operation == _ADD:
        return (left + right) & _MASK
    if operation == _SUB:
        return (left - right) & _MASK
    if operation == _AND:
        return left & right
    if operation == _OR:
        return left | right
    if operation == _XOR:
        return left ^ right
    if operation == _SLT:
        return 1 if _signed(left, 32) < _signed(right, 32) else 0
    if operation == _SLTU:
        return 1 if left < right else 0
    if operation == _SLL:
        return (left << (right & 31)) & _MASK
    if operation == _SRL:
        return left >> (right & 31)
    if operation == _SRA:
        return (_signed(left, 32) >> (right & 31)) & _MASK
    if operation == _MUL:
        return (left * right) & _MASK
    if operation == _MULH:
        return ((_signed(left, 32) * _signed(right, 32)) >> 32) & _MASK
    if operation == _MULHSU:
        return ((_signed(left, 32) * right) >> 32) & _MASK
    if operation == _MULHU:
        return _number((np.uint64(left) * np.uint64(right)) >> np.uint64(32))
    return _divide(operation, left, right)


@compiled
def _is_taken(operation: int, left: int, right: int) -> bool:
    if operation == _BEQ:
        return left == right
    if operation == _BNE:
        return left != right
    if operation == _BLTU:
        return left < right
    if operation == _BGEU:
        return left >= right
    if operation == _BLT:
        return _signed(left, 32) < _signed(right, 32)
    return _signed(left, 32) >= _signed(right, 32)


@compiled
def _access_bytes(operation: int) -> int:
    if operation in (_LW, _SW):
        return 4
    if operation in (_LH, _LHU, _SH):
        return 2
    return 1


@compiled
def _loaded(operation: int, word: int, shift: int) -> int:
    """What a load makes of the word that it finds; `shift` in bits."""
    if operation == _LW:
        return word
    bits = 8 if operation in (_LB, _LBU) else 16
    part = (word >> shift) & ((1 << bits) - 1)
    if operation in (_LB, _LH):
        return _signed(part, bits) & _MASK
    return part


@compiled
def _stored(operation: int, word: int, value: int, shift: int) -> int:
    """What a store makes of the word that it finds; `shift` in bits."""
    if operation == _SW:
        return value
    mask = (0xFF if operation == _SB else 0xFFFF) << shift
    return (word & ~mask) | ((value << shift) & mask)


@compiled
def locate(address: int, bounds: npt.NDArray[np.int64], is_image: npt.NDArray[np.uint8]) -> int:
    """Index into `memory` of the word that holds a byte address, or -status where none does."""
    word = address >> 2
    if address >= _INPUT_END:
        return -_UNMAPPED
    if address >= _INPUT_START:
        position = word - _RAM_END_WORD
        return bounds[RAM_WORDS] + position if position < bounds[INPUT_WORDS] else -_OUT_OF_MEMORY
    if word < bounds[IMAGE_END_WORD]:
        return word if is_image[word] else -_UNMAPPED
    return word if word < bounds[RAM_WORDS] else -_OUT_OF_MEMORY


@compiled
def locate_words(
    address: int, count: int, bounds: npt.NDArray[np.int64], is_image: npt.NDArray[np.uint8]
) -> tuple[int, int]:
    """Index of the first of `count` words, or -status; and the address that this is about."""
    for position in range(count):
        index = locate(address + 4 * position, bounds, is_image)
        if index < 0:
            return index, address + 4 * position
    return locate(address, bounds, is_image), address


@compiled
def read_argument_registers(
    registers: Words, argument_count: int, timestamp: int, record: Words
) -> None:
    """Read a7 and the arguments of an ecall, and record them from the first register's field on."""
    for position in range(argument_count + 1):
        index = _ECALL_NUMBER_REGISTER if position == 0 else _FIRST_ARGUMENT_REGISTER + position - 1
        entry = records.ECALL_NUMBER_VALUE + 2 * position
        record[entry] = registers[index, VALUE]
        record[entry + 1] = registers[index, TIMESTAMP]
        registers[index, TIMESTAMP] = timestamp


@compiled
def access_words(
    memory: Words,
    is_page_touched: npt.NDArray[np.uint8],
    index: int,
    timestamp: int,
    record: Words,
    first_field: int,
    count: int,
    new_values: Words,
) -> None:
    """Access `count` words from `index` on for an ecall, and record them from a field on.

    A word's fields are its value, its previous timestamp and, where `new_values`, uint32
    (count,), is not empty, its new value.
    """
    is_written = new_values.shape[0] != 0
    stride = 3 if is_written else 2
    for position in range(count):
        place = index + position
        entry = first_field + stride * position
        record[entry] = memory[place, VALUE]
        record[entry + 1] = memory[place, TIMESTAMP]
        memory[place, TIMESTAMP] = timestamp
        is_page_touched[place >> PAGE_WORD_BITS] = 1
        if is_written:
            memory[place, VALUE] = new_values[position]
            record[entry + 2] = new_values[position]


@compiled
def run(
    state: npt.NDArray[np.int64],
    bounds: npt.NDArray[np.int64],
    registers: Words,
    memory: Words,
    is_image: npt.NDArray[np.uint8],
    is_page_touched: npt.NDArray[np.uint8],
    row_of_word: npt.NDArray[np.int32],
    decoded: Words,
    row_counts: npt.NDArray[np.int64],
    rows: Words,
    filled: npt.NDArray[np.int64],
    is_recording: bool,
) -> int:
    """Execute until something is up to Python; returns a :class:`Status`.

    Parameters
    ----------
    state, bounds
        int64, with the fields above; `state` is updated.
    registers, memory
        uint32 (registers or words, 2): value and timestamp. Memory is RAM, then input.
    is_image
        uint8 (words below the image's end,): whether a word is of the image.
    is_page_touched
        uint8 (pages,): set where memory was accessed.
    row_of_word
        int32 (words of code,): 1 + row in the program table, 0 where there is no instruction.
    decoded
        uint32 (rows, DECODED_COUNT).
    row_counts
        int64 (rows,): incremented with each execution.
    rows, filled
        Records are written to uint32 (chips, capacity, FIELD_COUNT), where `filled`, int64
        (chips,), says how many each chip has.
    is_recording
        Whether to write records, timestamps and touched pages.
    """
    pc, cycle = _number(state[PC]), _number(state[CYCLE])
    status = _NO_INSTRUCTION
    while True:
        # FETCH
        if cycle >= bounds[CYCLE_LIMIT]:
            status = _CYCLES_USED_UP
            break
        code_word = (pc >> 2) - bounds[FIRST_CODE_WORD]
        row = row_of_word[code_word] - 1 if 0 <= code_word < row_of_word.shape[0] else -1
        if row < 0:
            status = _NO_INSTRUCTION
            break
        operation = _number(decoded[row, OPERATION])
        if operation == _ECALL:
            status = _ECALL_STATUS
            break
        immediate = _number(decoded[row, IMMEDIATE])
        timestamp = _PER_INSTRUCTION * (cycle + 1)

        # OPERANDS
        left, left_before, right, right_before = 0, 0, 0, 0
        if decoded[row, READS_RS1]:
            register = decoded[row, RS1]
            left, left_before = _number(registers[register, 0]), _number(registers[register, 1])
            registers[register, 1] = timestamp
        if decoded[row, READS_RS2]:
            register = decoded[row, RS2]
            right, right_before = _number(registers[register, 0]), _number(registers[register, 1])
            registers[register, 1] = timestamp + _RS2_OFFSET
        elif decoded[row, USES_IMMEDIATE]:
            right = immediate

        # OPERATION
        next_pc = pc + 4
        result = 0
        address, word_before, word_after, word_timestamp = 0, 0, 0, 0
        if operation < _BEQ or _MUL <= operation <= _REMU:
            result = _compute(operation, left, right)
        elif operation >= _LB:
            address = (left + immediate) & _MASK
            if address & (_access_bytes(operation) - 1):
                status = _MISALIGNED_ACCESS
                state[ADDRESS] = address
                break
            index = locate(address, bounds, is_image)
            if index < 0:
                status = -index
                state[ADDRESS] = address
                break
            shift = 8 * (address & 3)
            word_before, word_timestamp = _number(memory[index, 0]), _number(memory[index, 1])
            if operation < _SB:
                word_after = word_before
                result = _loaded(operation, word_before, shift)
            else:
                word_after = _stored(operation, word_before, right, shift)
                memory[index, 0] = word_after
            if is_recording:
                memory[index, 1] = timestamp + _MEMORY_OFFSET
                is_page_touched[index >> PAGE_WORD_BITS] = 1
        elif operation == _JAL:
            result = next_pc
            next_pc = immediate
        elif operation == _JALR:
            result = next_pc
            next_pc = ((left + immediate) & _MASK) & ~1
        elif _is_taken(operation, left, right):
            next_pc = immediate
        if next_pc & 3:
            status = _MISALIGNED_JUMP
            state[ADDRESS] = next_pc
            break

        # RESULT
        rd = decoded[row, RD]
        rd_before, rd_timestamp = 0, 0
        if rd:
            rd_before, rd_timestamp = _number(registers[rd, 0]), _number(registers[rd, 1])
            registers[rd, 0] = result
            registers[rd, 1] = timestamp + _RD_OFFSET
        else:
            result = 0

        # RECORD
        if is_recording:
            chip = decoded[row, CHIP]
            fill = filled[chip]
            rows[chip, fill, records.PC] = pc
            rows[chip, fill, records.TIMESTAMP] = timestamp
            rows[chip, fill, records.RS1_VALUE] = left
            rows[chip, fill, records.RS1_PREVIOUS_TIMESTAMP] = left_before
            rows[chip, fill, records.RS2_VALUE] = right
            rows[chip, fill, records.RS2_PREVIOUS_TIMESTAMP] = right_before
            rows[chip, fill, records.RD_VALUE] = result
            rows[chip, fill, records.RD_PREVIOUS_VALUE] = rd_before
            rows[chip, fill, records.RD_PREVIOUS_TIMESTAMP] = rd_timestamp
            rows[chip, fill, records.MEMORY_BYTE_ADDRESS] = address
            rows[chip, fill, records.MEMORY_PREVIOUS_VALUE] = word_before
            rows[chip, fill, records.MEMORY_VALUE] = word_after
            rows[chip, fill, records.MEMORY_PREVIOUS_TIMESTAMP] = word_timestamp
            rows[chip, fill, records.NEXT_PC] = next_pc
            filled[chip] += 1
        row_counts[row] += 1
        pc = next_pc
        cycle += 1
    state[PC], state[CYCLE] = pc, cycle
    return status
