"""Address map, timestamps, ecall numbers and limits of the machine."""

from __future__ import annotations

from enum import IntEnum

WORD_BYTES = 4
REGISTER_COUNT = 32

# MEMORY: byte addresses
RAM_END = 1 << 30
"""RAM is [0, RAM_END); a run is given less, see :class:`proving.machine.executor.Limits`."""
INPUT_START = RAM_END
"""The input region: word 0 is the input's length in bytes, the bytes follow it."""
INPUT_BYTES_START = INPUT_START + WORD_BYTES
INPUT_END = 1 << 31
"""No address from here on is mapped."""
CODE_END = 1 << 30
"""Every program counter is below."""

INPUT_START_WORD = INPUT_START // WORD_BYTES

# TIME
TIMESTAMPS_PER_INSTRUCTION = 4
"""Instruction number k, from 0, has the base timestamp 4 * (k + 1); initial values have 0."""
RS1_OFFSET, RS2_OFFSET, MEMORY_OFFSET, RD_OFFSET = range(TIMESTAMPS_PER_INSTRUCTION)
MAXIMUM_CYCLES = 1 << 22
"""Most cycles that one proof covers."""

# LIMITS
DEFAULT_RAM_BYTES = 256 << 20
DEFAULT_INPUT_BYTES = 256 << 20
MAXIMUM_PUBLIC_VALUES = 64

# REGISTERS that an ecall reads
ECALL_NUMBER_REGISTER = 17
"""a7"""
ECALL_ARGUMENT_REGISTERS = (10, 11, 12, 13)
"""a0 to a3"""


class Ecall(IntEnum):
    """What the guest asks for, in a7."""

    HALT = 0
    """a0 = exit code; only 0 is a success."""
    COMMIT = 1
    """a0 = index, a1 = word: a public value."""
    KECCAK_F = 2
    """a0 = pointer to 25 lanes, permuted in place."""
    MULMOD = 3
    """a0 = out, a1 = a, a2 = b, a3 = modulus: pointers to 256-bit numbers."""
    SECP256K1_ADD = 4
    """a0 = P, a1 = Q: pointers to points; P becomes P + Q."""
    SECP256K1_DOUBLE = 5
    """a0 = P: pointer to a point, which becomes 2P."""


ECALL_ARGUMENT_COUNTS = {
    Ecall.HALT: 1,
    Ecall.COMMIT: 2,
    Ecall.KECCAK_F: 1,
    Ecall.MULMOD: 4,
    Ecall.SECP256K1_ADD: 2,
    Ecall.SECP256K1_DOUBLE: 1,
}
"""An ecall reads a7 and this many of a0 to a3, all at RS1_OFFSET."""

KECCAK_STATE_WORDS = 50
MULMOD_WORDS = 8
POINT_WORDS = 16
"""x, then y: 8 little-endian words each."""

# Offsets of the accelerators' memory accesses
KECCAK_STATE_OFFSET = 2
MULMOD_LEFT_OFFSET, MULMOD_RIGHT_OFFSET, MULMOD_MODULUS_OFFSET, MULMOD_RESULT_OFFSET = range(4)
SECP256K1_READ_OFFSET = 1
"""Q"""
SECP256K1_WRITE_OFFSET = 2
"""P"""

SECP256K1_FIELD_MODULUS = 2**256 - 2**32 - 977
