"""All chips of the machine, in the order in which their traces are committed.

No array library is imported here: the verifier reads this too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proving.air.chip import Air, ChipDefinition, compile_chip
from proving.chips import byte_table, range_table, shift_table
from proving.chips.add_sub import ADD_SUB
from proving.chips.bitwise import BITWISE
from proving.chips.branch import BRANCH
from proving.chips.byte_access import BYTE_ACCESS
from proving.chips.commit import COMMIT
from proving.chips.divide import DIVIDE
from proving.chips.halt import HALT
from proving.chips.image_table import IMAGE_TABLE
from proving.chips.jump import JUMP
from proving.chips.keccak import KECCAK
from proving.chips.keccak_round import KECCAK_ROUND
from proving.chips.less_than import LESS_THAN
from proving.chips.memory_boundary import MEMORY_BOUNDARY
from proving.chips.mulmod import MULMOD
from proving.chips.multiply import MULTIPLY
from proving.chips.program_table import PROGRAM_TABLE
from proving.chips.register_boundary import REGISTER_BOUNDARY
from proving.chips.secp256k1 import SECP256K1
from proving.chips.shift import SHIFT_CHIP
from proving.chips.word_access import WORD_ACCESS
from proving.machine.layout import REGISTER_COUNT


@dataclass(frozen=True, slots=True)
class RegisteredChip:
    """A chip of the machine.

    Attributes
    ----------
    fixed_log_height
        Height of a table whose contents are the same for every program; None for all others.
    max_log_height
        Most rows that the verifier allows, besides the bound that all chips have. It keeps the
        number of tuples on each bus below P: a tuple that nobody provides, taken P times over,
        would leave no trace in a sum modulo P.
    """

    air: Air
    fixed_log_height: int | None = None
    max_log_height: int | None = None

    @property
    def name(self) -> str:
        """Name of the chip; no two chips share it."""
        return self.air.name

    @property
    def is_table(self) -> bool:
        """Whether the verifying key fixes columns of it, and with them its height."""
        return self.air.preprocessed_width > 0

    @property
    def is_optional(self) -> bool:
        """Whether a proof may leave the chip out: an absent chip exchanges nothing.

        Tables are always there, since the verifying key commits to all of them at once.
        """
        return not self.is_table


_FIXED_TABLES: Final = (
    (range_table.RANGE_TABLE, range_table.LOG_HEIGHT),
    (byte_table.BYTE_TABLE, byte_table.LOG_HEIGHT),
    (shift_table.SHIFT_TABLE, shift_table.LOG_HEIGHT),
    (REGISTER_BOUNDARY, REGISTER_COUNT.bit_length() - 1),
)
_PROGRAM_TABLES: Final = (PROGRAM_TABLE, IMAGE_TABLE)
_WITHOUT_TABLE: Final[tuple[ChipDefinition, ...]] = (
    MEMORY_BOUNDARY,
    ADD_SUB,
    BITWISE,
    LESS_THAN,
    SHIFT_CHIP,
    BRANCH,
    JUMP,
    WORD_ACCESS,
    BYTE_ACCESS,
    MULTIPLY,
    DIVIDE,
    HALT,
    COMMIT,
    KECCAK_ROUND,
)
_ACCELERATORS: Final = (KECCAK, MULMOD, SECP256K1)
ACCELERATOR_LOG_HEIGHT: Final = 18
"""Calls of each that one proof covers. A row of theirs exchanges hundreds of tuples."""

CHIPS: Final = (
    *(RegisteredChip(compile_chip(chip), log_height) for chip, log_height in _FIXED_TABLES),
    *(RegisteredChip(compile_chip(chip)) for chip in (*_PROGRAM_TABLES, *_WITHOUT_TABLE)),
    *(
        RegisteredChip(compile_chip(chip), max_log_height=ACCELERATOR_LOG_HEIGHT)
        for chip in _ACCELERATORS
    ),
)
CHIP_BY_NAME: Final = {chip.name: chip for chip in CHIPS}
