"""Every way in which a run fails is a typed error with pc, cycle and address; none succeeds."""

from collections.abc import Callable

import pytest

from proving.machine.elf import load_elf
from proving.machine.errors import (
    CycleLimitFault,
    EcallArgumentFault,
    Fault,
    IllegalInstructionFault,
    InputTooLongError,
    InvalidLimitsError,
    MisalignedAccessFault,
    MisalignedJumpFault,
    NonZeroExitFault,
    OutOfMemoryFault,
    UnknownEcallFault,
    UnmappedAddressFault,
)
from proving.machine.execution import Execution
from proving.machine.executor import Limits, execute, run_only
from proving.machine.layout import MAXIMUM_CYCLES, SECP256K1_FIELD_MODULUS
from tests.support.machine_comparison import run_on_both
from tests.support.riscv_assembler import (
    CODE_START,
    DATA_START,
    EBREAK,
    EXECUTABLE,
    READABLE,
    Assembler,
    Segment,
    elf_file,
)

RAM = 0x100000
Write = Callable[[Assembler], None]


def outcome(write: Write) -> Execution | Fault:
    """How a program ends on both machines, with an image of 8 bytes at DATA_START."""
    code = Assembler()
    code.place(bytes(8))
    write(code)
    code.halt()
    return run_on_both(code.elf())


def load_from(address: int) -> Write:
    def write(code: Assembler) -> None:
        code.li("t0", address)
        code.lw("t1", 0, "t0")

    return write


def store_to(address: int) -> Write:
    def write(code: Assembler) -> None:
        code.li("t0", address)
        code.sw("t0", 0, "t0")

    return write


@pytest.mark.parametrize("access", [load_from, store_to])
@pytest.mark.parametrize(
    "address", [DATA_START, DATA_START + 4, DATA_START + 8, RAM, 0x0FFFFFFC, 0x40000000, 0x4FFFFFFC]
)
def test_memory_of_the_machine_is_accessible(access, address):
    assert isinstance(outcome(access(address)), Execution)


@pytest.mark.parametrize("access", [load_from, store_to])
@pytest.mark.parametrize("address", [0, 4, CODE_START, DATA_START - 4, 0x80000000, 0xFFFFFFFC])
def test_unmapped_memory_is_not(access, address):
    fault = outcome(access(address))

    assert isinstance(fault, UnmappedAddressFault)
    assert fault.address == address


@pytest.mark.parametrize("access", [load_from, store_to])
@pytest.mark.parametrize("address", [0x10000000, 0x3FFFFFFC])
def test_ram_beyond_the_limit_is_out_of_memory(access, address):
    fault = outcome(access(address))

    assert isinstance(fault, OutOfMemoryFault)
    assert fault.address == address


def test_the_input_region_ends_with_the_limit():
    code = Assembler()
    load_from(0x40000010)(code)
    code.halt()
    program = load_elf(code.elf())

    assert execute(program, b"", Limits(input_bytes=20)).cycles == 3 + 3
    with pytest.raises(OutOfMemoryFault):
        execute(program, b"", Limits(input_bytes=16))


@pytest.mark.parametrize("name", ["lh", "lhu", "sh", "lw", "sw"])
@pytest.mark.parametrize("offset", [1, 2, 3])
def test_a_misaligned_access_is_a_fault(name, offset):
    is_aligned = offset == 2 and name in ("lh", "lhu", "sh")

    def write(code: Assembler) -> None:
        code.li("t0", RAM)
        getattr(code, name)("t1", offset, "t0")

    end = outcome(write)

    assert isinstance(end, Execution if is_aligned else MisalignedAccessFault)


def test_a_fault_says_where_and_when():
    def write(code: Assembler) -> None:
        code.nop()
        code.nop()
        code.li("t0", 0x80000000)
        code.lw("t1", 4, "t0")

    fault = outcome(write)

    assert isinstance(fault, UnmappedAddressFault)
    assert (fault.pc, fault.cycle, fault.address) == (CODE_START + 12, 3, 0x80000004)


@pytest.mark.parametrize(
    "word",
    [
        0,
        0xFFFFFFFF,
        EBREAK,
        0x30200073,  # mret
        0x0000100F,  # fence.i
        0xC00022F3,  # rdcycle
        0x0000302F,  # an atomic of RV64
        0x02001013 | 1 << 25,  # slli by 32
        0x40001013,  # slli with srai's bit
        0x00003003,  # ld
        0x00003023,  # sd
        0x00002063,  # branch of an unknown kind
        0x40007033,  # and with sub's bit
        0x00001067,  # jalr of an unknown kind
        0x00000001,  # a compressed nop
        0x00000173,  # ecall with a destination
    ],
)
def test_a_word_that_is_no_instruction_faults_when_it_is_reached(word):
    def write(code: Assembler) -> None:
        code.nop()
        code.word(word)

    fault = outcome(write)

    assert isinstance(fault, IllegalInstructionFault)
    assert (fault.pc, fault.cycle) == (CODE_START + 4, 1)


