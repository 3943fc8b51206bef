"""The programs of a machine, as the data contracts that hold them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from contracts.verifier.slots import Program, compile_program
from ledger.hashing import keccak
from proving.stark.air_digest import parameter_names
from proving.stark.machine import Machine

MOST_DATA_BYTES: Final = 24_575
"""Of a data contract: the limit on code (EIP-170) less its first byte, which is STOP."""


@dataclass(frozen=True)
class MachinePrograms:
    """The program of each chip.

    Attributes
    ----------
    parameter_names
        Parameters that chips refer to, in the contract's order.
    """

    programs: tuple[Program, ...]
    parameter_names: tuple[str, ...]

    @cached_property
    def code(self) -> bytes:
        """All programs, one behind the other."""
        return b"".join(program.code for program in self.programs)

    @cached_property
    def digest(self) -> bytes:
        """keccak256 of the code."""
        return keccak(self.code)

    def chunks(self) -> tuple[bytes, ...]:
        """The code in pieces for data contracts; all but the last are full."""
        starts = range(0, len(self.code), MOST_DATA_BYTES)
        return tuple(self.code[start : start + MOST_DATA_BYTES] for start in starts)


@lru_cache(maxsize=8)
def machine_programs(machine: Machine) -> MachinePrograms:
    """Compile all chips of a machine."""
    airs = [rule.air for rule in machine.chips]
    names = tuple(sorted(set().union(*(parameter_names(air) for air in airs))))
    return MachinePrograms(tuple(compile_program(air, names) for air in airs), names)
