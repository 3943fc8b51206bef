"""C programs as a RISC-V gcc compiles them, at each level of optimisation, on both machines."""

import pytest

from proving.machine.execution import Execution
from tests.support.machine_comparison import run_on_both
from tests.support.riscv_catalogue import CATALOGUE
from tests.support.riscv_toolchain import compile_program, has_compiler, source_names

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not has_compiler(), reason="gcc-riscv64-unknown-elf is not installed"),
]


@pytest.mark.parametrize("optimisation", ["-O0", "-O1", "-O2", "-O3", "-Os"])
@pytest.mark.parametrize("name", source_names())
def test_a_compiled_program_commits_the_expected_values(name, optimisation):
    elf = compile_program(name, optimisation)
    for entry in CATALOGUE.values():
        if entry.name.split(" ")[0] != name:
            continue
        execution = run_on_both(elf, entry.input_bytes)
        assert isinstance(execution, Execution)
        assert execution.public_values == entry.expected_public_values


def test_every_source_is_in_the_catalogue():
    assert {name.split(" ")[0] for name in CATALOGUE} >= set(source_names())
