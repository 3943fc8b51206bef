"""A program of a few cycles, so that a real proof of its run takes seconds."""

from __future__ import annotations

from actors.prover.pool.messages import SegmentInput
from tests.support.riscv_assembler import Assembler

CYCLES = 14
INPUT_REGION = 0x40000000


def program_elf() -> bytes:
    """Publishes the length of its input, and its first word.

    As that of tests/integration/prover/test_prove_and_verify_commands.py, so that what was compiled
    for it is used again.
    """
    code = Assembler()
    code.li("s0", INPUT_REGION)
    for index in range(2):
        code.lw("t0", 4 * index, "s0")
        code.commit(index, "t0")
    code.halt(0)
    return code.elf()


def segment(number: int) -> SegmentInput:
    """One run, in the place of one block."""
    witness = number.to_bytes(4, "little") + b"more"
    statement = f"the input begins with {number}".encode()
    return SegmentInput(witness, statement, (len(witness), number), number, number, CYCLES)
