"""How other proof systems were broken, tried on ours: memory, order, registers, padding and buses.

See `test_known_transcript_attacks` for the other lists. The run under attack is that of
`test_malicious_executions`.
"""

from collections import Counter
from collections.abc import Callable
from functools import cache
from itertools import combinations, product

import numpy as np
import pytest

from proving.air.check import Table, imbalance, violations
from proving.air.chip import AirBuilder, ChipDefinition, cells_of, compile_chip
from proving.air.logup import LookupChallenges, fingerprint
from proving.chips.buses import ALL_BUSES, EXECUTION, REGISTER
from proving.chips.image_table import IMAGE_END_WORD
from proving.chips.registry import CHIP_BY_NAME, CHIPS
from proving.errors import OutOfRange
from proving.field.extension import Extension
from proving.field.koalabear import P
from proving.machine import records as field
from proving.machine.elf import load_elf
from proving.machine.errors import InvalidSegmentError
from proving.machine.execution import Execution
from proving.machine.executor import execute
from proving.machine.instructions import Chip
from proving.machine.layout import INPUT_START, RAM_END, RD_OFFSET
from proving.parameters import FAST, SETTLEMENT, Parameters
from proving.stark.instance import ABSENT, VERIFIER_TERM_LIMIT, Instance
from proving.stark.keys import VerifyingKey
from proving.traces.assembly import assemble
from proving.traces.columns import Matrix
from proving.zkvm.machine import ENTRY_PC, TIMESTAMP_BITS, ZKVM
from tests.integration.proving import test_malicious_executions as attacked
from tests.integration.proving.whole_machine import rejections, with_fields
from tests.soundness.test_known_constraint_attacks import DEFINITIONS, NAMES, WORD, writing
from tests.support import riscv_assembler as riscv
from tests.support.chip_attacks import Cells, Place, starts_of
from tests.support.riscv_assembler import Assembler, Segment, elf_file
from tests.support.riscv_catalogue import CATALOGUE

CODE, HONEST = attacked.CODE, attacked.HONEST
STEPPING = [name for name in NAMES if "pc" in DEFINITIONS[name].columns]

# REGISTERS

COMPUTE: dict[str, Callable[[int, int], int]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "sltu": lambda a, b: int(a < b),
    "mul": lambda a, b: a * b,
    "mulhu": lambda a, b: a * b >> 32,
    "divu": lambda a, b: a // b if b else -1,
    "remu": lambda a, b: a % b if b else a,
    "sll": lambda a, b: a << b % 32,
}
COINCIDENCES = list(product((0, 5, 6, 7), repeat=3))


def coinciding(mnemonic: str) -> tuple[Execution, list[int]]:
    """The instruction with every choice of rd, rs1 and rs2; and what the registers hold then."""
    code, registers = Assembler(), [0] * 32
    for number, (rd, rs1, rs2) in enumerate(COINCIDENCES):
        registers[5:8] = 0x80000003 + number, 0x10007, 29
        for register in (5, 6, 7):
            code.li(register, registers[register])
        getattr(code, mnemonic)(rd, rs1, rs2)
        result = COMPUTE[mnemonic](registers[rs1], registers[rs2]) % WORD
        registers[rd] = result if rd else 0
    code.halt()
    return execute(load_elf(code.elf()), b""), registers[:8]


@pytest.mark.parametrize("mnemonic", COMPUTE)
def test_every_coincidence_of_rs1_rs2_rd_and_x0_is_proved(mnemonic: str) -> None:
    """RISC Zero 2.0: two reads of one register in one instruction."""
    execution, registers = coinciding(mnemonic)
    assert execution.registers_final[:8, field.FINAL_VALUE].tolist() == registers
    assert rejections(execution) == set()


@pytest.mark.parametrize("operand", [field.RS1_VALUE, field.RS2_VALUE])
def test_no_coincidence_frees_an_operand(operand: int) -> None:
    """RISC Zero 2.0: with rs1 = rs2 one of the values read was the prover's."""
    execution, _ = coinciding("mul")
    for row in range(len(COINCIDENCES)):
        value = int(execution.records[Chip.MULTIPLY][row, operand])
        forged = with_fields(execution, Chip.MULTIPLY, row, {operand: value ^ 1})
        assert "bus register" in rejections(forged), COINCIDENCES[row]


def test_no_coincidence_writes_x0() -> None:
    """RISC Zero 2.0: the same slot for what is read and what is written, x0 among them."""
    execution, _ = coinciding("mul")
    for row in [row for row, (rd, _, _) in enumerate(COINCIDENCES) if rd == 0]:
        now = int(execution.records[Chip.MULTIPLY][row, field.TIMESTAMP]) + RD_OFFSET
        cells: Cells = {("writes_rd", 0): 1, ("result_previous_timestamp", 0): now - 1}
        assert "bus program" in rejections(execution, forge=writing("multiply", row, cells))


# PADDING


