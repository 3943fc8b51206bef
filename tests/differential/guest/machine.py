"""The guest on the machine that the prover records, without records."""

from dataclasses import dataclass
from functools import cache

from execution.guest import read_guest
from execution.statement import Statement, public_values
from proving.machine.elf import load_elf
from proving.machine.errors import NonZeroExitFault
from proving.machine.executor import run_only
from proving.machine.program import Program


@cache
def guest_program() -> Program:
    """The committed artifact, decoded."""
    return load_elf(read_guest())


@dataclass(frozen=True, slots=True)
class GuestRun:
    """A run that ended with success."""

    cycles: int
    public_values: tuple[int, ...]

    def proves(self, statement: Statement) -> bool:
        """Whether the run made this statement's digest public."""
        return self.public_values == public_values(statement)


def run_guest(witness: bytes) -> GuestRun:
    """Run the guest on an encoded witness; raises what the machine raises."""
    counted = run_only(guest_program(), witness)
    return GuestRun(counted.cycles, counted.public_values)


def exit_code(witness: bytes) -> int:
    """Exit code of a guest that has to fail."""
    try:
        run = run_guest(witness)
    except NonZeroExitFault as fault:
        return fault.exit_code
    raise AssertionError(f"the guest succeeded with {run.public_values}")
