"""Programs of a few instructions: one for each kind of instruction, of access and of ecall."""

from coincurve import PrivateKey

from tests.support.riscv_assembler import R_TYPE, Assembler
from tests.support.riscv_expected_values import keccak256

MASK = 0xFFFFFFFF
Entry = tuple[Assembler, bytes, list[int]]
RAM = 0x100000


def programs() -> dict[str, Entry]:
    """(code, input, expected public values) by name."""
    return {
        "halt at once": _halt(),
        "no-operations": _no_operations(),
        "additions and subtractions": _add_sub(),
        "bitwise operations": _bitwise(),
        "comparisons": _comparisons(),
        "shifts": _shifts(),
        "products": _products(),
        "quotients and rests": _quotients(),
        "coinciding registers": _coincidences(),
        "writes to x0": _writes_to_zero(),
        "branches": _branches(),
        "jumps and links": _jumps(),
        "loads": _loads(),
        "stores": _stores(),
        "image, ram and input": _memory_regions(),
        "echo of the input": _echo(),
        "public values in descending order": _descending_commits(),
        "sixty-four public values": _all_commits(),
        "keccak-f of zeros": _keccak(),
        "product modulo a number": _mulmod(),
        "product with overlapping operands": _overlapping_mulmod(),
        "points added and doubled": _points(),
        "long loop": _long_loop(),
    }


def _halt() -> Entry:
    """One cycle: all registers are zero, and so are a7 and a0."""
    code = Assembler()
    code.ecall()
    return code, b"", []


def _no_operations() -> Entry:
    code = Assembler()
    for _ in range(4):
        code.nop()
        code.word(0x0FF0000F)
    code.halt()
    return code, b"", []


def _commit_all(code: Assembler, results: list[int]) -> list[int]:
    """Commit the words that the code has stored from RAM on."""
    code.li("s1", RAM)
    for index in range(len(results)):
        code.lw("a1", 4 * index, "s1")
        code.commit(index, "a1")
    code.halt()
    return results


def _operations(cases: list[tuple[str, int, int, int]]) -> Entry:
    """(mnemonic, left, right, result), on registers or with an immediate."""
    code = Assembler()
    code.li("s1", RAM)
    for index, (name, left, right, _) in enumerate(cases):
        code.li("t0", left)
        if name in R_TYPE:
            code.li("t1", right)
            getattr(code, f"{name}_")("t2", "t0", "t1")
        else:
            getattr(code, name)("t2", "t0", right)
        code.sw("t2", 4 * index, "s1")
    return code, b"", _commit_all(code, [result & MASK for *_, result in cases])


def _add_sub() -> Entry:
    return _operations(
        [
            ("add", 0xFFFF, 1, 0x10000),
            ("add", MASK, 1, 0),
            ("add", 0x80000000, 0x80000000, 0),
            ("sub", 0, 1, MASK),
            ("sub", 0x10000, 1, 0xFFFF),
            ("sub", 5, 5, 0),
            ("addi", 0x7FFFFFFF, 1, 0x80000000),
            ("addi", 0, -2048, -2048),
            ("addi", 0xFFFFF801, 2047, 0),
        ]
    )


def _bitwise() -> Entry:
    a, b = 0xF0F01234, 0x0FF0FFFF
    return _operations(
        [
            ("and", a, b, a & b),
            ("or", a, b, a | b),
            ("xor", a, b, a ^ b),
            ("andi", a, -16, a & ~15),
            ("ori", a, -1, MASK),
            ("xori", a, -1, ~a),
            ("andi", a, 0x7FF, a & 0x7FF),
        ]
    )


def _comparisons() -> Entry:
    return _operations(
        [
            ("slt", 0x80000000, 0x7FFFFFFF, 1),
            ("slt", 0x7FFFFFFF, 0x80000000, 0),
            ("slt", 3, 3, 0),
            ("sltu", 0x80000000, 0x7FFFFFFF, 0),
            ("sltu", 0, MASK, 1),
            ("sltu", 0x10000, 0xFFFF, 0),
            ("slti", MASK, 0, 1),
            ("slti", 0, -1, 0),
            ("sltiu", 0, -1, 1),
            ("sltiu", MASK, -1, 0),
        ]
    )


