"""The buses between the chips. Each is a multiset whose sends and receives have to cancel."""

from proving.air.chip import Bus

EXECUTION = Bus(1, "execution", ("pc", "timestamp"))
"""The machine's state between two instructions: the chain of all steps, in order."""

PROGRAM = Bus(
    2,
    "program",
    ("pc", "opcode", "rd", "rs1", "rs2", "immediate_low", "immediate_high", "writes_rd"),
)
"""Decoded instructions; the program table provides them."""

REGISTER = Bus(3, "register", ("index", "low", "high", "timestamp"))
"""What a register holds since when. An access takes the old tuple and leaves the new one."""

MEMORY = Bus(4, "memory", ("word_address", "low", "high", "timestamp"))
"""The same for aligned 32-bit words of memory."""

RANGE = Bus(5, "range", ("value", "bits"))
"""value < 2^bits, for bits in 0..16."""

BYTE_AND = Bus(6, "byte and", ("left", "right", "conjunction"))
"""Bitwise AND of two bytes; proves too that both are bytes."""

PUBLIC = Bus(7, "public", ("index", "low", "high"))
"""Words that the guest commits; the verifier takes each of them once."""

SHIFT = Bus(8, "shift", ("amount", "power", "complementary_power"))
"""(j, 2^j, 2^(16 - j)) for j in 0..15."""

_KECCAK_STATE = ("timestamp", *(f"limb {position}" for position in range(100)))

KECCAK_INPUT = Bus(9, "keccak input", _KECCAK_STATE)
"""A state to permute, called by the time of the call."""

KECCAK_OUTPUT = Bus(10, "keccak output", _KECCAK_STATE)
"""The same state permuted, under the same name."""

ALL_BUSES = (
    EXECUTION,
    PROGRAM,
    REGISTER,
    MEMORY,
    RANGE,
    BYTE_AND,
    PUBLIC,
    SHIFT,
    KECCAK_INPUT,
    KECCAK_OUTPUT,
)
