"""A run's memory is mapped lazily and released when the run ends."""

import gc

import pytest

from proving.machine.elf import load_elf
from proving.machine.errors import NonZeroExitFault
from proving.machine.executor import execute, run_only
from proving.machine.state import Limits, MachineState, words_of_input
from tests.support.riscv_assembler import Assembler
from tests.support.riscv_catalogue import CATALOGUE


def machines_alive() -> int:
    return sum(isinstance(thing, MachineState) for thing in gc.get_objects())


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
def test_a_finished_run_releases_its_memory_without_the_collector():
    entry = CATALOGUE["keccak256"]
    for run in (execute, run_only):
        run(entry.program, entry.input_bytes)

    assert machines_alive() == 0


@pytest.mark.usefixtures("no_collector")
def test_so_does_a_run_that_ends_in_a_fault():
    code = Assembler()
    code.halt(1)
    with pytest.raises(NonZeroExitFault) as caught:
        execute(load_elf(code.elf()), b"")
    assert machines_alive() == 1
    del caught

    assert machines_alive() == 0


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", [0]),
        (b"\1", [1, 1]),
        (b"\1\2\3\4", [4, 0x04030201]),
        (b"\1\2\3\4\5", [5, 0x04030201, 5]),
    ],
)
def test_the_input_region_holds_the_length_then_the_bytes(content, expected):
    assert words_of_input(content, Limits()).tolist() == expected
