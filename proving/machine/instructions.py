"""Opcodes of the machine, and the decoder from RV32IM words to normalised instructions.

Normalised means that chips see few forms: LUI and AUIPC are additions of a finished constant to
x0, branches and JAL hold their absolute target, FENCE is an addition to x0, and an instruction
whose destination is x0 writes no register.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from proving.machine.layout import CODE_END

IMMEDIATE_FLAG = 64
"""Added to the opcode's number in the program table where the second operand is the immediate."""

WORD_MASK = 0xFFFFFFFF
LIMB_MASK = 0xFFFF
LIMB_BITS = 16


class Opcode(IntEnum):
    """Number of each operation; the immediate form is a flag of its own."""

    ADD = 1
    SUB = 2
    AND = 3
    OR = 4
    XOR = 5
    SLT = 6
    SLTU = 7
    SLL = 8
    SRL = 9
    SRA = 10
    BEQ = 11
    BNE = 12
    BLT = 13
    BGE = 14
    BLTU = 15
    BGEU = 16
    JAL = 17
    JALR = 18
    LB = 19
    LH = 20
    LW = 21
    LBU = 22
    LHU = 23
    SB = 24
    SH = 25
    SW = 26
    MUL = 27
    MULH = 28
    MULHSU = 29
    MULHU = 30
    DIV = 31
    DIVU = 32
    REM = 33
    REMU = 34
    ECALL = 35


class Chip(StrEnum):
    """Names of the chips that take records; the last five share the opcode ECALL."""

    ADD_SUB = "add_sub"
    BITWISE = "bitwise"
    LESS_THAN = "less_than"
    SHIFT = "shift"
    BRANCH = "branch"
    JUMP = "jump"
    LOAD_STORE = "load_store"
    MULTIPLY = "multiply"
    DIVIDE = "divide"
    HALT = "halt"
    COMMIT = "commit"
    KECCAK = "keccak"
    MULMOD = "mulmod"
    SECP256K1 = "secp256k1"


OPCODES_OF_CHIP: dict[Chip, tuple[Opcode, ...]] = {
    Chip.ADD_SUB: (Opcode.ADD, Opcode.SUB),
    Chip.BITWISE: (Opcode.AND, Opcode.OR, Opcode.XOR),
    Chip.LESS_THAN: (Opcode.SLT, Opcode.SLTU),
    Chip.SHIFT: (Opcode.SLL, Opcode.SRL, Opcode.SRA),
    Chip.BRANCH: (Opcode.BEQ, Opcode.BNE, Opcode.BLT, Opcode.BGE, Opcode.BLTU, Opcode.BGEU),
    Chip.JUMP: (Opcode.JAL, Opcode.JALR),
    Chip.LOAD_STORE: (
        Opcode.LB,
        Opcode.LH,
        Opcode.LW,
        Opcode.LBU,
        Opcode.LHU,
        Opcode.SB,
        Opcode.SH,
        Opcode.SW,
    ),
    Chip.MULTIPLY: (Opcode.MUL, Opcode.MULH, Opcode.MULHSU, Opcode.MULHU),
    Chip.DIVIDE: (Opcode.DIV, Opcode.DIVU, Opcode.REM, Opcode.REMU),
}
"""Every opcode but ECALL, whose chip is chosen by a7."""

CHIP_OF_OPCODE = {opcode: chip for chip, opcodes in OPCODES_OF_CHIP.items() for opcode in opcodes}
INSTRUCTION_CHIPS = tuple(OPCODES_OF_CHIP)
_HAVE_TARGET = frozenset({*OPCODES_OF_CHIP[Chip.BRANCH], Opcode.JAL})


@dataclass(frozen=True, slots=True)
class Instruction:
    """One normalised instruction.

    Attributes
    ----------
    immediate
        32 bits, sign-extended. For branches and JAL the absolute target, or CODE_END where that
        is not below CODE_END: no program has an instruction there.
    uses_immediate
        The second operand of an operation that has both forms is the immediate. Not set for
        loads, stores, branches and jumps, which have one form only.
    """

    pc: int
    opcode: Opcode
    rd: int = 0
    rs1: int = 0
    rs2: int = 0
    immediate: int = 0
    uses_immediate: bool = False

    @property
    def writes_rd(self) -> bool:
        """Whether a register takes the result."""
        return self.rd != 0

    @property
    def opcode_number(self) -> int:
        """Opcode as the program table has it."""
        return self.opcode + IMMEDIATE_FLAG * self.uses_immediate

    @property
    def immediate_limbs(self) -> tuple[int, int]:
        """(low, high) as the program table has them; a target stays whole, in low."""
        if self.opcode in _HAVE_TARGET:
            return self.immediate, 0
        return self.immediate & LIMB_MASK, self.immediate >> LIMB_BITS


@dataclass(frozen=True, slots=True)
class IllegalInstruction:
    """A word that is no instruction of the machine: a fault when it is reached."""

    pc: int
    word: int


_ECALL_WORD = 0x73