def test_a_word_that_is_no_instruction_may_lie_in_the_code():
    def write(code: Assembler) -> None:
        code.j("after")
        code.word(0xFFFFFFFF)
        code.label("after")

    assert isinstance(outcome(write), Execution)


@pytest.mark.parametrize("target", [0, DATA_START, 0x3FFFFFFC, 0x40000000, 0x80000000, 0xFFFFFFFC])
def test_a_jump_to_where_no_code_is_faults_at_its_target(target):
    def write(code: Assembler) -> None:
        code.li("t0", target)
        code.jalr("ra", 0, "t0")

    fault = outcome(write)

    assert isinstance(fault, IllegalInstructionFault)
    assert fault.pc == target


def test_running_off_the_end_of_the_code_is_a_fault():
    code = Assembler()
    code.nop()

    fault = run_on_both(code.elf())

    assert isinstance(fault, IllegalInstructionFault)
    assert fault.pc == CODE_START + 4


def test_a_taken_branch_below_zero_finds_no_code():
    code = Assembler(start=0)
    code.beq("zero", "zero", -8)

    with pytest.raises(IllegalInstructionFault):
        execute(load_elf(code.elf()), b"")


@pytest.mark.parametrize(
    "write",
    [
        lambda code: code.jal("ra", 6),
        lambda code: code.beq("zero", "zero", 6),
        lambda code: (code.li("t0", CODE_START + 2), code.jalr("ra", 0, "t0")),
        lambda code: (code.li("t0", CODE_START), code.jalr("zero", 3, "t0")),
    ],
)
def test_a_jump_to_a_misaligned_address_faults_at_the_jump(write):
    fault = outcome(write)

    assert isinstance(fault, MisalignedJumpFault)
    assert fault.target % 4 == 2


def test_a_branch_to_a_misaligned_address_that_is_not_taken_is_none():
    assert isinstance(outcome(lambda code: code.bne("zero", "zero", 6)), Execution)


@pytest.mark.parametrize("exit_code", [1, 2, 0x80000000, 0xFFFFFFFF])
def test_a_non_zero_exit_is_a_fault(exit_code):
    fault = outcome(lambda code: code.halt(exit_code))

    assert isinstance(fault, NonZeroExitFault)
    assert fault.exit_code == exit_code


@pytest.mark.parametrize("number", [6, 93, 0x10000, 0xFFFFFFFF])
def test_an_unknown_ecall_is_a_fault(number):
    fault = outcome(lambda code: code.ecall(number))

    assert isinstance(fault, UnknownEcallFault)
    assert fault.number == number


@pytest.mark.parametrize(
    "indices", [[0, 0], [64], [0xFFFFFFFF], [1], [0, 2], [0, 1, 1], [63]], ids=str
)
def test_public_values_are_committed_once_each_and_without_gaps(indices):
    def write(code: Assembler) -> None:
        for index in indices:
            code.commit(index, "zero")

    assert isinstance(outcome(write), EcallArgumentFault)


ECALL_ARGUMENTS = {
    2: [RAM],
    3: [RAM, RAM + 64, RAM + 128, RAM + 192],
    4: [RAM, RAM + 64],
    5: [RAM],
}


def call(number: int, arguments: list[int], words: dict[int, int]) -> Write:
    """An ecall whose pointers lead to memory that holds `words`, by address."""

    def write(code: Assembler) -> None:
        for address, word in words.items():
            code.li("t0", address)
            code.li("t1", word)
            code.sw("t1", 0, "t0")
        code.ecall(number, **{f"a{index}": value for index, value in enumerate(arguments)})

    return write


VALID_WORDS = {RAM: 5, RAM + 32: 6, RAM + 64: 7, RAM + 96: 8, RAM + 192: 9}


@pytest.mark.parametrize("number", ECALL_ARGUMENTS)
def test_an_accelerator_with_proper_arguments_runs(number):
    assert isinstance(outcome(call(number, ECALL_ARGUMENTS[number], VALID_WORDS)), Execution)


