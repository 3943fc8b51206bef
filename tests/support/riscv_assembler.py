"""A small RISC-V assembler: programs for tests without a toolchain.

Instructions are encoded from the tables of the RISC-V Instruction Set Manual, chapter "RV32/64G
Instruction Set Listings"; nothing here comes from the machine under test. Registers are numbers or
ABI names. Jumps and branches take a label or an offset in bytes.

    code = Assembler()
    code.li("a0", 5)
    code.label("loop")
    code.addi("a0", "a0", -1)
    code.bne("a0", "zero", "loop")
    code.halt()
    elf = code.elf()
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

Register = int | str
Target = int | str

ABI_NAMES = (
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4",
    "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4",
    "t5", "t6",
)  # fmt: skip
CODE_START = 0x1000
DATA_START = 0x8000

READABLE, EXECUTABLE, WRITABLE = 4, 1, 2

R_TYPE = {
    "add": (0x00, 0), "sub": (0x20, 0), "sll": (0x00, 1), "slt": (0x00, 2), "sltu": (0x00, 3),
    "xor": (0x00, 4), "srl": (0x00, 5), "sra": (0x20, 5), "or": (0x00, 6), "and": (0x00, 7),
    "mul": (0x01, 0), "mulh": (0x01, 1), "mulhsu": (0x01, 2), "mulhu": (0x01, 3),
    "div": (0x01, 4), "divu": (0x01, 5), "rem": (0x01, 6), "remu": (0x01, 7),
}  # fmt: skip
I_TYPE = {"addi": 0, "slti": 2, "sltiu": 3, "xori": 4, "ori": 6, "andi": 7}
SHIFT_TYPE = {"slli": (0x00, 1), "srli": (0x00, 5), "srai": (0x20, 5)}
LOAD_TYPE = {"lb": 0, "lh": 1, "lw": 2, "lbu": 4, "lhu": 5}
STORE_TYPE = {"sb": 0, "sh": 1, "sw": 2}
BRANCH_TYPE = {"beq": 0, "bne": 1, "blt": 4, "bge": 5, "bltu": 6, "bgeu": 7}


def number(register: Register) -> int:
    """Index of a register: 10, "x10" or "a0"."""
    if isinstance(register, int):
        return register
    return ABI_NAMES.index(register) if register in ABI_NAMES else int(register.removeprefix("x"))


def encode_r(name: str, rd: Register, rs1: Register, rs2: Register) -> int:
    funct7, funct3 = R_TYPE[name]
    return (
        funct7 << 25 | number(rs2) << 20 | number(rs1) << 15 | funct3 << 12 | number(rd) << 7 | 0x33
    )


def encode_i(name: str, rd: Register, rs1: Register, immediate: int) -> int:
    """addi … andi, slli … srai, lb … lhu, jalr."""
    opcode, funct3 = 0x13, 0
    if name in SHIFT_TYPE:
        funct7, funct3 = SHIFT_TYPE[name]
        assert 0 <= immediate < 32, "shift amount"
        immediate |= funct7 << 5
    elif name in LOAD_TYPE:
        opcode, funct3 = 0x03, LOAD_TYPE[name]
    elif name == "jalr":
        opcode = 0x67
    else:
        funct3 = I_TYPE[name]
    assert -2048 <= immediate < 2048, f"{name}: immediate {immediate}"
    return (immediate & 0xFFF) << 20 | number(rs1) << 15 | funct3 << 12 | number(rd) << 7 | opcode


def encode_s(name: str, rs2: Register, immediate: int, rs1: Register) -> int:
    assert -2048 <= immediate < 2048, f"{name}: immediate {immediate}"
    bits = immediate & 0xFFF
    return (
        (bits >> 5) << 25
        | number(rs2) << 20
        | number(rs1) << 15
        | STORE_TYPE[name] << 12
        | (bits & 31) << 7
        | 0x23
    )


def encode_b(name: str, rs1: Register, rs2: Register, offset: int) -> int:
    assert -4096 <= offset < 4096, f"{name}: offset {offset}"
    assert offset % 2 == 0, f"{name}: offset {offset}"
    return (
        ((offset >> 12) & 1) << 31
        | ((offset >> 5) & 0x3F) << 25
        | number(rs2) << 20
        | number(rs1) << 15
        | BRANCH_TYPE[name] << 12
        | ((offset >> 1) & 0xF) << 8
        | ((offset >> 11) & 1) << 7
        | 0x63
    )


def encode_u(name: str, rd: Register, upper: int) -> int:
    """`upper` is what the instruction has in its bits 12 to 31."""
    return (upper & 0xFFFFF) << 12 | number(rd) << 7 | {"lui": 0x37, "auipc": 0x17}[name]


def encode_j(rd: Register, offset: int) -> int:
    assert -(1 << 20) <= offset < 1 << 20, f"jal: offset {offset}"
    assert offset % 2 == 0, f"jal: offset {offset}"
    return (
        ((offset >> 20) & 1) << 31
        | ((offset >> 1) & 0x3FF) << 21
        | ((offset >> 11) & 1) << 20
        | ((offset >> 12) & 0xFF) << 12
        | number(rd) << 7
        | 0x6F
    )


ECALL, EBREAK, FENCE = 0x00000073, 0x00100073, 0x0FF0000F


@dataclass
class Assembler:
    """Collects instructions and labels; every mnemonic of RV32IM is a method."""

    start: int = CODE_START
    _words: list[int | Callable[[], int]] = field(default_factory=list)
    _labels: dict[str, int] = field(default_factory=dict)
    data: bytearray = field(default_factory=bytearray)

    @property
    def pc(self) -> int:
        """Address of the next instruction."""
        return self.start + 4 * len(self._words)

    def word(self, word: int) -> None:
        """Any 32 bits."""
        self._words.append(word)

    def label(self, name: str) -> None:
        """Name the address of the next instruction."""
        assert name not in self._labels, f"label {name} twice"
        self._labels[name] = self.pc

    def address_of(self, name: str) -> int:
        """Address that a label names; it has to be behind us."""
        return self._labels[name]

    def place(self, content: bytes, alignment: int = 4) -> int:
        """Put bytes into the data segment; returns their address."""
        self.data += bytes(-len(self.data) % alignment)
        address = DATA_START + len(self.data)
        self.data += content
        return address

    def __getattr__(self, name: str) -> Callable[..., None]:
        mnemonic = name.rstrip("_")  # and_, or_ are keywords of Python
        if mnemonic in R_TYPE:
            return lambda rd, rs1, rs2: self.word(encode_r(mnemonic, rd, rs1, rs2))
        if mnemonic in I_TYPE or mnemonic in SHIFT_TYPE:
            return lambda rd, rs1, immediate: self.word(encode_i(mnemonic, rd, rs1, immediate))
        if mnemonic in LOAD_TYPE or mnemonic == "jalr":
            return lambda rd, offset, rs1: self.word(encode_i(mnemonic, rd, rs1, offset))
        if mnemonic in STORE_TYPE:
            return lambda rs2, offset, rs1: self.word(encode_s(mnemonic, rs2, offset, rs1))
        if mnemonic in BRANCH_TYPE:
            return lambda rs1, rs2, target: self._to(
                target, lambda offset: encode_b(mnemonic, rs1, rs2, offset)
            )
        if mnemonic in ("lui", "auipc"):
            return lambda rd, upper: self.word(encode_u(mnemonic, rd, upper))
        raise AttributeError(name)

    def _to(self, target: Target, encode: Callable[[int], int]) -> None:
        here = self.pc
        if isinstance(target, int):
            self.word(encode(target))
        else:
            self._words.append(lambda: encode(self._labels[target] - here))

    def jal(self, rd: Register, target: Target) -> None:
        self._to(target, lambda offset: encode_j(rd, offset))

    # Pseudo-instructions

    def li(self, rd: Register, value: int) -> None:
        """Any 32-bit constant."""
        value &= 0xFFFFFFFF
        low = ((value & 0xFFF) ^ 0x800) - 0x800
        upper = ((value - low) >> 12) & 0xFFFFF
        if upper:
            self.word(encode_u("lui", rd, upper))
        if low or not upper:
            self.word(encode_i("addi", rd, rd if upper else 0, low))

    def mv(self, rd: Register, rs: Register) -> None:
        self.word(encode_i("addi", rd, rs, 0))

    def j(self, target: Target) -> None:
        self.jal(0, target)

    def call(self, target: Target) -> None:
        self.jal("ra", target)

    def ret(self) -> None:
        self.word(encode_i("jalr", 0, "ra", 0))

    def nop(self) -> None:
        self.word(encode_i("addi", 0, 0, 0))

    def ecall(self, call_number: int | None = None, **arguments: int) -> None:
        """Set a7 and the arguments (a0=…), where given, and call."""
        for register, value in arguments.items():
            self.li(register, value)
        if call_number is not None:
            self.li("a7", call_number)
        self.word(ECALL)

    def commit(self, index: int, register: Register) -> None:
        """Public value `index` is the register's value; changes a0, a1 and a7."""
        if number(register) != 11:
            self.mv("a1", register)
        self.ecall(1, a0=index)

    def halt(self, exit_code: int = 0) -> None:
        self.ecall(0, a0=exit_code)

    # Results

    def code(self) -> bytes:
        """The instructions, encoded."""
        words = [word if isinstance(word, int) else word() for word in self._words]
        return struct.pack(f"<{len(words)}I", *words)

    def elf(self) -> bytes:
        """An executable: execute-only code, and the data if there is any."""
        segments = [Segment(self.start, self.code(), EXECUTABLE)]
        if self.data:
            segments.append(Segment(DATA_START, bytes(self.data), READABLE | WRITABLE))
        return elf_file(self.start, segments)


@dataclass(frozen=True, slots=True)
class Segment:
    """A PT_LOAD segment; `memory_size` is the content's where it is not given."""

    address: int
    content: bytes
    flags: int
    memory_size: int | None = None


def elf_file(entry: int, segments: list[Segment], e_flags: int = 0) -> bytes:
    """A minimal ELF32 executable for RISC-V."""
    header_size, program_header_size = 52, 32
    offset = header_size + program_header_size * len(segments)
    header = struct.pack(
        "<16sHHIIIIIHHHHHH",
        b"\x7fELF\x01\x01\x01", 2, 243, 1, entry, header_size, 0, e_flags,
        header_size, program_header_size, len(segments), 0, 0, 0,
    )  # fmt: skip
    program_headers, contents = b"", b""
    for segment in segments:
        size = len(segment.content)
        memory_size = size if segment.memory_size is None else segment.memory_size
        program_headers += struct.pack(
            "<8I", 1, offset + len(contents), segment.address, segment.address,
            size, memory_size, segment.flags, 4,
        )  # fmt: skip
        contents += segment.content
    return header + program_headers + contents
