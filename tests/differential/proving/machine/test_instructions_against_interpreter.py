"""Every RV32IM instruction, on edge and random operands, against the independent interpreter."""

import random
from collections.abc import Callable

import pytest

from proving.machine.execution import Execution
from tests.support.machine_comparison import run_on_both
from tests.support.riscv_assembler import (
    BRANCH_TYPE,
    I_TYPE,
    LOAD_TYPE,
    R_TYPE,
    SHIFT_TYPE,
    STORE_TYPE,
    Assembler,
    encode_b,
    encode_i,
    encode_r,
)

EDGES = [
    0, 1, 2, 31, 32, 33, 0x7FF, 0x800, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0x80000001,
    0xAAAAAAAA, 0xFFFF0000, 0xFFFFFFFE, 0xFFFFFFFF,
]  # fmt: skip
IMMEDIATES = [0, 1, -1, 2, 31, 0x7FF, -0x800, -0x7FF, 0x555, -0x556]
COINCIDENCES = [
    ("a0", "a1", "a2"), ("a0", "a0", "a1"), ("a0", "a1", "a0"), ("a0", "a1", "a1"),
    ("a0", "a0", "a0"), ("zero", "a0", "a1"), ("a0", "zero", "a1"), ("a0", "a1", "zero"),
    ("zero", "zero", "a0"), ("a0", "zero", "zero"), ("zero", "zero", "zero"), ("zero", "a0", "a0"),
]  # fmt: skip


def pairs(seed: int) -> list[tuple[int, int]]:
    """All pairs of edges, and random ones."""
    generator = random.Random(seed)
    return [(a, b) for a in EDGES for b in EDGES] + [
        (generator.getrandbits(32), generator.getrandbits(32)) for _ in range(100)
    ]


def run(write: Callable[[Assembler], None]) -> Execution:
    code = Assembler()
    write(code)
    code.halt()
    execution = run_on_both(code.elf())
    assert isinstance(execution, Execution)
    return execution


@pytest.mark.parametrize("name", R_TYPE)
def test_an_operation_on_registers_computes_what_the_manual_says(name):
    def write(code: Assembler) -> None:
        code.li("s1", 0x20000)
        for a, b in pairs(seed=R_TYPE[name][1]):
            code.li("t0", a)
            code.li("t1", b)
            code.word(encode_r(name, "t2", "t0", "t1"))
            code.sw("t2", 0, "s1")
            code.addi("s1", "s1", 4)

    run(write)


@pytest.mark.parametrize("name", R_TYPE)
def test_an_operation_on_coinciding_registers(name):
    def write(code: Assembler) -> None:
        for rd, rs1, rs2 in COINCIDENCES:
            code.li("a0", 0x80000001)
            code.li("a1", 0xFFFFFFFD)
            code.li("a2", 0x12345)
            code.word(encode_r(name, rd, rs1, rs2))
            code.xor("s2", "s2", "a0")
            code.add("s3", "s3", "s2")

    run(write)


@pytest.mark.parametrize("name", [*I_TYPE, *SHIFT_TYPE])
def test_an_operation_on_an_immediate(name):
    immediates = range(32) if name in SHIFT_TYPE else IMMEDIATES

    def write(code: Assembler) -> None:
        for a in EDGES:
            for immediate in immediates:
                code.li("t0", a)
                code.word(encode_i(name, "t1", "t0", immediate))
                code.word(encode_i(name, "t0", "t0", immediate))
                code.word(encode_i(name, "zero", "t0", immediate))
                code.word(encode_i(name, "t2", "zero", immediate))
                code.xor("s2", "s2", "t1")
                code.add("s3", "s3", "s2")

    run(write)


@pytest.mark.parametrize("upper", [0, 1, 0x7FFFF, 0x80000, 0xFFFFF, 0x12345])
def test_upper_immediates(upper):
    def write(code: Assembler) -> None:
        code.nop()
        code.lui("a1", upper)
        code.auipc("a2", upper)
        code.lui("zero", upper)
        code.auipc("zero", upper)

    run(write)


