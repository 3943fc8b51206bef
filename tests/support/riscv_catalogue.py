"""Programs that end well, for tests of the machine and of the prover: CATALOGUE by name.

Expected public values come from Python, never from a run of the machine.
"""

from dataclasses import dataclass

from proving.machine.elf import load_elf
from proving.machine.program import Program
from tests.support import riscv_assembled_programs as assembled
from tests.support import riscv_expected_values as expected
from tests.support.riscv_toolchain import committed_elf

SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@dataclass(frozen=True, slots=True)
class CataloguedProgram:
    """A program, what it is run on, and what it commits."""

    name: str
    elf: bytes
    input_bytes: bytes
    expected_public_values: tuple[int, ...]

    @property
    def program(self) -> Program:
        """The program, loaded."""
        return load_elf(self.elf)


def words(*values: int) -> bytes:
    """Little-endian words."""
    return b"".join((value & 0xFFFFFFFF).to_bytes(4, "little") for value in values)


def words_of(number: int, count: int) -> tuple[int, ...]:
    """Little-endian words of a number."""
    return tuple((number >> (32 * position)) & 0xFFFFFFFF for position in range(count))


def _compiled(
    name: str, values: list[int], input_bytes: bytes = b"", variant: str = ""
) -> CataloguedProgram:
    public_values = tuple(value & 0xFFFFFFFF for value in values)
    return CataloguedProgram(name + variant, committed_elf(name), input_bytes, public_values)


def _compiled_programs() -> list[CataloguedProgram]:
    text = b"Braid interleaves two chains"
    long_text = bytes(range(256)) + b"more than one block of the sponge"
    numbers = [5, -3, 2**31 - 1, -(2**31), 0, 7, 7, -1, 100, 42, -42, 13, 1, 2, 3, 99]
    a, b = 0xFEDCBA9876543210, 0x0000000123456789
    long_operands = words(*words_of(a, 2), *words_of(b, 2))
    base, modulus = 3**150, SECP256K1_ORDER
    return [
        _compiled("sha256", expected.sha256(text), text),
        _compiled("sha256", expected.sha256(b""), b"", " of nothing"),
        _compiled("quicksort", sorted(numbers), words(*numbers)),
        _compiled("primes", expected.primes(300)),
        _compiled("fibonacci", [144], words(12)),
        _compiled("hanoi", [63, 0, 6]),
        _compiled("strings", expected.strings(text), text),
        _compiled("long_arithmetic", expected.long_arithmetic(a, b), long_operands),
        _compiled(
            "long_arithmetic",
            expected.long_arithmetic(7, 2**64 - 2),
            words(7, 0, 0xFFFFFFFE, 0xFFFFFFFF),
            " with a negative divisor",
        ),
        _compiled("division", expected.division()),
        _compiled("matrix", expected.matrix_power()),
        _compiled("crc32", expected.crc32(text), text),
        _compiled("copying", expected.copying()),
        _compiled("keccak256", expected.keccak256(text), text),
        _compiled("keccak256", expected.keccak256(long_text), long_text, " of three blocks"),
        _compiled(
            "modular_power",
            list(words_of(pow(base, 65537, modulus), 8)),
            words(*words_of(base, 8), *words_of(modulus, 8), 65537),
        ),
        _compiled(
            "scalar_multiplication", expected.multiple_of_generator(0xC0FFEE), words(0xC0FFEE)
        ),
        _compiled("calculator", [(3 + 4) * 5 - max(9, 2), 1], b"34+5*92|-"),
        _compiled("collatz", expected.collatz(27), words(27)),
        _compiled("bits", expected.bits()),
        _compiled("greatest_divisor", [84, 84], words(84 * 55, 84 * 34)),
    ]


def _assembled_programs() -> list[CataloguedProgram]:
    return [
        CataloguedProgram(name, code.elf(), input_bytes, tuple(v & 0xFFFFFFFF for v in values))
        for name, (code, input_bytes, values) in assembled.programs().items()
    ]


CATALOGUE = {program.name: program for program in (*_assembled_programs(), *_compiled_programs())}