_BRANCHES = {
    0: Opcode.BEQ,
    1: Opcode.BNE,
    4: Opcode.BLT,
    5: Opcode.BGE,
    6: Opcode.BLTU,
    7: Opcode.BGEU,
}
_LOADS = {0: Opcode.LB, 1: Opcode.LH, 2: Opcode.LW, 4: Opcode.LBU, 5: Opcode.LHU}
_STORES = {0: Opcode.SB, 1: Opcode.SH, 2: Opcode.SW}
_IMMEDIATE_OPERATIONS = {
    0: Opcode.ADD,
    2: Opcode.SLT,
    3: Opcode.SLTU,
    4: Opcode.XOR,
    6: Opcode.OR,
    7: Opcode.AND,
}
_SHIFTS = {(1, 0x00): Opcode.SLL, (5, 0x00): Opcode.SRL, (5, 0x20): Opcode.SRA}
_REGISTER_OPERATIONS = {
    **{(funct3, 0x00): opcode for funct3, opcode in _IMMEDIATE_OPERATIONS.items()},
    **_SHIFTS,
    (0, 0x20): Opcode.SUB,
    (0, 0x01): Opcode.MUL,
    (1, 0x01): Opcode.MULH,
    (2, 0x01): Opcode.MULHSU,
    (3, 0x01): Opcode.MULHU,
    (4, 0x01): Opcode.DIV,
    (5, 0x01): Opcode.DIVU,
    (6, 0x01): Opcode.REM,
    (7, 0x01): Opcode.REMU,
}


def decode(word: int, pc: int) -> Instruction | IllegalInstruction:
    """Decode one 32-bit word that lies at byte address `pc`.

    Source: The RISC-V Instruction Set Manual, volume I, chapters RV32I and "M".
    """
    rd, funct3, rs1, rs2, funct7 = (
        (word >> 7) & 31,
        (word >> 12) & 7,
        (word >> 15) & 31,
        (word >> 20) & 31,
        word >> 25,
    )
    if word == _ECALL_WORD:
        return Instruction(pc, Opcode.ECALL)
    match word & 0x7F:
        case 0x37:  # LUI
            return _constant(pc, rd, word & 0xFFFFF000)
        case 0x17:  # AUIPC
            return _constant(pc, rd, pc + (word & 0xFFFFF000))
        case 0x6F:  # JAL
            return Instruction(pc, Opcode.JAL, rd=rd, immediate=_target(pc, _jump_offset(word)))
        case 0x67 if funct3 == 0:  # JALR
            immediate = _signed_immediate(word)
            return Instruction(pc, Opcode.JALR, rd=rd, rs1=rs1, immediate=immediate)
        case 0x63 if funct3 in _BRANCHES:  # BRANCH
            target = _target(pc, _branch_offset(word))
            return Instruction(pc, _BRANCHES[funct3], rs1=rs1, rs2=rs2, immediate=target)
        case 0x03 if funct3 in _LOADS:  # LOAD
            immediate = _signed_immediate(word)
            return Instruction(pc, _LOADS[funct3], rd=rd, rs1=rs1, immediate=immediate)
        case 0x23 if funct3 in _STORES:  # STORE
            immediate = _sign_extend(funct7 << 5 | rd, 12)
            return Instruction(pc, _STORES[funct3], rs1=rs1, rs2=rs2, immediate=immediate)
        case 0x13 if funct3 in _IMMEDIATE_OPERATIONS:  # OP-IMM
            opcode, immediate = _IMMEDIATE_OPERATIONS[funct3], _signed_immediate(word)
            return Instruction(pc, opcode, rd, rs1, immediate=immediate, uses_immediate=True)
        case 0x13 if (funct3, funct7) in _SHIFTS:  # OP-IMM, shifts
            opcode = _SHIFTS[funct3, funct7]
            return Instruction(pc, opcode, rd, rs1, immediate=rs2, uses_immediate=True)
        case 0x33 if (funct3, funct7) in _REGISTER_OPERATIONS:  # OP
            return Instruction(pc, _REGISTER_OPERATIONS[funct3, funct7], rd, rs1, rs2)
        case 0x0F if funct3 == 0:  # FENCE
            return _constant(pc, 0, 0)
        case _:
            return IllegalInstruction(pc, word)


def _constant(pc: int, rd: int, value: int) -> Instruction:
    return Instruction(pc, Opcode.ADD, rd=rd, immediate=value & WORD_MASK, uses_immediate=True)


def _target(pc: int, offset: int) -> int:
    return min((pc + offset) & WORD_MASK, CODE_END)


def _signed_immediate(word: int) -> int:
    return _sign_extend(word >> 20, 12)


def _sign_extend(value: int, bits: int) -> int:
    """As a 32-bit word."""
    sign = 1 << (bits - 1)
    return ((value ^ sign) - sign) & WORD_MASK


def _jump_offset(word: int) -> int:
    offset = (
        (word >> 31) << 20
        | ((word >> 12) & 0xFF) << 12
        | ((word >> 20) & 1) << 11
        | ((word >> 21) & 0x3FF) << 1
    )
    return _sign_extend(offset, 21)


def _branch_offset(word: int) -> int:
    offset = (
        (word >> 31) << 12
        | ((word >> 7) & 1) << 11
        | ((word >> 25) & 0x3F) << 5
        | ((word >> 8) & 0xF) << 1
    )
    return _sign_extend(offset, 13)