@pytest.mark.parametrize("name", BRANCH_TYPE)
def test_a_branch_is_taken_when_the_manual_says(name):
    def write(code: Assembler) -> None:
        for position, (a, b) in enumerate(pairs(seed=7)):
            code.li("t0", a)
            code.li("t1", b)
            code.word(encode_b(name, "t0", "t1", 8))
            code.addi("s2", "s2", 1)
            code.word(encode_b(name, "t1", "t1", 8))
            code.addi("s2", "s2", 2)
            code.xor("s3", "s3", "s2")
            code.addi("s3", "s3", position)

    run(write)


def test_branches_and_jumps_go_backwards():
    def write(code: Assembler) -> None:
        code.li("t0", 5)
        code.j("test")
        code.label("body")
        code.addi("t0", "t0", -1)
        code.call("function")
        code.label("test")
        code.bne("t0", "zero", "body")
        code.j("end")
        code.label("function")
        code.add("s2", "s2", "t0")
        code.ret()
        code.label("end")

    assert run(write).registers_final[18, 0] == 4 + 3 + 2 + 1


@pytest.mark.parametrize(("rd", "rs1"), [("ra", "t0"), ("t0", "t0"), ("zero", "t0")])
@pytest.mark.parametrize("lowest_bit", [0, 1])
def test_an_indirect_jump_clears_the_lowest_bit_and_links(rd, rs1, lowest_bit):
    def write(code: Assembler) -> None:
        code.auipc("t0", 0)
        code.jalr(rd, 12 + lowest_bit, rs1)
        code.addi("s2", "s2", 1)
        code.addi("s3", "s3", 1)

    execution = run(write)
    assert execution.registers_final[18, 0] == 0
    assert execution.registers_final[19, 0] == 1


@pytest.mark.parametrize("name", LOAD_TYPE)
def test_a_load_at_every_offset_finds_its_bytes_or_is_misaligned(name):
    size = {0: 1, 1: 2, 2: 4}[LOAD_TYPE[name] % 4]
    for offset in range(8):
        code = Assembler()
        address = code.place(bytes([0x80, 0x7F, 0xFF, 0x01, 0xFE, 0x80, 0x00, 0xC3]))
        code.li("t0", address + 16)
        code.word(encode_i(name, "t1", "t0", offset - 16))
        code.word(encode_i(name, "zero", "t0", offset - 16))
        code.word(encode_i(name, "t0", "t0", offset - 16))
        code.halt()
        assert isinstance(run_on_both(code.elf()), Execution) == (offset % size == 0)


@pytest.mark.parametrize("name", STORE_TYPE)
@pytest.mark.parametrize("place", ["image", "ram", "input"])
def test_a_store_at_every_offset_changes_its_bytes_or_is_misaligned(name, place):
    size = 1 << STORE_TYPE[name]
    for offset in range(8):
        code = Assembler()
        address = code.place(bytes(range(1, 9)))
        code.li("t0", {"image": address, "ram": 0x100000, "input": 0x40000004}[place])
        code.li("t1", 0x89ABCDEF)
        getattr(code, name)("t1", offset, "t0")
        code.lw("t2", 0, "t0")
        code.lw("t3", 4, "t0")
        code.halt()
        execution = run_on_both(code.elf(), bytes(range(100, 110)))
        assert isinstance(execution, Execution) == (offset % size == 0)


def test_the_base_of_a_store_may_be_what_is_stored():
    def write(code: Assembler) -> None:
        code.li("t0", 0x20000)
        code.sw("t0", 4, "t0")
        code.lw("t0", 4, "t0")
        code.lw("t0", 4, "t0")
        code.sw("zero", -4, "t0")

    run(write)


def test_a_fence_does_nothing():
    def write(code: Assembler) -> None:
        code.word(0x0FF0000F)
        code.word(0x0000000F)

    assert run(write).cycles == 2 + 3
