"""One program on the machine and on the independent interpreter: the same end, in every word."""

from proving.machine.elf import load_elf
from proving.machine.errors import (
    CycleLimitFault,
    EcallArgumentFault,
    Fault,
    IllegalInstructionFault,
    MisalignedAccessFault,
    MisalignedJumpFault,
    NonZeroExitFault,
    OutOfMemoryFault,
    UnknownEcallFault,
    UnmappedAddressFault,
)
from proving.machine.execution import Execution
from proving.machine.executor import execute
from tests.support.record_replay import check_records
from tests.support.riscv_interpreter import Interpreter, Trap

KINDS: dict[type[Fault], str] = {
    MisalignedAccessFault: "misaligned",
    MisalignedJumpFault: "misaligned",
    UnmappedAddressFault: "unmapped",
    OutOfMemoryFault: "memory",
    IllegalInstructionFault: "illegal",
    NonZeroExitFault: "exit",
    EcallArgumentFault: "argument",
    UnknownEcallFault: "ecall",
    CycleLimitFault: "cycles",
}


def run_on_both(elf: bytes, input_bytes: bytes = b"") -> Execution | Fault:
    """Run on both; assert that state or fault are the same, and that the records fit together."""
    reference = Interpreter.of_elf(elf, input_bytes)
    trap = _trap_of(reference)
    execution = _execution_or_fault(elf, input_bytes)
    if isinstance(execution, Fault):
        fault = execution
        assert trap is not None, f"only the machine refuses: {fault}"
        assert (KINDS[type(fault)], fault.pc) == (trap.kind, trap.pc)
        assert fault.cycle == reference.cycles
        return fault
    assert trap is None, f"only the interpreter refuses: {trap}"
    assert execution.cycles == reference.cycles
    assert execution.registers_final[:, 0].tolist() == reference.registers
    assert dict(enumerate(execution.public_values)) == reference.public_values
    assert memory_of(execution, input_bytes) == reference.words()
    check_records(execution)
    return execution


def memory_of(execution: Execution, input_bytes: bytes) -> dict[int, int]:
    """Final memory by word address, without words that are 0; untouched input included."""
    region = len(input_bytes).to_bytes(4, "little") + input_bytes + bytes(-len(input_bytes) % 4)
    words = {
        (1 << 28) + position: int.from_bytes(region[4 * position : 4 * position + 4], "little")
        for position in range(len(region) // 4)
    }
    image = execution.program.image.word_addresses.tolist()
    words |= dict(zip(image, execution.image_final[:, 0].tolist(), strict=True))
    words |= {address: final for address, _, final, _ in execution.touched_memory.tolist()}
    return {address: value for address, value in words.items() if value}


def _execution_or_fault(elf: bytes, input_bytes: bytes) -> Execution | Fault:
    try:
        return execute(load_elf(elf), input_bytes)
    except Fault as fault:
        return fault


def _trap_of(interpreter: Interpreter) -> Trap | None:
    try:
        interpreter.run()
    except Trap as trap:
        return trap
    return None
