"""Every program of the catalogue, run and laid out: all constraints hold, all buses balance."""

import subprocess
import sys
from collections import Counter

import pytest

from proving.chips.buses import ALL_BUSES
from proving.chips.registry import CHIP_BY_NAME, CHIPS
from proving.field.koalabear import P
from proving.machine.elf import load_elf
from proving.machine.executor import execute
from proving.machine.instructions import Chip
from proving.parameters import KNOWN_PARAMETERS
from proving.traces.assembly import assemble, parameters, preprocessed
from tests.integration.proving.whole_machine import rejections
from tests.support.riscv_assembler import (
    CODE_START,
    EXECUTABLE,
    READABLE,
    WRITABLE,
    Assembler,
    Segment,
    elf_file,
)
from tests.support.riscv_catalogue import CATALOGUE, CataloguedProgram

MAXIMUM_LOG_HEIGHT = max(known.max_log_height for known in KNOWN_PARAMETERS.values())


@pytest.mark.parametrize("catalogued", CATALOGUE.values(), ids=CATALOGUE)
def test_a_program_of_the_catalogue_is_accepted(catalogued: CataloguedProgram) -> None:
    execution = execute(catalogued.program, catalogued.input_bytes)
    assert execution.public_values == catalogued.expected_public_values
    assert rejections(execution) == set()


def test_a_run_leaves_out_the_chips_that_it_does_not_use() -> None:
    code = Assembler()
    code.halt()
    used = {"add_sub", "halt"}
    assert list(assemble(execute(load_elf(code.elf()), b""))) == [
        chip.name for chip in CHIPS if chip.is_table or chip.name in used
    ]


def test_a_store_into_the_code_changes_memory_and_not_the_program() -> None:
    code = Assembler()
    overwritten_at = CODE_START + 5 * 4
    code.li("s0", overwritten_at)
    code.li("t1", 0x12345678)
    code.sw("t1", 0, "s0")
    assert code.pc == overwritten_at
    code.addi("t0", "zero", 1)
    code.lw("t2", 0, "s0")
    code.commit(0, "t0")
    code.commit(1, "t2")
    code.halt()
    flags = READABLE | WRITABLE | EXECUTABLE
    elf = elf_file(CODE_START, [Segment(CODE_START, code.code(), flags)])
    execution = execute(load_elf(elf), b"")
    assert execution.public_values == (1, 0x12345678)
    assert rejections(execution) == set()


def test_the_catalogue_uses_every_chip_in_the_shape_that_the_registry_says() -> None:
    used: set[str] = set()
    for catalogued in CATALOGUE.values():
        program = catalogued.program
        traces = assemble(execute(program, catalogued.input_bytes))
        fixed = preprocessed(program)
        assert fixed.keys() == {chip.name for chip in CHIPS if chip.is_table}
        assert traces.keys() >= fixed.keys()
        for name, matrix in traces.items():
            chip = CHIP_BY_NAME[name]
            width, height = matrix.shape
            assert width == chip.air.main_width
            assert height.bit_count() == 1
            assert height >= 32
            assert chip.fixed_log_height in (None, height.bit_length() - 1)
            if chip.is_table:
                assert fixed[name].shape == (chip.air.preprocessed_width, height)
        used |= traces.keys()
    assert used == {chip.name for chip in CHIPS}


def test_the_image_s_end_is_a_parameter_of_the_program() -> None:
    program = CATALOGUE["sha256"].program
    assert parameters(program) == {"image_end_word": program.image_end_word}
    assert program.image_end_word == int(program.image.word_addresses[-1]) + 1


def test_names_of_chips_are_distinct_and_those_of_the_records_are_among_them() -> None:
    names = [chip.name for chip in CHIPS]
    assert len(set(names)) == len(names)
    assert {chip.value for chip in Chip} - set(names) == {"load_store"}


def test_a_full_proof_has_fewer_tuples_on_each_bus_than_the_field_has_elements() -> None:
    """So no multiplicity, and no number of lookups of one tuple, adds up to zero modulo P."""
    tuples: Counter[str] = Counter()
    for chip in CHIPS:
        log_height = chip.fixed_log_height or chip.max_log_height or MAXIMUM_LOG_HEIGHT
        for interaction in chip.air.interactions:
            tuples[interaction.bus.name] += 1 << log_height
    assert tuples.keys() == {bus.name for bus in ALL_BUSES}
    assert max(tuples.values()) < P // 2


def test_the_verifier_s_side_imports_no_array_library() -> None:
    script = (
        "import sys; import proving.chips.registry, proving.chips.public; "
        "print([name for name in ('numpy', 'jax', 'numba') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