def flags_of(name: str) -> list[str]:
    """Columns that say which instruction a row holds, so that it takes a step."""
    air = CHIP_BY_NAME[name].air
    steps = [it.multiplicity for it in air.interactions if it.bus is EXECUTION]
    indices = {cell.index for cell in cells_of(steps)}
    return [flag for flag, start in starts_of(DEFINITIONS[name]).items() if start in indices]


@cache
def run_with(chip: str) -> Execution:
    """The first run of the catalogue that uses a chip."""
    runs = (execute(it.program, it.input_bytes) for it in CATALOGUE.values())
    return next(run for run in runs if chip in assemble(run))


@pytest.mark.parametrize("name", STEPPING)
def test_a_row_holds_exactly_one_instruction(name: str) -> None:
    """Selectors that allow none or two; a real row passed off as padding."""
    flags, honest = flags_of(name), assemble(run_with(name))[name]

    def forge(traces: dict[str, Matrix]) -> None:
        traces[name][:, 0] = 0

    def broken_by(cells: dict[Place, int]) -> list[str]:
        traces = {name: honest.copy()}
        writing(name, 0, {**dict.fromkeys(flags, 0), **cells})(traces)
        return violations(Table(CHIP_BY_NAME[name].air, traces[name]))

    assert "bus execution" in rejections(run_with(name), forge=forge)
    for first, second in combinations(flags, 2):
        assert f"{name}: at most one opcode fails in row 0" in broken_by({first: 1, second: 1})
    for flag, value in product(flags, (2, -1)):
        assert f"{name}: {flag} is boolean fails in row 0" in broken_by({flag: value})


@pytest.mark.parametrize("name", STEPPING)
def test_a_padding_row_exchanges_nothing_whatever_it_holds(name: str) -> None:
    """Padding rows that still send: all that decides on a multiplicity needs a real row."""
    air, flags = CHIP_BY_NAME[name].air, flags_of(name)
    starts = starts_of(DEFINITIONS[name])
    deciding = {cell.index for cell in cells_of([it.multiplicity for it in air.interactions])}
    main = np.random.default_rng(1).integers(0, P, (air.main_width, 64), np.uint32)
    main[sorted(deciding)] = 0
    assert imbalance([Table(air, main)]) == {}
    main[:] = 0
    assert violations(Table(air, main)) == []
    for index, value in product(deciding - {starts[flag] for flag in flags}, (1, 2, P - 1)):
        switched = main.copy()
        switched[index] = value
        assert violations(Table(air, switched)), (index, value)


# MEMORY AND ORDER


def test_a_stale_read_is_rejected_whatever_its_timestamp() -> None:
    """Pico: timestamps of the prover's choice, and reads of what was overwritten."""
    stored = attacked.record("first store", Chip.LOAD_STORE)["TIMESTAMP"] + 2
    stale = attacked.loading("load", 1, MEMORY_PREVIOUS_TIMESTAMP=stored)
    stale = attacked.with_touched(stale, attacked.RAM, {field.TOUCHED_FINAL_VALUE: 1})
    assert rejections(stale) == {"bus memory"}


@pytest.mark.parametrize("later", [-4, 4, 1 << 24])
def test_timestamps_are_those_of_the_steps(later: int) -> None:
    """Pico: an access at a time that is not its instruction's."""
    row = attacked.at("load of nothing", Chip.LOAD_STORE)
    now = attacked.record("load of nothing", Chip.LOAD_STORE)["TIMESTAMP"]
    moved = with_fields(HONEST, Chip.LOAD_STORE, row, {field.TIMESTAMP: now + later})
    assert rejections(moved) & {"bus execution", "no entry in range"}


def test_no_run_is_so_long_that_timestamps_wrap() -> None:
    """Miden, OpenVM: bounds on differences only. Rows times 4 stay below 2^29, on each step."""
    (limit,) = ZKVM.row_limits
    assert limit.chips == set(STEPPING)
    assert 4 * (limit.rows + 2) <= 1 << TIMESTAMP_BITS < P


def test_the_program_counter_is_the_step_s() -> None:
    """Nexus: instructions executed out of order, each with a pc of its own."""
    elsewhere = {field.PC: CODE.address_of("one")}
    moved = with_fields(HONEST, Chip.ADD_SUB, attacked.at("other", Chip.ADD_SUB), elsewhere)
    assert {"bus execution", "bus program"} <= rejections(moved)
    times = [attacked.record(label, Chip.ADD_SUB)["TIMESTAMP"] for label in ("one", "other")]
    swapped = HONEST
    for label, time in zip(("one", "other"), reversed(times), strict=True):
        fields = {field.TIMESTAMP: time, field.RD_PREVIOUS_TIMESTAMP: time}
        swapped = with_fields(swapped, Chip.ADD_SUB, attacked.at(label, Chip.ADD_SUB), fields)
    assert "bus execution" in rejections(swapped)


