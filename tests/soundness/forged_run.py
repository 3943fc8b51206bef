"""A run in which something is false, and the small program that it claims to be a run of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from proving.air.check import Table
from proving.chips.registry import CHIP_BY_NAME
from proving.machine.elf import load_elf
from proving.machine.execution import Execution
from proving.machine.executor import execute
from proving.machine.program import Program
from proving.traces.assembly import assemble
from proving.traces.columns import Matrix
from proving.traces.tables import table_traces
from tests.integration.proving.whole_machine import rejections
from tests.support.riscv_assembler import Assembler

RAM, FRESH = 0x20000, 0x30000
Forge = Callable[[dict[str, Matrix]], None]


@dataclass(frozen=True)
class ForgedRun:
    """A false run. `reasons` is how the checker sees it; a proof of it is what the verifier sees.

    Attributes
    ----------
    execution
        What the prover claims to have run.
    public_values
        What it claims that the run committed.
    program
        The program that the verifier knows, where it is another one.
    forge, forge_tables
        Change traces before and after the lookups are counted.
    """

    name: str
    execution: Execution
    public_values: tuple[int, ...] = (0,)
    program: Program | None = None
    forge: Forge | None = None
    forge_tables: Forge | None = None

    def reasons(self) -> set[str]:
        """Why it is false; empty if it is not."""
        return rejections(
            self.execution,
            self.program,
            self.public_values,
            forge=self.forge,
            forge_tables=self.forge_tables,
        )

    def traces(self) -> dict[str, Matrix]:
        """What the prover commits to."""
        traces = assemble(self.execution)
        if self.forge:
            self.forge(traces)
            chips = [Table(CHIP_BY_NAME[name].air, trace) for name, trace in traces.items()]
            traces |= table_traces(chip for chip in chips if not chip.air.preprocessed_width)
        if self.forge_tables:
            self.forge_tables(traces)
        return traces


def _assembled() -> tuple[Assembler, Program]:
    code = Assembler()
    code.li("s0", RAM)
    code.li("s1", FRESH)
    code.li("t0", 3)
    code.li("t1", 5)
    code.label("first store")
    code.sw("t1", 0, "s0")
    code.label("store")
    code.sw("t0", 0, "s0")
    code.label("load")
    code.lw("t6", 0, "s0")
    code.label("load of nothing")
    code.lw("t5", 0, "s1")
    code.label("sum")
    code.add("t4", "t1", "t0")
    code.label("five is less than three")
    code.sltu("t2", "t1", "t0")
    code.label("branch")
    code.beq("t0", "t1", 8)
    code.label("after the branch")
    code.addi("s4", "s4", 1)
    code.label("square")
    code.add("s5", "t0", "t0")
    code.label("publish")
    code.commit(0, "t2")
    code.li("a0", 0)
    code.li("a7", 0)
    code.label("x0")
    code.addi("zero", "zero", 5)
    code.label("last")
    code.ecall()
    return code, load_elf(code.elf())


CODE, PROGRAM = _assembled()


@cache
def honest() -> Execution:
    """The true run."""
    return execute(PROGRAM, b"")