def _shifts() -> Entry:
    a = 0x89ABCDEF
    return _operations(
        [
            ("sll", a, 4, a << 4),
            ("sll", a, 33, a << 1),
            ("sll", a, 0, a),
            ("srl", a, 16, a >> 16),
            ("srl", a, 63, a >> 31),
            ("sra", a, 8, 0xFF89ABCD),
            ("sra", a, 31, MASK),
            ("sra", 0x70000000, 28, 7),
            ("slli", a, 31, 0x80000000),
            ("srli", a, 15, a >> 15),
            ("srai", a, 17, (a - (1 << 32)) >> 17),
            ("srai", a, 0, a),
        ]
    )


def _products() -> Entry:
    a, b = 0xFFFF8001, 0x89ABCDEF
    signed_a, signed_b = a - (1 << 32), b - (1 << 32)
    return _operations(
        [
            ("mul", a, b, a * b),
            ("mulh", a, b, (signed_a * signed_b) >> 32),
            ("mulhsu", a, b, (signed_a * b) >> 32),
            ("mulhu", a, b, (a * b) >> 32),
            ("mul", MASK, MASK, 1),
            ("mulhu", MASK, MASK, MASK - 1),
            ("mulh", 0x80000000, 0x80000000, 0x40000000),
            ("mulhsu", 0x80000000, MASK, (-(1 << 31) * MASK) >> 32),
            ("mulh", 0, b, 0),
        ]
    )


