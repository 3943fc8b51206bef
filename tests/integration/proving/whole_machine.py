"""A run's traces against all constraints and buses at once, as a verifier would judge them.

A malicious prover changes what it likes, then recomputes honestly everything that is computed from
it: traces from records, and the lookup tables' multiplicities from traces.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from proving.air.check import Table, imbalance, violations
from proving.chips.public import verifier_terms
from proving.chips.registry import CHIP_BY_NAME
from proving.machine.execution import Execution
from proving.machine.instructions import Chip
from proving.machine.program import Program
from proving.traces.assembly import assemble, parameters, preprocessed
from proving.traces.columns import Matrix
from proving.traces.tables import NotInTable, table_traces

Forge = Callable[[dict[str, Matrix]], None]


def rejections(
    execution: Execution,
    program: Program | None = None,
    public_values: Sequence[int] | None = None,
    *,
    forge: Forge | None = None,
    forge_tables: Forge | None = None,
) -> set[str]:
    """Why a verifier of `program` and `public_values` rejects the run; empty if it does not.

    Parameters
    ----------
    program, public_values
        What the verifier knows; the execution's own where not given.
    forge
        Changes traces by chip, before the lookup tables are computed.
    forge_tables
        Changes traces by chip, after that.

    Returns
    -------
    set[str]
        "chip: constraint", "bus <name>", or "no entry in <table>".
    """
    program = execution.program if program is None else program
    public_values = execution.public_values if public_values is None else public_values
    fixed, numbers = preprocessed(program), parameters(program)
    try:
        traces = assemble(execution)
        if forge is not None:
            forge(traces)
            traces |= table_traces(
                Table(CHIP_BY_NAME[name].air, matrix)
                for name, matrix in traces.items()
                if CHIP_BY_NAME[name].is_optional
            )
    except NotInTable as error:
        return {f"no entry in {error.bus.name}"}
    if forge_tables is not None:
        forge_tables(traces)
    tables = [
        Table(CHIP_BY_NAME[name].air, matrix, fixed.get(name)) for name, matrix in traces.items()
    ]
    reasons = {
        reason.split(" fails in row")[0]
        for table in tables
        for reason in violations(table, numbers)
    }
    terms = verifier_terms(program.entry_pc, public_values)
    public = {(term.bus.name, term.values): term.multiplicity for term in terms}
    return reasons | {f"bus {bus}" for bus, _ in imbalance(tables, numbers, public)}


def row_at(execution: Execution, chip: Chip, pc: int, occurrence: int = 0) -> int:
    """Number of the record of the instruction at `pc`."""
    return int(np.flatnonzero(execution.records[chip][:, 0] == pc)[occurrence])


def with_fields(execution: Execution, chip: Chip, row: int, fields: dict[int, int]) -> Execution:
    """The same run, with other fields in one record."""
    records = execution.records[chip].copy()
    for index, value in fields.items():
        records[row, index] = value
    return replace(execution, records={**execution.records, chip: records})


def without_record(execution: Execution, chip: Chip, row: int) -> Execution:
    """The same run, without one record."""
    records = np.delete(execution.records[chip], row, axis=0)
    return replace(execution, records={**execution.records, chip: records})


def with_register_at_the_end(execution: Execution, register: int, value: int) -> Execution:
    """The same run, which leaves another value in a register."""
    registers = execution.registers_final.copy()
    registers[register, 0] = value
    return replace(execution, registers_final=registers)
