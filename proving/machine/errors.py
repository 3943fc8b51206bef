"""Errors of the machine.

::

    MachineError
    ├── ElfError                    the file is no program of this machine; carries ``reason``
    │   ├── MalformedElfError       bytes missing, fields out of bounds
    │   ├── UnsupportedElfError     a proper ELF file, but not a static RV32IM executable
    │   ├── InvalidSegmentError     segments that overlap, wrap, are misaligned or out of range
    │   └── ElfTooLargeError        more segments, code or image than the limits allow
    ├── InputTooLongError           the input does not fit into the input region
    ├── InvalidLimitsError          limits beyond what the machine has
    └── Fault                       the run ended without success; carries ``pc``, ``cycle``
        ├── IllegalInstructionFault     no instruction at pc
        ├── MisalignedJumpFault         a target that is no multiple of 4
        ├── AddressFault                carries ``address``
        │   ├── MisalignedAccessFault   a load, store or pointer off its natural alignment
        │   ├── UnmappedAddressFault    no memory there
        │   └── OutOfMemoryFault        memory of the machine, but not of this run
        ├── UnknownEcallFault           a7 is no ecall's number
        ├── EcallArgumentFault          an argument that the ecall does not allow
        ├── NonZeroExitFault            the guest says that it failed
        └── CycleLimitFault             more cycles than allowed

No fault can be proved as a success: the constraints have no row for it.
"""

from __future__ import annotations

from proving.errors import ProvingError


class MachineError(ProvingError):
    """Base of everything that the machine raises."""


class ElfError(MachineError):
    """The file is no program of this machine."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"not a program of this machine: {reason}")
        self.reason = reason


class MalformedElfError(ElfError):
    """Bytes are missing or a field points outside of the file."""


class UnsupportedElfError(ElfError):
    """An ELF file, but not a static little-endian RV32IM executable."""


class InvalidSegmentError(ElfError):
    """A segment that cannot be loaded."""


class ElfTooLargeError(ElfError):
    """More than the limits allow."""


class InputTooLongError(MachineError):
    """The input does not fit into the input region of this run."""

    def __init__(self, got_bytes: int, limit_bytes: int) -> None:
        super().__init__(f"input of {got_bytes} bytes, at most {limit_bytes} fit")


class InvalidLimitsError(MachineError):
    """Limits that the machine does not have."""


class Fault(MachineError):
    """The run ended without success.

    Attributes
    ----------
    pc
        Byte address of the instruction.
    cycle
        Number of the instruction, from 0.
    """

    def __init__(self, what: str, pc: int, cycle: int) -> None:
        super().__init__(f"cycle {cycle}, pc {pc:#010x}: {what}")
        self.pc = pc
        self.cycle = cycle


class IllegalInstructionFault(Fault):
    """The program has no instruction at pc."""

    def __init__(self, pc: int, cycle: int) -> None:
        super().__init__("no instruction here", pc, cycle)


class MisalignedJumpFault(Fault):
    """A jump or a taken branch to an address that is no multiple of 4."""

    def __init__(self, pc: int, cycle: int, target: int) -> None:
        super().__init__(f"jump to {target:#010x}, which is no multiple of 4", pc, cycle)
        self.target = target


class AddressFault(Fault):
    """An access to memory that cannot be; carries ``address`` (in bytes)."""

    what = "access"

    def __init__(self, pc: int, cycle: int, address: int) -> None:
        super().__init__(f"{self.what} {address:#010x}", pc, cycle)
        self.address = address


class MisalignedAccessFault(AddressFault):
    """An access off its natural alignment."""

    what = "misaligned access to"


class UnmappedAddressFault(AddressFault):
    """An access where the machine has no memory."""

    what = "no memory at"


class OutOfMemoryFault(AddressFault):
    """An access to memory that the machine has, but this run was not given."""

    what = "out of memory at"


class UnknownEcallFault(Fault):
    """a7 is no ecall's number."""

    def __init__(self, pc: int, cycle: int, number: int) -> None:
        super().__init__(f"no ecall has the number {number}", pc, cycle)
        self.number = number


class EcallArgumentFault(Fault):
    """An argument that the ecall does not allow."""


class NonZeroExitFault(Fault):
    """The guest halted with an exit code that is not 0."""

    def __init__(self, pc: int, cycle: int, exit_code: int) -> None:
        super().__init__(f"the guest failed with exit code {exit_code}", pc, cycle)
        self.exit_code = exit_code


class CycleLimitFault(Fault):
    """The program did not halt within the cycles allowed."""

    def __init__(self, pc: int, cycle: int) -> None:
        super().__init__(f"not halted after {cycle} cycles, the limit of this run", pc, cycle)
