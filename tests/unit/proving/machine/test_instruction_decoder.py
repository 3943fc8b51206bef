"""Words are decoded to normalised instructions; everything that is no RV32IM is illegal."""

import random

import pytest

from proving.machine.instructions import (
    CHIP_OF_OPCODE,
    IMMEDIATE_FLAG,
    IllegalInstruction,
    Instruction,
    Opcode,
    decode,
)
from proving.machine.layout import CODE_END
from tests.support.riscv_assembler import (
    BRANCH_TYPE,
    I_TYPE,
    LOAD_TYPE,
    R_TYPE,
    SHIFT_TYPE,
    STORE_TYPE,
    encode_b,
    encode_i,
    encode_j,
    encode_r,
    encode_s,
    encode_u,
)

PC = 0x1000
IMMEDIATE_FORMS = {
    "addi": "ADD", "slti": "SLT", "sltiu": "SLTU", "xori": "XOR", "ori": "OR", "andi": "AND",
    "slli": "SLL", "srli": "SRL", "srai": "SRA",
}  # fmt: skip


@pytest.mark.parametrize("name", R_TYPE)
def test_operations_on_registers(name):
    expected = Instruction(PC, Opcode[name.upper()], rd=1, rs1=2, rs2=31)

    assert decode(encode_r(name, 1, 2, 31), PC) == expected


@pytest.mark.parametrize("name", [*I_TYPE, *SHIFT_TYPE])
def test_operations_on_an_immediate_carry_the_flag(name):
    immediate = 31 if name in SHIFT_TYPE else -5
    decoded = decode(encode_i(name, 3, 4, immediate), PC)
    opcode = Opcode[IMMEDIATE_FORMS[name]]

    assert decoded == Instruction(
        PC, opcode, rd=3, rs1=4, immediate=immediate & 0xFFFFFFFF, uses_immediate=True
    )
    assert decoded.opcode_number == opcode + IMMEDIATE_FLAG


@pytest.mark.parametrize("name", [*LOAD_TYPE, "jalr"])
def test_loads_and_indirect_jumps_have_a_signed_offset_but_no_flag(name):
    decoded = decode(encode_i(name, 3, 4, -2048), PC)

    assert decoded == Instruction(PC, Opcode[name.upper()], rd=3, rs1=4, immediate=0xFFFFF800)
    assert decoded.opcode_number == decoded.opcode
    assert decoded.immediate_limbs == (0xF800, 0xFFFF)


@pytest.mark.parametrize("name", STORE_TYPE)
@pytest.mark.parametrize("offset", [-2048, -1, 0, 2047])
def test_stores_have_two_sources_and_write_no_register(name, offset):
    decoded = decode(encode_s(name, 5, offset, 6), PC)

    assert decoded == Instruction(
        PC, Opcode[name.upper()], rs1=6, rs2=5, immediate=offset & 0xFFFFFFFF
    )
    assert not decoded.writes_rd


@pytest.mark.parametrize("name", BRANCH_TYPE)
@pytest.mark.parametrize("offset", [-4096, -2, 4, 4094])
def test_branches_hold_their_absolute_target(name, offset):
    decoded = decode(encode_b(name, 7, 8, offset), 0x10000)

    target = 0x10000 + offset
    assert decoded == Instruction(0x10000, Opcode[name.upper()], rs1=7, rs2=8, immediate=target)
    assert decoded.immediate_limbs == (target, 0)


@pytest.mark.parametrize("offset", [-(1 << 20), -4, 2, 2048, (1 << 20) - 2])
def test_a_jump_holds_its_absolute_target(offset):
    pc = 1 << 21

    decoded = decode(encode_j(9, offset), pc)

    assert decoded == Instruction(pc, Opcode.JAL, rd=9, immediate=pc + offset)


@pytest.mark.parametrize(("pc", "offset"), [(0, -4), (CODE_END - 4, 4), (CODE_END - 4, 4094)])
def test_a_target_outside_of_the_code_is_where_no_instruction_can_be(pc, offset):
    decoded = decode(encode_b("beq", 1, 2, offset), pc)

    assert isinstance(decoded, Instruction)
    assert decoded.immediate == CODE_END


@pytest.mark.parametrize("upper", [0, 1, 0x80000, 0xFFFFF])
def test_upper_immediates_become_additions_of_a_finished_constant_to_x0(upper):
    pc = 0x12344
    lui, auipc = (decode(encode_u(name, 10, upper), pc) for name in ("lui", "auipc"))
    constant = upper << 12

    assert lui == Instruction(pc, Opcode.ADD, rd=10, immediate=constant, uses_immediate=True)
    assert auipc == Instruction(
        pc, Opcode.ADD, rd=10, immediate=(pc + constant) & 0xFFFFFFFF, uses_immediate=True
    )


def test_a_fence_becomes_an_addition_that_writes_nothing():
    assert decode(0x0FF0000F, PC) == Instruction(PC, Opcode.ADD, uses_immediate=True)


def test_an_instruction_whose_destination_is_x0_writes_no_register():
    written, unwritten = (decode(encode_r("mul", rd, 1, 2), PC) for rd in (1, 0))

    assert isinstance(written, Instruction)
    assert isinstance(unwritten, Instruction)
    assert (written.writes_rd, unwritten.writes_rd) == (True, False)


def test_random_words_are_instructions_that_the_assembler_encodes_to_them_or_illegal():
    generator = random.Random(3)
    kinds = {True: 0, False: 0}
    for _ in range(20_000):
        word = generator.getrandbits(32) | 3
        is_illegal = isinstance(decode(word, PC), IllegalInstruction)
        kinds[is_illegal] += 1
        if not is_illegal:
            assert word in encodings(word)
    assert min(kinds.values()) > 1000


def encodings(word: int) -> set[int]:
    """All words that the assembler makes of the registers and immediates in the word's fields."""
    rd, rs1, rs2 = (word >> 7) & 31, (word >> 15) & 31, (word >> 20) & 31
    signed = (word >> 20) - 4096 if word >> 31 else word >> 20
    store = signed & ~31 | rd
    branch = (-(word >> 31) << 12) | (rd & 1) << 11 | (store & 0x7FE)
    jump = (
        (-(word >> 31) << 20)
        | ((word >> 12) & 0xFF) << 12
        | ((word >> 20) & 1) << 11
        | ((word >> 21) & 0x3FF) << 1
    )
    fence = {word} if word & 0x707F == 0x0F else set()
    return {
        *(encode_r(name, rd, rs1, rs2) for name in R_TYPE),
        *(encode_i(name, rd, rs1, signed) for name in (*I_TYPE, *LOAD_TYPE, "jalr")),
        *(encode_i(name, rd, rs1, rs2) for name in SHIFT_TYPE),
        *(encode_s(name, rs2, store, rs1) for name in STORE_TYPE),
        *(encode_b(name, rs1, rs2, branch) for name in BRANCH_TYPE),
        *(encode_u(name, rd, word >> 12) for name in ("lui", "auipc")),
        encode_j(rd, jump),
        *fence,
    }


def test_every_opcode_but_the_ecall_belongs_to_one_chip():
    assert set(CHIP_OF_OPCODE) == set(Opcode) - {Opcode.ECALL}
    assert sorted(Opcode) == list(range(1, len(Opcode) + 1))
    assert max(Opcode) < IMMEDIATE_FLAG
