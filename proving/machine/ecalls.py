"""Ecalls: what the guest asks of the machine. One record for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np

from proving.machine import kernel
from proving.machine import records as field
from proving.machine.accelerators import (
    Point,
    UndefinedOperationError,
    add_points,
    double_point,
    multiply_modulo,
)
from proving.machine.errors import (
    EcallArgumentFault,
    MisalignedAccessFault,
    NonZeroExitFault,
    UnknownEcallFault,
)
from proving.machine.instructions import Chip
from proving.machine.keccak import keccak_f
from proving.machine.layout import (
    ECALL_ARGUMENT_COUNTS,
    ECALL_NUMBER_REGISTER,
    KECCAK_STATE_OFFSET,
    KECCAK_STATE_WORDS,
    MAXIMUM_PUBLIC_VALUES,
    MULMOD_LEFT_OFFSET,
    MULMOD_MODULUS_OFFSET,
    MULMOD_RESULT_OFFSET,
    MULMOD_RIGHT_OFFSET,
    MULMOD_WORDS,
    POINT_WORDS,
    SECP256K1_READ_OFFSET,
    SECP256K1_WRITE_OFFSET,
    TIMESTAMPS_PER_INSTRUCTION,
    WORD_BYTES,
    Ecall,
)
from proving.machine.program import Words
from proving.machine.state import MEMORY_FAULTS, MachineState

FIELD_COUNTS = {
    Chip.HALT: field.HALT_FIELD_COUNT,
    Chip.COMMIT: field.COMMIT_FIELD_COUNT,
    Chip.KECCAK: field.KECCAK_FIELD_COUNT,
    Chip.MULMOD: field.MULMOD_FIELD_COUNT,
    Chip.SECP256K1: field.SECP256K1_FIELD_COUNT,
}
CHIP_OF_ECALL = {
    Ecall.HALT: Chip.HALT,
    Ecall.COMMIT: Chip.COMMIT,
    Ecall.KECCAK_F: Chip.KECCAK,
    Ecall.MULMOD: Chip.MULMOD,
    Ecall.SECP256K1_ADD: Chip.SECP256K1,
    Ecall.SECP256K1_DOUBLE: Chip.SECP256K1,
}
_COORDINATE_BYTES = WORD_BYTES * POINT_WORDS // 2
_NUMBER_BYTES = WORD_BYTES * MULMOD_WORDS
_LANE_TYPE = "<u8"
_WORD_TYPE = "<u4"


class EcallUnit:
    """Carries out ecalls on a machine's state, and keeps their records and public values."""

    def __init__(self, machine: MachineState, *, is_recording: bool) -> None:
        self._machine = machine
        self._is_recording = is_recording
        self._rows: dict[Chip, list[Words]] = {chip: [] for chip in FIELD_COUNTS}
        self._public_values: dict[int, int] = {}
        self.counts: Counter[Ecall] = Counter()
        """How often each was carried out."""

    @property
    def public_values(self) -> tuple[int, ...]:
        """What was committed, by index."""
        return tuple(self._public_values[index] for index in sorted(self._public_values))

    def records(self, chip: Chip) -> Words:
        """Records of an ecall's chip, shape (rows, fields)."""
        rows = self._rows[chip]
        return np.stack(rows) if rows else np.zeros((0, FIELD_COUNTS[chip]), np.uint32)

    def perform(self) -> bool:
        """Carry out the ecall at pc and step over it. Returns whether the program halted."""
        machine = self._machine
        registers = machine.registers
        number = int(registers[ECALL_NUMBER_REGISTER, kernel.VALUE])
        if number not in CHIP_OF_ECALL:
            raise UnknownEcallFault(machine.pc, machine.cycle, number)
        ecall = Ecall(number)
        chip = CHIP_OF_ECALL[ecall]

        # REGISTERS
        argument_count = ECALL_ARGUMENT_COUNTS[ecall]
        pc, timestamp = machine.pc, self._timestamp
        record = np.zeros(FIELD_COUNTS[chip], np.uint32)
        record[field.PC] = pc
        record[field.TIMESTAMP] = timestamp
        kernel.read_argument_registers(registers, argument_count, timestamp, record)
        first = field.argument_value(0)
        arguments = record[first : first + 2 * argument_count : 2].tolist()

        # OPERATION
        _OPERATIONS[ecall](self, arguments, record)

        # STEP
        self.counts[ecall] += 1
        if self._is_recording:
            self._rows[chip].append(record)
        row = machine.row_of_word[pc // WORD_BYTES - machine.bounds[kernel.FIRST_CODE_WORD]]
        machine.row_counts[row - 1] += 1
        machine.state[kernel.PC] += WORD_BYTES
        machine.state[kernel.CYCLE] += 1
        return ecall is Ecall.HALT

    @property
    def _timestamp(self) -> int:
        """Of the present instruction; 0 where timestamps, which have an end, are not recorded."""
        return TIMESTAMPS_PER_INSTRUCTION * (self._machine.cycle + 1) if self._is_recording else 0

    # Operations

    def _halt(self, arguments: list[int], _: Words) -> None:
        (exit_code,) = arguments
        if exit_code != 0:
            raise NonZeroExitFault(self._machine.pc, self._machine.cycle, exit_code)
        count = len(self._public_values)
        if self._public_values.keys() != set(range(count)):
            raise self._refused(f"halt with {count} public values whose indices have gaps")

    def _commit(self, arguments: list[int], _: Words) -> None:
        index, word = arguments
        if index >= MAXIMUM_PUBLIC_VALUES:
            raise self._refused(f"public value {index}, at most {MAXIMUM_PUBLIC_VALUES} exist")
        if index in self._public_values:
            raise self._refused(f"public value {index} is committed twice")
        self._public_values[index] = word

    def _keccak(self, arguments: list[int], record: Words) -> None:
        (pointer,) = arguments
        words = self._words(pointer, KECCAK_STATE_WORDS)
        lanes = np.frombuffer(self._bytes(words), _LANE_TYPE).astype(np.uint64)
        keccak_f(lanes)
        permuted = lanes.astype(_LANE_TYPE).tobytes()
        self._access(words, field.KECCAK_STATE, KECCAK_STATE_OFFSET, record, permuted)

    def _multiply_modulo(self, arguments: list[int], record: Words) -> None:
        out, left, right, modulus = (self._words(pointer, MULMOD_WORDS) for pointer in arguments)
        numbers = [int.from_bytes(self._bytes(words), "little") for words in (left, right, modulus)]
        try:
            result = multiply_modulo(*numbers)
        except UndefinedOperationError as error:
            raise self._refused(str(error)) from error
        product = result.to_bytes(_NUMBER_BYTES, "little")
        self._access(left, field.MULMOD_LEFT, MULMOD_LEFT_OFFSET, record)
        self._access(right, field.MULMOD_RIGHT, MULMOD_RIGHT_OFFSET, record)
        self._access(modulus, field.MULMOD_MODULUS, MULMOD_MODULUS_OFFSET, record)
        self._access(out, field.MULMOD_RESULT, MULMOD_RESULT_OFFSET, record, product)

    def _add_points(self, arguments: list[int], record: Words) -> None:
        p, q = (self._words(pointer, POINT_WORDS) for pointer in arguments)
        try:
            total = add_points(self._point(p), self._point(q))
        except UndefinedOperationError as error:
            raise self._refused(str(error)) from error
        self._access(q, field.SECP256K1_Q, SECP256K1_READ_OFFSET, record)
        new = _bytes_of_point(total)
        self._access(p, field.SECP256K1_P, SECP256K1_WRITE_OFFSET, record, new)

    def _double_point(self, arguments: list[int], record: Words) -> None:
        (pointer,) = arguments
        p = self._words(pointer, POINT_WORDS)
        try:
            double = double_point(self._point(p))
        except UndefinedOperationError as error:
            raise self._refused(str(error)) from error
        new = _bytes_of_point(double)
        self._access(p, field.SECP256K1_P, SECP256K1_WRITE_OFFSET, record, new)

    # Memory

    def _words(self, pointer: int, count: int) -> slice:
        """Where in memory the words at a pointer are."""
        machine = self._machine
        if pointer % WORD_BYTES:
            raise MisalignedAccessFault(machine.pc, machine.cycle, pointer)
        index, address = kernel.locate_words(pointer, count, machine.bounds, machine.is_image)
        if index < 0:
            raise MEMORY_FAULTS[kernel.Status(-index)](machine.pc, machine.cycle, address)
        return slice(index, index + count)

    def _bytes(self, words: slice) -> bytes:
        return self._machine.memory[words, kernel.VALUE].astype(_WORD_TYPE).tobytes()

    def _point(self, words: slice) -> Point:
        point = self._bytes(words)
        return (
            int.from_bytes(point[:_COORDINATE_BYTES], "little"),
            int.from_bytes(point[_COORDINATE_BYTES:], "little"),
        )

    def _access(
        self,
        words: slice,
        span: field.WordSpan,
        offset: int,
        record: Words,
        new_bytes: bytes = b"",
    ) -> None:
        """Leave timestamp + offset, and new values if there are any; record what was before."""
        machine = self._machine
        kernel.access_words(
            machine.memory,
            machine.is_page_touched,
            words.start,
            self._timestamp + offset,
            record,
            span.start,
            span.count,
            np.frombuffer(new_bytes, _WORD_TYPE).astype(np.uint32),
        )

    def _refused(self, reason: str) -> EcallArgumentFault:
        return EcallArgumentFault(reason, self._machine.pc, self._machine.cycle)


def _bytes_of_point(point: Point) -> bytes:
    return b"".join(coordinate.to_bytes(_COORDINATE_BYTES, "little") for coordinate in point)


_OPERATIONS: dict[Ecall, Callable[[EcallUnit, list[int], Words], None]] = {
    Ecall.HALT: EcallUnit._halt,
    Ecall.COMMIT: EcallUnit._commit,
    Ecall.KECCAK_F: EcallUnit._keccak,
    Ecall.MULMOD: EcallUnit._multiply_modulo,
    Ecall.SECP256K1_ADD: EcallUnit._add_points,
    Ecall.SECP256K1_DOUBLE: EcallUnit._double_point,
}
"""Not the unit's own attribute: bound methods would keep its memory alive in a cycle."""