def test_memory_that_the_elf_leaves_empty_is_zero_at_first() -> None:
    """BSS that holds what the prover likes: within the image, and after it."""
    values = {field.TOUCHED_INITIAL_VALUE: 7, field.TOUCHED_FINAL_VALUE: 7}
    after = attacked.with_touched(attacked.loading("load of nothing", 7), attacked.FRESH, values)
    assert rejections(after) == {"memory_boundary: limb 0 of RAM is zero at first"}
    data = riscv.READABLE | riscv.WRITABLE
    (code := Assembler()).halt()
    text = Segment(code.start, code.code(), riscv.EXECUTABLE)
    bss, top = Segment(0x8000, b"\1", data, 12), Segment(0x9000, b"\2", data)
    image = load_elf(elf_file(code.start, [text, bss, top])).image
    assert dict(zip(image.word_addresses.tolist(), image.values.tolist(), strict=True)) == {
        0x2000: 1, 0x2001: 0, 0x2002: 0, 0x2400: 2,
    }  # fmt: skip


@pytest.mark.parametrize("address", [0x1000, 0x8000, 0x8003, RAM_END - 2, INPUT_START])
def test_segments_neither_overlap_nor_leave_ram(address: int) -> None:
    """Overlapping segments: which of two first values holds; code that is input."""
    (code := Assembler()).halt()
    segments = [
        Segment(code.start, code.code(), riscv.EXECUTABLE),
        Segment(0x8000, b"1234", riscv.READABLE),
    ]
    load_elf(elf_file(code.start, segments))
    with pytest.raises(InvalidSegmentError):
        load_elf(elf_file(code.start, [*segments, Segment(address, b"5678", riscv.READABLE)]))


def test_no_write_changes_the_code() -> None:
    """Input written over code: what is executed is the program's, whatever memory holds."""
    code = Assembler()
    code.li("t0", riscv.encode_i("addi", "t2", 0, 9))
    code.li("t1", target := 0x1014)
    code.sw("t0", 0, "t1")
    assert code.pc == target
    code.addi("t2", 0, 5)
    code.commit(0, "t2")
    code.halt()
    run = execute(load_elf(code.elf()), b"")
    assert run.public_values == (5,)
    assert rejections(run) == set()


def test_the_input_lies_where_no_code_or_data_is() -> None:
    """Input written over code: a word of RAM cannot be passed off as one of the input."""
    starts = starts_of(DEFINITIONS["memory_boundary"])
    assert HONEST.touched_memory[0, field.TOUCHED_WORD_ADDRESS] == attacked.RAM // 4

    def forge(traces: dict[str, Matrix]) -> None:
        traces["memory_boundary"][[starts["is_input"], starts["initial"]], 0] = 1, 7

    assert "bus memory" in rejections(HONEST, forge=forge)


# BUSES


def largest(parameters: Parameters) -> Instance:
    """As many rows of the chips with the most interactions as the verifier allows."""
    fixed = {it.name: it.fixed_log_height or 22 for it in CHIPS if it.is_table}
    fixed = {name: min(height, parameters.max_log_height) for name, height in fixed.items()}
    key = VerifyingKey(ZKVM, parameters, {ENTRY_PC: 0, IMAGE_END_WORD: 0}, fixed, bytes(32))
    heights = [fixed.get(name, ABSENT) for name in NAMES]
    for position in sorted(range(len(NAMES)), key=lambda it: -len(CHIPS[it].air.interactions)):
        for height in range(parameters.max_log_height, 4, -1):
            tried = [*heights[:position], height, *heights[position + 1 :]]
            try:
                Instance(key, tried)
            except OutOfRange:
                continue
            heights = tried
            break
    return Instance(key, heights)


@pytest.mark.parametrize("parameters", [FAST, SETTLEMENT])
def test_multiplicities_cannot_add_up_to_the_modulus(parameters: Parameters) -> None:
    """A tuple taken P times that nobody provides: all takes of a bus are fewer than P."""
    counts: Counter[str] = Counter()
    for table in largest(parameters).tables:
        for interaction in table.air.interactions:
            counts[interaction.bus.name] += table.height
    assert max(counts.values()) > P // 8, "the bound is near, so this says something"
    assert max(counts.values()) + VERIFIER_TERM_LIMIT < P


def test_buses_differ_in_every_fingerprint_and_tuples_have_one_length() -> None:
    """One identifier for two buses; and a tuple that ends in zero is one that ends before."""
    challenges = LookupChallenges(Extension([1, 2, 3, 4]), Extension([5, 6, 7, 8]))
    assert len({fingerprint(bus, (1, 2), challenges) for bus in ALL_BUSES}) == len(ALL_BUSES)
    assert fingerprint(REGISTER, (1,), challenges) == fingerprint(REGISTER, (1, 0), challenges)
    for chip in CHIPS:
        for interaction in chip.air.interactions:
            assert interaction.bus in ALL_BUSES
            assert len(interaction.values) == len(interaction.bus.fields)

    def constrain(air: AirBuilder) -> None:
        air.send(REGISTER, (1, 2, 3))

    with pytest.raises(ValueError, match="3 values for the fields"):
        compile_chip(ChipDefinition("short", {"a": 1}, constrain))