@pytest.mark.parametrize(
    ("number", "argument"),
    [(number, index) for number, given in ECALL_ARGUMENTS.items() for index in range(len(given))],
)
@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        (RAM + 2, MisalignedAccessFault),
        (RAM + 1, MisalignedAccessFault),
        (0, UnmappedAddressFault),
        (DATA_START - 4, UnmappedAddressFault),
        (0x7FFFFFFC, OutOfMemoryFault),
        (0xFFFFFFFC, UnmappedAddressFault),
        (0x0FFFFFFC, OutOfMemoryFault),
        (0x3FFFFFFC, OutOfMemoryFault),
        (0x4FFFFFFC, OutOfMemoryFault),
    ],
)
def test_an_accelerators_pointers_have_to_lead_to_memory(number, argument, pointer, expected):
    arguments = ECALL_ARGUMENTS[number].copy()
    arguments[argument] = pointer
    code = Assembler()
    code.place(bytes(8))
    call(number, arguments, VALID_WORDS)(code)
    code.halt()

    with pytest.raises(expected):
        execute(load_elf(code.elf()), b"")


def number_at(address: int, value: int) -> dict[int, int]:
    return {address + 4 * i: (value >> (32 * i)) & 0xFFFFFFFF for i in range(8)}


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (3, {RAM: 1}),  # modulus 0
        (4, {RAM: 5, RAM + 32: 6, RAM + 64: 5, RAM + 96: 8}),  # the same x
        (4, number_at(RAM, SECP256K1_FIELD_MODULUS)),
        (4, number_at(RAM + 32, SECP256K1_FIELD_MODULUS) | {RAM: 1}),
        (4, number_at(RAM + 64, SECP256K1_FIELD_MODULUS) | {RAM: 1}),
        (4, number_at(RAM + 96, SECP256K1_FIELD_MODULUS + 1) | {RAM: 1}),
        (5, {RAM: 5}),  # y = 0
        (5, number_at(RAM, SECP256K1_FIELD_MODULUS) | {RAM + 32: 1}),
        (5, number_at(RAM + 32, (1 << 256) - 1) | {RAM: 1}),
    ],
)
def test_numbers_that_an_accelerator_does_not_take_are_a_fault(number, words):
    end = outcome(call(number, ECALL_ARGUMENTS[number], words))

    assert isinstance(end, EcallArgumentFault)


def test_coordinates_just_below_the_modulus_are_accepted():
    words = number_at(RAM, SECP256K1_FIELD_MODULUS - 1) | number_at(
        RAM + 32, SECP256K1_FIELD_MODULUS - 1
    )

    assert isinstance(outcome(call(5, ECALL_ARGUMENTS[5], words)), Execution)


@pytest.mark.parametrize("run", [execute, run_only])
def test_the_cycle_limit_is_the_number_of_instructions(run):
    code = Assembler()
    code.nop()
    code.ecall()
    program = load_elf(code.elf())

    assert run(program, b"", Limits(cycles=2)).cycles == 2
    with pytest.raises(CycleLimitFault) as caught:
        run(program, b"", Limits(cycles=1))
    assert (caught.value.pc, caught.value.cycle) == (CODE_START + 4, 1)


def test_an_endless_loop_ends_at_the_limit():
    code = Assembler()
    code.j(0)

    with pytest.raises(CycleLimitFault):
        execute(load_elf(code.elf()), b"", Limits(cycles=100_000))


def test_an_input_fits_or_is_refused():
    code = Assembler()
    code.ecall()
    program = load_elf(code.elf())

    assert execute(program, bytes(12), Limits(input_bytes=16)).cycles == 1
    with pytest.raises(InputTooLongError):
        execute(program, bytes(13), Limits(input_bytes=16))


@pytest.mark.parametrize(
    "limits",
    [
        {"cycles": 0},
        {"cycles": -1},
        {"ram_bytes": 0},
        {"ram_bytes": 1026},
        {"ram_bytes": (1 << 30) + 4},
        {"input_bytes": (1 << 30) + 4},
        {"input_bytes": 7},
    ],
    ids=str,
)
def test_limits_that_the_machine_does_not_have_are_refused(limits):
    with pytest.raises(InvalidLimitsError):
        Limits(**limits)


def test_more_cycles_than_one_proof_covers_can_be_counted_but_not_recorded():
    code = Assembler()
    code.ecall()
    program = load_elf(code.elf())
    limits = Limits(cycles=MAXIMUM_CYCLES + 1)

    assert run_only(program, b"", limits).cycles == 1
    with pytest.raises(InvalidLimitsError):
        execute(program, b"", limits)


def test_an_image_beyond_the_ram_of_the_run_is_out_of_memory():
    segments = [Segment(0, b"\x73\0\0\0", EXECUTABLE), Segment(0x1000, b"\1", READABLE)]
    program = load_elf(elf_file(0, segments))

    assert execute(program, b"", Limits(ram_bytes=0x1004)).cycles == 1
    with pytest.raises(OutOfMemoryFault):
        execute(program, b"", Limits(ram_bytes=0x1000))
