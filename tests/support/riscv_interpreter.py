"""An independent RV32IM machine in plain Python, straight from the manual.

Source: The RISC-V Instruction Set Manual, volume I, unprivileged ISA: chapters RV32I, "M", and the
listings of encodings. The ecalls follow the machine's description in docs. Slow and simple; it
shares no code with `proving.machine` and reads ELF files in its own way.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

P = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F
INPUT, INPUT_LIMIT = 0x4000_0000, 0x8000_0000


class Trap(Exception):
    """The run ended without success; `kind` is a word for the reason."""

    def __init__(self, kind: str, pc: int) -> None:
        super().__init__(f"{kind} at {pc:#x}")
        self.kind = kind
        self.pc = pc


def signed(value: int, bits: int = 32) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value & (1 << (bits - 1)) else value


def unsigned(value: int) -> int:
    return value & 0xFFFFFFFF


def field_of(word: int, high: int, low: int) -> int:
    """Bits high..low of an instruction, as the manual writes them."""
    return (word >> low) & ((1 << (high - low + 1)) - 1)


def divide(a: int, b: int) -> int:
    """Rounded towards zero."""
    quotient = abs(a) // abs(b)
    return quotient if (a >= 0) == (b >= 0) else -quotient


def div(a: int, b: int) -> int:
    return -1 if b == 0 else divide(signed(a), signed(b))


def rem(a: int, b: int) -> int:
    return a if b == 0 else signed(a) - divide(signed(a), signed(b)) * signed(b)


OPERATIONS: dict[tuple[int, int], Callable[[int, int], int]] = {
    (0, 0): lambda a, b: a + b,
    (32, 0): lambda a, b: a - b,
    (0, 1): lambda a, b: a << (b % 32),
    (0, 2): lambda a, b: int(signed(a) < signed(b)),
    (0, 3): lambda a, b: int(a < b),
    (0, 4): lambda a, b: a ^ b,
    (0, 5): lambda a, b: a >> (b % 32),
    (32, 5): lambda a, b: signed(a) >> (b % 32),
    (0, 6): lambda a, b: a | b,
    (0, 7): lambda a, b: a & b,
    (1, 0): lambda a, b: a * b,
    (1, 1): lambda a, b: (signed(a) * signed(b)) >> 32,
    (1, 2): lambda a, b: (signed(a) * b) >> 32,
    (1, 3): lambda a, b: (a * b) >> 32,
    (1, 4): div,
    (1, 5): lambda a, b: 0xFFFFFFFF if b == 0 else a // b,
    (1, 6): rem,
    (1, 7): lambda a, b: a if b == 0 else a % b,
}
BRANCHES: dict[int, Callable[[int, int], bool]] = {
    0: lambda a, b: a == b,
    1: lambda a, b: a != b,
    4: lambda a, b: signed(a) < signed(b),
    5: lambda a, b: signed(a) >= signed(b),
    6: lambda a, b: a < b,
    7: lambda a, b: a >= b,
}


def keccak_f(lanes: list[int]) -> list[int]:
    """FIPS 202, section 3.3, step by step on the state array A[x][y]."""
    state = [[lanes[x + 5 * y] for y in range(5)] for x in range(5)]

    def rotate(lane: int, bits: int) -> int:
        bits %= 64
        return ((lane << bits) | (lane >> (64 - bits))) & (2**64 - 1)

    def round_bit(t: int) -> int:
        bits = [1, 0, 0, 0, 0, 0, 0, 0]
        for _ in range(t % 255):
            bits = [0, *bits]
            for position in (0, 4, 5, 6):
                bits[position] ^= bits[8]
            bits = bits[:8]
        return bits[0]

    for round_index in range(24):
        parity = [
            state[x][0] ^ state[x][1] ^ state[x][2] ^ state[x][3] ^ state[x][4] for x in range(5)
        ]
        theta = [parity[(x - 1) % 5] ^ rotate(parity[(x + 1) % 5], 1) for x in range(5)]
        state = [[state[x][y] ^ theta[x] for y in range(5)] for x in range(5)]
        rho = [column[:] for column in state]
        x, y = 1, 0
        for t in range(24):
            rho[x][y] = rotate(state[x][y], (t + 1) * (t + 2) // 2)
            x, y = y, (2 * x + 3 * y) % 5
        pi = [[rho[(x + 3 * y) % 5][x] for y in range(5)] for x in range(5)]
        state = [
            [pi[x][y] ^ (~pi[(x + 1) % 5][y] & pi[(x + 2) % 5][y]) for y in range(5)]
            for x in range(5)
        ]
        for j in range(7):
            state[0][0] ^= round_bit(j + 7 * round_index) << (2**j - 1)
    return [state[x][y] for y in range(5) for x in range(5)]


@dataclass
class Interpreter:
    """One run. Memory is a dictionary of bytes; what was never written is 0.

    `data` and `code` hold the bytes of readable and executable segments; data below `image_end`
    exists only where `mapped` says so.
    """

    pc: int
    data: dict[int, int]
    code: dict[int, int]
    mapped: set[int]
    image_end: int
    ram_limit: int = 256 << 20
    registers: list[int] = field(default_factory=lambda: [0] * 32)
    public_values: dict[int, int] = field(default_factory=dict)
    cycles: int = 0
    has_halted: bool = False

    @classmethod
    def of_elf(cls, elf: bytes, input_bytes: bytes = b"") -> "Interpreter":
        """Load an executable and an input."""
        entry, headers, count = (
            struct.unpack_from("<I", elf, 24)[0],
            struct.unpack_from("<I", elf, 28)[0],
            struct.unpack_from("<H", elf, 44)[0],
        )
        data: dict[int, int] = {}
        code: dict[int, int] = {}
        extents = []
        file_end = 0
        for index in range(count):
            kind, offset, address, _, file_size, memory_size, flags, _ = struct.unpack_from(
                "<8I", elf, headers + 32 * index
            )
            if kind != 1:
                continue
            content = dict(enumerate(elf[offset : offset + file_size], start=address))
            if flags & 1:
                code |= content
            if flags & 4:
                data |= content
                extents.append((address, address + memory_size))
                if file_size:
                    file_end = max(file_end, address + file_size)
        image_end = -(-file_end // 4) * 4
        mapped = {
            word
            for start, end in extents
            for word in range(start // 4 * 4, min(-(-end // 4) * 4, image_end), 4)
        }
        region = struct.pack("<I", len(input_bytes)) + input_bytes
        data |= dict(enumerate(region, start=INPUT))
        return cls(entry, data, code, mapped, image_end)

    # MEMORY

    def check(self, address: int, size: int) -> None:
        if address % size:
            raise Trap("misaligned", self.pc)
        if address >= INPUT_LIMIT:
            raise Trap("unmapped", self.pc)
        if address < self.image_end and address // 4 * 4 not in self.mapped:
            raise Trap("unmapped", self.pc)
        if self.ram_limit <= address < INPUT:
            raise Trap("memory", self.pc)

    def read(self, address: int, size: int) -> int:
        self.check(address, size)
        return sum(self.data.get(address + i, 0) << (8 * i) for i in range(size))

    def write(self, address: int, size: int, value: int) -> None:
        self.check(address, size)
        for i in range(size):
            self.data[address + i] = (value >> (8 * i)) & 0xFF

    def read_number(self, address: int, word_count: int) -> int:
        return sum(self.read(address + 4 * i, 4) << (32 * i) for i in range(word_count))

    def write_number(self, address: int, word_count: int, value: int) -> None:
        for i in range(word_count):
            self.write(address + 4 * i, 4, value >> (32 * i))

    # EXECUTION

    def run(self, cycle_limit: int = 10_000_000) -> "Interpreter":
        while not self.has_halted:
            if self.cycles >= cycle_limit:
                raise Trap("cycles", self.pc)
            self.step()
        return self

    def step(self) -> None:
        """One instruction."""
        pc = self.pc
        if any(pc + i not in self.code for i in range(4)):
            raise Trap("illegal", pc)
        word = sum(self.code[pc + i] << (8 * i) for i in range(4))
        rd, rs1, rs2 = field_of(word, 11, 7), field_of(word, 19, 15), field_of(word, 24, 20)
        funct3, funct7 = field_of(word, 14, 12), field_of(word, 31, 25)
        a, b = self.registers[rs1], self.registers[rs2]
        i_immediate = signed(field_of(word, 31, 20), 12)
        result: int | None = None
        target = pc + 4

        match field_of(word, 6, 0):
            case 0b0110111:
                result = word & 0xFFFFF000
            case 0b0010111:
                result = pc + (word & 0xFFFFF000)
            case 0b1101111:
                offset = (
                    field_of(word, 31, 31) << 20
                    | field_of(word, 19, 12) << 12
                    | field_of(word, 20, 20) << 11
                    | field_of(word, 30, 21) << 1
                )
                result, target = pc + 4, unsigned(pc + signed(offset, 21))
            case 0b1100111 if funct3 == 0:
                result, target = pc + 4, unsigned(a + i_immediate) & 0xFFFFFFFE
            case 0b1100011 if funct3 in BRANCHES:
                offset = (
                    field_of(word, 31, 31) << 12
                    | field_of(word, 7, 7) << 11
                    | field_of(word, 30, 25) << 5
                    | field_of(word, 11, 8) << 1
                )
                if BRANCHES[funct3](a, b):
                    target = unsigned(pc + signed(offset, 13))
            case 0b0000011 if funct3 in (0, 1, 2, 4, 5):
                size = 1 << (funct3 % 4)
                value = self.read(unsigned(a + i_immediate), size)
                result = value if funct3 >= 4 else signed(value, 8 * size)
            case 0b0100011 if funct3 in (0, 1, 2):
                offset = signed(field_of(word, 31, 25) << 5 | field_of(word, 11, 7), 12)
                self.write(unsigned(a + offset), 1 << funct3, b)
            case 0b0010011 if funct3 not in (1, 5):
                result = OPERATIONS[0, funct3](a, unsigned(i_immediate))
            case 0b0010011 if (funct7, funct3) in ((0, 1), (0, 5), (32, 5)):
                result = OPERATIONS[funct7, funct3](a, rs2)
            case 0b0110011 if (funct7, funct3) in OPERATIONS:
                result = OPERATIONS[funct7, funct3](a, b)
            case 0b0001111 if funct3 == 0:
                pass
            case 0b1110011 if word == 0x73:
                self.ecall()
            case _:
                raise Trap("illegal", pc)

        if target % 4:
            raise Trap("misaligned", pc)
        if result is not None and rd != 0:
            self.registers[rd] = unsigned(result)
        self.pc = target
        self.cycles += 1

    def ecall(self) -> None:
        a0, a1, a2, a3 = self.registers[10:14]
        match self.registers[17]:
            case 0:
                if a0 != 0:
                    raise Trap("exit", self.pc)
                if sorted(self.public_values) != list(range(len(self.public_values))):
                    raise Trap("argument", self.pc)
                self.has_halted = True
            case 1:
                if a0 >= 64 or a0 in self.public_values:
                    raise Trap("argument", self.pc)
                self.public_values[a0] = a1
            case 2:
                state = self.read_number(a0, 50)
                lanes = keccak_f([(state >> (64 * i)) & (2**64 - 1) for i in range(25)])
                self.write_number(a0, 50, sum(lane << (64 * i) for i, lane in enumerate(lanes)))
            case 3:
                a, b, modulus = (self.read_number(pointer, 8) for pointer in (a1, a2, a3))
                if modulus == 0:
                    raise Trap("argument", self.pc)
                self.write_number(a0, 8, a * b % modulus)
            case 4 | 5 as call:
                x1, y1 = self.read_number(a0, 8), self.read_number(a0 + 32, 8)
                x2, y2 = x1, y1
                if call == 4:
                    x2, y2 = self.read_number(a1, 8), self.read_number(a1 + 32, 8)
                if max(x1, y1, x2, y2) >= P:
                    raise Trap("argument", self.pc)
                rise, run = (3 * x1**2, 2 * y1) if call == 5 else (y2 - y1, x2 - x1)
                if run == 0:
                    raise Trap("argument", self.pc)
                slope = rise * pow(run, P - 2, P)
                x3 = (slope**2 - x1 - x2) % P
                self.write_number(a0, 8, x3)
                self.write_number(a0 + 32, 8, (slope * (x1 - x3) - y1) % P)
            case _:
                raise Trap("ecall", self.pc)

    def words(self) -> dict[int, int]:
        """Memory by word address; words that are 0 are left out."""
        addresses = {address // 4 for address in self.data}
        words = {
            w: sum(self.data.get(4 * w + i, 0) << (8 * i) for i in range(4)) for w in addresses
        }
        return {word: value for word, value in words.items() if value}
