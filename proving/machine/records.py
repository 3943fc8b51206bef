"""What each number in a record means.

An instruction chip's records are one uint32 array of shape (rows, FIELD_COUNT) in the order of
execution. Fields that an instruction does not have are 0:

- forms with an immediate (IMMEDIATE_FLAG): RS2_VALUE is the immediate, its timestamp 0;
- loads, JAL and JALR have no second operand, JAL no first one: value and timestamp are 0;
- where no register is written (rd = x0, stores, branches), the three RD fields are 0;
- memory fields are for loads and stores only.

Everything else (opcode, registers, immediate) is in the program row of the record's pc.

The ecalls' records begin with PC and TIMESTAMP, then hold value and previous timestamp of a7 and
of the arguments that the ecall has (`layout.ECALL_ARGUMENT_COUNTS`; no others are read), then
the words of memory that it accesses, as spans. An ecall's words lie at argument + 4 * position.
"""

from __future__ import annotations

from dataclasses import dataclass

from proving.machine.layout import KECCAK_STATE_WORDS, MULMOD_WORDS, POINT_WORDS

# INSTRUCTIONS
PC = 0
TIMESTAMP = 1
RS1_VALUE = 2
RS1_PREVIOUS_TIMESTAMP = 3
RS2_VALUE = 4
RS2_PREVIOUS_TIMESTAMP = 5
RD_VALUE = 6
RD_PREVIOUS_VALUE = 7
RD_PREVIOUS_TIMESTAMP = 8
MEMORY_BYTE_ADDRESS = 9
MEMORY_PREVIOUS_VALUE = 10
"""The whole aligned word, before the access."""
MEMORY_VALUE = 11
"""The whole aligned word, after the access; a load leaves it as it was."""
MEMORY_PREVIOUS_TIMESTAMP = 12
NEXT_PC = 13
FIELD_COUNT = 14

# ECALLS: registers
ECALL_NUMBER_VALUE = 2
ECALL_NUMBER_PREVIOUS_TIMESTAMP = 3
_FIRST_ARGUMENT = 4


def argument_value(argument: int) -> int:
    """Field that holds argument register a<argument>."""
    return _FIRST_ARGUMENT + 2 * argument


def argument_previous_timestamp(argument: int) -> int:
    """Field that holds the previous timestamp of a<argument>."""
    return _FIRST_ARGUMENT + 2 * argument + 1


def fields_before_memory(argument_count: int) -> int:
    """Fields of pc, timestamp, a7 and the arguments."""
    return _FIRST_ARGUMENT + 2 * argument_count


@dataclass(frozen=True, slots=True)
class WordSpan:
    """Consecutive words of memory that an ecall accesses: value and previous timestamp of each.

    Words that are written have the value afterwards, too. Index records with the slices:
    `records[:, span.previous_values]` has shape (rows, count).
    """

    start: int
    count: int
    is_written: bool

    @property
    def _stride(self) -> int:
        return 3 if self.is_written else 2

    @property
    def end(self) -> int:
        """First field after the span."""
        return self.start + self._stride * self.count

    @property
    def previous_values(self) -> slice:
        """Values before the access (for a read: the value read)."""
        return slice(self.start, self.end, self._stride)

    @property
    def previous_timestamps(self) -> slice:
        """When each word was last accessed."""
        return slice(self.start + 1, self.end, self._stride)

    @property
    def new_values(self) -> slice:
        """Values after the access; only where the words are written."""
        if not self.is_written:
            raise ValueError("words that are only read have no new value")
        return slice(self.start + 2, self.end, self._stride)


# ECALLS: memory
HALT_FIELD_COUNT = fields_before_memory(1)

COMMIT_FIELD_COUNT = fields_before_memory(2)

KECCAK_STATE = WordSpan(fields_before_memory(1), KECCAK_STATE_WORDS, is_written=True)
KECCAK_FIELD_COUNT = KECCAK_STATE.end

MULMOD_LEFT = WordSpan(fields_before_memory(4), MULMOD_WORDS, is_written=False)
MULMOD_RIGHT = WordSpan(MULMOD_LEFT.end, MULMOD_WORDS, is_written=False)
MULMOD_MODULUS = WordSpan(MULMOD_RIGHT.end, MULMOD_WORDS, is_written=False)
MULMOD_RESULT = WordSpan(MULMOD_MODULUS.end, MULMOD_WORDS, is_written=True)
MULMOD_FIELD_COUNT = MULMOD_RESULT.end

SECP256K1_P = WordSpan(fields_before_memory(2), POINT_WORDS, is_written=True)
SECP256K1_Q = WordSpan(SECP256K1_P.end, POINT_WORDS, is_written=False)
"""All 0 for a doubling, and so are value and timestamp of its argument a1, which is not read."""
SECP256K1_FIELD_COUNT = SECP256K1_Q.end

# BOUNDARY: `Execution.touched_memory`, `image_final`, `registers_final`
TOUCHED_WORD_ADDRESS, TOUCHED_INITIAL_VALUE, TOUCHED_FINAL_VALUE, TOUCHED_FINAL_TIMESTAMP = range(4)
TOUCHED_FIELD_COUNT = 4
FINAL_VALUE, FINAL_TIMESTAMP = range(2)
FINAL_FIELD_COUNT = 2
