"""Seeded random programs that end: straight lines, forward branches, calls, loops and memory."""

import random

from tests.support.riscv_assembler import (
    BRANCH_TYPE,
    I_TYPE,
    LOAD_TYPE,
    R_TYPE,
    SHIFT_TYPE,
    STORE_TYPE,
    Assembler,
    encode_i,
    encode_r,
)

FREE_REGISTERS = range(5, 32)
"""x1 to x4 hold what the program must not lose: link, loop counter, memory, the other memory."""
COUNTER, MEMORY, IMAGE = 2, 3, 4
BLOCK_COUNT = 12
MEMORY_BYTES = 64
CODE_STARTS_AFTER_DATA = 0x20000


def random_program(seed: int) -> bytes:
    """An ELF file: a loop over blocks of random instructions, and a halt."""
    generator = random.Random(seed)
    code = Assembler(start=CODE_STARTS_AFTER_DATA)
    image = code.place(generator.randbytes(MEMORY_BYTES))
    for register in FREE_REGISTERS:
        code.li(register, generator.choice([0, 1, 0xFFFFFFFF, 1 << 31, generator.getrandbits(32)]))
    code.li(MEMORY, 0x100000)
    code.li(IMAGE, image)
    code.li(COUNTER, generator.randrange(1, 4))
    code.label("block 0")
    for block in range(BLOCK_COUNT):
        for _ in range(generator.randrange(3, 12)):
            _instruction(code, generator)
        target = generator.randrange(block + 1, BLOCK_COUNT + 1)
        branch = generator.choice(list(BRANCH_TYPE))
        one, other = (generator.choice(FREE_REGISTERS) for _ in range(2))
        getattr(code, branch)(one, other, f"block {target}")
        if generator.random() < 0.2:
            code.call(f"block {block + 1}")
        code.label(f"block {block + 1}")
    code.addi(COUNTER, COUNTER, -1)
    code.beq(COUNTER, "zero", "end")
    code.j("block 0")
    code.label("end")
    code.commit(0, generator.choice(FREE_REGISTERS))
    code.halt()
    return code.elf()


def _instruction(code: Assembler, generator: random.Random) -> None:
    rd = generator.choice((0, *FREE_REGISTERS))
    rs1, rs2 = (generator.choice((0, *FREE_REGISTERS)) for _ in range(2))
    match generator.randrange(6):
        case 0 | 1:
            code.word(encode_r(generator.choice(list(R_TYPE)), rd, rs1, rs2))
        case 2:
            name = generator.choice(list(I_TYPE))
            code.word(encode_i(name, rd, rs1, generator.randrange(-2048, 2048)))
        case 3:
            name = generator.choice(list(SHIFT_TYPE))
            code.word(encode_i(name, rd, rs1, generator.randrange(32)))
        case 4:
            name = generator.choice(list(LOAD_TYPE))
            getattr(code, name)(rd, _offset(name, generator), generator.choice((MEMORY, IMAGE)))
        case _:
            name = generator.choice(list(STORE_TYPE))
            getattr(code, name)(rs2, _offset(name, generator), generator.choice((MEMORY, IMAGE)))


def _offset(name: str, generator: random.Random) -> int:
    size = {"b": 1, "h": 2, "w": 4}[name[1]]
    return generator.randrange(0, MEMORY_BYTES, size)