def _quotients() -> Entry:
    return _operations(
        [
            ("div", 7, -2 & MASK, -3),
            ("rem", 7, -2 & MASK, 1),
            ("div", -7 & MASK, 2, -3),
            ("rem", -7 & MASK, 2, -1),
            ("divu", MASK, 10, MASK // 10),
            ("remu", MASK, 10, MASK % 10),
            ("div", 0x80000000, MASK, 0x80000000),
            ("rem", 0x80000000, MASK, 0),
            ("div", 9, 0, MASK),
            ("divu", 9, 0, MASK),
            ("rem", 9, 0, 9),
            ("remu", 9, 0, 9),
            ("divu", 3, 0x80000000, 0),
            ("remu", 3, 0x80000000, 3),
        ]
    )


def _coincidences() -> Entry:
    """The destination is an operand, both operands are one register, or all three are."""
    code = Assembler()
    code.li("s2", 3)
    code.li("s3", 5)
    code.add("s2", "s2", "s3")  # 8
    code.sub("s3", "s2", "s3")  # 3
    code.mul("s4", "s2", "s2")  # 64
    code.add("s4", "s4", "s4")  # 128
    code.divu("s4", "s4", "s3")  # 42
    code.sltu("s5", "s4", "s4")  # 0
    code.xor("s6", "s4", "s4")  # 0
    code.sll("s3", "s3", "s3")  # 24
    for index, register in enumerate(("s2", "s3", "s4", "s5", "s6")):
        code.commit(index, register)
    code.halt()
    return code, b"", [8, 24, 42, 0, 0]


def _writes_to_zero() -> Entry:
    code = Assembler()
    address = code.place(b"\xff" * 4)
    code.li("t0", address)
    code.addi("zero", "t0", 5)
    code.lw("zero", 0, "t0")
    code.mul("zero", "t0", "t0")
    code.remu("zero", "t0", "t0")
    code.sra("zero", "t0", "t0")
    code.slt("zero", "zero", "t0")
    code.lui("zero", 0xFFFFF)
    code.jal("zero", 4)
    code.add("s2", "zero", "zero")
    code.commit(0, "s2")
    code.halt()
    return code, b"", [0]


def _branches() -> Entry:
    """Each branch taken and not taken: a bit of s2 for each that is taken."""
    cases = [
        ("beq", 4, 4), ("beq", 4, 0x10004), ("bne", 4, 0x10004), ("bne", 4, 4),
        ("blt", MASK, 0), ("blt", 0, MASK), ("bge", 0, MASK), ("bge", MASK, 0),
        ("bltu", 0, MASK), ("bltu", MASK, 0), ("bgeu", MASK, 0), ("bgeu", 0, MASK),
        ("bge", 6, 6), ("bgeu", 6, 6), ("blt", 6, 6), ("bltu", 6, 6),
    ]  # fmt: skip
    taken = [True, False] * 6 + [True, True, False, False]
    code = Assembler()
    for index, (name, left, right) in enumerate(cases):
        code.li("t0", left)
        code.li("t1", right)
        code.li("t2", 1 << index)
        getattr(code, name)("t0", "t1", f"taken {index}")
        code.li("t2", 0)
        code.label(f"taken {index}")
        code.or_("s2", "s2", "t2")
    code.commit(0, "s2")
    code.halt()
    return code, b"", [sum(1 << index for index, is_taken in enumerate(taken) if is_taken)]


def _jumps() -> Entry:
    """Calls by JAL and JALR; the links are committed."""
    code = Assembler()
    code.j("start")
    code.label("function")
    code.addi("s2", "s2", 1)
    code.ret()
    code.label("start")
    code.call("function")
    link = code.pc
    code.mv("s3", "ra")
    code.li("t0", code.address_of("function"))
    code.jalr("ra", 0, "t0")
    second_link = code.pc
    code.mv("s4", "ra")
    code.addi("t0", "t0", -5)
    code.jalr("ra", 6, "t0")  # to function + 1, whose lowest bit is dropped
    code.auipc("s5", 1)
    auipc = code.pc - 4 + 0x1000
    for index, register in enumerate(("s2", "s3", "s4", "s5")):
        code.commit(index, register)
    code.halt()
    return code, b"", [3, link, second_link, auipc]


def _loads() -> Entry:
    code = Assembler()
    address = code.place(bytes([0x80, 0x7F, 0xFF, 0x01, 0x34, 0xF2, 0x00, 0x90]))
    cases = [
        ("lb", 0, -128), ("lb", 1, 0x7F), ("lb", 2, -1), ("lb", 3, 1),
        ("lbu", 0, 0x80), ("lbu", 1, 0x7F), ("lbu", 2, 0xFF), ("lbu", 7, 0x90),
        ("lh", 0, 0x7F80), ("lh", 2, 0x01FF), ("lh", 4, 0xF234 - 65536), ("lh", 6, 0x9000 - 65536),
        ("lhu", 4, 0xF234), ("lhu", 6, 0x9000), ("lw", 0, 0x01FF7F80), ("lw", 4, 0x9000F234),
    ]  # fmt: skip
    code.li("s0", address)
    code.li("s1", RAM)
    for index, (name, offset, _) in enumerate(cases):
        getattr(code, name)("t0", offset, "s0")
        code.sw("t0", 4 * index, "s1")
    return code, b"", _commit_all(code, [value & MASK for *_, value in cases])


def _stores() -> Entry:
    code = Assembler()
    code.li("s1", RAM)
    code.li("t0", 0x11223344)
    for offset in range(4):
        code.sb("t0", 5 * offset, "s1")
    for offset in (20, 26):
        code.sh("t0", offset, "s1")
    code.sw("t0", 28, "s1")
    code.sb("zero", 29, "s1")
    code.sw("s1", 32, "s1")
    code.sh("zero", 32, "s1")
    return (
        code,
        b"",
        _commit_all(
            code,
            [0x44, 0x4400, 0x440000, 0x44000000, 0, 0x3344, 0x33440000, 0x11220044, RAM & ~0xFFFF],
        ),
    )


def _memory_regions() -> Entry:
    """Reads and writes where the program's data lie, in RAM beyond them, and in the input."""
    code = Assembler()
    address = code.place(bytes(range(1, 9)))
    code.li("s0", address)
    code.li("s1", 0x0FFFFFFC)  # the last word of RAM
    code.li("s2", 0x40000000)
    code.lw("s3", 4, "s0")
    code.sw("s3", 0, "s1")
    code.lw("s4", -4, "s1")
    code.lw("s5", 0, "s1")
    code.lw("s6", 0, "s2")
    code.lw("s7", 4, "s2")
    code.sw("s6", 4, "s2")
    code.lw("s8", 4, "s2")
    code.lw("s9", 64, "s2")
    code.sw("zero", 0, "s0")
    code.lw("s10", 0, "s0")
    for index, register in enumerate(("s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10")):
        code.commit(index, register)
    code.halt()
    return code, b"abcdef", [0x08070605, 0, 0x08070605, 6, 0x64636261, 6, 0, 0]


def _echo() -> Entry:
    code = Assembler()
    code.li("s0", 0x40000000)
    code.lw("s1", 0, "s0")
    code.srli("s1", "s1", 2)
    code.li("s2", 0)
    code.li("a7", 1)
    code.label("loop")
    code.beq("s2", "s1", "end")
    code.addi("s0", "s0", 4)
    code.mv("a0", "s2")
    code.lw("a1", 0, "s0")
    code.ecall()
    code.addi("s2", "s2", 1)
    code.j("loop")
    code.label("end")
    code.halt()
    values = [0, MASK, 0x80000000, 0xFFFF, 0x10000, 12345]
    return code, b"".join(value.to_bytes(4, "little") for value in values), values


def _descending_commits() -> Entry:
    code = Assembler()
    for index in (3, 2, 1, 0):
        code.li("a1", 10 * index)
        code.commit(index, "a1")
    code.halt()
    return code, b"", [0, 10, 20, 30]


def _all_commits() -> Entry:
    code = Assembler()
    for index in range(64):
        code.li("a1", index * index)
        code.commit(index, "a1")
    code.halt()
    return code, b"", [index * index for index in range(64)]


def _keccak() -> Entry:
    """The permutation of Keccak-256's only block for an empty message."""
    code = Assembler()
    code.li("s0", RAM)
    code.li("t0", 1)
    code.sb("t0", 0, "s0")
    code.li("t0", 0x80)
    code.sb("t0", 135, "s0")
    code.ecall(2, a0=RAM)
    for index in range(8):
        code.lw("a1", 4 * index, "s0")
        code.commit(index, "a1")
    code.halt()
    return code, b"", keccak256(b"")


def _commit_number(code: Assembler, address: int, word_count: int) -> None:
    code.li("s0", address)
    for index in range(word_count):
        code.lw("a1", 4 * index, "s0")
        code.commit(index, "a1")


def _words(number: int, count: int) -> list[int]:
    return [(number >> (32 * position)) & MASK for position in range(count)]


def _mulmod() -> Entry:
    a, b, modulus = (1 << 256) - 1, (1 << 256) - 189, (1 << 256) - (1 << 32) - 977
    code = Assembler()
    addresses = [code.place(number.to_bytes(32, "little")) for number in (a, b, modulus)]
    code.ecall(3, a0=RAM, a1=addresses[0], a2=addresses[1], a3=addresses[2])
    _commit_number(code, RAM, 8)
    code.halt()
    return code, b"", _words(a * b % modulus, 8)


def _overlapping_mulmod() -> Entry:
    """All four pointers are the same: a · a mod a = 0. Then numbers that share words."""
    content = bytes(range(1, 37))
    number, shifted_number = (int.from_bytes(content[i : i + 32], "little") for i in (0, 4))
    code = Assembler()
    same = code.place((7**80).to_bytes(32, "little"))
    start = code.place(content)
    code.ecall(3, a0=same, a1=same, a2=same, a3=same)
    code.li("s1", same)
    for position in range(8):
        code.lw("t0", 4 * position, "s1")
        code.or_("s3", "s3", "t0")
    code.ecall(3, a0=start, a1=start, a2=start, a3=start + 4)
    _commit_number(code, start, 9)
    code.commit(9, "s3")
    code.halt()
    result = number * number % shifted_number
    last_word = int.from_bytes(content[32:], "little")
    return code, b"", [*_words(result, 8), last_word, 0]


def _points() -> Entry:
    """2 G, then 2 G + G, against libsecp256k1."""

    def point(k: int) -> bytes:
        encoded = PrivateKey.from_int(k).public_key.format(compressed=False)[1:]
        return encoded[:32][::-1] + encoded[32:][::-1]

    code = Assembler()
    generator, copy = code.place(point(1)), code.place(point(1))
    code.ecall(5, a0=copy)
    code.ecall(4, a0=copy, a1=generator)
    code.ecall(5, a0=copy)
    _commit_number(code, copy, 16)
    code.halt()
    return code, b"", _words(int.from_bytes(point(6), "little"), 16)


def _long_loop() -> Entry:
    """About 5,000 cycles of most instruction classes."""
    rounds = 350
    code = Assembler()
    code.li("s0", rounds)
    code.li("s1", RAM)
    code.li("s2", 1)
    code.label("loop")
    code.mul("s2", "s2", "s0")
    code.xor("s2", "s2", "s0")
    code.srli("t0", "s2", 7)
    code.add("s2", "s2", "t0")
    code.andi("t1", "s2", 0x7C)
    code.add("t1", "t1", "s1")
    code.sw("s2", 0, "t1")
    code.lbu("t2", 1, "t1")
    code.remu("t3", "s2", "s0")
    code.add("s3", "s3", "t3")
    code.add("s3", "s3", "t2")
    code.addi("s0", "s0", -1)
    code.bne("s0", "zero", "loop")
    code.commit(0, "s3")
    code.halt()

    value, total = 1, 0
    for count in range(rounds, 0, -1):
        value = ((value * count) & MASK) ^ count
        value = (value + (value >> 7)) & MASK
        total += value % count + ((value >> 8) & 0xFF)
    return code, b"", [total & MASK]
