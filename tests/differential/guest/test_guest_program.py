"""The guest as a program: its segments, its size, and what a transfer costs."""

import struct

from execution.guest import read_guest
from execution.types import Address, GenesisAccount
from execution.witness import encode_witness
from tests.differential.guest.growing_chain import GrowingChain
from tests.differential.guest.machine import guest_program, run_guest
from tests.differential.signing import Fields, make_key, sign

CODE_START = 0x0001_0000
EXECUTE, WRITE, READ = 1, 2, 4
LOG_PROGRAM_ROWS = 19
CYCLES_PER_TRANSFER = 130_000
CHAIN_ID = 7


def loaded_segments() -> list[tuple[int, ...]]:
    """Address, size in the file, size in memory and flags of each segment that is loaded."""
    elf = read_guest()
    (table,) = struct.unpack_from("<I", elf, 28)
    size, count = struct.unpack_from("<HH", elf, 42)
    headers = [struct.unpack_from("<8I", elf, table + size * at) for at in range(count)]
    return [
        (address, in_file, in_memory, flags)
        for kind, _, address, _, in_file, in_memory, flags, _ in headers
        if kind == 1
    ]


def test_code_only_executes_and_data_comes_right_behind_it() -> None:
    code, data = loaded_segments()
    assert code[0] == CODE_START
    assert code[3] == EXECUTE
    assert data[3] == READ | WRITE
    assert 0 <= data[0] - (code[0] + code[1]) < 32
    assert data[2] >= data[1]


def test_the_program_table_is_not_larger_than_planned() -> None:
    assert len(guest_program().rows.pc) <= 1 << LOG_PROGRAM_ROWS


def test_nothing_of_the_building_machine_is_in_the_program() -> None:
    elf = read_guest()
    for trace in (b"/home/", b"/root/", b"/usr/", b"/tmp/", b".cargo"):
        assert trace not in elf


def test_a_transfer_costs_no_more_than_planned() -> None:
    senders = [make_key(number) for number in range(1, 11)]
    alloc = {key.address: GenesisAccount(balance_wei=10**18) for key in senders}
    alloc |= {Address(number.to_bytes(20, "little")): GenesisAccount(1) for number in range(300)}
    chain = GrowingChain(CHAIN_ID, alloc)
    transfers = [
        sign(key, Fields(2, CHAIN_ID, 0, 21_000, number.to_bytes(20, "little"), 5))
        for number, key in enumerate(senders, start=100)
    ]
    chain.execute()
    chain.execute(transfers)
    empty, full = chain.batch(1, 1), chain.batch(2, 2)
    without = run_guest(encode_witness(empty.witness()))
    cost = run_guest(encode_witness(full.witness()))
    assert cost.proves(full.statement())
    assert (cost.cycles - without.cycles) / len(transfers) <= CYCLES_PER_TRANSFER
